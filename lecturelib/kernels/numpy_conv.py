"""Convolution on NumPy arrays: windows are copied into the columns of a matrix, a chunk
of the batch at a time, and multiplied by BLAS."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from lecturelib.kernels.geometry import along, output_length

__all__ = ["col2im", "correlate2d", "correlate2d_dw", "correlate2d_dx", "im2col"]

CHUNK = 1 << 20  # bytes of columns at a time: still in the cache when they are used


def correlate2d(x, w, b, *, stride, padding, dilation, groups):
    f, c, *size = w.shape
    view = windows(x, size, stride, padding, dilation)
    n, *_, height, width = view.shape
    kernels = w.reshape(groups, f // groups, c * size[0] * size[1])
    out = np.empty((n, f, height, width), x.dtype)
    rows = out.reshape(n, groups, f // groups, height * width)  # a view
    for part, columns in _chunks(view, groups):
        np.matmul(kernels, columns, out=rows[part])
        if b is not None:
            rows[part] += b.reshape(groups, f // groups, 1)
    return out


def correlate2d_dx(g, w, *, shape, stride, padding, dilation, groups):
    f, c, *size = w.shape
    margins = tuple(d * (k - 1) - p for k, p, d in zip(size, padding, dilation))
    gather = f <= 2 * c * groups or size == [1, 1]  # cheaper than adding up windows
    if gather and stride == (1, 1) and min(margins) >= 0:
        # x[i] met w[k] in out[i − k]: a correlation of g with the flipped w
        flipped = w.reshape(groups, f // groups, c, *size)[..., ::-1, ::-1]
        flipped = flipped.swapaxes(1, 2).reshape(groups * c, f // groups, *size)
        return correlate2d(g, flipped, None, stride=stride, padding=margins,
                           dilation=dilation, groups=groups)
    n, _, *out_size = g.shape
    area = out_size[0] * out_size[1]
    g = g.reshape(n, groups, f // groups, area)
    kernels = w.reshape(groups, f // groups, c * size[0] * size[1]).swapaxes(1, 2)
    dx = _Padded(shape, padding, g.dtype)
    for part in _parts(n, groups * c * size[0] * size[1] * area * g.itemsize):
        columns = np.matmul(kernels, g[part])
        columns = columns.reshape(-1, groups * c, *size, *out_size)
        dx.add(part, columns, stride, dilation)
    return dx.inside


def correlate2d_dw(x, g, *, shape, stride, padding, dilation, groups):
    f, c, *size = shape
    view = windows(x, size, stride, padding, dilation)
    g = g.reshape(len(x), groups, f // groups, g.shape[2] * g.shape[3])
    dw = np.zeros(shape, g.dtype)
    rows = dw.reshape(groups, f // groups, c * size[0] * size[1])  # a view
    for part, columns in _chunks(view, groups, dw.nbytes):
        rows += np.matmul(g[part], columns.swapaxes(-1, -2)).sum(axis=0)
    return dw


def im2col(x, *, size, stride, padding, dilation):
    view = windows(x, size, stride, padding, dilation)
    n, c, *_, height, width = view.shape
    return view.reshape(n, c * size[0] * size[1], height * width)


def col2im(columns, *, shape, size, stride, padding, dilation):
    n, c, *image = shape
    out_size = [output_length(*of_axis)
                for of_axis in zip(image, size, stride, padding, dilation)]
    out = _Padded(shape, padding, columns.dtype)
    out.add(slice(None), columns.reshape(n, c, *size, *out_size), stride, dilation)
    return out.inside


def windows(x, size, stride, padding, dilation):
    """All windows of x, a view (N, C, KH, KW, OH, OW): only the padding is a copy."""
    if any(padding):
        padded = _Padded(x.shape, padding, x.dtype)
        padded.inside[...] = x
        x = padded.whole
    n, c, *image = x.shape
    out_size = [output_length(length, k, s, 0, d)
                for length, k, s, d in zip(image, size, stride, dilation)]
    steps = [d * step for d, step in zip(dilation, x.strides[2:])]
    leaps = [s * step for s, step in zip(stride, x.strides[2:])]
    return as_strided(x, (n, c, *size, *out_size), (*x.strides[:2], *steps, *leaps))


class _Padded:
    """Zeros with room for padding: `whole`, and the part of it `inside` the padding."""

    def __init__(self, shape, padding, dtype):
        (n, c, h, w), (top, left) = shape, padding
        self.whole = np.zeros((n, c, h + 2 * top, w + 2 * left), dtype)
        self.inside = self.whole[:, :, top:top + h, left:left + w]

    def add(self, part, columns, stride, dilation):
        """Add windows (n, C, KH, KW, OH, OW) where they lie in the images `part`."""
        *_, height, width = columns.shape
        for k, l in np.ndindex(columns.shape[2:4]):
            self.whole[part, :, along(k * dilation[0], height, stride[0]),
                       along(l * dilation[1], width, stride[1])] += columns[:, :, k, l]


def _chunks(view, groups, nbytes=0):
    """Windows as matrices (m, groups, C/groups·KH·KW, OH·OW), some images at a time.

    So few that what is made of each, `nbytes`, fits into a chunk as well.
    """
    n, c, kh, kw, height, width = view.shape
    each = c * kh * kw * height * width * view.itemsize
    buffer = None
    for part in _parts(n, max(each, nbytes)):
        columns = view[part]
        if kh * kw > 1:  # otherwise a window is one element: nothing needs to be copied
            buffer = np.empty(columns.shape, view.dtype) if buffer is None else buffer
            np.copyto(buffer[:len(columns)], columns)
            columns = buffer[:len(columns)]
        yield part, columns.reshape(
            len(columns), groups, c // groups * kh * kw, height * width)


def _parts(n, nbytes):
    """Slices of a batch of n whose columns, `nbytes` for each image, fill a chunk."""
    m = max(1, CHUNK // max(1, nbytes))
    return [slice(start, start + m) for start in range(0, n, m)]
