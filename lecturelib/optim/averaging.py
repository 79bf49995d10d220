"""Averages of the weights along an optimizer's path, often better than its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.nn import Module, Parameter


class WeightAverage:
    """The exponential moving average of a model's parameters, or of a list of them.

    Call `update()` after each step of the optimizer:

        m ← β m + (1 − β) w,

    with β = `decay`, where the first update sets m = w; so w₁ keeps the weight β^(t−1)
    among t. With bias_correction=True, m / (1 − βᵗ) is kept instead, with m from 0 and
    as in Adam: weights ∝ β^(t−i) for every w_i. `with average.applied():` runs a block
    with the averaged weights in place. Each array of `average.values` has the shape of
    its parameter.

    Buffers, such as the running statistics of batch norm, are not averaged: those of
    the model, measured with its own weights, serve the averaged ones too. They may be
    measured anew within `applied()`, which puts back buffers as well as weights.

    `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn(decay)`.
    Raises ValueError for decay outside [0, 1) and for no parameters.
    Source: {cite}`polyak1992acceleration`, who take the plain mean.
    """

    def __init__(self, model: Module | Iterable[Parameter], decay: float = 0.999, *,
                 bias_correction: bool = False) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay: must be in [0, 1), got {decay}")
        self.model = model if isinstance(model, Module) else None
        self.params = model.parameters() if isinstance(model, Module) else list(model)
        if not self.params or not all(isinstance(p, Parameter) for p in self.params):
            raise ValueError("model: a Module or a list of at least one Parameter is "
                             f"needed, got {type(model).__name__}")
        self.decay, self.bias_correction = float(decay), bias_correction
        self.updates = 0
        self.values = [backend.copy(p.data) for p in self.params]
        self.in_place = False  # whether we are within `applied`

    def update(self) -> None:
        """Take the present weights into the average."""
        if self.in_place:
            raise RuntimeError("update: within applied() the weights are the average")
        self.updates += 1
        new = 1 - self.decay  # the share of the new weights
        if self.bias_correction or self.updates == 1:
            new /= 1 - self.decay ** self.updates
        self.values = [backend.as_array((1 - new) * m + new * p.data)
                       for m, p in zip(self.values, self.params, strict=True)]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the block the parameters are the averages; then all is as it was.

        Raises RuntimeError before the first update.
        """
        if not self.updates or self.in_place:
            raise RuntimeError("applied: within another applied()" if self.in_place else
                               "applied: call update() after a step first")
        weights = [p.data for p in self.params]
        buffers = list(self._buffers())
        self.in_place = True
        for p, m in zip(self.params, self.values, strict=True):
            p.data = backend.copy(m)
        try:
            yield
        finally:
            self.in_place = False
            for p, w in zip(self.params, weights, strict=True):
                p.data = w
            for module, name, value in buffers:
                setattr(module, name, value)

    def _buffers(self) -> Iterator[tuple[Module, str, Any]]:
        """Where the model's buffers are, with copies of them."""
        for module in self.model.modules() if self.model else ():
            for name in module.buffer_names:
                yield module, name, backend.copy(getattr(module, name))

    def state_dict(self) -> dict[str, np.ndarray]:
        """The number of updates, and a copy of each average, named by its place."""
        averages = {f"values.{i}": np.array(backend.numpy(m))
                    for i, m in enumerate(self.values)}
        return {"updates": np.asarray(self.updates), **averages}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave.

        Raises KeyError if names are missing or unknown, ValueError if a shape differs;
        then nothing has been changed.
        """
        own = self.state_dict()
        if own.keys() != state.keys():
            raise KeyError(f"state: missing {sorted(own.keys() - state.keys())}, "
                           f"unknown {sorted(state.keys() - own.keys())}")
        for name, m in own.items():
            if np.shape(state[name]) != m.shape:
                raise ValueError(f"state[{name!r}]: shape {np.shape(state[name])}, "
                                 f"{m.shape} is needed")
        self.updates = int(state["updates"])
        self.values = [backend.copy(backend.constant(state[f"values.{i}"], m))
                       for i, m in enumerate(self.values)]
