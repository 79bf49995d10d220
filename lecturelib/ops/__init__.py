"""Differentiable primitives: elementwise, reductions, shapes and linear algebra."""

from lecturelib.core import broadcast_to, sum_to
from lecturelib.ops.elementwise import (
    abs,
    add,
    astype,
    clip,
    cos,
    divide,
    exp,
    log,
    log1p,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    relu,
    sigmoid,
    sign,
    sin,
    sqrt,
    subtract,
    tanh,
    where,
)
from lecturelib.ops.linalg import linear, matmul
from lecturelib.ops.reduce import (
    log_softmax,
    logsumexp,
    max,
    mean,
    min,
    softmax,
    std,
    sum,
    var,
)
from lecturelib.ops.shape import (
    concat,
    expand_dims,
    flatten,
    pad,
    permute_dims,
    reshape,
    squeeze,
    stack,
    swapaxes,
    transpose,
)

__all__ = [
    "abs", "add", "astype", "broadcast_to", "clip", "concat", "cos", "divide", "exp",
    "expand_dims", "flatten", "linear", "log", "log1p", "log_softmax", "logsumexp",
    "matmul", "max", "maximum", "mean", "min", "minimum", "multiply", "negative", "pad",
    "permute_dims", "power", "relu", "reshape", "sigmoid", "sign", "sin", "softmax",
    "sqrt", "squeeze", "stack", "std", "subtract", "sum", "sum_to", "swapaxes", "tanh",
    "transpose", "var", "where",
]
