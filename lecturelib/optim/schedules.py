"""Learning rates that change in training: functions of the step, given as an `lr`.

A schedule is called with the number of the step, 0 for the first, and gives its
learning rate: `SGD(params, lr=cosine(0.1, steps=1000))`. It remembers nothing, so that
its curve is `[schedule(k) for k in range(n)]`. Only `reduce_on_plateau` is different:
it waits for what is measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any


class Schedule:
    """The base of all schedules: a subclass has one formula, `at(step)`.

    Raises ValueError, or TypeError where no number is given, for arguments out of range
    and for steps below 0.
    """

    def __post_init__(self) -> None:
        # subclasses are dataclasses
        for field in fields(self):  # type: ignore[arg-type]
            _check(type(self).__name__, field.name, getattr(self, field.name))

    def __call__(self, step: int) -> float:
        if not step >= 0:
            raise ValueError(f"step: the first step is number 0, got {step}")
        return float(self.at(step))

    def at(self, step: int) -> float:
        """The learning rate of a step, numbered from 0."""
        raise NotImplementedError(f"{type(self).__name__} must define at(self, step)")


@dataclass(frozen=True)
class constant(Schedule):
    """The same learning rate in every step: ε_k = lr."""

    lr: float

    def at(self, step: int) -> float:
        return self.lr


@dataclass(frozen=True)
class linear_decay(Schedule):
    """Along a straight line to `end_lr` at step τ = `steps`; constant from there on.

    ε_k = (1 − α) ε₀ + α ε_τ with α = min(k / τ, 1), ε₀ = `lr` and ε_τ = `end_lr`.

    Source: {cite}`goodfellow2016deep`, equation 8.14.
    """

    lr: float
    end_lr: float
    steps: int

    def at(self, step: int) -> float:
        alpha = min(step / self.steps, 1)
        return (1 - alpha) * self.lr + alpha * self.end_lr


@dataclass(frozen=True)
class step_decay(Schedule):
    """Times γ after every `step_size` steps: ε_k = lr · γ^⌊k / step_size⌋.

    `torch.optim.lr_scheduler.StepLR`.
    """

    lr: float
    step_size: int
    gamma: float = 0.1

    def at(self, step: int) -> float:
        return self.lr * self.gamma ** (step // self.step_size)


@dataclass(frozen=True)
class exponential(Schedule):
    """Times γ after every step: ε_k = lr · γᵏ. With γ > 1 it finds a rate too large.

    `torch.optim.lr_scheduler.ExponentialLR`.
    """

    lr: float
    gamma: float

    def at(self, step: int) -> float:
        return self.lr * self.gamma ** step


@dataclass(frozen=True)
class inverse_time(Schedule):
    """As one over time: ε_k = lr / (1 + decay · k).

    It falls slowly enough to get anywhere, Σ ε_k = ∞, yet fast enough for the noise of
    minibatches to average out, Σ ε_k² < ∞.

    Source: the two conditions are those of {cite}`robbins1951stochastic`.
    """

    lr: float
    decay: float

    def at(self, step: int) -> float:
        return self.lr / (1 + self.decay * step)


@dataclass(frozen=True)
class cosine(Schedule):
    """Down half a wave of the cosine to `min_lr` at step τ = `steps`; constant then.

    ε_k = min_lr + ½ (lr − min_lr) (1 + cos(π k / τ)). With restarts=True the rate jumps
    back to `lr` after every τ steps.

    `torch.optim.lr_scheduler.CosineAnnealingLR` up to step τ, from where that one rises
    again; with restarts `CosineAnnealingWarmRestarts`.
    Source: {cite}`loshchilov2017sgdr`, equation 5.
    """

    lr: float
    steps: int
    min_lr: float = 0.0
    restarts: bool = False

    def at(self, step: int) -> float:
        k = step % self.steps if self.restarts else min(step, self.steps)
        return _along_cosine(self.lr, self.min_lr, k / self.steps)


@dataclass(frozen=True)
class warmup(Schedule):
    """A straight rise in `steps` steps to where another schedule begins, and then that.

    ε_k = (k + 1) / (steps + 1) · schedule(0) for k < steps, then schedule(k − steps).
    So the first step is short but not 0, and the first full one is number `steps`.

    Source: {cite}`goyal2017accurate`, section 2.2.
    """

    schedule: Callable[[int], float]
    steps: int

    def at(self, step: int) -> float:
        if step < self.steps:
            return (step + 1) / (self.steps + 1) * self.schedule(0)
        return self.schedule(step - self.steps)


@dataclass(frozen=True)
class one_cycle(Schedule):
    """Up to `max_lr` in the first part of a run and down to almost 0 in the rest.

    Along cosines from max_lr / div_factor to max_lr at step pct_start · total_steps − 1
    and from there to max_lr / (div_factor · final_div_factor) in the last step, number
    total_steps − 1; constant after it.

    `torch.optim.lr_scheduler.OneCycleLR`, which cycles the momentum too unless told not
    to. Raises ValueError if the rise takes no step, pct_start · total_steps ≤ 1.
    Source: {cite}`smith2019super`.
    """

    max_lr: float
    total_steps: int
    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.pct_start * self.total_steps > 1:
            raise ValueError("one_cycle: pct_start * total_steps must be more than 1, "
                             f"got {self.pct_start} * {self.total_steps}")

    def at(self, step: int) -> float:
        start = self.max_lr / self.div_factor
        peak, last = self.pct_start * self.total_steps - 1, self.total_steps - 1
        if step <= peak:
            return _along_cosine(start, self.max_lr, step / peak)
        fraction = (min(step, last) - peak) / (last - peak)
        return _along_cosine(self.max_lr, start / self.final_div_factor, fraction)


@dataclass
class reduce_on_plateau(Schedule):
    """Times `factor` when what is measured has not improved more than `patience` times.

    `schedule.step(value)`, once an epoch as a rule, tells it the value, a validation
    loss for instance; `lr` is the present rate, in every step until the next reduction.
    In `fit`: `AfterEpoch(lambda run: schedule.step(run.history.val_loss[-1]))`.

    A value improves on the best so far if it is lower (mode="min") or higher ("max") by
    more than threshold · |best|; NaN never does. After a reduction `cooldown` values
    are let pass. The rate never falls below `min_lr`.

    `torch.optim.lr_scheduler.ReduceLROnPlateau`, but for its eps.
    """

    lr: float
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    cooldown: int = 0
    min_lr: float = 0.0
    mode: str = "min"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.best = math.inf if self.mode == "min" else -math.inf
        self.bad, self.cooling = 0, 0  # values without improvement; values to let pass

    def at(self, step: int) -> float:
        return self.lr

    def step(self, value: float) -> None:
        """Take note of a measured value; reduce the rate if it is time."""
        gain = self.best - value if self.mode == "min" else value - self.best
        margin = self.threshold * abs(self.best) if math.isfinite(self.best) else 0.0
        if gain > margin:
            self.best, self.bad = float(value), 0
        else:
            self.bad += 1
        if self.cooling:
            self.cooling, self.bad = self.cooling - 1, 0
        if self.bad > self.patience:
            self.lr = min(self.lr, max(self.lr * self.factor, self.min_lr))
            self.cooling, self.bad = self.cooldown, 0

    def state_dict(self) -> dict[str, float]:
        """What it remembers: the present rate, the best value and the two counts."""
        return {name: getattr(self, name) for name in ("lr", "best", "bad", "cooling")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave, from a file too.

        Raises KeyError if names are missing or unknown.
        """
        if state.keys() != self.state_dict().keys():
            raise KeyError(f"state: the names {sorted(self.state_dict())} are needed, "
                           f"got {sorted(state)}")
        self.lr, self.best = float(state["lr"]), float(state["best"])
        self.bad, self.cooling = int(state["bad"]), int(state["cooling"])


