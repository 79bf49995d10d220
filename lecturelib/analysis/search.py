"""The search for hyper-parameters: grid, random and Bayesian; and cross-validation.

A space names each hyper-parameter and says which values it may take. The objective
takes them by name and gives the number to be made small (large, with maximize=True):

    space = {"lr": LogUniform(1e-4, 1), "layers": Integers(1, 4), "norm": [True, False]}
    result = random_search(objective, space, trials=20, rng=rng)
    result.best  # {'params': {'lr': 0.012, 'layers': 2, 'norm': True}, 'value': ...}
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from lecturelib import ops
from lecturelib.backend import check_rng
from lecturelib.data import Dataset
from lecturelib.train.progress import progress_bar


class Dimension:
    """The values of one hyper-parameter, laid out along u from 0 to 1."""

    def at(self, u: float) -> Any:
        """The value at u in [0, 1]; with u drawn from U[0, 1) it is a random one."""
        raise NotImplementedError(f"{type(self).__name__} must define at(self, u)")

    def grid(self, points: int) -> list:
        """`points` values at equal distances in u, or all if there are not so many."""
        return [self.at(float(u)) for u in np.linspace(0, 1, points)]

    def coordinates(self, value: Any) -> list[float]:
        """Where a value lies, as the Gaussian process sees it: numbers in [0, 1]."""
        raise NotImplementedError(
            f"{type(self).__name__} must define coordinates(self, value)")


@dataclass(frozen=True)
class Uniform(Dimension):
    """Numbers from `low` to `high`, all equally likely."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_range(self)

    def at(self, u: float) -> float:
        return (1 - u) * self.low + u * self.high

    def coordinates(self, value: float) -> list[float]:
        return [(value - self.low) / (self.high - self.low)]


