"""Optimizers from one start, side by side: where they go and how the loss falls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lecturelib.analysis.functions import (
    Beale,
    Himmelblau,
    Objective,
    Quadratic,
    Rosenbrock,
)
from lecturelib.optim import SGD, AdaGrad, Adam, RMSProp, descend
from lecturelib.widgets import still
from lecturelib.widgets.controls import check, choice, slider
from lecturelib.widgets.explorable import Explorable, table

STEPS, FLOOR = 60, -5.0
RATES = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
SURFACES: dict[str, tuple[str, Objective, tuple[float, float]]] = {
    "valley": ("a long valley", Quadratic(30, rotation=0.5), (-1.2, 1.6)),
    "rosenbrock": ("Rosenbrock's bent valley", Rosenbrock(), (-1.2, 1.8)),
    "beale": ("Beale's plateau", Beale(), (-1.0, 2.2)),
    "himmelblau": ("a saddle between Himmelblau's wells", Himmelblau(), (4.2, 0.1)),
}
MOST_MINIMA = 4
RACERS = {"sgd": ("SGD", "blue", ""), "heavy_ball": ("momentum", "orange", ""),
          "adagrad": ("AdaGrad", "pink", "2 4"),
          "rmsprop": ("RMSProp", "amber", "9 3 2 3"), "adam": ("Adam", "green", "8 4")}


class OptimizerRace(Explorable):
    """Five optimizers descend one surface from one start with one learning rate.

    Controls: surface, lr, momentum (of SGD with momentum), step (how many steps are
    shown) and a check box for each optimizer. Part `landscape`: z (41, 41), a function
    of the height, for shades; domain (4,); start (2,); minima (2, 4), nan where there
    are fewer. Each other part is one optimizer's run: path (2, 61), nan from where it
    left the map by more than its size, and log_loss (61,), log₁₀ f, at least −5.
    caption, alt, start: as `Explorable`.
    """

    controls = (
        choice("surface", "surface", {k: label for k, (label, *_) in SURFACES.items()}),
        slider("lr", "learning rate", RATES, 0.05),
        slider("momentum", "momentum μ", [0.5, 0.8, 0.9, 0.99], 0.8),
        slider("step", "step", range(STEPS + 1), STEPS, text="{:.0f}", play=6),
        *(check(name, label, True) for name, (label, *_) in RACERS.items()),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def landscape(self, surface: str) -> dict[str, Any]:
        """The map: fourth roots of heights, or valleys would look flat."""
        _, f, start = SURFACES[surface]
        height = f(f.grid(41))
        minima = np.full((2, MOST_MINIMA), np.nan)
        minima[:, :len(f.minima)] = f.minima.T
        return {"z": (height - height.min()) ** 0.25, "domain": np.ravel(f.domain),
                "start": start, "minima": minima}

    @table
    def sgd(self, surface: str, lr: float) -> dict[str, Any]:
        """Plain gradient descent."""
        return _run(surface, lambda params: SGD(params, lr=lr))

    @table
    def heavy_ball(self, surface: str, lr: float, momentum: float) -> dict[str, Any]:
        """Gradient descent with momentum."""
        return _run(surface, lambda params: SGD(params, lr=lr, momentum=momentum))

    @table
    def adagrad(self, surface: str, lr: float) -> dict[str, Any]:
        """AdaGrad."""
        return _run(surface, lambda params: AdaGrad(params, lr=lr))

    @table
    def rmsprop(self, surface: str, lr: float) -> dict[str, Any]:
        """RMSProp, with the average of 0.9 that suits so short a run."""
        return _run(surface, lambda params: RMSProp(params, lr=lr, alpha=0.9))

    @table
    def adam(self, surface: str, lr: float) -> dict[str, Any]:
        """Adam."""
        return _run(surface, lambda params: Adam(params, lr=lr))

    def still(self, frame: dict[str, Any]) -> str:
        """The paths on the map, and the losses."""
        land, state = frame["landscape"], self.state
        x0, x1, y0, y1 = land["domain"]
        plan = still.Plot("Paths on the surface", (x0, x1), (y0, y1), height=300)
        loss = still.Plot("Loss", (0, STEPS), (FLOOR, 3), "step", decades="y",
                          height=300)
        plan.heat(land["z"])
        for name, (label, color, dash) in RACERS.items():
            if not state[name]:
                continue
            path, losses = frame[name]["path"], frame[name]["log_loss"]
            shown = slice(0, int(state["step"]) + 1)
            plan.line(path[0, shown], path[1, shown], color, dash=dash)
            loss.line(range(len(losses[shown])), losses[shown], color, dash=dash,
                      label=label)
        xs, ys = np.column_stack([land["start"], land["minima"]])
        plan.dots(xs, ys, "ink", size=8)
        return still.panels(plan, loss)


def _run(surface: str, optimizer: Callable) -> dict[str, np.ndarray]:
    """The path and its losses: nan after the run has left the map for good."""
    _, f, start = SURFACES[surface]
    trace = descend(f, np.array(start), optimizer, STEPS)
    path = np.full((2, STEPS + 1), np.nan)
    loss = np.full(STEPS + 1, np.nan)
    low, high = np.array(f.domain).T
    lost = (np.abs(trace.w - (low + high) / 2) > 1.5 * (high - low)).any(axis=1)
    n = int(np.argmax(lost)) if lost.any() else len(trace)
    path[:, :n] = trace.w[:n].T
    loss[:n] = np.log10(np.maximum(trace.loss[:n], 10**FLOOR))
    return {"path": path, "log_loss": loss}
