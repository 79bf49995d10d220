"""The training loop, the record it keeps, and what can be hung into it."""

from lecturelib.train.callbacks import (
    AfterEpoch,
    AfterStep,
    BeforeStep,
    Callback,
    EarlyStopping,
    Run,
)
from lecturelib.train.history import History
from lecturelib.train.loop import evaluate, fit

__all__ = [
    "AfterEpoch", "AfterStep", "BeforeStep", "Callback", "EarlyStopping", "History",
    "Run", "evaluate", "fit",
]
