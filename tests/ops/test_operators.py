"""What `3 - x`, `array @ x` or `x == y` mean, and how a Tensor looks from outside."""

import contextlib
import copy
import operator
import pickle

import numpy as np
import pytest
from helpers import assert_close, positive

from lecturelib import Tensor, no_grad, ops
from lecturelib.analysis import gradcheck
from lecturelib.nn import Linear, Parameter

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
A = positive(2, 3).astype(np.float32)
OTHERS = {
    "float": 3.0,
    "int": 3,
    "bool": True,
    "np.float64": np.float64(3),
    "np.float32": np.float32(3),
    "np.int64": np.int64(3),
    "float32 array": positive(2, 3, seed=1).astype(np.float32),
    "row": positive(3).astype(np.float32),
    "int array": np.arange(1, 4),
    "bool array": np.array([True, False, True]),
    "uint8 array": np.arange(3, dtype=np.uint8),
    "0-d array": np.array(3.0, np.float32),
    "list": [1.5, 2.5, 3.5],
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.__name__)
def test_either_side_and_float32_stays(op, other):
    plain = np.asarray(other, np.float32)
    x = Tensor(A, requires_grad=True)
    pairs = [(x, other, A, plain), (other, x, plain, A)]
    if op is operator.truediv and not plain.all():
        del pairs[0]  # a division by zero, and NumPy warns
    for left, right, plain_left, plain_right in pairs:
        out, expected = op(left, right), op(plain_left, plain_right)
        assert isinstance(out, Tensor) and out.requires_grad
        assert_close(out.data, expected, np.float32)
        x.grad = None
        out.sum().backward()
        assert x.grad.dtype == np.float32 and x.grad.shape == A.shape


def test_three_minus_x():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = 3 - x
    y.sum().backward()
    assert_close(y.data, [2, 1], np.float32)
    assert_close(x.grad, [-1, -1], np.float32)


@pytest.mark.parametrize("op", [*BINARY, operator.matmul], ids=lambda op: op.__name__)
def test_float32_and_float64_do_not_mix(op):
    single = Tensor(np.ones((2, 2), np.float32), requires_grad=True)
    for double in (np.ones((2, 2)), Tensor(np.ones((2, 2)))):
        for pair in ((single, double), (double, single)):
            with pytest.raises(TypeError, match=r"\(2, 2\) float.*\(2, 2\) float.*types differ"):
                op(*pair)
    with pytest.raises(TypeError, match="types differ"):  # 0-d Tensors are no exception
        Tensor(np.float64(1)) + single


@pytest.mark.parametrize(
    "other, expected",
    [
        (2.5, [2.5, 5.0]),
        (np.float64(2.5), [2.5, 5.0]),
        ([0.5, 2.5], [0.5, 5.0]),
        (np.array([0.5, 2.5]), [0.5, 5.0]),
        (2, [2, 4]),
        (np.array([True, False]), [1, 0]),
    ],
)
def test_integers_are_not_cut_off(other, expected):
    for out in (Tensor([1, 2]) * other, other * Tensor([1, 2])):
        np.testing.assert_array_equal(out.data, expected)


@pytest.mark.parametrize("other", ["a", None, object(), {}, 1j])
def test_what_is_not_a_number_is_refused(other):
    with pytest.raises((TypeError, ValueError), match=r"multiply\(x: \(1,\) float32, y"):
        Tensor([1.0]) * other


@pytest.mark.parametrize(
    "op",
    [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge],
    ids=lambda op: op.__name__,
)
def test_comparisons_give_boolean_arrays(op):
    x, y = Tensor([1.0, 2.0, 3.0], requires_grad=True), Tensor([3.0, 2.0, 1.0])
    for out in (op(x, y), op(x, y.data)):
        assert type(out) is np.ndarray and out.dtype == bool
        np.testing.assert_array_equal(out, op(x.data, y.data))
    np.testing.assert_array_equal(op(x, 2), op(x.data, 2))
    np.testing.assert_array_equal(op(y.data, x), op(y.data, x.data))


def test_tensors_are_keys_by_identity():
    x, y = Tensor([1.0]), Tensor([1.0])
    assert len({x, y, x}) == 2


def test_unary_and_builtins():
    x = Tensor([[-1.0, 2.0]], requires_grad=True)
    assert_close((-x).data, [[1, -2]], np.float32)
    assert_close(abs(x).data, [[1, 2]], np.float32)
    assert_close(sum([x, x]).data, [[-2, 4]], np.float32)
    assert len(x) == 1 and [row.shape for row in x] == [(2,)]
    assert float(x.sum()) == 1 and bool(x.sum()) and x.sum().item() == 1
    assert float(Tensor([3.0])) == 3
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)


IN_PLACE = [
    (operator.iadd, [3, 4]),
    (operator.isub, [-1, 0]),
    (operator.imul, [2, 4]),
    (operator.itruediv, [0.5, 1]),
]


