"""The multilayer perceptron: linear maps with a nonlinearity between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from lecturelib import nn


def mlp(sizes: Sequence[int], activation: Callable[[], nn.Module] = nn.ReLU, *,
        rng: np.random.Generator, dtype: Any = np.float32) -> nn.Sequential:
    """Linear layers of the given sizes, an activation after each but the last.

    sizes: inputs, units of each hidden layer, outputs, as in (784, 256, 10);
    activation: a class of modules. Images are flattened first. Raises ValueError for
    fewer than two sizes. Source: {cite}`goodfellow2016deep`, chapter 6.
    """
    if len(sizes) < 2:
        raise ValueError("mlp: sizes must hold the inputs and the outputs at least, "
                         f"got {tuple(sizes)}")
    layers: list[nn.Module] = [nn.Flatten()]
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        layers += [activation()] if i else []
        layers.append(nn.Linear(n_in, n_out, rng=rng, dtype=dtype))
    return nn.Sequential(*layers)
