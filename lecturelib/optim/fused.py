"""In-place forms of the rules that run most: the same steps, with less memory traffic.

A rule such as `w - lr * g` makes a new array for each operation. These forms write into
the slots of the state and into one piece of scratch, in blocks that stay in the cache.
They keep the same state as the rule, so that the two may take turns; they differ from
it by rounding at most. The new w is a new array, since graphs may hold the old one;
but whoever wants to keep a slot of the state must copy it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lecturelib import backend

SMALL = 1 << 15  # numbers: below, the calls cost more than the memory
BLOCK = 1 << 16  # numbers in a block: a quarter of a megabyte in float32

# by rule and library; torch's are apart, for they call what only its arrays have
FORMS: dict[Callable, Callable] = {}
TORCH_FORMS: dict[Callable, Callable] = {}


def update(rule: Any, w: Any, g: Any, state: dict[str, Any]) -> Any:
    """`rule.update(w, g, state)`, by the rule's fused form for such arrays if any.

    Forms are found by the function `update`: a subclass that has its own runs that.
    """
    forms = TORCH_FORMS if backend.is_torch(w) else FORMS
    form = forms.get(type(rule).update)
    return form(rule, w, g, state) if form else rule.update(w, g, state)


def sgd(rule: Any, w: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> np.ndarray:
    """`SGD.update` without momentum, or with PyTorch's default form of it."""
    if w.size < SMALL or not _usual_sgd(rule, state):
        return rule.update(w, g, state)
    new = np.empty_like(w)
    v = state["velocity"] if rule.momentum else g
    for W, G, V, out in blocks(w, g, v, new):
        if rule.momentum:
            V *= rule.momentum
            V += G
        np.multiply(V, rule.lr, out=out)
        np.subtract(W, out, out=out)
    return new


def torch_sgd(rule: Any, w: Any, g: Any, state: dict[str, Any]) -> Any:
    """`sgd` on torch tensors."""
    if not _usual_sgd(rule, state):
        return rule.update(w, g, state)
    v = state["velocity"].mul_(rule.momentum).add_(g) if rule.momentum else g
    return w.sub(v, alpha=rule.lr)


def _usual_sgd(rule: Any, state: dict[str, Any]) -> bool:
    """Whether there is no momentum, or PyTorch's default form of it, under way."""
    usual = rule.momentum_form == "torch" and not (rule.nesterov or rule.dampening)
    return not rule.momentum or (usual and "velocity" in state)


def adam(rule: Any, w: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> np.ndarray:
    """`Adam.update`, with the constants gathered in two: w − m / (scale √v + eps)."""
    lr = rule.lr
    if w.size < SMALL or "m" not in state or rule.amsgrad or not lr:
        return rule.update(w, g, state)
    t = state["step"] = state["step"] + 1
    b1, b2 = rule.betas
    c1, c2 = (1 - b1**t, 1 - b2**t) if rule.bias_correction else (1.0, 1.0)
    scale, eps = c1 / (lr * c2**0.5), rule.eps * c1 / lr
    new = np.empty_like(w)
    for W, G, m, v, out in blocks(w, g, state["m"], state["v"], new):
        scratch = (1 - b1) * G
        m *= b1
        m += scratch
        np.multiply(G, G, out=scratch)
        scratch *= 1 - b2
        v *= b2
        v += scratch
        np.sqrt(v, out=scratch)
        scratch *= scale
        scratch += eps
        np.divide(m, scratch, out=scratch)
        np.subtract(W, scratch, out=out)
    return new


def torch_adam(rule: Any, w: Any, g: Any, state: dict[str, Any]) -> Any:
    """`Adam.update` on torch tensors of the CPU, by the kernel of torch's own fused Adam."""
    kernel = getattr(sys.modules["torch"], "_fused_adam_", None)
    usual = rule.bias_correction and not rule.amsgrad and "m" in state
    if kernel is None or not usual or w.is_cuda:
        return rule.update(w, g, state)
    t = state["step"] = state["step"] + 1
    new, step = w.clone(), w.new_tensor(float(t), dtype=sys.modules["torch"].float32)
    kernel([new], [g], [state["m"]], [state["v"]], [], [step], lr=rule.lr,
           beta1=rule.betas[0], beta2=rule.betas[1], weight_decay=0.0, eps=rule.eps,
           amsgrad=False, maximize=False)
    return new


def blocks(*arrays: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Views of the same rows of arrays of one shape, about BLOCK numbers in each."""
    rows = max(1, BLOCK * len(arrays[0]) // arrays[0].size)
    for start in range(0, len(arrays[0]), rows):
        yield tuple(a[start:start + rows] for a in arrays)
