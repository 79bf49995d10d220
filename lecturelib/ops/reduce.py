"""Operations that reduce axes. What was summed into one number sends its gradient to every summand."""

from __future__ import annotations

from typing import Any

import numpy as np

from lecturelib.core import broadcast_to, primitive
from lecturelib.ops.elementwise import exp, sqrt
from lecturelib.ops.shape import reshape

Axis = int | tuple[int, ...] | None


@primitive
def sum(x, *, axis=None, keepdims=False):
    """The sum over `axis` (an int, a tuple or None for all)."""

sum.defvjp(x=lambda g, out, x, axis, keepdims: broadcast_to(_restore(g, x, axis), shape=x.shape))


@primitive
def max(x, *, axis=None, keepdims=False):
    """The largest value over `axis`; equal ones share the gradient, as in `torch.amax`."""

@primitive
def min(x, *, axis=None, keepdims=False):
    """The smallest value over `axis`; equal ones share the gradient, as in `torch.amin`."""

def _share(g, out, x, axis, keepdims):
    chosen = x == broadcast_to(_restore(out, x, axis), shape=x.shape)
    count = np.sum(chosen, axis=axis, keepdims=True)
    return broadcast_to(_restore(g, x, axis) / count.astype(x.dtype), shape=x.shape) * chosen

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

softmax.defvjp(x=lambda g, out, x, axis: out * (g - sum(g * out, axis=axis, keepdims=True)))


@primitive
def log_softmax(x, *, axis=-1):
    """x − log Σ exp(x) along `axis`: the logarithm of softmax, without overflow."""

log_softmax.defvjp(x=lambda g, out, x, axis: g - exp(out) * sum(g, axis=axis, keepdims=True))


def _restore(y: Any, x: Any, axis: Axis) -> Any:
    """Give the reduced y its lost axes back, with length 1, so that it broadcasts against x."""
    if axis is None:
        axis = tuple(range(len(x.shape)))
    axes = {a + len(x.shape) if a < 0 else a for a in (axis if isinstance(axis, tuple) else (axis,))}
    return reshape(y, shape=tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean over `axis`."""
    return sum(x, axis=axis, keepdims=keepdims) / _count(x, axis)


def var(x: Any, axis: Axis = None, correction: float = 0, keepdims: bool = False) -> Any:
    """The variance over `axis`: squared deviations summed and divided by n − `correction`."""
    deviation = x - mean(x, axis=axis, keepdims=True)
    return sum(deviation * deviation, axis=axis, keepdims=keepdims) / (_count(x, axis) - correction)


def std(x: Any, axis: Axis = None, correction: float = 0, keepdims: bool = False) -> Any:
    """The standard deviation: the square root of the variance."""
    return sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


def _count(x: Any, axis: Axis) -> int:
    axes = range(len(x.shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return int(np.prod([x.shape[a] for a in axes]))
