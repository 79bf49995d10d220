"""Convolutional layers: kernels that are learned, shared by all places of the image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lecturelib import functional as F
from lecturelib import init
from lecturelib.nn.module import Module, Parameter, check_positive
from lecturelib.ops.windows import Pair, pair


class Windowed(Module):
    """A layer that slides a window: errors of its function begin with its own name."""

    def __call__(self, *args: Any) -> Any:
        try:
            return super().__call__(*args)
        except ValueError as e:
            raise ValueError(f"{self}: {e}") from e


class Conv2d(Windowed):
    """`functional.conv2d` with its own kernels W (F, C/groups, KH, KW) and biases (F,).

    x: (N, C, H, W) with C = `in_channels`; the result: (N, F, OH, OW) with
    F = `out_channels`. All start as in PyTorch, uniform on ±1/√(C/groups · KH · KW),
    drawn from `rng`. Raises ValueError for sizes that are not positive integers and for
    `groups` that do not divide C and F.
    """

    axes = 2

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Pair,
                 stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1,
                 groups: int = 1, bias: bool = True, *, rng: np.random.Generator,
                 dtype: Any = np.float32) -> None:
        name = type(self).__name__
        check_positive(self, in_channels=in_channels, out_channels=out_channels,
                       groups=groups)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: groups={groups} must divide in_channels={in_channels} and "
                f"out_channels={out_channels}")
        self.kernel_size = self._extent("kernel_size", kernel_size, 1)
        self.stride = self._extent("stride", stride, 1)
        self.padding = self._extent("padding", padding, 0)
        self.dilation = self._extent("dilation", dilation, 1)
        self.in_channels, self.groups = in_channels, groups
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        self.weight = Parameter(np.zeros(shape), dtype=dtype)
        init.uniform_(self.weight, -bound, bound, rng=rng)
        self.bias = None
        if bias:
            self.bias = Parameter(np.zeros(out_channels), dtype=dtype)
            init.uniform_(self.bias, -bound, bound, rng=rng)

    def forward(self, x: Any) -> Any:
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding,
                        self.dilation, self.groups)

    def describe(self) -> str:
        def short(v: Any) -> Any:
            return v[0] if len(set(v)) == 1 else v

        out_channels = self.weight.shape[0]
        parts = [f"{self.in_channels}, {out_channels}, {short(self.kernel_size)}"]
        for name, default in (("stride", 1), ("padding", 0), ("dilation", 1)):
            if (value := short(getattr(self, name))) != default:
                parts.append(f"{name}={value}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        return ", ".join(parts if self.bias is not None else [*parts, "bias=False"])

    def _extent(self, argument: str, value: Any, least: int) -> Any:
        return pair(type(self).__name__, argument, value, least)[:self.axes]


class Conv1d(Conv2d):
    """`functional.conv1d` with its own kernels W (F, C/groups, K) and biases (F,).

    x: (N, C, L); the result: (N, F, OL). Start and errors as `Conv2d`.
    """

    axes = 1

    def forward(self, x: Any) -> Any:
        return F.conv1d(x, self.weight, self.bias, self.stride[0], self.padding[0],
                        self.dilation[0], self.groups)
