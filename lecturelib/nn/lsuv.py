"""Layer-sequential unit variance: an initialization that looks at the data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lecturelib import backend, init
from lecturelib.core import no_grad
from lecturelib.nn.layers import Sequential
from lecturelib.nn.module import Module


@no_grad()
def lsuv_(model: Sequential, x: Any, tol: float = 0.1, max_steps: int = 10, *,
          rng: np.random.Generator) -> Sequential:
    """Orthogonal weights, each scaled until the output of its layer has variance 1.

    From the first layer with a weight to the last: W ← W / √Var(output), until
    |Var − 1| < tol or `max_steps` are done. x is a batch of inputs. Returns the model.

    Raises TypeError for what is not a Sequential of layers (of which some may be
    Sequentials), ValueError if a layer's output on this batch is constant or not
    finite. Source: {cite}`mishkin2016all`.
    """
    _walk(model, x, tol, max_steps, rng)
    return model


def _walk(module: Module, x: Any, tol: float, max_steps: int,
          rng: np.random.Generator) -> Any:
    """Initialize the layers of `module` in order; returns its output for x."""
    if isinstance(module, Sequential):
        for layer in module:
            x = _walk(layer, x, tol, max_steps, rng)
        return x
    if next(module.named_children(), None):
        raise TypeError("lsuv_: a Sequential of layers is needed, got a "
                        f"{type(module).__name__}, whose order of layers is not known")
    weight = getattr(module, "weight", None)
    if weight is None or weight.ndim < 2:  # nothing to scale
        return module(x)
    init.orthogonal_(weight, rng=rng)
    for _ in range(max_steps):
        variance = float(backend.numpy(module(x).data).var())
        if not 0 < variance < np.inf:
            raise ValueError(f"lsuv_: the output of {module} has variance {variance} "
                             "on this batch; pass more inputs, all finite")
        if abs(variance - 1) < tol:
            break
        weight.data = weight.data / math.sqrt(variance)
    return module(x)
