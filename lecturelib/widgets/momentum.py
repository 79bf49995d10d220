"""One eigendirection under momentum: damped too much, just right, or too little."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from lecturelib.nn import Parameter
from lecturelib.optim import SGD, descend
from lecturelib.widgets import still
from lecturelib.widgets.controls import choice, slider
from lecturelib.widgets.explorable import Explorable, table

STEPS = 40
RATES = 0.01 * 2 ** (np.arange(28) / 3)  # 0.01 … 5.12
MOMENTA = [0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]
AXIS = math.log10(0.01), math.log10(5.12)


class MomentumExplorer(Explorable):
    """Momentum on f(u) = ½ λ u² from u = 1, where only the product lr · λ matters.

    Controls: rate (lr · λ), momentum (μ), method, step (how many steps are shown). Part
    `run`: u (41,), the iterates, nan once they are 10 away; envelope (41,), the
    spectral radius to the power k, nan beyond 10; radius; oscillates, 1 if the two
    eigenvalues of the iteration are complex, else 0. Part `land`: z (41, 41), the radius
    up to 1.2, over log₁₀ of the rate and μ; mu (41,), its rows; edges (3, 41), log₁₀ of
    the rates between which the eigenvalues are complex, and of the one from which they
    leave the unit circle. caption, alt, start: as `Explorable`.
    """

    controls = (
        slider("rate", "rate × curvature, lr · λ", RATES, RATES[12], text="{:.3f}"),
        slider("momentum", "momentum μ", MOMENTA, 0.8),
        choice("method", "method", {"heavy_ball": "heavy ball", "nesterov": "Nesterov"}),
        slider("step", "steps", range(STEPS + 1), STEPS, play=6, text="{:.0f}"),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def run(self, rate: float, momentum: float, method: str) -> dict[str, Any]:
        """The iterates, and the envelope that the eigenvalues foretell."""
        trace = descend(lambda u: 0.5 * u * u, 1.0,
                        lambda params: _rule(params, rate, momentum, method), STEPS)
        u = np.full(STEPS + 1, np.nan)
        u[:len(trace.w)] = trace.w
        far = np.maximum.accumulate(~(np.abs(u) < 10))
        roots = np.linalg.eigvals(iteration_matrix(rate, momentum, method))
        radius = np.abs(roots).max()
        envelope = radius ** np.arange(STEPS + 1)
        return {"u": np.where(far, np.nan, u),
                "envelope": np.where(envelope < 10, envelope, np.nan), "radius": radius,
                "oscillates": int(np.abs(roots.imag).max() > 1e-9)}

    @table
    def land(self, method: str) -> dict[str, Any]:
        """The spectral radius for all rates and momenta, and its two borders."""
        rates, momenta = np.logspace(*AXIS, 41), np.linspace(0, 1, 41)
        z = [[_radius(rate, mu, method) for rate in rates] for mu in momenta]
        if method == "nesterov":
            turns = ((1 - momenta) / (1 + momenta)) ** 2, np.ones(41)
            border = (2 + 2 * momenta) / (1 + 2 * momenta)
        else:
            turns = (1 - np.sqrt(momenta)) ** 2, (1 + np.sqrt(momenta)) ** 2
            border = 2 + 2 * momenta
        edges = np.log10(np.maximum([*turns, border], RATES[0] / 2))
        return {"z": np.minimum(z, 1.2), "mu": momenta, "edges": edges}

    def still(self, frame: dict[str, Any]) -> str:
        """Where we are on the map of spectral radii, and the iterates."""
        land, run, state = frame["land"], frame["run"], self.state
        plan = still.Plot("Spectral radius (light: small)", AXIS, (0, 1),
                          "lr · λ (upwards: μ)", decades="x", height=300)
        plan.heat(land["z"])
        low, high, border = land["edges"]
        plan.line(low, land["mu"], "ink", dash="6 4", label="critical damping")
        plan.line(high, land["mu"], "ink", dash="2 4", label="upper end")
        plan.line(border, land["mu"], "orange", label="border of divergence")
        plan.dots([np.log10(state["rate"])], [state["momentum"]], "ink", size=12)
        shown = slice(0, int(state["step"]) + 1)
        k, u = np.arange(STEPS + 1), run["u"][shown]
        path = still.Plot("Iterates (dashed: radius to the power k)", (0, STEPS),
                          (-1.5, 1.5), "step k", height=300)
        for sign in (1, -1):
            path.line(k, sign * run["envelope"], "gray", dash="6 4")
        path.line(k[shown], u, "orange", width=1.4).dots(k[shown], u, "orange")
        return still.panels(plan, path)


def iteration_matrix(rate: float, momentum: float, method: str) -> np.ndarray:
    """The matrix (2, 2) by which one step of `SGD` multiplies (u, v), where λ = 1.

    Its columns are what becomes of (1, 0) and of (0, 1).
    """
    u, v = np.eye(2)
    rule = _rule([Parameter(np.zeros(1))], rate, momentum, method)
    state = {"velocity": v}
    u = rule.torch_step(u, u, state)  # the gradient of ½ u² is u
    return np.stack([u, state["velocity"]])


def _radius(rate: float, momentum: float, method: str) -> float:
    """The spectral radius: each step multiplies the error by about that number."""
    momentum = min(momentum, 1 - 1e-9)
    roots = np.linalg.eigvals(iteration_matrix(rate, momentum, method))
    return float(np.abs(roots).max())


def _rule(params: Any, rate: float, momentum: float, method: str) -> SGD:
    nesterov = method == "nesterov" and momentum > 0
    return SGD(params, lr=rate, momentum=momentum, nesterov=nesterov)
