"""Where training starts: functions that fill a parameter, named as in `torch.nn.init`.

Each takes the Tensor to fill, draws from the generator `rng` and returns the Tensor. Fans are
counted as in PyTorch: a weight of shape (out, in, …) has fan_in = in · Π(…), fan_out = out · Π(…).
"""

from __future__ import annotations

import math

import numpy as np

from lecturelib.backend import check_rng
from lecturelib.core import Tensor


def constant_(w: Tensor, value: float) -> Tensor:
    """Every element `value`."""
    return _fill(w, np.full(w.shape, value))


def uniform_(w: Tensor, low: float = 0.0, high: float = 1.0, *, rng: np.random.Generator) -> Tensor:
    """Elements drawn from U(low, high)."""
    return _fill(w, check_rng(rng).uniform(low, high, w.shape))


def normal_(w: Tensor, mean: float = 0.0, std: float = 1.0, *, rng: np.random.Generator) -> Tensor:
    """Elements drawn from N(mean, std²)."""
    return _fill(w, check_rng(rng).normal(mean, std, w.shape))


def xavier_uniform_(w: Tensor, gain: float = 1.0, *, rng: np.random.Generator) -> Tensor:
    """U(−a, a), a = gain · √6 / √(fan_in + fan_out). Source: {cite}`glorot2010understanding`."""
    fan_in, fan_out = fans(w)
    a = gain * math.sqrt(6 / (fan_in + fan_out))
    return uniform_(w, -a, a, rng=rng)


def xavier_normal_(w: Tensor, gain: float = 1.0, *, rng: np.random.Generator) -> Tensor:
    """N(0, s²), s = gain · √2 / √(fan_in + fan_out). Source: {cite}`glorot2010understanding`."""
    fan_in, fan_out = fans(w)
    return normal_(w, 0.0, gain * math.sqrt(2 / (fan_in + fan_out)), rng=rng)


def kaiming_uniform_(w: Tensor, a: float = 0.0, *, rng: np.random.Generator) -> Tensor:
    """U(−b, b) with b = √3 · √(2 / (1 + a²)) / √fan_in, for a leaky ReLU of slope a.

    a = 0 is ReLU. Source: {cite}`he2015delving`.
    """
    bound = math.sqrt(3) * math.sqrt(2 / (1 + a * a)) / math.sqrt(fans(w)[0])
    return uniform_(w, -bound, bound, rng=rng)


def kaiming_normal_(w: Tensor, a: float = 0.0, *, rng: np.random.Generator) -> Tensor:
    """N(0, s²) with s = √(2 / (1 + a²)) / √fan_in. Source: {cite}`he2015delving`."""
    return normal_(w, 0.0, math.sqrt(2 / (1 + a * a)) / math.sqrt(fans(w)[0]), rng=rng)


def fans(w: Tensor) -> tuple[int, int]:
    """How many inputs feed one output of the layer, and how many outputs one input feeds."""
    if w.ndim < 2:
        raise ValueError(f"fans: a weight of shape (out, in, …) is needed, got {w.shape}")
    window = math.prod(w.shape[2:])
    return w.shape[1] * window, w.shape[0] * window


def _fill(w: Tensor, values: np.ndarray) -> Tensor:
    w.data = values.astype(w.dtype)
    return w
