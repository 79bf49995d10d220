"""Activations as modules, to stand in a `Sequential`."""

from __future__ import annotations

from typing import Any

import numpy as np

from lecturelib import functional as F
from lecturelib.nn.module import Module, Parameter


class ReLU(Module):
    """max(0, x)."""

    def forward(self, x: Any) -> Any:
        return F.relu(x)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ)."""

    def forward(self, x: Any) -> Any:
        return F.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x: Any) -> Any:
        return F.tanh(x)


class Softmax(Module):
    """exp(x) / Σ exp(x) along `axis`."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return F.softmax(x, axis=self.axis)


class LogSoftmax(Softmax):
    """The logarithm of softmax."""

    def forward(self, x: Any) -> Any:
        return F.log_softmax(x, axis=self.axis)


class LeakyReLU(Module):
    """x where x > 0, `negative_slope` · x elsewhere."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        return F.leaky_relu(x, self.negative_slope)

    def describe(self) -> str:
        return f"{self.negative_slope}"


class PReLU(Module):
    """Leaky ReLU with learned slopes: one, or one for each of the channels.

    They start at `init`. Input: (N, C, …).
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *,
                 dtype: Any = np.float32) -> None:
        self.weight = Parameter(np.full(num_parameters, init), dtype=dtype)

    def forward(self, x: Any) -> Any:
        return F.prelu(x, self.weight)

    def describe(self) -> str:
        return f"{self.weight.size}"


class ELU(Module):
    """x where x > 0, α (eˣ − 1) elsewhere."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        return F.elu(x, self.alpha)

    def describe(self) -> str:
        return f"{self.alpha}"


class GELU(Module):
    """x Φ(x), or its approximation by a hyperbolic tangent."""

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        return F.gelu(x, self.approximate)

    def describe(self) -> str:
        return repr(self.approximate)


class SiLU(Module):
    """x σ(x)."""

    def forward(self, x: Any) -> Any:
        return F.silu(x)


class Softplus(Module):
    """log(1 + e^{βx}) / β."""

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = beta

    def forward(self, x: Any) -> Any:
        return F.softplus(x, self.beta)

    def describe(self) -> str:
        return f"{self.beta}"
