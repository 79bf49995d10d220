"""Convolution and pooling as plain loops: to be read, and as oracle of the tests.

Each function computes what its namesake among the fast kernels computes. Images are
(N, C, H, W), kernels (F, C/groups, KH, KW); stride, padding, dilation and size are
pairs, for height and width.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lecturelib.kernels.geometry import output_length


def correlate1d(x: Any, w: Any, *, stride: int = 1, padding: int = 0) -> np.ndarray:
    """out[i] = Σ_k w[k] · x[stride·i + k − padding], where x is 0 beyond its ends."""
    out = np.zeros(output_length(len(x), len(w), stride, padding))
    for i in range(len(out)):
        for k in range(len(w)):
            at = stride * i + k - padding
            if 0 <= at < len(x):
                out[i] += w[k] * x[at]
    return out


def correlate2d(x, w, b=None, *, stride, padding, dilation, groups):
    """out[n,f,i,j] = b[f] + Σ_ckl w[f,c,k,l] · x[n, c, s·i+d·k−p, s·j+d·l−p]."""
    height, width = (output_length(*of_axis) for of_axis in zip(
        x.shape[2:], w.shape[2:], stride, padding, dilation, strict=True))
    out = np.zeros((len(x), len(w), height, width), x.dtype)
    if b is not None:
        out += b.reshape(1, -1, 1, 1)
    how = stride, padding, dilation, groups
    for o, k, i in terms(x.shape, w.shape, out.shape, *how):
        out[o] += w[k] * x[i]
    return out


def correlate2d_dx(g, w, *, shape, stride, padding, dilation, groups):
    """The gradient of x, of `shape`: each product hands g · w back to its x."""
    dx = np.zeros(shape, g.dtype)
    how = stride, padding, dilation, groups
    for o, k, i in terms(shape, w.shape, g.shape, *how):
        dx[i] += g[o] * w[k]
    return dx


def correlate2d_dw(x, g, *, shape, stride, padding, dilation, groups):
    """The gradient of w, of `shape`: each product hands g · x back to its weight."""
    dw = np.zeros(shape, g.dtype)
    how = stride, padding, dilation, groups
    for o, k, i in terms(x.shape, shape, g.shape, *how):
        dw[k] += g[o] * x[i]
    return dw


def terms(x_shape: Any, w_shape: Any, out_shape: Any, stride: Any, padding: Any,
          dilation: Any, groups: int) -> Iterator[tuple]:
    """All products of the sum: the indices (of the output, of the weight, of x).

    An output channel sees the C/groups input channels of its own group.
    """
    channels, per_group = w_shape[1], w_shape[0] // groups
    for n, f, i, j in np.ndindex(*out_shape):
        first = f // per_group * channels
        for c, k, l in np.ndindex(*w_shape[1:]):
            row = stride[0] * i + dilation[0] * k - padding[0]
            column = stride[1] * j + dilation[1] * l - padding[1]
            if 0 <= row < x_shape[2] and 0 <= column < x_shape[3]:
                yield (n, f, i, j), (f, c, k, l), (n, first + c, row, column)


def max_pool2d(x, *, size, stride, padding):
    """out[n,c,i,j] = the largest x of the window; padding is never chosen."""
    out = np.empty(_pooled(x, size, stride, padding), x.dtype)
    for o in np.ndindex(*out.shape):
        out[o] = x[_first_maximum(x, o, size, stride, padding)]
    return out


def max_pool2d_dx(g, x, *, size, stride, padding):
    """The gradient goes to the winner of the window: of equal ones, to the first."""
    dx = np.zeros(x.shape, g.dtype)
    for o in np.ndindex(*g.shape):
        dx[_first_maximum(x, o, size, stride, padding)] += g[o]
    return dx


def avg_pool2d(x, *, size, stride, padding):
    """out[n,c,i,j] = the sum over the window, divided by its size; padding counts."""
    out = np.zeros(_pooled(x, size, stride, padding), x.dtype)
    for o in np.ndindex(*out.shape):
        for place in places(x.shape, o, size, stride, padding):
            out[o] += x[place] / (size[0] * size[1])
    return out


def avg_pool2d_dx(g, x, *, size, stride, padding):
    """The gradient is shared equally among the elements of the window."""
    dx = np.zeros(x.shape, g.dtype)
    for o in np.ndindex(*g.shape):
        for place in places(x.shape, o, size, stride, padding):
            dx[place] += g[o] / (size[0] * size[1])
    return dx


def places(x_shape: Any, at: Any, size: Any, stride: Any,
           padding: Any) -> Iterator[tuple]:
    """The elements of x in the window of the output `at`, row by row."""
    n, c, i, j = at
    for k, l in np.ndindex(*size):
        row, column = stride[0] * i + k - padding[0], stride[1] * j + l - padding[1]
        if 0 <= row < x_shape[2] and 0 <= column < x_shape[3]:
            yield n, c, row, column


def _first_maximum(x, at, size, stride, padding):
    best, *others = places(x.shape, at, size, stride, padding)
    for place in others:
        if x[place] > x[best]:  # of equal ones, the first stays
            best = place
    return best


def _pooled(x, size, stride, padding):
    return (*x.shape[:2], *(output_length(*of_axis) for of_axis in zip(
        x.shape[2:], size, stride, padding, strict=True)))
