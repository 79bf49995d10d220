"""From a dense layer to a convolution: links are cut, then weights are shared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lecturelib.ops import correlation_matrix
from lecturelib.widgets import still
from lecturelib.widgets.controls import choice, slider
from lecturelib.widgets.explorable import Explorable, table

INPUTS = 8
MOST = 12  # outputs: a kernel of one weight, a padding of 2
PENS = ("blue", "orange", "green", "pink", "amber")  # one for each shared weight


class WeightSharingExplorer(Explorable):
    """A layer of 8 inputs in one dimension, as links and as its weight matrix.

    Controls: wiring (dense: all links, each with its own weight; local: only those of a
    window; shared: these with the weights of one kernel), size (of the kernel or
    window), stride, padding, output (the one whose links are marked). Part `layer`:
    which (12, 8), the number of the weight on each link, nan where there is none;
    place (12,), the middle of each output's window, counted in inputs from 0, nan for
    outputs that are not there; counts (3,): outputs, links, weights. caption, alt,
    start: as `Explorable`.
    """

    controls = (
        choice("wiring", "links and weights", {
            "dense": "all links, a weight each", "local": "local links, a weight each",
            "shared": "local links, shared weights"}),
        slider("size", "kernel size", range(1, 6), 3, text="{:.0f}"),
        slider("stride", "stride", [1, 2, 3]),
        slider("padding", "padding", [0, 1, 2]),
        slider("output", "marked output", range(1, MOST + 1), 2, text="{:.0f}"),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def layer(self, wiring: str, size: float, stride: float, padding: float
              ) -> dict[str, Any]:
        """Which weight lies on which link."""
        k, s, p = int(size), int(stride), int(padding)
        kernel = np.arange(1, k + 1)[None]  # its weights are called 1, 2, …
        matrix = correlation_matrix(kernel, (1, INPUTS), (1, s), (0, p))
        linked = np.ones_like(matrix) if wiring == "dense" else matrix > 0
        if wiring != "shared":
            matrix = linked.cumsum().reshape(matrix.shape)
        which, place = np.full((MOST, INPUTS), np.nan), np.full(MOST, np.nan)
        which[:len(matrix)] = np.where(linked, matrix, np.nan)
        place[:len(matrix)] = s * np.arange(len(matrix)) - p + (k - 1) / 2
        weights = len(np.unique(matrix[linked > 0]))
        return {"which": which, "place": place,
                "counts": np.array([len(matrix), linked.sum(), weights])}

    def still(self, frame: dict[str, Any]) -> str:
        """The links, and the matrix with the numbers of the weights."""
        layer = frame["layer"]
        outputs, _, weights = (int(v) for v in layer["counts"])
        marked = min(int(self.state["output"]), outputs) - 1
        shared, lines = self.state["wiring"] == "shared", []
        for (i, j), number in np.ndenumerate(layer["which"][:outputs]):
            if np.isnan(number):
                continue
            name = PENS[int(number) - 1] if shared else "gray"
            pen = 'stroke-width="2.5"' if i == marked else 'opacity="0.45"'
            lines.append(
                f'<line x1="{_x(j)}" y1="150" x2="{_x(layer["place"][i])}" y2="40" {pen} '
                f'stroke="{still.ink(name)}"/>')
        dots = [f'<circle cx="{_x(at)}" cy="{y}" r="6" fill="currentColor"/>'
                for y, row in ((150, range(INPUTS)), (40, layer["place"][:outputs]))
                for at in row]
        picture = (
            '<svg viewBox="0 0 330 180" width="330" aria-hidden="true">'
            '<text x="0" y="14" class="ex-title">Outputs above, inputs below</text>'
            f'{"".join(lines + dots)}</svg>')
        matrix = np.nan_to_num(layer["which"][:outputs])
        return still.panels(picture, still.Cells(
            "Weight on each link", matrix, strength=weights, size=25,
            marked=[(marked, j) for j in range(INPUTS) if matrix[marked, j]]))


def _x(place: float) -> str:
    """Where an input, or the middle of a window, is drawn."""
    return f"{22 + 26 * (place + 2):g}"
