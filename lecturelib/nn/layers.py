"""Layers: a linear map, activations as modules, and the chain that joins them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lecturelib import functional as F
from lecturelib import init, ops
from lecturelib.nn.module import Module, Parameter


class Linear(Module):
    """x ↦ x Wᵀ + b, with x (…, in), W (out, in) and b (out,), or without b.

    W and b start as in PyTorch, uniform on ±1/√in, drawn from `rng`.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, *,
                 rng: np.random.Generator, dtype: Any = np.float32) -> None:
        for name, n in (("in_features", in_features), ("out_features", out_features)):
            if not isinstance(n, (int, np.integer)) or n < 1:
                raise ValueError(
                    f"Linear: {name} must be a positive integer, got {n!r}")
        bound = 1 / math.sqrt(in_features)
        self.weight = Parameter(np.zeros((out_features, in_features)), dtype=dtype)
        init.uniform_(self.weight, -bound, bound, rng=rng)
        self.bias = None
        if bias:
            self.bias = Parameter(np.zeros(out_features), dtype=dtype)
            init.uniform_(self.bias, -bound, bound, rng=rng)

    def forward(self, x: Any) -> Any:
        if x.shape[-1:] != self.weight.shape[1:]:
            raise ValueError(
                f"{self}: the last axis of x must have length {self.weight.shape[1]}, "
                f"got x of shape {x.shape}; images need a Flatten() before")
        return ops.linear(x, self.weight, self.bias)

    def describe(self) -> str:
        n_out, n_in = self.weight.shape
        return f"{n_in}, {n_out}" + ("" if self.bias is not None else ", bias=False")


class Sequential(Module):
    """Modules applied one after the other."""

    def __init__(self, *modules: Module) -> None:
        for i, m in enumerate(modules):
            if not isinstance(m, Module):
                raise TypeError(f"Sequential: argument {i} must be a Module, got {m!r}")
            setattr(self, str(i), m)

    def forward(self, x: Any) -> Any:
        for _, m in self.named_children():
            x = m(x)
        return x

    def __len__(self) -> int:
        return len(list(self.named_children()))

    def __getitem__(self, i: int) -> Module:
        return [m for _, m in self.named_children()][i]


class Flatten(Module):
    """(N, …) ↦ (N, D): each example as one row."""

    def forward(self, x: Any) -> Any:
        return ops.flatten(x, start_dim=1)


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
