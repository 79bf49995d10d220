"""Full-batch minimization: a method says where to go, a line search how far."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from lecturelib.core import Tensor, gradients, hvp, unwrap
from lecturelib.nn import Parameter
from lecturelib.optim.line_search import Line, Trial
from lecturelib.optim.optimizer import Optimizer
from lecturelib.optim.trace import Trace

SearchesLine = Callable[[Line, float], Trial | None]


class Problem:
    """f as a function of one flat vector, and how often it was evaluated."""

    def __init__(self, f: Callable, shape: tuple[int, ...]) -> None:
        self.f, self.shape = f, shape
        self.functions = self.gradients = self.hessians = 0


class Point:
    """f at w (n,): the loss at once, gradient and Hessian when they are asked for.

    loss: a float; gradient: (n,); hessian: (n, n), exact, by n Hessian-vector products.
    """

    def __init__(self, problem: Problem, w: np.ndarray) -> None:
        self.problem, self.w = problem, w
        problem.functions += 1
        self._x = Tensor(w.reshape(problem.shape), requires_grad=True)
        self._y: Any = _scalar(problem.f(self._x))
        self.loss: float = self._y.item()

    def moved(self, step: np.ndarray) -> Point:
        """The point at w + step."""
        return Point(self.problem, self.w + step)

    @cached_property
    def gradient(self) -> np.ndarray:
        """∇f(w), (n,)."""
        self.problem.gradients += 1
        y, self._y = self._y, None  # the graph is not needed again
        (g,) = gradients(y, [self._x])
        return g.reshape(-1)

    @cached_property
    def hessian(self) -> np.ndarray:
        """∇²f(w), (n, n): its columns are H e_i."""
        self.problem.hessians += 1
        n, shape = self.w.size, self.problem.shape
        return np.stack([hvp(self.problem.f, self._x.data, e.reshape(shape)).reshape(-1)
                         for e in np.eye(n)], axis=1)

    @property
    def gradient_norm(self) -> float:
        """‖∇f(w)‖₂."""
        return float(np.linalg.norm(self.gradient))

    @property
    def is_finite(self) -> bool:
        """Whether f and its gradient are numbers here, neither infinite nor nan."""
        return math.isfinite(self.loss) and bool(np.isfinite(self.gradient).all())


class Method:
    """The base of the methods of `minimize`: a subclass is one rule, `direction`.

    `line_search` takes a `Line` and the step length to try first, and returns a `Trial`
    or None.
    """

    def __init__(self, line_search: SearchesLine) -> None:
        if not callable(line_search) or isinstance(line_search, type):
            raise TypeError("line_search: a line search is needed, such as "
                            f"StrongWolfe(), got {line_search!r}")
        self.line_search = line_search

    def direction(self, at: Point, state: dict[str, Any]) -> np.ndarray:
        """The direction p (n,) in which to go from the point; `state` is memory."""
        raise NotImplementedError(
            f"{type(self).__name__} must define direction(self, at, state)")

    def first_trial(self, line: Line, before: Point | None) -> float:
        """The α to try first: that of `parabola_step`, but at most 1.

        The 1.01 makes it 1, the natural step of Newton-like methods, near a minimum.
        `before` is the previous point, None in the first iteration.
        Source: {cite}`nocedal2006numerical`, section 3.5.
        """
        return min(1.0, 1.01 * parabola_step(line, before))

    def __repr__(self) -> str:
        options = ", ".join(f"{k}={v!r}" for k, v in vars(self).items())
        return f"{type(self).__name__}({options})"


def parabola_step(line: Line, before: Point | None) -> float:
    """α = 2 (f_k − f_{k−1}) / φ′(0): the bottom of a parabola with this slope that
    falls as f did in the last step.

    In the first iteration, when nothing is known of the scale of f, and should f not
    have fallen, a step of length 1. Source: {cite}`nocedal2006numerical`, eq. (3.60).
    """
    change = line.start.loss - before.loss if before is not None else 0.0
    if not change < 0 or not line.start.slope < 0:
        return 1.0 / float(np.linalg.norm(line.direction))
    return 2 * change / line.start.slope


def minimize(f: Callable, w0: Any, method: Method, max_iterations: int = 1000,
             gtol: float = 1e-8, keep_path: bool = True) -> Trace:
    """Look for a minimum of f from w0: w ← w + α p, again and again.

    The method gives the direction p, its line search the step length α. It stops where
    the Euclidean norm of the gradient is at most gtol.

    f: a function of one Tensor that returns a scalar Tensor, the same for the same w;
    w0: its float64 argument, of any shape; with keep_path=False the trace holds only
    the last iterate, for long runs of many parameters. f may be inf or nan where a line
    search looks, since it steps back; NumPy's warnings about that are off meanwhile.

    Raises TypeError for a w0 that is not float64, an f that returns no Tensor and a
    method that is none; ValueError if w0, or f or its gradient there, is not finite, if
    f is no scalar, and for gtol or max_iterations below 0.
    """
    if not isinstance(method, Method):
        raise TypeError("method: an instance is needed, such as LBFGS() or "
                        f"Newton(damping=1e-3), got {method!r}")
    if not gtol >= 0:
        raise ValueError(f"gtol: must be at least 0, got {gtol}")
    _check_count("max_iterations", max_iterations)
    start = _array(w0)
    if start.dtype != np.float64:
        raise TypeError(f"w0: float64 is needed, got {start.dtype}; pass "
                        "np.asarray(w0, dtype=np.float64)")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _iterate(Problem(f, start.shape), start.reshape(-1), method,
                        max_iterations, gtol, keep_path)


def _iterate(problem: Problem, w0: np.ndarray, method: Method, max_iterations: int,
             gtol: float, keep_path: bool) -> Trace:
    """The loop of `minimize`."""
    here, before = Point(problem, w0), None
    state: dict[str, Any] = {}
    if not here.is_finite:
        raise ValueError("w0: f and its gradient must be finite there, got f = "
                         f"{here.loss}, gradient norm {here.gradient_norm}")
    path: list[np.ndarray] = []
    losses: list[float] = []
    norms: list[float] = []
    steps: list[float] = []
    while True:
        if not keep_path:
            path.clear()
        path.append(here.w)
        losses.append(here.loss)
        norms.append(here.gradient_norm)
        if norms[-1] <= gtol:
            stopped = "gradient norm below gtol"
            break
        if len(steps) == max_iterations:
            stopped = "max_iterations"
            break
        trial = _advance(here, before, method, state)
        if isinstance(trial, str):
            stopped = trial
            break
        if not trial.point.is_finite:
            stopped = f"f is not finite at iteration {len(steps) + 1}"
            break
        steps.append(trial.alpha)
        here, before = trial.point, here
    return Trace(
        w=np.stack(path).reshape(-1, *problem.shape), loss=np.array(losses),
        gradient_norm=np.array(norms), step_length=np.array(steps), stopped=stopped,
        converged=norms[-1] <= gtol, function_evaluations=problem.functions,
        gradient_evaluations=problem.gradients, hessian_evaluations=problem.hessians)


def _advance(here: Point, before: Point | None, method: Method,
             state: dict[str, Any]) -> Trial | str:
    """One step of the method, or the reason why there is none."""
    try:
        p = method.direction(here, state)
    except np.linalg.LinAlgError as e:
        return f"the direction cannot be computed: {e}"
    if not np.isfinite(p).all():
        return "the direction is not finite: is the Hessian singular?"
    line = Line(here, p)
    trial = method.line_search(line, method.first_trial(line, before))
    if trial is None:
        return "line search found no decrease"
    if np.array_equal(trial.point.w, here.w):
        return "the step is too small to change w"
    return trial


def descend(f: Callable, w0: Any, optimizer: Callable[[list[Parameter]], Optimizer],
            steps: int = 1000, gtol: float = 1e-8) -> Trace:
    """The trace of a first-order optimizer on f: `steps` times backward and step.

    f: a function of one Tensor that returns a scalar Tensor, perhaps a random one;
    w0: its floating-point argument; optimizer: makes the optimizer of a list of
    parameters, such as `lambda params: SGD(params, lr=0.1)`. All steps are taken unless
    f or its gradient becomes infinite or nan (NumPy's warnings about that are off).

    Raises TypeError for a w0 that is not floating-point, an f that returns no Tensor
    and an optimizer that is none; ValueError if w0 or f there is not finite, if f is no
    scalar, and for gtol or steps below 0.
    """
    if not gtol >= 0:
        raise ValueError(f"gtol: must be at least 0, got {gtol}")
    _check_count("steps", steps)
    w = Parameter(_array(w0))
    made = optimizer([w]) if callable(optimizer) else None
    if not isinstance(made, Optimizer):
        raise TypeError("optimizer: a function that makes an Optimizer of a list of "
                        "parameters is needed, such as lambda params: SGD(params, "
                        f"lr=0.1); got {made or optimizer!r}")
    path, losses, slopes = [], [], []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for k in range(steps + 1):
            w.grad = None
            y = f(w) if k else _scalar(f(w))
            y.backward()
            path.append(w.data.copy())  # copies: an optimizer may work in place
            losses.append(y.item())
            slopes.append(w.grad.copy())
            if not math.isfinite(losses[-1]):
                break
            if k < steps:
                made.step()
        norms = np.linalg.norm(np.stack(slopes).reshape(len(path), -1), axis=1)
    evaluations, finite = len(path), np.isfinite(losses) & np.isfinite(norms)
    n = evaluations if finite.all() else int(np.argmin(finite))  # how many are finite
    if not n:
        raise ValueError("w0: f and its gradient must be finite there, got f = "
                         f"{losses[0]}, gradient norm {norms[0]}")
    return Trace(
        w=np.stack(path[:n]), loss=np.array(losses[:n]), gradient_norm=norms[:n],
        step_length=np.array([]), function_evaluations=evaluations,
        gradient_evaluations=evaluations, hessian_evaluations=0,
        stopped="max_iterations" if n > steps else f"f is not finite at step {n}",
        converged=bool(norms[n - 1] <= gtol))


def _scalar(y: Any) -> Tensor:
    if not isinstance(y, Tensor):
        raise TypeError("f: must return a Tensor computed from its argument, got "
                        f"{type(y).__name__}")
    if y.size != 1:
        raise ValueError(f"f: must return a scalar, got shape {y.shape}; use .sum() "
                         "or .mean()")
    return y


def _array(w0: Any) -> np.ndarray:
    """w0 as a new array of floating-point numbers, at least one."""
    w = np.array(unwrap(w0))
    if w.dtype.kind != "f":
        raise TypeError(f"w0: floating-point numbers are needed, got {w.dtype}; write "
                        "1.0 for 1")
    if not w.size or not np.isfinite(w).all():
        raise ValueError(f"w0: finite numbers, at least one, are needed, got {w}")
    return w


def _check_count(name: str, n: int) -> None:
    if not isinstance(n, (int, np.integer)) or n < 0:
        raise ValueError(f"{name}: an integer of at least 0 is needed, got {n!r}")
