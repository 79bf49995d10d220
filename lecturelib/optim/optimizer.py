"""What all optimizers share: the walk over parameters, state, and weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lecturelib.nn import Parameter


class Optimizer:
    """The base of all optimizers: a subclass is one rule, `update(w, g, state)`.

    params: the parameters to change; lr: the learning rate, a number > 0;
    weight_decay: λ ≥ 0, adds λ w to the gradient of each parameter w.

    Raises ValueError for values outside these ranges, for no parameters or one given
    twice.
    """

    def __init__(self, params: Iterable[Parameter], lr: float,
                 weight_decay: float = 0.0) -> None:
        self.params = list(params)
        for i, p in enumerate(self.params):
            if not isinstance(p, Parameter):
                raise TypeError(f"params[{i}]: a Parameter is needed, got "
                                f"{type(p).__name__}; pass model.parameters()")
        different = len({id(p) for p in self.params})
        if not self.params or different < len(self.params):
            raise ValueError("params: at least one Parameter is needed, each once; "
                             f"got {len(self.params)}, {different} different")
        if not lr > 0:
            raise ValueError(f"lr: the learning rate must be positive, got {lr}")
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay: must be at least 0, got {weight_decay}")
        self.lr, self.weight_decay = float(lr), float(weight_decay)
        self.state: list[dict[str, Any]] = [{} for _ in self.params]

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """The new value of the array w with gradient g; `state` is w's memory."""
        raise NotImplementedError(
            f"{type(self).__name__} must define update(self, w, g, state)")

    def step(self) -> None:
        """Move every parameter that has a gradient by one update."""
        for p, state in zip(self.params, self.state, strict=True):
            if p.grad is not None:
                g = p.grad + self.weight_decay * p.data if self.weight_decay else p.grad
                p.data = self.update(p.data, g, state).astype(p.dtype, copy=False)

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next `backward` starts from nothing."""
        for p in self.params:
            p.grad = None
