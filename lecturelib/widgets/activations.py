"""Activation functions, their slopes, and what they pass of a Gaussian input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lecturelib import functional as F
from lecturelib.core import Tensor, gradients
from lecturelib.widgets import still
from lecturelib.widgets.controls import choice, slider
from lecturelib.widgets.explorable import Explorable, table

FUNCTIONS = {"sigmoid": F.sigmoid, "tanh": F.tanh, "relu": F.relu,
             "leaky_relu": F.leaky_relu, "elu": F.elu, "softplus": F.softplus,
             "gelu": F.gelu, "silu": F.silu}
NAMES = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "ReLU",
         "leaky_relu": "leaky ReLU", "elu": "ELU", "softplus": "softplus",
         "gelu": "GELU", "silu": "SiLU"}
SATURATED = 0.05  # a derivative below this passes next to nothing
EDGES = np.arange(-4, 25) / 20


class ActivationExplorer(Explorable):
    """An activation function f, its slope by the engine, and what inputs meet there.

    The inputs are x ~ N(0, std²). Controls: function, std. Part `curve`: f and slope on
    x, 121 points of [−6, 6]; part `inputs`: density of x on the same points, share
    (28,) of the inputs whose f'(x) lies between EDGES, saturated: the share with
    |f'| < 0.05, passed: the mean of f'(x)², by which this layer multiplies the variance
    of a gradient. caption, alt, start: as `Explorable`.
    """

    controls = (
        choice("function", "function", NAMES),
        slider("std", "standard deviation", np.geomspace(0.25, 8, 61), 1,
               text="{:.2f}", every=4),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def curve(self, function: str) -> dict[str, Any]:
        """The function and its derivative."""
        x = np.linspace(-6, 6, 121)
        y, slope = _value_and_slope(function, x)
        return {"x": x, "y": y, "slope": slope}

    @table
    def inputs(self, function: str, std: float) -> dict[str, Any]:
        """Where Gaussian inputs fall: sums over 4001 of them, each with its weight."""
        z = np.linspace(-5, 5, 4001)
        weight = np.exp(-0.5 * z * z)
        weight /= weight.sum()
        slope = _value_and_slope(function, std * z)[1]
        share, _ = np.histogram(slope, EDGES, weights=weight)
        x = np.linspace(-6, 6, 121)
        return {"density": np.exp(-0.5 * (x / std) ** 2), "share": share,
                "saturated": weight[np.abs(slope) < SATURATED].sum(),
                "passed": (weight * slope * slope).sum()}

    def still(self, frame: dict[str, Any]) -> str:
        """The curves over the density of the inputs; the derivatives they meet."""
        curve, inputs = frame["curve"], frame["inputs"]
        x, name = curve["x"], NAMES[self.state["function"]]
        left = still.Plot(f"{name} and its derivative", (-6, 6), (-1.25, 2.5),
                          "input x")
        left.area(x, inputs["density"]).line(x, curve["y"], label="f(x)")
        left.line(x, curve["slope"], "orange", dash="6 4", label="f'(x)")
        right = still.Plot("Share of inputs with the derivative", (-0.2, 1.2), (0, 1),
                           "f'(x)")
        return still.panels(left, right.bars(EDGES, inputs["share"], "orange"))


def _value_and_slope(function: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tensor = Tensor(x, requires_grad=True)
    y = FUNCTIONS[function](tensor)
    (slope,) = gradients(y.sum(), [tensor])
    return y.data, slope
