"""Time two ways of doing one thing, in turns, in one process, on one thread."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # before NumPy and torch are loaded

import numpy as np  # noqa: E402 (not before)


@dataclass
class Comparison:
    """Seconds per call of ours and of the peer, and the quartiles of their ratio, pair by pair."""

    ours: float
    peer: float
    ratio: tuple[float, float, float]


def compare(ours: Callable[[], object], peer: Callable[[], object], rounds: int = 60,
            seconds: float = 0.02) -> Comparison:
    """Call both in turns, `rounds` times, each time for about `seconds` in a row.

    Taking turns makes both see the same machine: whatever slows one round slows both sides of it.
    """
    calls = [_calls(f, seconds) for f in (ours, peer)]
    times = np.empty((rounds, 2))
    gc.collect()
    for r in range(rounds):
        for k, f in enumerate((ours, peer)):
            times[r, k] = _time(f, calls[k])
    low, middle, high = np.percentile(times[:, 0] / times[:, 1], (25, 50, 75))
    return Comparison(*np.median(times, axis=0), (low, middle, high))


def row(name: str, result: Comparison, target: float | None, unit: str = "µs",
        per: int = 1) -> str:
    """One line of the table; `per` divides the times, for instance by the operations in a graph.

    Without a target the line is there for information.
    """
    scale = {"µs": 1e6, "ms": 1e3}[unit] / per
    low, middle, high = result.ratio
    verdict = "" if target is None else f"{target:8.2f}  {'met' if middle <= target else 'MISSED'}"
    return (f"{name:<44}{result.ours * scale:9.2f} {unit}{result.peer * scale:9.2f} {unit}"
            f"{middle:8.2f} ({low:.2f}–{high:.2f}){verdict}")


def header(peer: str) -> str:
    """The line above the rows."""
    return f"{'':<44}{'lecturelib':>12}{peer:>12}{'ratio (quartiles)':>20}{'target':>8}"


def _calls(f: Callable[[], object], seconds: float) -> int:
    f()
    return max(1, round(seconds / max(_time(f, 3), 1e-7)))


def _time(f: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        f()
    return (time.perf_counter() - start) / calls
