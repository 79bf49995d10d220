"""Gradient descent and momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lecturelib.optim import fused
from lecturelib.optim.optimizer import Optimizer, Rate, below_one


class SGD(Optimizer):
    """(Stochastic) gradient descent, with momentum μ in three formulations.

    Without momentum, w ← w − lr g {cite}`robbins1951stochastic`. Else, by
    `momentum_form`, with v = 0 at the start:

    - "torch": v ← μ v + (1 − dampening) g, w ← w − lr v, but v = g in the first step;
    - "velocity": v ← μ v − lr g, w ← w + v {cite}`polyak1964some`, as in
      {cite}`goodfellow2016deep`, algorithm 8.2;
    - "average": v ← μ v + (1 − μ) g, w ← w − lr v, an exponential average of gradients.

    While lr is constant the three go the same way. With V the v of "torch" without
    dampening, that of "velocity" is −lr V, and that of "average" is (1 − μ) V if its lr
    is the others' divided by 1 − μ. They part when lr changes: "velocity" remembers
    each gradient times the rate of its own time, the others apply the new rate to all.

    nesterov: the gradient is taken ahead, where the momentum alone would lead. The
    parameters are then kept at this interim point, where the next gradient is needed:
    w = θ + μ v for "velocity" ({cite}`goodfellow2016deep`, algorithm 8.3, in θ), and
    w = θ − lr μ v for the two others. In terms of w the look-ahead becomes PyTorch's
    rewriting, w ← w − lr (g + μ v) {cite}`sutskever2013importance,bengio2013advances`.
    Where v has died down, w and θ are one.

    Other arguments as `Optimizer`. Raises ValueError for momentum or dampening outside
    [0, 1), and for options that do not go together: nesterov without momentum or with
    dampening, dampening in other forms than "torch".
    """

    slots = ("velocity",)

    def __init__(self, params: Iterable[Any], lr: Rate = 1e-3, momentum: float = 0.0,
                 dampening: float = 0.0, weight_decay: float = 0.0,
                 nesterov: bool = False, *, momentum_form: str = "torch",
                 **common: Any) -> None:
        self.momentum, self.dampening = momentum, dampening
        self.nesterov, self.momentum_form = nesterov, momentum_form
        super().__init__(params, lr, weight_decay, **common)

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """One step; state["velocity"], with momentum, has the shape of w."""
        if self.momentum == 0:
            return w - self.lr * g
        return getattr(self, f"{self.momentum_form}_step")(w, g, state)

    def torch_step(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """v ← μ v + (1 − dampening) g,  w ← w − lr v."""
        weight = 1 - self.dampening if "velocity" in state else 1
        v = state["velocity"] = self.momentum * state.get("velocity", 0.0) + weight * g
        return w - self.lr * (g + self.momentum * v if self.nesterov else v)

    def velocity_step(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """v ← μ v − lr g,  w ← w + v."""
        push = -self.lr * g
        v = state["velocity"] = self.momentum * state.get("velocity", 0.0) + push
        return w + (push + self.momentum * v if self.nesterov else v)

    def average_step(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """v ← μ v + (1 − μ) g,  w ← w − lr v."""
        push = (1 - self.momentum) * g
        v = state["velocity"] = self.momentum * state.get("velocity", 0.0) + push
        return w - self.lr * (push + self.momentum * v if self.nesterov else v)

    def check(self) -> None:
        super().check()
        below_one(momentum=self.momentum, dampening=self.dampening)
        if self.momentum_form not in ("torch", "velocity", "average"):
            raise ValueError('momentum_form: must be "torch", "velocity" or "average", '
                             f"got {self.momentum_form!r}")
        if self.dampening and self.momentum_form != "torch":
            raise ValueError('dampening: only the momentum_form "torch" has it, got '
                             f"{self.dampening} with {self.momentum_form!r}")
        if self.nesterov and (not self.momentum or self.dampening):
            raise ValueError("nesterov: needs momentum > 0 and dampening = 0, got "
                             f"{self.momentum} and {self.dampening}")


fused.FORMS[SGD.update], fused.TORCH_FORMS[SGD.update] = fused.sgd, fused.torch_sgd
