"""The error of finite differences against their step h: too long, too short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lecturelib import ops
from lecturelib.analysis import numeric_gradient
from lecturelib.core import grad
from lecturelib.widgets import still
from lecturelib.widgets.controls import choice, slider
from lecturelib.widgets.explorable import Explorable, table

FUNCTIONS = {"sin": ("sin x", ops.sin), "exp": ("eˣ", ops.exp),
             "cube": ("x³", lambda x: x * x * x), "sigmoid": ("sigmoid", ops.sigmoid)}
STEPS = 10.0 ** (np.arange(-45, 1) / 3)
FLOOR = -16.0


class GradientChecker(Explorable):
    """Forward and central differences of a function of one variable, for 46 steps h.

    Controls: function, x, h (which step is marked). Part `errors`: forward and central,
    the log₁₀ errors of `numeric_gradient` against the engine's derivative, at least
    −16; long_forward = h |f''| / 2, long_central = h² |f'''| / 6 and rounding =
    ε |f| / h, the terms that make them, in log₁₀, at least −20, all (46,); slope: the
    derivative. Part `curve`: f on t, (61,), around x; value: f(x); above and below:
    f(x ± h), (46,). caption, alt, start: as `Explorable`.
    """

    controls = (
        choice("function", "function", {k: text for k, (text, _) in FUNCTIONS.items()}),
        slider("x", "x", [-1, -0.5, 0.25, 0.5, 1, 1.5, 2], 1, text="{:g}"),
        slider("h", "step h", STEPS, STEPS[44],
               text=still.power),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def errors(self, function: str, x: float) -> dict[str, Any]:
        """The errors of both formulas, and what they are made of."""
        f, at = FUNCTIONS[function][1], np.array(x)
        first, second, third = grad(f), grad(grad(f)), grad(grad(grad(f)))
        exact = float(first(at))
        error = {method: [numeric_gradient(f, at, h, method) - exact for h in STEPS]
                 for method in ("forward", "central")}
        terms = {"long_forward": STEPS * float(second(at)) / 2,
                 "long_central": STEPS**2 * float(third(at)) / 6,
                 "rounding": np.finfo(float).eps * float(f(at)) / STEPS}
        return {**{k: _log10(v, FLOOR) for k, v in error.items()},
                **{k: _log10(v, -20) for k, v in terms.items()}, "slope": exact}

    @table
    def curve(self, function: str, x: float) -> dict[str, Any]:
        """The function around x, and where the differences are taken."""
        f, t = FUNCTIONS[function][1], np.linspace(x - 1.5, x + 1.5, 61)
        return {"t": t, "f": f(t), "value": f(np.array(x)), "above": f(x + STEPS),
                "below": f(x - STEPS)}

    def still(self, frame: dict[str, Any]) -> str:
        """The secants at h, and the V of the errors."""
        errors, curve = frame["errors"], frame["curve"]
        x, h = self.state["x"], self.state["h"]
        left = still.Plot("Function and secants", (x - 1.5, x + 1.5),
                          (curve["f"].min() - 0.2, curve["f"].max() + 0.2), "x")
        i = int(np.argmin(np.abs(STEPS - h)))
        above, below, value = curve["above"][i], curve["below"][i], curve["value"]
        left.line(curve["t"], curve["f"], "gray", label="f")
        left.line([x, x + h], [value, above], label="forward")
        left.line([x - h, x + h], [below, above], "orange", dash="7 4", label="central")
        right = still.Plot("Error of the derivative", (-15, 0), (FLOOR, 0), "step h",
                           decades="xy")
        logs = np.log10(STEPS)
        for name, color, label in (("rounding", "gray", "ε|f|/h"),
                                   ("long_forward", "blue", "h|f''|/2"),
                                   ("long_central", "orange", "h²|f'''|/6")):
            right.line(logs, errors[name], color, width=1.2, dash="2 4", label=label)
        right.line(logs, errors["forward"]).line(logs, errors["central"], "orange",
                                                 dash="7 4")
        return still.panels(left, right)


def _log10(v: Any, floor: float) -> np.ndarray:
    return np.log10(np.maximum(np.abs(v), 10.0**floor))
