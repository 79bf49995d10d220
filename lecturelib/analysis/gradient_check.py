"""Numeric gradients by finite differences, and the check of analytic ones by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lecturelib.core import Tensor, gradients, unwrap


class GradientError(AssertionError):
    """The analytic and the numeric gradient differ."""


def numeric_gradient(f: Callable, x: Any, h: float | None = None,
                     method: str = "central") -> np.ndarray:
    """The gradient of a scalar function by finite differences, element by element.

    central: (f(x + h e_i) − f(x − h e_i)) / 2h, error O(h²), 2n evaluations of f;
    forward: (f(x + h e_i) − f(x)) / h, error O(h), n + 1 evaluations.

    f takes an array like x and returns a number (or a scalar Tensor). x must be
    float64; the result has its shape. The default h balances truncation against
    rounding: ∛ε for central and √ε for forward, with ε ≈ 2.2e-16, times max(1, |x_i|).
    Raises TypeError for other dtypes.
    Source: {cite}`nocedal2006numerical`, section 8.1.
    """
    x = np.array(x)
    if x.dtype != np.float64:
        raise TypeError(f"x: finite differences need float64, got {x.dtype}")
    if method not in ("central", "forward"):
        raise ValueError(f"method: 'central' or 'forward' is needed, got {method!r}")
    if h is not None and not h > 0:
        raise ValueError(f"h: the step must be positive, got {h}")
    epsilon = np.finfo(np.float64).eps
    relative = epsilon ** (1 / 3) if method == "central" else epsilon ** 0.5
    gradient = np.empty_like(x)
    at_x = float(f(x.copy())) if method == "forward" else 0.0
    for i in np.ndindex(x.shape):
        step = h or relative * max(1, abs(x[i]))
        above, below = x.copy(), x.copy()
        above[i] += step
        below[i] -= step
        if method == "central":
            gradient[i] = (float(f(above)) - float(f(below))) / (2 * step)
        else:
            gradient[i] = (float(f(above)) - at_x) / step
    return gradient


def gradcheck(f: Callable, *inputs: Any, order: int = 1, h: float | None = None,
              rtol: float = 1e-6, atol: float = 1e-8) -> float:
    """Check the gradients that `backward` finds for f against central differences.

    f takes Tensors and returns a Tensor of any shape, which is reduced to a scalar by
    fixed weights. inputs: float64 arrays or Tensors. order=2 checks the second
    derivatives as well, by the same comparison for the gradient itself. Returns the
    largest error |analytic − numeric| / (1 + |numeric|).

    Raises GradientError, naming the input and the element, where
    |analytic − numeric| > atol + rtol · max(1, |numeric|); TypeError for inputs that
    are not float64.
    """
    if order not in (1, 2):
        raise ValueError(f"order: 1 or 2 is needed, got {order!r}")
    arrays = [np.array(unwrap(x)) for x in inputs]
    for i, x in enumerate(arrays):
        if x.dtype != np.float64:
            raise TypeError(
                f"inputs[{i}]: gradcheck needs float64, got {x.dtype}; finite "
                "differences in float32 have no digits to spare")
    worst = _compare(f, arrays, h, rtol, atol, "gradient")
    if order == 2:
        def slope(*xs: Tensor) -> Tensor:
            """The gradient, reduced to a scalar by fixed weights."""
            first = gradients(_weighted(f(*xs)), xs, create_graph=True)
            # these zeros depend on xs, as the gradient of a linear f does not
            zeros = sum((x * 0).sum() for x in xs)
            return sum([_weighted(g) for g in first], start=zeros)

        worst = max(worst, _compare(slope, arrays, h, rtol, atol, "second derivative"))
    return worst


def _compare(f: Callable, arrays: list[np.ndarray], h: float | None, rtol: float,
             atol: float, what: str) -> float:
    tensors = [Tensor(x, requires_grad=True) for x in arrays]
    analytic = gradients(_weighted(f(*tensors)), tensors)
    worst = 0.0
    for i, x in enumerate(arrays):
        def along(xi: np.ndarray, i: int = i) -> Any:
            return _weighted(f(*(Tensor(xi if j == i else xj, requires_grad=True)
                                 for j, xj in enumerate(arrays)))).item()

        numeric = numeric_gradient(along, x, h)
        error = np.abs(analytic[i] - numeric)
        bad = ~(error <= atol + rtol * np.maximum(1, np.abs(numeric)))
        if bad.any():
            size = np.where(bad, np.nan_to_num(error, nan=np.inf), -1)
            at = np.unravel_index(np.argmax(size), x.shape)
            raise GradientError(
                f"{what} of input {i} at {tuple(int(k) for k in at)}: "
                f"analytic {analytic[i][at]:.7g}, numeric {numeric[at]:.7g}; "
                f"{bad.sum()} of {bad.size} elements differ")
        worst = max(worst, float((error / (1 + np.abs(numeric))).max(initial=0.0)))
    return worst


def _weighted(y: Tensor) -> Tensor:
    """A scalar that depends on every element of y with a weight of its own."""
    # the first weight is 1, so a scalar stays as it is
    weights = 0.5 + 0.5 * np.cos(np.arange(y.size)) ** 2
    return (y * weights.reshape(y.shape).astype(y.dtype)).sum()
