"""Small networks learn to tell two classes of points in the plane apart, step by step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lecturelib import functional as F
from lecturelib import nn, optim
from lecturelib.backend import check_rng
from lecturelib.core import no_grad
from lecturelib.data import Dataset
from lecturelib.models import mlp
from lecturelib.widgets import still
from lecturelib.widgets.controls import choice, slider
from lecturelib.widgets.explorable import Explorable, table

POINTS = {"rings": "rings", "moons": "moons", "xor": "checkers (XOR)",
          "spirals": "spirals"}
NETWORKS = {"line": ("no hidden layer", ()),
            "squares": ("no hidden layer, squares as inputs", ()),
            "3": ("one layer of 3", (3,)), "8": ("one layer of 8", (8,)),
            "8-8": ("two layers of 8", (8, 8))}
EDGE, SIDE, LEVELS = 1.5, 24, 4
STEPS = np.array([0, 2, 4, 6, 8, 11, 14, 17, 20, 26, 32, 38, 45, 58, 72, 86, 100, 125,
                  150, 175, 200, 250, 300, 350, 400, 500, 600, 700, 800])


class Identity(nn.Module):
    """x itself: an activation that is none."""

    def forward(self, x: Any) -> Any:
        return x


class Squares(nn.Module):
    """(x₁, x₂) ↦ (x₁, x₂, x₁², x₂², x₁x₂): inputs made by hand."""

    def forward(self, x: Any) -> Any:
        return np.column_stack([x, x * x, x[:, 0] * x[:, 1]])


ACTIVATIONS = {"relu": ("ReLU", nn.ReLU), "tanh": ("tanh", nn.Tanh),
               "sigmoid": ("sigmoid", nn.Sigmoid), "none": ("none, f(x) = x", Identity)}


def points(name: str, n: int, *, rng: np.random.Generator) -> Dataset:
    """n points of the plane, half of each class, in one of four patterns.

    "rings": a small one within a large one; "moons": two arcs, each reaching into the
    other; "xor": four squares, opposite ones of one class; "spirals": two arms. x is
    float64 (n, 2), within about ±1.3; y is int64 (n,), 0 or 1.

    Raises ValueError for another name, TypeError if `rng` is not a Generator.
    """
    if name not in POINTS:
        raise ValueError(f"name: one of {', '.join(POINTS)} is needed, got {name!r}")
    y = np.arange(n) % 2
    u, v, *noise = check_rng(rng).uniform(-1, 1, (4, n))
    angle, jitter = np.pi * u, 0.1 * np.stack(noise, axis=1)
    if name == "rings":
        x = _polar(np.where(y == 1, 0.4, 1.1), angle) + jitter
    elif name == "moons":
        arc = _polar(np.ones(n), angle / 2 + np.pi / 2) - [0.5, 0.3]
        x = 0.85 * np.where(y == 1, -1, 1)[:, None] * arc + jitter
    elif name == "xor":
        x = np.stack([u, np.where(y == 1, u, -u) * np.abs(v / u)], axis=1)
        x = 1.1 * x + 0.1 * np.sign(x)
    else:
        r = np.sqrt((1 + v) / 2)
        x = _polar(0.1 + 1.1 * r, np.pi * (2.4 * r + y)) + 0.6 * jitter
    return Dataset(x, y)


class Playground(Explorable):
    """What a small network thinks of every place of the plane, while it learns.

    Controls: data, network (its hidden layers), activation, step. Two scores, made
    probabilities by softmax, are trained by the mean cross-entropy of all 200 points.
    Part `data_points`: x and y (2, 100), a row per class. Part `surface`: confidence
    (24, 24), p₁ − p₀ from −1 to 1 in steps of 1/4, at the middles of the cells of
    [−1.5, 1.5]², the lowest y first. Part `run`: loss and right, the share of correct
    answers, (29,), after each of STEPS.

    optimizer: makes the optimizer of a list of parameters; seed: of the weights at the
    start. caption, alt, start: as `Explorable`.
    """

    controls = (
        choice("data", "data", POINTS),
        choice("network", "network", {k: name for k, (name, _) in NETWORKS.items()}),
        choice("activation", "activation",
               {k: name for k, (name, _) in ACTIVATIONS.items()}),
        slider("step", "steps", STEPS, 800, every=4, play=8, text="{:.0f}"),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    def __init__(self, *, optimizer: Callable | None = None, seed: int = 0,
                 **how: Any) -> None:
        self._optimizer = optimizer or (lambda params: optim.SGD(params, lr=0.3))
        self._seed = seed
        self._runs: dict[tuple, tuple[nn.Module, list[dict], np.ndarray]] = {}
        super().__init__(**how)

    @table
    def data_points(self, data: str) -> dict[str, Any]:
        """The points to learn, by class."""
        sample = _sample(data)
        return {name: np.stack([sample.x[sample.y == c, i] for c in (0, 1)])
                for i, name in enumerate("xy")}

    @table
    def run(self, data: str, network: str, activation: str) -> dict[str, Any]:
        """The loss, and the share of points on the right side."""
        _, _, (loss, right) = self._learned(data, network, activation)
        return {"loss": loss, "right": right}

    @table
    def surface(self, data: str, network: str, activation: str, step: float
                ) -> dict[str, Any]:
        """What the network says on a grid of places."""
        model, states, _ = self._learned(data, network, activation)
        model.load_state_dict(states[int(np.searchsorted(STEPS, step))])
        middles = EDGE * (2 * np.arange(SIDE) + 1 - SIDE) / SIDE
        places = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
        with no_grad():
            p = F.softmax(model(places)).data
        confidence = (p[:, 1] - p[:, 0]).reshape(SIDE, SIDE)
        return {"confidence": np.round(LEVELS * confidence) / LEVELS}

    def still(self, frame: dict[str, Any]) -> str:
        """The surface with the points, and the loss so far."""
        found, run = frame["data_points"], frame["run"]
        done = STEPS <= self.state["step"]
        plane = still.Plot("What the network says of each place", (-EDGE, EDGE),
                           (-EDGE, EDGE), "x₁", width=320, height=332)
        plane.shapes.append(_picture(frame["surface"]["confidence"], plane))
        for c, color in enumerate(("orange", "blue")):
            plane.dots(found["x"][c], found["y"][c], color, size=5)
        loss = still.Plot("Loss", (0, STEPS[-1]), (0, 0.8), "step")
        return still.panels(plane, loss.line(STEPS[done], run["loss"][done]))

    def _learned(self, data: str, network: str, activation: str
                 ) -> tuple[nn.Module, list[dict], np.ndarray]:
        """The model, its parameters after each of STEPS, the loss and accuracy there."""
        hidden = NETWORKS[network][1]
        key = data, network, activation if hidden else "none"
        if key not in self._runs:
            rng, kind = np.random.default_rng(self._seed), ACTIVATIONS[key[2]][1]
            made = [Squares()] if network == "squares" else []
            sizes = (5 if made else 2, *hidden, 2)
            model = nn.Sequential(*made, mlp(sizes, kind, rng=rng, dtype=np.float64))
            self._runs[key] = model, *_train(model, _sample(data), self._optimizer)
        return self._runs[key]


def _train(model: nn.Module, sample: Dataset, optimizer: Callable
           ) -> tuple[list[dict], np.ndarray]:
    """Steps on all points at once: the states after each of STEPS; loss and accuracy."""
    stepper, states, measures = optimizer(model.parameters()), [], []
    for step in range(STEPS[-1] + 1):
        stepper.zero_grad()
        scores = model(sample.x)
        loss = F.cross_entropy(scores, sample.y)
        if step in STEPS:
            states.append(model.state_dict())
            measures.append((loss.item(), F.accuracy(scores, sample.y)))
        loss.backward()
        stepper.step()
    return states, np.array(measures).T


def _sample(name: str) -> Dataset:
    return points(name, 200, rng=np.random.default_rng(0))


def _polar(r: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1)


def _picture(confidence: np.ndarray, plot: still.Plot) -> str:
    """The surface as an image of one pixel per cell, as playground.js paints it."""
    blue, orange = (0, 114, 178), (213, 94, 0)
    pixels = np.empty((SIDE, SIDE, 4), np.uint8)
    pixels[..., :3] = np.where((confidence > 0)[..., None], blue, orange)
    pixels[..., 3] = 150 * np.abs(confidence)
    (left, right, *_), (bottom, top, *_) = plot.x, plot.y
    return (f'<image x="{left}" y="{top}" width="{right - left}" '
            f'height="{bottom - top}" preserveAspectRatio="none" class="ex-heat" '
            f'href="{still.png(pixels[::-1])}"/>')
