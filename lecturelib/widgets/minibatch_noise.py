"""Descent by noisy gradients: what batch size, learning rate and schedule do to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lecturelib.analysis.functions import NoisyRavine
from lecturelib.optim import SGD, constant, descend, inverse_time, linear_decay
from lecturelib.widgets import still
from lecturelib.widgets.controls import choice, slider
from lecturelib.widgets.explorable import Explorable, table

STEPS, RUNS, SIGMA, FLOOR, CEILING = 100, 200, 4.0, -3.0, 2.0
DOMAIN = (-1.4, 1.6)
SCHEDULES: dict[str, tuple[str, Callable[[float], Callable[[int], float]]]] = {
    "constant": ("constant", constant),
    "linear": ("linear to 0", lambda lr: linear_decay(lr, 0.0, STEPS)),
    "inverse_time": ("1 / time", lambda lr: inverse_time(lr, 0.1)),
}


class MinibatchNoise(Explorable):
    """Gradient descent on a valley, κ = 30, whose gradient is averaged over m examples.

    The gradient of one example has the variance σ² = 16 in each coordinate, that of a
    batch σ²/m. Controls: batch (m), lr, schedule, step (how many steps are shown). Part
    `run`: path (2, 101), one run; log_loss (101,), log₁₀ of the mean of f over 200
    runs; log_floor (101,), log₁₀ of where the mean would settle if the rate stayed what
    it is at that step, Σ_i ε σ²/m / (4 − 2 ε λ_i), the sum over the eigenvalues λ_i of
    the Hessian. Both at least −3. Part `surface`: z (41, 41), the shades of the valley.
    caption, alt, start: as `Explorable`.
    """

    controls = (
        slider("batch", "batch size m", [1, 4, 16, 64, 256], 4, text="{:.0f}"),
        slider("lr", "learning rate", 0.064 / 2 ** np.arange(4, -0.5, -0.5), 0.032,
               text="{:.3f}"),
        choice("schedule", "schedule", {k: v[0] for k, v in SCHEDULES.items()}),
        slider("step", "steps", range(STEPS + 1), STEPS, play=8, text="{:.0f}"),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def run(self, batch: float, lr: float, schedule: str) -> dict[str, Any]:
        """One path of SGD, and what is expected of all."""
        rate = SCHEDULES[schedule][1](lr)
        noise = SIGMA / np.sqrt(batch)
        ravine = NoisyRavine(30, noise, 0.5, rng=np.random.default_rng(0))
        starts = np.repeat(ravine.start[:, None], RUNS, axis=1)
        # a step moves every column by its own noise: RUNS independent runs at once
        trace = descend(lambda w: ravine.sample(w).sum(), starts,
                        lambda params: SGD(params, lr=rate), STEPS)
        loss = ravine(trace.w.swapaxes(0, 1)).mean(axis=1)
        step = np.array([rate(k) for k in range(STEPS + 1)])[:, None]
        floor = (step * noise**2 / (4 - 2 * step * ravine.eigenvalues)).sum(axis=1)
        return {"path": trace.w[:, :, 0].T, "log_loss": _log(loss),
                "log_floor": _log(floor)}

    @table
    def surface(self) -> dict[str, Any]:
        """The valley from above: the fourth root of the height, or it looks flat."""
        side = np.linspace(*DOMAIN, 41)
        valley = NoisyRavine(30, rotation=0.5, rng=np.random.default_rng(0))
        return {"z": valley(np.stack(np.meshgrid(side, side))) ** 0.25}

    def still(self, frame: dict[str, Any]) -> str:
        """The path in the valley; the mean loss over the floor of its noise."""
        run, shown = frame["run"], slice(0, int(self.state["step"]) + 1)
        (x, y), steps = run["path"][:, shown], range(STEPS + 1)[shown]
        plan = still.Plot("One run in the valley", DOMAIN, DOMAIN)
        plan.heat(frame["surface"]["z"]).line(x, y, "orange", width=1.2)
        plan.dots(x[-1:], y[-1:], "orange", size=9).dots([0], [0], "ink", size=7)
        loss = still.Plot(f"Loss, mean of {RUNS} runs (dashed: floor)", (0, STEPS),
                          (FLOOR, CEILING), "step", decades="y")
        loss.line(steps, run["log_loss"][shown])
        loss.line(steps, run["log_floor"][shown], "gray", dash="6 4")
        return still.panels(plan, loss)


def _log(x: np.ndarray) -> np.ndarray:
    return np.log10(np.maximum(x, 10**FLOOR))
