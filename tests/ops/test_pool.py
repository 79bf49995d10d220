"""Pooling of any size, stride and padding; ties; the smooth maximum between its limits."""

from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from helpers import (
    CHECKS,
    Case,
    agrees_on_torch_arrays,
    assert_close,
    check_name,
    normal,
    run,
    run_torch,
    second_order_agrees_on_torch_arrays,
    torch_variables,
    variables,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from lecturelib import Tensor, ops
from lecturelib.ops.pool import put_winners, take_winners

X = normal
TIES = np.array([[[[1, 2, 2, 0], [2, 1, 2, 2], [3, 3, 0, 0], [3, 3, 0, -1.0]]]])


def lse(x, size, temperature, stride=None):
    """Log-mean-exp in torch, from its unfold."""
    columns = TF.unfold(x, size, stride=stride or size)
    columns = columns.reshape(*x.shape[:2], size * size, -1) / temperature
    out = temperature * (columns.logsumexp(2) - np.log(size * size))
    side = round(out.shape[2] ** 0.5)
    return out.reshape(*x.shape[:2], side, side)


def both(name, function, peer, x, *args, **kwargs):
    """A case of two functions that take the same arguments."""
    return Case(name, lambda v: function(v, *args), lambda v: peer(v, *args), x, **kwargs)


MAX, AVG = (ops.max_pool2d, TF.max_pool2d), (ops.avg_pool2d, TF.avg_pool2d)
ADAPTIVE = (ops.adaptive_avg_pool2d, TF.adaptive_avg_pool2d)
CASES = [
    both("max 2×2", *MAX, X(2, 2, 4, 4), 2),
    both("max with a rest", *MAX, X(1, 2, 5, 3), 2),
    both("max 3×3 that overlap", *MAX, X(1, 2, 5, 6), 3, 2, 1),
    both("max of pairs of attributes", *MAX, X(1, 2, 5, 6), (3, 2), (1, 2), (1, 0)),
    both("max with gaps", *MAX, X(1, 1, 6, 6), 2, 3),
    both("max 1×1", *MAX, X(1, 1, 3, 3), 1),
    both("max of all", *MAX, X(2, 2, 3, 3), 3),
    both("max, empty batch", *MAX, X(0, 2, 4, 4), 2),
    both("max at ties", *MAX, TIES, 2, kinks=True),
    both("max at ties that overlap", *MAX, TIES, 3, 1, 1, kinks=True),
    both("average 2×2", *AVG, X(2, 2, 4, 4), 2),
    both("average with a rest", *AVG, X(1, 2, 5, 3), 2),
    both("average 3×3 that overlap", *AVG, X(1, 2, 5, 6), 3, 2, 1),
    both("average of pairs of attributes", *AVG, X(1, 2, 5, 6), (3, 2), (1, 2), (1, 0)),
    both("average 1×1", *AVG, X(1, 1, 3, 3), 1),
    both("average, empty batch", *AVG, X(0, 2, 4, 4), 2),
    Case(
        "average without the padding",
        lambda x: ops.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        lambda x: TF.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        X(1, 2, 5, 6),
    ),
    both("adaptive, windows of two sizes", *ADAPTIVE, X(2, 2, 5, 7), 3),
    both("adaptive, to one", *ADAPTIVE, X(2, 2, 5, 7), 1),
    both("adaptive, larger than the image", *ADAPTIVE, X(1, 2, 2, 3), (3, 5)),
    both("adaptive, one axis kept", *ADAPTIVE, X(1, 2, 4, 3), (2, None)),
    # squared, or the second derivative is zero
    both("max, squared", *[lambda *a, f=f: f(*a) ** 2 for f in MAX], X(1, 2, 5, 6), 3, 2, 1),
    both("max at ties, squared", *[lambda *a, f=f: f(*a) ** 2 for f in MAX], TIES, 2, kinks=True),
    both("average, squared", *[lambda *a, f=f: f(*a) ** 2 for f in AVG], X(1, 2, 5, 6), 3, 2, 1),
    Case("global average", ops.global_avg_pool2d, lambda x: x.mean((2, 3)), X(2, 3, 2, 4)),
    both("smooth maximum", ops.lse_pool2d, lse, X(2, 2, 4, 4), 2, 1.0),
    both("smooth maximum, cold, overlapping", ops.lse_pool2d, lse, X(1, 2, 4, 4), 2, 0.3, 1),
    Case("smooth maximum, padding", lambda x: ops.lse_pool2d(x, 3, 2.0, 2, 1), None, X(1, 2, 4, 5)),
]


@pytest.mark.parametrize("check", CHECKS, ids=check_name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case, check):
    check(case)


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@given(st.data())
@settings(max_examples=40)
def test_any_size_stride_and_padding_with_many_ties(data):
    size, stride = data.draw(pairs(1, 4)), data.draw(st.none() | pairs(1, 4))
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in size)
    image = [max(1, k - 2 * p) + data.draw(st.integers(0, 4)) for k, p in zip(size, padding)]
    x = np.round(normal(data.draw(st.integers(0, 2)), 2, *image))
    how = size, stride, padding
    for dtype in (np.float32, np.float64):
        for ours, theirs in (MAX, AVG):
            out, (g,) = run(lambda v, f=ours: f(v, *how), variables([x], dtype))
            ts = torch_variables([x], dtype)
            expected, (e,) = run_torch(lambda v, f=theirs: f(v, *how), ts)
            assert_close(out.data, expected.detach().numpy(), dtype)
            assert_close(g, e, dtype)
    for ours, _ in (MAX, AVG):
        case = Case("any", lambda v, f=ours: f(v, *how), None, x)
        agrees_on_torch_arrays(case)
        second_order_agrees_on_torch_arrays(case)


