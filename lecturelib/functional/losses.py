"""Losses: how wrong the scores or predictions of a batch are, as one number.

`reduction` says what becomes of the losses of the single elements or examples: "mean",
"sum", or "none" to keep them apart. Any other raises ValueError.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.core import Tensor, unwrap
from lecturelib.ops import clip, log_softmax, mean, relu, softplus, sum

_REDUCTIONS = {"mean": mean, "sum": sum, "none": lambda losses: losses}


def cross_entropy(scores: Any, target: Any, reduction: str = "mean",
                  label_smoothing: float = 0.0) -> Tensor:
    """The negative log-probability that softmax gives to the right class.

    L_i = −log softmax(s_i)[y_i] = log Σ_j exp(s_ij) − s_{i y_i}, in nats; for targets
    that are probabilities t_ij, L_i = −Σ_j t_ij log softmax(s_i)[j].

    scores: (N, C), unnormalized; target: (N,) integers in [0, C), or (N, C)
    probabilities. The mean is over the N examples. Label smoothing ε replaces every
    target t by (1 − ε) t + ε / C. Raises ValueError or TypeError for other targets,
    ValueError for ε outside [0, 1]. Sources: {cite}`goodfellow2016deep`, section
    6.2.2.3; {cite}`szegedy2016rethinking` for smoothing.
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError("cross_entropy: label_smoothing must be in [0, 1], "
                         f"got {label_smoothing}")
    here = backend.numpy(unwrap(target))  # once: on a GPU it is waited for
    soft = _is_soft(scores, here)
    y = target if soft else _labels("cross_entropy", scores, here)
    log_p = log_softmax(scores, axis=1)
    losses = -sum(log_p * y, axis=1) if soft else -log_p[np.arange(len(y)), y]
    if label_smoothing:
        uniform = -mean(log_p, axis=1)  # the loss if all classes were equally right
        losses = (1 - label_smoothing) * losses + label_smoothing * uniform
    return _reduce(losses, reduction)


def binary_cross_entropy_with_logits(scores: Any, target: Any,
                                     reduction: str = "mean") -> Tensor:
    """The negative log-probability of yes-or-no targets, from scores before σ.

    L = −t log σ(s) − (1 − t) log(1 − σ(s)), computed as softplus(∓s): no overflow, and
    no digits lost where the answer is nearly certain.

    Shapes: scores and target alike; target: probabilities in [0, 1]. Raises ValueError
    otherwise. Source: {cite}`goodfellow2016deep`, section 6.2.2.2.
    """
    t = _same_shape("binary_cross_entropy_with_logits", scores, target)
    if not np.all((t >= 0) & (t <= 1)):
        raise ValueError("binary_cross_entropy_with_logits: target must lie in [0, 1], "
                         f"got values from {t.min()} to {t.max()}")
    if not hasattr(target, "shape"):  # a list
        target = backend.constant(t, unwrap(scores))
    losses = softplus(-scores) * target + softplus(scores) * (1 - target)
    return _reduce(losses, reduction)


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
    wrong: Any = np.ones(tuple(scores.shape), bool)
    wrong[rows, y] = False
    wrong = backend.bring(wrong, unwrap(scores))
    return _reduce(sum(relu(scores - right + margin) * wrong, axis=1), reduction)


def mse_loss(prediction: Any, target: Any, reduction: str = "mean") -> Tensor:
    """The squared error (p − t)².

    Shapes: prediction and target alike; ValueError if not, where broadcasting would
    hide a mistake.
    """
    _same_shape("mse_loss", prediction, target)
    error = prediction - target
    return _reduce(error * error, reduction)


def l1_loss(prediction: Any, target: Any, reduction: str = "mean") -> Tensor:
    """The absolute error |p − t|. Shapes and errors as `mse_loss`."""
    _same_shape("l1_loss", prediction, target)
    return _reduce(abs(prediction - target), reduction)


def huber_loss(prediction: Any, target: Any, reduction: str = "mean",
               delta: float = 1.0) -> Tensor:
    """½ e² for an error e = p − t up to δ, beyond it the line δ (|e| − δ/2).

    With c, the error cut to [−δ, δ], both are c (e − c/2), and c is the derivative: one
    outlier cannot pull harder than δ. Shapes and errors as `mse_loss`, and ValueError
    unless δ > 0. Source: {cite}`huber1964robust`.
    """
    if not delta > 0:
        raise ValueError(f"huber_loss: delta must be positive, got {delta}")
    _same_shape("huber_loss", prediction, target)
    error = prediction - target
    cut = clip(error, min=-delta, max=delta)
    return _reduce(cut * (error - 0.5 * cut), reduction)


def accuracy(scores: Any, target: Any) -> float:
    """The fraction of rows of scores (N, C) that are largest at their target (N,)."""
    y = _labels("accuracy", scores, target)
    return float((backend.numpy(unwrap(scores)).argmax(axis=1) == y).mean())


def _reduce(losses: Any, reduction: str) -> Any:
    if reduction not in _REDUCTIONS:
        raise ValueError(
            f"reduction: one of {tuple(_REDUCTIONS)} is needed, got {reduction!r}")
    return _REDUCTIONS[reduction](losses)


def _same_shape(name: str, prediction: Any, target: Any) -> np.ndarray:
    """The target as an array, checked: (N, 1) and (N,) would broadcast to (N, N)."""
    t = backend.numpy(unwrap(target))
    if prediction.shape != t.shape:
        raise ValueError(f"{name}: prediction {prediction.shape} and target {t.shape} "
                         "must have one shape; reshape one of them")
    return t


def _is_soft(scores: Any, t: np.ndarray) -> bool:
    """Whether the targets are probabilities, and if so, that their rows sum to 1."""
    if t.dtype.kind != "f" or t.ndim != 2 or t.shape != scores.shape:
        return False
    if t.min(initial=0) < 0 or np.abs(t.sum(axis=1) - 1).max(initial=0) > 1e-3:
        raise ValueError("cross_entropy: rows of target (N, C) must be probabilities, "
                         f"at least 0 and of sum 1, got the sums {t.sum(axis=1)}")
    return True


def _labels(name: str, scores: Any, target: Any) -> np.ndarray:
    """The labels as an array, checked: −1, say, would silently pick the last class."""
    y = backend.numpy(unwrap(target))
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
