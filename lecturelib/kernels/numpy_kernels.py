"""What each primitive computes, on NumPy arrays: the names are those of `lecturelib/ops`."""

from __future__ import annotations

import math
import operator

import numpy as np

from lecturelib import backend

# elementwise
add, subtract, multiply, divide = operator.add, operator.sub, operator.mul, operator.truediv
power = operator.pow  # which knows that x ** 2 is a square; np.power does not
negative = operator.neg
exp, log, log1p, sqrt, sin, cos, tanh = np.exp, np.log, np.log1p, np.sqrt, np.sin, np.cos, np.tanh
abs, sign, maximum, minimum = np.abs, np.sign, np.maximum, np.minimum


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))  # no overflow


def leaky_relu(x, *, negative_slope):
    larger = np.maximum if negative_slope <= 1 else np.minimum
    return larger(x, negative_slope * x)  # np.where is ten times slower


def elu(x, *, alpha):
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))  # no overflow


def softplus(x, *, beta):
    z = beta * x
    return (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta


_ERF = np.array([math.erf(k / 512) for k in range(-3072, 3073)])  # erf(±6) rounds to ±1


def erf(x):
    """The table's nearest value plus the integral from there, by Gauss's two-point rule.

    That interval, of length |d| ≤ 1/1024, is so short that the rule is exact within
    rounding.
    """
    x = np.clip(x, -6, 6)
    k = np.rint(512 * np.fmax(x, -6))  # fmax: nan has no place in the table
    node = k / 512
    d = x - node
    near, far = (node + p * d for p in ((3 - 3**0.5) / 6, (3 + 3**0.5) / 6))
    area = d * (np.exp(-near * near) + np.exp(-far * far)) / math.pi**0.5
    return _ERF.astype(d.dtype)[k.astype(int) + 3072] + area


def clip(x, *, min, max):
    return np.clip(x, *(b if b is None else np.asarray(b).item() for b in (min, max)))


def select(x, y, *, condition):
    return np.where(condition, x, y)


def astype(x, *, dtype):
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"dtype: a floating-point type is needed, got {dtype}; integers carry no "
                        "gradient: write x.data.astype(...)")
    return x.astype(dtype)


def move(x, *, device):
    return backend.move(x, device)


# reductions
def sum(x, *, axis, keepdims):
    return x.sum(axis=axis, keepdims=keepdims)


def max(x, *, axis, keepdims):
    return x.max(axis=axis, keepdims=keepdims)


def min(x, *, axis, keepdims):
    return x.min(axis=axis, keepdims=keepdims)


def logsumexp(x, *, axis, keepdims):
    top = x.max(axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)  # all −∞ (a sum of nothing) or an +∞
    with np.errstate(divide="ignore"):
        out = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return out if keepdims else out.reshape(x.sum(axis=axis).shape)


def softmax(x, *, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x, *, axis):
    z = x - x.max(axis=axis, keepdims=True, initial=-np.inf)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def standardize(x, *, axes, eps):
    centred = x - x.mean(axis=axes, keepdims=True)
    centred -= centred.mean(axis=axes, keepdims=True)  # what rounding left, where |μ| ≫ σ
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    return centred / np.sqrt(variance + eps)


# shapes
def reshape(x, *, shape):
    return x.reshape(shape)


def permute_dims(x, *, axes):
    return x.transpose(axes)


def broadcast_to(x, *, shape):
    return np.broadcast_to(x, shape)


def sum_to(x, *, shape):
    lead = x.ndim - len(shape)
    stretched = tuple(i for i in range(x.ndim) if i < lead or shape[i - lead] == 1)
    total = x.sum(axis=stretched, keepdims=True)
    if total.shape[lead:] != tuple(shape):  # reshape alone would make (3, 2) of (2, 3)
        raise ValueError(f"shape: broadcasting does not stretch {shape} to {x.shape}")
    return total.reshape(shape)


def getitem(x, *, index):
    return x[index]


def place(x, *, shape, index):
    out = np.zeros(shape, x.dtype)
    if type(index) is int:
        out[index] = x
        return out
    parts = index if isinstance(index, tuple) else (index,)
    if all(isinstance(i, (int, slice, type(None), type(...))) for i in parts):
        out[index] = x  # slices address every place once
    else:
        np.add.at(out, index, x)
    return out


def concatenate(*xs, axis):
    return np.concatenate(xs, axis=axis)


def pad(x, *, widths):
    if np.shape(widths) != (x.ndim, 2):
        raise ValueError(f"widths: {x.ndim} pairs (before, after) are needed, got {widths}")
    return np.pad(x, widths)


# linear algebra
matrix_product = np.matmul


def linear(x, w, b):
    out = x @ w.T
    if b is not None:
        out += b
    return out


# convolution, normalization and pooling, in files of their own
from lecturelib.kernels.numpy_conv import *  # noqa: E402, F403
from lecturelib.kernels.numpy_norm import *  # noqa: E402, F403
from lecturelib.kernels.pool import *  # noqa: E402, F403
