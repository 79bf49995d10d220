"""The training loop, and the record it keeps."""

from lecturelib.train.loop import History, evaluate, fit

__all__ = ["History", "evaluate", "fit"]
