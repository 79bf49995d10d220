"""Pooling, on arrays of either library: one place of all windows at a time, as a view of x.

What is called of NumPy (`xp`) has the same name in torch.
"""

from __future__ import annotations

import sys

import numpy as np

from lecturelib import backend
from lecturelib.kernels.geometry import along, output_length

__all__ = ["put_winners", "take_winners", "window_max", "window_sum", "window_sum_dx",
           "winners"]


def window_max(x, *, size, stride, padding):
    return _by_axis(_library(x).maximum, _pad(x, padding, -np.inf), size, stride)


def window_sum(x, *, size, stride, padding):
    return _by_axis(_library(x).add, _pad(x, padding, 0), size, stride)


def window_sum_dx(g, *, shape, size, stride, padding):
    for axis in (3, 2):
        n, k, s = g.shape[axis], size[axis - 2], stride[axis - 2]
        wide = list(g.shape)
        wide[axis] = shape[axis] + 2 * padding[axis - 2]
        dx = _full(wide, 0, g)
        for i in range(k):
            dx[_at(axis, along(i, n, s))] += g
        g = dx
    return _crop(g, shape, padding)


def winners(x, out, *, size, stride, padding):
    xp, x = _library(x), _pad(x, padding, np.nan)  # NaN equals nothing: it never wins
    places = xp.uint8 if size[0] * size[1] <= 256 else xp.int32
    chosen = xp.zeros(out.shape, dtype=places, device=x.device)
    # where it is true, the winner lies further on
    searching = xp.ones(out.shape, dtype=xp.bool, device=x.device)
    for view in list(_shifts(x, out.shape, size, stride))[:-1]:
        searching &= view != out
        chosen += searching
    return chosen


def take_winners(x, *, winners, size, stride, padding):
    xp, x = _library(x), _pad(x, padding, 0)
    out = _full(winners.shape, 0, x)
    for k, view in enumerate(_shifts(x, winners.shape, size, stride)):
        out = xp.where(winners == k, view, out)
    return out


def put_winners(g, *, winners, shape, size, stride, padding):
    (n, c, h, w), (top, left) = shape, padding
    xp, dx = _library(g), _full((n, c, h + 2 * top, w + 2 * left), 0, g)
    apart = stride[0] >= size[0] and stride[1] >= size[1]  # no element in two windows
    for k, view in enumerate(_shifts(dx, g.shape, size, stride)):
        if apart:
            xp.multiply(g, winners == k, out=view)
        else:
            view += g * (winners == k)
    return _crop(dx, shape, padding)


def _by_axis(combine, x, size, stride):
    """Combine the elements of each window: down the columns, then along the rows."""
    for axis in (2, 3):
        k, s = size[axis - 2], stride[axis - 2]
        n = output_length(x.shape[axis], k, s)
        total = x[_at(axis, along(0, n, s))]
        for i in range(1, k):
            shifted = x[_at(axis, along(i, n, s))]
            total = combine(total, shifted, out=None if i == 1 else total)
        x = total
    return backend.copy(x) if size == (1, 1) else x


def _shifts(x, out_shape, size, stride):
    """For each place in the window, row by row: what all windows have there, a view."""
    *_, height, width = out_shape
    for i, j in np.ndindex(*size):
        yield x[:, :, along(i, height, stride[0]), along(j, width, stride[1])]


def _library(x):
    return sys.modules["torch"] if backend.is_torch(x) else np


def _full(shape, value, like):
    return backend.full(tuple(shape), value, like)


def _at(axis, places):
    return (*(slice(None),) * axis, places)


def _pad(x, padding, value):
    if not any(padding):
        return x
    if value != 0 and not backend.is_float(x):
        raise TypeError(f"x: padding needs floating-point numbers, got {x.dtype}")
    (n, c, h, w), (top, left) = x.shape, padding
    out = _full((n, c, h + 2 * top, w + 2 * left), value, x)
    out[:, :, top:top + h, left:left + w] = x
    return out


def _crop(x, shape, padding):
    (top, left), (h, w) = padding, shape[2:]
    return x[:, :, top:top + h, left:left + w]
