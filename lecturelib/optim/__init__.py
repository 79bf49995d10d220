"""Optimizers: each is one rule that reads like pseudo-code, `update(w, g, state)` for a
step of training, or `direction(at, state)` for `minimize`, which evaluates f in full."""

from lecturelib.optim.adaptive import AdaDelta, AdaGrad, Adam, AdamW, NAdam, RMSProp
from lecturelib.optim.averaging import WeightAverage
from lecturelib.optim.clipping import clip_grad_norm_, clip_grad_value_
from lecturelib.optim.first_order import SGD
from lecturelib.optim.line_search import Backtracking, FixedStep, StrongWolfe
from lecturelib.optim.minimize import Method, descend, minimize
from lecturelib.optim.modern import Lion, Muon
from lecturelib.optim.network_function import network_function
from lecturelib.optim.newton import GradientDescent, Newton
from lecturelib.optim.optimizer import Optimizer
from lecturelib.optim.quasi_newton import BFGS, LBFGS, ConjugateGradient
from lecturelib.optim.schedules import (
    constant,
    cosine,
    exponential,
    inverse_time,
    linear_decay,
    one_cycle,
    reduce_on_plateau,
    step_decay,
    warmup,
)
from lecturelib.optim.trace import Trace

__all__ = [
    "BFGS", "LBFGS", "SGD", "AdaDelta", "AdaGrad", "Adam", "AdamW", "Backtracking",
    "ConjugateGradient", "FixedStep", "GradientDescent", "Lion", "Method", "Muon",
    "NAdam", "Newton", "Optimizer", "RMSProp", "StrongWolfe", "Trace", "WeightAverage",
    "clip_grad_norm_", "clip_grad_value_", "constant", "cosine", "descend",
    "exponential", "inverse_time", "linear_decay", "minimize", "network_function",
    "one_cycle", "reduce_on_plateau", "step_decay", "warmup",
]
