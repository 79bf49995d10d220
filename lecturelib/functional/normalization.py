"""The family of normalizations: one `standardize`, and which numbers share a mean."""

from __future__ import annotations

import math
from typing import Any

from lecturelib.core import unwrap
from lecturelib.ops.elementwise import sqrt
from lecturelib.ops.normalize import batch_moments, batch_normalize, standardize
from lecturelib.ops.shape import reshape


def batch_norm(x: Any, running_mean: Any = None, running_var: Any = None,
               weight: Any = None, bias: Any = None, training: bool = False,
               eps: float = 1e-5, *, moments: Any = None) -> Any:
    """γ (x − μ) / √(σ² + ε) + β, with one μ and σ² for each channel.

    x: (N, C, …); all others (C,) or None. In training μ and σ² are those of the batch,
    over all axes but the channels; otherwise `running_mean` and `running_var`. Those are
    not changed here: `nn.BatchNorm2d` does that. moments: in training, the
    `batch_statistics` of x, if they are known already.

    Raises ValueError for fewer than two axes, for other shapes, for a batch with a
    single number for each channel, and if running statistics are needed but missing.
    Source: {cite}`ioffe2015batch`.
    """
    if len(x.shape) < 2:
        raise ValueError(f"batch_norm: x of shape (N, C, …) is needed, got {x.shape}")
    channels = x.shape[1]
    for name, v in (("running_mean", running_mean), ("running_var", running_var),
                    ("weight", weight), ("bias", bias)):
        if v is not None and v.shape != (channels,):
            raise ValueError(f"batch_norm: {name} must have shape ({channels},), one for "
                             f"each channel of x {x.shape}, got {v.shape}")
    if training:
        moments = batch_statistics(unwrap(x)) if moments is None else moments
        return batch_normalize(x, weight, bias, moments=moments, eps=eps)
    if running_mean is None or running_var is None:
        raise ValueError("batch_norm: running_mean and running_var are needed "
                         "outside training")
    scale = 1 / sqrt(running_var + eps)
    scale = scale if weight is None else scale * weight
    return _affine(x - _per_channel(running_mean, x), scale, bias)


def layer_norm(x: Any, normalized_shape: int | tuple[int, ...], weight: Any = None,
               bias: Any = None, eps: float = 1e-5) -> Any:
    """Each example standardized by itself, over its last axes.

    normalized_shape: the sizes of those axes, also the shape of weight and bias.
    Raises ValueError if x does not end in them. Source: {cite}`ba2016layer`.
    """
    size = normalized_shape
    shape = (size,) if isinstance(size, int) else tuple(size)
    if not shape or tuple(x.shape[-len(shape):]) != shape:
        raise ValueError(f"layer_norm: x must end in the axes {shape}, got {x.shape}")
    out = standardize(x, axes=tuple(range(-len(shape), 0)), eps=eps)
    out = out if weight is None else out * weight
    return out if bias is None else out + bias


def group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None,
               eps: float = 1e-5) -> Any:
    """The channels of each example standardized in groups of C / num_groups.

    x: (N, C, …); weight and bias (C,). One group is layer norm over (C, …), C groups are
    instance norm. Raises ValueError if the groups do not divide the channels.
    Source: {cite}`wu2018group`.
    """
    if len(x.shape) < 2 or num_groups < 1 or x.shape[1] % num_groups:
        raise ValueError(f"group_norm: {num_groups} groups must divide the channels of "
                         f"x (N, C, …), got {x.shape}")
    groups = reshape(x, shape=(x.shape[0], num_groups, -1))
    out = reshape(standardize(groups, axes=(2,), eps=eps), shape=x.shape)
    return _affine(out, weight, bias)


def instance_norm(x: Any, weight: Any = None, bias: Any = None,
                  eps: float = 1e-5) -> Any:
    """Each channel of each example standardized by itself; x: (N, C, …) with pixels.

    Raises ValueError if a channel is a single number. Source: {cite}`ulyanov2016instance`.
    """
    if len(x.shape) < 3 or math.prod(x.shape[2:]) == 1:
        raise ValueError("instance_norm: more than one number for each channel is "
                         f"needed, x (N, C, L) or (N, C, H, W), got {x.shape}")
    return group_norm(x, x.shape[1], weight, bias, eps)


def batch_statistics(x: Any) -> Any:
    """The mean and the variance of each channel of an array x (N, C, …), as (2, C).

    Raises ValueError for a batch with a single number for each channel, or none.
    """
    if math.prod(x.shape) <= x.shape[1]:
        raise ValueError(f"batch_norm: x {tuple(x.shape)} has one number for each "
                         "channel or none; there is no variance to learn from, take a "
                         "larger batch")
    return batch_moments(x)


def _per_channel(v: Any, x: Any) -> Any:
    return reshape(v, shape=(1, -1, *[1] * (len(x.shape) - 2)))


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    x = x if weight is None else x * _per_channel(weight, x)
    return x if bias is None else x + _per_channel(bias, x)
