"""Batch normalization on NumPy arrays: few passes over x, and no digits lost in them.

E[x²] − μ² has no digits left where |μ| ≫ σ, so sums are of x − μ̃, with μ̃ the mean as
rounded to the dtype of x. The rest, μ − μ̃, is known and put right in the small sums.
"""

from __future__ import annotations

import numpy as np

__all__ = ["batch_moments", "batch_normalize", "batch_normalize_backward"]


def batch_moments(x):
    rows = _rows(x)
    n = rows.shape[0] * rows.shape[2]
    rough = (_total(rows) / n).astype(rows.dtype)
    centred, _ = _centre(rows, rough)
    rest = _total(centred) / n
    return np.stack([rough + rest, _total(centred, centred) / n - rest * rest])


def batch_normalize(x, w, b, *, moments, eps):
    mean, var = moments
    scale = (1 if w is None else w) / np.sqrt(var + eps)
    out, rest = _centre(_rows(x), mean)
    out *= _column(scale, out)
    out += _column((0 if b is None else b) - rest * scale, out)
    return _shaped(out, x)


def batch_normalize_backward(g, out, x, w, b, *, moments, eps, needed):
    """With z = (x − μ) / s and s² = σ² + ε:  ∂w = Σ g z,  ∂b = Σ g  and
    ∂x = w/s · (g − ∂b/n − z ∂w/n),  where ∂w/n and ∂b/n are means over the channel."""
    mean, var = moments
    s, g = np.sqrt(var + eps), _rows(g)
    centred, rest = _centre(_rows(x), mean)  # z s + rest
    db = _total(g)
    dw = (_total(g, centred) - rest * db) / s
    dx = None
    if needed[0]:
        scale = (1 if w is None else w) / s
        slope = scale / s * dw / (g.shape[0] * g.shape[2])
        centred *= _column(-slope, g)
        centred += _column(slope * rest - scale * db / (g.shape[0] * g.shape[2]), g)
        centred += g * _column(scale, g)
        dx = _shaped(centred, x)
    return dx, dw.astype(x.dtype), db.astype(x.dtype)


def _rows(x):
    """x (N, C, …) as (N, C, L); (N, C) as (1, C, N), for rows of length 1 are slow."""
    x = x if x.dtype.kind == "f" else x.astype(np.float64)  # bytes cannot be centred
    return x.T[None] if x.ndim == 2 else x.reshape(*x.shape[:2], -1)


def _shaped(rows, x):
    """What `_rows` was made of, for results."""
    return rows[0].T if x.ndim == 2 else rows.reshape(x.shape)


def _total(rows, others=None):
    """Σ x, or Σ x·y, for each channel, in float64."""
    others = np.ones(rows.shape[2], rows.dtype) if others is None else others
    return np.vecdot(rows, others).sum(axis=0, dtype=np.float64)


def _centre(rows, mean):
    """x − μ̃ in a new array, and μ − μ̃."""
    rounded = mean.astype(rows.dtype)
    return rows - rounded[:, None], mean - rounded


def _column(v, rows):
    return v.astype(rows.dtype)[:, None]
