"""What an array is: of which library and device, and which dtypes may meet in one operation.

Arrays are NumPy's or PyTorch's. A torch tensor serves here as a plain array, on the CPU or on a
GPU: it never requires a gradient, for our own tape differentiates. torch is loaded only when an
array is moved there.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

DEFAULT_DTYPE = np.dtype(np.float32)  # of parameters and of numbers typed in Python
PYTHON_NUMBERS = (bool, int, float)  # "weak": they take the dtype of the array they meet


def is_torch(x: Any) -> bool:
    """Whether x is a torch tensor. (torch need not be loaded to know that it is none.)"""
    return type(x) is not np.ndarray and is_torch_type(type(x))  # the first test is quick


def is_torch_type(t: type) -> bool:
    """Whether t is the type of torch tensors, or of a special kind of them."""
    torch = sys.modules.get("torch")
    return torch is not None and issubclass(t, torch.Tensor)


def is_array(x: Any) -> bool:
    """Whether x is an array of either library."""
    return isinstance(x, np.ndarray) or is_torch(x)


def is_float(x: Any) -> bool:
    """Whether the numbers of an array are floating-point numbers."""
    return x.dtype.is_floating_point if is_torch(x) else x.dtype.kind == "f"


def is_bool(x: Any) -> bool:
    """Whether x is an array of booleans."""
    return is_array(x) and dtype_name(x.dtype) == "bool"


def dtype_name(dtype: Any) -> str:
    """The name of a dtype of either library, such as `float32`."""
    name = str(dtype)
    return name.removeprefix("torch.") if name.startswith("torch.") else np.dtype(dtype).name


def dtype(x: Any) -> np.dtype:
    """The dtype of an array as NumPy's, whatever its library."""
    return np.dtype(dtype_name(x.dtype)) if is_torch(x) else x.dtype


def device(x: Any) -> str:
    """Where an array lives, as `move` takes it: "cpu" (NumPy), "torch" or "cuda:0"."""
    if not is_torch(x):
        return "cpu"
    return "torch" if x.device.type == "cpu" else str(x.device)


def asarray(data: Any, dtype: Any = None) -> Any:
    """Copy `data` into a new array; floats typed in Python become float32, arrays keep their dtype.

    Raises TypeError for what is not numeric and ValueError for ragged lists.
    """
    if is_torch(data):
        array = data.detach().clone()
        return array if dtype is None else cast(array, dtype)
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


def numpy(x: Any) -> np.ndarray:
    """x as an array of NumPy: itself, or copied from where it lives."""
    return x.detach().cpu().numpy() if is_torch(x) else np.asarray(x)


def cast(x: Any, dtype: Any) -> Any:
    """x with the numbers of another dtype, itself if it has that one."""
    if is_torch(x):
        return x.to(getattr(sys.modules["torch"], dtype_name(dtype)))
    return x.astype(dtype_name(dtype), copy=False)


def move(x: Any, where: str) -> Any:
    """The array x on another device: "cpu" for NumPy, "torch" for torch on the CPU, "cuda".

    Not a copy if it is there already. Raises ModuleNotFoundError if torch is not installed,
    RuntimeError if there is no such GPU, ValueError for other names.
    """
    if where == "cpu":
        return numpy(x)
    if where != "torch" and not (isinstance(where, str) and where.split(":")[0] == "cuda"):
        raise ValueError('device: "cpu" (NumPy), "torch" (torch on the CPU) or "cuda" is needed, '
                         f"got {where!r}")
    try:
        import torch
    except ModuleNotFoundError as e:
        raise ModuleNotFoundError(f"to({where!r}): PyTorch is not installed; "
                                  "python -m pip install torch") from e
    if where != "torch" and not torch.cuda.is_available():
        raise RuntimeError(f"to({where!r}): torch sees no CUDA GPU on this machine; "
                           'the CPU is "cpu" (NumPy) or "torch"')
    place = torch.device("cpu" if where == "torch" else where)
    return bring(x, torch.empty(0, device=place))


def best_device() -> str:
    """The fastest place of this machine for a large network: "cuda" if torch sees a GPU, or "cpu".

    That is, "cpu" where there is no GPU or no torch. The names are those of `move`.
    """
    try:
        import torch
    except ModuleNotFoundError:
        return "cpu"
    return "cuda" if torch.cuda.is_available() else "cpu"


