"""What a reader can move: sliders, choices, check boxes, small grids of numbers.

Python and the page mean the same by a state: for each control the position in the list
of its values. All values and their texts are made here, none in the page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Control:
    """A control with the values it can take and how each is called.

    kind: "slider", "choice", "check" or "numbers"; start: the position at first, of
    "numbers" the numbers; every: each how manyth value has a frame in the table; play:
    seconds from the first value to the last, None for a slider without a play button.
    """

    kind: str
    name: str
    label: str
    values: tuple[Any, ...]
    texts: tuple[str, ...]
    start: Any
    every: int = 1
    play: float | None = None

    def position(self, value: Any) -> Any:
        """Where `value` stands in the list; ValueError, naming what would be right."""
        if self.kind == "numbers":
            return self._numbers(value)
        for i, known in enumerate(self.values):
            if known == value or (isinstance(known, float) and _near(known, value)):
                return i
        known = ", ".join(map(str, self.values[:12])) + ", …" * (len(self.values) > 12)
        raise ValueError(f"{self.name}: one of {known} is needed, got {value!r}")

    def value(self, position: Any) -> Any:
        """The value at a position."""
        return tuple(position) if self.kind == "numbers" else self.values[position]

    def spec(self) -> dict[str, Any]:
        """What the page needs to know."""
        return {"kind": self.kind, "name": self.name, "label": self.label,
                "values": list(self.values), "texts": list(self.texts),
                "every": self.every, "play": self.play}

    def _numbers(self, value: Any) -> list[float]:
        found = [float(v) for v in value]
        if len(found) != len(self.values) or not all(map(math.isfinite, found)):
            raise ValueError(f"{self.name}: {len(self.values)} finite numbers are "
                             f"needed, got {value!r}")
        return found


def slider(name: str, label: str, values: Iterable[float], start: float | None = None,
           *, text: str | Callable[[float], str] = "{:g}", every: int = 1,
           play: float | None = None) -> Control:
    """A slider over `values`, at `start` first (default: the first value).

    text: how a value is written, a format or a function. every=k: only each k-th value
    has frames in the table; between them the page interpolates, and a kernel computes.
    play: with a button that runs through all values in so many seconds.

    Raises ValueError for fewer than two values, or if the last one has no frame.
    """
    steps = tuple(float(v) for v in values)
    if len(steps) < 2 or every < 1 or (len(steps) - 1) % every:
        raise ValueError(f"{name}: the number of values must be a multiple of every, "
                         f"plus 1; got {len(steps)} with every={every}")
    write = text.format if isinstance(text, str) else text
    texts = tuple(write(v).replace("-", "−") for v in steps)
    control = Control("slider", name, label, steps, texts, 0, every, play)
    return control if start is None else starting(control, start)


def choice(name: str, label: str, options: Mapping[str, str],
           start: str | None = None) -> Control:
    """One of several: options maps each value to how it is called."""
    values, texts = tuple(options), tuple(options.values())
    if len(values) < 2:
        raise ValueError(f"{name}: at least two options are needed, got {values}")
    control = Control("choice", name, label, values, texts, 0)
    return control if start is None else starting(control, start)


def check(name: str, label: str, start: bool = False) -> Control:
    """A check box: False or True."""
    return Control("check", name, label, (False, True), ("off", "on"), int(start))


def numbers(name: str, label: str, start: Iterable[float]) -> Control:
    """A few numbers to type; the page works with them, tables cannot depend on them."""
    values = tuple(float(v) for v in start)
    return Control("numbers", name, label, values, (), list(values))


def starting(control: Control, value: Any) -> Control:
    """The same control, at `value` first."""
    return replace(control, start=control.position(value))


def _near(known: float, value: Any) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and math.isclose(known, value, rel_tol=1e-6, abs_tol=1e-12))
