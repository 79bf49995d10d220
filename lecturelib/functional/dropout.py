"""Dropout: noise that multiplies activations. p is always the probability to drop."""

from __future__ import annotations

from typing import Any

import numpy as np

from lecturelib.backend import check_rng, constant, is_bool, normal, uniform
from lecturelib.core import unwrap


def dropout_mask(x: Any, p: float, shared: tuple[int, ...] = (), *,
                 rng: np.random.Generator) -> Any:
    """A boolean array for the activations x, False (drop) with probability p.

    Along the axes `shared` all elements share one draw, so there its length is 1. It
    is drawn where x lives: on a GPU by the GPU, from a seed that it gets from `rng`.
    Raises ValueError for p outside [0, 1] and axes that x does not have.
    """
    _check_probability(p)
    shape = tuple(x.shape)
    if not all(-len(shape) <= a < len(shape) for a in shared):
        raise ValueError(f"dropout: shared must name axes of x {shape}, got {shared}")
    drawn = list(shape)
    for axis in shared:
        drawn[axis] = 1
    return uniform(tuple(drawn), like=unwrap(x), rng=rng) >= p


def dropout(x: Any, p: float = 0.5, training: bool = True, *, scale: str = "train",
            shared: tuple[int, ...] = (), mask: Any = None,
            rng: np.random.Generator) -> Any:
    """Elements of x set to 0 with probability p in training; its mean is kept.

    With m = 1 for what stays, else 0: scale="train" ("inverted" dropout, as in PyTorch)
    is x m / (1 − p) in training and x afterwards, scale="test" (the original) is x m in
    training and x (1 − p) afterwards.

    shared: axes along which all elements share one draw: (0,) is one mask for the whole
    batch, (2, 3) drops whole channels of images. mask: a boolean array to use instead
    of a new draw. Raises ValueError for p outside [0, 1], an unknown `scale`, axes that
    x does not have, and a mask that does not fit x.
    Source: {cite}`srivastava2014dropout`.
    """
    if scale not in ("train", "test"):
        raise ValueError(f'dropout: scale must be "train" or "test", got {scale!r}')
    _check_probability(p)
    check_rng(rng)
    if not training:
        return x if scale == "train" else x * (1 - p)
    if mask is None:
        mask = dropout_mask(x, p, shared, rng=rng)
    _check_mask(mask, x)
    kept = constant(mask, unwrap(x))
    return x * (kept / (1 - p) if scale == "train" and p < 1 else kept)


def dropout2d(x: Any, p: float = 0.5, training: bool = True, *,
              rng: np.random.Generator) -> Any:
    """Whole channels of images (N, C, H, W) dropped, by inverted dropout.

    Neighbouring pixels tell each other's values; dropping single ones drops little.
    Raises ValueError for other shapes. Source: {cite}`tompson2015efficient`.
    """
    if len(x.shape) != 4:
        raise ValueError(
            f"dropout2d: images (N, C, H, W) are needed, got x of shape {x.shape}")
    return dropout(x, p, training, shared=(2, 3), rng=rng)


def gaussian_dropout(x: Any, p: float = 0.5, training: bool = True, *,
                     rng: np.random.Generator) -> Any:
    """x ε with ε from N(1, p / (1 − p)) in training, the moments of inverted dropout.

    Raises ValueError unless 0 ≤ p < 1. Source: {cite}`srivastava2014dropout`, section
    10.
    """
    if not 0 <= p < 1:
        raise ValueError(f"gaussian_dropout: p must be in [0, 1), got {p}")
    check_rng(rng)
    if not training:
        return x
    noise = normal(x.shape, like=unwrap(x), rng=rng)
    return x * (1 + (p / (1 - p)) ** 0.5 * noise)


def _check_probability(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError("dropout: p, the probability to drop, must be in [0, 1], "
                         f"got {p}")


def _check_mask(mask: Any, x: Any) -> None:
    """Whether a mask is boolean and repeats to the shape of x, not x to that of it."""
    fits = len(mask.shape) == len(x.shape) and all(
        m in (1, n) for m, n in zip(mask.shape, x.shape, strict=True))
    if not is_bool(mask) or not fits:
        raise ValueError("dropout: mask must be boolean and of the shape of x "
                         f"{x.shape}, or 1 along some axes, got {mask.dtype} "
                         f"{mask.shape}")
