"""Descent by the gradient itself, and Newton's method, which uses the Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np

from lecturelib.optim.line_search import FixedStep, Line
from lecturelib.optim.minimize import Method, Point, SearchesLine, parabola_step


class GradientDescent(Method):
    """Steepest descent: w ← w − α g, with a fixed α = lr or one that is searched.

    Give either `lr`, a number > 0 (ValueError otherwise), or `line_search`, such as
    Backtracking(); TypeError for both or neither.
    Source: {cite}`nocedal2006numerical`, section 3.1.
    """

    def __init__(self, lr: float | None = None,
                 line_search: SearchesLine | None = None) -> None:
        if (lr is None) == (line_search is None):
            raise TypeError("GradientDescent: either lr or line_search is needed, got "
                            f"lr={lr}, line_search={line_search}")
        if lr is not None and not 0 < lr < np.inf:
            raise ValueError(f"lr: must be positive and finite, got {lr}")
        super().__init__(line_search or FixedStep(lr))  # type: ignore[arg-type]

    def direction(self, at: Point, state: dict[str, Any]) -> np.ndarray:
        """p = −g, (n,); no memory. Source: {cite}`nocedal2006numerical`, ch. 2.2."""
        return -at.gradient

    def first_trial(self, line: Line, before: Point | None) -> float:
        """The α of `parabola_step`, however large: g does not know the scale of f."""
        return parabola_step(line, before)


class Newton(Method):
    """Newton's method: p = −(H + τI)⁻¹ g, the step to where a parabola is flat.

    damping = 0 with full steps, the default, is the pure method: it is drawn to any
    critical point, saddles and maxima too, and a quadratic is solved in one step.
    damping > 0 makes τ = damping + 2 max(0, −λ_min), so that H + τI is positive
    definite and p descends; use it with a line search, such as StrongWolfe().
    saddle_free=True replaces each eigenvalue λ by |λ| + damping: p goes down along
    directions of negative curvature, where the pure step climbs. ValueError for
    damping < 0.

    Sources: {cite}`goodfellow2016deep`, section 8.6.1;
    {cite}`dauphin2014identifying` for |λ|.
    """

    def __init__(self, damping: float = 0.0, saddle_free: bool = False,
                 line_search: SearchesLine | None = None) -> None:
        super().__init__(line_search or FixedStep(1.0))
        if not 0 <= damping < np.inf:
            raise ValueError(f"damping: must be at least 0 and finite, got {damping}")
        self.damping, self.saddle_free = float(damping), bool(saddle_free)

    def direction(self, at: Point, state: dict[str, Any]) -> np.ndarray:
        """p = −Q Λ⁻¹ Qᵀ g, (n,), with the eigenvectors Q of the Hessian (n, n).

        Λ holds its eigenvalues, or |λ|, and the damping; no memory is needed. Source:
        {cite}`goodfellow2016deep`, equations (8.27) and (8.28).
        """
        eigenvalues, q = np.linalg.eigh(at.hessian)
        if self.saddle_free:
            eigenvalues = np.abs(eigenvalues)
        elif self.damping:  # twice, or steps along the lowest curvature are huge
            eigenvalues = eigenvalues + 2 * max(0.0, -eigenvalues[0])
        return -q @ ((q.T @ at.gradient) / (eigenvalues + self.damping))

    def first_trial(self, line: Line, before: Point | None) -> float:
        """1, the step that is right for a quadratic."""
        return 1.0