@dataclass(frozen=True)
class LogUniform(Dimension):
    """Positive numbers with a uniform logarithm: every power of ten is equally likely.

    So learning rates and penalties are searched, of which not even the size is known.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_range(self)
        if not self.low > 0:
            raise ValueError(f"LogUniform: low must be positive, got {self.low}")

    def at(self, u: float) -> float:
        return self.low ** (1 - u) * self.high ** u

    def coordinates(self, value: float) -> list[float]:
        return [math.log(value / self.low) / math.log(self.high / self.low)]


@dataclass(frozen=True)
class Integers(Dimension):
    """The integers from `low` to `high`, both included, all equally likely."""

    low: int
    high: int

    def __post_init__(self) -> None:
        for name, n in vars(self).items():
            if not isinstance(n, Integral) or isinstance(n, bool):
                raise TypeError(f"Integers: {name} must be an integer, got {n!r}")
        _check_range(self)

    def at(self, u: float) -> int:
        return min(self.low + math.floor(u * (self.high - self.low + 1)), self.high)

    def grid(self, points: int) -> list:
        spread = np.linspace(self.low, self.high, points)
        return [int(n) for n in np.unique(np.round(spread))]

    def coordinates(self, value: int) -> list[float]:
        return [(value - self.low) / (self.high - self.low)]


@dataclass(frozen=True)
class Choice(Dimension):
    """One of some values of any kind, without an order, all equally likely.

    In a space a plain list will do. The coordinates are 1 for the value, 0 for others.
    """

    values: Sequence

    def __post_init__(self) -> None:
        if isinstance(self.values, str) or not len(self.values):
            raise ValueError("Choice: a list of at least one value is needed, "
                             f"got {self.values!r}")

    def at(self, u: float) -> Any:
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]

    def grid(self, points: int) -> list:
        return list(self.values)

    def coordinates(self, value: Any) -> list[float]:
        return [float(value is v or value == v) for v in self.values]


Space = Mapping[str, Dimension | Sequence]


@dataclass
class SearchResult:
    """All trials of a search, in their order.

    Each is a dict: "params" by name, "value" of the objective, and "error", which is
    empty unless the trial failed; then the value is NaN.
    """

    trials: list[dict[str, Any]]
    maximize: bool = False

    def ranking(self) -> list[dict[str, Any]]:
        """The trials from best to worst, those that failed last."""
        return sorted(self.trials, key=self._rank)

    @property
    def best(self) -> dict[str, Any]:
        """The best trial, the first of equal ones."""
        return min(self.trials, key=self._rank)

    def _rank(self, trial: dict[str, Any]) -> float:
        if trial["error"]:
            return math.inf
        return -trial["value"] if self.maximize else trial["value"]

    def best_so_far(self) -> list[float]:
        """The best value after each trial; NaN until one has succeeded."""
        choose = np.fmax if self.maximize else np.fmin
        return choose.accumulate([t["value"] for t in self.trials]).tolist()

    def table(self, rows: int = 10) -> str:
        """The best trials as text, a line for each."""
        ranked = self.ranking()[:rows]
        lines = [[*self.trials[0]["params"], "value"]]
        lines += [[_text(v) for v in (*t["params"].values(), t["error"] or t["value"])]
                  for t in ranked]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip()
                         for line in lines)

    def __repr__(self) -> str:
        failed = sum(bool(t["error"]) for t in self.trials)
        params = ", ".join(f"{n}={_text(v)}" for n, v in self.best["params"].items())
        return (f"SearchResult({len(self.trials)} trials, {failed} failed, best: "
                f"{_text(self.best['value'])} at {params})")


def grid_search(objective: Callable[..., float], space: Space, *, points: int = 5,
                maximize: bool = False, progress: bool = True) -> SearchResult:
    """Try every combination of `points` values of each dimension, and of all choices.

    A trial fails if the objective raises an exception or gives a number that is not
    finite. It is recorded, and the search goes on.

    Raises RuntimeError if all trials fail, ValueError for points < 2 or an empty space.
    """
    if not points >= 2:
        raise ValueError(f"points: at least 2 are needed, got {points}")
    grids = {name: d.grid(points) for name, d in _dimensions(space).items()}
    combinations = list(itertools.product(*grids.values()))
    proposals = (dict(zip(grids, values, strict=True)) for values in combinations)
    return _search(objective, lambda result: next(proposals), len(combinations),
                   maximize, progress)


def random_search(objective: Callable[..., float], space: Space, *, trials: int,
                  rng: np.random.Generator, maximize: bool = False,
                  progress: bool = True) -> SearchResult:
    """Try values drawn at random, each hyper-parameter by itself.

    Where few of the hyper-parameters matter, this is better than a grid: as many values
    of each are tried as there are trials. Failures and errors as in `grid_search`.
    Source: {cite}`bergstra2012random`.
    """
    draws = iter(_draw(_dimensions(space), trials, rng))
    return _search(objective, lambda result: next(draws), trials, maximize, progress)


def bayesian_search(objective: Callable[..., float], space: Space, *, trials: int,
                    rng: np.random.Generator, initial: int = 5, candidates: int = 1000,
                    maximize: bool = False, progress: bool = True) -> SearchResult:
    """Let a model of the objective say where to try next.

    After `initial` random trials a Gaussian process (Matérn kernel, ν = 5/2, with a
    length for each coordinate, and noise; fitted by scikit-learn) predicts mean and
    standard deviation of the next value at `candidates` random points. The one with the
    largest `expected_improvement` is tried. A failed trial counts as the worst so far.

    Failures and errors as in `grid_search`, and ImportError without scikit-learn.
    Source: {cite}`snoek2012practical`.
    """
    dimensions = _dimensions(space)
    if not (initial >= 1 and candidates >= 1):
        raise ValueError("initial, candidates: at least 1 is needed of each, "
                         f"got {initial} and {candidates}")
    predict = _gaussian_process()
    first = _draw(dimensions, trials, rng)[:initial]

    def propose(result: SearchResult) -> dict[str, Any]:
        """Where to try next, given all trials so far."""
        values = _losses(result)
        if len(result.trials) < len(first):
            return first[len(result.trials)]
        if not values:  # all have failed: nothing to learn from yet
            return _draw(dimensions, 1, rng)[0]
        tried = [_coordinates(dimensions, t["params"]) for t in result.trials]
        pool = _draw(dimensions, candidates, rng)
        pool = [p for p in pool if _coordinates(dimensions, p) not in tried] or pool
        mean, std = predict(tried, values, [_coordinates(dimensions, p) for p in pool],
                            seed=int(rng.integers(2**32)))
        return pool[int(np.argmax(expected_improvement(mean, std, min(values))))]

    return _search(objective, propose, trials, maximize, progress)


def expected_improvement(mean: Any, std: Any, best: float) -> np.ndarray:
    """By how much a normal random value is expected to fall below the best one so far.

    E[max(best − y, 0)] = (best − μ) Φ(z) + σ φ(z),  z = (best − μ) / σ,  y ~ N(μ, σ²):

    large where the mean is low, or the uncertainty high. Shapes: those of mean and std,
    broadcast. Where σ = 0 it is max(best − μ, 0). Raises ValueError for negative std.
    Source: {cite}`jones1998efficient`, equation 15.
    """
    mean, std = np.broadcast_arrays(np.asarray(mean, float), np.asarray(std, float))
    if not (std >= 0).all():
        raise ValueError(f"std: must be at least 0, got {std.min()}")
    gain = best - mean
    z = gain / np.where(std > 0, std, 1)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    cumulative = (1 + ops.erf(z / math.sqrt(2))) / 2
    expected = np.where(std > 0, gain * cumulative + std * density, gain)
    return np.maximum(expected, 0)


def _search(objective: Callable[..., float],
            propose: Callable[[SearchResult], dict[str, Any]], count: int,
            maximize: bool, progress: bool) -> SearchResult:
    """Evaluate `count` proposals, each made knowing all trials before it."""
    result = SearchResult([], maximize)
    failure: Exception | None = None
    with progress_bar(total=count, enabled=progress) as bar:
        for _ in range(count):
            trial: dict[str, Any] = {
                "params": propose(result), "value": math.nan, "error": ""}
            try:
                value = float(objective(**trial["params"]))
                if not math.isfinite(value):
                    raise FloatingPointError(f"the objective is {value}")
                trial["value"] = value
            except Exception as error:  # whatever it is: one bad trial ends no search
                failure = error
                trial["error"] = f"{type(error).__name__}: {error}"
            result.trials.append(trial)
            bar.update(f"best {_text(result.best['value'])}")
    if failure is not None and all(t["error"] for t in result.trials):
        raise RuntimeError(f"objective: all {count} trials failed, the last with "
                           f"{result.trials[-1]['error']}") from failure
    return result


def _gaussian_process() -> Callable:
    """A function that fits a Gaussian process and predicts mean and deviation."""
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import (
            ConstantKernel,
            Matern,
            WhiteKernel,
        )
    except ImportError as error:
        raise ImportError("bayesian_search needs scikit-learn: python -m pip install "
                          "scikit-learn; random_search does without") from error

    def predict(x: list, y: list, where: list, *, seed: int) -> tuple:
        """Mean and standard deviation of the next value measured at each of `where`."""
        lengths = np.full(len(x[0]), 0.5)  # in units of each dimension's whole range
        kernel = (ConstantKernel() * Matern(lengths, (0.05, 20), nu=2.5)
                  + WhiteKernel(1e-3, (1e-8, 1)))
        process = GaussianProcessRegressor(
            kernel, normalize_y=True, n_restarts_optimizer=1, random_state=seed)
        with warnings.catch_warnings():  # a length at its bound is an answer, too
            warnings.simplefilter("ignore", ConvergenceWarning)
            process.fit(np.array(x), np.array(y))
        return process.predict(np.array(where), return_std=True)

    return predict


def _losses(result: SearchResult) -> list[float]:
    """What to make small: the values, failed trials as the worst; [] if all failed."""
    sign = -1 if result.maximize else 1
    good = [sign * t["value"] for t in result.trials if not t["error"]]
    return [max(good) if t["error"] else sign * t["value"]
            for t in result.trials] if good else []


def _dimensions(space: Space) -> dict[str, Dimension]:
    """The space, checked, its lists as choices."""
    if not space:
        raise ValueError("space: at least one hyper-parameter is needed")
    for name, d in space.items():
        if not isinstance(d, (Dimension, Sequence)) or isinstance(d, str):
            raise TypeError(f"space[{name!r}]: a list of values is needed, or Uniform, "
                            f"LogUniform, Integers or Choice; got {d!r}")
    return {name: d if isinstance(d, Dimension) else Choice(d)
            for name, d in space.items()}


def _draw(space: Mapping[str, Dimension], count: int,
          rng: np.random.Generator) -> list[dict[str, Any]]:
    """`count` points drawn at random."""
    if not isinstance(count, Integral) or count < 1:
        raise ValueError(f"trials: an integer of at least 1 is needed, got {count!r}")
    u = check_rng(rng).random((count, len(space)))
    return [{name: d.at(float(x)) for (name, d), x in zip(space.items(), row)}
            for row in u]


def _coordinates(space: Mapping[str, Dimension], params: Mapping) -> list[float]:
    return [c for name, d in space.items() for c in d.coordinates(params[name])]


def _check_range(dimension: Any) -> None:
    low, high = dimension.low, dimension.high
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"{type(dimension).__name__}: finite numbers low < high are "
                         f"needed, got {low} and {high}")


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass
class CrossValidation:
    """The scores of the folds, their mean and its standard error."""

    scores: list[float]

    @property
    def mean(self) -> float:
        """The mean score."""
        return float(np.mean(self.scores))

    @property
    def standard_error(self) -> float:
        """s / √k, with s the standard deviation of the k scores (over k − 1).

        The folds share training examples, so the scores are not independent and this
        is rather too small; no estimate from them alone is unbiased
        ({cite}`bengio2004no`).
        """
        return float(np.std(self.scores, ddof=1) / math.sqrt(len(self.scores)))

    def __repr__(self) -> str:
        return (f"CrossValidation({_text(self.mean)} ± {_text(self.standard_error)}, "
                f"{len(self.scores)} folds)")


def cross_validate(score: Callable[[Dataset, Dataset], float], dataset: Dataset,
                   k: int = 5, *, rng: np.random.Generator) -> CrossValidation:
    """Hold out each of k folds in turn: score(train, held_out), k times.

    `score` trains a new model on the first Dataset and returns its score on the second.
    With an `rng` of the same seed the folds are the same, so that two models can be
    compared fold by fold.

    Raises ValueError for k < 2, k > the number of examples and scores that are not
    finite.
    """
    folds = k_folds(len(dataset), k, rng=rng)
    scores = []
    for i, held_out in enumerate(folds):
        train = np.concatenate(folds[:i] + folds[i + 1:])
        scores.append(float(score(dataset[train], dataset[held_out])))
        if not math.isfinite(scores[-1]):
            raise ValueError(f"score: fold {i + 1} of {k} has score {scores[-1]}")
    return CrossValidation(scores)


def k_folds(n: int, k: int, *, rng: np.random.Generator) -> list[np.ndarray]:
    """The numbers 0 to n − 1 dealt at random into k folds, as arrays of indices.

    Each number is in one fold; the sizes of the folds differ by at most 1. Raises
    ValueError unless 2 ≤ k ≤ n.
    """
    if not (isinstance(k, Integral) and 2 <= k <= n):
        raise ValueError(f"k: an integer from 2 to the number of examples, {n}, is "
                         f"needed, got {k!r}")
    return np.array_split(check_rng(rng).permutation(n), k)
