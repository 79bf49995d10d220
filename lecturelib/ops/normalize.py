"""What is behind the normalization layers: mean 0 and variance 1 along some axes.

`standardize` takes any axes. Batch normalization, the most used, is fused: statistics are
computed once, for the result, the gradients and the running averages.
"""

from __future__ import annotations

from typing import Any

from lecturelib.core import primitive
from lecturelib.ops.elementwise import sqrt
from lecturelib.ops.reduce import mean, sum, var
from lecturelib.ops.shape import reshape


@primitive
def standardize(x, *, axes, eps=1e-5):
    """(x − μ) / √(σ² + ε), with μ and σ² the mean and the variance along `axes`."""

def _standardize(g: Any, out: Any, x: Any, axes: Any, eps: float) -> Any:
    """What is left of g after its mean and its part along `out`: neither can change
    the result, since a shift and a change of scale of x are both undone."""
    scale = 1 / sqrt(var(x, axis=axes, keepdims=True) + eps)
    along = mean(g * out, axis=axes, keepdims=True)
    return scale * (g - mean(g, axis=axes, keepdims=True) - out * along)

standardize.defvjp(x=_standardize)


@primitive
def batch_moments(x):
    """Mean and variance of each channel of an array x (N, C, …), as (2, C).

    A pair of attributes for `batch_normalize`, not to be differentiated. On NumPy they
    are float64: where σ ≪ |μ|, the mean needs more digits than x has.
    """

@primitive
def batch_normalize(x, w, b, *, moments, eps):
    """w (x − μ) / √(σ² + ε) + b for each channel of x (N, C, …); w, b (C,) or None.

    `moments` must be those of x. They are computed before, since the layer needs them
    too, but the rules know that they change with x.
    """

def _batch_x(g: Any, out: Any, x: Any, w: Any, b: Any, moments: Any, eps: float) -> Any:
    axes = _all_but_channels(x)
    z = standardize(x, axes=axes, eps=eps)
    return _standardize(g if w is None else g * _per_channel(w, x), z, x, axes, eps)

def _batch_w(g: Any, out: Any, x: Any, w: Any, b: Any, moments: Any, eps: float) -> Any:
    axes = _all_but_channels(x)
    return sum(g * standardize(x, axes=axes, eps=eps), axis=axes)

batch_normalize.defvjp(
    x=_batch_x, w=_batch_w,
    b=lambda g, out, x, w, b, moments, eps: sum(g, axis=_all_but_channels(x)))


def _all_but_channels(x: Any) -> tuple[int, ...]:
    return (0, *range(2, len(x.shape)))


def _per_channel(v: Any, x: Any) -> Any:
    return reshape(v, shape=(-1, *[1] * (len(x.shape) - 2)))
