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
        torch = backend.is_torch_type(array_type)
        if not torch and not issubclass(array_type, (np.ndarray, np.generic, *PYTHON_NUMBERS)):
            raise TypeError(f"arrays or Tensors are needed, got {array_type.__name__}")
        kernel = self.own
        if kernel.__module__.startswith("lecturelib."):
            kernel = getattr(_torch_kernels() if torch else numpy_kernels, self.name)
        if array_type in PYTHON_NUMBERS:
            self[array_type] = lambda *args, **attrs: _weak(kernel(*args, **attrs))
        else:
            self[array_type] = kernel
        return self[array_type]


def _torch_kernels() -> Any:
    from lecturelib.kernels import torch_kernels  # not before an array of torch's appears
    return torch_kernels


def _weak(x: Any) -> Any:
    """What is computed from Python numbers alone stays a Python number."""
    return x.item() if isinstance(x, np.generic) else x
