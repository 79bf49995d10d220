"""Where training starts: functions that fill a parameter, named as in `torch.nn.init`.

Each takes the Tensor to fill, draws from the generator `rng` and returns the Tensor.
Fans are counted as in PyTorch: a weight of shape (out, in, …) has fan_in = in · Π(…)
and fan_out = out · Π(…).
"""

from __future__ import annotations

import math

import numpy as np

from lecturelib import backend
from lecturelib.backend import check_rng
from lecturelib.core import Tensor


def constant_(w: Tensor, value: float) -> Tensor:
    """Every element `value`."""
    return _fill(w, np.full(w.shape, value))


def uniform_(w: Tensor, low: float = 0.0, high: float = 1.0, *,
             rng: np.random.Generator) -> Tensor:
    """Elements drawn from U(low, high)."""
    return _fill(w, check_rng(rng).uniform(low, high, w.shape))


def normal_(w: Tensor, mean: float = 0.0, std: float = 1.0, *,
            rng: np.random.Generator) -> Tensor:
    """Elements drawn from N(mean, std²)."""
    return _fill(w, check_rng(rng).normal(mean, std, w.shape))


def xavier_uniform_(w: Tensor, gain: float = 1.0, *,
                    rng: np.random.Generator) -> Tensor:
    """U(−a, a), a = gain · √6 / √(fan_in + fan_out).

    Source: {cite}`glorot2010understanding`.
    """
    fan_in, fan_out = fans(w)
    a = gain * math.sqrt(6 / (fan_in + fan_out))
    return uniform_(w, -a, a, rng=rng)


def xavier_normal_(w: Tensor, gain: float = 1.0, *, rng: np.random.Generator) -> Tensor:
    """N(0, s²), s = gain · √2 / √(fan_in + fan_out).

    Source: {cite}`glorot2010understanding`.
    """
    fan_in, fan_out = fans(w)
    return normal_(w, 0.0, gain * math.sqrt(2 / (fan_in + fan_out)), rng=rng)


def lecun_normal_(w: Tensor, *, rng: np.random.Generator) -> Tensor:
    """N(0, 1/fan_in), the simple form: outputs have the variance of the inputs.

    Source: {cite}`lecun1998efficient`.
    """
    return normal_(w, 0.0, 1 / math.sqrt(fans(w)[0]), rng=rng)


def kaiming_uniform_(w: Tensor, a: float = 0.0, mode: str = "fan_in",
                     nonlinearity: str = "leaky_relu", *,
                     rng: np.random.Generator) -> Tensor:
    """U(−b, b) with b = √3 · gain / √fan, the fan being "fan_in" or "fan_out" by `mode`.

    The gain is `calculate_gain(nonlinearity, a)`; for the default, a leaky ReLU of
    slope a, it is √(2 / (1 + a²)), and a = 0 is ReLU. Raises ValueError for unknown
    names.
    Source: {cite}`he2015delving`.
    """
    bound = math.sqrt(3) * _kaiming_std(w, a, mode, nonlinearity)
    return uniform_(w, -bound, bound, rng=rng)


def kaiming_normal_(w: Tensor, a: float = 0.0, mode: str = "fan_in",
                    nonlinearity: str = "leaky_relu", *,
                    rng: np.random.Generator) -> Tensor:
    """N(0, s²) with s = gain / √fan; arguments and errors as `kaiming_uniform_`."""
    return normal_(w, 0.0, _kaiming_std(w, a, mode, nonlinearity), rng=rng)


def orthogonal_(w: Tensor, gain: float = 1.0, *, rng: np.random.Generator) -> Tensor:
    """gain · Q, with Q uniform among the matrices of orthonormal rows or columns.

    A weight (out, in, …) counts as the matrix (out, in · Π(…)): W Wᵀ = gain² I if it
    has no more rows than columns, else Wᵀ W = gain² I. Raises ValueError for fewer than
    two axes.
    Sources: {cite}`saxe2014exact`; {cite}`mezzadri2007generate` for the signs.
    """
    rows, columns = w.shape[0] if w.ndim else 0, fans(w)[0]
    tall = check_rng(rng).normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q = q * np.where(np.diag(r) < 0, -1, 1)  # else the draw would not be uniform
    return _fill(w, gain * (q.T if rows < columns else q).reshape(w.shape))


GAINS = {"linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3,
         "relu": math.sqrt(2), "selu": 3 / 4}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much to scale weights that feed a nonlinearity: PyTorch's table of gains.

    `param` is the slope of "leaky_relu", 0.01 if not given: √(2 / (1 + slope²)). Raises
    ValueError for names that are not in the table.
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in GAINS:
        raise ValueError("calculate_gain: nonlinearity must be one of "
                         f"{(*GAINS, 'leaky_relu')}, got {nonlinearity!r}")
    return GAINS[nonlinearity]


def fans(w: Tensor) -> tuple[int, int]:
    """How many inputs feed one output, and how many outputs one input feeds.

    Raises ValueError for a weight without both axes (out, in).
    """
    if w.ndim < 2:
        raise ValueError("fans: a weight of shape (out, in, …) is needed, "
                         f"got {w.shape}")
    window = math.prod(w.shape[2:])
    return w.shape[1] * window, w.shape[0] * window


def _kaiming_std(w: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f'mode: "fan_in" or "fan_out" is needed, got {mode!r}')
    fan = fans(w)[("fan_in", "fan_out").index(mode)]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _fill(w: Tensor, values: np.ndarray) -> Tensor:
    w.data = backend.constant(values, like=w.data)
    return w
