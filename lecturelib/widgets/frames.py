"""Tables of frames: what a widget shows at each position of its controls, packed small.

An array of a frame becomes 14-bit integers q with two numbers of its own,
value ≈ low + step · q, so the error is at most half of 1/16382 of its range, and whole
numbers stay exact; 16383 stands for nan, "nothing to draw here". Neighbours are alike,
so their differences, which are small, compress better: those are stored, written as
0, −1, 1, −2, 2 … → 0, 1, 2, 3, 4 …, first the high bytes of all, then the low ones.
In the page, `Table` in kit.js reads them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from lecturelib.widgets.controls import Control

LEVELS, MISSING = 16382, 16383
Frame = dict[str, Any]


def table_frames(part: Callable[..., Frame], over: Sequence[Control]
                 ) -> Iterator[Frame]:
    """The frames of a part for all combinations of its controls, the last one fastest.

    Raises ValueError where a frame's names or shapes differ from those of the first, or
    a number is infinite; TypeError for what is neither numbers nor text.
    """
    first: dict[str, Any] = {}
    for values in product(*(c.values[::c.every] for c in over)):
        at = dict(zip((c.name for c in over), values, strict=True))
        frame = {name: _checked(part, name, value, at)
                 for name, value in part(**at).items()}
        shapes = {name: getattr(v, "shape", type(v)) for name, v in frame.items()}
        first = first or shapes
        if shapes != first:
            raise ValueError(f"{part.__name__}({at}): the same names and shapes are "
                             f"needed in all frames, first {first}, here {shapes}")
        yield frame


def pack(frames: Mapping[str, tuple[Sequence[Control], list[Frame]]]
         ) -> tuple[dict[str, Any], bytes]:
    """The frames of all parts as a layout, for JSON, and compressed bytes.

    layout[part] = {"over": names, "sizes": frames along each, "texts": {name: list},
    "arrays": {name: [shape, offset]}}. At an offset (in bytes) stand, for each frame,
    low and step as two 32-bit floats; then the high and the low bytes of all frames.
    """
    layout, chunks, offset = {}, [], 0
    for part, (over, found) in frames.items():
        texts, arrays = {}, {}
        for name, value in found[0].items():
            column = [frame[name] for frame in found]
            if not isinstance(value, np.ndarray):
                texts[name] = column
                continue
            chunk = _quantize(np.stack(column).reshape(len(column), -1))
            arrays[name] = [list(value.shape), offset]
            chunks.append(chunk)
            offset += len(chunk)
        layout[part] = {"over": [c.name for c in over], "texts": texts,
                        "sizes": [len(c.values[::c.every]) for c in over],
                        "arrays": arrays}
    return layout, zlib.compress(b"".join(chunks), 9)


def unpack(layout: dict[str, Any], data: bytes, part: str, index: int) -> Frame:
    """One frame of a packed table, as the page sees it."""
    raw, found, entry = zlib.decompress(data), {}, layout[part]
    count = int(np.prod(entry["sizes"], dtype=int))
    for name, (shape, offset) in entry["arrays"].items():
        size = int(np.prod(shape, dtype=int))
        low, step = np.frombuffer(raw, "<f4", 2, offset + 8 * index).astype(float)
        first = offset + 8 * count + size * index
        high, below = (np.frombuffer(raw, np.uint8, size, at).astype(int)
                       for at in (first, first + size * count))
        z = 256 * high + below
        q = np.cumsum(np.where(z % 2, -(z + 1) // 2, z // 2))
        found[name] = np.where(q == MISSING, np.nan, low + step * q).reshape(shape)
    return {**found, **{name: column[index] for name, column in entry["texts"].items()}}


def fingerprint(frames: list[Frame]) -> str:
    """How many frames, and the mean absolute value of each array, to four digits.

    Unlike a hash it forgives differences in the last digits between machines.
    """
    means = [f"{name} {np.nanmean([np.nanmean(np.abs(f[name])) for f in frames]):.4g}"
             for name, value in frames[0].items() if isinstance(value, np.ndarray)]
    return " ".join([f"{len(frames)} ×", *means])


def _quantize(x: np.ndarray) -> bytes:
    """Rows of numbers, (frames, size), as bytes: low, step of each; then integers."""
    missing = np.isnan(x)
    low = np.where(missing, np.inf, x).min(axis=1)
    high = np.where(missing, -np.inf, x).max(axis=1)
    low, high = (np.where(missing.all(axis=1), 0.0, v) for v in (low, high))
    whole = (missing | (x == np.rint(x))).all(axis=1) & (high - low <= LEVELS)
    step = np.where(whole, 1.0, (high - low) / LEVELS)
    scale = np.stack([low, step], axis=1).astype("<f4")
    low, step = scale.astype(float).T[:, :, None]  # as the page will see them
    q = np.rint((np.where(missing, low, x) - low) / np.where(step > 0, step, 1))
    q = np.where(missing, MISSING, q.clip(0, LEVELS)).astype(int)
    change = np.diff(q, axis=1, prepend=0)
    z = np.where(change < 0, -2 * change - 1, 2 * change)
    return b"".join(v.tobytes() for v in (scale, (z // 256).astype(np.uint8),
                                          (z % 256).astype(np.uint8)))


def _checked(part: Callable, name: str, value: Any, at: dict[str, Any]) -> Any:
    where = f"{part.__name__}({at})[{name!r}]"
    if isinstance(value, str) or (isinstance(value, list)
                                  and all(isinstance(v, str) for v in value)):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{where}: numbers, a string or a list of strings are needed, "
                        f"got {type(value).__name__}")
    array = array.astype(float)
    if np.isinf(array).any():
        raise ValueError(f"{where}: infinite; clip it, or use nan for what is not to "
                         "be drawn")
    return array
