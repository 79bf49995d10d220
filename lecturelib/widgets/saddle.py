"""Walking through a critical point: what the function does along each direction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lecturelib.analysis import hessian
from lecturelib.analysis.functions import MonkeySaddle, Saddle
from lecturelib.widgets import still
from lecturelib.widgets.controls import choice, slider
from lecturelib.widgets.explorable import Explorable, table

T = np.linspace(-1, 1, 33)  # how far we walk
SURFACES: dict[str, tuple[str, Callable]] = {
    "bowl": ("bowl: x² + 2y²", lambda w: w[0] ** 2 + 2 * w[1] ** 2),
    "saddle": ("saddle: x² − y²", Saddle()),
    "monkey": ("monkey saddle: x³ − 3xy²", MonkeySaddle()),
    "flat": ("x² + y⁴", lambda w: w[0] ** 2 + w[1] ** 4),
    "fourth": ("x² − y⁴", lambda w: w[0] ** 2 - w[1] ** 4),
    "peano": ("Peano: (y − x²)(y − 3x²)",
              lambda w: (w[1] - w[0] ** 2) * (w[1] - 3 * w[0] ** 2)),
}


class SaddleExplorer(Explorable):
    """A critical point at 0, cut along a direction d = (cos angle, sin angle).

    Controls: surface, angle in degrees. Part `cut`: ends (2, 2), where the cut enters
    and leaves the map, x before y; f (33,), the values f(t d) for t from −1 to 1;
    parabola (33,), what the curvature foretells, ½ (dᵀH d) t²; curvature dᵀH d. Part
    `land`: z (41, 41), the heights on [−1, 1]², for shades; eigenvalues of H, (2,),
    ascending. caption, alt, start: as `Explorable`.
    """

    controls = (
        choice("surface", "surface", {k: label for k, (label, _) in SURFACES.items()},
               "saddle"),
        slider("angle", "direction", np.arange(0, 181, 5), 0, text="{:.0f}°", play=8),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def land(self, surface: str) -> dict[str, Any]:
        """The map and the eigenvalues at its middle."""
        f, side = SURFACES[surface][1], np.linspace(-1, 1, 41)
        return {"z": f(np.stack(np.meshgrid(side, side))),
                "eigenvalues": np.linalg.eigvalsh(hessian(f, np.zeros(2)))}

    @table
    def cut(self, surface: str, angle: float) -> dict[str, Any]:
        """The function along one direction, and its parabola."""
        f = SURFACES[surface][1]
        d = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        curvature = d @ hessian(f, np.zeros(2)) @ d
        return {"ends": np.outer(d, [-1, 1]), "f": f(np.outer(d, T)),
                "parabola": 0.5 * curvature * T**2, "curvature": curvature}

    def still(self, frame: dict[str, Any]) -> str:
        """The map with the cut, and the values along it."""
        cut = frame["cut"]
        x, y = cut["ends"]
        plan = still.Plot("The map and the cut", (-1, 1), (-1, 1), height=330)
        plan.heat(frame["land"]["z"]).line(x, y, "orange").dots([0], [0], "ink")
        side = still.Plot("Along the cut (dashed: curvature only)", (-1, 1), (-2, 2),
                          "distance t", height=330)
        side.line(T, cut["f"], "orange").line(T, cut["parabola"], "blue", dash="6 4")
        return still.panels(plan, side.dots([0], [0], "ink"))
