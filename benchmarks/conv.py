"""Convolution and pooling against PyTorch eager: forward and backward, one thread.

    python benchmarks/conv.py
"""

from __future__ import annotations

from collections.abc import Callable

from harness import Comparison, compare, header, row  # first: it sets the threads

# isort: split
import numpy as np
import torch
import torch.nn.functional as TF

from lecturelib import Tensor
from lecturelib import functional as F

SAME, HALF = {"padding": 1}, {"padding": 1, "stride": 2}
DEPTH = {"padding": 1, "groups": 32}
CONVOLUTIONS: list[tuple] = [  # name, images, kernels, attributes, target
    ("3×3, 32→32, 28×28, batch 32", (32, 32, 28, 28), (32, 32, 3, 3), SAME, 1.4),
    ("3×3, 64→64, 14×14, batch 32", (32, 64, 14, 14), (64, 64, 3, 3), SAME, 1.4),
    ("1×1, 64→64, 28×28, batch 32", (32, 64, 28, 28), (64, 64, 1, 1), {}, 1.0),
    ("1×1, 64→128, 14×14, batch 32", (32, 64, 14, 14), (128, 64, 1, 1), {}, 1.0),
    ("5×5, 1→6, 28×28, batch 64", (64, 1, 28, 28), (6, 1, 5, 5), {"padding": 2}, None),
    ("5×5, 6→16, 14×14, batch 64", (64, 6, 14, 14), (16, 6, 5, 5), {}, None),
    ("3×3, 32→64, stride 2, batch 32", (32, 32, 28, 28), (64, 32, 3, 3), HALF, None),
    ("3×3, 32 depthwise, batch 32", (32, 32, 28, 28), (32, 1, 3, 3), DEPTH, None),
]
POOLS: list[tuple] = [  # name, images, function, its arguments, target
    ("max-pool 2×2, 64×6×28×28", (64, 6, 28, 28), "max_pool2d", (2,), 0.5),
    ("max-pool 2×2, 32×64×28×28", (32, 64, 28, 28), "max_pool2d", (2,), 0.5),
    ("max-pool 3×3/2, 32×64×28×28", (32, 64, 28, 28), "max_pool2d", (3, 2, 1), None),
    ("avg-pool 2×2, 32×64×28×28", (32, 64, 28, 28), "avg_pool2d", (2,), None),
]


def layer(ours: Callable, theirs: Callable, *shapes: tuple[int, ...]) -> Comparison:
    """Forward and backward of a function of arrays of these shapes."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape, np.float32) for shape in shapes]
    xs = [Tensor(a, requires_grad=True) for a in arrays]
    peers = [torch.tensor(a, requires_grad=True) for a in arrays]
    seed = rng.standard_normal(ours(*xs).shape, np.float32)
    peer_seed = torch.tensor(seed)

    def both(f, variables, g):
        f(*variables).backward(g)
        for v in variables:
            v.grad = None

    return compare(lambda: both(ours, xs, seed), lambda: both(theirs, peers, peer_seed),
                   rounds=20, seconds=0.05)


def convolution(x: tuple, w: tuple, **how: int) -> Comparison:
    """`conv2d` with a bias; gradients of images, weights and bias."""
    return layer(lambda *a: F.conv2d(*a, **how), lambda *a: TF.conv2d(*a, **how),
                 x, w, w[:1])


def main() -> None:
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, numpy {np.__version__}, one thread, float32\n")
    print(header("torch"))
    for name, x, w, how, target in CONVOLUTIONS:
        print(row(name, convolution(x, w, **how), target, unit="ms"), flush=True)
    for name, shape, function, args, target in POOLS:
        ours, theirs = getattr(F, function), getattr(TF, function)
        result = layer(lambda v, f=ours, a=args: f(v, *a),
                       lambda v, f=theirs, a=args: f(v, *a), shape)
        print(row(name, result, target, unit="ms"), flush=True)


if __name__ == "__main__":
    main()
