"""Layers: a linear map, and containers of modules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from lecturelib import init, ops
from lecturelib.nn.module import Module, Parameter, check_positive


class Linear(Module):
    """x ↦ x Wᵀ + b, with x (…, in), W (out, in) and b (out,), or without b.

    W and b start as in PyTorch, uniform on ±1/√in, drawn from `rng`.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, *,
                 rng: np.random.Generator, dtype: Any = np.float32) -> None:
        check_positive(self, in_features=in_features, out_features=out_features)
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


class ModuleList(Module):
    """A list of modules whose parameters are found, unlike those in a Python list.

    Raises TypeError for an element that is not a Module.
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        for m in modules:
            self.append(m)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end; returns the list."""
        i = len(self)
        if not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}: argument {i} must be a Module, "
                            f"got {module!r}")
        setattr(self, str(i), module)
        return self

    def __len__(self) -> int:
        return len(list(self.named_children()))

    def __iter__(self) -> Iterator[Module]:
        return (m for _, m in self.named_children())

    def __getitem__(self, i: int | slice) -> Any:
        """A module; of a slice, a list of its own kind, which shares the modules."""
        found = list(self)[i]
        return found if isinstance(found, Module) else self._of(found)

    @classmethod
    def _of(cls, modules: list[Module]) -> ModuleList:
        return cls(modules)


class Sequential(ModuleList):
    """Modules applied one after the other."""

    def __init__(self, *modules: Module) -> None:
        super().__init__(modules)

    @classmethod
    def _of(cls, modules: list[Module]) -> Sequential:
        return cls(*modules)

    def forward(self, x: Any) -> Any:
        for m in self:
            x = m(x)
        return x


class Flatten(Module):
    """(N, …) ↦ (N, D): each example as one row."""

    def forward(self, x: Any) -> Any:
        return ops.flatten(x, start_dim=1)
