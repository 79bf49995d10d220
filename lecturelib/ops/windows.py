"""What the functions of windows ask of their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

Pair = int | tuple[int, int]


def pair(name: str, argument: str, value: Any, least: int) -> tuple[int, int]:
    """An int for both axes, or a pair of ints (height, width), as a pair.

    Raises ValueError that names the function and the argument.
    """
    both = (value, value) if isinstance(value, (int, np.integer)) else value
    if (not isinstance(both, (tuple, list)) or len(both) != 2
            or not all(isinstance(v, (int, np.integer)) and v >= least for v in both)):
        raise ValueError(f"{name}: {argument} must be an integer ≥ {least}, or a pair "
                         f"of them (height, width), got {value!r}")
    return int(both[0]), int(both[1])


def check_images(name: str, x: Any) -> None:
    """ValueError unless x is (N, C, H, W)."""
    if len(x.shape) != 4:
        fix = {2: ": x[None, None]", 3: ": x[None]"}.get(len(x.shape), "")
        raise ValueError(f"{name}: x must be (N, C, H, W), got {x.shape}; images need "
                         f"a batch axis and channels{fix}")


def check_windows(name: str, x: Any, size: tuple, padding: tuple,
                  dilation: tuple = (1, 1)) -> None:
    """ValueError unless x is (N, C, H, W) and a window fits into the padded image."""
    check_images(name, x)
    padded = tuple(n + 2 * p for n, p in zip(x.shape[2:], padding))
    reach = tuple(d * (k - 1) + 1 for k, d in zip(size, dilation))
    if any(r > n for r, n in zip(reach, padded)):
        raise ValueError(
            f"{name}: a window of {reach} is larger than the padded image, {padded}, "
            f"of x {x.shape}; use a smaller kernel or more padding")
