"""lecturelib, on arrays of NumPy or of torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from lecturelib import Tensor, backend, nn, optim
from lecturelib import functional as F
from lecturelib.analysis.functions import Rosenbrock
from lecturelib.core import unwrap
from peers.pytorch_names import PyTorchNames


class Lecturelib(PyTorchNames):
    """device: "cpu" for NumPy, "torch" or "cuda" for arrays of torch."""

    nn, F, optim = nn, F, optim

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.name = "lecturelib, " + ("NumPy" if device == "cpu" else "torch arrays")

    def numpy(self, x: Any) -> np.ndarray:
        return backend.numpy(unwrap(x))

    def array(self, x: np.ndarray) -> Any:
        return backend.copy(backend.move(x, self.device))

    def leaf(self, x: np.ndarray) -> Tensor:
        return Tensor(self.array(x), requires_grad=True)

    def model(self, build: Any, weights: dict[str, np.ndarray]) -> nn.Module:
        model = build(nn, rng=np.random.default_rng(0))
        model.load_state_dict(weights)
        return model.to(self.device)

    def rosenbrock(self, w, steps, lr):
        if self.device != "cpu":
            return None  # `descend` is for arrays of NumPy
        f = Rosenbrock()
        return lambda: (
            optim.descend(f, w, lambda params: optim.Adam(params, lr=lr), steps).w[-1],)
