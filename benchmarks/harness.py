"""Time several ways of doing one thing, in turns, in one process, on one thread."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUM_CPU_THREADS"):
    os.environ[_name] = "1"  # before NumPy, torch and tinygrad are loaded

import numpy as np  # noqa: E402 (not before)

Step = Callable[[], object]
FEWEST = 3  # rounds of a contestant that is very slow


@dataclass(frozen=True)
class Result:
    """Quartiles (low, median, high) of seconds per call, and of the ratio to the reference.

    The ratio is that of the times of one round, so what slows a whole round cancels.
    """

    seconds: tuple[float, float, float]
    ratio: tuple[float, float, float]
    rounds: int


def race(steps: dict[str, Step], reference: str, rounds: int = 30, seconds: float = 0.02,
         wait: Step = lambda: None) -> dict[str, Result]:
    """Call all in turns, `rounds` times, each time for about `seconds` in a row.

    Taking turns makes all see the same machine: whatever slows one round slows all of it. A
    contestant whose single call takes far longer than `seconds` sits out some of the rounds.
    `wait` is called before each look at the clock, to let a GPU finish.
    """
    gc.collect()
    alone = {name: _warm_up(f, seconds, wait) for name, f in steps.items()}
    calls = {name: max(1, round(seconds / t)) for name, t in alone.items()}
    every = {name: min(max(1, int(t / (4 * seconds))), max(1, rounds // FEWEST))
             for name, t in alone.items()}
    every[reference] = 1
    names = list(steps)
    times = {name: np.full(rounds, np.nan) for name in names}
    for r in range(rounds):
        names.append(names.pop(0))  # nobody always comes first
        for name in names:
            if r % every[name] == 0:
                times[name][r] = _time(steps[name], calls[name], wait)
    return {name: Result(_quartiles(t), _quartiles(t / times[reference]),
                         int(np.isfinite(t).sum()))
            for name, t in times.items()}


def _quartiles(values: np.ndarray) -> tuple[float, float, float]:
    low, middle, high = np.nanpercentile(values, (25, 50, 75))
    return float(low), float(middle), float(high)


def _warm_up(f: Step, seconds: float, wait: Step) -> float:
    """Seconds per call, after the first calls, which compile and fill caches."""
    f()
    once = _time(f, 1, wait)
    return max(once if once > seconds else _time(f, 3, wait), 1e-7)


def _time(f: Step, calls: int, wait: Step = lambda: None) -> float:
    wait()
    start = time.perf_counter()
    for _ in range(calls):
        f()
    wait()
    return (time.perf_counter() - start) / calls
