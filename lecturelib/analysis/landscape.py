"""Loss landscapes of real networks: along the line between two, and on a plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from lecturelib import backend
from lecturelib.core import unwrap
from lecturelib.nn import Module


@contextmanager
def preserved(model: Module) -> Iterator[None]:
    """Give the model its parameters and buffers back when the block ends, or fails.

    They are the same arrays as before, not copies.
    """
    places: list[tuple[Any, str]] = [(p, "data") for p in model.parameters()]
    places += [(m, name) for m in model.modules() for name in m.buffer_names]
    arrays = [getattr(owner, name) for owner, name in places]
    try:
        yield
    finally:
        for (owner, name), array in zip(places, arrays, strict=True):
            setattr(owner, name, array)


def interpolate(model: Module, state_a: Mapping[str, Any], state_b: Mapping[str, Any],
                loss_of: Callable, alphas: Sequence[float]) -> np.ndarray:
    """The loss on the straight line between two states of a model, one for each alpha.

    At α the state is (1 − α) a + α b: a at 0, b at 1, beyond them elsewhere. Running
    statistics go along; integers, such as counts, stay those of a. loss_of(model) gives
    the loss, a number. Afterwards the model is as before, also if loss_of raises.

    state_a, state_b: as `model.state_dict()`. Raises as `model.load_state_dict` if one
    does not fit. Source: {cite}`goodfellow2015qualitatively`.
    """
    for state in (state_a, state_b):
        with preserved(model):
            model.load_state_dict(state)  # raises where it does not fit

    def between(alpha: float, a: Any, b: Any) -> Any:
        a, b = backend.numpy(unwrap(a)), backend.numpy(unwrap(b))
        return (1 - alpha) * a + alpha * b if a.dtype.kind == "f" else a

    losses = []
    for alpha in map(float, alphas):
        state = {name: between(alpha, a, state_b[name]) for name, a in state_a.items()}
        with preserved(model):
            model.load_state_dict(state)
            losses.append(float(loss_of(model)))
    return np.array(losses)


def filter_normalized_direction(model: Module, *,
                                rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A random direction in which every filter has the length that it has in the model.

    d_f = z ‖w_f‖ / ‖z‖ with z from N(0, 1), for each filter f: a row of a Linear
    weight, a kernel of a Conv2d, whatever the first axis counts. So a step of 1 changes
    each by its own size, and surfaces of networks that differ only in the scale of
    their weights look alike. Parameters with fewer than two axes (biases, gains and
    shifts of normalizations) are 0: the direction leaves them alone.

    Returns arrays by the names of `model.named_parameters()`.
    Source: {cite}`li2018visualizing`.
    """
    backend.check_rng(rng)
    direction = {}
    for name, p in model.named_parameters():
        w = backend.numpy(p.data)
        direction[name] = np.zeros_like(w)
        if w.ndim > 1:
            z = rng.normal(size=w.shape)
            axes = tuple(range(1, w.ndim))
            lengths = [np.sqrt((v**2).sum(axis=axes, keepdims=True, dtype=np.float64))
                       for v in (w, z)]
            direction[name] = (z * (lengths[0] / lengths[1])).astype(w.dtype)
    return direction


class Surface(NamedTuple):
    """Losses on a plane: loss[i, j] at w + steps[j] · d1 + steps[i] · d2.

    So rows go up and columns to the right, as in `plt.contour(steps, steps, loss)`.
    """

    steps: np.ndarray
    loss: np.ndarray


def loss_surface(model: Module, loss_of: Callable, d1: Mapping[str, Any],
                 d2: Mapping[str, Any], radius: float = 1.0,
                 points: int = 21) -> Surface:
    """The loss around a model, on the plane that two directions span.

    L(w + a d1 + b d2) for a and b at `points` equal steps from −radius to radius; an
    odd number has the model itself in the middle. d1, d2: arrays by the names of
    `model.named_parameters()`, as `filter_normalized_direction` makes them.
    loss_of(model) gives the loss, a number. Afterwards the model is as before, also if
    loss_of raises.

    Raises KeyError if a direction lacks or adds names, ValueError if a shape differs,
    points < 2 or radius ≤ 0. Source: {cite}`li2018visualizing`.
    """
    _check_direction(model, "d1", d1)
    _check_direction(model, "d2", d2)
    if points < 2 or not radius > 0:
        raise ValueError("loss_surface: points ≥ 2 and radius > 0 are needed, "
                         f"got {points} and {radius}")
    steps = np.linspace(-radius, radius, points)
    loss = np.empty((points, points))
    for i, j in np.ndindex(points, points):
        with preserved(model):
            for name, p in model.named_parameters():
                move = float(steps[j]) * d1[name] + float(steps[i]) * d2[name]
                p.data = p.data + backend.constant(move, p.data)
            loss[i, j] = float(loss_of(model))
    return Surface(steps, loss)


def _check_direction(model: Module, which: str, direction: Mapping[str, Any]) -> None:
    own = dict(model.named_parameters())
    if own.keys() != direction.keys():
        raise KeyError(f"{which}: missing {sorted(own.keys() - direction.keys())}, "
                       f"unknown {sorted(direction.keys() - own.keys())}")
    for name, p in own.items():
        if np.shape(direction[name]) != tuple(p.shape):
            raise ValueError(f"{which}[{name!r}]: shape {np.shape(direction[name])}, "
                             f"the parameter has {tuple(p.shape)}")
