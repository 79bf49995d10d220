"""Where windows fall: the arithmetic of size, stride, padding and dilation."""

from __future__ import annotations


def output_length(n: int, size: int, stride: int = 1, padding: int = 0,
                  dilation: int = 1) -> int:
    """How many windows fit along an axis of length n with zeros at both ends.

    ⌊(n + 2·padding − dilation·(size − 1) − 1) / stride⌋ + 1; below 1, none does.
    Source: {cite}`dumoulin2016guide`.
    """
    return (n + 2 * padding - dilation * (size - 1) - 1) // stride + 1


def along(start: int, count: int, step: int) -> slice:
    """The slice of `count` places from `start` on, `step` apart."""
    return slice(start, start + step * (count - 1) + 1, step)
