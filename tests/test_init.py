"""Initial values: ranges and moments by their formulas, the generator given and no other."""

import math

import numpy as np
import pytest
import torch

from lecturelib import Tensor, init
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
