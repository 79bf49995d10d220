"""What each primitive computes, on torch tensors that never require a gradient.

The names are those of `numpy_kernels`. torch's own kernels do the work, forward and backward
ones alike: where a rule of ours asks for a derivative, torch's compiled derivative is called.
"""

from __future__ import annotations

import builtins
import operator

import numpy as np
import torch
import torch.nn.functional as F

from lecturelib import backend
from lecturelib.kernels import pool

_aten = torch.ops.aten

# elementwise
add, subtract, multiply, divide = operator.add, operator.sub, operator.mul, operator.truediv
power, negative, abs = operator.pow, operator.neg, torch.abs
exp, log, log1p, sqrt, sin, cos = (
    torch.exp, torch.log, torch.log1p, torch.sqrt, torch.sin, torch.cos)
tanh, sigmoid, relu, erf, sign = torch.tanh, torch.sigmoid, torch.relu, torch.erf, torch.sign


def relu_backward(g, out, x, *, needed):
    return [_aten.threshold_backward(g, out, 0)]


def tanh_backward(g, out, x, *, needed):
    return [_aten.tanh_backward(g, out)]


def sigmoid_backward(g, out, x, *, needed):
    return [_aten.sigmoid_backward(g, out)]


def maximum(x, y):
    return torch.maximum(*_tensors(x, y))


def minimum(x, y):
    return torch.minimum(*_tensors(x, y))


def leaky_relu(x, *, negative_slope):
    return F.leaky_relu(x, negative_slope)


def elu(x, *, alpha):
    return F.elu(x, alpha)


def softplus(x, *, beta):
    return torch.logaddexp(beta * x, x.new_zeros(())) / beta  # F.softplus has a threshold


def clip(x, *, min, max):
    return torch.clamp(x, *(b if b is None else np.asarray(b).item() for b in (min, max)))


def select(x, y, *, condition):
    return torch.where(torch.as_tensor(condition), x, y)


def astype(x, *, dtype):
    name = backend.dtype_name(dtype)
    if np.dtype(name).kind != "f":
        raise TypeError(f"dtype: a floating-point type is needed, got {dtype}; integers carry no "
                        "gradient: write x.data.to(...)")
    return x.to(getattr(torch, name))


def move(x, *, device):
    return backend.move(x, device)


def _tensors(x, y):
    like = x if backend.is_torch(x) else y
    return (v if backend.is_torch(v) else like.new_tensor(v) for v in (x, y))


# reductions
def sum(x, *, axis, keepdims):
    if isinstance(axis, tuple) and not axis:  # over none, to NumPy; over all, to torch
        return x.clone()
    return x.sum(_dims(x, axis), keepdims)


def max(x, *, axis, keepdims):
    return torch.amax(x, _dims(x, axis), keepdims)


def min(x, *, axis, keepdims):
    return torch.amin(x, _dims(x, axis), keepdims)


def logsumexp(x, *, axis, keepdims):
    return torch.logsumexp(x, _dims(x, axis), keepdims)


def softmax(x, *, axis):
    return torch.softmax(x, axis)


def log_softmax(x, *, axis):
    return torch.log_softmax(x, axis)


def softmax_backward(g, out, x, *, axis, needed):
    return [_aten._softmax_backward_data(g, out, axis, x.dtype)]


def log_softmax_backward(g, out, x, *, axis, needed):
    return [_aten._log_softmax_backward_data(g, out, axis, x.dtype)]


def _dims(x, axis):
    if axis is None:
        return tuple(range(x.ndim))
    return axis if isinstance(axis, tuple) else int(axis)  # NumPy's integers too


# shapes
def reshape(x, *, shape):
    return x.reshape(shape)


def permute_dims(x, *, axes):
    return x.permute(axes)


def broadcast_to(x, *, shape):
    return x.broadcast_to(shape)


def sum_to(x, *, shape):
    return x.sum_to_size(shape)


def getitem(x, *, index):
    x, index = _understood(x, index)
    return x[index]


def place(x, *, shape, index):
    out = x.new_zeros(shape)
    whole, parts = _understood(out, index)
    if all(isinstance(i, torch.Tensor) for i in parts):
        return out.index_put_(parts, x, accumulate=True)
    if whole is out and not any(isinstance(i, torch.Tensor) for i in parts):
        out[parts] = x  # slices address every place once
        return out
    places = torch.arange(out.numel(), device=x.device).reshape(shape)
    places = getitem(places, index=index).reshape(-1)
    return out.view(-1).index_put_((places,), x.reshape(-1), accumulate=True).view(shape)


