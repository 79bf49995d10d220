"""Products of matrices in every combination of dimensions, and the linear layer's product."""

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
CASES = [
    Case("matrix @ matrix", ops.matmul, torch.matmul, X(2, 3), X(3, 4)),
    Case("square", ops.matmul, torch.matmul, X(3, 3), X(3, 3, seed=1)),
    Case("matrix @ vector", ops.matmul, torch.matmul, X(2, 3), X(3)),
    Case("vector @ matrix", ops.matmul, torch.matmul, X(2), X(2, 3)),
    Case("vector @ vector", ops.matmul, torch.matmul, X(3), X(3, seed=1)),
    Case("stack @ stack", ops.matmul, torch.matmul, X(4, 2, 3), X(4, 3, 2)),
    Case("stack @ matrix", ops.matmul, torch.matmul, X(4, 2, 3), X(3, 2)),
    Case("matrix @ stack", ops.matmul, torch.matmul, X(2, 3), X(4, 3, 2)),
    Case("stacks that broadcast", ops.matmul, torch.matmul, X(5, 1, 2, 3), X(4, 3, 2)),
    Case("stack @ vector", ops.matmul, torch.matmul, X(4, 2, 3), X(3)),
    Case("vector @ stack", ops.matmul, torch.matmul, X(2), X(4, 2, 3)),
    Case("empty batch", ops.matmul, torch.matmul, X(0, 3), X(3, 2)),
    Case("sum of nothing", ops.matmul, torch.matmul, X(2, 0), X(0, 3)),
    Case(
        "linear",
        lambda x, w, b: ops.linear(x, w, b),
        torch.nn.functional.linear,
        X(5, 3),
        X(2, 3),
        X(2),
    ),
    Case(
        "linear, no bias",
        lambda x, w: ops.linear(x, w, None),
        torch.nn.functional.linear,
        X(5, 3),
        X(2, 3),
    ),
    Case("linear, one vector", ops.linear, torch.nn.functional.linear, X(3), X(2, 3), X(2)),
    Case("linear, one example", ops.linear, torch.nn.functional.linear, X(1, 3), X(2, 3), X(2)),
    Case("linear, three axes", ops.linear, torch.nn.functional.linear, X(2, 4, 3), X(2, 3), X(2)),
    Case("linear, empty batch", ops.linear, torch.nn.functional.linear, X(0, 3), X(2, 3), X(2)),
    Case(
        "linear, one bias for all", ops.linear, lambda x, w, b: x @ w.T + b, X(5, 3), X(2, 3), X(1)
    ),
]


@pytest.mark.parametrize("check", CHECKS, ids=check_name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case, check):
    check(case)


@given(st.data())
def test_any_shapes_that_fit(data):
    shapes = data.draw(
        hnp.mutually_broadcastable_shapes(
            signature=np.matmul.signature, max_dims=2, min_side=0, max_side=3
        )
    ).input_shapes
    arrays = [normal(*shape, seed=i) for i, shape in enumerate(shapes)]
    out, grads = run(lambda x, y: x @ y, variables(arrays))
    expected, expected_grads = run_torch(torch.matmul, torch_variables(arrays))
    assert_close(out.data, expected.detach().numpy())
    for g, e in zip(grads, expected_grads, strict=True):
        assert_close(g, e)


def test_linear_does_not_write_into_its_arguments():
    x, w, b = normal(4, 3), normal(2, 3), normal(2)
    copies = x.copy(), w.copy(), b.copy()
    run(ops.linear, variables([x, w, b]))
    ops.linear(x, w, b)
    for a, c in zip((x, w, b), copies, strict=True):
        assert np.array_equal(a, c)


X23 = Tensor(np.zeros((2, 3), np.float32), requires_grad=True)


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: X23 @ X23, ValueError, r"matmul: shapes \(2, 3\) and \(2, 3\): the last axis"),
        (lambda: X23[0] @ X23.T[:2], ValueError, r"matmul: shapes \(3,\) and \(2, 2\): the last"),
        (lambda: X23[:, 0] @ X23.T, ValueError, r"matmul: shapes \(2,\) and \(3, 2\): the last"),
        (lambda: X23 @ X23[:, 0], ValueError, r"matmul: shapes \(2, 3\) and \(2,\): the last axis"),
        (lambda: X23[0] @ [1, 2], ValueError, r"matmul: shapes \(3,\) and \(2,\): the last axis"),
        (
            lambda: X23.expand_dims(0) @ np.zeros((5, 2, 3), np.float32),
            ValueError,
            r"matmul: shapes \(1, 2, 3\) and \(5, 2, 3\): the last axis",
        ),
        (
            lambda: np.zeros((4, 2, 2), np.float32) @ ops.stack([X23] * 5),
            ValueError,
            r"matrix_product\(x: \(4, 2, 2\) float32, y: \(5, 2, 3\) float32\)",
        ),
        (lambda: X23 @ np.zeros((3, 2)), TypeError, r"y: \(3, 2\) float64.*types differ"),
        (lambda: X23 @ 3, ValueError, r"matmul: shapes \(2, 3\) and \(\): use \*"),
        (lambda: X23 @ Tensor(3.0), ValueError, r"matmul: shapes \(2, 3\) and \(\): use \*"),
        (lambda: 3.0 @ X23, ValueError, r"matmul: shapes \(\) and \(2, 3\): use \*"),
        (
            lambda: ops.linear(X23, np.zeros((4, 2), np.float32), None),
            ValueError,
            r"linear\(x: \(2, 3\) float32, w: \(4, 2\) float32, b: None\)",
        ),
        (
            lambda: ops.linear(X23, np.zeros((4, 3), np.float32), np.zeros(3, np.float32)),
            ValueError,
            r"linear\(x: \(2, 3\) float32, w: \(4, 3\) float32, b: \(3,\) float32\)",
        ),
        (
            lambda: ops.linear(X23, np.zeros((4, 3)), None),
            TypeError,
            r"w: \(4, 3\) float64.*types differ",
        ),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_integers_and_lists_of_them_take_the_dtype_of_the_other_side():
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    assert_close((x @ [3, 4]).data, [11], np.float32)
    assert_close((np.array([5]) @ x).data, [5, 10], np.float32)
