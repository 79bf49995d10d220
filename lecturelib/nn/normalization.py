"""Normalization layers, with PyTorch's names, defaults and state."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.core import unwrap
from lecturelib.functional import normalization as N
from lecturelib.nn.module import Module, Parameter


class _Norm(Module):
    """What they share: γ, which starts at 1, and β, which starts at 0."""

    def __init__(self, shape: int | tuple[int, ...], eps: float, affine: bool,
                 dtype: Any) -> None:
        self.eps = eps
        self.weight = Parameter(np.ones(shape), dtype=dtype) if affine else None
        self.bias = Parameter(np.zeros(shape), dtype=dtype) if affine else None


class _BatchNorm(_Norm):
    """Batch normalization: by the batch's statistics in training, else by running ones.

    After each training batch r ← (1 − m) r + m s, with m = `momentum` and s the mean or
    the unbiased variance of the batch. With track_running_stats=False the batch's
    statistics are used always.
    """

    axes: tuple[int, ...]  # how many axes x may have
    running_mean: Any = None
    running_var: Any = None
    num_batches_tracked: Any

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1,
                 affine: bool = True, track_running_stats: bool = True, *,
                 dtype: Any = np.float32) -> None:
        super().__init__(num_features, eps, affine, dtype)
        self.num_features, self.momentum = num_features, momentum
        self.track_running_stats = track_running_stats
        if track_running_stats:
            self.register_buffer("running_mean", np.zeros(num_features, dtype))
            self.register_buffer("running_var", np.ones(num_features, dtype))
            self.register_buffer("num_batches_tracked", np.array(0))

    def forward(self, x: Any) -> Any:
        if len(x.shape) not in self.axes or x.shape[1] != self.num_features:
            raise ValueError(f"{self}: x of shape (N, {self.num_features}, …) with "
                             f"{' or '.join(map(str, self.axes))} axes is needed, "
                             f"got {x.shape}")
        by_batch = self.training or not self.track_running_stats
        moments = N.batch_statistics(unwrap(x)) if by_batch else None
        out = N.batch_norm(x, self.running_mean, self.running_var, self.weight,
                           self.bias, training=by_batch, eps=self.eps, moments=moments)
        if self.training and self.track_running_stats:
            self._track(moments, math.prod(x.shape) // self.num_features)
        return out

    def _track(self, moments: Any, n: int) -> None:
        mean, var = backend.constant(moments, like=self.running_mean)
        m = self.momentum
        self.running_mean = (1 - m) * self.running_mean + m * mean
        self.running_var = (1 - m) * self.running_var + m * var * (n / (n - 1))
        self.num_batches_tracked = self.num_batches_tracked + 1

    def describe(self) -> str:
        return str(self.num_features)


class BatchNorm1d(_BatchNorm):
    """Batch normalization of x (N, C) or (N, C, L). Source: {cite}`ioffe2015batch`."""

    axes = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalization of images (N, C, H, W). Source: {cite}`ioffe2015batch`."""

    axes = (4,)


class LayerNorm(_Norm):
    """Each example standardized over its last axes. Source: {cite}`ba2016layer`."""

    def __init__(self, normalized_shape: int | tuple[int, ...], eps: float = 1e-5,
                 elementwise_affine: bool = True, *, dtype: Any = np.float32) -> None:
        super().__init__(normalized_shape, eps, elementwise_affine, dtype)
        self.normalized_shape = normalized_shape

    def forward(self, x: Any) -> Any:
        return N.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def describe(self) -> str:
        return str(self.normalized_shape)


class GroupNorm(_Norm):
    """Channels standardized in groups, for each example. Source: {cite}`wu2018group`."""

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5,
                 affine: bool = True, *, dtype: Any = np.float32) -> None:
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(f"GroupNorm: num_groups={num_groups} must divide "
                             f"num_channels={num_channels}")
        super().__init__(num_channels, eps, affine, dtype)
        self.num_groups, self.num_channels = num_groups, num_channels

    def forward(self, x: Any) -> Any:
        if len(x.shape) < 2 or x.shape[1] != self.num_channels:
            raise ValueError(f"{self}: x of shape (N, {self.num_channels}, …) is needed, "
                             f"got {x.shape}")
        return N.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def describe(self) -> str:
        return f"{self.num_groups}, {self.num_channels}"


class InstanceNorm2d(_Norm):
    """Each channel of each image by itself. Source: {cite}`ulyanov2016instance`."""

    def __init__(self, num_features: int, eps: float = 1e-5, affine: bool = False, *,
                 dtype: Any = np.float32) -> None:
        super().__init__(num_features, eps, affine, dtype)
        self.num_features = num_features

    def forward(self, x: Any) -> Any:
        if len(x.shape) != 4 or x.shape[1] != self.num_features:
            raise ValueError(f"{self}: images (N, {self.num_features}, H, W) are needed, "
                             f"got {x.shape}")
        return N.instance_norm(x, self.weight, self.bias, self.eps)

    def describe(self) -> str:
        return str(self.num_features)
