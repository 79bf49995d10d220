"""tinygrad: each step compiled as a whole by its TinyJit, for the CPU, on one thread.

It needs clang. Where there is none, the one within the package `ziglang` serves.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

import numpy as np

from peers import Contestant


def _find_clang() -> None:
    if "CC" in os.environ or shutil.which("clang"):
        return
    try:
        import ziglang
    except ModuleNotFoundError:
        raise RuntimeError("tinygrad compiles with clang: install that, or ziglang") from None
    zig = Path(ziglang.__file__).with_name("zig")
    script = Path(tempfile.mkdtemp(prefix="clang")) / "clang"
    script.write_text(f'#!/bin/sh\nexec "{zig}" clang "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    os.environ["CC"] = str(script)


_find_clang()
os.environ["DEV"] = "CPU"

from tinygrad import Context, Tensor, TinyJit  # noqa: E402 (reads the environment)
from tinygrad.nn import BatchNorm, optim  # noqa: E402


class Tinygrad(Contestant):
    name = "tinygrad"

    def __init__(self) -> None:
        Tensor([1.0, 2.0]).sum().item()  # does its compiler work?

    def numpy(self, x):
        return x.numpy() if isinstance(x, Tensor) else np.asarray(x)

    def leaf(self, x):
        return Tensor(np.ascontiguousarray(x)).realize()

    def operations(self, x, length):
        a, b, seed = self.leaf(x), self.leaf(x), self.leaf(x)

        def step():  # TinyJit would compile it all to one loop, with no graph to build
            a.grad = b.grad = None
            h = a
            for _ in range(length // 2):
                h = h * b
                h = h + a
            h.backward(seed)
            Tensor.realize(a.grad, b.grad)
            return a.grad, b.grad

        return step

    def training(self, weights, forward, make, x, y):
        parameters = [self.leaf(w) for w in weights.values()]
        optimizer, x, y = make(parameters), self.leaf(x), self.leaf(y.astype(np.int32))

        @TinyJit
        def compiled():
            optimizer.zero_grad()
            loss = forward(x, *parameters).sparse_categorical_crossentropy(y).backward()
            Tensor.realize(loss, *optimizer.schedule_step())
            return loss

        def step():
            with Context(TRAINING=1):
                return (compiled(),)

        return step

    def mlp(self, weights, x, y, lr):
        def forward(h, w1, b1, w2, b2, w3, b3):
            h = h.linear(w1.T, b1).relu()
            h = h.linear(w2.T, b2).relu()
            return h.linear(w3.T, b3)

        return self.training(weights, forward, lambda p: optim.Adam(p, lr=lr), x, y)

    def lenet(self, weights, x, y, lr):
        def forward(h, w1, b1, w2, b2, w3, b3, w4, b4, w5, b5):
            h = h.conv2d(w1, b1, padding=2).relu().max_pool2d(2)
            h = h.conv2d(w2, b2).relu().max_pool2d(2)
            h = h.flatten(1).linear(w3.T, b3).relu()
            return h.linear(w4.T, b4).relu().linear(w5.T, b5)

        return self.training(weights, forward, lambda p: optim.SGD(p, lr, momentum=0.9), x, y)

    def residual(self, weights, x, g):
        w = {k: self.leaf(v) for k, v in weights.items() if "conv" in k}
        norms = {name: BatchNorm(32) for name in ("0.norm1", "0.norm2", "1.norm1", "1.norm2")}
        learned = [*w.values(), *[v for n in norms.values() for v in (n.weight, n.bias)]]

        def forward(h):
            for k in ("0", "1"):
                inner = h.conv2d(w[f"{k}.conv1.weight"], padding=1)
                inner = norms[f"{k}.norm1"](inner).relu()
                inner = inner.conv2d(w[f"{k}.conv2.weight"], padding=1)
                h = (h + norms[f"{k}.norm2"](inner)).relu()
            return h

        running = [v for n in norms.values() for v in (n.running_mean, n.running_var)]
        return self._backward(forward, [self.leaf(x)], learned, g, running, result=True)

    def conv2d(self, x, w, b, g, stride=1, padding=0, groups=1):
        return self._backward(
            lambda x, w, b: x.conv2d(w, b, stride=stride, padding=padding, groups=groups),
            [self.leaf(v) for v in (x, w, b)], [], g)

    def pool(self, x, g, kind, args):
        size, stride, padding = args
        f = {"max": Tensor.max_pool2d, "avg": Tensor.avg_pool2d}[kind]
        return self._backward(lambda v: f(v, size, stride, padding=padding), [self.leaf(x)], [],
                              g)

    def _backward(self, f, variables, parameters, g, also=(), result=False):
        leaves, g = [*variables, *parameters], self.leaf(g)

        @TinyJit
        def compiled():
            for v in leaves:
                v.grad = None
            out = f(*variables)
            out.backward(g)
            Tensor.realize(out, *[v.grad for v in leaves], *also)
            gradients = [v.grad for v in variables]
            return [out, *gradients] if result else gradients

        def step():
            with Context(TRAINING=1):
                return compiled()

        return step

    def optimizer(self, w, g, kind, lr):
        p = self.leaf(w)
        p.grad = self.leaf(g)
        optimizer = {"SGD": optim.SGD, "Adam": optim.Adam,
                     "momentum": lambda p, lr: optim.SGD(p, lr, momentum=0.9)}[kind]([p], lr=lr)

        @TinyJit
        def compiled():
            optimizer.step()
            return p

        def step():
            with Context(TRAINING=1):
                return (compiled(),)

        return step
