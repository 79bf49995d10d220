"""Differentiable primitives: elementwise, reductions, shapes and linear algebra."""

from lecturelib.core import broadcast_to, sum_to
from lecturelib.ops.conv import (
    conv1d,
    conv2d,
    conv_transpose2d,
    fold,
    unfold,
)
from lecturelib.ops.elementwise import (
    abs,
    add,
    astype,
    clip,
    cos,
    divide,
    elu,
    erf,
    exp,
    leaky_relu,
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
    softplus,
    sqrt,
    subtract,
    tanh,
    where,
)
from lecturelib.ops.linalg import linear, matmul
from lecturelib.ops.pool import (
    adaptive_avg_pool2d,
    avg_pool2d,
    global_avg_pool2d,
    lse_pool2d,
    max_pool2d,
)
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
from lecturelib.ops.toeplitz import convolve, correlation_matrix, toeplitz_matrix

__all__ = [
    "abs", "adaptive_avg_pool2d", "add", "astype", "avg_pool2d", "broadcast_to",
    "clip", "concat", "conv1d", "conv2d", "conv_transpose2d", "convolve",
    "correlation_matrix", "cos", "divide", "elu", "erf", "exp", "expand_dims",
    "flatten", "fold", "global_avg_pool2d", "leaky_relu", "linear", "log", "log1p",
    "log_softmax", "logsumexp", "lse_pool2d", "matmul", "max", "max_pool2d",
    "maximum", "mean", "min", "minimum", "multiply", "negative", "pad",
    "permute_dims", "power", "relu", "reshape", "sigmoid", "sign", "sin", "softmax",
    "softplus", "sqrt", "squeeze", "stack", "std", "subtract", "sum", "sum_to",
    "swapaxes", "tanh", "toeplitz_matrix", "transpose", "unfold", "var", "where",
]
