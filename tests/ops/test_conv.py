"""Convolution in every combination of its attributes, its transpose, its columns, its matrices."""

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

from lecturelib import Tensor, gradients, ops
from lecturelib.analysis import gradcheck
from lecturelib.ops.conv import correlate2d, correlate2d_dw, correlate2d_dx

X = normal


def conv(name, x, w, b=None, **how):
    """A case of conv2d; without a bias, b is None."""
    arrays = [X(*x), X(*w)] + ([] if b is None else [X(b)])
    return Case(name, lambda *a: ops.conv2d(*a, **how), lambda *a: TF.conv2d(*a, **how), *arrays)


CASES = [
    conv("conv2d", (2, 2, 4, 5), (3, 2, 2, 3), 3),
    conv("no bias", (1, 2, 3, 3), (3, 2, 2, 2)),
    conv("1×1", (2, 3, 2, 2), (2, 3, 1, 1), 2),
    conv("1×1, stride and padding", (1, 2, 3, 3), (2, 2, 1, 1), 2, stride=2, padding=1),
    conv("padding", (1, 2, 3, 3), (2, 2, 3, 3), 2, padding=1),
    conv("padding beyond the kernel", (1, 1, 2, 2), (1, 1, 2, 2), 1, padding=3),
    conv("stride", (1, 2, 5, 5), (2, 2, 2, 2), 2, stride=2),
    conv("stride that leaves a rest", (1, 1, 6, 5), (1, 1, 2, 2), 1, stride=(3, 2)),
    conv("dilation", (1, 2, 5, 5), (2, 2, 2, 3), 2, dilation=(3, 2)),
    conv("groups", (1, 4, 3, 3), (6, 2, 2, 2), 6, groups=2),
    conv("depthwise", (1, 3, 3, 3), (3, 1, 2, 2), 3, groups=3, padding=1),
    conv("many filters", (1, 1, 4, 4), (5, 1, 3, 3), 5, padding=1),
    conv(
        "everything",
        (1, 4, 6, 5),
        (4, 2, 2, 3),
        4,
        stride=(2, 1),
        padding=(1, 2),
        dilation=(2, 1),
        groups=2,
    ),
    conv("empty batch", (0, 2, 3, 3), (2, 2, 2, 2), 2),
    Case("conv1d", ops.conv1d, TF.conv1d, X(2, 2, 5), X(3, 2, 3), X(3)),
    Case(
        "conv1d with everything",
        lambda x, w: ops.conv1d(x, w, None, 2, 1, 2, 2),
        lambda x, w: TF.conv1d(x, w, None, 2, 1, 2, 2),
        X(1, 4, 7),
        X(2, 2, 3),
    ),
    Case(
        "conv_transpose2d",
        ops.conv_transpose2d,
        TF.conv_transpose2d,
        X(2, 3, 3, 2),
        X(3, 2, 2, 3),
        X(2),
    ),
    Case(
        "conv_transpose2d with everything",
        lambda x, w, b: ops.conv_transpose2d(x, w, b, (2, 3), 1, (1, 2), 2, (2, 1)),
        lambda x, w, b: TF.conv_transpose2d(x, w, b, (2, 3), 1, (1, 2), 2, (2, 1)),
        X(1, 4, 3, 2),
        X(4, 1, 2, 3),
        X(2),
    ),
    Case(
        "unfold",
        lambda x: ops.unfold(x, (2, 3), (2, 1), 1, (1, 2)),
        lambda x: TF.unfold(x, (2, 3), (2, 1), 1, (1, 2)),
        X(2, 2, 4, 5),
    ),
    Case(
        "fold",
        lambda x: ops.fold(x, (4, 5), (2, 3), (2, 1), 1, (1, 2)),
        lambda x: TF.fold(x, (4, 5), (2, 3), (2, 1), 1, (1, 2)),
        X(2, 12, 12),
    ),
    Case("convolve", ops.convolve, None, X(5), X(3)),
]


