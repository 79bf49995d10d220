"""Adam on one parameter: which steps it makes of a given row of gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lecturelib.nn import Parameter
from lecturelib.optim import Adam
from lecturelib.widgets import still
from lecturelib.widgets.controls import check, choice, slider
from lecturelib.widgets.explorable import Explorable, table

STEPS = 30
TIMES = np.arange(1, STEPS + 1)
GRADIENTS: dict[str, tuple[str, np.ndarray]] = {
    "constant": ("always 1", np.ones(STEPS)),
    "noisy": ("0.5 and noise",
              0.5 + np.random.default_rng(1).standard_normal(STEPS)),
    "alternating": ("1, −1, 1, −1, …", np.where(TIMES % 2, 1.0, -1.0)),
    "rare": ("1 in each tenth step, else 0", np.where(TIMES % 10 == 5, 1.0, 0.0)),
    "outlier": ("always 1, but once 20", np.where(TIMES == 10, 20.0, 1.0)),
}
BETAS1, BETAS2, EPSILONS = [0, 0.5, 0.9, 0.99], [0.9, 0.99, 0.999], [1e-8, 0.1, 1]
LOW, HIGH = -3.0, 8.0  # of the plot of steps


class AdamExplorer(Explorable):
    """The first 30 steps of Adam on one parameter, in units of the learning rate.

    Controls: gradients (a row of 30), beta1, beta2, eps (gradients are about 1, so it
    says which part of them eps is), correction (of the bias), step (how many steps are
    shown). Part `given`: g (30,). Part `run`: average (30,), the m that is used, m̂ with
    the correction; step (30,), m / (√v + eps), at most 8 and at least −3, and way (30,)
    their sum so far, all that the parameter has moved, uncut. caption, alt, start: as
    `Explorable`.
    """

    controls = (
        choice("gradients", "gradients",
               {k: label for k, (label, _) in GRADIENTS.items()}, "noisy"),
        slider("beta1", "β₁", BETAS1, 0.9),
        slider("beta2", "β₂", BETAS2, 0.999),
        slider("eps", "δ (eps)", EPSILONS, 1e-8),
        check("correction", "bias correction", True),
        slider("step", "steps", range(1, STEPS + 1), STEPS, text="{:.0f}", play=6),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def given(self, gradients: str) -> dict[str, Any]:
        """The row of gradients."""
        return {"g": GRADIENTS[gradients][1]}

    @table
    def run(self, gradients: str, beta1: float, beta2: float, eps: float,
            correction: bool) -> dict[str, Any]:
        """What `Adam.update` makes of them."""
        g = GRADIENTS[gradients][1]
        rule = Adam([Parameter(np.zeros(()))], lr=1.0, betas=(beta1, beta2), eps=eps,
                    bias_correction=correction)
        state: dict[str, Any] = {}
        w, way, average = 0.0, [], []
        for t, gradient in zip(TIMES, g, strict=True):
            w = rule.update(w, gradient, state)
            way.append(-w)
            average.append(state["m"] / (1 - beta1**t if correction else 1))
        step = np.diff(way, prepend=0.0)
        return {"average": np.array(average), "step": np.clip(step, LOW, HIGH),
                "way": np.array(way)}

    def still(self, frame: dict[str, Any]) -> str:
        """The gradients with their average; the steps."""
        run, k = frame["run"], int(self.state["step"])
        t, g = TIMES[:k], frame["given"]["g"][:k]
        seen = still.Plot("Gradients (dots) and the average used", (0, STEPS + 1),
                          (LOW, 4), "step t")
        seen.line([0, STEPS + 1], [0, 0], "gray", width=1)
        seen.line(t, np.minimum(run["average"][:k], 4)).dots(t, np.minimum(g, 4), "ink")
        steps = still.Plot("Steps, in units of the rate (dashed: ±1)", (0, STEPS + 1),
                           (LOW, HIGH), "step t")
        for level in (1, -1):
            steps.line([0, STEPS + 1], [level, level], "gray", dash="6 4")
        steps.line(t, run["step"][:k], "orange").dots(t, run["step"][:k], "orange")
        return still.panels(seen, steps)
