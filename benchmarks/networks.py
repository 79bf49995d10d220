"""The networks of the benchmarks, each written once for lecturelib and for PyTorch.

`lib` is `lecturelib.nn` or `torch.nn`: their names are the same. What lecturelib needs beside,
the generator, goes by `**how`.
"""

from __future__ import annotations

from typing import Any


def mlp(lib: Any, **how: Any) -> Any:
    """784-256-128-10, with ReLU between."""
    return lib.Sequential(
        lib.Linear(784, 256, **how), lib.ReLU(), lib.Linear(256, 128, **how), lib.ReLU(),
        lib.Linear(128, 10, **how))


def lenet(lib: Any, **how: Any) -> Any:
    """LeNet for images 1×28×28."""
    return lib.Sequential(
        lib.Conv2d(1, 6, 5, padding=2, **how), lib.ReLU(), lib.MaxPool2d(2),
        lib.Conv2d(6, 16, 5, **how), lib.ReLU(), lib.MaxPool2d(2), lib.Flatten(),
        lib.Linear(400, 120, **how), lib.ReLU(), lib.Linear(120, 84, **how), lib.ReLU(),
        lib.Linear(84, 10, **how))


def residual(lib: Any, **how: Any) -> Any:
    """Two residual blocks with batch normalization, 32 channels."""
    return lib.Sequential(block(lib, 32, 32, **how), block(lib, 32, 32, **how))


def resnet18(lib: Any, **how: Any) -> Any:
    """ResNet-18 in its form for small images: the first convolution is 3×3, with no pool."""
    widths = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1),
              (128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)]
    return lib.Sequential(
        lib.Conv2d(3, 64, 3, padding=1, bias=False, **how), lib.BatchNorm2d(64), lib.ReLU(),
        *[block(lib, n_in, n_out, stride, **how) for n_in, n_out, stride in widths],
        lib.AdaptiveAvgPool2d(1), lib.Flatten(), lib.Linear(512, 10, **how))


def block(lib: Any, n_in: int, n_out: int, stride: int = 1, **how: Any) -> Any:
    """x ↦ ReLU(x + BN(conv(ReLU(BN(conv(x)))))), 3×3; a 1×1 one beside it where sizes change."""

    class Block(lib.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = lib.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False, **how)
            self.norm1 = lib.BatchNorm2d(n_out)
            self.conv2 = lib.Conv2d(n_out, n_out, 3, padding=1, bias=False, **how)
            self.norm2 = lib.BatchNorm2d(n_out)
            self.relu = lib.ReLU()
            self.shortcut = lib.Sequential()
            if stride != 1 or n_in != n_out:
                self.shortcut = lib.Sequential(
                    lib.Conv2d(n_in, n_out, 1, stride=stride, bias=False, **how),
                    lib.BatchNorm2d(n_out))

        def forward(self, x: Any) -> Any:
            h = self.relu(self.norm1(self.conv1(x)))
            return self.relu(self.shortcut(x) + self.norm2(self.conv2(h)))

    return Block()
