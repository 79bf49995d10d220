"""The table of a Tensor's operators and methods: what `x + y` or `x.sum()` calls."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.core import Tensor, unwrap
from lecturelib.ops import elementwise as e
from lecturelib.ops import linalg, reduce, shape


def _index(index: Any) -> Any:
    """An index that nobody can change later: arrays copied, lists made arrays."""
    if type(index) is int:  # the most common, and the quickest
        return index
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    index = unwrap(index)
    if isinstance(index, list):
        return np.array(index)
    return backend.copy(index) if backend.is_array(index) else index


def _shape(args: tuple) -> tuple | list:
    return args[0] if len(args) == 1 and isinstance(args[0], (tuple, list)) else args


def _in_place(symbol: str, operation: Any) -> Any:
    """`x += y` as `x = x + y`, but not for a leaf that requires a gradient."""
    def method(x: Tensor, y: Any) -> Tensor:
        if x.requires_grad and x.origin is None:
            raise TypeError(
                f"{symbol}=: would make a new Tensor and leave this one, which needs "
                f"a gradient, as it is; write w.data = w.data {symbol} ...")
        return operation(x, y)
    return method


def _reduction(operation: Any) -> Any:
    """The method of a reduction, whose axis may also be given by position."""
    def method(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
        return operation(x, axis=axis, keepdims=keepdims)
    method.__doc__ = operation.__doc__
    return method


def _comparison(operation: Any) -> Any:
    def method(x: Tensor, y: Any) -> Any:
        y = unwrap(y)
        return operation(x.data, backend.bring(y, x.data) if backend.is_array(y) else y)
    return method


def _to(x: Tensor, device: str) -> Tensor:
    """x on another device: "cpu" (NumPy), "torch" (torch on the CPU) or "cuda".

    Itself if it is there already. The gradient finds its way back, so a leaf stays
    where it is; to move what is learned, move the module. Raises as `backend.move`.
    """
    moved = e.move(x, device=device)
    return x if moved.device == x.device else moved


ARITHMETIC = {
    "__add__": e.add,
    "__radd__": lambda x, y: e.add(y, x),
    "__sub__": e.subtract,
    "__rsub__": lambda x, y: e.subtract(y, x),
    "__mul__": e.multiply,
    "__rmul__": lambda x, y: e.multiply(y, x),
    "__truediv__": e.divide,
    "__rtruediv__": lambda x, y: e.divide(y, x),
    "__pow__": e.power,
    "__rpow__": lambda x, y: e.power(y, x),
    "__matmul__": linalg.matmul,
    "__rmatmul__": lambda x, y: linalg.matmul(y, x),
    "__neg__": e.negative,
    "__abs__": e.abs,
    "__getitem__": lambda x, index: shape.getitem(x, index=_index(index)),
}
IN_PLACE = {  # torch changes the tensor itself; here `w -= ...` can only make a new one
    f"__i{name}__": _in_place(symbol, operation) for name, symbol, operation in (
        ("add", "+", e.add), ("sub", "-", e.subtract), ("mul", "*", e.multiply),
        ("truediv", "/", e.divide))
}
COMPARISONS = {  # these carry no gradient, so they return plain boolean arrays
    **{f"__{name}__": _comparison(getattr(operator, name))
       for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "__hash__": object.__hash__,  # tensors are keys by identity, whatever they hold
}
METHODS = {
    "abs": e.abs, "exp": e.exp, "log": e.log, "sqrt": e.sqrt,
    "sin": e.sin, "cos": e.cos, "tanh": e.tanh, "sigmoid": e.sigmoid, "relu": e.relu,
    "clip": lambda x, min=None, max=None: e.clip(x, min=min, max=max),
    "astype": lambda x, dtype: e.astype(x, dtype=backend.dtype_name(dtype)),
    "sum": _reduction(reduce.sum), "max": _reduction(reduce.max),
    "min": _reduction(reduce.min), "logsumexp": _reduction(reduce.logsumexp),
    "softmax": lambda x, axis=-1: reduce.softmax(x, axis=axis),
    "mean": reduce.mean, "var": reduce.var, "std": reduce.std,
    "matmul": linalg.matmul,
    "reshape": lambda x, *args: shape.reshape(x, shape=_shape(args)),
    "permute": lambda x, *args: shape.permute_dims(x, axes=_shape(args)),
    "flatten": shape.flatten, "squeeze": shape.squeeze,
    "expand_dims": shape.expand_dims, "swapaxes": shape.swapaxes,
    "T": property(shape.transpose),
}
VIEWS = {  # looking at the numbers, leaving the graph
    "shape": property(lambda x: tuple(x.data.shape)),
    "ndim": property(lambda x: x.data.ndim),
    "size": property(lambda x: math.prod(x.data.shape)),
    "dtype": property(lambda x: backend.dtype(x.data)),
    "device": property(lambda x: backend.device(x.data)),
    "item": lambda x: x.data.item(),
    "numpy": lambda x: x.__array__(),
    "to": _to,
    "detach": lambda x: Tensor(x.data),
    "argmax": lambda x, axis=None: x.data.argmax(axis=axis),
    "__len__": lambda x: len(x.data),
    "__iter__": lambda x: (x[i] for i in range(len(x.data))),
    "__float__": lambda x: float(x.data.item()),
    "__bool__": lambda x: bool(x.data),
    "__reduce__": lambda x: (_copy, (type(x), x.data, x.grad, x.requires_grad)),
}


def _array(x: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    if x.requires_grad:
        raise RuntimeError(
            "this Tensor requires a gradient, which an array cannot carry; write "
            "x.detach().numpy(), or x.data for the array itself")
    return np.array(backend.numpy(x.data), dtype, copy=copy)


def _copy(kind: type[Tensor], data: np.ndarray, grad: Any,
          requires_grad: bool) -> Tensor:
    """What copy and pickle make of a Tensor: a leaf, born now."""
    x = Tensor.__new__(kind)
    Tensor.__init__(x, data, requires_grad)
    x.grad = grad
    return x


def _repr(x: Tensor) -> str:
    text = np.array2string(backend.numpy(x.data), separator=", ", prefix="Tensor(")
    notes = ["" if x.dtype == np.float32 else f", dtype={x.dtype}",
             "" if x.device == "cpu" else f', device="{x.device}"',
             ", requires_grad=True" if x.requires_grad else ""]
    return f"Tensor({text}{''.join(notes)})"


def _format(x: Tensor, spec: str) -> str:
    return format(x.item(), spec) if spec and x.size == 1 else format(repr(x), spec)


TEXT = {"__array__": _array, "__repr__": _repr, "__format__": _format}


def bind() -> None:
    """Give Tensor its operators and methods, those of the tables above."""
    method: Any
    for table in (ARITHMETIC, IN_PLACE, COMPARISONS, METHODS, VIEWS, TEXT):
        for name, method in table.items():
            if getattr(method, "__name__", "") in ("<lambda>", "method"):
                method.__name__ = method.__qualname__ = name  # what error messages say
            setattr(Tensor, name, method)
