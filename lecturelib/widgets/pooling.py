"""Pooling over a small image: the response, what a shift changes, where gradients go."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lecturelib.core import grad
from lecturelib.functional import avg_pool2d, lse_pool2d, max_pool2d
from lecturelib.widgets import still
from lecturelib.widgets.controls import choice, slider
from lecturelib.widgets.explorable import Explorable, table

POOLS: dict[str, tuple[str, Callable]] = {
    "max": ("maximum", max_pool2d),
    **{f"{T:g}": (f"smooth maximum, T = {T:g}", partial(lse_pool2d, temperature=T))
       for T in (0.1, 0.5, 2, 10)},
    "average": ("average", avg_pool2d),
}
IMAGE = np.array([[int(c) for c in row] for row in (
    "00000000", "07920000", "07730000", "09140000",
    "02680000", "00580000", "03950000", "00000000")], float)
SIDE = len(IMAGE)


class PoolingExplorer(Explorable):
    """One 8 × 8 image, pooled: the maximum of each window, its mean, or one between.

    Controls: kind (max, average, or the temperature of the smooth maximum), size and
    stride of the windows, shift (columns by which the image moves to the right), place
    (which window is marked, row by row). Part `picture`: image (8, 8). Part `pooled`:
    response (64,), row by row, nan where no window is; counts (2,): windows in a row,
    and outputs that a shift has changed by more than 0.001; routed (8, 8): what each
    pixel gets if the gradient 1 arrives at every output. caption, alt, start: as
    `Explorable`.
    """

    controls = (
        choice("kind", "pool", {name: label for name, (label, _) in POOLS.items()}),
        slider("size", "window", [2, 3, 4], text=lambda k: f"{k:.0f} × {k:.0f}"),
        slider("stride", "stride", [1, 2, 3], 2),
        slider("shift", "image moved right by", [0, 1, 2, 3]),
        slider("place", "marked window", range(1, (SIDE - 1) ** 2 + 1), 5,
               text="{:.0f}", play=9),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def picture(self, shift: float) -> dict[str, Any]:
        """The image, moved."""
        return {"image": _moved(shift)}

    @table
    def pooled(self, kind: str, size: float, stride: float, shift: float
               ) -> dict[str, Any]:
        """What pooling makes of it, and the gradient."""
        pool = partial(POOLS[kind][1], kernel_size=int(size), stride=int(stride))
        x, unmoved = (_moved(by)[None, None] for by in (shift, 0))
        out, before = pool(x)[0, 0], pool(unmoved)[0, 0]
        routed = grad(lambda x: pool(x).sum())(x)[0, 0]
        response = np.full(SIDE**2, np.nan)
        response[:out.size] = out.ravel()
        changed = np.sum(abs(out - before) > 1e-3)
        # a cell has no room for 1.2e-17
        return {"response": response, "routed": np.round(routed, 3),
                "counts": np.array([len(out), changed])}

    def still(self, frame: dict[str, Any]) -> str:
        """The image with the marked window, the response, and the gradient."""
        found = frame["pooled"]
        size, stride = int(self.state["size"]), int(self.state["stride"])
        side = int(found["counts"][0])
        response = found["response"][:side * side].reshape(side, side)
        row, col = divmod(min(int(self.state["place"]), side * side) - 1, side)
        window = [(stride * row + k, stride * col + l) for k, l in np.ndindex(size, size)]
        return still.panels(
            still.Cells("Image", frame["picture"]["image"], strength=9, marked=window,
                        size=28),
            still.Cells("Pooled", response, strength=9, marked=[(row, col)], size=28),
            still.Cells("Gradient of each pixel", np.round(found["routed"], 2), size=28,
                        strength=found["routed"].max(), marked=window))


def _moved(shift: float) -> np.ndarray:
    return np.roll(IMAGE, int(shift), axis=1)  # the last columns of IMAGE are empty

