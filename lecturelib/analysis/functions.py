"""Functions of two or n variables with known minima and saddles, to try methods on.

All take w of shape (n,), or (n, …) for many points at once: f(w) has the shape of the
rest, so that `f(np.stack([x, y]))` is a surface over a grid. Arrays give arrays, and
Tensors Tensors, whose gradients and Hessians come by the engine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from lecturelib import ops
from lecturelib.backend import check_rng
from lecturelib.core import unwrap
from lecturelib.optim.minimize import minimize
from lecturelib.optim.newton import Newton

Range = tuple[float, float]


class Objective:
    """The base of the functions: a subclass defines `formula(w)` and what is known.

    name: for titles; dimension: n; domain: ((x_min, x_max), (y_min, y_max)), which part
    to plot; start: a customary start, (n,); minima, saddles, maxima: the known critical
    points of each kind, (k, n) with k ≥ 0. A call checks the shape of w and raises
    ValueError if it is not (n, …).
    """

    dimension = 2
    domain: tuple[Range, Range] = ((-2.0, 2.0), (-2.0, 2.0))
    _start: Sequence[float] = (1.0, 1.0)
    _minima: Sequence = ()
    _saddles: Sequence = ()
    _maxima: Sequence = ()

    def formula(self, w: Any) -> Any:
        """The value at w (n, …), computed by operations of the library."""
        raise NotImplementedError(f"{type(self).__name__} must define formula(self, w)")

    def __call__(self, w: Any) -> Any:
        if w.shape[:1] != (self.dimension,):
            raise ValueError(f"w: shape ({self.dimension}, …) is needed, got {w.shape}")
        return self.formula(w)

    @property
    def name(self) -> str:
        """The name of the function, for a title."""
        return type(self).__name__

    @property
    def start(self) -> np.ndarray:
        """A customary start, (n,)."""
        return np.array(self._start, float)

    @cached_property
    def minima(self) -> np.ndarray:
        """The known minimizers, local ones too, (k, n); the lowest come first."""
        return self._points(self._minima)

    @cached_property
    def saddles(self) -> np.ndarray:
        """The known saddle points, (k, n)."""
        return self._points(self._saddles)

    @cached_property
    def maxima(self) -> np.ndarray:
        """The known maximizers, (k, n)."""
        return self._points(self._maxima)

    def _points(self, near: Sequence) -> np.ndarray:
        """Critical points that are known to a few digits, to full precision, (k, n).

        Pure Newton, which is drawn to any kind of them, doubles the digits each time.
        """
        found = [minimize(self, np.array(w, float), Newton(), max_iterations=20,
                          gtol=1e-14).w[-1] for w in near]
        return np.array(found).reshape(-1, self.dimension)

    def grid(self, points: int = 101) -> np.ndarray:
        """Points of the domain, (2, points, points), rows along y: for contour plots,
        `plt.contour(*xy, f(xy))` with `xy = f.grid()`."""
        if self.dimension != 2:
            raise ValueError("grid: only a function of two variables has one, "
                             f"this one has {self.dimension}")
        x, y = (np.linspace(low, high, points) for low, high in self.domain)
        return np.stack(np.meshgrid(x, y))

    def __repr__(self) -> str:
        return f"{self.name}(dimension={self.dimension})"


class Quadratic(Objective):
    """f(w) = ½ Σ λ_i u_i² with u = Rᵀ w: a bowl, or a long valley.

    The eigenvalues λ run from 1 to `condition_number` ≥ 1 in equal ratios; u are the
    coordinates along the columns of R. rotation: an angle in radians, by which the axes
    of a function of two variables are turned, or an orthogonal matrix (n, n).
    The minimum is 0, at w = 0. ValueError for values outside these ranges.
    """

    def __init__(self, condition_number: float = 10.0, dimension: int = 2,
                 rotation: Any = 0.0) -> None:
        if not 1 <= condition_number < math.inf:
            raise ValueError("condition_number: must be at least 1 and finite, "
                             f"got {condition_number}")
        self.dimension = _dimension(dimension, 2)
        self.eigenvalues = np.geomspace(1.0, condition_number, dimension)
        self.rotation = _rotation(rotation, dimension)
        self.hessian = self.rotation * self.eigenvalues @ self.rotation.T
        self._start = self.rotation.sum(axis=1)  # u = (1, …, 1)
        self._minima = [np.zeros(dimension)]

    def formula(self, w: Any) -> Any:
        """½ wᵀ H w."""
        columns = ops.reshape(w, shape=(self.dimension, -1))
        dtype = np.result_type(w.dtype, np.float32)
        product = ops.matmul(self.hessian.astype(dtype), columns)
        values = 0.5 * ops.sum(columns * product, axis=0)
        return ops.reshape(values, shape=w.shape[1:])


class Rosenbrock(Objective):
    """f(w) = Σ_i 100 (w_{i+1} − w_i²)² + (1 − w_i)²: a bent valley with a flat floor.

    The minimum is 0, at (1, …, 1). From four variables on there is a second, local one
    near (−1, 1, …, 1). Sources: {cite}`rosenbrock1960automatic`;
    {cite}`shang2006note`.
    """

    domain = ((-2.0, 2.0), (-1.0, 3.0))

    def __init__(self, dimension: int = 2) -> None:
        self.dimension = _dimension(dimension, 2)
        self._start = [(-1.2, 1.0)[i % 2] for i in range(dimension)]
        self._minima = [np.ones(dimension)]
        if dimension >= 4:
            self._minima.append(np.where(np.arange(dimension) == 0, -1.0, 1.0))

    def formula(self, w: Any) -> Any:
        """One term for each pair of neighbours."""
        two = self.dimension == 2  # then there is nothing to sum: twice as fast
        x, y = (w[0], w[1]) if two else (w[:-1], w[1:])
        valley, slope = y - x * x, 1 - x
        terms = 100 * valley * valley + slope * slope
        return terms if two else ops.sum(terms, axis=0)


class Beale(Objective):
    """f(x, y) = (1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)².

    Plateaus with steep corners. The minimum is 0, at (3, ½); there are saddles at
    (0, 1) and near (0.1, −2.64).
    Source: {cite}`more1981testing`.
    """

    domain = ((-4.5, 4.5), (-4.5, 4.5))
    _start = (1.0, 1.0)
    _minima = [(3.0, 0.5)]
    _saddles = [(0.0, 1.0), (0.1005, -2.6445)]

    def formula(self, w: Any) -> Any:
        """Three squared residuals."""
        x, y = w[0], w[1]
        a = 1.5 - x + x * y
        b = 2.25 - x + x * y**2
        c = 2.625 - x + x * y**3
        return a * a + b * b + c * c


class Himmelblau(Objective):
    """f(x, y) = (x² + y − 11)² + (x + y² − 7)²: four minima, all 0; four saddles
    between them and one maximum in the middle.

    Source: {cite}`himmelblau1972applied`.
    """

    domain = ((-5.0, 5.0), (-5.0, 5.0))
    _start = (0.0, 0.0)
    _minima = [(3, 2), (-2.805, 3.131), (-3.779, -3.283), (3.584, -1.848)]
    _saddles = [(0.0867, 2.884), (3.385, 0.0739), (-0.128, -1.954), (-3.073, -0.0814)]
    _maxima = [(-0.271, -0.923)]

    def formula(self, w: Any) -> Any:
        """Two squared residuals."""
        x, y = w[0], w[1]
        a, b = x * x + y - 11, x + y * y - 7
        return a * a + b * b


class Saddle(Objective):
    """f(x, y) = x² − y²: a pass between two hills; no minimum.

    The gradient vanishes at 0, where the eigenvalues of the Hessian are ±2.
    """

    _start = (1.0, 1e-3)
    _saddles = [(0.0, 0.0)]

    def formula(self, w: Any) -> Any:
        """x² − y²."""
        x, y = w[0], w[1]
        return x * x - y * y


class MonkeySaddle(Objective):
    """f(x, y) = x³ − 3xy²: three ways down from 0, for two legs and a tail.

    The Hessian at 0 is zero, so its eigenvalues say nothing about the kind.
    """

    _start = (0.5, 0.5)
    _saddles = [(0.0, 0.0)]

    def formula(self, w: Any) -> Any:
        """The real part of (x + iy)³."""
        x, y = w[0], w[1]
        return x * x * x - 3 * x * y * y


class Cliff(Objective):
    """f(x, y) = ½ y² − x + S · softplus(β(x − 1)) / β: a gentle slope to a steep wall.

    Before the wall, at x < 1, ∂f/∂x ≈ −1; on it S − 1: one gradient taken there throws
    w far back. steepness: S > 1; sharpness: β > 0, how abruptly the wall begins.
    The minimum lies at its foot, x = 1 − log(S − 1) / β, y = 0. ValueError for values
    outside these ranges. Source: {cite}`goodfellow2016deep`, section 8.2.4.
    """

    domain = ((-3.0, 1.5), (-2.0, 2.0))
    _start = (-2.0, 1.0)

    def __init__(self, steepness: float = 100.0, sharpness: float = 50.0) -> None:
        if not (1 < steepness < math.inf and 0 < sharpness < math.inf):
            raise ValueError("steepness, sharpness: finite numbers above 1 and above 0 "
                             f"are needed, got {steepness} and {sharpness}")
        self.steepness, self.sharpness = float(steepness), float(sharpness)
        self._minima = [(1 - math.log(self.steepness - 1) / self.sharpness, 0.0)]

    def formula(self, w: Any) -> Any:
        """A valley in y; a slope and a wall in x."""
        x, y = w[0], w[1]
        wall = self.steepness * ops.softplus(x - 1, beta=self.sharpness)
        return 0.5 * y * y - x + wall


class Plateau(Objective):
    """f(x, y) = −exp(−(x² + y²) / 2): a hole in a plain.

    At distance r from the minimum, −1 at 0, the gradient is r e^{−r²/2}: almost nothing
    from r = 4 on, as in a saturated unit.
    """

    domain = ((-5.0, 5.0), (-5.0, 5.0))
    _start = (3.0, 1.0)
    _minima = [(0.0, 0.0)]

    def formula(self, w: Any) -> Any:
        """A Gaussian bell, upside down."""
        x, y = w[0], w[1]
        return -ops.exp(-0.5 * (x * x + y * y))


class Quartic(Objective):
    """f(w) = Σ w_i⁴: a minimum at 0 where the Hessian is zero.

    Newton's step is −w / 3: it converges, but only by the factor ⅔ in each step.
    """

    def __init__(self, dimension: int = 2) -> None:
        self.dimension = _dimension(dimension, 1)
        self._start, self._minima = [1.0] * dimension, [np.zeros(dimension)]

    def formula(self, w: Any) -> Any:
        """The sum of fourth powers."""
        return ops.sum(w**4, axis=0)


class NoisyRavine(Quadratic):
    """A long valley whose gradient is known up to noise, as that of a minibatch is.

    The function itself is `Quadratic`. `sample(w)` = f(w) + σ εᵀw, with new
    ε ~ N(0, I) in every call, so ∇sample = ∇f + σ ε: right on average, with the
    variance σ² in each coordinate. noise: σ ≥ 0, ValueError otherwise; rng draws ε.
    """

    def __init__(self, condition_number: float = 100.0, noise: float = 1.0,
                 rotation: Any = 0.0, *, rng: np.random.Generator) -> None:
        super().__init__(condition_number, 2, rotation)
        if not 0 <= noise < math.inf:
            raise ValueError(f"noise: must be at least 0 and finite, got {noise}")
        self.noise, self.rng = float(noise), check_rng(rng)

    def sample(self, w: Any) -> Any:
        """f(w) + σ εᵀw, with ε drawn anew for each point of w (2, …)."""
        epsilon = self.rng.normal(size=w.shape).astype(w.dtype)
        return self(w) + self.noise * ops.sum(epsilon * w, axis=0)


def _dimension(n: Any, least: int) -> int:
    if not isinstance(n, (int, np.integer)) or n < least:
        raise ValueError(f"dimension: an integer of at least {least} is needed, "
                         f"got {n!r}")
    return int(n)


def _rotation(rotation: Any, n: int) -> np.ndarray:
    """An orthogonal matrix (n, n), checked, or made of an angle for n = 2."""
    r = np.asarray(unwrap(rotation), float)
    if not r.shape:
        if n != 2 and r != 0:
            raise ValueError("rotation: an angle turns two variables; for "
                             f"{n} pass an orthogonal matrix ({n}, {n})")
        if n != 2:
            return np.eye(n)
        c, s = math.cos(r), math.sin(r)
        return np.array([[c, -s], [s, c]])
    if r.shape != (n, n) or not np.allclose(r @ r.T, np.eye(n), atol=1e-6):
        raise ValueError(f"rotation: an orthogonal matrix ({n}, {n}) is needed, "
                         f"got shape {r.shape}")
    return r
