"""Penalties: terms added to a loss that keep the parameters small or near a prior.

`params` is a Tensor or an iterable of them, such as `model.parameters()`; ValueError if
it is empty. Scale a penalty by its strength: `loss + 1e-4 * l2_penalty(params)`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.core import unwrap


def l1_penalty(params: Any) -> Any:
    """‖θ‖₁ = Σ |θ_i|, which drives parameters to exactly 0.

    Its derivative at 0 is taken as 0. Source: {cite}`tibshirani1996regression`.
    """
    return sum(abs(p).sum() for p in _list("l1_penalty", params))


def l2_penalty(params: Any) -> Any:
    """½ ‖θ‖² = ½ Σ θ_i².

    With the half its gradient is θ, so λ times it acts on gradient descent as
    `weight_decay=λ` does. Source: {cite}`goodfellow2016deep`, section 7.1.1.
    """
    return 0.5 * sum((p * p).sum() for p in _list("l2_penalty", params))


def elastic_penalty(params: Any, l1_ratio: float = 0.5) -> Any:
    """ρ ‖θ‖₁ + (1 − ρ) ½ ‖θ‖² with ρ = `l1_ratio` in [0, 1], ValueError if not.

    Source: {cite}`zou2005regularization`, in the scaling of scikit-learn.
    """
    if not 0 <= l1_ratio <= 1:
        raise ValueError(
            f"elastic_penalty: l1_ratio must be in [0, 1], got {l1_ratio}")
    params = _list("elastic_penalty", params)
    return l1_ratio * l1_penalty(params) + (1 - l1_ratio) * l2_penalty(params)


def tikhonov_penalty(w: Any, precision: Any, mean: Any = 0.0) -> Any:
    """½ (w − μ)ᵀ Λ (w − μ): half the squared Mahalanobis distance of w from μ = `mean`.

    It is the negative logarithm, up to a constant, of a Gaussian prior N(μ, Λ⁻¹).

    w: D numbers of any shape; precision: Λ, (D, D) and symmetric; mean: a number, or of
    the shape of w. Raises ValueError for other shapes and an asymmetric Λ.
    Source: {cite}`tikhonov1977solutions`.
    """
    matrix, size = backend.numpy(unwrap(precision)), math.prod(w.shape)
    if matrix.shape != (size, size):
        raise ValueError(
            f"tikhonov_penalty: precision must have shape ({size}, {size}), one "
            f"row for each element of w {w.shape}, got {matrix.shape}")
    if not np.allclose(matrix, matrix.T):
        raise ValueError("tikhonov_penalty: precision must be symmetric; its symmetric "
                         "part (Λ + Λᵀ) / 2 gives the same penalty")
    if np.shape(mean) not in ((), w.shape):
        raise ValueError(f"tikhonov_penalty: mean must be a number or have the shape "
                         f"of w {w.shape}, got {np.shape(mean)}")
    d = (w - mean).reshape(-1)
    return 0.5 * (d @ precision @ d)


def _list(name: str, params: Any) -> list:
    params = [params] if hasattr(params, "shape") else list(params)
    if not params:
        raise ValueError(f"{name}: params is empty; pass model.parameters(), "
                         "and a generator only once")
    return params
