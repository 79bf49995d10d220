"""The contestants: each is one class, with one method for each kind of work that it can do.

A method takes weights and data as arrays of NumPy and returns a step, a function without
arguments that does the work once and returns arrays by which one sees that it was done right:
the loss, gradients, new parameters. `numpy` brings these to NumPy. The kinds of work:

- `operations(x, length)`: build x·b + a again and again, `length` operations, and go back;
  the gradients of a and b, which are as x;
- `mlp(weights, x, y, lr)`, `lenet(weights, x, y, lr)`: one training step of a network (with Adam,
  with momentum 0.9) on the cross-entropy; the loss;
- `residual(weights, x, g)`: two residual blocks forward and backward from the gradient g of the
  result; the result and the gradient of x;
- `conv2d(x, w, b, g, **how)`: forward and backward; the gradients of x, w and b;
- `pool(x, g, kind, args)`: `kind` is "max" or "avg", args are size, stride and padding; the
  gradient of x;
- `optimizer(w, g, kind, lr)`: one step of "SGD", "momentum" or "Adam"; the new w;
- `rosenbrock(w, steps, lr)`: that many steps of Adam on Rosenbrock's function, recording the path,
  the values and the gradients; the last w.

A method that a class lacks is work that the library cannot do; a method returns None for those
cases of a work that it cannot do.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np


class Contestant:
    """The base of all; `name` stands in the tables."""

    name = ""

    def numpy(self, x: Any) -> np.ndarray:
        return np.asarray(x)


PEERS = {"mygrad": "MyGrad", "autograd": "Autograd", "dezero": "DeZero", "tinygrad": "Tinygrad"}


def load_peers(leave: tuple[str, ...] = ()) -> tuple[list[Contestant], dict[str, str]]:
    """The peers that are installed and work, and why the others do not; `leave` some out."""
    found: list[Contestant] = []
    missing = dict.fromkeys(leave, "left out in a quick run")
    for name, cls in PEERS.items():
        if name in leave:
            continue
        try:
            found.append(getattr(importlib.import_module(f"peers.{name}"), cls)())
        except (ImportError, RuntimeError) as e:
            missing[name] = f"{type(e).__name__}: {e}"
    return found, missing
