"""Building blocks of networks, with PyTorch's names and parameter layouts."""

from lecturelib.nn.layers import (
    Flatten,
    Linear,
    LogSoftmax,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)
from lecturelib.nn.module import Module, Parameter

__all__ = ["Flatten", "Linear", "LogSoftmax", "Module", "Parameter", "ReLU",
           "Sequential", "Sigmoid", "Softmax", "Tanh"]
