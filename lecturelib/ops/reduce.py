"""Operations that reduce axes: a sum sends its gradient back to every summand."""

from __future__ import annotations

import math
from typing import Any

from lecturelib import backend
from lecturelib.core import broadcast_to, primitive, unwrap
from lecturelib.ops.elementwise import exp, sqrt
from lecturelib.ops.shape import reshape

Axis = int | tuple[int, ...] | None


@primitive
def sum(x, *, axis=None, keepdims=False):
    """The sum over `axis` (an int, a tuple or None for all)."""

sum.defvjp(x=lambda g, out, x, axis, keepdims:
           broadcast_to(_restore(g, x, axis), shape=x.shape))


@primitive
def max(x, *, axis=None, keepdims=False):
    """The largest value over `axis`; equal ones share the gradient (torch.amax)."""

@primitive
def min(x, *, axis=None, keepdims=False):
    """The smallest value over `axis`; equal ones share the gradient (torch.amin)."""

def _share(g, out, x, axis, keepdims):
    chosen = x == broadcast_to(_restore(out, x, axis), shape=x.shape)
    count = backend.constant(sum(chosen, axis=axis, keepdims=True), unwrap(x))
    return _restore(g, x, axis) / count * chosen

max.defvjp(x=_share)
min.defvjp(x=_share)


@primitive
def logsumexp(x, *, axis=None, keepdims=False):
    """log Σ exp(x) over `axis`, without overflow: a smooth maximum."""

logsumexp.defvjp(x=lambda g, out, x, axis, keepdims:
                 _restore(g, x, axis) * exp(x - _restore(out, x, axis)))


@primitive
def softmax(x, *, axis=-1):
    """exp(x) / Σ exp(x) along `axis`: positive numbers that sum to 1."""

softmax.defvjp(x=lambda g, out, x, axis:
               out * (g - sum(g * out, axis=axis, keepdims=True)))


@primitive
def log_softmax(x, *, axis=-1):
    """x − log Σ exp(x) along `axis`: the logarithm of softmax, without overflow."""

log_softmax.defvjp(x=lambda g, out, x, axis:
                   g - exp(out) * sum(g, axis=axis, keepdims=True))


def _restore(y: Any, x: Any, axis: Axis) -> Any:
    """Give y its lost axes back, with length 1, so that it broadcasts against x."""
    ndim = len(x.shape)
    axes = {a + ndim if a < 0 else a for a in _axes(x, axis)}
    return reshape(y, shape=tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def _axes(x: Any, axis: Axis) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(len(x.shape)))
    return axis if isinstance(axis, tuple) else (axis,)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean over `axis`."""
    return sum(x, axis=axis, keepdims=keepdims) / _count(x, axis)


def var(x: Any, axis: Axis = None, correction: float = 0,
        keepdims: bool = False) -> Any:
    """The variance over `axis`: squared deviations, summed, over n − `correction`."""
    deviation = x - mean(x, axis=axis, keepdims=True)
    total = sum(deviation * deviation, axis=axis, keepdims=keepdims)
    return total / (_count(x, axis) - correction)


def std(x: Any, axis: Axis = None, correction: float = 0,
        keepdims: bool = False) -> Any:
    """The standard deviation: the square root of the variance."""
    return sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


def _count(x: Any, axis: Axis) -> int:
    return math.prod(x.shape[a] for a in _axes(x, axis))
