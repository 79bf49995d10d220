"""The words in which tests speak: compare a student's numbers, and explain.

A test calls the student's function and hands what comes back to `close`, `same`,
`holds` and the like. A comparison that fails raises `Mismatch`, which knows what was
expected and what came, so that the same wrong numbers can be recognized again. No
operator of a student's object is ever used: only exact NumPy arrays and numbers pass
`array_of`, all else is told apart by its type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# the types of numbers, by identity: what another type says of itself is no matter
NUMBERS = {id(t) for t in (bool, int, float, complex)} | {
    id(t) for t in np.sctypeDict.values() if issubclass(t, np.number | np.bool_)
}


CHANGED = (
    "changed an array that it was given. The caller still needs the original: write "
    "x = x - y instead of x -= y, or work on a copy, x = x.copy()."
)
SHOWN = 36  # numbers of an array that a message shows in full


class StudentError(Exception):
    """The student's code raised an exception; the text, shown as it is, says which."""


class Mismatch(AssertionError):
    """A comparison failed.

    kind: "type", "shape", "dtype", "value", "item" or "property"; what: the thing that
    was compared, in words; expected and got: both, as text; detail: where and how far
    they differ; value and right: the two arrays, where the kind is shape, dtype or
    value.
    """

    def __init__(
        self,
        kind: str,
        what: str,
        expected: str,
        got: str,
        detail: str = "",
        *,
        value: np.ndarray | None = None,
        right: np.ndarray | None = None,
    ):
        super().__init__(f"{what}: expected {expected}, got {got}. {detail}".strip())
        self.kind, self.what, self.expected, self.got = kind, what, expected, got
        self.detail, self.value, self.right = detail, value, right


def type_name(thing: Any) -> str:
    """The name of a thing's type, as a message calls it."""
    if thing is None:
        return "None (is there a return?)"
    if thing is ...:
        return "... (the place that waits for your code)"
    kind = type(thing)
    name = kind.__dict__.get("__student_type__") or kind.__name__
    if kind.__name__ == "Tensor":
        return "a Tensor (its array is .data)"
    if issubclass(kind, np.ndarray) and kind is not np.ndarray:
        return f"a {name}, a subclass of np.ndarray"
    if kind is np.ndarray:
        return f"an array of dtype {thing.dtype}"
    return f"a {name}"


def is_number(thing: Any) -> bool:
    """Whether a thing is exactly a Python or NumPy number; its type is not asked."""
    return id(type(thing)) in NUMBERS


def array_of(got: Any, what: str = "the result") -> np.ndarray:
    """A number or exact NumPy array of numbers, as a new array; else Mismatch."""
    if is_number(got) or type(got) is np.ndarray:
        array = np.array(got)
        if array.dtype.kind in "biufc":
            return array
    raise Mismatch(
        "type", what, "a number or a plain NumPy array of numbers", type_name(got)
    )


def copied(thing: Any) -> Any:
    """A thing with new arrays, lists, tuples and dicts; all else is the same object."""
    if isinstance(thing, np.ndarray):
        return thing.copy()
    if isinstance(thing, list | tuple):
        return type(thing)([copied(x) for x in thing])
    if isinstance(thing, dict):
        return {key: copied(x) for key, x in thing.items()}
    return thing


def changes_array(old: Any, new: Any) -> bool:
    """Whether an array of `old`, also in lists, tuples and dicts, differs in `new`."""
    if isinstance(old, np.ndarray):
        return not (
            isinstance(new, np.ndarray)
            and old.shape == new.shape
            and np.array_equal(old, new, equal_nan=old.dtype.kind in "fc")
        )
    if isinstance(old, list | tuple):
        return isinstance(new, list | tuple) and any(map(changes_array, old, new))
    if isinstance(old, dict):
        return isinstance(new, dict) and any(
            changes_array(x, new[key]) for key, x in old.items() if key in new
        )
    return False


def show(thing: Any) -> str:
    """A value in a message: small arrays in full, of large ones the beginning."""
    if is_number(thing) or type(thing) is np.ndarray:
        array = np.asarray(thing)
        if array.dtype.kind not in "biufc":
            return type_name(thing)
        if array.size <= SHOWN:
            return _digits(array.tolist())
        begin = ", ".join(f"{x:.6g}" for x in array.ravel()[:3])
        return f"{array.dtype} array of shape {array.shape}: {begin}, …"
    if type(thing) is list or type(thing) is tuple:
        inner = ", ".join(show(x) for x in thing[:8]) + (
            ", …" if len(thing) > 8 else ""
        )
        return f"[{inner}]" if type(thing) is list else f"({inner})"
    if type(thing) is dict:
        inner = ", ".join(f"{show(k)}: {show(v)}" for k, v in list(thing.items())[:8])
        return "{" + inner + (", …}" if len(thing) > 8 else "}")
    if type(thing) is str:
        return repr(thing)
    if callable(thing):
        name = getattr(thing, "__name__", None)
        return name.replace("<lambda>", "f") if type(name) is str else "a function"
    return type_name(thing)


def _digits(numbers: Any) -> str:
    if isinstance(numbers, list):
        return f"[{', '.join(map(_digits, numbers))}]"
    return str(numbers) if isinstance(numbers, bool | complex) else f"{numbers:.7g}"