def _along_cosine(start: float, end: float, fraction: float) -> float:
    """From `start` to `end` along half a wave of the cosine, level at both."""
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2


Rule = tuple[Any, Callable[[Any], bool], str]  # type, condition, what is needed
POSITIVE: Rule = (Real, lambda x: 0 < x < math.inf, "a positive number")
AT_LEAST_0: Rule = (Real, lambda x: 0 <= x < math.inf, "a number of at least 0")
FRACTION: Rule = (Real, lambda x: 0 < x < 1, "a number between 0 and 1")
COUNT: Rule = (Integral, lambda n: n >= 1, "an integer of at least 1")
COUNT_OR_0: Rule = (Integral, lambda n: n >= 0, "an integer of at least 0")
ARGUMENTS: dict[str, Rule] = {  # one name means one thing in all schedules
    "lr": POSITIVE, "max_lr": POSITIVE, "min_lr": AT_LEAST_0, "end_lr": AT_LEAST_0,
    "steps": COUNT, "step_size": COUNT, "total_steps": COUNT,
    "gamma": POSITIVE, "decay": AT_LEAST_0, "factor": FRACTION, "threshold": AT_LEAST_0,
    "patience": COUNT_OR_0, "cooldown": COUNT_OR_0,
    "pct_start": FRACTION, "div_factor": POSITIVE, "final_div_factor": POSITIVE,
    "restarts": (bool, lambda b: True, "True or False"),
    "mode": (str, lambda s: s in ("min", "max"), "'min' or 'max'"),
    "schedule": (Callable, callable, "a function of the step, such as constant(0.1)"),
}


def _check(owner: str, name: str, value: Any) -> None:
    """TypeError or ValueError that names the argument which is not as it must be."""
    kind, good, words = ARGUMENTS[name]
    message = f"{owner}: {name} must be {words}, got {value!r}"
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise TypeError(message)
    if not good(value):
        raise ValueError(message)
