"""Line searches: how far to go along a direction.

A line search looks at φ(α) = f(w + α p) only, and returns a place on this line or None.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

EPSILON = float(np.finfo(np.float64).eps)


class Trial:
    """A place on a line: α, the point there, φ(α) as `loss`, and φ′(α) as `slope`."""

    def __init__(self, point: Any, direction: np.ndarray, alpha: float) -> None:
        self.point, self.direction, self.alpha = point, direction, alpha
        self.loss: float = point.loss

    @cached_property
    def slope(self) -> float:
        """φ′(α) = ∇f(w + α p)ᵀ p: it costs a gradient, once, when it is asked for."""
        return float(self.point.gradient @ self.direction)


class Line:
    """φ(α) = f(w + α p), from the point `start` in the direction p (n,)."""

    def __init__(self, start: Any, direction: np.ndarray) -> None:
        self.start, self.direction = Trial(start, direction, 0.0), direction

    def at(self, alpha: float) -> Trial:
        """φ evaluated at α."""
        point = self.start.point.moved(alpha * self.direction)
        return Trial(point, self.direction, alpha)

    def falls_enough(self, trial: Trial, c1: float, rounding: float = 0.0) -> bool:
        """The Armijo condition φ(α) ≤ φ(0) + c₁ α φ′(0), but for rounding."""
        bound = self.start.loss + c1 * trial.alpha * self.start.slope + rounding
        return math.isfinite(trial.loss) and trial.loss <= bound


@dataclass(frozen=True)
class FixedStep:
    """No search: α = `alpha` always, whatever f does there."""

    alpha: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < math.inf:
            raise ValueError(f"alpha: must be positive and finite, got {self.alpha}")

    def __call__(self, line: Line, alpha: float) -> Trial:
        return line.at(self.alpha)


@dataclass(frozen=True)
class Backtracking:
    """From the first trial α ← ρ α until f falls enough: the Armijo condition,

        φ(α) ≤ φ(0) + c₁ α φ′(0).

    c1: c₁ in (0, 1); shrink: ρ in (0, 1). None is returned if p does not descend or
    `max_evaluations` did not suffice. ValueError for values outside these ranges.
    Source: {cite}`nocedal2006numerical`, algorithm 3.1.
    """

    c1: float = 1e-4
    shrink: float = 0.5
    max_evaluations: int = 50

    def __post_init__(self) -> None:
        if not (0 < self.c1 < 1 and 0 < self.shrink < 1):
            raise ValueError("c1, shrink: must be in (0, 1), "
                             f"got {self.c1} and {self.shrink}")
        _check_count(self.max_evaluations)

    def __call__(self, line: Line, alpha: float) -> Trial | None:
        if not line.start.slope < 0:
            return None
        for _ in range(self.max_evaluations):
            trial = line.at(alpha)
            if line.falls_enough(trial, self.c1):
                return trial
            alpha *= self.shrink
        return None


@dataclass(frozen=True)
class StrongWolfe:
    """A step after which f has fallen enough and its slope is small enough:

        φ(α) ≤ φ(0) + c₁ α φ′(0)   and   |φ′(α)| ≤ c₂ |φ′(0)|.

    The second makes sᵀy > 0 for quasi-Newton methods. Steps grow until such an α is
    found or enclosed; then the interval around it shrinks by cubic interpolation.

    c1, c2: 0 < c₁ < c₂ < 1, ValueError otherwise. If `max_evaluations` do not
    suffice, the lowest trial that has fallen enough is returned; None if there was
    none, or if p does not descend.
    Source: {cite}`nocedal2006numerical`, algorithms 3.5 and 3.6.
    """

    c1: float = 1e-4
    c2: float = 0.9
    max_evaluations: int = 30

    def __post_init__(self) -> None:
        if not 0 < self.c1 < self.c2 < 1:
            raise ValueError("c1, c2: 0 < c1 < c2 < 1 is needed, "
                             f"got {self.c1} and {self.c2}")
        _check_count(self.max_evaluations)

    def is_lower(self, line: Line, trial: Trial, low: Trial) -> bool:
        """Whether the trial has fallen enough and is not above `low`, either.

        Values that differ by rounding only count as equal: near a minimum, where
        they do, the slopes still tell the way.
        """
        rounding = 4 * EPSILON * abs(line.start.loss)
        fallen = line.falls_enough(trial, self.c1, rounding)
        return fallen and trial.loss <= low.loss + rounding

    def flat_enough(self, line: Line, trial: Trial) -> bool:
        """The curvature condition |φ′(α)| ≤ c₂ |φ′(0)|."""
        return abs(trial.slope) <= -self.c2 * line.start.slope

    def __call__(self, line: Line, alpha: float) -> Trial | None:
        if not line.start.slope < 0:
            return None
        low = line.start
        for i in range(1, self.max_evaluations + 1):
            trial, left = line.at(alpha), self.max_evaluations - i
            if not self.is_lower(line, trial, low):
                return self.zoom(line, low, trial, left)
            if self.flat_enough(line, trial):
                return trial
            if trial.slope >= 0:
                return self.zoom(line, trial, low, left)
            alpha, low = _beyond(cubic_minimizer(low, trial), alpha), trial
        return low if low.loss < line.start.loss else None

    def zoom(self, line: Line, low: Trial, high: Trial, evaluations: int
             ) -> Trial | None:
        """Shrink the interval between `low`, the best yet, whose slope points to
        `high`, and `high`, until a trial meets both conditions."""
        for i in range(evaluations):
            middle = (low.alpha + high.alpha) / 2
            guess = cubic_minimizer(low, high) if i % 3 < 2 else middle
            alpha = _inside(guess, low.alpha, high.alpha)
            if alpha in (low.alpha, high.alpha):
                break  # there is no number between them
            trial = line.at(alpha)
            if not self.is_lower(line, trial, low):
                high = trial
                continue
            if self.flat_enough(line, trial):
                return trial
            if trial.slope * (high.alpha - low.alpha) >= 0:
                high = low
            low = trial
        return low if low.loss < line.start.loss else None


def cubic_minimizer(a: Trial, b: Trial) -> float:
    """Where the cubic with the values and slopes of φ at a and b is least.

    α = β − (β − α₀) (φ′(β) + d₂ − d₁) / (φ′(β) − φ′(α₀) + 2 d₂), with
    d₁ = φ′(α₀) + φ′(β) − 3 (φ(α₀) − φ(β)) / (α₀ − β) and
    d₂ = sign(β − α₀) √(d₁² − φ′(α₀) φ′(β)). nan if the cubic has no minimum, or a
    value or slope is not finite. Source: {cite}`nocedal2006numerical`, eq. (3.59).
    """
    width = b.alpha - a.alpha
    d1 = a.slope + b.slope - 3 * (b.loss - a.loss) / width
    inside = d1 * d1 - a.slope * b.slope
    if not 0 <= inside < math.inf:
        return math.nan
    d2 = math.copysign(math.sqrt(inside), width)
    below = b.slope - a.slope + 2 * d2
    return b.alpha - width * (b.slope + d2 - d1) / below if below else math.nan


def _beyond(guess: float, alpha: float) -> float:
    """The guess, kept between 1.2 and 10 times α; 10 α if it is not beyond, or nan."""
    if not guess > alpha:
        return 10 * alpha
    return min(max(guess, 1.2 * alpha), 10 * alpha)


def _inside(alpha: float, a: float, b: float) -> float:
    """α, kept from the ends of the interval by 1/1000 of it; its middle for nan."""
    if math.isnan(alpha):
        return (a + b) / 2
    margin, (lower, upper) = abs(b - a) / 1000, sorted((a, b))
    return min(max(alpha, lower + margin), upper - margin)


def _check_count(n: int) -> None:
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"max_evaluations: must be a positive integer, got {n!r}")
