"""Momentum and Adam in NumPy, for the peers that have no optimizers, as one would write them."""

from __future__ import annotations

import numpy as np


class Momentum:
    """v ← 0.9 v + g,  w ← w − lr v."""

    def __init__(self, lr: float) -> None:
        self.lr, self.state = lr, {}

    def step(self, weights: list[np.ndarray], gradients: list[np.ndarray]) -> None:
        """Change the weights in place."""
        for i, (w, g) in enumerate(zip(weights, gradients)):
            v = self.state.setdefault(i, np.zeros_like(w))
            v *= 0.9
            v += g
            w -= self.lr * v


class Adam:
    """PyTorch's defaults."""

    def __init__(self, lr: float) -> None:
        self.lr, self.t, self.state = lr, 0, {}

    def step(self, weights: list[np.ndarray], gradients: list[np.ndarray]) -> None:
        """Change the weights in place."""
        self.t += 1
        c1, c2 = 1 - 0.9**self.t, 1 - 0.999**self.t
        for i, (w, g) in enumerate(zip(weights, gradients)):
            m, v = self.state.setdefault(i, (np.zeros_like(w), np.zeros_like(w)))
            m *= 0.9
            m += 0.1 * g
            v *= 0.999
            v += 0.001 * g * g
            w -= self.lr / c1 * m / (np.sqrt(v / c2) + 1e-8)
