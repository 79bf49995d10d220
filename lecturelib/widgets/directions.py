"""One gradient tells the slope in every direction; longer steps see more than that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lecturelib import ops
from lecturelib.core import grad
from lecturelib.widgets import still
from lecturelib.widgets.controls import choice, slider
from lecturelib.widgets.explorable import Explorable, table

DEGREES = np.arange(0, 361, 10)
V = np.stack([np.cos(np.radians(DEGREES)), np.sin(np.radians(DEGREES))])  # unit vectors
SURFACES = {
    "bowl": ("x₁² + ½ x₁x₂ + ¼ x₂²",
             lambda w: w[0] ** 2 + 0.5 * w[0] * w[1] + 0.25 * w[1] ** 2),
    "hill": ("hill and hollow: 4 x₁ exp(−½‖x‖²)",
             lambda w: 4 * w[0] * ops.exp(-0.5 * (w[0] ** 2 + w[1] ** 2))),
}
PLACES = np.arange(-3, 4) / 2
SCALE = 0.3  # of the arrow on the map


class DirectionExplorer(Explorable):
    """The gradient of f at a place x, and the slopes in all directions v from there.

    Controls: surface, x1, x2, angle of v (degrees), h (step length). Part `land`: z
    (41, 41), the heights on [−2.5, 2.5]², for shades. Part `compass`: v (2, 37), unit
    vectors of every tenth degree. Part `slopes`: gradient (2,); length, its norm; arrow
    (2, 5), a line that draws 0.3 times it; slope (37,), ∇f(x) · v. Part `quotients`:
    quotient (37,), (f(x + h v) − f(x)) / h. caption, alt, start: as `Explorable`.
    """

    controls = (
        choice("surface", "f", {k: label for k, (label, _) in SURFACES.items()}),
        slider("angle", "direction of v", DEGREES, 60, text="{:.0f}°", play=10),
        slider("x1", "x₁", PLACES, 1, text="{:.1f}"),
        slider("x2", "x₂", PLACES, 1, text="{:.1f}"),
        slider("h", "step h", [0.01, 0.1, 0.25, 0.5, 1], 0.5),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def land(self, surface: str) -> dict[str, Any]:
        """The map."""
        side = np.linspace(-2.5, 2.5, 41)
        return {"z": SURFACES[surface][1](np.stack(np.meshgrid(side, side)))}

    @table
    def compass(self) -> dict[str, Any]:
        """The directions."""
        return {"v": V}

    @table
    def slopes(self, surface: str, x1: float, x2: float) -> dict[str, Any]:
        """The gradient, and what it says of every direction."""
        x = np.array([x1, x2], float)
        g = grad(SURFACES[surface][1])(x)
        side = np.array([-g[1], g[0]])  # at right angles to it
        arrow = x + SCALE * np.stack([0 * g, g, 0.8 * g + 0.1 * side, g,
                                      0.8 * g - 0.1 * side])
        return {"gradient": g, "length": np.linalg.norm(g), "slope": g @ V,
                "arrow": arrow.T}

    @table
    def quotients(self, surface: str, x1: float, x2: float, h: float) -> dict[str, Any]:
        """What steps of length h find in every direction."""
        f, x = SURFACES[surface][1], np.array([[x1], [x2]])
        return {"quotient": (f(x + h * V) - f(x)) / h}

    def still(self, frame: dict[str, Any]) -> str:
        """The map with the gradient and a step, and the slopes over the direction."""
        slopes, quotient = frame["slopes"], frame["quotients"]["quotient"]
        state = self.state
        x1, x2, h, k = state["x1"], state["x2"], state["h"], int(state["angle"] / 10)
        xs, ys = x1 + h * V[0], x2 + h * V[1]
        plan = still.Plot("The gradient and a step h v", (-2.5, 2.5), (-2.5, 2.5),
                          "x₁ (upwards: x₂)", height=352)
        plan.heat(frame["land"]["z"]).line(xs, ys, "gray", width=1.2)
        across, up = slopes["arrow"]
        plan.line(across, up, "orange", width=3, label="0.3 · gradient")
        plan.line([x1, xs[k]], [x2, ys[k]], "blue", width=2.5, label="h v")
        plan.dots([xs[k]], [ys[k]], "blue", size=9).dots([x1], [x2], "ink", size=8)
        side = still.Plot("Slope by direction", (0, 360), (-5.5, 5.5),
                          "direction (degrees)", height=352)
        side.line(DEGREES, slopes["slope"], "orange", label="∇f · v")
        side.line(DEGREES, quotient, "blue", dash="6 4",
                  label="(f(x + h v) − f(x)) / h")
        side.dots([DEGREES[k]], [slopes["slope"][k]], "orange", size=9)
        side.dots([DEGREES[k]], [quotient[k]], "blue", size=9)
        return still.panels(plan, side)
