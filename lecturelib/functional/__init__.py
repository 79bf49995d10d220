"""Functions without state, as in `torch.nn.functional`."""

from lecturelib.functional.activations import (
    elu,
    gelu,
    leaky_relu,
    prelu,
    silu,
    softplus,
)
from lecturelib.functional.dropout import (
    dropout,
    dropout2d,
    dropout_mask,
    gaussian_dropout,
)
from lecturelib.functional.losses import (
    accuracy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge,
    huber_loss,
    l1_loss,
    mse_loss,
)
from lecturelib.functional.normalization import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
)
from lecturelib.functional.penalties import (
    elastic_penalty,
    l1_penalty,
    l2_penalty,
    tikhonov_penalty,
)
from lecturelib.ops import (
    linear,
    log_softmax,
    logsumexp,
    relu,
    sigmoid,
    softmax,
    tanh,
)
from lecturelib.ops.conv import conv1d, conv2d, conv_transpose2d, fold, unfold
from lecturelib.ops.pool import (
    adaptive_avg_pool2d,
    avg_pool2d,
    global_avg_pool2d,
    lse_pool2d,
    max_pool2d,
)

__all__ = [
    "accuracy", "adaptive_avg_pool2d", "avg_pool2d", "batch_norm",
    "binary_cross_entropy_with_logits", "conv1d", "conv2d", "conv_transpose2d",
    "cross_entropy", "dropout", "dropout2d", "dropout_mask", "elastic_penalty",
    "elu", "fold", "gaussian_dropout", "gelu", "global_avg_pool2d", "group_norm",
    "hinge", "huber_loss", "instance_norm", "l1_loss", "l1_penalty", "l2_penalty",
    "layer_norm", "leaky_relu", "linear", "log_softmax", "logsumexp", "lse_pool2d",
    "max_pool2d", "mse_loss", "prelu", "relu", "sigmoid", "silu", "softmax",
    "softplus", "tanh", "tikhonov_penalty", "unfold",
]
