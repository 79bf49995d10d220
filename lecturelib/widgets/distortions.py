"""Moved, turned and scaled images: what networks say of them, or are to learn from."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lecturelib import functional as F
from lecturelib import nn, optim
from lecturelib.core import no_grad
from lecturelib.data import augment, fashion_mnist
from lecturelib.models import lenet, mlp
from lecturelib.nn.temporary import evaluating
from lecturelib.train import fit
from lecturelib.widgets import still
from lecturelib.widgets.controls import choice, slider
from lecturelib.widgets.explorable import Explorable, table

GRAYS = 15  # levels of gray from black: few, so that the table is small
SHOWN = {"shirt": 0, "trouser": 1, "sneaker": 7, "bag": 8, "boot": 9}  # the classes
MOVES = {"right": ("right", lambda x, a: augment.shift(x, 0, a)),
         "down": ("down", lambda x, a: augment.shift(x, a, 0)),
         "turn": ("turned, 10° a step", lambda x, a: augment.rotate(x, 10 * a)),
         "scale": ("scaled, 10 % a step", lambda x, a: augment.scale(x, 1.1 ** a))}
CHANGES = {"shift": "shift", "rotate": "rotate", "scale": "scale", "mirror": "mirror",
           "all": "all four"}
ORDER = ("mirror", "scale", "rotate", "shift")  # of all four, and the seed of each
DRAWS, INKS = 6, ("blue", "orange")


class Pictures(Explorable):
    """Small gray pictures and, in a subclass, what networks say of the first."""

    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    def still(self, frame: dict[str, Any]) -> str:
        """The pictures, and the answers where there are some."""
        panels = [_sheet(frame["pictures"]["images"])]
        if "answers" in frame:
            panels.append(_bars(frame["answers"]["p"], **frame["words"]))
        return still.panels(*panels)


class ShiftExplorer(Pictures):
    """A test image of Fashion-MNIST, moved, and how likely two networks find each class.

    Controls: image, move (what is done to it) and amount (−6 to 6 steps: pixels, 10°,
    or factors of 1.1). Part `pictures`: images (1, 28, 28) in 16 levels of gray; part
    `answers`: p (2, 10), a row per network, and truth, the right class; part `words`:
    the names of both networks and of the classes.

    networks: two by name, from images (N, 1, 28, 28) in [0, 1] to 10 scores; without
    them a LeNet and an MLP learn from 1,000 images. caption, alt, start: as
    `Explorable`. Raises ValueError for another number of networks.
    """

    controls = (choice("image", "image", {name: name for name in SHOWN}),
                choice("move", "moved", {k: label for k, (label, _) in MOVES.items()}),
                slider("amount", "by", range(-6, 7), 2, play=6))

    def __init__(self, *, networks: Mapping[str, nn.Module] | None = None,
                 **how: Any) -> None:
        self._networks = dict(_quickly_trained() if networks is None else networks)
        if len(self._networks) != len(INKS):
            raise ValueError("networks: two networks are needed, got "
                             f"{list(self._networks)}")
        data = fashion_mnist()
        self._classes = list(data.classes)
        self._images = {name: data.test.x[data.test.y == c][:1]
                        for name, c in SHOWN.items()}
        super().__init__(**how)

    @table
    def words(self) -> dict[str, Any]:
        """The names."""
        return {"networks": list(self._networks), "classes": self._classes}

    @table
    def pictures(self, image: str, move: str, amount: float) -> dict[str, Any]:
        """The moved image."""
        return {"images": _grays(self._moved(image, move, amount)[0])}

    @table
    def answers(self, image: str, move: str, amount: float) -> dict[str, Any]:
        """What the networks say of it."""
        x = self._moved(image, move, amount)
        p = []
        for network in self._networks.values():
            with evaluating(network), no_grad():
                scores = network(x.astype(network.parameters()[0].dtype))
            p.append(F.softmax(scores).numpy()[0])
        return {"p": np.array(p, float), "truth": np.array([SHOWN[image]])}

    def _moved(self, image: str, move: str, amount: float) -> np.ndarray:
        return MOVES[move][1](self._images[image], amount)


class AugmentationExplorer(Pictures):
    """Six images drawn from one, as a network in training sees it in six epochs.

    Controls: change and strength, 0 to 6: pixels, 5°, factors of 1.08, or sixths of the
    probability ½ of a mirror image. Part `pictures`: images (6, 28, 28) in 16 levels of
    gray. caption, alt, start: as `Explorable`.
    """

    controls = (choice("change", "change", CHANGES),
                slider("strength", "strength", range(7), 3, play=4))

    def __init__(self, **how: Any) -> None:
        data = fashion_mnist().train
        boot = data.x[data.y == 9][:1]  # it has a toe, so that a mirror image is seen
        self._images = np.repeat(boot, DRAWS, axis=0)
        super().__init__(**how)

    @table
    def pictures(self, change: str, strength: float) -> dict[str, Any]:
        """The images drawn."""
        x = self._images
        for name in ORDER:
            if change in (name, "all"):
                x = _drawn(x, name, strength)
        return {"images": _grays(x[:, 0])}


def _drawn(x: np.ndarray, name: str, strength: float) -> np.ndarray:
    """The same draws at every strength, so that pictures move with the slider."""
    rng = np.random.default_rng(ORDER.index(name))
    if name == "mirror":
        return augment.random_mirror(x, strength / 12, rng=rng)
    if name == "scale":
        return augment.random_scale(x, 1.08 ** strength, rng=rng)
    if name == "rotate":
        return augment.random_rotate(x, 5 * strength, rng=rng)
    down, right = np.round(strength * rng.uniform(-1, 1, (2, DRAWS)))
    return augment.shift(x, down, right)


def _quickly_trained() -> dict[str, nn.Module]:
    """LeNet and an MLP of as many parameters, each for a second."""
    few = fashion_mnist().train[:1000].astype(np.float64)
    how: dict[str, Any] = {"rng": np.random.default_rng(0), "dtype": np.float64}
    networks: dict[str, nn.Module] = {"LeNet": lenet(**how),
                                      "MLP": mlp((784, 77, 10), **how)}
    for network in networks.values():
        fit(network, optim.Adam(network.parameters(), lr=3e-3), few, epochs=3,
            batch_size=32, rng=np.random.default_rng(0), progress=False)
    return networks


def _grays(x: np.ndarray) -> np.ndarray:
    return np.round(GRAYS * np.clip(x, 0, 1))


def _bytes(grays: np.ndarray) -> np.ndarray:
    return (grays * (255 // GRAYS)).astype(np.uint8)


def _sheet(images: np.ndarray) -> str:
    """The pictures in rows of three, as distortions.js lays them out."""
    columns = min(3, len(images))
    side = 110 if columns > 1 else 250
    rows = -(-len(images) // columns)
    width, height = (n * (side + 8) - 8 for n in (columns, rows))
    tiles = "".join(
        f'<image x="{i % columns * (side + 8)}" y="{i // columns * (side + 8)}" '
        f'width="{side}" height="{side}" style="image-rendering:pixelated" '
        f'href="{still.png(_bytes(picture))}"/>'
        for i, picture in enumerate(images))
    return (f'<svg viewBox="0 0 {width} {height}" style="max-width:{width}px" '
            f'aria-hidden="true">{tiles}</svg>')


def _bars(p: np.ndarray, networks: list[str], classes: list[str]) -> str:
    """A row of two bars for each class."""
    rows = []
    for c, name in enumerate(classes):
        rows.append(f'<text x="86" y="{43 + 24 * c}" text-anchor="end">'
                    f"{html.escape(name)}</text>")
        rows += [f'<rect x="92" y="{30 + 24 * c + 9 * i}" height="8" '
                 f'width="{240 * p[i, c] + 1:.1f}" fill="{still.ink(INKS[i])}"/>'
                 for i in range(len(INKS))]
    legend = still.legend((name, pen, "") for name, pen in zip(networks, INKS))
    return ('<svg viewBox="0 0 340 274" aria-hidden="true" style="max-width:425px">'
            '<text x="0" y="14" class="ex-title">How likely is each class?</text>'
            f'{"".join(rows)}</svg>{legend}')
