"""Pooling on NumPy arrays: one place of all windows at a time, as a view of x."""

from __future__ import annotations

import numpy as np

from lecturelib.kernels.geometry import along, output_length

__all__ = ["put_winners", "take_winners", "window_max", "window_sum", "window_sum_dx",
           "winners"]


def window_max(x, *, size, stride, padding):
    return _by_axis(np.maximum, _pad(x, padding, -np.inf), size, stride)


def window_sum(x, *, size, stride, padding):
    return _by_axis(np.add, _pad(x, padding, 0), size, stride)


def window_sum_dx(g, *, shape, size, stride, padding):
    for axis in (3, 2):
        n, k, s = g.shape[axis], size[axis - 2], stride[axis - 2]
        wide = list(g.shape)
        wide[axis] = shape[axis] + 2 * padding[axis - 2]
        dx = np.zeros(wide, g.dtype)
        for i in range(k):
            dx[_at(axis, along(i, n, s))] += g
        g = dx
    return _crop(g, shape, padding)


def winners(x, out, *, size, stride, padding):
    x = _pad(x, padding, np.nan)  # NaN equals nothing, so padding never wins
    chosen = np.zeros(out.shape, np.min_scalar_type(size[0] * size[1]))
    searching = np.ones(out.shape, bool)  # as long as it is, the winner lies further on
    for view in list(_shifts(x, out.shape, size, stride))[:-1]:
        searching &= view != out
        chosen += searching
    return chosen


def take_winners(x, *, winners, size, stride, padding):
    x = _pad(x, padding, 0)
    out = np.empty(winners.shape, x.dtype)
    for k, view in enumerate(_shifts(x, winners.shape, size, stride)):
        np.copyto(out, view, where=winners == k)
    return out


def put_winners(g, *, winners, shape, size, stride, padding):
    (n, c, h, w), (top, left) = shape, padding
    dx = np.zeros((n, c, h + 2 * top, w + 2 * left), g.dtype)
    apart = stride[0] >= size[0] and stride[1] >= size[1]  # no element in two windows
    for k, view in enumerate(_shifts(dx, g.shape, size, stride)):
        if apart:
            np.multiply(g, winners == k, out=view)
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
    return x.copy() if size == (1, 1) else x


def _shifts(x, out_shape, size, stride):
    """For each place in the window, row by row: what all windows have there, a view."""
    *_, height, width = out_shape
    for i, j in np.ndindex(*size):
        yield x[:, :, along(i, height, stride[0]), along(j, width, stride[1])]


def _at(axis, places):
    return (*(slice(None),) * axis, places)


def _pad(x, padding, value):
    if not any(padding):
        return x
    if value != 0 and x.dtype.kind != "f":
        raise TypeError(f"x: padding needs floating-point numbers, got {x.dtype}")
    (n, c, h, w), (top, left) = x.shape, padding
    out = np.full((n, c, h + 2 * top, w + 2 * left), value, x.dtype)
    out[:, :, top:top + h, left:left + w] = x
    return out


def _crop(x, shape, padding):
    (top, left), (h, w) = padding, shape[2:]
    return x[:, :, top:top + h, left:left + w]
