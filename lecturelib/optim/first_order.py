"""Gradient descent and momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lecturelib.nn import Parameter
from lecturelib.optim.optimizer import Optimizer


class SGD(Optimizer):
    """(Stochastic) gradient descent, with PyTorch's momentum.

    v ← μ v + g,  w ← w − lr v, with v starting at 0; μ = 0 is plain descent.

    Arguments as `Optimizer`, and momentum: μ in [0, 1).
    Source: {cite}`sutskever2013importance`.
    """

    def __init__(self, params: Iterable[Parameter], lr: float, momentum: float = 0.0,
                 weight_decay: float = 0.0) -> None:
        super().__init__(params, lr, weight_decay)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum: must be in [0, 1), got {momentum}")
        self.momentum = float(momentum)

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """One step; state["velocity"] has the shape of w."""
        if self.momentum:
            g = state["velocity"] = self.momentum * state.get("velocity", 0.0) + g
        return w - self.lr * g
