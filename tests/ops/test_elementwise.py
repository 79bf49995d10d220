"""Elementwise operations: values, both orders of derivatives, broadcasting, kinks, dtypes."""

import numpy as np
import pytest
import torch
from helpers import CHECKS, Case, assert_close, check_name, normal, positive, run, variables
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lecturelib import Tensor, gradients, ops

X, P = normal, positive
INTEGERS = np.array(
    [[-2.0, 0.0, 1.0], [3.0, 1.0, 0.0]]
)  # ties, zeros, and bounds of the clips below
OTHERS = np.array([[-2.0, 1.0, 1.0], [0.0, 1.0, 5.0]])
MASK = np.array([[True, False, True], [False, False, True]])

CASES = [
    Case("add", ops.add, torch.add, X(2, 3), X(2, 3, seed=1)),
    Case("add, row", ops.add, torch.add, X(2, 3), X(3)),
    Case("add, column and row", ops.add, torch.add, X(2, 1), X(1, 3)),
    Case("add, 0-d", ops.add, torch.add, X(2, 3), X()),
    Case("add, both 0-d", ops.add, torch.add, X(), X(seed=1)),
    Case("subtract", ops.subtract, torch.sub, X(2, 3), X(2, 3, seed=1)),
    Case("subtract, broadcast", ops.subtract, torch.sub, X(3), X(4, 1, 3)),
    Case("multiply", ops.multiply, torch.mul, X(2, 3), X(2, 3, seed=1)),
    Case("multiply, broadcast", ops.multiply, torch.mul, X(2, 1), X(4, 1, 3)),
    Case("multiply, empty", ops.multiply, torch.mul, X(0, 3), X(3)),
    Case("divide", ops.divide, torch.div, X(2, 3), P(2, 3)),
    Case("divide, broadcast", ops.divide, torch.div, X(3), -P(2, 1)),
    Case("power", ops.power, torch.pow, P(2, 3), X(2, 3)),
    Case("power, broadcast", ops.power, torch.pow, P(3), X(2, 1)),
    Case("power 2", lambda x: ops.power(x, 2), lambda x: x**2, X(2, 3)),
    Case("power 2.0 of zero", lambda x: x**2.0, lambda x: x**2.0, INTEGERS),
    Case("power 3", lambda x: x**3, lambda x: x**3, X(2, 3)),
    Case("power 3 of zero", lambda x: x**3, lambda x: x**3, INTEGERS, kinks=True),
    Case("power 1 of zero", lambda x: x**1, lambda x: x**1, INTEGERS),
    Case("power 0 of zero", lambda x: x**0, lambda x: x**0, INTEGERS),
    Case("power -1", lambda x: x**-1, lambda x: x**-1, X(2, 3)),
    Case("power 0.5", lambda x: x**0.5, lambda x: x**0.5, P(2, 3)),
    Case("power to the base 2", lambda x: 2**x, lambda x: 2**x, X(2, 3)),
    Case("power to the base 0", lambda x: 0.0**x, None, P(3)),  # torch: second derivative nan
    Case("negative", ops.negative, torch.neg, X(2, 3)),
    Case("exp", ops.exp, torch.exp, X(2, 3)),
    Case("exp, 0-d", ops.exp, torch.exp, X()),
    Case("log", ops.log, torch.log, P(2, 3)),
    Case("log1p", ops.log1p, torch.log1p, P(2, 3)),
    Case("sqrt", ops.sqrt, torch.sqrt, P(2, 3)),
    Case("sin", ops.sin, torch.sin, X(2, 3)),
    Case("cos", ops.cos, torch.cos, X(2, 3)),
    Case("tanh", ops.tanh, torch.tanh, X(2, 3)),
    Case("sigmoid", ops.sigmoid, torch.sigmoid, 3 * X(2, 3)),
    Case("sigmoid, far out", ops.sigmoid, torch.sigmoid, np.array([-800.0, -90, 0, 90, 800])),
    Case("sigmoid, 0-d", ops.sigmoid, torch.sigmoid, X()),
    Case("relu", ops.relu, torch.relu, X(3, 4)),
    Case("relu at 0", ops.relu, torch.relu, INTEGERS, kinks=True),
    Case("relu, empty", ops.relu, torch.relu, X(0, 2)),
    Case("abs", ops.abs, torch.abs, X(3, 4)),
    Case("abs at 0", ops.abs, torch.abs, INTEGERS, kinks=True),
    Case("sign", ops.sign, torch.sign, X(3, 4)),
    Case("maximum", ops.maximum, torch.maximum, X(3, 4), X(3, 4, seed=1)),
    Case("maximum, ties", ops.maximum, torch.maximum, INTEGERS, OTHERS, kinks=True),
    Case("maximum, broadcast", ops.maximum, torch.maximum, X(3, 1), X(4)),
    Case("minimum", ops.minimum, torch.minimum, X(3, 4), X(3, 4, seed=1)),
    Case("minimum, ties", ops.minimum, torch.minimum, INTEGERS, OTHERS, kinks=True),
    Case("minimum, broadcast", ops.minimum, torch.minimum, X(4), X(3, 1)),
    Case("clip", lambda x: ops.clip(x, min=-0.5, max=0.7), lambda x: x.clip(-0.5, 0.7), X(3, 4)),
    Case(
        "clip at its bounds",
        lambda x: ops.clip(x, min=-2, max=1),
        lambda x: x.clip(-2, 1),
        INTEGERS,
        kinks=True,
    ),
    Case("clip from below", lambda x: ops.clip(x, min=0.1), lambda x: x.clip(min=0.1), X(3, 4)),
    Case(
        "clip from above",
        lambda x: ops.clip(x, max=np.float64(0.1)),
        lambda x: x.clip(max=0.1),
        X(3, 4),
    ),
    Case(
        "where",
        lambda x, y: ops.where(MASK, x, y),
        lambda x, y: torch.where(torch.tensor(MASK), x, y),
        X(2, 3),
        X(2, 3, seed=1),
    ),
    Case(
        "where, broadcast",
        lambda x, y: ops.where(MASK[:, :1], x, y),
        lambda x, y: torch.where(torch.tensor(MASK[:, :1]), x, y),
        X(3),
        X(2, 1),
    ),
    Case(
        "where, Tensor condition",
        lambda x: ops.where(Tensor(MASK), 2.0, x),
        lambda x: torch.where(torch.tensor(MASK), 2.0, x),
        X(2, 3),
    ),
    Case(
        "where, condition larger than both",
        lambda x, y: ops.where(MASK, x, y),
        lambda x, y: torch.where(torch.tensor(MASK), x, y),
        X(3),
        X(1),
    ),
]


