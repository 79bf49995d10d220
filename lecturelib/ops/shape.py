"""Operations that move numbers without changing them. Each is the adjoint of another:
reshape of reshape, transpose of transpose, indexing of placing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lecturelib.core import Tensor, primitive


@primitive
def reshape(x, *, shape):
    """The same numbers in another shape."""

reshape.defvjp(x=lambda g, out, x, shape: reshape(g, shape=x.shape))


@primitive
def permute_dims(x, *, axes):
    """The axes in another order."""

permute_dims.defvjp(x=lambda g, out, x, axes: permute_dims(
    g, axes=tuple(np.argsort([a % len(axes) for a in axes]))))


@primitive
def getitem(x, *, index):
    """x[index], for every index that NumPy knows."""

getitem.defvjp(x=lambda g, out, x, index: place(g, shape=x.shape, index=index))


@primitive
def place(x, *, shape, index):
    """Zeros of `shape` with x added at `index`: a place named twice receives twice."""

place.defvjp(x=lambda g, out, x, shape, index: getitem(g, index=index))


@primitive
def concatenate(*xs, axis=0):
    """Arrays joined along an axis they have."""

def _piece(i):
    def rule(g, out, *xs, axis):
        start = sum(x.shape[axis] for x in xs[:i])
        along = [slice(None)] * len(xs[i].shape)
        along[axis] = slice(start, start + xs[i].shape[axis])
        return g[tuple(along)]
    return rule

concatenate.defvjp(xs=_piece)


@primitive
def pad(x, *, widths):
    """x with zeros around it: `widths` holds a pair (before, after) for each axis."""

pad.defvjp(x=lambda g, out, x, widths: g[tuple(
    slice(before, before + n) for (before, _), n in zip(widths, x.shape, strict=True))])


def transpose(x: Any) -> Any:
    """The axes in reverse order; of a matrix, rows and columns exchanged."""
    return permute_dims(x, axes=tuple(reversed(range(len(x.shape)))))


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    axes = list(range(len(x.shape)))
    axis1, axis2 = (_check_axis("swapaxes", x, a, len(axes)) for a in (axis1, axis2))
    axes[axis1], axes[axis2] = axis2, axis1
    return permute_dims(x, axes=tuple(axes))


def expand_dims(x: Any, axis: int) -> Any:
    """A new axis of length 1 at position `axis` of the result."""
    shape = list(x.shape)
    shape.insert(_check_axis("expand_dims", x, axis, len(shape) + 1), 1)
    return reshape(x, shape=tuple(shape))


def squeeze(x: Any, axis: int) -> Any:
    """An axis of length 1 removed."""
    axis = _check_axis("squeeze", x, axis, len(x.shape))
    if x.shape[axis] != 1:
        raise ValueError(f"squeeze: axis {axis} of shape {x.shape} has length "
                         f"{x.shape[axis]}, not 1")
    shape = list(x.shape)
    del shape[axis]
    return reshape(x, shape=tuple(shape))


def _check_axis(name: str, x: Any, axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise ValueError(
            f"{name}: axis {axis} is out of bounds for x of shape {x.shape}")
    return axis % ndim


def flatten(x: Any, start_dim: int = 0) -> Any:
    """The axes from `start_dim` on joined into one; 1 keeps the batch axis."""
    return reshape(x, shape=(*x.shape[:start_dim], math.prod(x.shape[start_dim:])))


def stack(xs: Sequence[Any], axis: int = 0) -> Any:
    """Arrays of one shape joined along a new axis."""
    return concatenate(*[expand_dims(x, axis) for x in xs], axis=axis)


def concat(xs: Sequence[Any], axis: int = 0) -> Any:
    """Arrays joined along an axis they have."""
    if isinstance(xs, Tensor):
        raise TypeError(
            "concat: a list of Tensors is needed, concat([x, y]), got one Tensor")
    if axis is None:
        raise TypeError("concat: axis must be an int; to join all elements, "
                        "flatten the arrays first")
    return concatenate(*xs, axis=axis)
