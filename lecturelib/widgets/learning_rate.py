"""Gradient descent on a parabola: what the learning rate decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lecturelib.optim import SGD, descend
from lecturelib.widgets import still
from lecturelib.widgets.controls import slider
from lecturelib.widgets.explorable import Explorable, table

STEPS, START, FLOOR = 20, 2.0, -6.0


class LearningRateExplorer(Explorable):
    """Steps of gradient descent on f(w) = ½ λ w² from w = 2, and the loss they leave.

    Controls: lr, curvature (λ), step (how many steps are shown). Part `run`: w, the
    iterates (21,), nan once they are 100 away; log_loss: log₁₀ f, at least −6; factor:
    the number by which each step multiplies w. caption, alt, start: as `Explorable`.
    """

    controls = (
        slider("lr", "learning rate", np.arange(1, 61) * 0.02, 0.1, text="{:.2f}"),
        slider("curvature", "curvature λ", [0.5, 1, 2, 4], 2),
        slider("step", "steps", range(STEPS + 1), STEPS, play=6, text="{:.0f}"),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def run(self, lr: float, curvature: float) -> dict[str, Any]:
        """The iterates of SGD and their losses."""
        def parabola(w):
            return 0.5 * curvature * w * w

        trace = descend(parabola, START, lambda params: SGD(params, lr=lr), STEPS)
        w, seen = trace.w, np.abs(trace.w) < 100
        loss = np.maximum(np.log10(np.maximum(trace.loss, 1e-300)), FLOOR)
        return {"w": np.where(seen, w, np.nan),
                "log_loss": np.where(seen, loss, np.nan), "factor": w[1] / w[0]}

    @table
    def curve(self, curvature: float) -> dict[str, Any]:
        """The parabola from −3 to 3."""
        w = np.linspace(-3, 3, 61)
        return {"w": w, "f": 0.5 * curvature * w * w}

    def still(self, frame: dict[str, Any]) -> str:
        """The steps on the parabola, and the losses."""
        run, curve, k = frame["run"], frame["curve"], self.state["step"]
        w, losses = run["w"][:int(k) + 1], run["log_loss"][:int(k) + 1]
        f = 0.5 * self.state["curvature"] * w * w
        parabola = still.Plot("Steps on f(w) = ½ λ w²", (-3, 3), (0, 9), "w")
        parabola.line(curve["w"], curve["f"], "gray").line(w, f, "orange", width=1.2)
        loss = still.Plot("Loss after each step", (0, STEPS), (FLOOR, 2), "step",
                          decades="y")
        loss.line(range(len(losses)), losses).dots(range(len(losses)), losses)
        return still.panels(parabola.dots(w, f, "orange"), loss)
