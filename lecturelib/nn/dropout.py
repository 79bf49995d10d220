"""Dropout as modules: noise in training only. p is the probability to drop."""

from __future__ import annotations

from typing import Any

import numpy as np

from lecturelib import functional as F
from lecturelib.nn.module import Module


class Dropout(Module):
    """Elements set to 0 with probability p, in training.

    scale: "train" (inverted: kept ones are divided by 1 − p) or "test" (all are
    multiplied by 1 − p in evaluation). mask: drawn for each "sample", for each "batch"
    (all its examples lose the same elements), or for an "epoch": then it stays until
    `redraw` is called. The first axis of x is the batch.

    Raises ValueError for other values. Source: {cite}`srivastava2014dropout`.
    """

    def __init__(self, p: float = 0.5, *, scale: str = "train", mask: str = "sample",
                 rng: np.random.Generator) -> None:
        if mask not in ("sample", "batch", "epoch"):
            raise ValueError('Dropout: mask must be "sample", "batch" or "epoch", '
                             f"got {mask!r}")
        F.dropout(np.zeros(1), p, training=False, scale=scale, rng=rng)  # checks
        self.p, self.scale, self.mask, self.rng = p, scale, mask, rng
        self.kept: Any = None  # the mask of this epoch

    def forward(self, x: Any) -> Any:
        shared = () if self.mask == "sample" else (0,)
        if self.mask == "epoch" and self.training and self.kept is None:
            self.kept = F.dropout_mask(x, self.p, shared, rng=self.rng)
        return F.dropout(x, self.p, self.training, scale=self.scale, shared=shared,
                         mask=self.kept, rng=self.rng)

    def redraw(self) -> None:
        """Forget the mask of an epoch: the next batch draws a new one."""
        self.kept = None

    def describe(self) -> str:
        return f"{self.p}"


class Dropout2d(Module):
    """Whole channels of images (N, C, H, W) dropped with probability p, in training.

    Source: {cite}`tompson2015efficient`.
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator) -> None:
        F.dropout(np.zeros(1), p, training=False, rng=rng)  # checks
        self.p, self.rng = p, rng

    def forward(self, x: Any) -> Any:
        return F.dropout2d(x, self.p, self.training, rng=self.rng)

    def describe(self) -> str:
        return f"{self.p}"


class GaussianDropout(Module):
    """x ε with ε from N(1, p / (1 − p)), in training.

    Source: {cite}`srivastava2014dropout`, section 10.
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator) -> None:
        F.gaussian_dropout(np.zeros(1), p, training=False, rng=rng)  # checks
        self.p, self.rng = p, rng

    def forward(self, x: Any) -> Any:
        return F.gaussian_dropout(x, self.p, self.training, rng=self.rng)

    def describe(self) -> str:
        return f"{self.p}"


class Swapout(Module):
    """Θ₁ x + Θ₂ f(x): the input and the block f around which it skips, each dropped.

    The masks Θ are 0 with probability p_input and p_block in training; in evaluation
    they are their means. `shared` as in `F.dropout`: with p_input=0 and all axes but
    the batch, whole blocks are skipped, which is stochastic depth.

    Raises ValueError for probabilities outside [0, 1], and if f changes the shape.
    Sources: {cite}`singh2016swapout`; {cite}`huang2016deep` for stochastic depth.
    """

    def __init__(self, block: Module, p_input: float = 0.5, p_block: float = 0.5, *,
                 shared: tuple[int, ...] = (), rng: np.random.Generator) -> None:
        for p in (p_input, p_block):
            F.dropout(np.zeros(1), p, training=False, rng=rng)  # checks
        self.block, self.p_input, self.p_block = block, p_input, p_block
        self.shared, self.rng = shared, rng

    def forward(self, x: Any) -> Any:
        fx = self.block(x)
        if fx.shape != x.shape:
            raise ValueError(f"Swapout: the block must keep the shape of x {x.shape}, "
                             f"got {fx.shape}")
        first, second = (
            F.dropout(v, p, self.training, scale="test", shared=self.shared,
                      rng=self.rng)
            for v, p in ((x, self.p_input), (fx, self.p_block)))
        return first + second