@pytest.mark.parametrize("op, expected", IN_PLACE)
@pytest.mark.parametrize("kind", ["constant", "result", "result without graph"])
def test_in_place_operators_make_new_tensors(op, expected, kind):
    leaf = Tensor([1.0, 2.0], requires_grad=kind != "constant")
    with no_grad() if "without" in kind else contextlib.nullcontext():
        x = leaf if kind == "constant" else leaf * 1
        y = op(x, 2)
    assert y is not x and y.requires_grad == (kind == "result")
    assert_close(x.data, [1, 2], np.float32)
    assert_close(y.data, expected, np.float32)


@pytest.mark.parametrize("op, _", IN_PLACE)
@pytest.mark.parametrize("make", [Parameter, lambda x: Tensor(x, requires_grad=True)])
def test_in_place_operators_refuse_leaves_with_a_gradient(op, _, make):
    x = make([1.0, 2.0])
    with pytest.raises(TypeError, match=r"[-+*/]=: .* write w\.data = w\.data [-+*/] \.\.\."):
        op(x, 1)
    with no_grad(), pytest.raises(TypeError, match=r"w\.data = "):
        op(x, 1)
    assert_close(x.data, [1, 2], np.float32)


def test_an_element_cannot_be_set():
    with pytest.raises(TypeError):
        Tensor([1.0])[0] = 5


@pytest.mark.parametrize(
    "name", ["sum", "max", "min", "mean", "var", "std", "logsumexp", "softmax", "clip", "astype"]
)
def test_errors_of_methods_name_the_method(name):
    with pytest.raises(TypeError, match=rf"\b{name}\(\).*'dim'"):
        getattr(Tensor([1.0]), name)(dim=0)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: x ** [1, 2],
        lambda x: [2, 3] ** x,
        lambda x: x * [1.5, 2.5] * x,
        lambda x: x / (x + [1, 2]),
        lambda x: ops.concat([x, [1.5, 2.5]]) ** 3,
        lambda x: ops.maximum(x, [1, 2]) * x,
        lambda x: x * x @ [3, 4],
    ],
)
def test_lists_are_operands_in_both_orders(f, order):
    gradcheck(f, np.array([0.7, 2.6]), order=order)


def test_views():
    x = Tensor(np.zeros((2, 3)), requires_grad=True)
    assert (x.shape, x.ndim, x.size, x.dtype) == ((2, 3), 2, 6, np.float64)
    assert x.argmax(axis=1).shape == (2,)
    detached = x.detach()
    assert not detached.requires_grad and not np.shares_memory(detached.data, x.data)
    assert type(detached.numpy()) is np.ndarray


def test_an_array_cannot_carry_the_gradient():
    x = Tensor([1.0], requires_grad=True)
    for call in (np.asarray, np.array, Tensor.numpy, lambda x: np.where(True, x, 0)):
        with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\)"):
            call(x)
    with pytest.raises(TypeError):
        np.exp(x)
    assert np.asarray(x.detach(), np.float64).dtype == np.float64


def test_repr_and_format():
    assert repr(Tensor([1.0, 2.5])) == "Tensor([1. , 2.5])"
    assert repr(Tensor([1.0], dtype=np.float64, requires_grad=True)) == (
        "Tensor([1.], dtype=float64, requires_grad=True)"
    )
    assert f"{Tensor(2.0):.3f}" == "2.000" and f"{Tensor(2.0)}" == "Tensor(2.)"


@pytest.mark.parametrize(
    "make",
    [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_is_a_tensor_of_its_own(make):
    """Otherwise gradients of the original and of the copy end up in each other's place."""
    x = Parameter([1.0, 2.0])
    (x * 3).sum().backward()
    y = make(x)
    assert type(y) is Parameter and y.requires_grad and not np.shares_memory(x.data, y.data)
    assert_close(y.grad, [3, 3], np.float32)
    x.grad = y.grad = None
    (x * 2 + y * 5).sum().backward()
    assert_close(x.grad, [2, 2], np.float32)
    assert_close(y.grad, [5, 5], np.float32)


def test_a_copy_of_a_result_is_a_leaf():
    x = Tensor([1.0], requires_grad=True)
    y = copy.deepcopy(x * 2)
    y.sum().backward()
    assert y.grad == 1 and x.grad is None


def test_a_model_and_its_copy_in_one_loss():
    model = Linear(3, 1, rng=np.random.default_rng(0))
    twin = copy.deepcopy(model)
    (model(np.ones((1, 3), np.float32)) - 2 * twin(np.ones((1, 3), np.float32))).sum().backward()
    assert_close(model.weight.grad, np.ones((1, 3)), np.float32)
    assert_close(twin.weight.grad, np.full((1, 3), -2), np.float32)


def test_every_function_in_ops_records_nothing_under_no_grad():
    x = Tensor(np.ones((2, 2)), requires_grad=True)
    with no_grad():
        results = [x + 1, x @ x, x[0], x.sum(), x.T, ops.concat([x, x]), ops.softmax(x)]
    assert not any(r.requires_grad or r.origin for r in results)
