"""Equivalent networks: other weights, the same function."""

from itertools import pairwise, permutations, product

import numpy as np
import pytest

from lecturelib import functional as F
from lecturelib import nn
from lecturelib.analysis.symmetry import (
    count_equivalent,
    flip_signs,
    permute_units,
    rescale_units,
)

RNG = np.random.default_rng


def mlp(*activations, dtype="float64", bias=True, sizes=(3, 4, 5, 2)):
    rng, layers = RNG(0), []
    activations = (activations or (nn.Tanh(),)) * (len(sizes) - 2)
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        layers += [nn.Linear(n_in, n_out, bias, rng=rng, dtype=dtype), *activations[i : i + 1]]
    return nn.Sequential(*layers[: 2 * len(sizes) - 3])


def convnet(activation, pool):
    rng = RNG(0)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, rng=rng, dtype="float64"),
        activation,
        pool,
        nn.Conv2d(3, 4, 2, rng=rng, dtype="float64"),
        activation,
        nn.Flatten(),
        nn.Linear(16, 5, rng=rng, dtype="float64"),
    )


IMAGES = RNG(7).normal(size=(3, 2, 8, 8))
VECTORS = RNG(7).normal(size=(6, 3))


def assert_equivalent(model, other, x, exact=False):
    state, other_state = model.state_dict(), other.state_dict()
    assert any(not np.array_equal(state[n], other_state[n]) for n in state)
    assert all(state[n].dtype == other_state[n].dtype for n in state)
    rtol = 0 if exact else 100 * np.finfo(x.dtype).eps
    np.testing.assert_allclose(other(x).data, model(x).data, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layer, units", [(0, 4), (2, 5)])
def test_all_three_on_a_perceptron(layer, units, bias, dtype):
    x, order = VECTORS.astype(dtype), np.roll(np.arange(units), 1)
    for activation in (nn.Tanh(), nn.Sigmoid(), nn.ReLU(), nn.GELU(), nn.PReLU(dtype=dtype)):
        model = mlp(activation, dtype=dtype, bias=bias)
        assert_equivalent(model, permute_units(model, layer, order), x)
    model = mlp(nn.Tanh(), dtype=dtype, bias=bias)
    assert_equivalent(model, flip_signs(model, layer, [0, 3]), x, exact=True)
    model = mlp(nn.LeakyReLU(), dtype=dtype, bias=bias)
    powers = 2.0 ** np.arange(-1, units - 1)
    assert_equivalent(model, rescale_units(model, layer, powers), x, exact=True)
    assert_equivalent(model, rescale_units(model, layer, 3 * powers), x)


@pytest.mark.parametrize("layer, units", [(0, 3), (3, 4)])
def test_channels_of_convolutions(layer, units):
    order = np.roll(np.arange(units), 1)
    for pool in (nn.MaxPool2d(2), nn.AvgPool2d(2), nn.LSEPool2d(2)):
        model = convnet(nn.Softplus(), pool)
        assert_equivalent(model, permute_units(model, layer, order), IMAGES)
    model = convnet(nn.Tanh(), nn.AvgPool2d(2))
    assert_equivalent(model, flip_signs(model, layer, [1]), IMAGES, exact=True)
    model = convnet(nn.ReLU(), nn.MaxPool2d(2))
    assert_equivalent(model, rescale_units(model, layer, np.arange(1, units + 1)), IMAGES)


def test_global_pooling_between_channels_and_columns():
    rng = RNG(0)
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3, rng=rng, dtype="float64"),
        nn.ReLU(),
        nn.GlobalAvgPool2d(),
        nn.Linear(3, 2, rng=rng, dtype="float64"),
    )
    assert_equivalent(model, permute_units(model, 0, [2, 0, 1]), IMAGES)


def test_unit_i_of_the_copy_is_unit_permutation_i():
    model = mlp()
    copy = permute_units(model, 0, [2, 0, 3, 1])
    np.testing.assert_array_equal(copy[0].weight.data, model[0].weight.data[[2, 0, 3, 1]])
    np.testing.assert_array_equal(copy[0].bias.data, model[0].bias.data[[2, 0, 3, 1]])
    np.testing.assert_array_equal(copy[2].weight.data, model[2].weight.data[:, [2, 0, 3, 1]])


def test_the_model_stays_and_shares_nothing():
    model = mlp()
    before = model.state_dict()
    for copy in (permute_units(model, 0, [1, 0, 2, 3]), flip_signs(model, 2, [4])):
        for p, q in zip(copy.parameters(), model.parameters(), strict=True):
            assert p is not q and not np.shares_memory(p.data, q.data)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_gradients_differ_although_the_functions_do_not():
    """Rescaling changes the size of gradients: gradient descent sees more than the function."""
    model = mlp(nn.ReLU())
    scaled = rescale_units(model, 0, [8.0] * 4)
    for m in (model, scaled):
        F.mse_loss(m(VECTORS), np.ones((6, 2))).backward()
    np.testing.assert_allclose(scaled[0].weight.grad, model[0].weight.grad / 8, rtol=1e-12)
    np.testing.assert_allclose(scaled[2].weight.grad, model[2].weight.grad * 8, rtol=1e-12)


