"""Find where numbers first stop being numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.core import observers


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Stop at the operation, or the derivative rule, that first makes a NaN or an ∞.

        with detect_anomaly():
            loss = model(x)
            loss.backward()

    Raises FloatingPointError that names the operation, its arguments and the first bad
    element: for every NaN, and for an ∞ made of finite numbers. Every result is looked
    at, so it is slow: use it to find a mistake, not to train. As
    `torch.autograd.detect_anomaly`, which sees gradients alone.
    """
    observers.append(_check)
    try:
        yield
    finally:
        observers.remove(_check)


def _check(name: str, names: tuple[str, ...], values: list, attrs: dict,
           data: Any) -> None:
    result = backend.numpy(data)
    if result.dtype.kind != "f" or np.isfinite(result).all():
        return
    bad = np.isnan(result)
    if not bad.any():  # an ∞: was there one among the arguments?
        bad = np.isinf(result)
        if not all(np.isfinite(backend.numpy(v)).all() for v in values if v is not None):
            return
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    already = [n for n, v in zip(names, values, strict=False)
               if v is not None and np.isnan(backend.numpy(v)).any()]
    cause = f"; {', '.join(already)} already held NaN" if already else ""
    raise FloatingPointError(
        f"{name}({backend.describe(names, values)}): {bad.sum()} of {bad.size} elements "
        f"are {result[place]}, the first at {place}{cause}")
