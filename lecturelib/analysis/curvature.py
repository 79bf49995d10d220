"""Curvature: exact Jacobians and Hessians, and spectra of Hessians too large to write.

The Hessian of a network with n parameters has n² elements, but its product with a
vector costs only one more sweep. The method of Lanczos finds the extreme eigenvalues,
and the outline of all of them, from a few dozen such products.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.core import Tensor, grad, gradients
from lecturelib.nn import Module
from lecturelib.nn.vector import flatten, learned, split


def jacobian(f: Callable, x: Any) -> np.ndarray:
    """All first derivatives of a small function, exact: J[i, j] = ∂f(x)_i / ∂x_j.

    f takes a Tensor like x and returns a Tensor. The indices i and j are those of f(x)
    and x, so the shape is that of f(x) followed by that of x. One sweep for each
    element of f(x). Raises TypeError if x is not of floats or f returns no Tensor.
    """
    x = Tensor(x, requires_grad=True)
    y = f(x)
    if not isinstance(y, Tensor):
        raise TypeError("jacobian: f must return a Tensor computed from its argument, "
                        f"got {y!r}")
    y = y + (x * 0).sum()  # now it depends on x, even if f is constant
    result = np.empty((*y.shape, *x.shape), backend.dtype_name(x.dtype))
    for i in np.ndindex(*y.shape):
        seed = np.zeros(y.shape)
        seed[i] = 1
        result[i] = backend.numpy(gradients(y, [x], seed)[0])
    return result


def hessian(f: Callable, x: Any) -> np.ndarray:
    """All second derivatives of a small scalar function, exact: the Jacobian of ∇f.

    H[i, j] = ∂²f / ∂x_i ∂x_j, with the shape of x twice: (n, n) for a vector. Raises
    TypeError as `jacobian`, ValueError if f(x) is not a scalar.
    """
    return jacobian(grad(f), x)


class LossHessian:
    """The Hessian H of a network's loss, known by its products with vectors: `H @ v`.

    H holds the second derivatives of loss(model(x), y) with respect to the n numbers in
    the parameters that learn, in the order of `model.parameters()`, at their values
    when this object was made. H v = ∇(∇L · v): the graph of ∇L is built once, and each
    product is one sweep through it. v and H v: (n,), in the dtype of the parameters.

    shape: (n, n); loss: the value L; gradient: ∇L, (n,). Raises ValueError if no
    parameter learns or v has another length. Source: {cite}`pearlmutter1994`.
    """

    def __init__(self, model: Module, loss: Callable, x: Any, y: Any) -> None:
        self._parameters = learned(model)
        value = loss(model(x), y)
        self._slopes = gradients(value, self._parameters, create_graph=True)
        self.loss = value.item()
        self.gradient = flatten(self._slopes)
        self.shape = 2 * self.gradient.shape

    def __matmul__(self, v: Any) -> np.ndarray:
        v = np.asarray(v)
        if v.shape != self.gradient.shape:
            raise ValueError(f"v: one number for each of the {len(self.gradient)} "
                             f"parameters is needed, got shape {v.shape}")
        pieces = split(v, self._parameters)
        terms = [(g * piece).sum()
                 for g, piece in zip(self._slopes, pieces, strict=True)
                 if g.requires_grad]  # others are constant
        if not terms:
            return np.zeros_like(self.gradient)
        along_v = sum(terms[1:], start=terms[0])
        return flatten(gradients(along_v, self._parameters))


@dataclass(frozen=True, eq=False)
class Ritz:
    """What `lanczos` knows of the eigenvalues of A after k products.

    values (k,): Ritz values, ascending. errors (k,): within errors[i] of values[i] lies
    an eigenvalue of A. vectors (n, k): column i is the approximate eigenvector.
    weights (k,): the share of each vector in the random start; they sum to 1.
    """

    values: np.ndarray
    errors: np.ndarray
    vectors: np.ndarray
    weights: np.ndarray


def lanczos(A: Any, steps: int, *, rng: np.random.Generator) -> Ritz:
    """Approximate the spectrum of a symmetric matrix by at most `steps` products A v.

    In the basis v, A v, A² v, …, made orthonormal, A becomes a tridiagonal matrix T
    whose eigenvalues θ (Ritz values) soon approach the extreme ones of A. With s the
    unit eigenvector of T to θ, and β the length of what the next basis vector would
    add, ‖A u − θ u‖ = β |s_k| bounds the error of θ.

    A: anything with `shape` (n, n) and `A @ v`, a LossHessian or a matrix; the start v
    is drawn from `rng`. Each new vector is made orthogonal to all before, twice, or
    else rounding would bring copies of eigenvalues already found. Computed in float64;
    A's own products limit the accuracy. Stops early, with exact values, where the basis
    cannot grow: an eigenvalue that occurs several times is found once.

    Raises ValueError if A is not square or not symmetric or steps < 1,
    FloatingPointError if a product is not finite. Source: {cite}`golub2013matrix`,
    chapter 10.
    """
    basis, values, s, errors = _krylov(A, steps, rng)
    return Ritz(values, errors, basis.T @ s, s[0] ** 2)


def extreme_eigenvalues(A: Any, rtol: float = 1e-4, max_steps: int = 200, *,
                        rng: np.random.Generator) -> tuple[float, float]:
    """The smallest and the largest eigenvalue of a symmetric matrix, by `lanczos`.

    Both to within rtol times the larger of their absolute values, by the bound of
    `lanczos`. (The bound vouches that an eigenvalue is there; that none lies beyond is
    only very likely, since the start is random.)

    Raises as `lanczos`, and ArithmeticError if `max_steps` products do not suffice.
    """
    def converged(values: np.ndarray, errors: np.ndarray) -> bool:
        return max(errors[0], errors[-1]) <= rtol * np.abs(values).max()

    _, values, _, errors = _krylov(A, max_steps, rng, enough=converged)
    if not converged(values, errors):
        raise ArithmeticError(
            f"extreme_eigenvalues: after {len(values)} products the errors of "
            f"{values[0]:.4g} and {values[-1]:.4g} are {errors[0]:.1g} and "
            f"{errors[-1]:.1g}; raise max_steps or rtol")
    return float(values[0]), float(values[-1])


def spectral_density(A: Any, at: Any, *, width: float, steps: int = 50,
                     probes: int = 4, rng: np.random.Generator) -> np.ndarray:
    """The density of the eigenvalues of a symmetric matrix, blurred, at places `at`.

    φ(t) = 1/n Σ_i N(t; λ_i, width²), estimated by stochastic Lanczos quadrature: the
    eigenvalues are replaced by the Ritz values and 1/n by their weights, averaged over
    `probes` random starts. The result has the shape of `at`, and integral 1.

    Raises as `lanczos`, and ValueError unless width > 0 and probes ≥ 1.
    Source: {cite}`ghorbani2019investigation`.
    """
    if not width > 0:
        raise ValueError(f"width: must be positive, got {width}")
    if probes < 1:
        raise ValueError(f"probes: at least 1 is needed, got {probes}")
    at = np.asarray(at, np.float64)
    density = np.zeros_like(at)
    for _ in range(probes):
        _, values, s, _ = _krylov(A, steps, rng)
        bumps = np.exp(-0.5 * ((at[..., np.newaxis] - values) / width) ** 2)
        density += bumps @ s[0] ** 2
    return density / (probes * width * math.sqrt(2 * math.pi))


def _krylov(A: Any, steps: int, rng: np.random.Generator,
            enough: Callable | None = None) -> tuple[np.ndarray, ...]:
    """The basis v, A v, A² v, … made orthonormal, in rows, and `_ritz` of T in it."""
    n = _order(A)
    if steps < 1:
        raise ValueError(f"steps: at least 1 is needed, got {steps}")
    basis = np.empty((min(steps, n), n))
    diagonal: list[float] = []  # of T
    off: list[float] = []  # beside it; the last one is β, of the next basis vector
    v = backend.check_rng(rng).normal(size=n)
    v /= np.linalg.norm(v)
    for k in range(len(basis)):
        basis[k] = v
        product = np.asarray(A @ v)
        if not np.isfinite(product).all():
            raise FloatingPointError("A: the product A @ v has elements not finite")
        w, known = product.astype(np.float64), basis[:k + 1]
        coefficients = known @ w
        diagonal.append(float(coefficients[k]))
        for _ in range(2):
            w -= (known @ w) @ known
        off.append(float(np.linalg.norm(w)))
        epsilon, size = np.finfo(product.dtype).eps, max(map(abs, diagonal + off))
        _check_symmetry(coefficients, diagonal, off, epsilon ** 0.5 * size)
        if off[-1] <= 10 * epsilon * size:  # A maps the span of the basis into itself
            break
        if enough and k % 5 == 4 and enough(*_ritz(diagonal, off)[::2]):
            break
        v = w / off[-1]
    return known, *_ritz(diagonal, off)


def _order(A: Any) -> int:
    shape = tuple(getattr(A, "shape", ()))
    if len(shape) != 2 or shape[0] != shape[1] or not shape[0]:
        raise ValueError("A: a square matrix, or what multiplies vectors like one, is "
                         f"needed, got {type(A).__name__} of shape {shape}")
    return shape[0]


def _check_symmetry(coefficients: np.ndarray, diagonal: list[float], off: list[float],
                    tolerance: float) -> None:
    """If A is symmetric, the row of T just found repeats a column; else ValueError."""
    row = np.zeros_like(coefficients)
    row[-1] = diagonal[-1]
    row[-2:-1] = off[-2:-1]
    if np.abs(coefficients - row).max() > tolerance:
        raise ValueError("A: the matrix is not symmetric, which Lanczos needs")


def _ritz(diagonal: list[float], off: list[float]) -> tuple[np.ndarray, ...]:
    """Eigenvalues and eigenvectors (columns) of T, and the bounds of their errors."""
    beside = off[:-1]
    values, s = np.linalg.eigh(
        np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    return values, s, off[-1] * np.abs(s[-1])