def close(
    got: Any,
    expected: Any,
    what: str = "the result",
    *,
    rtol: float = 1e-7,
    atol: float = 1e-9,
    dtype: Any = None,
) -> None:
    """got has the shape of expected, and |got − expected| ≤ atol + rtol |expected|.

    Element by element. dtype, if given, must be that of got. NaN equals NaN. Raises
    Mismatch.
    """
    right = np.asarray(expected)
    array = array_of(got, what)
    known: dict[str, Any] = {"value": array, "right": right}
    if array.shape != right.shape:
        raise Mismatch(
            "shape", what, f"shape {right.shape}", f"shape {array.shape}", **known
        )
    if dtype is not None and array.dtype != np.dtype(dtype):
        raise Mismatch(
            "dtype", what, f"dtype {np.dtype(dtype)}", f"dtype {array.dtype}", **known
        )
    wide = np.complex128 if "c" in array.dtype.kind + right.dtype.kind else np.float64
    a, b = np.atleast_1d(array.astype(wide)), np.atleast_1d(right.astype(wide))
    with np.errstate(all="ignore"):
        wrong = ~np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
        if wrong.any():
            raise Mismatch(
                "value",
                what,
                show(right),
                show(array),
                _difference(a, b, wrong, array.ndim),
                **known,
            )


def _difference(a: np.ndarray, b: np.ndarray, wrong: np.ndarray, ndim: int) -> str:
    error = np.where(
        wrong, np.nan_to_num(np.abs(a - b), nan=np.inf, posinf=np.inf), -1.0
    )
    largest = np.unravel_index(np.argmax(error), error.shape)
    size = f"{error[largest]:.3g}"
    infinite = np.isfinite(b) & ~np.isfinite(a)
    if ndim == 0:
        return "It is not a finite number." if infinite.any() else f"The error is {size}."
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    largest_error = (
        f"Numbers that are not finite: {int(infinite.sum())}."
        if infinite.any()
        else f"Largest error {size}, at index {_index(largest)}."
    )
    return (
        f"First wrong at index {_index(first)}: "
        f"expected {b[first]:.7g}, got {a[first]:.7g}. "
        f"{largest_error} {int(wrong.sum())} of {wrong.size} numbers differ."
    )


def _index(index: tuple) -> str:
    numbers = [int(i) for i in index]
    return str(numbers[0]) if len(numbers) == 1 else str(tuple(numbers))


def same(got: Any, expected: Any, what: str = "the result") -> None:
    """got is the same text, number, truth value, None, or a container of such."""
    if not _same(got, expected):
        raise Mismatch("item", what, show(expected), show(got))


def _same(got: Any, expected: Any) -> bool:
    if type(expected) is dict:
        return (
            type(got) is dict
            and got.keys() == expected.keys()
            and all(_same(got[key], value) for key, value in expected.items())
        )
    if type(expected) in (list, tuple):
        return (
            (type(got) is list or type(got) is tuple)
            and len(got) == len(expected)
            and all(map(_same, got, expected))
        )
    if is_number(expected):
        return is_number(got) and bool(np.array(got) == np.array(expected))
    return type(got) is type(expected) and got == expected


def parts(got: Any, count: int, what: str = "the result") -> tuple:
    """The `count` elements of a tuple or list; Mismatch if it is no such thing."""
    if type(got) is not tuple and type(got) is not list:
        raise Mismatch("type", what, f"a tuple or list of {count}", type_name(got))
    if len(got) != count:
        raise Mismatch(
            "type",
            what,
            f"a tuple or list of {count}",
            f"a {type(got).__name__} of {len(got)}",
        )
    return tuple(got)


def numbers(got: Any, count: int, what: str = "the result") -> np.ndarray:
    """The `count` single numbers in a tuple or list, as an array; else Mismatch."""
    array = [array_of(value, f"each of {what}") for value in parts(got, count, what)]
    for value in array:
        if value.shape != ():
            raise Mismatch(
                "type",
                f"each of {what}",
                "a number",
                f"an array of shape {value.shape}",
            )
    return np.array(array)


def entries(got: Any, keys: list[str], what: str = "the result") -> tuple:
    """The values of a dictionary at these keys; Mismatch if it lacks one."""
    if type(got) is not dict:
        raise Mismatch("type", what, "a dict", type_name(got))
    missing = [key for key in keys if key not in got]
    if missing:
        raise Mismatch(
            "type",
            what,
            f"a dict with the keys {', '.join(keys)}",
            f"a dict without {', '.join(missing)}",
        )
    return tuple(got[key] for key in keys)


def holds(
    condition: bool, what: str, expected: str = "true", got: str = "false"
) -> None:
    """A property that the test has computed; what: the property, in words."""
    if not condition:
        raise Mismatch("property", what, expected, got)


def is_gradient(
    got: Any,
    f: Callable,
    x: np.ndarray,
    what: str = "the gradient",
    *,
    rtol: float = 1e-6,
    atol: float = 1e-8,
) -> None:
    """got is the gradient of a scalar function at x, by central differences."""
    from lecturelib.analysis import numeric_gradient

    close(
        got, numeric_gradient(f, np.asarray(x, np.float64)), what, rtol=rtol, atol=atol
    )
