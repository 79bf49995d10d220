"""Optimizers: each is one rule, `update(w, g, state)`, that reads like pseudo-code."""

from lecturelib.optim.first_order import SGD
from lecturelib.optim.optimizer import Optimizer

__all__ = ["SGD", "Optimizer"]
