"""Initial values: ranges and moments by their formulas, the generator given and no other."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lecturelib import Tensor, init, nn
from lecturelib.nn import Parameter

SHAPE = (80, 30, 5, 5)  # fan_in 750, fan_out 2000: 300,000 numbers
FAN_IN, FAN_OUT = 750, 2000
DRAWS = {
    "uniform": (lambda w, rng: init.uniform_(w, -2, 3, rng=rng), 0.5, 5 / math.sqrt(12), (-2, 3)),
    "normal": (lambda w, rng: init.normal_(w, 1.5, 0.2, rng=rng), 1.5, 0.2, None),
    "xavier_uniform": (
        lambda w, rng: init.xavier_uniform_(w, rng=rng),
        0,
        math.sqrt(2 / 2750),
        (-math.sqrt(6 / 2750), math.sqrt(6 / 2750)),
    ),
    "xavier_uniform, gain": (
        lambda w, rng: init.xavier_uniform_(w, 3, rng=rng),
        0,
        3 * math.sqrt(2 / 2750),
        (-3 * math.sqrt(6 / 2750), 3 * math.sqrt(6 / 2750)),
    ),
    "xavier_normal": (
        lambda w, rng: init.xavier_normal_(w, 2.0, rng=rng),
        0,
        2 * math.sqrt(2 / 2750),
        None,
    ),
    "kaiming_uniform": (
        lambda w, rng: init.kaiming_uniform_(w, rng=rng),
        0,
        math.sqrt(2 / 750),
        (-math.sqrt(6 / 750), math.sqrt(6 / 750)),
    ),
    "kaiming_uniform, leaky": (
        lambda w, rng: init.kaiming_uniform_(w, math.sqrt(5), rng=rng),
        0,
        math.sqrt(1 / 3 / 750),
        (-1 / math.sqrt(750), 1 / math.sqrt(750)),
    ),
    "kaiming_normal": (
        lambda w, rng: init.kaiming_normal_(w, rng=rng),
        0,
        math.sqrt(2 / 750),
        None,
    ),
    "kaiming_normal, leaky": (
        lambda w, rng: init.kaiming_normal_(w, 0.5, rng=rng),
        0,
        math.sqrt(2 / 1.25 / 750),
        None,
    ),
    "kaiming_normal, fan_out": (
        lambda w, rng: init.kaiming_normal_(w, mode="fan_out", rng=rng),
        0,
        math.sqrt(2 / 2000),
        None,
    ),
    "kaiming_uniform, fan_out, tanh": (
        lambda w, rng: init.kaiming_uniform_(w, 0, "fan_out", "tanh", rng=rng),
        0,
        5 / 3 / math.sqrt(2000),
        (-5 / 3 * math.sqrt(3 / 2000), 5 / 3 * math.sqrt(3 / 2000)),
    ),
    "lecun_normal": (
        lambda w, rng: init.lecun_normal_(w, rng=rng),
        0,
        1 / math.sqrt(750),
        None,
    ),
    "orthogonal": (  # rows of 750 numbers, each of length 1
        lambda w, rng: init.orthogonal_(w, rng=rng),
        0,
        1 / math.sqrt(750),
        None,
    ),
}


@pytest.mark.parametrize("fill, mean, std, bounds", DRAWS.values(), ids=DRAWS)
def test_moments_and_bounds(fill, mean, std, bounds):
    w = Parameter(np.zeros(SHAPE), dtype=np.float32)
    assert fill(w, np.random.default_rng(0)) is w
    assert w.dtype == np.float32 and w.shape == SHAPE and w.requires_grad
    n = w.size
    assert abs(w.data.mean(dtype=float) - mean) < 5 * std / math.sqrt(n)
    assert abs(w.data.std(dtype=float) / std - 1) < 5 / math.sqrt(n)
    if bounds:
        low, high = bounds
        reach = high - low
        assert (
            low <= w.data.min() < low + 1e-3 * reach and high - 1e-3 * reach < w.data.max() <= high
        )


@pytest.mark.parametrize("fill, mean, std, bounds", DRAWS.values(), ids=DRAWS)
def test_same_seed_same_numbers_and_no_global_state(fill, mean, std, bounds):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    a, b, c = (
        fill(Tensor(np.zeros((3, 4))), np.random.default_rng(seed)).data for seed in (7, 7, 8)
    )
    assert np.array_equal(a, b) and not np.array_equal(a, c)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    "name",
    [
        "uniform_",
        "normal_",
        "xavier_uniform_",
        "xavier_normal_",
        "kaiming_uniform_",
        "kaiming_normal_",
        "lecun_normal_",
        "orthogonal_",
    ],
)
def test_a_generator_is_needed(name):
    w = Tensor(np.zeros((3, 4)))
    with pytest.raises(TypeError, match="rng"):
        getattr(init, name)(w)
    for rng in (0, None, np.random):
        with pytest.raises(TypeError, match=r"rng: a numpy\.random\.Generator is needed"):
            getattr(init, name)(w, rng=rng)


def test_constant():
    w = Tensor(np.zeros((2, 3), np.float32))
    assert init.constant_(w, 0.5) is w
    assert w.dtype == np.float32 and np.all(w.data == 0.5)


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 5, 5), (4, 3, 2)])
def test_fans_are_those_of_torch(shape):
    expected = torch.nn.init._calculate_fan_in_and_fan_out(torch.zeros(shape))
    assert init.fans(Tensor(np.zeros(shape))) == expected


@pytest.mark.parametrize("shape", [(), (3,)])
def test_fans_need_a_matrix(shape):
    with pytest.raises(ValueError, match=r"fans: a weight of shape \(out, in, …\)"):
        init.fans(Tensor(np.zeros(shape)))


def test_filling_leaves_the_old_array_alone():
    w = Tensor(np.zeros(3))
    old = w.data
    init.constant_(w, 1)
    assert np.all(old == 0)


@given(
    shape=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    gain=st.floats(0.1, 3),
    seed=st.integers(0, 9),
)
def test_orthogonal(shape, gain, seed):
    w = Tensor(np.zeros(shape))
    assert init.orthogonal_(w, gain, rng=np.random.default_rng(seed)) is w
    m = w.data.reshape(shape[0], -1)
    small = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(small, gain**2 * np.eye(len(small)), atol=1e-13 * gain**2)


def test_orthogonal_is_uniform():
    """Uniform on the circle of rotations and reflections: no element prefers a sign."""
    rng = np.random.default_rng(0)
    w = Tensor(np.zeros((2, 2)))
    draws = np.array([init.orthogonal_(w, rng=rng).data for _ in range(2000)])
    assert np.abs(draws.mean(axis=0)).max() < 5 * math.sqrt(0.5 / 2000)


@pytest.mark.parametrize(
    "args",
    [(n,) for n in ("linear", "conv1d", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu")]
    + [("leaky_relu", 0.3), ("leaky_relu", 0), ("relu", 5)],
)
def test_gains_are_those_of_torch(args):
    assert init.calculate_gain(*args) == pytest.approx(torch.nn.init.calculate_gain(*args))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda w, rng: init.calculate_gain("swish"), r"nonlinearity must be one of \('linear'"),
        (lambda w, rng: init.kaiming_normal_(w, mode="fan", rng=rng), "mode: .*got 'fan'"),
        (lambda w, rng: init.kaiming_uniform_(w, nonlinearity="gelu", rng=rng), "got 'gelu'"),
        (lambda w, rng: init.orthogonal_(Tensor([0.0, 0.0]), rng=rng), r"got \(2,\)"),
        (lambda w, rng: init.orthogonal_(Tensor(0.0), rng=rng), r"got \(\)"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(Tensor(np.zeros((2, 3))), np.random.default_rng(0))


def deep(rng):
    hidden = [m for _ in range(8) for m in (nn.Linear(30, 30, rng=rng), nn.Tanh())]
    last = nn.Linear(30, 5, rng=rng)
    return nn.Sequential(nn.Flatten(), nn.Sequential(*hidden), nn.PReLU(), last)


def test_lsuv_gives_every_layer_unit_variance():
    rng = np.random.default_rng(0)
    model, x = deep(rng), (3 * rng.normal(size=(200, 5, 6))).astype(np.float32)
    assert nn.lsuv_(model, x, rng=rng) is model
    outputs = [model[0](x)]
    for layer in (*[m for _, m in model[1].named_children()], model[2], model[3]):
        outputs.append(layer(outputs[-1]))
        if isinstance(layer, nn.Linear):
            assert abs(outputs[-1].data.var() - 1) < 0.1
            m = layer.weight.data @ layer.weight.data.T  # still orthogonal but for its scale
            np.testing.assert_allclose(m / m[0, 0], np.eye(len(m)), atol=1e-5)
            assert layer.weight.dtype == np.float32 and layer.weight.requires_grad
    assert outputs[-1].requires_grad  # recording goes on after it


def test_lsuv_names_what_it_cannot_do():
    rng = np.random.default_rng(0)
    model = deep(rng)
    with pytest.raises(ValueError, match=r"output of Linear\(30, 30, .*\) has variance 0"):
        nn.lsuv_(nn.Sequential(nn.Linear(30, 30, bias=False, rng=rng)), np.zeros((4, 30), "f"),
                 rng=rng)
    with pytest.raises(TypeError, match="rng: a numpy"):
        nn.lsuv_(model, np.zeros((4, 30), "f"), rng=0)

    class Two(nn.Module):
        """Its forward could do anything."""

        def __init__(self):
            self.a = nn.Linear(30, 30, rng=rng)

    with pytest.raises(TypeError, match="a Sequential of layers is needed, got a Two"):
        nn.lsuv_(nn.Sequential(Two()), np.zeros((4, 30), "f"), rng=rng)
