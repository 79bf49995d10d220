"""Dropout: its mean and spread, what shares a mask, both scalings, derivatives by the mask."""

import math

import numpy as np
import pytest
from helpers import assert_close, normal
from hypothesis import given
from hypothesis import strategies as st

from lecturelib import Tensor, gradients, nn
from lecturelib import functional as F
from lecturelib.analysis import gradcheck


def rng(seed=0):
    return np.random.default_rng(seed)


def ones(*shape, dtype=np.float32):
    return np.ones(shape, dtype)


BIG = ones(400, 500)
N = BIG.size


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.8])
def test_p_is_the_probability_to_drop_and_the_mean_is_kept(p):
    y = F.dropout(BIG, p, rng=rng())
    assert abs((y == 0).mean() - p) <= 5 * math.sqrt(p * (1 - p) / N)
    assert set(np.unique(y)) <= {np.float32(0), np.float32(1) / np.float32(1 - p)}
    assert y.dtype == np.float32
    g = F.gaussian_dropout(BIG, p, rng=rng())
    for noisy in (y, g):  # both have mean 1 and variance p / (1 − p)
        variance = p / (1 - p)
        assert abs(noisy.mean(dtype=float) - 1) <= 5 * math.sqrt(variance / N) + 1e-6
        assert noisy.var(dtype=float) == pytest.approx(variance, rel=0.03, abs=1e-9)
    assert p == 0 or len(np.unique(g)) > N / 20


def test_gaussian_noise_is_normal():
    g = F.gaussian_dropout(BIG.astype(float), 0.5, rng=rng())
    assert abs((np.abs(g - 1) < 1).mean() - math.erf(math.sqrt(0.5))) < 5 / math.sqrt(N)


def test_scaling_in_training_or_in_the_test():
    x = normal(6, 7)
    kept = F.dropout_mask(x, 0.3, rng=rng())
    assert kept.dtype == bool and kept.any() and not kept.all()
    assert_close(F.dropout(x, 0.3, rng=rng()), np.where(kept, x / 0.7, 0))
    assert_close(F.dropout(x, 0.3, scale="test", rng=rng()), np.where(kept, x, 0))
    assert F.dropout(x, 0.3, training=False, rng=rng()) is x
    assert_close(F.dropout(x, 0.3, False, scale="test", rng=rng()), x * 0.7)
    assert F.gaussian_dropout(x, 0.3, training=False, rng=rng()) is x


def test_all_or_nothing():
    x = normal(6, 7)
    for scale in ("train", "test"):
        assert np.all(F.dropout(x, 1.0, scale=scale, rng=rng()) == 0)
        assert np.array_equal(F.dropout(x, 0.0, scale=scale, rng=rng()), x)


@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    data=st.data(),
    p=st.floats(0, 1),
)
def test_elements_along_shared_axes_share_a_draw(shape, data, p):
    shared = tuple(data.draw(st.sets(st.sampled_from(range(len(shape))))))
    mask = F.dropout_mask(np.empty(shape), p, shared, rng=rng())
    assert mask.shape == tuple(1 if a in shared else n for a, n in enumerate(shape))
    x = rng(1).normal(size=shape)
    assert_close(F.dropout(x, p, scale="test", shared=shared, rng=rng()), x * mask)
    assert_close(F.dropout(x, p, scale="test", mask=mask, rng=rng(5)), x * mask)


def test_channels_are_dropped_whole():
    x = ones(200, 30, 2, 3)
    for y in (F.dropout2d(x, 0.4, rng=rng()), nn.Dropout2d(0.4, rng=rng())(x)):
        assert np.all(y == y[:, :, :1, :1])
        assert abs((y[:, :, 0, 0] == 0).mean() - 0.4) < 5 * math.sqrt(0.24 / 6000)
        assert len({row.tobytes() for row in y[:, :, 0, 0]}) == 200  # each image its own
    assert nn.Dropout2d(0.4, rng=rng()).eval()(x) is x


def test_derivatives_are_the_mask():
    mask = F.dropout_mask(np.empty((3, 4)), 0.5, rng=rng())
    gradcheck(lambda x: F.dropout(x, 0.5, mask=mask, rng=rng()) ** 2, normal(3, 4), order=2)
    gradcheck(lambda x: F.gaussian_dropout(x, 0.5, rng=rng()) ** 2, normal(3, 4), order=2)
    x = Tensor(normal(3, 4), requires_grad=True)
    (g,) = gradients(F.dropout(x, 0.5, rng=rng()).sum(), [x])
    assert_close(g, mask * 2.0)


