"""Whole networks against PyTorch eager, from identical weights: one thread, float32.

    python benchmarks/blocks.py
"""

from __future__ import annotations

from collections.abc import Callable

from harness import Comparison, compare, header, row  # first: it sets the threads

# isort: split
import numpy as np
import torch

from lecturelib import Tensor, nn, optim
from lecturelib import functional as F

RNG = np.random.default_rng(0)


def lenet(batch: int = 64) -> Comparison:
    """One step of LeNet on images 28×28: forward, cross-entropy, backward, momentum."""
    def layers(lib, **rng):
        return [lib.Conv2d(1, 6, 5, padding=2, **rng), lib.ReLU(), lib.MaxPool2d(2),
                lib.Conv2d(6, 16, 5, **rng), lib.ReLU(), lib.MaxPool2d(2), lib.Flatten(),
                lib.Linear(400, 120, **rng), lib.ReLU(), lib.Linear(120, 84, **rng), lib.ReLU(),
                lib.Linear(84, 10, **rng)]

    model = nn.Sequential(*layers(nn, rng=RNG))
    peer = same_weights(torch.nn.Sequential(*layers(torch.nn)), model)
    optimizer = optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    peer_optimizer = torch.optim.SGD(peer.parameters(), lr=0.001, momentum=0.9)
    x = RNG.random((batch, 1, 28, 28), np.float32)
    y = RNG.integers(10, size=batch)
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)

    def step(model, optimizer, loss, x, y):
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

    return compare(
        lambda: step(model, optimizer, F.cross_entropy, x, y),
        lambda: step(peer, peer_optimizer, torch.nn.functional.cross_entropy, tx, ty),
        seconds=0.05)


def residual_blocks(batch: int = 32, channels: int = 32) -> Comparison:
    """Two residual blocks with batch normalization on 28×28: forward and backward."""
    def layers(lib, **rng):
        return [layer for _ in range(4) for layer in (
            lib.Conv2d(channels, channels, 3, padding=1, **rng), lib.BatchNorm2d(channels))]

    model = nn.ModuleList(layers(nn, rng=RNG))
    peer = same_weights(torch.nn.ModuleList(layers(torch.nn)), model)
    x, g = (RNG.standard_normal((batch, channels, 28, 28), np.float32) for _ in range(2))
    v, tv = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    tg = torch.from_numpy(g)

    def both(layers, relu, x, g):
        h = x
        for conv1, norm1, conv2, norm2 in (layers[:4], layers[4:]):
            h = relu(h + norm2(conv2(relu(norm1(conv1(h))))))
        h.backward(g)
        for p in (x, *parameters[id(layers)]):
            p.grad = None

    ours, theirs = list(model), list(peer)
    parameters = {id(ours): model.parameters(), id(theirs): list(peer.parameters())}
    return compare(lambda: both(ours, F.relu, v, g),
                   lambda: both(theirs, torch.relu, tv, tg), rounds=20, seconds=0.1)


def same_weights(peer: torch.nn.Module, model: nn.Module) -> torch.nn.Module:
    """The torch module with the weights of ours."""
    peer.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})
    return peer


NETWORKS: list[tuple[str, Callable[[], Comparison], float]] = [
    ("LeNet, batch 64, momentum step", lenet, 0.95),
    ("two residual BN blocks, 32×28×28, batch 32", residual_blocks, 1.35),
]


def main() -> None:
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, numpy {np.__version__}, one thread, float32\n")
    print(header("torch"))
    for name, network, target in NETWORKS:
        print(row(name, network(), target, unit="ms"), flush=True)


if __name__ == "__main__":
    main()
