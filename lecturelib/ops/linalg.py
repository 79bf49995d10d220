"""Products of matrices: the gradient is again a product, with one factor transposed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lecturelib.core import primitive
from lecturelib.ops.shape import expand_dims, reshape, squeeze, swapaxes


@primitive
def matrix_product(x, y):
    """x @ y for matrices (…, n, k) and (…, k, m), or stacks of them that broadcast."""

matrix_product.defvjp(x=lambda g, out, x, y: g @ swapaxes(y, -1, -2),
                      y=lambda g, out, x, y: swapaxes(x, -1, -2) @ g)


def matmul(x: Any, y: Any) -> Any:
    """x @ y as NumPy defines it: matrices, stacks of them, vectors on either side."""
    x, y = (v if hasattr(v, "shape") else np.asarray(v) for v in (x, y))
    if 0 in (len(x.shape), len(y.shape)):
        raise ValueError(f"matmul: shapes {x.shape} and {y.shape}: "
                         "use * to multiply by a number")
    if x.shape[-1] != y.shape[-2 if len(y.shape) > 1 else 0]:
        raise ValueError(
            f"matmul: shapes {x.shape} and {y.shape}: the last axis of the first and "
            "the last but one of the second must have one length")
    if min(len(x.shape), len(y.shape)) >= 2:
        return matrix_product(x, y)
    row, column = len(x.shape) == 1, len(y.shape) == 1
    x, y = expand_dims(x, 0) if row else x, expand_dims(y, 1) if column else y
    out = matrix_product(x, y)
    out = squeeze(out, -1) if column else out
    return squeeze(out, -1 if column else -2) if row else out


@primitive
def linear(x, w, b):
    """x wᵀ + b for x (…, in), w (out, in) and b (out,) or None, as in PyTorch."""

linear.defvjp(x=lambda g, out, x, w, b: g @ w,
              w=lambda g, out, x, w, b: _rows(g).T @ _rows(x),
              b=lambda g, out, x, w, b: g)


def _rows(x: Any) -> Any:
    """x as one matrix whose rows are the vectors along its last axis."""
    if len(x.shape) == 2:
        return x
    n = x.shape[-1]
    return reshape(x, shape=(math.prod(x.shape[:-1]), n))