@pytest.mark.parametrize("check", CHECKS, ids=check_name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case, check):
    check(case)


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@given(st.data())
@settings(max_examples=40)
def test_any_shapes_strides_paddings_dilations_and_groups(data):
    draw = data.draw
    groups = draw(st.integers(1, 3))
    size, stride, padding = draw(pairs(1, 3)), draw(pairs(1, 3)), draw(pairs(0, 2))
    dilation = draw(pairs(1, 2))
    image = [
        max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 4))
        for k, d, p in zip(size, dilation, padding)
    ]
    channels, filters = draw(st.integers(1, 2)) * groups, draw(st.integers(1, 4)) * groups
    shapes = (
        (draw(st.integers(0, 2)), channels, *image),
        (filters, channels // groups, *size),
        (filters,),
    )
    arrays = [normal(*shape) for shape in shapes]
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    for dtype in (np.float32, np.float64):
        xs, ts = variables(arrays, dtype), torch_variables(arrays, dtype)
        xs[0].data = np.array(xs[0].data, order="F")
        out, grads = run(lambda *a: ops.conv2d(*a, **how), xs)
        expected, expected_grads = run_torch(lambda *a: TF.conv2d(*a, **how), ts)
        assert_close(out.data, expected.detach().numpy(), dtype)
        for g, e in zip(grads, expected_grads, strict=True):
            assert_close(g, e, dtype)
    case = Case("any", lambda *a: ops.conv2d(*a, **how), None, *arrays)
    agrees_on_torch_arrays(case)
    second_order_agrees_on_torch_arrays(case)


@pytest.mark.parametrize("f", [1, 5], ids=["few filters", "many filters"])
def test_the_family_is_closed(f):
    """Each of the three primitives: first and second order against finite differences."""
    how = {"stride": (1, 2), "padding": (1, 0), "dilation": (1, 1), "groups": 1}
    x, w = normal(1, 2, 3, 4), normal(f, 2, 2, 2)
    g = normal(*correlate2d(x, w, None, **how).shape)
    gradcheck(lambda x, w: correlate2d(x, w, None, **how), x, w, order=2)
    gradcheck(lambda g, w: correlate2d_dx(g, w, shape=x.shape, **how), g, w, order=2)
    gradcheck(lambda x, g: correlate2d_dw(x, g, shape=w.shape, **how), x, g, order=2)


def test_only_the_gradients_that_are_needed():
    x, w = Tensor(normal(1, 1, 3, 3)), Tensor(normal(1, 1, 2, 2), requires_grad=True)
    (g,) = gradients(ops.conv2d(x, w).sum(), [w])
    sums = [[x.data[0, 0, i : i + 2, j : j + 2].sum() for j in (0, 1)] for i in (0, 1)]
    assert_close(g, [[sums]])


def test_the_transpose_is_the_adjoint():
    """⟨conv x, y⟩ = ⟨x, convᵀ y⟩."""
    x, w = normal(2, 4, 6, 7), normal(6, 2, 3, 2)
    how = {"stride": (2, 3), "padding": 1, "groups": 2}
    y = normal(*ops.conv2d(x, w, **how).shape)
    back = ops.conv_transpose2d(y, w, output_padding=(1, 1), **how)
    assert back.shape == x.shape
    np.testing.assert_allclose((ops.conv2d(x, w, **how) * y).sum(), (x * back).sum())


def test_a_convolution_is_a_product_with_columns():
    x, w = normal(2, 3, 5, 6), normal(4, 3, 2, 3)
    product = w.reshape(4, -1) @ ops.unfold(x, (2, 3))
    assert_close(product.reshape(2, 4, 4, 4), ops.conv2d(x, w))


def test_a_difference_of_neighbours_worked_by_hand():
    assert np.array_equal(ops.convolve([1, 2, 1], [1, -1]), [1, -1])
    assert np.array_equal(ops.convolve([1, 2, 1], [1, -1], padding=2), [0, 1, 1, -1, -1, 0])
    correlation = ops.conv1d(np.array([[[1, 2, 1]]]), np.array([[[1, -1]]]))
    assert np.array_equal(correlation[0, 0], [-1, 1])  # the kernel is not flipped


@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 4))
def test_convolution_equals_numpys_and_its_matrix(n, size, padding):
    if size > n + 2 * padding:
        return
    x, k = normal(n), normal(size, seed=1)
    expected = np.convolve(np.pad(x, padding), k)[size - 1 : n + 2 * padding]
    assert_close(ops.convolve(x, k, padding), expected)
    assert_close(ops.toeplitz_matrix(k, n, padding) @ x, expected)


