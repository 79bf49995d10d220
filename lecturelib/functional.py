"""Functions without parameters: activations and losses, as in `torch.nn.functional`."""

from __future__ import annotations

from typing import Any

import numpy as np

from lecturelib.core import Tensor
from lecturelib.ops import (
    linear,
    log_softmax,
    logsumexp,
    mean,
    relu,
    sigmoid,
    softmax,
    sum,
    tanh,
)

__all__ = ["accuracy", "cross_entropy", "hinge", "linear", "log_softmax", "logsumexp",
           "mse_loss", "relu", "sigmoid", "softmax", "tanh"]

_REDUCTIONS = {"mean": mean, "sum": sum, "none": lambda losses: losses}


def cross_entropy(scores: Any, target: Any, reduction: str = "mean") -> Tensor:
    """The negative log-probability that softmax gives to the right class.

    L_i = −log softmax(s_i)[y_i] = log Σ_j exp(s_ij) − s_{i y_i}.

    scores: (N, C), unnormalized; target: (N,) integers in [0, C). In nats, averaged
    over the batch unless `reduction` is "sum" or "none". Raises ValueError or TypeError
    for targets that are not such integers.
    Source: {cite}`goodfellow2016deep`, section 6.2.2.3.
    """
    y = _labels("cross_entropy", scores, target)
    return _reduce(-log_softmax(scores, axis=1)[np.arange(len(y)), y], reduction)


def hinge(scores: Any, target: Any, margin: float = 1.0,
          reduction: str = "mean") -> Tensor:
    """The multi-class hinge (max-margin) loss of Weston and Watkins.

    L_i = Σ_{j ≠ y_i} max(0, s_ij − s_{i y_i} + Δ), with Δ = `margin`.

    scores: (N, C); target: (N,) integers in [0, C). PyTorch's `multi_margin_loss` is
    this divided by C. Raises as `cross_entropy`. Source: {cite}`weston1999`.
    """
    y = _labels("hinge", scores, target)
    rows = np.arange(len(y))
    right = scores[rows, y].reshape(-1, 1)
    wrong = np.ones(scores.shape, bool)
    wrong[rows, y] = False
    return _reduce(sum(relu(scores - right + margin) * wrong, axis=1), reduction)


def mse_loss(prediction: Any, target: Any, reduction: str = "mean") -> Tensor:
    """The squared error (p − t)², averaged unless `reduction` says otherwise.

    Shapes: prediction and target alike; ValueError if not, where broadcasting would
    hide a mistake.
    """
    shape = np.shape(_data(target))
    if prediction.shape != shape:
        raise ValueError(f"mse_loss: prediction {prediction.shape} and target {shape} "
                         "must have one shape; reshape one of them")
    error = prediction - target
    return _reduce(error * error, reduction)


def accuracy(scores: Any, target: Any) -> float:
    """The fraction of rows of scores (N, C) that are largest at their target (N,)."""
    y = _labels("accuracy", scores, target)
    return float((_data(scores).argmax(axis=1) == y).mean())


def _data(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x


def _reduce(losses: Any, reduction: str) -> Any:
    if reduction not in _REDUCTIONS:
        raise ValueError(
            f"reduction: one of {tuple(_REDUCTIONS)} is needed, got {reduction!r}")
    return _REDUCTIONS[reduction](losses)


def _labels(name: str, scores: Any, target: Any) -> np.ndarray:
    """The labels as an array, checked: −1, say, would silently pick the last class."""
    y = np.asarray(_data(target))
    if len(scores.shape) != 2 or y.shape != scores.shape[:1]:
        raise ValueError(f"{name}: scores of shape (N, C) and targets of shape (N,) "
                         f"are needed, got {scores.shape} and {y.shape}")
    if y.dtype.kind not in "iu":
        raise TypeError(
            f"{name}: target must hold class indices, integers, got {y.dtype}")
    if y.size and (y.min() < 0 or y.max() >= scores.shape[1]):
        raise ValueError(
            f"{name}: target must lie in [0, {scores.shape[1]}), the number of columns "
            f"of scores, got values from {y.min()} to {y.max()}")
    return y
