"""What the primitives compute, by array library: one file for each, with the same names in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.backend import PYTHON_NUMBERS
from lecturelib.kernels import numpy_kernels


class Kernels(dict):
    """The functions that compute one primitive, by type of array; found when first needed.

    The library's primitives are computed by the functions of their names in this folder; those
    defined elsewhere, in a notebook say, by the body of their own declaration.
    """

    def __init__(self, name: str, own: Callable) -> None:
        super().__init__()
        self.name, self.own = name, own

    def __missing__(self, array_type: type) -> Callable:
        module = _module(array_type)
        kernel = self.own
        if kernel.__module__.startswith("lecturelib."):
            kernel = getattr(module, self.name)
        if array_type in PYTHON_NUMBERS:
            self[array_type] = lambda *args, **attrs: _weak(kernel(*args, **attrs))
        else:
            self[array_type] = kernel
        return self[array_type]


class JointRules(Kernels):
    """The kernels `<name>_backward`, by type of array; None where there is none.

    Called with the gradient, the result, the arguments and `needed`, a list that says
    which arguments need a gradient, it returns a gradient (or None) for each argument.
    """

    def __missing__(self, array_type: type) -> Any:
        of_library = self.own.__module__.startswith("lecturelib.")
        name = f"{self.name}_backward"
        self[array_type] = getattr(_module(array_type), name, None) if of_library else None
        return self[array_type]


def _module(array_type: type) -> Any:
    """The module of the kernels for arrays of this type."""
    if backend.is_torch_type(array_type):
        from lecturelib.kernels import torch_kernels  # not before torch is loaded

        return torch_kernels
    if not issubclass(array_type, (np.ndarray, np.generic, *PYTHON_NUMBERS)):
        raise TypeError(f"arrays or Tensors are needed, got {array_type.__name__}")
    return numpy_kernels


def _weak(x: Any) -> Any:
    """What is computed from Python numbers alone stays a Python number."""
    return x.item() if isinstance(x, np.generic) else x