def test_convolution_commutes_and_correlation_does_not():
    x, k = normal(4, 3), normal(2, 2)
    assert_close(ops.convolve(x, k, padding=1), ops.convolve(np.pad(x, 1), k))
    a, b = normal(3), normal(3, seed=1)
    assert_close(ops.convolve(a, b, padding=2), ops.convolve(b, a, padding=2))
    full = [ops.conv1d(u[None, None], v[None, None], padding=2) for u, v in ((a, b), (b, a))]
    assert not np.allclose(*full)


def test_a_toeplitz_matrix_has_constant_diagonals():
    expected = [[-1, 1, 0, 0], [0, -1, 1, 0], [0, 0, -1, 1]]
    assert np.array_equal(ops.toeplitz_matrix([1, -1], 4), expected)
    T = ops.toeplitz_matrix([3, 2, 1], 5, padding=1)
    for i in range(-4, 5):
        assert len(set(np.diagonal(T, i))) <= 1


@given(pairs(1, 3), pairs(0, 3), pairs(1, 3), pairs(0, 1))
def test_a_correlation_is_a_matrix(size, extra, stride, padding):
    shape = tuple(k + e for k, e in zip(size, extra))
    x, k = normal(*shape), normal(*size)
    M = ops.correlation_matrix(k, shape, stride, padding)
    out = ops.conv2d(x[None, None], k[None, None], None, stride, padding)
    assert_close(M @ x.ravel(), out.ravel())
    back = ops.conv_transpose2d(
        out, k[None, None], None, stride, padding,
        tuple((n + 2 * p - w) % s for n, p, w, s in zip(shape, padding, size, stride)),
    )
    assert_close(M.T @ out.ravel(), back.ravel())


def zeros(*shape):
    return Tensor(np.zeros(shape, np.float32), requires_grad=True)