def test_the_count_is_that_of_the_networks():
    """All orders and signs of 3 tanh units: 48 settings, all different, one function."""
    model = mlp(sizes=(2, 3, 1))
    x, settings = RNG(0).normal(size=(4, 2)), set()
    for order in permutations(range(3)):
        for signs in product([False, True], repeat=3):
            copy = flip_signs(permute_units(model, 0, order), 0, np.flatnonzero(signs))
            np.testing.assert_allclose(copy(x).data, model(x).data, rtol=1e-12)
            settings.add(b"".join(p.data.tobytes() for p in copy.parameters()))
    assert len(settings) == count_equivalent(model) == 48


def test_counts():
    assert count_equivalent(mlp(nn.Tanh())) == (24 * 2**4) * (120 * 2**5)
    assert count_equivalent(mlp(nn.ReLU())) == 24 * 120
    assert count_equivalent(mlp(nn.Sigmoid(), nn.Tanh())) == 24 * 120 * 2**5
    assert count_equivalent(convnet(nn.Tanh(), nn.MaxPool2d(2))) == 6 * 24 * 2**4
    assert count_equivalent(mlp(sizes=(3, 2))) == 1
    assert count_equivalent(mlp(nn.ReLU(), sizes=(1, 100, 1))) > 10**157


@pytest.mark.parametrize(
    "change, model, message",
    [
        (flip_signs, mlp(nn.ReLU()), r"odd.*ReLU\(\) is not known"),
        (flip_signs, mlp(nn.Sigmoid()), "odd"),
        (rescale_units, mlp(nn.Tanh()), r"Tanh\(\) is not known"),
        (rescale_units, mlp(nn.ELU()), "as ReLU is"),
        (permute_units, mlp(nn.LayerNorm(4)), "same function of every unit"),
        (permute_units, mlp(nn.Softmax()), "Softmax"),
        (permute_units, mlp(nn.PReLU(4)), "PReLU"),
        (permute_units, mlp(nn.Sequential(nn.Tanh())), "Sequential"),
    ],
)
def test_activations_that_do_not_allow_it(change, model, message):
    argument = {flip_signs: [0], rescale_units: np.ones(4), permute_units: [1, 0, 2, 3]}[change]
    with pytest.raises(ValueError, match=message):
        change(model, 0, argument)


def test_a_smooth_maximum_is_not_homogeneous():
    model = convnet(nn.ReLU(), nn.LSEPool2d(2))
    with pytest.raises(ValueError, match="LSEPool2d"):
        rescale_units(model, 0, np.ones(3))


def test_layers_that_are_not_hidden():
    for layer in (1, 4, 5, -1, "0", None):
        with pytest.raises(ValueError, match=r"one of \[0, 2\], got"):
            permute_units(mlp(), layer, [0])
    with pytest.raises(TypeError, match="Sequential"):
        permute_units(nn.Linear(2, 2, rng=RNG(0)), 0, [0, 1])
    with pytest.raises(TypeError, match="Sequential"):
        count_equivalent(nn.Linear(2, 2, rng=RNG(0)))


def test_arguments_that_do_not_fit():
    for order in ([0, 1, 2], [0, 1, 2, 2], [1, 2, 3, 4], [[0, 1, 2, 3]]):
        with pytest.raises(ValueError, match="permutation: the numbers 0 to 3"):
            permute_units(mlp(), 0, order)
    for units in ([4], [-1], [0, 7]):
        with pytest.raises(ValueError, match=r"units: positions in \[0, 4\)"):
            flip_signs(mlp(), 0, units)
    for factors in ([1, 2, 3], [1, 2, 3, 0], [1, 2, 3, -1], [1, 2, 3, np.inf], 2.0):
        with pytest.raises(ValueError, match="factors: 4 positive numbers"):
            rescale_units(mlp(nn.ReLU()), 0, factors)


def test_layers_that_do_not_meet():
    rng = RNG(0)
    tied = nn.Linear(4, 4, rng=rng)
    for model, message in (
        (nn.Sequential(tied, nn.Tanh(), tied), "shares its weight"),
        (
            nn.Sequential(nn.Conv2d(2, 4, 1, groups=2, rng=rng), nn.Conv2d(4, 4, 1, rng=rng)),
            "groups",
        ),
        (
            nn.Sequential(nn.Conv2d(2, 4, 1, rng=rng), nn.Conv2d(4, 4, 1, groups=4, rng=rng)),
            "groups",
        ),
        # a Linear on the last axis of images, or of sequences that are flattened afterwards
        (nn.Sequential(nn.Conv2d(2, 4, 1, rng=rng), nn.Linear(4, 2, rng=rng)), "as its inputs"),
        (nn.Sequential(nn.Linear(4, 4, rng=rng), nn.Conv2d(4, 2, 1, rng=rng)), "as its inputs"),
        (
            nn.Sequential(nn.Linear(3, 4, rng=rng), nn.Flatten(), nn.Linear(8, 2, rng=rng)),
            "as its inputs",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            permute_units(model, 0, [1, 0, 2, 3])


def test_dropout_may_stand_between_in_evaluation():
    rng = RNG(0)
    model = nn.Sequential(
        nn.Linear(3, 4, rng=rng), nn.Tanh(), nn.Dropout(0.5, rng=rng), nn.Linear(4, 2, rng=rng)
    ).eval()
    assert_equivalent(model, flip_signs(model, 0, [1]), VECTORS.astype("float32"), exact=True)
