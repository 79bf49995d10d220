"""Methods that learn about the curvature from the gradients they meet."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from lecturelib.optim.line_search import EPSILON, Line, StrongWolfe
from lecturelib.optim.minimize import Method, Point, SearchesLine, parabola_step


class ConjugateGradient(Method):
    """Non-linear conjugate gradients: p_k = −g_k + β_k p_{k−1}.

    On a quadratic with exact line searches, n steps suffice; the default search is
    nearly exact. beta: how β is computed, "polak-ribiere" (PR+: never negative) or
    "fletcher-reeves"; ValueError otherwise.
    Source: {cite}`nocedal2006numerical`, section 5.2.
    """

    FORMULAS = {
        "polak-ribiere": lambda g, old: max(0.0, g @ (g - old) / (old @ old)),
        "fletcher-reeves": lambda g, old: g @ g / (old @ old),
    }

    def __init__(self, beta: str = "polak-ribiere",
                 line_search: SearchesLine | None = None) -> None:
        super().__init__(line_search or StrongWolfe(c2=0.05))
        if beta not in self.FORMULAS:
            raise ValueError(f"beta: one of {list(self.FORMULAS)} is needed, "
                             f"got {beta!r}")
        self.beta = beta

    def direction(self, at: Point, state: dict[str, Any]) -> np.ndarray:
        """p = −g + β p_old, (n,); state["p"] and state["g"], the last ones, (n,);
        state["k"]: how many steps were taken.

        It starts again from −g after n steps, and should p not descend. Source:
        {cite}`nocedal2006numerical`, algorithm 5.4 and equation (5.45).
        """
        g, p = at.gradient, -at.gradient
        k = state.get("k", 0)
        if k % g.size:
            p = p + self.FORMULAS[self.beta](g, state["g"]) * state["p"]
            if p @ g >= 0:
                p = -g
        state.update(g=g, p=p, k=k + 1)
        return p


class BFGS(Method):
    """The quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno: p = −H g.

    H (n, n) is an estimate of the inverse Hessian that is improved in every step.
    Source: {cite}`nocedal2006numerical`, algorithm 6.1.
    """

    def __init__(self, line_search: SearchesLine | None = None) -> None:
        super().__init__(line_search or StrongWolfe())

    def direction(self, at: Point, state: dict[str, Any]) -> np.ndarray:
        """p = −H g, (n,), after H ← V H Vᵀ + ρ s sᵀ with V = I − ρ s yᵀ, ρ = 1 / yᵀs.

        state["H"]: (n, n), at first I; state["w"], state["g"]: the last point and its
        gradient, (n,), from which s = w − w_old and y = g − g_old.
        Source: {cite}`nocedal2006numerical`, equation (6.17).
        """
        identity = np.eye(at.w.size)
        H = state.setdefault("H", identity)
        for s, y, rho in curvature_pair(at, state):  # one, or none
            V = identity - rho * np.outer(s, y)
            H = state["H"] = V @ H @ V.T + rho * np.outer(s, s)
        return -H @ at.gradient


class LBFGS(Method):
    """BFGS with limited memory: H is not stored, only the last `memory` pairs (s, y).

    memory: how many, a positive integer (ValueError otherwise).
    Source: {cite}`nocedal2006numerical`, algorithm 7.5.
    """

    def __init__(self, memory: int = 10,
                 line_search: SearchesLine | None = None) -> None:
        super().__init__(line_search or StrongWolfe())
        if not isinstance(memory, int) or memory < 1:
            raise ValueError(f"memory: must be a positive integer, got {memory!r}")
        self.memory = memory

    def direction(self, at: Point, state: dict[str, Any]) -> np.ndarray:
        """p = −H g, (n,); state["pairs"]: up to `memory` triples (s, y, ρ), s, y (n,);
        state["w"], state["g"]: the last point and its gradient, (n,).

        Source: {cite}`nocedal2006numerical`, algorithm 7.5.
        """
        pairs = state.setdefault("pairs", deque(maxlen=self.memory))
        pairs.extend(curvature_pair(at, state))
        return -two_loop(at.gradient, pairs)

    def first_trial(self, line: Line, before: Point | None) -> float:
        """1, for the pairs give p its length; before there are any, a short step."""
        return min(1.0, parabola_step(line, before)) if before is None else 1.0


def two_loop(g: np.ndarray, pairs: Sequence[tuple]) -> np.ndarray:
    """H g, (n,), where H is what BFGS makes of (sᵀy / yᵀy) I and the pairs (s, y, ρ).

    The scale is that of the last pair; without pairs, H = I. The oldest pair is first.
    Source: {cite}`nocedal2006numerical`, algorithm 7.4 and equation (7.20).
    """
    r, a = g, []
    for s, y, rho in reversed(pairs):
        a.append(rho * (s @ r))
        r = r - a[-1] * y
    if pairs:
        _, y, rho = pairs[-1]
        r = r / (rho * (y @ y))
    for (s, y, rho), a_i in zip(pairs, reversed(a), strict=True):
        r = r + (a_i - rho * (y @ r)) * s
    return r


def curvature_pair(at: Point, state: dict[str, Any]) -> list[tuple]:
    """[(s, y, ρ)] of the last step, s = w − w_old, y = g − g_old, ρ = 1 / yᵀs.

    [] in the first iteration, and if yᵀs is not clearly positive, as it is after
    a line search for the strong Wolfe conditions: H must stay positive definite.
    state["w"] and state["g"], the last point and its gradient, (n,), are renewed.
    """
    old_w, old_g = state.get("w", at.w), state.get("g", at.gradient)
    state.update(w=at.w, g=at.gradient)
    s, y = at.w - old_w, at.gradient - old_g
    if not s @ y > EPSILON * np.linalg.norm(s) * np.linalg.norm(y):
        return []
    return [(s, y, 1.0 / (s @ y))]
