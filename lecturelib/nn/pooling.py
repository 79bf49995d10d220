"""Pooling layers: `lecturelib/ops/pool.py` as modules. They have no parameters."""

from __future__ import annotations

from typing import Any

from lecturelib import functional as F
from lecturelib.nn.convolution import Windowed
from lecturelib.ops.windows import Pair


class MaxPool2d(Windowed):
    """The maximum of each window of x (N, C, H, W): `functional.max_pool2d`."""

    def __init__(self, kernel_size: Pair, stride: Pair | None = None,
                 padding: Pair = 0) -> None:
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def forward(self, x: Any) -> Any:
        return F.max_pool2d(x, self.kernel_size, self.stride, self.padding)

    def describe(self) -> str:
        stride = "" if self.stride == self.kernel_size else f", stride={self.stride}"
        padding = "" if self.padding == 0 else f", padding={self.padding}"
        return f"{self.kernel_size}{stride}{padding}"


class AvgPool2d(MaxPool2d):
    """The mean of each window of x (N, C, H, W): `functional.avg_pool2d`."""

    def __init__(self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0,
                 count_include_pad: bool = True) -> None:
        super().__init__(kernel_size, stride, padding)
        self.count_include_pad = count_include_pad

    def forward(self, x: Any) -> Any:
        return F.avg_pool2d(x, self.kernel_size, self.stride, self.padding,
                            self.count_include_pad)


class LSEPool2d(MaxPool2d):
    """Log-mean-exp of each window, a smooth maximum: `functional.lse_pool2d`."""

    def __init__(self, kernel_size: Pair, temperature: float = 1.0,
                 stride: Pair | None = None, padding: Pair = 0) -> None:
        super().__init__(kernel_size, stride, padding)
        self.temperature = temperature

    def forward(self, x: Any) -> Any:
        return F.lse_pool2d(x, self.kernel_size, self.temperature, self.stride,
                            self.padding)

    def describe(self) -> str:
        return f"{super().describe()}, temperature={self.temperature}"


class AdaptiveAvgPool2d(Windowed):
    """Means over `output_size` parts of the image: `functional.adaptive_avg_pool2d`."""

    def __init__(self, output_size: int | tuple | None) -> None:
        self.output_size = output_size

    def forward(self, x: Any) -> Any:
        return F.adaptive_avg_pool2d(x, self.output_size)

    def describe(self) -> str:
        return f"{self.output_size}"


class GlobalAvgPool2d(Windowed):
    """The mean of each channel, (N, C, H, W) ↦ (N, C): no Flatten is needed then."""

    def forward(self, x: Any) -> Any:
        return F.global_avg_pool2d(x)
