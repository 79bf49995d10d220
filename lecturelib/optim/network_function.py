"""A network's loss as a function of one flat vector: the bridge to `minimize`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lecturelib.core import Tensor, unwrap
from lecturelib.nn import Module, Parameter
from lecturelib.nn.vector import flatten, learned
from lecturelib.ops import astype, reshape


class NetworkFunction:
    """f(w) = loss_fn(model(x), y), where w (n,) holds all learnable parameters.

    They follow one another as in `model.parameters()`, each flattened. Call it with a
    float64 array or Tensor; the engine differentiates it as often as is wanted. While f
    is computed, pieces of w stand in for the model's parameters, which are put back
    afterwards, after an error, too. `load(w)` writes w into the model.
    """

    def __init__(self, model: Module, loss_fn: Callable, x: Any, y: Any) -> None:
        self.model, self.loss_fn, self.x, self.y = model, loss_fn, x, y
        self.params = learned(model)
        sizes = [math.prod(p.shape) for p in self.params]
        self.ends = np.cumsum(sizes).tolist()

    def __call__(self, w: Any) -> Tensor:
        pieces = [reshape(piece, shape=p.shape)
                  for p, piece in zip(self.params, self._cut(w), strict=True)]
        with self._instead(pieces):
            return astype(self.loss_fn(self.model(self.x), self.y), dtype=w.dtype)

    def load(self, w: Any) -> None:
        """Write the vector w (n,) into the parameters of the model, in their dtypes."""
        for p, piece in zip(self.params, self._cut(unwrap(w)), strict=True):
            p.data = np.array(piece).reshape(p.shape)

    def _cut(self, w: Any) -> Iterator[Any]:
        """The pieces of w, one for each parameter, flat and in its dtype."""
        if w.shape != (self.ends[-1],):
            raise ValueError(f"w: shape ({self.ends[-1]},) is needed, got {w.shape}")
        starts = [0, *self.ends[:-1]]
        for p, i, j in zip(self.params, starts, self.ends, strict=True):
            piece = w[i:j]
            yield piece if piece.dtype == p.dtype else astype(piece, dtype=p.dtype)

    @contextmanager
    def _instead(self, pieces: list[Any]) -> Iterator[None]:
        """Let the attributes that hold parameters hold the pieces for a while."""
        piece_of = {id(p): piece for p, piece in zip(self.params, pieces, strict=True)}
        places = [(m, name, p) for m in self.model.modules()
                  for name, p in vars(m).items()
                  if isinstance(p, Parameter) and id(p) in piece_of]
        try:
            for module, name, p in places:
                setattr(module, name, piece_of[id(p)])
            yield
        finally:
            for module, name, p in places:
                setattr(module, name, p)


def network_function(model: Module, loss_fn: Callable, x: Any, y: Any
                     ) -> tuple[NetworkFunction, np.ndarray]:
    """The full-batch loss of a network as (f, w0): `minimize(f, w0, LBFGS())`.

    f(w) = loss_fn(model(x), y) with the learnable parameters taken from w (n,); w0:
    their present values, (n,), float64. f.load(trace.w[-1]) writes the result into
    the model. The network must be deterministic: put one with dropout or batch
    normalization into `eval` mode. In a float32 model the loss has seven digits, and
    the line search ends where they do; pass dtype=np.float64 to its layers for more.

    Raises TypeError for what is not a Module, ValueError for one that has no
    learnable parameter.
    """
    if not isinstance(model, Module):
        raise TypeError(f"model: a Module is needed, got {type(model).__name__}")
    f = NetworkFunction(model, loss_fn, x, y)
    return f, flatten(f.params).astype(np.float64)
