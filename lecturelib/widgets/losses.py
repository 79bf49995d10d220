"""Three losses of one example while the score of its right class moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lecturelib import functional as F
from lecturelib.core import Tensor, gradients
from lecturelib.widgets import still
from lecturelib.widgets.controls import slider
from lecturelib.widgets.explorable import Explorable, table

LOSSES = {"squared": ("blue", ""), "hinge": ("orange", "6 4"),
          "cross-entropy": ("green", "2 4")}
SCORES = np.linspace(-3, 4, 71)  # where the curves are drawn
LEFT, HALF = (-0.24, 0, 0.24), 0.11  # the bars of a class: middles, half a width


class LossExplorer(Explorable):
    """Squared, hinge and cross-entropy loss of scores (s₀, s₁, 0); class 0 is right.

    Controls: score (s₀), rival (s₁), margin (Δ of the hinge). Part `curves`: loss
    (3, 71), the three losses, in this order, for s₀ from −3 to 4. Part `here`: loss
    (3,); pull (3, 3), −∂ loss / ∂ s: a row for each loss, a column for each score, up
    where it is positive. The squared loss is the mean over the classes of (s − t)²,
    with t = 1 for the right class and 0 for others. caption, alt, start: as
    `Explorable`.
    """

    controls = (
        slider("score", "right class, s₀", np.arange(-12, 17) / 4, 0, text="{:.2f}",
               play=8),
        slider("rival", "wrong class, s₁", [-1, 0, 1, 2, 3], 1),
        slider("margin", "margin Δ of the hinge", [0, 0.5, 1, 2], 1),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def curves(self, rival: float, margin: float) -> dict[str, Any]:
        """The losses over all scores of the right class."""
        others = np.broadcast_to([rival, 0], (len(SCORES), 2))
        return {"loss": np.stack(losses(np.column_stack([SCORES, others]), margin))}

    @table
    def here(self, score: float, rival: float, margin: float) -> dict[str, Any]:
        """The losses and their pulls at one place."""
        s = Tensor(np.array([[score, rival, 0.0]]), requires_grad=True)
        found = losses(s, margin)
        pull = [-gradients(loss.sum(), [s])[0][0] for loss in found]
        return {"loss": np.concatenate([loss.data for loss in found]),
                "pull": np.stack(pull)}

    def still(self, frame: dict[str, Any]) -> str:
        """The losses over the score, and the pulls as bars."""
        curves, here, score = frame["curves"], frame["here"], self.state["score"]
        left = still.Plot("Loss", (-3, 4), (0, 8), "score of the right class, s₀",
                          height=280)
        right = still.Plot("Pull on each score (above 0: upwards)", (-0.5, 2.5),
                           (-3, 3), "class (0 is right)", height=280)
        rows = zip(LOSSES.items(), LEFT, curves["loss"], here["loss"], here["pull"])
        for (name, (color, dash)), at, curve, loss, pull in rows:
            left.line(SCORES, curve, color, dash=dash, label=name)
            left.dots([score], [loss], color, size=9)
            x = np.arange(3)[:, np.newaxis] + at + [-HALF, -HALF, HALF, HALF]
            heights = np.outer(pull, [0, 1, 1, 0])
            right.area(x.ravel(), heights.ravel(), color, opacity=0.85)
        return still.panels(left, right.line([-0.5, 2.5], [0, 0], "ink", width=1))


def losses(scores: Any, margin: float) -> list[Any]:
    """The three losses of each row of scores (N, 3), of which class 0 is right."""
    y = np.zeros(len(scores), int)
    return [F.mse_loss(scores, np.eye(3)[y], "none").mean(axis=1),
            F.hinge(scores, y, margin, "none"), F.cross_entropy(scores, y, "none")]
