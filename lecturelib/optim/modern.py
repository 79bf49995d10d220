"""Newer rules, which move by the direction of a gradient rather than by its size."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from lecturelib import ops
from lecturelib.nn import Parameter
from lecturelib.optim.optimizer import (
    Optimizer,
    Rate,
    at_least_zero,
    below_one,
    betas_below_one,
)


class Lion(Optimizer):
    """Every number moves by lr, up or down: only the sign of the momentum counts.

    c = β₁ m + (1 − β₁) g,  w ← w − lr sign(c),  m ← β₂ m + (1 − β₂) g

    Steps are longer than Adam's, so lr is best 3 to 10 times smaller. Weight decay is
    decoupled by default. Other arguments as `Optimizer`. Raises ValueError for betas
    outside [0, 1).
    Source: {cite}`chen2023symbolic`, algorithm 2.
    """

    slots = ("m",)

    def __init__(self, params: Iterable[Any], lr: Rate = 1e-4,
                 betas: tuple[float, float] = (0.9, 0.99), weight_decay: float = 0.0, *,
                 decoupled_weight_decay: bool = True, **common: Any) -> None:
        self.betas = betas
        super().__init__(params, lr, weight_decay,
                         decoupled_weight_decay=decoupled_weight_decay, **common)

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """One step; state["m"] has the shape of w."""
        b1, b2 = self.betas
        m = state.get("m", 0.0)
        state["m"] = b2 * m + (1 - b2) * g
        return w - self.lr * ops.sign(b1 * m + (1 - b1) * g)

    def check(self) -> None:
        super().check()
        betas_below_one(self.betas)


class Muon(Optimizer):
    """Momentum made orthogonal: all directions of a matrix move by about the same.

    m ← μ m + (1 − μ) g,  w ← w − lr √max(1, rows / columns) orthogonalized(m)

    For matrices only, those of hidden layers; biases, embeddings and the last layer go
    to another optimizer, such as AdamW. nesterov: (1 − μ) g + μ m for m in the step.
    adjust_lr_fn="match_rms_adamw": 0.2 √max(rows, columns) for the root, so that the
    lr and weight decay of AdamW fit {cite}`liu2025muon`; the default, None, is
    "original", as above. ns_coefficients, eps and ns_steps as in `orthogonalized`.

    Weight decay is decoupled by default. Other arguments as `Optimizer`; defaults are
    PyTorch's, which computes the orthogonalization in bfloat16. Raises ValueError for
    parameters that are no matrices and for settings out of range.
    Source: {cite}`jordan2024muon`.
    """

    slots = ("m",)

    def __init__(self, params: Iterable[Any], lr: Rate = 1e-3,
                 weight_decay: float = 0.1, momentum: float = 0.95,
                 nesterov: bool = True,
                 ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
                 eps: float = 1e-7, ns_steps: int = 5, adjust_lr_fn: str | None = None,
                 *, decoupled_weight_decay: bool = True, **common: Any) -> None:
        self.momentum, self.nesterov, self.eps = momentum, nesterov, eps
        self.ns_coefficients, self.ns_steps = ns_coefficients, ns_steps
        self.adjust_lr_fn = adjust_lr_fn
        super().__init__(params, lr, weight_decay,
                         decoupled_weight_decay=decoupled_weight_decay, **common)

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """One step; state["m"] has the shape of w."""
        mu, (rows, columns) = self.momentum, w.shape
        m = state["m"] = mu * state.get("m", 0.0) + (1 - mu) * g
        if self.nesterov:
            m = (1 - mu) * g + mu * m
        o = orthogonalized(m, self.ns_steps, self.ns_coefficients, self.eps)
        if self.adjust_lr_fn == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        else:
            scale = math.sqrt(max(1, rows / columns))
        return w - self.lr * scale * o

    def check_parameter(self, p: Parameter) -> None:
        if len(p.shape) != 2:
            raise ValueError("params: Muon moves matrices only, got a parameter of "
                             f"shape {tuple(p.shape)}; give it to AdamW")

    def check(self) -> None:
        super().check()
        below_one(momentum=self.momentum)
        at_least_zero(eps=self.eps, ns_steps=self.ns_steps)
        if self.adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError('adjust_lr_fn: must be None, "original" or '
                             f'"match_rms_adamw", got {self.adjust_lr_fn!r}')


def orthogonalized(
        m: Any, steps: int = 5,
        coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7) -> Any:
    """Nearly U Vᵀ for a matrix m = U S Vᵀ: its singular values become about 1.

    x = m / max(‖m‖, eps),  then `steps` times  x ← a x + b (x xᵀ) x + c (x xᵀ)² x

    with (a, b, c) the coefficients: each singular value s in (0, 1] becomes
    a s + b s³ + c s⁵ (Newton–Schulz). The default ones lift small s fast and then keep
    them within about 0.7 to 1.2, not at 1. m: (rows, columns), as is the result.
    Source: {cite}`jordan2024muon`.
    """
    if m.shape[0] > m.shape[1]:  # the smaller of x xᵀ and xᵀ x is cheaper
        return orthogonalized(m.T, steps, coefficients, eps).T
    a, b, c = coefficients
    x = m / ops.maximum(ops.sqrt(ops.sum(m * m)), eps)
    for _ in range(steps):
        s = x @ x.T
        x = a * x + (b * s + c * (s @ s)) @ x
    return x
