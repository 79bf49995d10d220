"""Building blocks of networks, with PyTorch's names and parameter layouts."""

from lecturelib.nn.activation import (
    ELU,
    GELU,
    LeakyReLU,
    LogSoftmax,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from lecturelib.nn.convolution import Conv1d, Conv2d
from lecturelib.nn.dropout import Dropout, Dropout2d, GaussianDropout, Swapout
from lecturelib.nn.layers import Flatten, Linear, ModuleList, Sequential
from lecturelib.nn.lsuv import lsuv_
from lecturelib.nn.module import Module, Parameter
from lecturelib.nn.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    GroupNorm,
    InstanceNorm2d,
    LayerNorm,
)
from lecturelib.nn.pooling import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    GlobalAvgPool2d,
    LSEPool2d,
    MaxPool2d,
)
from lecturelib.nn.recurrent import (
    GRU,
    LSTM,
    RNN,
    Embedding,
    GRUCell,
    LSTMCell,
    RNNCell,
)
from lecturelib.nn.state import count_parameters, load_state, save_state
from lecturelib.nn.summary import summary

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "Dropout",
    "Dropout2d",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GlobalAvgPool2d",
    "GroupNorm",
    "InstanceNorm2d",
    "LSEPool2d",
    "LSTMCell",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool2d",
    "Module",
    "ModuleList",
    "PReLU",
    "Parameter",
    "RNNCell",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Swapout",
    "Tanh",
    "count_parameters",
    "load_state",
    "lsuv_",
    "save_state",
    "summary",
]
