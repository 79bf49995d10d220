"""Elementwise operations: one line of calculus each.

In a rule, `g` is the gradient of the loss with respect to the result `out`. Where NumPy
stretched an argument to the common shape (broadcasting), the engine sums what the rule
returns: a value that was used many times collects the gradients of all its uses.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.core import primitive, unwrap


@primitive
def add(x, y):
    """x + y."""

add.defvjp(x=lambda g, out, x, y: g,
           y=lambda g, out, x, y: g)


@primitive
def subtract(x, y):
    """x − y."""

subtract.defvjp(x=lambda g, out, x, y: g,
                y=lambda g, out, x, y: -g)


@primitive
def multiply(x, y):
    """x · y."""

multiply.defvjp(x=lambda g, out, x, y: g * y,
                y=lambda g, out, x, y: g * x)


@primitive
def divide(x, y):
    """x / y."""

divide.defvjp(x=lambda g, out, x, y: g / y,
              y=lambda g, out, x, y: -g * out / y)


@primitive
def power(x, y):
    """xʸ. At x = 0 the derivative in y is taken as 0, and so is that in x at y = 0."""

power.defvjp(x=lambda g, out, x, y: g * (y * x ** (y + (y == 0) - 1)),
             y=lambda g, out, x, y: g * (out * log(x + (x == 0))))


@primitive
def negative(x):
    """−x."""

negative.defvjp(x=lambda g, out, x: -g)


@primitive
def exp(x):
    """eˣ."""

exp.defvjp(x=lambda g, out, x: g * out)


@primitive
def log(x):
    """The natural logarithm."""

log.defvjp(x=lambda g, out, x: g / x)


@primitive
def log1p(x):
    """log(1 + x), accurate for small x."""

log1p.defvjp(x=lambda g, out, x: g / (1 + x))


@primitive
def sqrt(x):
    """√x."""

sqrt.defvjp(x=lambda g, out, x: g * 0.5 / out)


@primitive
def sin(x):
    """The sine."""

sin.defvjp(x=lambda g, out, x: g * cos(x))


@primitive
def cos(x):
    """The cosine."""

cos.defvjp(x=lambda g, out, x: -g * sin(x))


@primitive
def tanh(x):
    """The hyperbolic tangent."""

tanh.defvjp(x=lambda g, out, x: g * (1 - out * out))


@primitive
def sigmoid(x):
    """σ(x) = 1 / (1 + e⁻ˣ), without overflow at either end."""

sigmoid.defvjp(x=lambda g, out, x: g * (out * (1 - out)))


@primitive
def relu(x):
    """max(0, x); the derivative at 0 is taken as 0, as in PyTorch."""

relu.defvjp(x=lambda g, out, x: g * (x > 0))


@primitive
def leaky_relu(x, *, negative_slope=0.01):
    """x where x > 0, `negative_slope` · x elsewhere, at 0 too."""

leaky_relu.defvjp(x=lambda g, out, x, negative_slope:
                  g * (x > 0) + negative_slope * g * (x <= 0))


@primitive
def elu(x, *, alpha=1.0):
    """x where x > 0, α (eˣ − 1) elsewhere: there the derivative is the result + α."""

elu.defvjp(x=lambda g, out, x, alpha: g * (x > 0) + g * (out + alpha) * (x <= 0))


@primitive
def softplus(x, *, beta=1.0):
    """log(1 + e^{βx}) / β, without overflow at either end."""

softplus.defvjp(x=lambda g, out, x, beta: g * sigmoid(beta * x))


@primitive
def erf(x):
    """The error function, 2/√π ∫₀ˣ exp(−t²) dt."""

erf.defvjp(x=lambda g, out, x: g * (exp(-x * x) * (2 / math.sqrt(math.pi))))


@primitive
def abs(x):
    """|x|; the derivative at 0 is taken as 0."""

abs.defvjp(x=lambda g, out, x: g * sign(x))


@primitive
def sign(x):
    """−1, 0 or 1; flat almost everywhere, so its derivative is 0."""

sign.defvjp(x=lambda g, out, x: g * 0.0)


@primitive
def maximum(x, y):
    """The larger of x and y; equal ones get half of the gradient each (as in torch)."""

maximum.defvjp(x=lambda g, out, x, y: g * (x > y) + 0.5 * g * (x == y),
               y=lambda g, out, x, y: g * (y > x) + 0.5 * g * (x == y))


@primitive
def minimum(x, y):
    """The smaller of x and y; equal ones get half of the gradient each."""

minimum.defvjp(x=lambda g, out, x, y: g * (x < y) + 0.5 * g * (x == y),
               y=lambda g, out, x, y: g * (y < x) + 0.5 * g * (x == y))


@primitive
def clip(x, *, min=None, max=None):
    """x limited to [min, max]; the gradient passes where x was not cut."""

clip.defvjp(x=lambda g, out, x, min, max: g * (x == out))


@primitive
def select(x, y, *, condition):
    """x where `condition` holds, y elsewhere."""

select.defvjp(x=lambda g, out, x, y, condition: g * condition,
              y=lambda g, out, x, y, condition: g * ~condition)


@primitive
def astype(x, *, dtype):
    """x converted to another floating-point dtype; the gradient is converted back."""

astype.defvjp(x=lambda g, out, x, dtype: astype(g, dtype=x.dtype))


@primitive
def move(x, *, device):
    """x on another device, as `Tensor.to`; the gradient is sent back."""

move.defvjp(x=lambda g, out, x, device: move(g, device=backend.device(unwrap(x))))


def where(condition: Any, x: Any, y: Any) -> Any:
    """x where `condition` (a boolean array) holds, y elsewhere."""
    arrays = [v for v in map(unwrap, (x, y)) if backend.is_array(v)]
    condition = _boolean(condition)
    if arrays and backend.is_array(condition):
        condition = backend.bring(condition, like=arrays[0])
    return select(x, y, condition=condition)


def _boolean(condition: Any) -> Any:
    condition = unwrap(condition)
    if not isinstance(condition, np.bool_) and not backend.is_bool(condition):
        kind = getattr(condition, "dtype", type(condition))
        raise TypeError("condition: a boolean array is needed, such as x > 0, "
                        f"got {getattr(kind, '__name__', kind)}")
    return condition
