"""What is left of a minimization: where it went, what it saw, why it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(repr=False, eq=False)
class Trace:
    """The record of k iterations of `minimize` or k steps of `descend`.

    w: the iterates, (k + 1, …), the start first; loss and gradient_norm: f and the
    Euclidean norm of its gradient there, (k + 1,); step_length: α of each step
    w ← w + α p, (k,), empty for `descend`. The evaluations of f, of its gradient and of
    its Hessian are counted. `stopped` is the reason in words; `converged` says whether
    the last gradient norm is at most gtol, as it is at a saddle point, too.

    Iterating yields the iterates; `trace.w.T` has the coordinates for a plot.
    """

    w: np.ndarray
    loss: np.ndarray
    gradient_norm: np.ndarray
    step_length: np.ndarray
    function_evaluations: int
    gradient_evaluations: int
    hessian_evaluations: int
    stopped: str
    converged: bool

    @property
    def iterations(self) -> int:
        """k, the number of steps taken."""
        return len(self.loss) - 1

    def __len__(self) -> int:
        return len(self.w)

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.w)

    def __repr__(self) -> str:
        counts = (f"{self.function_evaluations} function, "
                  f"{self.gradient_evaluations} gradient, "
                  f"{self.hessian_evaluations} Hessian")
        return (f"Trace({self.stopped}; iterations: {self.iterations}, "
                f"loss: {self.loss[-1]:.6g}, "
                f"gradient norm: {self.gradient_norm[-1]:.3g}, evaluations: {counts})")
