"""Modules: functions that own parameters and other modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lecturelib.core import Tensor


class Parameter(Tensor):
    """A Tensor that an optimizer may change: a leaf that requires a gradient."""

    __slots__ = ()

    def __init__(self, data: Any, dtype: Any = None) -> None:
        super().__init__(data, requires_grad=True, dtype=dtype)


class Module:
    """The base of all layers and models.

    A subclass sets parameters and modules as attributes in `__init__` and computes in
    `forward`; calling the module calls `forward`.
    """

    training = True

    def forward(self, *args: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, x)")

    def __call__(self, *args: Any) -> Any:
        return self.forward(*args)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules set as attributes of this one, in the order of setting."""
        return ((name, m) for name, m in vars(self).items() if isinstance(m, Module))

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        yield self
        for _, child in self.named_children():
            yield from child.modules()

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """All parameters with dotted names, as in PyTorch; shared ones come once."""
        seen: set[int] = set()
        for name, p in self._walk(prefix):
            if id(p) not in seen:
                seen.add(id(p))
                yield name, p

    def _walk(self, prefix: str) -> Iterator[tuple[str, Parameter]]:
        for name, p in vars(self).items():
            if isinstance(p, Parameter):
                yield prefix + name, p
        for name, child in self.named_children():
            yield from child._walk(f"{prefix}{name}.")

    def parameters(self) -> list[Parameter]:
        """All parameters, each once."""
        return [p for _, p in self.named_parameters()]

    def zero_grad(self) -> None:
        """Forget all gradients, so that the next `backward` starts from nothing."""
        for p in self.parameters():
            p.grad = None

    def train(self, mode: bool = True) -> Module:
        """Put all modules in training (or evaluation) mode; returns the module."""
        for m in self.modules():
            m.training = mode
        return self

    def eval(self) -> Module:
        """Put all modules in evaluation mode."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all parameters by name, with PyTorch's names and shapes."""
        return {name: p.data.copy() for name, p in self._walk("")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set all parameters from `state`; values may be arrays or torch tensors.

        Raises KeyError if names are missing or unknown, ValueError if a shape differs;
        then nothing has been changed.
        """
        own = dict(self._walk(""))
        if own.keys() != state.keys():
            raise KeyError(f"state: missing {sorted(own.keys() - state.keys())}, "
                           f"unknown {sorted(state.keys() - own.keys())}")
        new = {name: np.asarray(state[name], p.dtype).copy() for name, p in own.items()}
        for name, p in own.items():
            if new[name].shape != p.shape:
                raise ValueError(f"state[{name!r}]: shape {new[name].shape}, "
                                 f"the parameter has {p.shape}")
        for name, p in own.items():
            p.data = new[name]

    def __repr__(self) -> str:
        children = list(self.named_children())
        if not children:
            return f"{type(self).__name__}({self.describe()})"
        lines = [f"({name}): {m!r}".replace("\n", "\n  ") for name, m in children]
        return "\n  ".join([f"{type(self).__name__}(", *lines]) + "\n)"

    def describe(self) -> str:
        """What stands between the parentheses when the module is printed."""
        return ""
