"""The parameters of a model as one vector, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.core import unwrap
from lecturelib.nn.module import Module, Parameter


def learned(model: Module) -> list[Parameter]:
    """The parameters of the model that are not frozen; ValueError if there are none."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("model: it has no parameters that learn; unfreeze() it")
    return parameters


def flatten(arrays: Sequence[Any]) -> np.ndarray:
    """The elements of all arrays, or Tensors, in one NumPy vector."""
    return np.concatenate([backend.numpy(unwrap(a)).ravel() for a in arrays])


def split(vector: np.ndarray, parameters: Sequence[Parameter]) -> list:
    """Undo `flatten`: arrays of the parameters' shapes, dtypes and devices."""
    ends = np.cumsum([math.prod(p.shape) for p in parameters])
    return [backend.constant(piece.reshape(p.shape), p.data)
            for piece, p in zip(np.split(vector, ends[:-1]), parameters, strict=True)]
