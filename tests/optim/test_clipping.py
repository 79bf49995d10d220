"""Clipping: as torch.nn.utils, over all parameters together, and never in place."""

import math

import numpy as np
import pytest
import torch
from helpers import normal

from lecturelib import ops
from lecturelib.backend import move
from lecturelib.nn import Parameter
from lecturelib.optim.clipping import clip_grad_norm_, clip_grad_value_

SHAPES = [(3, 4), (5,), (), (2, 1, 3)]


def both(dtype=np.float64, scale=1.0):
    """The same parameters with the same gradients, ours and torch's; the last has none."""
    ours, theirs = [], []
    for i, shape in enumerate([*SHAPES, (2,)]):
        g = np.asarray(normal(*shape, seed=i) * scale, dtype)
        p, q = Parameter(np.zeros(shape, dtype)), torch.zeros(shape, dtype=torch.tensor(g).dtype)
        if i < len(SHAPES):
            p.grad, q.grad = g, torch.tensor(g)
        ours.append(p)
        theirs.append(q)
    return ours, theirs


def assert_equal_gradients(ours, theirs, rtol):
    for p, q in zip(ours, theirs, strict=True):
        assert (p.grad is None) == (q.grad is None)
        if q.grad is not None:
            assert isinstance(p.grad, np.ndarray) and p.grad.dtype == p.dtype
            np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=rtol)


@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-12), (np.float32, 1e-6)])
@pytest.mark.parametrize("max_norm", [0.01, 1, 5.0, np.float64(2.0), 1e3, math.inf])
def test_the_norm_is_clipped_as_by_torch(dtype, rtol, max_norm):
    ours, theirs = both(dtype)
    norm = clip_grad_norm_(ours, max_norm)
    expected = torch.nn.utils.clip_grad_norm_(theirs, float(max_norm))
    assert type(norm) is float and norm == pytest.approx(expected.item(), rel=rtol)
    assert_equal_gradients(ours, theirs, rtol)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("value", [0.1, 1, np.float64(0.5), 100.0])
def test_values_are_clipped_as_by_torch(dtype, value):
    ours, theirs = both(dtype)
    assert clip_grad_value_(ours, value) is None
    torch.nn.utils.clip_grad_value_(theirs, float(value))
    assert_equal_gradients(ours, theirs, 0)


def test_by_hand_the_length_is_that_of_all_and_the_direction_stays():
    p, q = Parameter(np.zeros(1)), Parameter(np.zeros(2))
    p.grad, q.grad = np.array([6.0]), np.array([0.0, -8.0])
    assert clip_grad_norm_([p, q], 5.0, eps=0) == 10
    np.testing.assert_allclose(np.concatenate([p.grad, q.grad]), [3, 0, -4], rtol=1e-15)
    assert clip_grad_norm_([p, q], 5.0, eps=0) == pytest.approx(5, rel=1e-15)
    np.testing.assert_allclose(q.grad, [0, -4], rtol=1e-15)


def test_short_gradients_are_left_alone():
    ours, _ = both()
    before = [p.grad for p in ours]
    clip_grad_norm_(ours, 1e3)
    assert all(p.grad is g for p, g in zip(ours, before, strict=True))


@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
def test_arrays_that_others_hold_are_not_written_into(clip):
    ours, _ = both()
    held = [p.grad for p in ours if p.grad is not None]
    copies = [np.copy(g) for g in held]
    clip(ours, 0.1)
    assert all(np.array_equal(g, c) for g, c in zip(held, copies, strict=True))
    assert np.abs(ours[0].grad).max() <= 0.1


@pytest.mark.parametrize("size", [1e30, 1e-30])
def test_squares_that_float32_cannot_hold(size):
    """An exploded gradient of 1e30 has a square of infinity, and a direction all the same."""
    p = Parameter(np.zeros(2, np.float32))
    p.grad = np.array([3, 4], np.float32) * np.float32(size)
    assert clip_grad_norm_([p], 5 * size / 10, eps=0) == pytest.approx(5 * size, rel=1e-6)
    np.testing.assert_allclose(p.grad, np.array([0.3, 0.4]) * size, rtol=1e-6)


def test_zero_missing_and_empty_gradients():
    p, q, r = Parameter(np.zeros(2)), Parameter(np.zeros(2)), Parameter(np.zeros((0, 3)))
    p.grad, r.grad = np.zeros(2), np.zeros((0, 3))
    for clip in (lambda: clip_grad_norm_([p, q, r], 1.0, eps=0), lambda: clip_grad_norm_(q, 1.0)):
        assert clip() == 0.0
    clip_grad_value_([p, q, r], 1.0)
    assert np.array_equal(p.grad, [0, 0]) and q.grad is None and r.grad.shape == (0, 3)


def test_one_parameter_or_a_generator_will_do():
    p = Parameter(np.zeros(2))
    p.grad = np.array([3.0, 4.0])
    clip_grad_norm_(p, 1.0)
    np.testing.assert_allclose(p.grad, [0.6, 0.8], rtol=1e-6)
    clip_grad_value_((x for x in [p]), 0.7)
    np.testing.assert_allclose(p.grad, [0.6, 0.7], rtol=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
def test_gradients_that_are_not_finite_stop_the_run(clip, bad):
    ours, _ = both()
    ours[1].grad = np.where(np.arange(5) == 2, bad, ours[1].grad)
    first = ours[0].grad
    with pytest.raises(FloatingPointError, match=r"parameter of shape \(5,\) is not finite"):
        clip(ours, 0.1)
    assert ours[0].grad is first


@pytest.mark.parametrize(
    "clip, name", [(clip_grad_norm_, "max_norm"), (clip_grad_value_, "clip_value")]
)
@pytest.mark.parametrize("limit", [0, -1.0, math.nan])
def test_limits_are_positive(clip, name, limit):
    with pytest.raises(ValueError, match=f"{name}: must be positive, got {limit}"):
        clip(both()[0], limit)


def test_bad_parameters_are_named():
    p = Parameter(np.zeros(2))
    with pytest.raises(ValueError, match="at least one Parameter is needed, each once; got 0"):
        clip_grad_norm_([], 1.0)
    with pytest.raises(ValueError, match="got 2, 1 different"):
        clip_grad_norm_([p, p], 1.0)
    with pytest.raises(TypeError, match=r"params\[1\]: a Parameter is needed, got ndarray"):
        clip_grad_value_([p, np.zeros(2)], 1.0)
    with pytest.raises(ValueError, match="eps: must be at least 0, got -1"):
        clip_grad_norm_(p, 1.0, eps=-1)


def test_a_cliff_is_left_with_a_short_step():
    """f = eˣ at x = 20: the full step flies to −1e7, the clipped one is 1 long."""
    x = Parameter(np.array(20.0))
    ops.exp(x).backward()
    clip_grad_norm_(x, 1.0)
    assert x.data - 1.0 * x.grad == pytest.approx(19)


@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
def test_gradients_that_are_arrays_of_torch(clip):
    ours, _ = both(np.float32)
    theirs, _ = both(np.float32)
    for p in theirs:
        p.data = move(p.data, "torch")
        p.grad = None if p.grad is None else move(p.grad, "torch")
    assert clip(ours, 0.3) == pytest.approx(clip(theirs, 0.3))
    for p, q in zip(ours[: len(SHAPES)], theirs, strict=False):
        assert isinstance(q.grad, torch.Tensor) and q.grad.dtype == torch.float32
        np.testing.assert_allclose(q.grad.numpy(), p.grad, rtol=1e-6)