def test_same_seed_same_mask():
    a, b, c = (F.dropout(BIG, 0.5, rng=rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(a, b) and not np.array_equal(a, c)


def test_masks_for_samples_batches_and_epochs():
    x = ones(50, 40)

    def draw(layer):
        return layer(x) == 0

    layer = nn.Dropout(0.5, rng=rng())
    first, second = draw(layer), draw(layer)
    assert len({row.tobytes() for row in first}) == 50 and not np.array_equal(first, second)
    layer = nn.Dropout(0.5, mask="batch", rng=rng())
    first, second = draw(layer), draw(layer)
    assert np.all(first == first[0]) and np.all(second == second[0])
    assert 0 < first[0].sum() < 40 and not np.array_equal(first, second)
    layer = nn.Dropout(0.5, mask="epoch", rng=rng())
    first, second = draw(layer), draw(layer)
    assert np.all(first == first[0]) and np.array_equal(first, second)
    assert np.array_equal(layer(x[:3]) == 0, first[:3])  # a last, smaller batch
    assert layer.eval()(x) is x
    assert np.array_equal(draw(layer.train()), first)
    layer.redraw()
    assert not np.array_equal(draw(layer), first)


def test_a_mask_of_another_shape_is_named():
    layer = nn.Dropout(0.5, mask="epoch", rng=rng())
    layer(ones(5, 4))
    with pytest.raises(ValueError, match=r"mask must be boolean.*x \(5, 1\).*got bool \(1, 4\)"):
        layer(ones(5, 1))


def test_modules_follow_their_mode_and_know_no_parameters():
    x = ones(50, 40)
    for layer in (
        nn.Dropout(0.2, rng=rng()),
        nn.GaussianDropout(0.2, rng=rng()),
        nn.Dropout(0.2, scale="test", rng=rng()),
    ):
        assert layer.parameters() == [] and repr(layer) == f"{type(layer).__name__}(0.2)"
        assert not np.array_equal(layer(x), layer(x))
        model = nn.Sequential(layer).eval()
        assert_close(model(x), x * (0.8 if getattr(layer, "scale", "") == "test" else 1),
                     np.float32)


def test_making_a_layer_draws_nothing():
    r = rng()
    nn.Dropout(rng=r), nn.Dropout2d(rng=r), nn.GaussianDropout(rng=r), nn.Swapout(nn.ReLU(), rng=r)
    assert r.random() == rng().random()


class Triple(nn.Module):
    """f(x) = 3 x: sums of x and f(x) tell which of them is there."""

    def forward(self, x):
        return 3 * x


def test_swapout_mixes_input_and_block():
    layer = nn.Swapout(Triple(), 0.2, 0.4, rng=rng())
    y = layer(BIG)
    for value, share in ((0, 0.08), (1, 0.32), (3, 0.12), (4, 0.48)):
        assert abs((y == value).mean() - share) < 5 * math.sqrt(share / N)
    assert_close(layer.eval()(BIG[:2]), BIG[:2] * (0.8 + 0.6 * 3), np.float32)
    x = Tensor(normal(3, 4), requires_grad=True)
    layer(x).sum().backward()
    assert_close(x.grad, np.full((3, 4), 2.6))


def test_swapout_can_skip_whole_blocks():
    """Stochastic depth: the input always passes, the block is dropped for whole examples."""
    layer = nn.Swapout(Triple(), 0.0, 0.5, shared=(1,), rng=rng())
    y = layer(BIG)
    assert np.all(y == y[:, :1]) and set(np.unique(y)) == {1, 4}
    assert abs((y[:, 0] == 1).mean() - 0.5) < 5 * math.sqrt(0.25 / 400)


@pytest.mark.parametrize("p", [-0.1, 1.5, math.nan])
@pytest.mark.parametrize(
    "call",
    [
        lambda p: F.dropout(BIG, p, rng=rng()),
        lambda p: F.dropout(BIG, p, training=False, rng=rng()),
        lambda p: F.dropout_mask(np.empty((2,)), p, rng=rng()),
        lambda p: F.gaussian_dropout(BIG, p, rng=rng()),
        lambda p: nn.Dropout(p, rng=rng()),
        lambda p: nn.Dropout2d(p, rng=rng()),
        lambda p: nn.GaussianDropout(p, rng=rng()),
        lambda p: nn.Swapout(nn.ReLU(), 0.5, p, rng=rng()),
    ],
)
def test_wrong_probabilities_are_named(call, p):
    with pytest.raises(ValueError, match=rf"dropout: p.* must be in \[0, 1.*, got {p}"):
        call(p)


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: F.dropout(BIG, scale="both", rng=rng()), ValueError, "scale must be .*got 'both'"),
        (lambda: nn.Dropout(scale="both", rng=rng()), ValueError, "scale must be .*got 'both'"),
        (lambda: nn.Dropout(mask="row", rng=rng()), ValueError, "Dropout: mask must be .*'row'"),
        (lambda: F.dropout(BIG, shared=(2,), rng=rng()), ValueError, r"axes of x \(400, 500\)"),
        (lambda: F.dropout(BIG, mask=BIG, rng=rng()), ValueError, "must be boolean .*float32"),
        (
            lambda: F.dropout(BIG[:1], mask=BIG > 0, rng=rng()),
            ValueError,
            r"x \(1, 500\).*got bool \(400, 500\)",
        ),
        (lambda: F.dropout2d(BIG, rng=rng()), ValueError, r"dropout2d: images .*\(400, 500\)"),
        (lambda: F.gaussian_dropout(BIG, 1, rng=rng()), ValueError, r"must be in \[0, 1\)"),
        (lambda: F.dropout(BIG, rng=0), TypeError, "rng: a numpy"),
        (lambda: F.dropout_mask(np.empty((2,)), 0.5, rng=0), TypeError, "rng: a numpy"),
        (lambda: F.gaussian_dropout(BIG, rng=0), TypeError, "rng: a numpy"),
        (lambda: nn.Dropout(rng=None), TypeError, "rng: a numpy"),
        (lambda: nn.Dropout(), TypeError, "rng"),
        (
            lambda: nn.Swapout(nn.Linear(500, 3, rng=rng()), rng=rng())(BIG),
            ValueError,
            r"Swapout: the block must keep the shape of x \(400, 500\), got \(400, 3\)",
        ),
    ],
)
def test_wrong_arguments_are_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
