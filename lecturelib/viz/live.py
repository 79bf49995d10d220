"""Curves that grow while a network is trained: a callback that redraws one figure."""

from __future__ import annotations

import os
import time
from typing import Any

from matplotlib.figure import Figure

from lecturelib.train import Callback, Run


class LiveCurves(Callback):
    """The loss of each step and the metric of each epoch, drawn in a notebook by `fit`.

    every: seconds between two drawings; metric: its name on the axis. `figure` stays.
    With TQDM_DISABLE, the switch of progress bars, it is drawn at the end only, as on
    the pages of the book.

    Raises ValueError for a negative `every`.
    """

    def __init__(self, every: float = 0.5, metric: str = "right") -> None:
        if not every >= 0:
            raise ValueError(f"every: 0 seconds or more are needed, got {every}")
        self.every, self.metric = every, metric

    def before_training(self, run: Run) -> None:
        self.ends: list[int] = []  # the number of steps taken at the end of each epoch
        self.figure = Figure(figsize=(6.4, 4.8))  # pyplot's would be shown twice
        self.axes = self.figure.subplots(2, 1, sharex=True)
        self.shown: Any = None
        self.drawn = time.monotonic()
        if not os.environ.get("TQDM_DISABLE"):
            self.show(run)

    def after_step(self, run: Run) -> None:
        if self.shown is not None and time.monotonic() - self.drawn >= self.every:
            self.show(run)

    def after_epoch(self, run: Run) -> None:
        self.ends.append(len(run.history.step_loss))

    def after_training(self, run: Run) -> None:
        self.show(run)

    def show(self, run: Run) -> None:
        """Draw what there is, in place of the last drawing."""
        self.draw(run)
        self.drawn = time.monotonic()
        if self.shown is not None:
            self.shown.update(self.figure)
            return
        from IPython import get_ipython
        from IPython.display import display

        if get_ipython() is not None:  # a script has no place to show it
            self.shown = display(self.figure, display_id=True)

    def draw(self, run: Run) -> None:
        """The curves of the history so far."""
        history, (top, bottom) = run.history, self.axes
        top.clear()
        bottom.clear()
        steps = range(1, len(history.step_loss) + 1)
        top.plot(steps, history.step_loss, lw=0.8, alpha=0.45)
        kinds = ("", "training", "C0o-"), ("val_", "validation", "C1s--")
        for ax, name in ((top, "loss"), (bottom, "metric")):
            for prefix, label, style in kinds:
                values = getattr(history, prefix + name)
                if values:
                    ax.plot(self.ends[:len(values)], values, style, ms=5, label=label)
        top.set(ylabel="loss", ylim=(0, None))
        bottom.set(ylabel=self.metric, xlabel="step")
        if self.ends:
            bottom.legend()
