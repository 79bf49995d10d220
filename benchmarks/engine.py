"""The engine against PyTorch eager: the cost of one operation, of a training step, of the import.

    make bench
"""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

from harness import Comparison, compare, header, row  # first: it sets the threads

# isort: split
import numpy as np
import torch

from lecturelib import Tensor, nn, optim
from lecturelib import functional as F


def operations(length: int) -> Comparison:
    """Build x·b + a, again and again on 10 elements, `length` operations in all, and go back."""
    ones = np.ones(10, np.float32)
    a, b = Tensor(ones, requires_grad=True), Tensor(ones, requires_grad=True)
    ta, tb = torch.ones(10, requires_grad=True), torch.ones(10, requires_grad=True)

    def graph(a, b, seed):
        x = a
        for _ in range(length // 2):
            x = x * b
            x = x + a
        x.backward(seed)
        a.grad = b.grad = None

    return compare(lambda: graph(a, b, ones), lambda: graph(ta, tb, torch.ones(10)))


def training_step(batch: int = 128) -> Comparison:
    """One SGD step of an MLP 784-256-128-10: zero_grad, forward, backward, step."""
    rng = np.random.default_rng(0)
    sizes = (784, 256, 128, 10)
    x = rng.random((batch, 784), dtype=np.float32)
    y = rng.integers(10, size=batch)

    layers: list[nn.Module] = []
    peers: list[torch.nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out, rng=rng), nn.ReLU()]
        peers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    model, peer = nn.Sequential(*layers[:-1]), torch.nn.Sequential(*peers[:-1])
    peer.load_state_dict({k: torch.from_numpy(v) for k, v in model.state_dict().items()})
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    peer_optimizer = torch.optim.SGD(peer.parameters(), lr=0.01)
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)

    def ours():
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    def theirs():
        peer_optimizer.zero_grad()
        torch.nn.functional.cross_entropy(peer(tx), ty).backward()
        peer_optimizer.step()

    return compare(ours, theirs)


def imports() -> Comparison:
    """`import lecturelib` in a fresh process against `import numpy` in another."""
    def run(module: str):
        return lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return compare(run("lecturelib"), run("numpy"), rounds=20, seconds=0)


def main() -> None:
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, numpy {np.__version__}, one thread, float32\n")
    print(header("torch"))
    # a student's formula has a dozen operations; PyTorch's fixed cost per backward is spread thin
    # only in long chains
    for length, target in ((2, 0.6), (10, 0.6), (100, None)):
        name = f"one of {length} operations, built and backward"
        print(row(name, operations(length), target, per=length))
    print(row("MLP 784-256-128-10, batch 128, SGD step", training_step(), target=1.0, unit="ms"))
    print()
    print(header("numpy"))
    print(row("import", imports(), target=1.3, unit="ms"))


if __name__ == "__main__":
    main()
