"""Activations with a shape to choose: slopes, smooth corners, learnable parameters.

Those without (`relu`, `sigmoid`, `tanh`, `softmax`) are primitives of `lecturelib/ops`.
"""

from __future__ import annotations

import math
from typing import Any

from lecturelib import ops


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x where x > 0, and a · x elsewhere, with a = `negative_slope`.

    At 0 the derivative is taken as a, as in PyTorch. Source: {cite}`maas2013rectifier`.
    """
    return ops.leaky_relu(x, negative_slope=negative_slope)


def prelu(x: Any, weight: Any) -> Any:
    """Leaky ReLU whose slope is learned: x where x > 0, and w · x elsewhere.

    x: (N, C, …); weight: (C,), one slope for each channel, or (1,), one for all.
    Raises ValueError for other sizes. Source: {cite}`he2015delving`.
    """
    channels = x.shape[1] if len(x.shape) > 1 else 1
    if weight.shape not in ((1,), (channels,)):
        raise ValueError(
            f"prelu: weight must have shape (1,) or, for each channel of x, "
            f"({channels},), got {weight.shape} for x of shape {x.shape}")
    if len(x.shape) > 2:
        weight = weight.reshape(-1, *[1] * (len(x.shape) - 2))
    return ops.where(x > 0, x, weight * x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where x > 0, and α (eˣ − 1) elsewhere. Source: {cite}`clevert2016fast`."""
    return ops.elu(x, alpha=alpha)


def gelu(x: Any, approximate: str = "none") -> Any:
    """x Φ(x), with Φ(x) = ½ (1 + erf(x / √2)) the distribution function of N(0, 1).

    approximate="tanh" puts tanh(√(2/π) (x + 0.044715 x³)) in place of erf(x / √2).
    Raises ValueError for other names. Source: {cite}`hendrycks2016gaussian`.
    """
    if approximate == "none":
        s = ops.erf(x * math.sqrt(0.5))
    elif approximate == "tanh":
        s = ops.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))
    else:
        raise ValueError('gelu: approximate must be "none" or "tanh", '
                         f"got {approximate!r}")
    return 0.5 * x * (1 + s)


def silu(x: Any) -> Any:
    """x σ(x), also known as swish. Source: {cite}`elfwing2018sigmoid`."""
    return x * ops.sigmoid(x)


def softplus(x: Any, beta: float = 1.0) -> Any:
    """log(1 + e^{βx}) / β, a smooth max(0, x) whose derivative is σ(βx).

    Computed without overflow for every x; PyTorch needs a `threshold` for that, above
    which it returns x. Raises ValueError unless β > 0.
    Source: {cite}`glorot2011deep`.
    """
    if not beta > 0:
        raise ValueError(f"softplus: beta must be positive, got {beta}")
    return ops.softplus(x, beta=beta)
