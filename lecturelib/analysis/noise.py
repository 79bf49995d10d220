"""Gradient noise of minibatches, and ill-conditioning: when a step fails to descend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from lecturelib.analysis.curvature import LossHessian
from lecturelib.backend import check_rng
from lecturelib.core import gradients
from lecturelib.data import Dataset
from lecturelib.nn import Module
from lecturelib.nn.vector import flatten, learned


def loss_gradient(model: Module, loss: Callable, x: Any, y: Any) -> np.ndarray:
    """∇L of loss(model(x), y) for all parameters that learn, as one vector (n,).

    No `.grad` is touched. Raises ValueError if no parameter learns.
    """
    return flatten(gradients(loss(model(x), y), learned(model)))


def per_example_gradients(model: Module, loss: Callable,
                          dataset: Dataset) -> np.ndarray:
    """The gradient g_i of the loss on each example alone, in rows: (N, n).

    One sweep for each of the N examples. Raises ValueError for a data set without
    examples.
    """
    return np.stack(list(_one_by_one(model, loss, dataset)))


def _one_by_one(model: Module, loss: Callable, dataset: Dataset
                ) -> Iterator[np.ndarray]:
    if not len(dataset):
        raise ValueError("dataset: it has no examples")
    for i in range(len(dataset)):
        yield loss_gradient(model, loss, dataset.x[i:i + 1], dataset.y[i:i + 1])


@dataclass(frozen=True, eq=False)
class GradientNoise:
    """How far minibatch gradients g_m stray from the full gradient g, by batch size m.

    batch_sizes (k,); measured (k,): the mean of ‖g_m − g‖² over the batches drawn;
    predicted (k,): its expectation; variance: σ² = 1/N Σ ‖g_i − g‖² over the N
    examples; squared_norm: ‖g‖².
    """

    batch_sizes: np.ndarray
    measured: np.ndarray
    predicted: np.ndarray
    variance: float
    squared_norm: float


def gradient_noise(model: Module, loss: Callable, dataset: Dataset,
                   batch_sizes: Sequence[int], *, rng: np.random.Generator,
                   draws: int = 100, replace: bool = True) -> GradientNoise:
    """The mean squared error of minibatch gradients, measured beside the 1/m law.

    Batches of m examples drawn with replacement: E‖g_m − g‖² = σ²/m. Without (as in the
    first batch of an epoch): σ²/m · (N − m)/(N − 1), which is 0 for the full batch.
    `draws` batches are drawn for each size. The loss must be the mean of the losses of
    the examples, each independent of the others in the batch.

    Raises ValueError where that does not hold (reduction="sum", batch normalization or
    dropout in training mode), for draws < 1, sizes < 1, or sizes above N without
    replacement. Sources: {cite}`goodfellow2016deep`, section 8.1.3;
    {cite}`cochran1977sampling`, section 2.5, for the finite population.
    """
    check_rng(rng)
    count = len(dataset)
    m = _check_sizes(batch_sizes, None if replace else count)
    if draws < 1:
        raise ValueError(f"draws: at least 1 is needed, got {draws}")
    full, variance = _full_and_variance(model, loss, dataset)

    def error(size: int) -> float:
        chosen = rng.choice(count, size, replace=replace)
        g = loss_gradient(model, loss, dataset.x[chosen], dataset.y[chosen])
        return float(((g - full) ** 2).sum())

    measured = [np.mean([error(size) for _ in range(draws)]) for size in m]
    population = 1.0 if replace else (count - m) / max(count - 1, 1)
    return GradientNoise(m, np.array(measured), variance / m * population, variance,
                         float(full @ full))


def _full_and_variance(model: Module, loss: Callable,
                       dataset: Dataset) -> tuple[np.ndarray, float]:
    """g and σ², without keeping the gradients of all examples in memory."""
    full = loss_gradient(model, loss, dataset.x, dataset.y).astype(np.float64)
    drift, squares, deviations = np.zeros_like(full), 0.0, 0.0
    for g in _one_by_one(model, loss, dataset):
        deviation = g - full
        drift += deviation  # 0 in the end, if g is the mean
        squares += float(g @ g)
        deviations += float(deviation @ deviation)
    count = len(dataset)
    if np.linalg.norm(drift) / count > 1e-3 * np.sqrt(squares / count):
        raise ValueError(
            "loss: its gradient is not the mean of the gradients of single examples; "
            "use reduction='mean', and model.eval() where layers mix or drop")
    return full, deviations / count


def _check_sizes(batch_sizes: Sequence[int], largest: int | None) -> np.ndarray:
    for m in batch_sizes:
        if not isinstance(m, Integral) or m < 1 or (largest and m > largest):
            upto = f" up to N = {largest}, without replacement," if largest else ""
            raise ValueError(f"batch_sizes: positive integers{upto} are needed, "
                             f"got {m!r}")
    return np.array(batch_sizes, np.int64)


@dataclass(frozen=True)
class Conditioning:
    """The terms of L(w − ε g) ≈ L(w) − ε gᵀg + ½ ε² gᵀHg at one point of a run.

    loss: L(w); squared_norm: gᵀg; curvature: gᵀHg; lr: ε; cosine: of the angle between
    this gradient and the one measured before, None for the first (or a zero gradient).
    """

    loss: float
    squared_norm: float
    curvature: float
    lr: float
    cosine: float | None

    @property
    def gain(self) -> float:
        """ε gᵀg: what a step would gain if the loss were linear."""
        return self.lr * self.squared_norm

    @property
    def cost(self) -> float:
        """½ ε² gᵀHg: what curvature takes back. Above `gain`, the step goes uphill."""
        return 0.5 * self.lr**2 * self.curvature


class ConditioningProbe:
    """Watches for ill-conditioning along a run: call `measure` before each step.

    The terms are those of the loss on the batch x, y, the same every time; `history` is
    the list of all measurements. Each costs a Hessian-vector product, about two
    gradients. Source: {cite}`goodfellow2016deep`, section 8.2.1.
    """

    def __init__(self, model: Module, loss: Callable, x: Any, y: Any) -> None:
        self.model, self.loss, self.x, self.y = model, loss, x, y
        self.history: list[Conditioning] = []
        self._before: np.ndarray | None = None

    def measure(self, lr: float) -> Conditioning:
        """The terms at the present parameters, for a gradient step of rate `lr`."""
        H = LossHessian(self.model, self.loss, self.x, self.y)
        g = H.gradient.astype(np.float64)
        row = Conditioning(H.loss, float(g @ g), float(g @ (H @ g)), lr,
                           _cosine(g, self._before))
        self._before = g
        self.history.append(row)
        return row


def _cosine(g: np.ndarray, before: np.ndarray | None) -> float | None:
    lengths = 0.0 if before is None else np.linalg.norm(g) * np.linalg.norm(before)
    return float(g @ before / lengths) if lengths else None
