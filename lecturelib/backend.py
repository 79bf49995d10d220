"""What an array is: how data become arrays, and which dtypes may meet in one operation."""

from __future__ import annotations

from typing import Any

import numpy as np

DEFAULT_DTYPE = np.dtype(np.float32)  # of parameters and of numbers typed in Python
PYTHON_NUMBERS = (bool, int, float)  # "weak": they take the dtype of the array they meet


def asarray(data: Any, dtype: Any = None) -> np.ndarray:
    """Copy `data` into a new array; floats typed in Python become float32, arrays keep their dtype.

    Raises TypeError for what is not numeric and ValueError for ragged lists.
    """
    try:
        array = np.array(np.asarray(data, dtype))
    except ValueError as e:
        raise ValueError(f"data: cannot make an array of it ({e})") from e
    if array.dtype.kind not in "biuf":
        raise TypeError(f"data: numbers are needed, got {type(data).__name__} of {array.dtype}")
    if dtype is None and array.dtype == np.float64 and _typed_in_python(data):
        array = array.astype(DEFAULT_DTYPE)
    return array


def _typed_in_python(data: Any) -> bool:
    if isinstance(data, (list, tuple)):
        return all(map(_typed_in_python, data))
    return type(data) in PYTHON_NUMBERS


def agree(values: list) -> list:
    """Bring the arguments of one operation to one dtype.

    Python and NumPy numbers, integer and boolean arrays take the dtype of the floating-point
    arrays they meet. Two floating-point dtypes raise TypeError: nothing is converted silently.
    """
    arrays = [v for v in values if isinstance(v, np.ndarray)]
    floats = {v.dtype for v in arrays if v.dtype.kind == "f"}
    if len(floats) > 1:
        raise TypeError("the floating-point types differ; "
                        "convert one side, for instance with x.astype('float32')")
    dtype = floats.pop() if floats else np.result_type(
        *[v if type(v) in PYTHON_NUMBERS else np.asarray(v) for v in values if v is not None])
    return [v if v is None or type(v) in PYTHON_NUMBERS else np.asarray(v, dtype) for v in values]


def describe(names: tuple[str, ...], values: list) -> str:
    """Names, shapes and dtypes of arguments, for error messages: `x: (2, 3) float32, y: 2.0`."""
    if len(names) < len(values):  # a primitive that takes any number of arrays
        names = tuple(f"{names[0]}[{i}]" for i in range(len(values)))
    return ", ".join(
        f"{n}: {v.shape} {v.dtype}" if hasattr(v, "dtype") else f"{n}: {v!r}"
        for n, v in zip(names, values, strict=False))


def as_array(x: Any) -> Any:
    """NumPy's scalars, the results of full reductions, as 0-d arrays; arrays as they are."""
    if not hasattr(x, "dtype"):
        raise TypeError(f"an operation must return an array, got {type(x).__name__}; "
                        "has its declaration a body?")
    return np.asarray(x) if isinstance(x, np.generic) else x


def own(gradient: Any, seed: Any) -> Any:
    """`gradient`, copied if it shares memory with `seed` or is a view of another array.

    So what a caller receives is its own: changing it in place changes nothing else.
    """
    shared = gradient is seed or getattr(gradient, "base", None) is not None
    return gradient.copy() if shared else gradient


def check_rng(rng: np.random.Generator) -> np.random.Generator:
    """`rng` itself; TypeError if it is anything else, such as a bare seed."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError("rng: a numpy.random.Generator is needed, such as "
                        f"np.random.default_rng(0); got {type(rng).__name__}")
    return rng
