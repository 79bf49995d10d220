"""Reductions: any axes, ties, extremes that would overflow, nothing to reduce."""

import numpy as np
import pytest
import torch
from helpers import (
    CHECKS,
    Case,
    assert_close,
    check_name,
    normal,
    run,
    run_torch,
    torch_variables,
    variables,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lecturelib import Tensor, ops

X = normal
TIES = np.array([[1.0, 3.0, 3.0, 3.0], [2.0, 2.0, 0.0, -1.0], [5.0, 5.0, 5.0, 5.0]])
FAR = np.array([[1000.0, 1000.0, -1000.0], [-1000.0, -1001.0, -1002.0]])


def reduction(name, ours, theirs, x, axis=None, keepdims=False, **options):
    axes = tuple(range(x.ndim)) if axis is None else axis
    return Case(
        f"{name} of {x.shape} over {axis}{' kept' * keepdims}",
        lambda t: ours(t, axis=axis, keepdims=keepdims),
        lambda t: theirs(t, dim=axes, keepdim=keepdims),
        x,
        **options,
    )


def torch_var(x, dim, keepdim):
    return x.var(dim=dim, keepdim=keepdim, correction=0)


REDUCTIONS = {
    "sum": torch.sum,
    "mean": torch.mean,
    "max": torch.amax,
    "min": torch.amin,
    "logsumexp": torch.logsumexp,
    "var": torch_var,
}
CASES = [
    *(
        reduction(name, getattr(ops, name), theirs, X(2, 3, 4), axis, keepdims)
        for name, theirs in REDUCTIONS.items()
        for axis, keepdims in [
            (None, False),
            (0, False),
            (-1, True),
            (1, False),
            ((0, 2), False),
            ((-1, 0), True),
            (None, True),
        ]
    ),
    *(
        reduction(name, getattr(ops, name), theirs, X(1, 4), 0)
        for name, theirs in REDUCTIONS.items()
    ),
    *(
        reduction(name, getattr(ops, name), REDUCTIONS[name], X(0, 3), 1)
        for name in REDUCTIONS
        if name != "var"
    ),  # torch counts the 0 examples, and warns
    reduction("sum", ops.sum, torch.sum, X(0, 3), 0),
    reduction("logsumexp", ops.logsumexp, torch.logsumexp, X(0, 3), 0),
    reduction("max", ops.max, torch.amax, TIES, 1, kinks=True),
    reduction("min", ops.min, torch.amin, TIES, 0, kinks=True),
    reduction("max", ops.max, torch.amax, TIES, (0, 1), kinks=True),
    reduction("logsumexp", ops.logsumexp, torch.logsumexp, FAR, 1, kinks=True),
    Case("sum, 0-d", ops.sum, torch.sum, X()),
    Case("sum over no axis", lambda x: ops.sum(x, axis=()), lambda x: x * 1, X(2, 3)),
    Case("max, 0-d", ops.max, torch.amax, X()),
    Case("logsumexp, 0-d", ops.logsumexp, lambda x: torch.logsumexp(x, dim=()), X()),
    Case(
        "sum over a NumPy int", lambda x: ops.sum(x, axis=np.int64(1)), lambda x: x.sum(1), X(2, 3)
    ),
    Case(
        "mean over a NumPy int",
        lambda x: ops.mean(x, axis=np.int64(1)),
        lambda x: x.mean(1),
        X(2, 3),
    ),
    Case("var, corrected", lambda x: ops.var(x, axis=0, correction=1), lambda x: x.var(0), X(5, 3)),
    Case("std", ops.std, lambda x: x.std(correction=0), X(5, 3)),
    Case(
        "std, corrected",
        lambda x: ops.std(x, axis=1, correction=1, keepdims=True),
        lambda x: x.std(1, keepdim=True),
        X(3, 5),
    ),
    Case("softmax", ops.softmax, lambda x: x.softmax(-1), X(2, 3)),
    Case("softmax over rows", lambda x: ops.softmax(x, axis=0), lambda x: x.softmax(0), X(3, 2)),
    Case("softmax, far out", ops.softmax, lambda x: x.softmax(-1), FAR, kinks=True),
    Case("softmax, 0-d", ops.softmax, lambda x: x.softmax(-1), X()),
    Case("softmax, empty batch", ops.softmax, lambda x: x.softmax(-1), X(0, 3)),
    Case("log_softmax", ops.log_softmax, lambda x: x.log_softmax(-1), X(2, 3)),
    Case(
        "log_softmax of images",
        lambda x: ops.log_softmax(x, axis=1),
        lambda x: x.log_softmax(1),
        X(2, 3, 2, 2),
    ),
    Case("log_softmax, far out", ops.log_softmax, lambda x: x.log_softmax(-1), FAR, kinks=True),
    Case("log_softmax, empty batch", ops.log_softmax, lambda x: x.log_softmax(-1), X(0, 3)),
]


@pytest.mark.parametrize("check", CHECKS, ids=check_name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case, check):
    check(case)


@given(st.data(), st.sampled_from(sorted(REDUCTIONS)), st.booleans())
def test_any_axes(data, name, keepdims):
    x = normal(*data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=3)))
    axes = data.draw(hnp.valid_tuple_axes(x.ndim, min_size=1))
    out, grads = run(lambda t: getattr(ops, name)(t, axis=axes, keepdims=keepdims), variables([x]))
    expected, expected_grads = run_torch(
        lambda t: REDUCTIONS[name](t, dim=axes, keepdim=keepdims), torch_variables([x])
    )
    assert_close(out.data, expected.detach().numpy())
    assert_close(grads[0], expected_grads[0])


