"""The record of a training run."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class History:
    """What happened in training: an entry per step in `step_loss`, else per epoch.

    `loss` and `metric` average over the minibatches of the epoch, while the model was
    changing; `val_loss` and `val_metric` are measured after it. The metric is the
    accuracy by default. `stopped` says why training ended before its last epoch, and is
    empty if it did not.
    """

    step_loss: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    metric: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_metric: list[float] = field(default_factory=list)
    stopped: str = ""

    def __repr__(self) -> str:
        epochs, steps = len(self.loss), len(self.step_loss)
        last = {name: round(getattr(self, name)[-1], 4) for name in MEASURES
                if getattr(self, name)}
        stopped = f", stopped: {self.stopped}" if self.stopped else ""
        return f"History({epochs} epochs, {steps} steps, last: {last}{stopped})"


MEASURES = ("loss", "metric", "val_loss", "val_metric")  # of each epoch
