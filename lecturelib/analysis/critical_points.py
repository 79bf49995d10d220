"""Critical points: minimum, maximum or saddle, as far as that can be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.analysis.curvature import hessian
from lecturelib.core import Tensor, grad


@dataclass(frozen=True, eq=False)
class CriticalPoint:
    """What was found about a point where the gradient vanishes.

    kind: "minimum", "maximum", "saddle" or "inconclusive"; eigenvalues: of the Hessian,
    ascending, (n,); gradient_norm: ‖∇f‖ there; proved: whether the eigenvalues decide
    (what probing sees is evidence, not proof); evidence: a sentence that says why.
    """

    kind: str
    eigenvalues: np.ndarray
    gradient_norm: float
    proved: bool
    evidence: str


def kind_by_eigenvalues(eigenvalues: Any, zero: float) -> str:
    """The second-derivative test, for |λ| ≤ `zero` taken as 0.

    All λ > 0: "minimum"; all λ < 0: "maximum"; both signs: "saddle", whatever the
    others are; else "inconclusive". The smallest and the largest eigenvalue suffice,
    such as those that `extreme_eigenvalues` finds for a network.
    Source: {cite}`goodfellow2016deep`, section 4.3.1.
    """
    smallest, largest = np.min(eigenvalues), np.max(eigenvalues)
    if smallest < -zero and largest > zero:
        return "saddle"
    if smallest > zero:
        return "minimum"
    return "maximum" if largest < -zero else "inconclusive"


def classify_critical_point(
    f: Callable, w: Any, *, rng: np.random.Generator, tol: float = 1e-6,
    zero: float | None = None, radii: Sequence[float] = (0.1, 0.03, 0.01),
    probes: int = 100,
) -> CriticalPoint:
    """Minimum, maximum or saddle of a small scalar function at a critical point w.

    The signs of the Hessian's eigenvalues decide where they can (`kind_by_eigenvalues`;
    |λ| ≤ zero · max(1, max |λ|) counts as 0, and `zero` is by default √ε of w's dtype).

    Otherwise the surroundings are probed, at each of the `radii`: along the
    eigenvectors, at `probes` random points of the sphere, and at as many near the
    directions in which the curvature is 0. Lower and higher points at every radius are
    called a saddle; but f could change its habits closer to w, so `proved` is False. If
    no lower (or no higher) point is seen, w may be a minimum (or maximum), but a valley
    may have been missed: "inconclusive".

    f takes a Tensor like w, of any shape, and returns a scalar Tensor. Raises
    ValueError if ‖∇f(w)‖ > tol, or for radii that are not positive; FloatingPointError
    where f is not finite. Source: {cite}`goodfellow2016deep`, section 4.3.1.
    """
    backend.check_rng(rng)
    if not len(radii) or not min(radii) > 0:
        raise ValueError(f"radii: positive numbers are needed, got {radii}")
    w = backend.numpy(Tensor(w).data)
    slope = float(np.linalg.norm(grad(f)(w)))
    if not slope <= tol:
        raise ValueError(f"w: no critical point, the gradient there has norm "
                         f"{slope:.3g} > tol = {tol:.3g}")
    values, vectors = np.linalg.eigh(hessian(f, w).reshape(w.size, w.size))
    zero = np.finfo(w.dtype).eps ** 0.5 if zero is None else zero
    zero *= max(1, np.abs(values).max())
    kind = kind_by_eigenvalues(values, zero)
    if kind != "inconclusive":
        signs = {"minimum": "all positive", "maximum": "all negative",
                 "saddle": "of both signs"}[kind]
        return CriticalPoint(kind, values, slope, True,
                             f"the eigenvalues of the Hessian are {signs}")
    flat = vectors[:, np.abs(values) <= zero]
    seen = [_probe(f, w, r, _directions(vectors, flat, r, probes, rng)) for r in radii]
    lower, higher = ([r for r, s in zip(radii, seen, strict=True) if s[i]]
                     for i in range(2))
    kind = "saddle" if len(lower) == len(higher) == len(radii) else "inconclusive"
    total = len(radii) * 2 * (w.size + probes)
    return CriticalPoint(kind, values, slope, False, (
        f"eigenvalues of the Hessian are 0; {_sight('lower', lower, radii)} and "
        f"{_sight('higher', higher, radii)} among {total} probes at radii "
        f"{', '.join(map(str, radii))}"))


def _directions(vectors: np.ndarray, flat: np.ndarray, radius: float, probes: int,
                rng: np.random.Generator) -> np.ndarray:
    """Unit vectors, in rows: along all eigenvectors, anywhere, and nearly `flat`.

    Where curvature is 0, higher powers of the distance decide, and a step aside costs
    its square: a curved valley leaves its tangent by about radius².
    """
    anywhere = rng.normal(size=(probes, len(vectors)))
    tangent = rng.normal(size=(probes, flat.shape[1])) @ flat.T
    aside = radius * rng.normal(size=(probes, len(vectors)))
    nearly_flat = tangent / np.linalg.norm(tangent, axis=1, keepdims=True) + aside
    rows = np.concatenate([vectors.T, -vectors.T, anywhere, nearly_flat])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _probe(f: Callable, w: np.ndarray, radius: float,
           directions: np.ndarray) -> tuple[bool, bool]:
    """Whether f is lower, and whether it is higher, at some w + radius · direction.

    Differences within rounding do not count: a few ε of the values, or of radius², what
    terms that cancel each other amount to.
    """
    points = (w + (radius * d).reshape(w.shape).astype(w.dtype) for d in directions)
    values = np.array([float(f(Tensor(p))) for p in (w, *points)])
    if not np.isfinite(values).all():
        raise FloatingPointError(
            f"f: not finite at distance {radius} from w; choose smaller radii")
    rise = values[1:] - values[0]
    size = np.maximum(np.abs(values[1:]), max(abs(values[0]), radius**2))
    noise = 16 * np.finfo(w.dtype).eps * size
    return bool((rise < -noise).any()), bool((rise > noise).any())


def _sight(which: str, found: list[float], radii: Sequence[float]) -> str:
    if not found:
        return f"no {which} point found"
    if len(found) == len(radii):
        return f"{which} points at every radius"
    return f"{which} points only at {', '.join(map(str, found))}"
