"""What is measured: the rows of the table, with their targets, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import networks
import numpy as np

from lecturelib import nn

OURS, ARRAYS, TORCH = "lecturelib, NumPy", "lecturelib, torch arrays", "torch"
CALLS = 4  # whose results are compared: tinygrad runs what it has compiled from the third on
Arguments = dict[str, Any]
Step = Callable[[], Any]


@dataclass(frozen=True)
class Work:
    """One row: `task` names the method of a contestant, `make(small)` its arguments.

    targets: the largest ratio to torch that we want, by contestant, as the design sets it.
    unit: of the times in the tables, which are divided by `per`. tolerance: how far the results
    of two contestants may differ, in norm.
    """

    group: str
    name: str
    task: str
    make: Callable[[bool], Arguments]
    targets: dict[str, float]
    unit: str = "ms"
    per: int = 1
    tolerance: float = 1e-4


def goals(numpy: float | None = None, arrays: float | None = None) -> dict[str, float]:
    """Targets by contestant."""
    return {name: t for name, t in ((OURS, numpy), (ARRAYS, arrays)) if t is not None}


def draw() -> np.random.Generator:
    """A new generator, always the same: each row has its numbers whatever rows come before."""
    return np.random.default_rng(0)


def classification(build: Callable, batch: int, image: tuple[int, ...], lr: float) -> Callable:
    """Arguments of a training step: weights as PyTorch names them, random images, labels."""
    def make(small: bool) -> Arguments:
        rng = draw()
        n = 4 if small else batch
        return {"weights": build(nn, rng=rng).state_dict(),
                "x": rng.random((n, *image), np.float32), "y": rng.integers(10, size=n), "lr": lr}
    return make


def residual(small: bool) -> Arguments:
    rng = draw()
    shape = (4 if small else 32, 32, 28, 28)
    return {"weights": networks.residual(nn, rng=rng).state_dict(),
            "x": rng.standard_normal(shape, np.float32),
            "g": rng.standard_normal(shape, np.float32)}


def convolution(x: tuple, w: tuple, **how: int) -> Callable:
    """Arguments of `conv2d`: images, kernels, biases, the gradient of the result."""
    def make(small: bool) -> Arguments:
        rng = draw()
        n = 2 if small else x[0]
        side = (x[2] + 2 * how.get("padding", 0) - w[2]) // how.get("stride", 1) + 1
        shapes = {"x": (n, *x[1:]), "w": w, "b": w[:1], "g": (n, w[0], side, side)}
        return {**{k: rng.standard_normal(s, np.float32) for k, s in shapes.items()}, **how}
    return make


def pooling(x: tuple, kind: str, size: int, stride: int, padding: int = 0) -> Callable:
    def make(small: bool) -> Arguments:
        rng = draw()
        shape = (2 if small else x[0], *x[1:])
        side = (x[2] + 2 * padding - size) // stride + 1
        return {"x": rng.standard_normal(shape, np.float32),
                "g": rng.standard_normal((*shape[:2], side, side), np.float32),
                "kind": kind, "args": (size, stride, padding)}
    return make


def optimizer(kind: str, lr: float) -> Callable:
    def make(small: bool) -> Arguments:
        w, g = draw().standard_normal((2, 1000 if small else 1_000_000), np.float32)
        return {"w": w, "g": g, "kind": kind, "lr": lr}
    return make


def operations(length: int) -> Callable:
    return lambda small: {"x": np.ones(10, np.float32), "length": length}


def rosenbrock(small: bool) -> Arguments:
    return {"w": np.array([-1.2, 1.0]), "steps": STEPS, "lr": 0.01}


STEPS = 100  # of the trajectory
SAME, HALF = {"padding": 1}, {"padding": 1, "stride": 2}


def conv_rows() -> Iterator[Work]:
    """Convolutions and pools."""
    for name, x, w, how, target in (
        ("3×3, 32→32, 28×28, batch 32", (32, 32, 28, 28), (32, 32, 3, 3), SAME, goals(1.4, 1)),
        ("3×3, 64→64, 14×14, batch 32", (32, 64, 14, 14), (64, 64, 3, 3), SAME, goals(1.4, 1)),
        ("1×1, 64→64, 28×28, batch 32", (32, 64, 28, 28), (64, 64, 1, 1), {}, goals(1, 1)),
        ("1×1, 64→128, 14×14, batch 32", (32, 64, 14, 14), (128, 64, 1, 1), {}, goals(1, 1)),
        ("5×5, 1→6, 28×28, batch 64", (64, 1, 28, 28), (6, 1, 5, 5), {"padding": 2}, {}),
        ("5×5, 6→16, 14×14, batch 64", (64, 6, 14, 14), (16, 6, 5, 5), {}, {}),
        ("3×3, 32→64, stride 2, batch 32", (32, 32, 28, 28), (64, 32, 3, 3), HALF, {}),
        ("3×3, 32 depthwise, batch 32", (32, 32, 28, 28), (32, 1, 3, 3),
         {**SAME, "groups": 32}, {}),
    ):
        yield Work("convolution", "conv " + name, "conv2d", convolution(x, w, **how), target)
    for name, x, args, target in (
        ("max-pool 2×2, 64×6×28×28", (64, 6, 28, 28), ("max", 2, 2), goals(0.5, 0.6)),
        ("max-pool 2×2, 32×64×28×28", (32, 64, 28, 28), ("max", 2, 2), goals(0.5, 0.6)),
        ("max-pool 3×3/2, 32×64×28×28", (32, 64, 28, 28), ("max", 3, 2, 1), {}),
        ("avg-pool 2×2, 32×64×28×28", (32, 64, 28, 28), ("avg", 2, 2), {}),
    ):
        yield Work("pooling", name, "pool", pooling(x, *args), target, tolerance=1e-2)  # ties


WORKS: list[Work] = [
    *[Work("operations", f"one of {n} operations, built and backward", "operations",
           operations(n), goals(0.5, 1.05), "µs", n) for n in (2, 10, 100)],
    Work("networks", "MLP 784-256-128-10, batch 128, Adam step", "mlp",
         classification(networks.mlp, 128, (784,), 1e-4), goals(0.75, 0.70)),
    Work("networks", "LeNet, batch 64, momentum step", "lenet",
         classification(networks.lenet, 64, (1, 28, 28), 0.01), goals(0.95, 0.90)),
    Work("networks", "two residual BN blocks 32×28×28, batch 32", "residual", residual,
         goals(1.35, 1.0), tolerance=1e-2),  # one ReLU at its kink, and a gradient differs
    *conv_rows(),
    *[Work("optimizers", f"{kind} step, 1,000,000 parameters", "optimizer",
           optimizer(kind, lr), goals(target))
      for kind, lr, target in (("SGD", 0.01, 1.1), ("momentum", 0.01, 0.85), ("Adam", 1e-3, 0.8))],
    Work("trajectories", "Rosenbrock in 2-D, one step of Adam", "rosenbrock", rosenbrock,
         goals(0.1), "µs", STEPS),
]
GPU_WORKS: list[Work] = [
    *[w for w in WORKS if w.task == "lenet"],
    Work("networks", "ResNet-18, batch 64 of 3×32×32, momentum step", "resnet18",
         classification(networks.resnet18, 64, (3, 32, 32), 1e-3), {}, tolerance=3e-3),
]


def start(work: Work, contestant: Any, small: bool = False) -> Step | None:
    """The contestant's step for this work, None if it cannot do it."""
    method = getattr(contestant, work.task, None)
    return method(**work.make(small)) if method else None


def first_results(contestant: Any, step: Step) -> list[list[np.ndarray]]:
    """Copies of what the first calls of a step return."""
    return [[np.array(contestant.numpy(a)) for a in step()] for _ in range(CALLS)]


def difference(results: list, expected: list, tolerance: float) -> str:
    """How these results differ from those expected, or nothing if they do not."""
    for call, pair in enumerate(zip(results, expected)):
        for i, (a, b) in enumerate(zip(*pair, strict=True)):
            if a.shape != b.shape and not a.size == b.size == 1:
                return f"result {i} has shape {a.shape}, not {b.shape}"
            error = float(np.linalg.norm(a - b) / np.linalg.norm(b))
            if not error <= tolerance:
                return f"result {i} of call {call} differs by {error:.1e}"
    return ""
