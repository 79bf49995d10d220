"""Modules: functions that own parameters and other modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.core import Tensor, unwrap


class Parameter(Tensor):
    """A Tensor that an optimizer may change: a leaf that requires a gradient."""

    __slots__ = ()

    def __init__(self, data: Any, dtype: Any = None) -> None:
        super().__init__(data, requires_grad=True, dtype=dtype)


class Module:
    """The base of all layers and models.

    A subclass sets parameters and modules as attributes in `__init__` and computes in
    `forward`; calling the module calls `forward`. Arrays that belong to its state but
    are not learned, such as running averages, are set with `register_buffer`.
    """

    training = True
    buffer_names: tuple[str, ...] = ()

    def forward(self, *args: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, x)")

    def __call__(self, *args: Any) -> Any:
        return self.forward(*args)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules set as attributes of this one, in the order of setting."""
        return ((name, m) for name, m in vars(self).items() if isinstance(m, Module))

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all below it with dotted names, as in PyTorch."""
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """All parameters with dotted names, as in PyTorch; shared ones come once."""
        seen: set[int] = set()
        for name, module, attribute in self._places(prefix):
            p = getattr(module, attribute)
            if isinstance(p, Parameter) and id(p) not in seen:
                seen.add(id(p))
                yield name, p

    def _places(self, prefix: str = "") -> Iterator[tuple[str, Module, str]]:
        """Where the state lies: dotted name, module, attribute; in PyTorch's order."""
        learned = [n for n, p in vars(self).items() if isinstance(p, Parameter)]
        for name in (*learned, *self.buffer_names):
            yield prefix + name, self, name
        for name, child in self.named_children():
            yield from child._places(f"{prefix}{name}.")

    def parameters(self) -> list[Parameter]:
        """All parameters, each once."""
        return [p for _, p in self.named_parameters()]

    def register_buffer(self, name: str, value: Any) -> None:
        """Set the attribute `name` to a copy of an array that is saved, not learned.

        It is in `state_dict` but not in `parameters`. Assigning to the attribute later
        changes the buffer. Raises ValueError if `name` cannot be an attribute.
        """
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError("register_buffer: name must be a Python identifier, "
                             f"got {name!r}")
        if name not in self.buffer_names:
            self.buffer_names = (*self.buffer_names, name)
        setattr(self, name, backend.copy(np.asarray(value)))

    def named_buffers(self) -> Iterator[tuple[str, Any]]:
        """All buffers with dotted names, as in PyTorch."""
        for name, module, attribute in self._places():
            if attribute in module.buffer_names:
                yield name, getattr(module, attribute)

    def to(self, device: str) -> Module:
        """Move all parameters and buffers, in place; returns the module.

        device: "cpu" for arrays of NumPy, "torch" for those of torch on the CPU, "cuda"
        (or "cuda:1") for a GPU. The numbers stay the same. Inputs that are arrays of
        NumPy follow by themselves. Move a model before its optimizer takes a step, for
        what that remembers stays behind.

        Raises ModuleNotFoundError if torch is not installed, RuntimeError if there is
        no such GPU, ValueError for other names.
        """
        for _, module, attribute in self._places():
            value = getattr(module, attribute)
            if not isinstance(value, Parameter):
                setattr(module, attribute, backend.move(value, device))
                continue
            value.data = backend.move(value.data, device)
            if value.grad is not None:
                value.grad = backend.move(value.grad, device)
        return self

    def freeze(self) -> Module:
        """Stop learning: no parameter gets a gradient, and optimizers skip them all."""
        for p in self.parameters():
            p.requires_grad, p.grad = False, None
        return self

    def unfreeze(self) -> Module:
        """Let all parameters learn (again)."""
        for p in self.parameters():
            p.requires_grad = True
        return self

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
        """Copies of parameters and buffers by name, PyTorch's names and shapes.

        They are arrays of NumPy wherever the model lives.
        """
        return {name: np.array(backend.numpy(unwrap(getattr(module, attribute))))
                for name, module, attribute in self._places()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set parameters and buffers from `state`: arrays or torch tensors by name.

        Raises KeyError if names are missing or unknown, ValueError if a shape differs;
        then nothing has been changed.
        """
        own = {name: unwrap(getattr(m, a)) for name, m, a in self._places()}
        if own.keys() != state.keys():
            raise KeyError(f"state: missing {sorted(own.keys() - state.keys())}, "
                           f"unknown {sorted(state.keys() - own.keys())}")
        new = {name: backend.copy(backend.constant(state[name], like=x))
               for name, x in own.items()}
        for name, x in own.items():
            if new[name].shape != x.shape:
                raise ValueError(f"state[{name!r}]: shape {tuple(new[name].shape)}, "
                                 f"the model needs {tuple(x.shape)}")
        for name, module, attribute in self._places():
            if attribute in module.buffer_names:
                setattr(module, attribute, new[name])
            else:
                getattr(module, attribute).data = new[name]

    def __repr__(self) -> str:
        children = list(self.named_children())
        if not children:
            return f"{type(self).__name__}({self.describe()})"
        lines = [f"({name}): {m!r}".replace("\n", "\n  ") for name, m in children]
        return "\n  ".join([f"{type(self).__name__}(", *lines]) + "\n)"

    def describe(self) -> str:
        """What stands between the parentheses when the module is printed."""
        return ""


def check_positive(layer: Module, **sizes: Any) -> None:
    """ValueError that names the layer and the size which is not a positive integer."""
    for name, n in sizes.items():
        if not isinstance(n, (int, np.integer)) or n < 1:
            raise ValueError(f"{type(layer).__name__}: {name} must be a positive "
                             f"integer, got {n!r}")
