"""Newton-like methods, step by step: each goes where its own quadratic model is flat."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from lecturelib.optim import BFGS, Backtracking, Method, Newton
from lecturelib.optim.line_search import Line
from lecturelib.optim.minimize import Point, Problem
from lecturelib.widgets import still
from lecturelib.widgets.controls import choice, slider
from lecturelib.widgets.explorable import Explorable, table

STEPS = 6
DOMAIN = (-2.0, 2.0), (-1.2, 1.2)
ANGLES = np.linspace(0, np.pi, 49)
METHODS: dict[str, tuple[str, Method]] = {
    "newton": ("Newton", Newton()),
    "damped": ("damped Newton", Newton(0.05, line_search=Backtracking())),
    "saddle_free": ("saddle-free Newton",
                    Newton(0.05, saddle_free=True, line_search=Backtracking())),
    "bfgs": ("BFGS", BFGS()),
}


def two_wells(w: Any) -> Any:
    """f(x, y) = ¼ (x² − 1)² + ½ (1 + x²) y²: minima at (±1, 0), a saddle at 0."""
    x, y = w[0], w[1]
    well = x * x - 1
    return 0.25 * well * well + 0.5 * (1 + x * x) * y * y


class NewtonExplorer(Explorable):
    """Four methods on a surface with two minima and a saddle between them.

    Controls: method, x and y (the start), step. Part `land`: z (41, 41), square roots
    of heights, for shades. Part `run`: path (2, 7), the iterates, nan once they have
    left the map by its size; loss (7,). Part `model`, of the model that the method has
    after `step` steps: contour (2, 49), where it is as high as at w, nan far outside; centre
    (2,), where it is flat, at most 6 away; curvatures (2,), its eigenvalues, ascending,
    at most 99. caption, alt, start: as `Explorable`.
    """

    controls = (
        choice("method", "method", {k: label for k, (label, _) in METHODS.items()}),
        slider("x", "start, x", [0.05, 0.2, 0.4, 0.5, 0.7, 1.0, 1.5], 0.4,
               text="{:.2f}"),
        slider("y", "start, y", [0.3, 0.9], 0.9, text="{:.1f}"),
        slider("step", "step", range(STEPS + 1), 0, text="{:.0f}", play=1),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def land(self) -> dict[str, Any]:
        """The map."""
        sides = [np.linspace(*side, 41) for side in DOMAIN]
        return {"z": np.sqrt(two_wells(np.stack(np.meshgrid(*sides))))}

    @table
    def run(self, method: str, x: float, y: float) -> dict[str, Any]:
        """Where the method goes."""
        path = np.stack([w for w, *_ in steps(METHODS[method][1], np.array([x, y]))])
        far = np.maximum.accumulate((np.abs(path) > 4).any(axis=1))
        loss = np.where(far, np.nan, two_wells(path.T))
        return {"path": np.where(far, np.nan, path.T), "loss": loss}

    @table
    def model(self, method: str, x: float, y: float, step: float) -> dict[str, Any]:
        """The quadratic in which the method believes, around where it is."""
        w, g, inverse = steps(METHODS[method][1], np.array([x, y]))[int(step)]
        centre = w - inverse @ g
        matrix = np.linalg.inv(inverse)
        contour = _near(_level_line(w, g, matrix))
        centre = np.clip(centre, -6, 6)
        if np.isnan(contour).all():  # all of it far outside
            contour = np.repeat(centre[:, np.newaxis], len(ANGLES), axis=1)
        return {"contour": contour, "centre": centre,
                "curvatures": np.clip(np.linalg.eigvalsh(matrix), -99, 99)}

    def still(self, frame: dict[str, Any]) -> str:
        """The path on the map, with the model's contour, and the loss."""
        run, model, k = frame["run"], frame["model"], int(self.state["step"])
        (x, y), (u, v) = run["path"][:, :k + 1], model["contour"]
        plan = still.Plot("The path, and a contour of the model", *DOMAIN, height=280)
        plan.heat(frame["land"]["z"]).dots([-1, 0, 1], [0, 0, 0], "gray", size=7)
        plan.line(u, v, "blue", dash="6 4", label="model as high as here")
        plan.line(x, y, "orange", label="path").dots(x, y, "orange")
        plan.dots(model["centre"][:1], model["centre"][1:], "blue", size=9)
        loss = still.Plot("Loss", (0, STEPS), (0, 1.4), "step", height=280)
        loss.line(range(k + 1), run["loss"][:k + 1], "orange")
        return still.panels(plan, loss.dots(range(k + 1), run["loss"][:k + 1], "orange"))


def steps(method: Method, w: np.ndarray
          ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """What `minimize` does, slowly: (w, g, A) after 0, …, 6 steps, each p = −A g."""
    here, before = Point(Problem(two_wells, w.shape), w), None
    state: dict[str, Any] = {}
    seen = []
    for _ in range(STEPS + 1):
        p = method.direction(here, state)
        seen.append((here.w, here.gradient, _inverse(method, here, state)))
        line = Line(here, p)
        trial = method.line_search(line, method.first_trial(line, before))
        if trial is not None:  # None: it has arrived
            here, before = trial.point, here
    return seen


def _inverse(method: Method, at: Point, state: dict[str, Any]) -> np.ndarray:
    """A (2, 2) in p = −A g: kept by BFGS; Newton's, by its answers to unit vectors."""
    if "H" in state:
        return state["H"]
    asked: list[Any] = [SimpleNamespace(gradient=e, hessian=at.hessian)
                        for e in np.eye(2)]
    answers = [method.direction(point, {}) for point in asked]
    return -np.stack(answers, axis=1)


def _level_line(w: np.ndarray, g: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Where gᵀp + ½ pᵀBp = 0, (2, 49): along d it is at p = t d, t = −2 gᵀd / dᵀBd."""
    d = np.stack([np.cos(ANGLES), np.sin(ANGLES)])
    curvature = np.sum(d * (matrix @ d), axis=0)
    other_branch = curvature * np.roll(curvature, 1) <= 0  # behind an asymptote
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(other_branch, np.nan, -2 * (g @ d) / curvature)
    return w[:, np.newaxis] + t * d


def _near(points: np.ndarray) -> np.ndarray:
    """nan for what is far outside of the map."""
    return np.where((np.abs(points) < 6).all(axis=0), points, np.nan)
