"""Adaptive methods: each number has a step size of its own, from its past gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lecturelib import ops
from lecturelib.optim import fused
from lecturelib.optim.optimizer import (
    Optimizer,
    Rate,
    at_least_zero,
    below_one,
    betas_below_one,
)


def _root(r: Any, eps: float, inside: bool) -> Any:
    """√r, kept away from 0 by eps: √(r + eps) if inside, else √r + eps."""
    return ops.sqrt(r + eps) if inside else ops.sqrt(r) + eps


class AdaGrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients so far.

    r ← r + g²,  w ← w − lr g / (√r + eps)

    With eps_inside_root=True it is g / √(r + eps). The rate itself decays as
    lr / (1 + t lr_decay) after t steps, and r starts at initial_accumulator_value.
    Where gradients are rare, r stays small and the steps long.

    Other arguments as `Optimizer`; defaults are PyTorch's, while the book that we
    follow has eps = 1e-7. Raises ValueError for settings below 0.
    Source: {cite}`duchi2011adaptive`, as in {cite}`goodfellow2016deep`, algorithm 8.4.
    """

    slots, numbers = ("r",), ("step",)

    def __init__(self, params: Iterable[Any], lr: Rate = 1e-2, lr_decay: float = 0.0,
                 weight_decay: float = 0.0, initial_accumulator_value: float = 0.0,
                 eps: float = 1e-10, *, eps_inside_root: bool = False,
                 **common: Any) -> None:
        self.lr_decay, self.eps, self.eps_inside_root = lr_decay, eps, eps_inside_root
        self.initial_accumulator_value = initial_accumulator_value
        super().__init__(params, lr, weight_decay, **common)

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """One step; state["r"] has the shape of w, state["step"] is a number."""
        t = state["step"] = state.get("step", 0) + 1
        r = state["r"] = state.get("r", self.initial_accumulator_value) + g * g
        lr = self.lr / (1 + (t - 1) * self.lr_decay)
        return w - lr * g / _root(r, self.eps, self.eps_inside_root)

    def check(self) -> None:
        super().check()
        at_least_zero(lr_decay=self.lr_decay, eps=self.eps,
                      initial_accumulator_value=self.initial_accumulator_value)


class RMSProp(Optimizer):
    """Steps divided by the root of an exponential average of the squared gradients.

    r ← α r + (1 − α) g²,  d = g / (√r + eps),  w ← w − lr d

    eps_inside_root: d = g / √(r + eps), as in the book that we follow.
    centered: r − m² for r in d, with m ← α m + (1 − α) g: the variance
    {cite}`graves2013generating`. (What rounding leaves below 0 counts as 0.)
    momentum: v ← μ v + d,  w ← w − lr v.
    nesterov: w ← w − lr (d + μ v), Nesterov's momentum with the parameters kept at the
    interim point where the gradient is taken, as in `SGD`. While lr is constant this is
    {cite}`goodfellow2016deep`, algorithm 8.6, whose θ is w + lr μ v and whose velocity
    is −lr v; it has eps = 0.

    Other arguments as `Optimizer`; defaults are PyTorch's. Raises ValueError for alpha
    or momentum outside [0, 1), eps below 0, nesterov without momentum.
    Source: {cite}`tieleman2012lecture`, as in {cite}`goodfellow2016deep`, 8.5.
    """

    slots = ("r", "m", "velocity")

    def __init__(self, params: Iterable[Any], lr: Rate = 1e-2, alpha: float = 0.99,
                 eps: float = 1e-8, weight_decay: float = 0.0, momentum: float = 0.0,
                 centered: bool = False, *, nesterov: bool = False,
                 eps_inside_root: bool = False, **common: Any) -> None:
        self.alpha, self.eps, self.eps_inside_root = alpha, eps, eps_inside_root
        self.momentum, self.nesterov, self.centered = momentum, nesterov, centered
        super().__init__(params, lr, weight_decay, **common)

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """One step; state["r"], state["m"] (centered) and state["velocity"]
        (momentum) have the shape of w."""
        a, mu = self.alpha, self.momentum
        r = state["r"] = a * state.get("r", 0.0) + (1 - a) * (g * g)
        if self.centered:
            m = state["m"] = a * state.get("m", 0.0) + (1 - a) * g
            r = ops.maximum(r - m * m, 0.0)
        d = g / _root(r, self.eps, self.eps_inside_root)
        if mu == 0:
            return w - self.lr * d
        v = state["velocity"] = mu * state.get("velocity", 0.0) + d
        return w - self.lr * (d + mu * v if self.nesterov else v)

    def check(self) -> None:
        super().check()
        below_one(alpha=self.alpha, momentum=self.momentum)
        at_least_zero(eps=self.eps)
        if self.nesterov and not self.momentum:
            raise ValueError(f"nesterov: needs momentum > 0, got {self.momentum}")