@pytest.mark.parametrize("check", CHECKS, ids=check_name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case, check):
    check(case)


BINARY = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "power": torch.pow,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}


@given(
    name=st.sampled_from(sorted(BINARY)),
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0),
)
def test_any_two_shapes_that_broadcast(name, shapes):
    a, b = positive(*shapes.input_shapes[0]), positive(*shapes.input_shapes[1], seed=1)
    x, y = variables([a, b])
    out, grads = run(getattr(ops, name), [x, y])
    assert out.shape == shapes.result_shape
    ta, tb = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
    expected = BINARY[name](ta, tb)
    expected.backward(
        torch.linspace(0.5, 1.5, expected.numel(), dtype=torch.float64).reshape(out.shape)
    )
    assert_close(out.data, expected.detach().numpy())
    for g, t in zip(grads, (ta, tb), strict=True):
        assert_close(g, t.grad.numpy())


@given(
    x=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=0, max_dims=2),
        elements=st.floats(-(2.0**99), 2.0**99, width=32),
    )
)
def test_sigmoid_and_tanh_never_overflow(x):
    for f, low in ((ops.sigmoid, 0), (ops.tanh, -1)):
        y = f(Tensor(x)).data  # warnings are errors
        assert y.dtype == np.float32 and np.all((low <= y) & (y <= 1))


@pytest.mark.parametrize("name, value", [("maximum", 1.0), ("minimum", 1.0)])
def test_equal_arguments_share_the_gradient(name, value):
    x, y = Tensor([value], requires_grad=True), Tensor([value], requires_grad=True)
    getattr(ops, name)(x, y).backward([6.0])
    assert x.grad == 3 and y.grad == 3
    x.grad = None
    getattr(ops, name)(x, value).backward([6.0])  # a Python number takes its share too
    assert x.grad == 3


def test_astype_converts_the_gradient_back():
    x = Tensor([1.5, 2.5], requires_grad=True)
    y = x.astype("float64")
    assert y.dtype == np.float64
    (y * np.array([1.0, 2.0])).sum().backward()
    assert_close(x.grad, [1, 2], np.float32)
    with pytest.raises(TypeError, match=r"astype\(x: \(2,\) float32\): dtype: .*int64"):
        x.astype("int64")


def test_power_with_a_tensor_exponent_at_zero():
    """Where the base is 0 the derivative with respect to the exponent is 0, says the docstring."""
    x, y = Tensor([0.0, 2.0], requires_grad=True), Tensor([2.0, 3.0], requires_grad=True)
    (x**y).sum().backward()
    assert_close(x.grad, [0, 12], np.float32)
    assert_close(y.grad, [0, 8 * np.log(2)], np.float32)


def test_clip_takes_numbers_not_arrays():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"clip\(x: \(2,\) float32\)"):
        x.clip(np.array([0.0, 1.0]))


@pytest.mark.parametrize("condition", [np.array([1, 0]), True, [True, False], np.array([1.0, 0.0])])
def test_where_needs_a_boolean_array(condition):
    with pytest.raises(TypeError, match="condition: a boolean array is needed"):
        ops.where(condition, Tensor([1.0, 2.0]), 0.0)


@pytest.mark.parametrize("name", sorted(BINARY))
def test_bad_shapes_and_dtypes_name_the_arguments(name):
    f, x = getattr(ops, name), Tensor(np.zeros((2, 3), np.float32), requires_grad=True)
    with pytest.raises(ValueError, match=rf"{name}\(x: \(2, 3\) float32, y: \(2,\) float32\)"):
        f(x, Tensor(np.zeros(2, np.float32)))
    with pytest.raises(
        TypeError, match=rf"{name}\(x: \(2, 3\) float32, y: \(3,\) float64\).*types differ"
    ):
        f(x, np.zeros(3))
    with pytest.raises(TypeError, match=rf"{name}.*\(x, y\) are needed, got 1"):
        f(x)


def test_too_many_arguments_overwrite_nothing():
    x, y = Tensor([1.0, 2.0]), Tensor([9.0, 9.0])
    with pytest.raises(TypeError, match=r"exp: .*\(x\) are needed, got 2"):
        ops.exp(x, y)  # NumPy would take y for the place of the result
    assert np.array_equal(y.data, [9, 9])


def test_gradients_of_float16_stay_float16():
    x = Tensor(np.ones(2, np.float16), requires_grad=True)
    (g,) = gradients((x * 2 + 1).sum(), [x])
    assert g.dtype == np.float16