X4, W = zeros(2, 3, 5, 5), zeros(4, 3, 3, 3)


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: ops.conv2d(X4[0], W), ValueError, r"conv2d: x must be \(N, C, H, W\).*x\[None\]"),
        (lambda: ops.conv2d(X4[0, 0], W), ValueError, r"got \(5, 5\).*x\[None, None\]"),
        (lambda: ops.conv2d(X4, W[0]), ValueError, r"weight must be \(F, C/groups, KH, KW\).*3, 3"),
        (
            lambda: ops.conv2d(X4[:, :2], W),
            ValueError,
            r"x \(2, 2, 5, 5\) has 2 channels.*weight \(4, 3, 3, 3\).*needs 3",
        ),
        (lambda: ops.conv2d(X4, W, groups=2), ValueError, r"groups=2 needs 6"),
        (lambda: ops.conv2d(X4, W[:, :1], groups=3), ValueError, r"divide its 4 output channels"),
        (lambda: ops.conv2d(X4, W, groups=0), ValueError, r"groups must be a positive integer"),
        (lambda: ops.conv2d(X4, W, stride=0), ValueError, r"stride must be an integer ≥ 1.*got 0"),
        (lambda: ops.conv2d(X4, W, padding=-1), ValueError, r"padding must be an integer ≥ 0"),
        (lambda: ops.conv2d(X4, W, padding=(1, 1, 1)), ValueError, r"padding.*\(1, 1, 1\)"),
        (lambda: ops.conv2d(X4, W, dilation=1.5), ValueError, r"dilation must be.*1\.5"),
        (
            lambda: ops.conv2d(X4, W, dilation=3),
            ValueError,
            r"window of \(7, 7\) is larger than the padded image, \(5, 5\)",
        ),
        (lambda: ops.conv2d(X4, W, zeros(3)), ValueError, r"bias must be \(4,\).*got \(3,\)"),
        (lambda: ops.conv2d(X4, W.data.astype(float)), TypeError, r"float64.*types differ"),
        (lambda: ops.conv1d(X4, W), ValueError, r"conv1d: x must be \(N, C, L\)"),
        (lambda: ops.conv1d(X4[0, 0], W[0]), ValueError, r"signals need.*: x\[None\]"),
        (lambda: ops.conv1d(X4[0], W), ValueError, r"conv1d: weight must be \(F, C/groups, K\)"),
        (
            lambda: ops.conv1d(X4[:, :, 0], W[:, :2, 0]),
            ValueError,
            r"conv1d \(as images one pixel high\): x \(2, 3, 1, 5\) has 3 channels",
        ),
        (lambda: ops.conv_transpose2d(X4, W), ValueError, r"with F = 3.*got \(4, 3, 3, 3\)"),
        (
            lambda: ops.conv_transpose2d(X4, W[:3], output_padding=1),
            ValueError,
            r"output_padding \(1, 1\) must be less than the stride \(1, 1\)",
        ),
        (
            lambda: ops.conv_transpose2d(X4, W[:3], padding=4),
            ValueError,
            r"padding \(4, 4\) leaves nothing",
        ),
        (
            lambda: ops.conv_transpose2d(X4, W[:3], zeros(4)),
            ValueError,
            r"conv_transpose2d: bias must be \(3,\)",
        ),
        (lambda: ops.unfold(X4, 6), ValueError, r"unfold: a window of \(6, 6\)"),
        (lambda: ops.fold(X4[0], 5, 2), ValueError, r"fold: columns must be \(N, C·4, 16\)"),
        (lambda: ops.convolve(X4, W), ValueError, r"convolve: x and kernel must both be"),
        (lambda: ops.toeplitz_matrix([1, 2, 3], 2), ValueError, r"toeplitz_matrix: kernel must"),
        (lambda: ops.correlation_matrix([1], (2, 2)), ValueError, r"kernel must be 2-D"),
        (lambda: ops.correlation_matrix([[1, 2]], (2, 1)), ValueError, r"window of \(1, 2\)"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_it_runs_in_threads():
    """No scratch memory is shared: results in threads are those without."""
    from concurrent.futures import ThreadPoolExecutor

    xs = [normal(3, 4, 9, 9, seed=i) for i in range(8)]
    w = normal(5, 4, 3, 3)
    expected = [ops.conv2d(x, w, padding=1) for x in xs]
    with ThreadPoolExecutor(4) as pool:
        for out, e in zip(pool.map(lambda x: ops.conv2d(x, w, padding=1), xs), expected):
            assert np.array_equal(out, e)


def test_torch_agrees_on_the_second_order_of_a_deep_chain():
    """The gradient of a gradient's norm through two convolutions."""
    arrays = [normal(2, 2, 5, 5), normal(3, 2, 3, 3), normal(2, 3, 2, 2)]
    xs, ts = variables(arrays), torch_variables(arrays)

    def chain(x, v, w, conv):
        hidden = conv(x, v, None, 2, 1)
        return (conv(hidden * hidden, w) ** 2).sum()

    first = gradients(chain(*xs, ops.conv2d), xs, create_graph=True)
    second = gradients(sum((g * g).sum() for g in first), xs)
    t_first = torch.autograd.grad(chain(*ts, TF.conv2d), ts, create_graph=True)
    t_second = torch.autograd.grad(sum((g * g).sum() for g in t_first), ts)
    for g, e in zip(second, t_second, strict=True):
        np.testing.assert_allclose(g, e.numpy(), rtol=1e-10)
