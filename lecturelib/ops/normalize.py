"""One operation behind all normalization layers: mean 0 and variance 1 along some axes."""

from __future__ import annotations

from typing import Any

from lecturelib.core import primitive
from lecturelib.ops.elementwise import sqrt
from lecturelib.ops.reduce import mean, var


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