def _understood(x, index):
    """x and an index that mean x[index], without what torch lacks.

    These are NumPy's arrays and slices with negative steps, for which x is flipped.
    """
    parts = [_on_device(i, x) for i in (index if isinstance(index, tuple) else (index,))]
    axis = 0
    for k, part in enumerate(parts):
        if part is None:
            continue
        if part is ...:
            axis = x.ndim - builtins.sum(map(_axes, parts[k + 1:]))
            continue
        if isinstance(part, slice) and (part.step or 1) < 0:
            last = x.shape[axis] - 1
            start, stop, step = part.indices(last + 1)
            x, parts[k] = x.flip(axis), slice(last - start, last - stop, -step)
        axis += _axes(part)
    if any(isinstance(part, torch.Tensor) for part in parts):  # then NumPy's integers are arrays
        parts = [torch.tensor([part], device=x.device) if isinstance(part, int) else part
                 for part in parts]
    return x, tuple(parts)


def _axes(part):
    """How many axes of the array one part of an index takes up."""
    if isinstance(part, torch.Tensor) and part.dtype == torch.bool:
        return part.ndim
    return int(part is not None)


def _on_device(i, x):
    if isinstance(i, np.ndarray):
        i = torch.as_tensor(np.array(i))
    return i.to(x.device) if isinstance(i, torch.Tensor) else i


def concatenate(*xs, axis):
    return torch.cat(xs, axis)


def pad(x, *, widths):
    if np.shape(widths) != (x.ndim, 2):
        raise ValueError(f"widths: {x.ndim} pairs (before, after) are needed, got {widths}")
    return F.pad(x, [n for pair in reversed(widths) for n in pair])


# linear algebra
matrix_product, linear = torch.matmul, F.linear


# convolution; what a derivative does not depend on is given by its shape alone
def correlate2d(x, w, b, *, stride, padding, dilation, groups):
    return torch.conv2d(x, w, b, stride, padding, dilation, groups)


def correlate2d_dx(g, w, *, shape, stride, padding, dilation, groups):
    return _aten.convolution_backward(
        g, _shaped(g, shape), w, None, stride, padding, dilation, False, (0, 0), groups,
        (True, False, False))[0]


def correlate2d_dw(x, g, *, shape, stride, padding, dilation, groups):
    return _aten.convolution_backward(
        g, x, _shaped(g, shape), None, stride, padding, dilation, False, (0, 0), groups,
        (False, True, False))[1]


def correlate2d_backward(g, out, x, w, b, *, stride, padding, dilation, groups, needed):
    return _aten.convolution_backward(
        g, x, w, w.shape[:1], stride, padding, dilation, False, (0, 0), groups, needed)


def im2col(x, *, size, stride, padding, dilation):
    return F.unfold(x, size, dilation, padding, stride)


def col2im(columns, *, shape, size, stride, padding, dilation):
    return F.fold(columns, shape[2:], size, dilation, padding, stride)


def _shaped(like, shape):
    """A tensor of this shape whose numbers are not looked at; it takes no memory."""
    return like.new_empty(1).expand(shape)


# pooling: torch's kernels are made for the GPU; on the CPU, single-threaded, ours are faster
def window_max(x, *, size, stride, padding):
    if x.is_cuda:
        return torch.max_pool2d(x, size, stride, padding)
    return pool.window_max(x, size=size, stride=stride, padding=padding)


def window_max_backward(g, out, x, *, size, stride, padding, needed):
    how = {"size": size, "stride": stride, "padding": padding}
    if not x.is_cuda:
        places = pool.winners(x, out, **how)
        return [pool.put_winners(g, winners=places, shape=x.shape, **how)]
    places = _aten.max_pool2d_with_indices(x, size, stride, padding)[1]
    return [_aten.max_pool2d_with_indices_backward(
        g, x, size, stride, padding, (1, 1), False, places)]


def window_sum(x, *, size, stride, padding):
    return F.avg_pool2d(x, size, stride, padding, divisor_override=1)


def window_sum_dx(g, *, shape, size, stride, padding):
    return _aten.avg_pool2d_backward(
        g, _shaped(g, shape), size, stride, padding, False, True, 1)


winners, take_winners, put_winners = pool.winners, pool.take_winners, pool.put_winners


# normalization
def standardize(x, *, axes, eps):
    var, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(var + eps)


def batch_moments(x):
    axes = (0, *range(2, x.ndim))
    mean = x.mean(axes, keepdim=True)
    centred = x - mean
    rest = centred.mean(axes)  # of the mean, that rounding left where |μ| ≫ σ
    var = torch.square(centred).mean(axes) - rest * rest
    return torch.stack([mean.flatten() + rest, var])


def batch_normalize(x, w, b, *, moments, eps):
    mean, var = backend.constant(moments, x)
    return _aten.native_batch_norm(x, w, b, mean, var, False, 0.0, eps)[0]


def batch_normalize_backward(g, out, x, w, b, *, moments, eps, needed):
    mean, var = backend.constant(moments, x)
    return _aten.native_batch_norm_backward(
        g, x, w, None, None, mean, torch.rsqrt(var + eps), True, eps, needed)
