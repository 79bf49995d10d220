"""Operations that move numbers: every index that NumPy knows, and what each refuses."""

import numpy as np
import pytest
import torch
from helpers import CHECKS, Case, assert_close, check_name, normal, run, variables, weights
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lecturelib import Tensor, gradients, ops

X = normal
BOOLEANS = np.array([[True, False, True], [False, False, True]])
ROWS, COLUMNS = np.array([0, 1, 0, 0]), np.array([2, 0, 2, 1])

CASES = [
    Case("reshape", lambda x: ops.reshape(x, shape=(3, 2)), lambda x: x.reshape(3, 2), X(2, 3)),
    Case("reshape, -1", lambda x: ops.reshape(x, shape=(-1,)), lambda x: x.reshape(-1), X(2, 3)),
    Case("reshape, 0-d", lambda x: ops.reshape(x, shape=()), lambda x: x.reshape(()), X(1, 1)),
    Case(
        "reshape, empty",
        lambda x: ops.reshape(x, shape=(3, 0, 5)),
        lambda x: x.reshape(3, 0, 5),
        X(0, 2),
    ),
    Case(
        "permute_dims",
        lambda x: ops.permute_dims(x, axes=(2, 0, 1)),
        lambda x: x.permute(2, 0, 1),
        X(2, 3, 4),
    ),
    Case(
        "permute_dims, negative",
        lambda x: ops.permute_dims(x, axes=(-1, 0, 1)),
        lambda x: x.permute(-1, 0, 1),
        X(2, 3, 4),
    ),
    Case("transpose", ops.transpose, lambda x: x.permute(2, 1, 0), X(2, 3, 4)),
    Case("transpose, 0-d", ops.transpose, lambda x: x * 1, X()),
    Case("swapaxes", lambda x: ops.swapaxes(x, 0, -1), lambda x: x.swapaxes(0, -1), X(2, 3, 4)),
    Case(
        "broadcast_to",
        lambda x: ops.broadcast_to(x, shape=(4, 2, 3)),
        lambda x: x.broadcast_to(4, 2, 3),
        X(2, 1),
    ),
    Case(
        "broadcast_to, 0-d",
        lambda x: ops.broadcast_to(x, shape=(2, 2)),
        lambda x: x.broadcast_to(2, 2),
        X(),
    ),
    Case(
        "broadcast_to, empty",
        lambda x: ops.broadcast_to(x, shape=(0, 3)),
        lambda x: x.expand(0, 3),
        X(1, 3),
    ),
    Case("expand_dims", lambda x: ops.expand_dims(x, 1), lambda x: x.unsqueeze(1), X(2, 3)),
    Case("expand_dims, last", lambda x: ops.expand_dims(x, -1), lambda x: x.unsqueeze(-1), X(2, 3)),
    Case(
        "expand_dims, first", lambda x: ops.expand_dims(x, -3), lambda x: x.unsqueeze(-3), X(2, 3)
    ),
    Case("squeeze", lambda x: ops.squeeze(x, 1), lambda x: x.squeeze(1), X(2, 1, 3)),
    Case("squeeze, negative", lambda x: ops.squeeze(x, -2), lambda x: x.squeeze(-2), X(2, 1, 3)),
    Case("flatten", ops.flatten, torch.flatten, X(2, 3, 4)),
    Case("flatten, 0-d", ops.flatten, torch.flatten, X()),
    Case(
        "flatten, keep the batch",
        lambda x: ops.flatten(x, start_dim=1),
        lambda x: x.flatten(1),
        X(2, 3, 4),
    ),
    Case(
        "flatten, empty batch",
        lambda x: ops.flatten(x, start_dim=1),
        lambda x: x.flatten(1),
        X(0, 3, 4),
    ),
    Case(
        "concat", lambda x, y: ops.concat([x, y]), lambda x, y: torch.cat([x, y]), X(2, 3), X(1, 3)
    ),
    Case(
        "concat, last axis",
        lambda x, y, z: ops.concat([x, y, z], axis=-1),
        lambda x, y, z: torch.cat([x, y, z], dim=-1),
        X(2, 3),
        X(2, 0),
        X(2, 2),
    ),
    Case(
        "concat, alike",
        lambda x, y: ops.concat([x, y], axis=1),
        lambda x, y: torch.cat([x, y], dim=1),
        X(2, 3),
        X(2, 3, seed=1),
    ),
    Case(
        "stack",
        lambda x, y: ops.stack([x, y]),
        lambda x, y: torch.stack([x, y]),
        X(2, 3),
        X(2, 3, seed=1),
    ),
    Case(
        "stack, last axis",
        lambda x, y: ops.stack([x, y], axis=-1),
        lambda x, y: torch.stack([x, y], dim=-1),
        X(2, 3),
        X(2, 3, seed=1),
    ),
    Case(
        "pad",
        lambda x: ops.pad(x, widths=((1, 0), (2, 3))),
        lambda x: torch.nn.functional.pad(x, (2, 3, 1, 0)),
        X(2, 3),
    ),
    Case(
        "pad, empty",
        lambda x: ops.pad(x, widths=((1, 0), (0, 0))),
        lambda x: torch.nn.functional.pad(x, (0, 0, 1, 0)),
        X(0, 3),
    ),
    Case("index, int", lambda x: x[1], lambda x: x[1], X(2, 3)),
    Case("index, last int", lambda x: x[-1, -2], lambda x: x[-1, -2], X(2, 3)),
    Case("index, NumPy int", lambda x: x[np.int64(1)], lambda x: x[1], X(2, 3)),
    Case("index, slice", lambda x: x[1:, ::2], lambda x: x[1:, ::2], X(3, 5)),
    Case("index, empty slice", lambda x: x[2:1], lambda x: x[2:1], X(3, 2)),
    Case(
        "index, negative step",
        lambda x: x[::-1, 3:0:-2],
        lambda x: x.flip(0)[:, [3, 1]],
        X(3, 5),
        plain=False,
    ),
    Case(
        "index, None and ...",
        lambda x: x[None, ..., 1, None],
        lambda x: x[None, ..., 1, None],
        X(2, 3),
    ),
    Case("index, list with repeats", lambda x: x[[0, 0, 2, 0]], lambda x: x[[0, 0, 2, 0]], X(3, 2)),
    Case(
        "index, pairs with repeats", lambda x: x[ROWS, COLUMNS], lambda x: x[ROWS, COLUMNS], X(2, 3)
    ),
    Case("index, slice and array", lambda x: x[:, COLUMNS], lambda x: x[:, COLUMNS], X(2, 3)),
    Case(
        "index, matrix of indices",
        lambda x: x[np.array([[0, 1], [1, 1]])],
        lambda x: x[torch.tensor([[0, 1], [1, 1]])],
        X(2, 3),
    ),
    Case("index, booleans", lambda x: x[BOOLEANS], lambda x: x[torch.tensor(BOOLEANS)], X(2, 3)),
    Case(
        "index, booleans for rows",
        lambda x: x[np.array([False, True])],
        lambda x: x[torch.tensor([False, True])],
        X(2, 3),
    ),
    Case(
        "index, Tensor",
        lambda x: x[Tensor([1, 1, 0])],
        lambda x: x[torch.tensor([1, 1, 0])],
        X(2, 3),
        plain=False,
    ),
    Case(
        "index, nothing chosen",
        lambda x: x[np.zeros(0, int)],
        lambda x: x[torch.zeros(0).long()],
        X(2, 3),
    ),
]
NOT_ON_ARRAYS = {"index, Tensor"}  # NumPy indexes arrays, and a Tensor is no index to it


