"""LeNet-5: two rounds of convolution and pooling, then a multilayer perceptron."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lecturelib import nn


def lenet(channels: int = 1, classes: int = 10,
          activation: Callable[[], nn.Module] = nn.ReLU,
          pool: Callable[[int], nn.Module] = nn.MaxPool2d, *,
          rng: np.random.Generator, dtype: Any = np.float32) -> nn.Sequential:
    """LeNet-5 for images (N, `channels`, 28, 28), with `classes` scores for each.

    Kernels of 5×5, 6 and 16 maps, 120 and 84 units. The original has tanh, average
    pools with weights, a sparse table of connections and an output of radial units;
    with `activation=nn.Tanh, pool=nn.AvgPool2d` the first two are near it.
    Source: {cite}`lecun1998gradient`.
    """
    how: dict[str, Any] = {"rng": rng, "dtype": dtype}
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=2, **how), activation(), pool(2),
        nn.Conv2d(6, 16, 5, **how), activation(), pool(2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120, **how), activation(),
        nn.Linear(120, 84, **how), activation(),
        nn.Linear(84, classes, **how),
    )