@pytest.mark.parametrize("name", ["max", "min"])
def test_equal_extremes_share_the_gradient(name):
    x = Tensor([2.0, 2.0, 2.0, 2.0], requires_grad=True)
    getattr(ops, name)(x).backward(8.0)
    assert_close(x.grad, [2, 2, 2, 2], np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("top", [-1e4, 0.0, 1e4])
def test_no_overflow(top, dtype):
    x = (np.array([[0.0, -1.0, -2.0]]) + top).astype(dtype)  # warnings are errors
    assert_close(ops.softmax(x), ops.softmax(x - x.dtype.type(top)), dtype)
    assert_close(ops.log_softmax(x), ops.log_softmax(x - x.dtype.type(top)), dtype)
    assert_close(ops.logsumexp(x), ops.logsumexp(x - x.dtype.type(top)) + x.dtype.type(top), dtype)


def test_logsumexp_at_infinity():
    x = np.array([[-np.inf, 1.0], [-np.inf, -np.inf], [np.inf, 0.0]])
    np.testing.assert_array_equal(ops.logsumexp(x, axis=1), [1, -np.inf, np.inf])
    assert ops.logsumexp(np.zeros(0)) == -np.inf  # the logarithm of an empty sum


def test_the_mean_of_integers_is_a_float():
    assert Tensor([1, 2]).mean().item() == 1.5


@pytest.mark.parametrize(
    "name", ["sum", "mean", "max", "min", "logsumexp", "var", "std", "softmax", "log_softmax"]
)
def test_an_axis_that_is_not_there_is_named(name):
    with pytest.raises(ValueError, match=r"\(x: \(2, 3\) float64\): axis 2 is out of bounds"):
        getattr(ops, name)(Tensor(np.zeros((2, 3))), axis=2)


def test_the_largest_of_nothing_is_an_error():
    with pytest.raises(ValueError, match=r"max\(x: \(0, 3\) float64\)"):
        ops.max(Tensor(np.zeros((0, 3))))


def test_an_axis_given_by_position_is_refused():
    """`ops.sum(x, 0)` would otherwise take 0 for a second array."""
    with pytest.raises(TypeError, match=r"sum: the arrays \(x\) are needed, got 2"):
        ops.sum(Tensor([1.0]), 0)
    assert Tensor([1.0, 2.0]).sum(0).item() == 3