@pytest.mark.parametrize("check", CHECKS, ids=check_name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case, check):
    if not (case.name in NOT_ON_ARRAYS and "plain" in check.__name__):
        check(case)


ARRAYS = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def _index_counts(x: np.ndarray, index) -> np.ndarray:
    """The gradient that x[index] must have: the seeds of its places, added up one by one."""
    expected = np.zeros(x.size)
    places = np.arange(x.size).reshape(x.shape)[index]
    for place, seed in zip(places.ravel(), weights(places.shape).ravel(), strict=True):
        expected[place] += seed
    return expected.reshape(x.shape)


@given(st.data())
def test_any_basic_index(data):
    x = normal(*data.draw(ARRAYS))
    index = data.draw(hnp.basic_indices(x.shape, allow_newaxis=True, allow_ellipsis=True))
    out, (g,) = run(lambda t: t[index], variables([x]))
    assert_close(out.data, x[index])
    assert_close(g, _index_counts(x, index))


@given(st.data())
def test_any_integer_array_index(data):
    x = normal(*data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=3)))
    index = data.draw(
        hnp.integer_array_indices(
            x.shape, result_shape=hnp.array_shapes(min_dims=0, max_dims=2, max_side=4)
        )
    )
    out, (g,) = run(lambda t: t[index], variables([x]))
    assert_close(out.data, x[index])
    assert_close(g, _index_counts(x, index))


@given(st.data())
def test_any_mask(data):
    x = normal(*data.draw(ARRAYS))
    mask = data.draw(hnp.arrays(bool, x.shape))
    out, (g,) = run(lambda t: t[mask], variables([x]))
    assert_close(out.data, x[mask])
    assert_close(g, _index_counts(x, mask))


@given(st.data())
def test_any_order_of_the_axes(data):
    x = normal(*data.draw(ARRAYS))
    axes = data.draw(st.permutations(range(x.ndim)))
    signs = data.draw(st.lists(st.booleans(), min_size=x.ndim, max_size=x.ndim))
    axes = tuple(a - x.ndim if s else a for a, s in zip(axes, signs, strict=True))
    out, (g,) = run(lambda t: t.permute(axes), variables([x]))
    assert_close(out.data, x.transpose(axes))
    back = np.empty_like(x)
    back.transpose(axes)[...] = weights(out.shape)
    assert_close(g, back)


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3))
def test_any_broadcast(shapes):
    x, result = normal(*shapes.input_shapes[0]), shapes.result_shape
    out, (g,) = run(lambda t: ops.broadcast_to(t, shape=result), variables([x]))
    t = torch.tensor(x, requires_grad=True)
    t.broadcast_to(result).backward(torch.tensor(weights(result)))
    assert_close(out.data, np.broadcast_to(x, result))
    assert_close(g, t.grad.numpy())