@given(st.integers(1, 7), st.integers(1, 7), pairs(1, 9))
@settings(max_examples=30)
def test_adaptive_windows_are_torchs(height, width, size):
    x = normal(1, 2, height, width)
    expected = TF.adaptive_avg_pool2d(torch.tensor(x), size).numpy()
    assert_close(ops.adaptive_avg_pool2d(x, size), expected)


def test_of_equal_elements_the_first_gets_the_gradient():
    x = Tensor([[[[1, 2.0], [2, 2]]]], requires_grad=True)
    ops.max_pool2d(x, 2).backward(np.ones((1, 1, 1, 1)))
    assert np.array_equal(x.grad, [[[[0, 1], [0, 0]]]])  # row by row, not column by column


def test_taking_and_putting_winners_are_adjoint():
    """⟨take x, g⟩ = ⟨x, put g⟩, where windows overlap and stick out."""
    how = {"size": (3, 2), "stride": (1, 1), "padding": (1, 1)}
    x, g = normal(2, 1, 4, 4), normal(2, 1, 4, 5)
    winners = np.random.default_rng(0).integers(0, 6, g.shape)
    winners[:, :, [0, -1]] = 2  # the middle row of the window, inside the image, left or
    winners[..., 0], winners[..., -1] = 3, 2  # right, whichever is inside
    taken = take_winners(x, winners=winners, **how)
    put = put_winners(g, winners=winners, shape=x.shape, **how)
    np.testing.assert_allclose((taken * g).sum(), (x * put).sum())


def test_the_smooth_maximum_lies_between_mean_and_maximum():
    x = normal(2, 3, 6, 6)
    largest, mean = ops.max_pool2d(x, 3), ops.avg_pool2d(x, 3)
    smooth = [ops.lse_pool2d(x, 3, temperature=t) for t in (1e-3, 0.1, 1, 10, 1e4)]
    np.testing.assert_allclose(smooth[0], largest, atol=1e-3 * np.log(9))
    np.testing.assert_allclose(smooth[-1], mean, atol=1e-3)
    for colder, warmer in pairwise(smooth):
        assert (colder > warmer).all()
    assert (smooth[0] <= largest).all() and (smooth[-1] >= mean).all()


def test_the_smooth_maximum_leaves_out_the_padding_and_does_not_overflow():
    x = np.full((1, 1, 3, 3), -5.0)
    assert_close(ops.lse_pool2d(x, 2, stride=1, padding=1), np.full((1, 1, 4, 4), -5.0))
    big = np.full((1, 1, 2, 2), 1e4, np.float32)
    assert_close(ops.lse_pool2d(big, 2, temperature=0.01), [[[[1e4]]]], np.float32)


X4 = Tensor(np.zeros((2, 3, 5, 5), np.float32), requires_grad=True)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ops.max_pool2d(X4[0], 2), r"max_pool2d: x must be \(N, C, H, W\).*x\[None\]"),
        (lambda: ops.max_pool2d(X4, 6), r"max_pool2d: a window of \(6, 6\) is larger.*\(5, 5\)"),
        (lambda: ops.max_pool2d(X4, 2, 0), r"max_pool2d: stride must be an integer ≥ 1"),
        (lambda: ops.max_pool2d(X4, 0), r"kernel_size must be an integer ≥ 1.*got 0"),
        (lambda: ops.max_pool2d(X4, 3, 2, 2), r"padding \(2, 2\) must be at most half.*\(3, 3\)"),
        (lambda: ops.avg_pool2d(X4, 2, padding=-1), r"avg_pool2d: padding must be an integer ≥ 0"),
        (lambda: ops.avg_pool2d(X4, 1, padding=1), r"avg_pool2d: padding \(1, 1\) must be at"),
        (lambda: ops.adaptive_avg_pool2d(X4, 0), r"adaptive_avg_pool2d: output_size must be"),
        (lambda: ops.adaptive_avg_pool2d(X4, (1, 2, 3)), r"output_size must be.*\(1, 2, 3\)"),
        (lambda: ops.adaptive_avg_pool2d(X4[0], 1), r"adaptive_avg_pool2d: x must be"),
        (lambda: ops.adaptive_avg_pool2d(X4[:, :, :0], 1), r"\(2, 3, 0, 5\) has no pixels"),
        (lambda: ops.global_avg_pool2d(X4[0]), r"global_avg_pool2d: x must be"),
        (lambda: ops.lse_pool2d(X4, 2, 0), r"temperature must be positive, got 0"),
        (lambda: ops.lse_pool2d(X4, 6), r"lse_pool2d: a window of \(6, 6\)"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
