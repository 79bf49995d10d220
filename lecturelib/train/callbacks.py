"""Callbacks: what others may do while `fit` trains, such as to stop it in time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lecturelib.data import Dataset
from lecturelib.nn import Module
from lecturelib.optim import Optimizer
from lecturelib.train.history import MEASURES, History


class Callback:
    """The base of all callbacks: override what should happen when.

    `run` holds the model, the optimizer, the validation set and the history so far. A
    text put into `run.history.stopped` ends the training after the present epoch.
    """

    def before_training(self, run: Run) -> None:
        """Before the first step."""

    def before_step(self, run: Run) -> None:
        """The gradients are there; the optimizer's step is not yet taken."""

    def after_step(self, run: Run) -> None:
        """The step is taken; the gradients that led to it are still there."""

    def after_epoch(self, run: Run) -> None:
        """The history has the epoch's entries, those of the validation too."""

    def after_training(self, run: Run) -> None:
        """After the last epoch, or the one that was stopped at."""


@dataclass
class Run:
    """What a callback sees of a training run."""

    model: Module
    optimizer: Optimizer
    validation: Dataset | None
    history: History
    callbacks: Sequence[Callback]

    def __post_init__(self) -> None:
        self.callbacks = list(self.callbacks)
        for i, callback in enumerate(self.callbacks):
            if not isinstance(callback, Callback):
                raise TypeError(
                    f"callbacks[{i}]: a Callback is needed, got {callback!r}; wrap a "
                    "function, as in AfterEpoch(f)")

    def tell(self, moment: str) -> None:
        """Call the method `moment` of every callback, in their order."""
        for callback in self.callbacks:
            getattr(callback, moment)(self)


class BeforeStep(Callback):
    """Calls f(run) between `backward` and the optimizer's step, to clip for instance.

    `BeforeStep(lambda run: clip_grad_norm_(run.model.parameters(), max_norm=1))`
    """

    def __init__(self, f: Callable[[Run], Any]) -> None:
        self.f = f

    def before_step(self, run: Run) -> None:
        self.f(run)


class AfterStep(Callback):
    """Calls f(run) after every step: `AfterStep(lambda run: average.update())`."""

    def __init__(self, f: Callable[[Run], Any]) -> None:
        self.f = f

    def after_step(self, run: Run) -> None:
        self.f(run)


class AfterEpoch(Callback):
    """Calls f(run) after every epoch, to feed a schedule that waits for a measurement.

    `AfterEpoch(lambda run: schedule.step(run.history.val_loss[-1]))`
    """

    def __init__(self, f: Callable[[Run], Any]) -> None:
        self.f = f

    def after_epoch(self, run: Run) -> None:
        self.f(run)


class EarlyStopping(Callback):
    """Stops when `monitor` has not improved for `patience` epochs in a row.

    monitor: "loss", "metric", "val_loss" or "val_metric" of the History. A value
    improves if it is better than the best so far by more than `min_delta`; NaN never
    does. mode: "min" or "max", whichever is better; a metric needs it, a loss is
    minimized. With restore_best=True the model ends with the parameters and buffers of
    its best epoch, whether training was stopped or not; the optimizer's state is not
    set back. Each `fit` starts anew; then `best` and `best_epoch` (from 1) tell.

    Raises ValueError for other names, patience < 1, min_delta < 0, and when `fit` has
    no validation set to monitor.
    Source: {cite}`goodfellow2016deep`, algorithm 7.1.
    """

    def __init__(self, patience: int, min_delta: float = 0.0, *,
                 monitor: str = "val_loss", mode: str | None = None,
                 restore_best: bool = True) -> None:
        if monitor not in MEASURES:
            raise ValueError(f"monitor: one of {MEASURES} is needed, got {monitor!r}")
        mode = "min" if mode is None and monitor.endswith("loss") else mode
        if mode not in ("min", "max"):
            raise ValueError(f"mode: 'min' or 'max' is needed for {monitor}, whichever "
                             f"is better, got {mode!r}")
        if not patience >= 1:
            raise ValueError(f"patience: at least 1 epoch is needed, got {patience}")
        if not min_delta >= 0:
            raise ValueError(f"min_delta: must be at least 0, got {min_delta}")
        self.patience, self.min_delta = patience, min_delta
        self.monitor, self.mode, self.restore_best = monitor, mode, restore_best

    def before_training(self, run: Run) -> None:
        if self.monitor.startswith("val_") and run.validation is None:
            raise ValueError(f"EarlyStopping: to monitor {self.monitor}, fit needs a "
                             "data set as validation=")
        self.best = math.inf if self.mode == "min" else -math.inf
        self.best_epoch = 0
        self.best_state: dict[str, Any] | None = None

    def after_epoch(self, run: Run) -> None:
        values = getattr(run.history, self.monitor)
        gain = self.best - values[-1] if self.mode == "min" else values[-1] - self.best
        if gain > self.min_delta:
            self.best, self.best_epoch = values[-1], len(values)
            if self.restore_best:
                self.best_state = run.model.state_dict()
        elif len(values) - self.best_epoch >= self.patience:
            run.history.stopped = (
                f"{self.monitor} has not improved since epoch {self.best_epoch}, where "
                f"it was {self.best:.4g}")

    def after_training(self, run: Run) -> None:
        if self.best_state is not None:
            run.model.load_state_dict(self.best_state)
            self.best_state = None  # no longer needed: let the memory go