@given(st.data())
def test_any_concatenation(data):
    shape = list(data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3)))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    arrays = []
    for i, n in enumerate(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))):
        shape[axis] = n
        arrays.append(normal(*shape, seed=i))
    out, grads = run(lambda *xs: ops.concat(xs, axis=axis), variables(arrays))
    assert_close(out.data, np.concatenate(arrays, axis=axis))
    assert_close(np.concatenate(grads, axis=axis), weights(out.shape))


def test_an_index_changed_later_does_not_change_the_gradient():
    x, index, rows = Tensor(np.zeros(3), requires_grad=True), np.array([0, 1]), [0, 1]
    y = x[index] + x[rows]
    index[:], rows[:] = 2, [2, 2]
    y.sum().backward()
    assert_close(x.grad, [2, 2, 0])


def test_methods_and_functions_agree():
    x = Tensor(normal(2, 1, 3))
    pairs = [
        (x.reshape(3, 2), ops.reshape(x, shape=(3, 2))),
        (x.reshape((3, 2)), x.reshape([3, 2])),
        (x.permute(2, 0, 1), ops.permute_dims(x, axes=(2, 0, 1))),
        (x.T, ops.transpose(x)),
        (x.permute([2, 0, 1]), x.permute((2, 0, 1))),
        (x.flatten(1), ops.flatten(x, 1)),
        (x.squeeze(1), ops.squeeze(x, 1)),
        (x.expand_dims(0), ops.expand_dims(x, 0)),
        (x.swapaxes(0, 2), ops.swapaxes(x, 0, 2)),
    ]
    for ours, same in pairs:
        assert_close(ours.data, same.data)


X23 = Tensor(np.zeros((2, 3), np.float32), requires_grad=True)


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: X23.reshape(4, 2), ValueError, r"reshape\(x: \(2, 3\) float32\).*\(4,2\)"),
        (
            lambda: ops.broadcast_to(X23, shape=(2, 2)),
            ValueError,
            r"broadcast_to\(x: \(2, 3\).*\(2,2\)",
        ),
        (lambda: X23.permute(0, 0), ValueError, r"permute_dims\(x: \(2, 3\)"),
        (lambda: X23.swapaxes(0, 2), ValueError, r"swapaxes: axis 2 .*\(2, 3\)"),
        (lambda: X23.expand_dims(3), ValueError, r"expand_dims: axis 3 .*\(2, 3\)"),
        (lambda: X23.expand_dims(-4), ValueError, r"expand_dims: axis -4 .*\(2, 3\)"),
        (lambda: X23.squeeze(2), ValueError, r"squeeze: axis 2 .*\(2, 3\)"),
        (lambda: X23.squeeze(0), ValueError, r"squeeze: axis 0 of shape \(2, 3\) has length 2"),
        (lambda: X23[2], IndexError, r"getitem\(x: \(2, 3\) float32\): index 2"),
        (lambda: X23[0, 0, 0], IndexError, r"getitem\(x: \(2, 3\) float32\): too many"),
        (lambda: X23[1.0], IndexError, r"getitem\(x: \(2, 3\) float32\)"),
        (lambda: X23[np.ones(3, bool)], IndexError, r"getitem\(x: \(2, 3\) float32\).*boolean"),
        (lambda: ops.concat([X23, X23[0]]), ValueError, r"xs\[0\]: \(2, 3\).*xs\[1\]: \(3,\)"),
        (
            lambda: ops.concat([X23, np.zeros((2, 3))]),
            TypeError,
            r"xs\[1\]: \(2, 3\) float64.*types differ",
        ),
        (lambda: ops.concat([]), TypeError, r"concatenate: .*got 0"),
        (lambda: ops.concat(X23), TypeError, r"concat: a list of Tensors"),
        (lambda: ops.concat([X23], axis=None), TypeError, r"concat: axis must be an int"),
        (lambda: ops.sum_to(X23, shape=(3, 2)), ValueError, r"sum_to.*\(3, 2\) to \(2, 3\)"),
        (lambda: ops.sum_to(X23, shape=(6,)), ValueError, r"sum_to.*stretch \(6,\) to \(2, 3\)"),
        (lambda: ops.sum_to(X23.sum(), shape=(1,)), ValueError, r"sum_to.*stretch \(1,\) to \(\)"),
        (lambda: ops.stack([X23, X23[0]]), ValueError, r"xs\[0\]"),
        (
            lambda: ops.pad(X23, widths=((1, 1),)),
            ValueError,
            r"pad\(x: \(2, 3\) float32\): widths: 2 pairs",
        ),
        (lambda: ops.pad(X23, widths=1), ValueError, r"widths: 2 pairs"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_an_axis_of_concat_is_an_integer():
    (g,) = gradients(ops.concat([X23, X23], axis=np.int64(1)).sum(), [X23])
    assert_close(g, np.full((2, 3), 2), np.float32)
