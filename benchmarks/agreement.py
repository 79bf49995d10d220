"""LeNet on the full Fashion-MNIST, three ways: on NumPy, on torch arrays, and in plain torch.

    python benchmarks/agreement.py [epochs]

All start from the same weights and see the same batches. In float64 their losses agree to many
digits. In float32 the first rounding errors, which differ, grow from step to step until the runs
are different ones of the same quality; training is chaotic in that sense.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import networks
import numpy as np
import torch

from lecturelib import functional as F
from lecturelib import init, models, nn, optim
from lecturelib.data import Dataset, batches, fashion_mnist

LR, MOMENTUM, BATCH = 0.05, 0.9, 64


def initial(dtype: Any) -> nn.Sequential:
    """A LeNet with weights after He, and biases of 0."""
    model, rng = models.lenet(rng=np.random.default_rng(0), dtype=dtype), np.random.default_rng(2)
    for p in model.parameters():
        init.kaiming_normal_(p, rng=rng) if p.ndim > 1 else init.constant_(p, 0)
    return model


def train(step: Callable[[np.ndarray, np.ndarray], float], data: Dataset, epochs: int) -> list:
    """The mean loss of each epoch; the batches are the same at every call."""
    deck, losses = batches(data, BATCH, rng=np.random.default_rng(1)), []
    for _ in range(epochs):
        values = [step(x, y) for x, y in deck]
        losses.append(float(np.mean(values)))
    return losses


def ours(device: str, dtype: Any, steps: int) -> tuple[Callable, Callable]:
    """A training step and a function from images to scores, on lecturelib."""
    model = initial(dtype).to(device)
    optimizer = optim.SGD(model.parameters(), lr=optim.cosine(LR, steps), momentum=MOMENTUM)

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, lambda x: model(x).detach().numpy()


def theirs(dtype: Any, steps: int) -> tuple[Callable, Callable]:
    """The same in plain PyTorch, from the same weights."""
    model = networks.lenet(torch.nn)
    model.to(torch.float64 if dtype == np.float64 else torch.float32)
    start = initial(dtype).state_dict()
    model.load_state_dict({k: torch.tensor(v) for k, v in start.items()})
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    def step(x, y):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(torch.tensor(x)), torch.tensor(y).long())
        loss.backward()
        optimizer.step()
        schedule.step()
        return loss.item()

    return step, lambda x: model(torch.tensor(x)).detach().numpy()


def main() -> None:
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    data = fashion_mnist(full=True)
    steps = epochs * len(batches(data.train, BATCH))
    print(f"{epochs} epochs of {len(data.train):,} images, batches of {BATCH}\n")
    print(f"{'':<30}{'loss by epoch':<{13 * epochs}}test accuracy  seconds")
    for dtype in (np.float64, np.float32):
        train_set, test_set = data.train.astype(dtype), data.test.astype(dtype)
        runs = {"lecturelib, NumPy": ours("cpu", dtype, steps),
                "lecturelib, torch": ours("torch", dtype, steps), "torch": theirs(dtype, steps)}
        for name, (step, scores) in runs.items():
            start = time.perf_counter()
            losses = train(step, train_set, epochs)
            seconds = time.perf_counter() - start
            correct = [scores(x).argmax(1) == y for x, y in batches(test_set, 1000)]
            text = "".join(f"{v:<13.9f}" for v in losses)
            print(f"{name + ', ' + dtype.__name__:<30}{text}{np.concatenate(correct).mean():13.4f}"
                  f"  {seconds:7.1f}", flush=True)


if __name__ == "__main__":
    main()
