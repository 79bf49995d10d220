"""Convolution on NumPy arrays: windows become the columns of a matrix, for BLAS.

Copying windows could cost more than multiplying them. So they are copied for some
images at a time, into a buffer that stays in the cache, in runs as long as can be.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from lecturelib.kernels.geometry import output_length

__all__ = ["col2im", "correlate2d", "correlate2d_backward", "correlate2d_dw",
           "correlate2d_dx", "im2col"]

CHUNK = 1 << 20  # bytes of columns at a time: still in the cache when they are used


def correlate2d(x, w, b, *, stride, padding, dilation, groups):
    f, c, *size = w.shape
    windows = _Windows(x.shape, size, stride, padding, dilation, x.dtype)
    kernels = w.reshape(groups, f // groups, c * size[0] * size[1])
    bias = 0 if b is None else b.reshape(f, 1, 1)
    out = np.empty((len(x), f, *windows.out_size), x.dtype)
    for part in windows.parts():
        rows = kernels @ _grouped(windows.gather(x[part]), groups)
        np.add(windows.crop(rows), bias, out=out[part])
    return out


def correlate2d_dx(g, w, *, shape, stride, padding, dilation, groups):
    f, c, *size = w.shape
    if _gathers(w, stride, padding, dilation, groups):
        # x[i] met w[k] in out[i − k]: a correlation of g with the flipped w
        return correlate2d(g, _flip(w, groups), None, stride=stride, groups=groups,
                           padding=_margins(w, padding, dilation), dilation=dilation)
    windows = _Windows(shape, size, stride, padding, dilation, g.dtype)
    kernels = w.reshape(groups, f // groups, c * size[0] * size[1]).swapaxes(1, 2)
    dx = np.empty(shape, g.dtype)
    for part in windows.parts():
        dx[part] = windows.scatter(kernels @ _grouped(windows.spread(g[part]), groups))
    return dx


def correlate2d_dw(x, g, *, shape, stride, padding, dilation, groups):
    f, c, *size = shape
    windows = _Windows(x.shape, size, stride, padding, dilation, g.dtype)
    dw = np.zeros((groups, c * size[0] * size[1], f // groups), g.dtype)
    for part in windows.parts(dw.nbytes):
        columns = _grouped(windows.gather(x[part]), groups)
        rows = _grouped(windows.spread(g[part]), groups)
        dw += (columns @ rows.swapaxes(2, 3)).sum(axis=0)  # faster than rows @ columns
    return dw.swapaxes(1, 2).reshape(shape)


def correlate2d_backward(g, out, x, w, b, *, groups, needed, **how):
    """What the rules of `correlate2d` compute, from one set of columns if possible."""
    db = g.sum(axis=(0, 2, 3)) if needed[2] else None
    if not (needed[0] and needed[1] and _gathers(w, groups=groups, **how)):
        how["groups"] = groups
        dx = correlate2d_dx(g, w, shape=x.shape, **how) if needed[0] else None
        return dx, correlate2d_dw(x, g, shape=w.shape, **how) if needed[1] else None, db
    # Σ g·(w ⋆ x) = Σ x·(flipped w ⋆ g): dw is found like dx, from windows of g
    margins, flipped = _margins(w, how["padding"], how["dilation"]), _flip(w, groups)
    windows = _Windows(g.shape, w.shape[2:], (1, 1), margins, how["dilation"], g.dtype)
    kernels = flipped.reshape(groups, len(flipped) // groups, -1)
    dx, dw = np.empty(x.shape, x.dtype), np.zeros_like(kernels.swapaxes(1, 2))
    for part in windows.parts(dw.nbytes):
        columns = _grouped(windows.gather(g[part]), groups)
        dx[part] = windows.crop(kernels @ columns)
        rows = _grouped(windows.spread(x[part]), groups).swapaxes(2, 3)
        dw += (columns @ rows).sum(axis=0)
    return dx, _flip(dw.swapaxes(1, 2).reshape(flipped.shape), groups), db


def _gathers(w, stride, padding, dilation, groups):
    """Whether windows of g are to be gathered for dx, not windows of x added up."""
    f, c, *size = w.shape
    cheaper = f <= 2 * c * groups or size == [1, 1]
    return cheaper and stride == (1, 1) and min(_margins(w, padding, dilation)) >= 0


def _margins(w, padding, dilation):
    """The padding of g for which its windows are as many as x has places."""
    return tuple(d * (k - 1) - p for k, p, d in zip(w.shape[2:], padding, dilation))


def _flip(w, groups):
    """Kernels turned by 180°, from output to input channels; its own inverse."""
    f, c, *size = w.shape
    w = w.reshape(groups, f // groups, c, *size)[..., ::-1, ::-1].swapaxes(1, 2)
    return np.ascontiguousarray(w).reshape(groups * c, f // groups, *size)


def im2col(x, *, size, stride, padding, dilation):
    windows = _Windows(x.shape, size, stride, padding, dilation, x.dtype, True)
    n, c = x.shape[:2]
    columns = np.empty((n, c * size[0] * size[1], windows.area), x.dtype)
    for part in windows.parts():
        columns[part] = windows.gather(x[part])
    return columns


def col2im(columns, *, shape, size, stride, padding, dilation):
    windows = _Windows(shape, size, stride, padding, dilation, columns.dtype, True)
    image = np.empty(shape, columns.dtype)
    for part in windows.parts():
        image[part] = windows.scatter(columns[part])
    return image


class _Windows:
    """All windows of images of one shape, as columns (N, C·KH·KW, OH·row).

    With stride 1 each row of windows is continued to the end of the padded row, unless
    they must be `exact`. Then the next row of windows follows without a gap, so that to
    each place in the window belongs one run of memory. The windows too many have any
    value in what `gather` returns and must be 0 in what `scatter` is given.
    """

    def __init__(self, shape, size, stride, padding, dilation, dtype, exact=False):
        self.n, c, *image = shape
        self.stride = stride
        self.out_size = [output_length(*of_axis) for of_axis in zip(
            image, size, stride, padding, dilation)]
        (top, left), (height, width) = padding, image
        self.inside = (..., slice(top, top + height), slice(left, left + width))
        height, width = height + 2 * top, width + 2 * left
        self.row = self.out_size[1] if exact or stride != (1, 1) else width
        self.area = self.out_size[0] * self.row
        self.is_copy = tuple(size) != (1, 1) or any(padding)
        each = c * size[0] * size[1] * self.area * dtype.itemsize
        self.count = max(1, min(self.n, CHUNK // max(1, each)))
        # the windows too many of the last row run on into a spare row
        self.padded = np.zeros((self.count, c, height + 1, width), dtype)
        n_step, c_step, *steps = self.padded.strides
        self.view = as_strided(
            self.padded, (self.count, c, *size, self.out_size[0], self.row),
            (n_step, c_step, *[d * step for d, step in zip(dilation, steps)],
             *[s * step for s, step in zip(stride, steps)]))
        self.columns = np.empty(self.view.shape if self.is_copy else 0, dtype)

    def parts(self, nbytes=0):
        """Slices of the batch: so long that columns, or `nbytes` each, fill a chunk."""
        m = max(1, min(self.count, CHUNK // max(1, nbytes)))
        return [slice(start, start + m) for start in range(0, self.n, m)]

    def gather(self, x):
        """The columns of the images x; valid until the next call."""
        n, c = x.shape[:2]
        if not self.is_copy:
            down, right = self.stride
            return x[:, :, ::down, ::right].reshape(n, c, self.area)
        self.padded[:n][self.inside] = x
        np.copyto(self.columns[:n], self.view[:n])
        return self.columns[:n].reshape(n, -1, self.area)

    def scatter(self, columns):
        """The transpose of `gather`: columns added up where their windows lay."""
        view = self.view[:len(columns)]
        columns = columns.reshape(view.shape)
        self.padded.fill(0)
        for k, l in np.ndindex(view.shape[2:4]):
            view[:, :, k, l] += columns[:, :, k, l]  # no place twice in either
        return self.padded[:len(columns)][self.inside]

    def spread(self, g):
        """An image of results (N, F, OH, OW) as rows (N, F, OH·row)."""
        if self.row > self.out_size[1]:
            wide = np.zeros((*g.shape[:3], self.row), g.dtype)
            wide[..., :self.out_size[1]] = g
            g = wide
        return g.reshape(*g.shape[:2], self.area)

    def crop(self, rows):
        """The transpose of `spread`, for rows of any groups."""
        rows = rows.reshape(len(rows), -1, self.out_size[0], self.row)
        return rows[..., :self.out_size[1]]


def _grouped(columns, groups):
    n, rows, area = columns.shape
    return columns.reshape(n, groups, rows // groups, area)
