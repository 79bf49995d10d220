"""Pooling: a window in one number: its maximum, its mean, or something between."""

from __future__ import annotations

from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.core import primitive, unwrap
from lecturelib.ops.conv import im2col
from lecturelib.ops.elementwise import log
from lecturelib.ops.linalg import matmul
from lecturelib.ops.reduce import logsumexp, mean
from lecturelib.ops.shape import reshape
from lecturelib.ops.windows import Pair, check_images, check_windows, pair


@primitive
def window_max(x, *, size, stride, padding):
    """The maximum of each window of x (N, C, H, W)."""

@primitive
def winners(x, out, *, size, stride, padding):
    """Where each maximum lies, the first of equal ones: k·KW + l in its window, or as
    the kernels of the array's library number the places."""

@primitive
def take_winners(x, *, winners, size, stride, padding):
    """The element of each window of x at the place given by `winners`."""

@primitive
def put_winners(g, *, winners, shape, size, stride, padding):
    """Zeros of `shape`, each g added at its place: the transpose of `take_winners`."""

def _window_max_x(g, out, x, **how):
    places = winners(unwrap(x), unwrap(out), **how)
    return put_winners(g, winners=places, shape=x.shape, **how)

# where the maximum lies does not change with x (but at a tie): a constant
window_max.defvjp(x=_window_max_x)
take_winners.defvjp(x=lambda g, out, x, **how: put_winners(g, shape=x.shape, **how))
put_winners.defvjp(g=lambda x, out, g, shape, **how: take_winners(x, **how))


@primitive
def window_sum(x, *, size, stride, padding):
    """The sum of each window of x (N, C, H, W); padding is zero."""

@primitive
def window_sum_dx(g, *, shape, size, stride, padding):
    """Each g added to all elements of its window: the transpose of `window_sum`."""

window_sum.defvjp(x=lambda g, out, x, **how: window_sum_dx(g, shape=x.shape, **how))
window_sum_dx.defvjp(g=lambda x, out, g, shape, **how: window_sum(x, **how))


def max_pool2d(x: Any, kernel_size: Pair, stride: Pair | None = None,
               padding: Pair = 0) -> Any:
    """The maximum of each window, as `torch.nn.functional.max_pool2d`.

    out[n,c,i,j] = max_kl x[n, c, s·i + k − p, s·j + l − p]; padding is never chosen.

    x: (N, C, H, W); the result: (N, C, OH, OW), OH = ⌊(H + 2p − KH) / s⌋ + 1. The
    stride is the kernel size unless given. The gradient goes to the maximum alone; of
    equal ones, to the first, row by row. Raises ValueError where no window fits or the
    padding exceeds half the window. Source: {cite}`goodfellow2016deep`, section 9.3.
    """
    x, how = _window("max_pool2d", x, kernel_size, stride, padding)
    return window_max(x, **how)


def avg_pool2d(x: Any, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0,
               count_include_pad: bool = True) -> Any:
    """The mean of each window, as `torch.nn.functional.avg_pool2d`.

    out[n,c,i,j] = Σ_kl x[n, c, s·i + k − p, s·j + l − p] / (KH·KW), zero outside x.

    Shapes and errors as `max_pool2d`. With `count_include_pad=False`, the divisor
    counts only the elements inside the image.
    """
    x, how = _window("avg_pool2d", x, kernel_size, stride, padding)
    total = window_sum(x, **how)
    if count_include_pad:
        return total * (1 / (how["size"][0] * how["size"][1]))
    return total / window_sum(_ones(x), **how)  # how many lie inside the image


def adaptive_avg_pool2d(x: Any, output_size: int | tuple | None) -> Any:
    """Means over windows that divide the image into `output_size` parts, as in torch.

    Output i of O is the mean of rows ⌊i·H/O⌋ to ⌈(i+1)·H/O⌉ − 1, and so for columns: a
    product with a matrix of weights on either side. x: (N, C, H, W); the result:
    (N, C, *output_size); None keeps the size of that axis.
    """
    check_images("adaptive_avg_pool2d", x)
    both = isinstance(output_size, (tuple, list))
    sizes: Any = output_size if both else (output_size, output_size)
    if len(sizes) == 2:
        sizes = tuple(n if o is None else o for n, o in zip(x.shape[2:], sizes))
    height, width = pair("adaptive_avg_pool2d", "output_size", sizes, 1)
    if 0 in x.shape[2:]:
        raise ValueError(f"adaptive_avg_pool2d: x {x.shape} has no pixels")
    rows = _averages(x.shape[2], height, unwrap(x))
    columns = _averages(x.shape[3], width, unwrap(x))
    return matmul(matmul(rows, x), columns.T)


def global_avg_pool2d(x: Any) -> Any:
    """The mean of each channel, (N, C, H, W) ↦ (N, C).

    Source: {cite}`lin2014network`.
    """
    check_images("global_avg_pool2d", x)
    return mean(x, axis=(2, 3))


def lse_pool2d(x: Any, kernel_size: Pair, temperature: float = 1.0,
               stride: Pair | None = None, padding: Pair = 0) -> Any:
    """A smooth maximum of each window: log-mean-exp with temperature T.

    out = T · log( (1/m) Σ_kl exp(x_kl / T) ), over the m elements of the window inside
    the image.

    T → 0 gives the maximum, T → ∞ the mean; the gradient, a softmax of x / T, reaches
    every element. (Sources also write r = 1/T.) Shapes and errors as `max_pool2d`;
    ValueError unless T > 0. Source: {cite}`pinheiro2015image`.
    """
    if not temperature > 0:
        raise ValueError(
            f"lse_pool2d: temperature must be positive, got {temperature!r}")
    x, how = _window("lse_pool2d", x, kernel_size, stride, padding)
    shape = (*x.shape[:2], how["size"][0] * how["size"][1])
    inside = im2col(_ones(x), dilation=(1, 1), **how)
    with np.errstate(divide="ignore"):
        outside = log(inside)[:, None]  # 0 for elements of the image, −∞ for padding
    count = window_sum(_ones(x), **how)
    columns = im2col(x, dilation=(1, 1), **how)
    columns = reshape(columns, shape=(*shape, columns.shape[2]))
    out = logsumexp(columns * (1 / temperature) + outside, axis=2)
    out = reshape(out, shape=(*x.shape[:2], *count.shape[2:]))
    return (out - log(count)) * temperature


def _window(name, x, kernel_size, stride, padding):
    x = x if hasattr(x, "shape") else np.asarray(x)
    size = pair(name, "kernel_size", kernel_size, 1)
    step = size if stride is None else pair(name, "stride", stride, 1)
    padding = pair(name, "padding", padding, 0)
    if any(2 * p > k for p, k in zip(padding, size)):
        raise ValueError(f"{name}: padding {padding} must be at most half the window "
                         f"{size}, or windows would lie outside the image")
    check_windows(name, x, size, padding)
    return x, {"size": size, "stride": step, "padding": padding}


def _ones(x):
    """An image of ones, of the size of those in x."""
    return backend.full((1, 1, *x.shape[2:]), 1.0, unwrap(x))


def _averages(n, parts, like):
    """The matrix (parts, n) whose i-th row averages the i-th part of n elements."""
    matrix = np.zeros((parts, n))
    for i in range(parts):
        start, stop = i * n // parts, -(-(i + 1) * n // parts)
        matrix[i, start:stop] = 1 / (stop - start)
    return backend.constant(matrix, like)
