"""The product of local Jacobians, multiplied from the right end or from the left."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from lecturelib.widgets import still
from lecturelib.widgets.controls import slider
from lecturelib.widgets.explorable import Explorable, table

LAYERS = 4
SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
MODES = {"forward": ("orange", ""), "reverse": ("blue", "6 4")}
Shape = tuple[float, float]


class ModeExplorer(Explorable):
    """Forward and reverse mode through n → width → width → width → m.

    Controls: inputs (n), outputs (m), width, step (how many Jacobians are used up).
    Forward mode comes first in all arrays. Part `costs`: log_total (2, 5), log₁₀ of the
    multiplications after 0, …, 4 steps, nan for none; ratio, forward to reverse, at the
    end. Part `chain`: rows and columns, (2, 5), of the matrices that are left after
    `step` steps, each at its place in the product, nan where there is none; total (2,),
    the multiplications so far. What is carried along begins as an identity matrix: n
    columns at the right end in forward mode, m rows at the left end in reverse mode.
    caption, alt, start: as `Explorable`.
    """

    controls = (
        slider("inputs", "inputs n", SIZES, 50),
        slider("outputs", "outputs m", SIZES, 1),
        slider("width", "width of the layers", [10, 100, 1000], 100),
        slider("step", "step", range(LAYERS + 1), 2, play=4),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def costs(self, inputs: float, outputs: float, width: float) -> dict[str, Any]:
        """How the multiplications add up."""
        sizes = [inputs, width, width, width, outputs]
        total = np.array([[multiplications(mode, sizes, step)
                           for step in range(LAYERS + 1)] for mode in MODES])
        log_total = np.log10(np.where(total, total, np.nan))
        return {"log_total": log_total, "ratio": total[0, -1] / total[1, -1]}

    @table
    def chain(self, inputs: float, outputs: float, width: float, step: float
              ) -> dict[str, Any]:
        """The matrices that are left."""
        sizes, k = [inputs, width, width, width, outputs], int(step)
        shapes = np.full((2, LAYERS + 1, 2), np.nan)
        shapes[0, :LAYERS + 1 - k] = product("forward", sizes, k)
        shapes[1, k:] = product("reverse", sizes, k)
        total = np.array([multiplications(mode, sizes, k) for mode in MODES])
        return {"rows": shapes[..., 0], "columns": shapes[..., 1], "total": total}

    def still(self, frame: dict[str, Any]) -> str:
        """The matrices of both modes, and the multiplications so far."""
        costs, chain, k = frame["costs"], frame["chain"], int(self.state["step"])
        shapes = []
        for i, (mode, (color, _)) in enumerate(MODES.items()):
            words = f"{mode.title()} mode, from the {('right', 'left')[i]}"
            shapes.append(f'<text x="0" y="{14 + 125 * i}" class="ex-title">'
                          f"{words}</text>")
            for j, size in enumerate(zip(chain["rows"][i], chain["columns"][i])):
                if size[0] > 0:
                    carried = j == (LAYERS - k, k)[i]
                    look = ("", color) if carried else (f"J{'₄₃₂₁'[j - i]}", "")
                    shapes.append(_matrix(34 + 68 * j, 64 + 125 * i, *size, *look))
        plot = still.Plot("Multiplications so far", (0, LAYERS), (0, 10), "step",
                          decades="y")
        for (mode, (color, dash)), total in zip(MODES.items(), costs["log_total"]):
            plot.line(range(5), total, color, dash=dash, label=mode)
            plot.dots([k], [total[k]], color, size=9)
        return still.panels(
            '<svg viewBox="0 0 340 250" width="340" style="max-width:425px" '
            f'aria-hidden="true">{"".join(shapes)}</svg>', plot)


def product(mode: str, sizes: list[float], k: int) -> list[Shape]:
    """(rows, columns) of what is left of J₄ J₃ J₂ J₁ after k steps, from left to right.

    J_i has sizes[i] rows and sizes[i − 1] columns. Forward mode has multiplied the last
    k of them by an identity matrix at their right, reverse mode the first k by one at
    their left.
    """
    jacobians = list(zip(sizes[:0:-1], sizes[-2::-1]))
    if mode == "forward":
        return [*jacobians[:LAYERS - k], (sizes[k], sizes[0])]
    return [(sizes[-1], sizes[LAYERS - k]), *jacobians[k:]]


def multiplications(mode: str, sizes: list[float], steps: int) -> float:
    """How many multiplications of two numbers the first steps of a mode take."""
    total = 0.0
    for k in range(steps):
        left = product(mode, sizes, k)
        (rows, inner), (_, columns) = left[-2:] if mode == "forward" else left[:2]
        total += rows * inner * columns
    return total


def _matrix(x: float, y: float, rows: float, columns: float, name: str, color: str
            ) -> str:
    """A rectangle that grows with the logarithms of its sizes; its name, its sizes."""
    width, height = 5 + 17 * math.log10(columns), 5 + 17 * math.log10(rows)
    fill = still.ink(color) if color else "none"
    return (f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" '
            f'width="{width:.1f}" height="{height:.1f}" fill="{fill}" '
            'fill-opacity="0.6" stroke="currentColor"/><g text-anchor="middle">'
            f'<text x="{x:g}" y="{y - 33:g}">{name}</text>'
            f'<text x="{x:g}" y="{y + 42:g}">{rows:g}×{columns:g}</text></g>')