class AdaDelta(Optimizer):
    """Steps as long as recent steps, in units of the parameter: it needs no rate.

    r ← ρ r + (1 − ρ) g²,  d = √(s + eps) / √(r + eps) g,  s ← ρ s + (1 − ρ) d²,
    w ← w − lr d

    lr = 1, the default, is the source's. Other arguments as `Optimizer`; defaults are
    PyTorch's. Raises ValueError for rho outside [0, 1) or eps below 0.
    Source: {cite}`zeiler2012adadelta`.
    """

    slots = ("r", "s")

    def __init__(self, params: Iterable[Any], lr: Rate = 1.0, rho: float = 0.9,
                 eps: float = 1e-6, weight_decay: float = 0.0, **common: Any) -> None:
        self.rho, self.eps = rho, eps
        super().__init__(params, lr, weight_decay, **common)

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """One step; state["r"] and state["s"] have the shape of w."""
        rho, s = self.rho, state.get("s", 0.0)
        r = state["r"] = rho * state.get("r", 0.0) + (1 - rho) * (g * g)
        d = ops.sqrt(s + self.eps) / ops.sqrt(r + self.eps) * g
        state["s"] = rho * s + (1 - rho) * (d * d)
        return w - self.lr * d

    def check(self) -> None:
        super().check()
        below_one(rho=self.rho)
        at_least_zero(eps=self.eps)


class Adam(Optimizer):
    """Momentum and RMSProp together, corrected for having started at zero.

    m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,
    m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ),  w ← w − lr m̂ / (√v̂ + eps)

    t counts the steps from 1. With bias_correction=False, m and v stand for m̂ and v̂.
    amsgrad: the largest v so far stands for v, so that steps never grow again
    {cite}`reddi2018convergence`.

    Other arguments as `Optimizer`; defaults are PyTorch's. Raises ValueError for betas
    outside [0, 1) or eps below 0.
    Source: {cite}`kingma2015adam`, algorithm 1.
    """

    slots, numbers = ("m", "v", "v_max"), ("step",)

    def __init__(self, params: Iterable[Any], lr: Rate = 1e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0, amsgrad: bool = False, *,
                 bias_correction: bool = True, **common: Any) -> None:
        self.betas, self.eps = betas, eps
        self.amsgrad, self.bias_correction = amsgrad, bias_correction
        super().__init__(params, lr, weight_decay, **common)

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """One step; state["m"], state["v"] and state["v_max"] (amsgrad) have the shape
        of w, state["step"] is a number."""
        b1, b2 = self.betas
        t = state["step"] = state.get("step", 0) + 1
        m = state["m"] = b1 * state.get("m", 0.0) + (1 - b1) * g
        v = state["v"] = b2 * state.get("v", 0.0) + (1 - b2) * (g * g)
        if self.amsgrad:
            v = state["v_max"] = ops.maximum(v, state.get("v_max", v))
        if self.bias_correction:
            m, v = m / (1 - b1**t), v / (1 - b2**t)
        return w - self.lr * m / (ops.sqrt(v) + self.eps)

    def check(self) -> None:
        super().check()
        betas_below_one(self.betas)
        at_least_zero(eps=self.eps)


class AdamW(Adam):
    """Adam with weight decay beside the update, and 0.01 of it by default.

    w ← w − lr λ w,  then as Adam.

    The price λ/2 ‖w‖², in the gradient, would be divided by √v̂ with it: parameters of
    large gradients would hardly decay. Arguments as `Adam`; the default
    decoupled_weight_decay=True makes the difference.
    Source: {cite}`loshchilov2019decoupled`, algorithm 2, where λ is lr λ.
    """

    def __init__(self, params: Iterable[Any], lr: Rate = 1e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 1e-2, amsgrad: bool = False, *,
                 decoupled_weight_decay: bool = True, **common: Any) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad,
                         decoupled_weight_decay=decoupled_weight_decay, **common)


class NAdam(Optimizer):
    """Adam with Nesterov's momentum, whose μ grows from β₁/2 towards β₁.

    m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,
    m̂ = μₜ₊₁ m / (1 − μ₁…μₜ₊₁) + (1 − μₜ) g / (1 − μ₁…μₜ),  v̂ = v / (1 − β₂ᵗ),
    w ← w − lr m̂ / (√v̂ + eps),  with μₜ = β₁ (1 − 0.96^(t momentum_decay) / 2)

    Other arguments as `Optimizer`; defaults are PyTorch's. Raises ValueError for betas
    outside [0, 1), eps or momentum_decay below 0.
    Source: {cite}`dozat2016incorporating`.
    """

    slots, numbers = ("m", "v"), ("step", "mu_product")

    def __init__(self, params: Iterable[Any], lr: Rate = 2e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0, momentum_decay: float = 4e-3,
                 **common: Any) -> None:
        self.betas, self.eps, self.momentum_decay = betas, eps, momentum_decay
        super().__init__(params, lr, weight_decay, **common)

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """One step; state["m"] and state["v"] have the shape of w, state["step"] and
        state["mu_product"], the μ₁…μₜ, are numbers."""
        b1, b2 = self.betas
        t = state["step"] = state.get("step", 0) + 1
        m = state["m"] = b1 * state.get("m", 0.0) + (1 - b1) * g
        v = state["v"] = b2 * state.get("v", 0.0) + (1 - b2) * (g * g)
        mu, mu_next = (b1 * (1 - 0.96 ** (k * self.momentum_decay) / 2)
                       for k in (t, t + 1))
        product = state["mu_product"] = state.get("mu_product", 1.0) * mu
        m = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
        return w - self.lr * m / (ops.sqrt(v / (1 - b2**t)) + self.eps)

    def check(self) -> None:
        super().check()
        betas_below_one(self.betas)
        at_least_zero(eps=self.eps, momentum_decay=self.momentum_decay)


fused.FORMS[Adam.update], fused.TORCH_FORMS[Adam.update] = fused.adam, fused.torch_adam