def constant(values: Any, like: Any) -> Any:
    """`values` as an array of the library, device and dtype of the array `like`."""
    if not (is_torch(like) or is_torch(values)):
        return np.asarray(values, like.dtype)
    values = values if is_array(values) else np.asarray(values)
    return cast(bring(values, like), like.dtype)


def bring(x: Any, like: Any) -> Any:
    """The array x, of whatever dtype, in the library and on the device of the array `like`."""
    if not is_torch(like):
        return numpy(x)
    if not is_torch(x):
        x = sys.modules["torch"].as_tensor(np.array(x))  # a copy: memory is never shared
    return x.to(like.device)


def full(shape: tuple[int, ...], value: float, like: Any) -> Any:
    """An array filled with one number, of the library, device and dtype of `like`."""
    if is_torch(like):
        return like.new_full(tuple(shape), value)
    out = np.empty(shape, like.dtype)
    out.fill(value)  # np.full does the same, but takes a microsecond
    return out


def copy(x: Any) -> Any:
    """A copy of an array."""
    return x.clone() if is_torch(x) else x.copy()


def uniform(shape: tuple[int, ...], *, like: Any, rng: np.random.Generator) -> Any:
    """Float32 numbers drawn from U[0, 1), where `like` lives.

    A GPU draws its own numbers, starting from a seed that it gets from `rng`.
    """
    check_rng(rng)
    if not is_torch(like):
        return rng.random(shape, np.float32)
    return sys.modules["torch"].rand(
        tuple(shape), generator=_generator(like, rng), device=like.device)


def normal(shape: tuple[int, ...], *, like: Any, rng: np.random.Generator) -> Any:
    """Numbers drawn from N(0, 1), of the dtype of `like` and where it lives."""
    check_rng(rng)
    if not is_torch(like):
        return rng.normal(size=shape).astype(like.dtype)
    return sys.modules["torch"].randn(
        tuple(shape), generator=_generator(like, rng), device=like.device, dtype=like.dtype)


def _generator(like: Any, rng: np.random.Generator) -> Any:
    torch = sys.modules["torch"]
    return torch.Generator(like.device).manual_seed(int(rng.integers(2**63)))


def agree(values: list, owner: Any) -> list:
    """Bring the arguments of one operation to one dtype, and to the library of the array `owner`.

    Python and NumPy numbers, integer and boolean arrays take the dtype of the floating-point
    arrays they meet. Two floating-point dtypes raise TypeError: nothing is converted silently.
    """
    if is_torch(owner) or any(map(is_torch, values)):
        values = [bring(v, owner) if is_array(v) else v for v in values]
    floats = {dtype(v) for v in values if is_array(v) and is_float(v)}
    if len(floats) > 1:
        raise TypeError("the floating-point types differ; "
                        "convert one side, for instance with x.astype('float32')")
    common = floats.pop() if floats else np.result_type(
        *[v if type(v) in PYTHON_NUMBERS else numpy(v) for v in values if v is not None])
    return [v if v is None or type(v) in PYTHON_NUMBERS else cast(v, common) if is_array(v)
            else bring(np.asarray(v, common), owner) for v in values]


def describe(names: tuple[str, ...], values: list) -> str:
    """Names, shapes and dtypes of arguments, for error messages: `x: (2, 3) float32, y: 2.0`."""
    if len(names) < len(values):  # a primitive that takes any number of arrays
        names = tuple(f"{names[0]}[{i}]" for i in range(len(values)))
    return ", ".join(
        f"{n}: {tuple(v.shape)} {dtype_name(v.dtype)}" if hasattr(v, "dtype") else f"{n}: {v!r}"
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
    if gradient is seed or (gradient._is_view() if is_torch(gradient)
                            else getattr(gradient, "base", None) is not None):
        return copy(gradient)
    return gradient


def check_rng(rng: np.random.Generator) -> np.random.Generator:
    """`rng` itself; TypeError if it is anything else, such as a bare seed."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError("rng: a numpy.random.Generator is needed, such as "
                        f"np.random.default_rng(0); got {type(rng).__name__}")
    return rng
