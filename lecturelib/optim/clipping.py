"""Gradient clipping: a step off a cliff is made short, as in `torch.nn.utils`."""

from __future__ import annotations

import math
from collections.abc import Iterable

from lecturelib import backend, ops
from lecturelib.core import Tensor


def clip_grad_norm_(params: Tensor | Iterable[Tensor], max_norm: float, *,
                    eps: float = 1e-6) -> float:
    """Shorten the gradient, of all parameters together, to the length max_norm.

    g ← g · max_norm / (‖g‖ + eps) where this is shorter, with ‖g‖² the sum of squares
    over all elements of all gradients: the direction stays. Call it after `backward`,
    before the optimizer's step. Returns ‖g‖ as it was; with max_norm=inf it measures
    only. eps is PyTorch's, and 0 in the source.

    Raises FloatingPointError if a gradient is not finite, before any is changed:
    shortening cannot mend it. (PyTorch goes on unless told by error_if_nonfinite.)
    ValueError for max_norm that is not positive, for no parameters or one given twice.
    Source: {cite}`pascanu2013difficulty`, algorithm 1.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm: must be positive, got {max_norm}")
    if not eps >= 0:
        raise ValueError(f"eps: must be at least 0, got {eps}")
    params = _with_gradients(params)
    norm = math.hypot(*(_norm(p) for p in params))
    if norm + eps > max_norm:
        factor = float(max_norm / (norm + eps))
        for p in params:
            p.grad = backend.as_array(p.grad * factor)
    return norm


def clip_grad_value_(params: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit every element of every gradient to [−clip_value, clip_value].

    This changes the direction too. Call it after `backward`, before the optimizer's
    step.

    Raises FloatingPointError if a gradient is not finite, before any is changed;
    ValueError for clip_value that is not positive, for no parameters or one given
    twice.
    Source: {cite}`goodfellow2016deep`, section 10.11.1.
    """
    if not clip_value > 0:
        raise ValueError(f"clip_value: must be positive, got {clip_value}")
    params = _with_gradients(params)
    for p in params:
        _largest(p)
    for p in params:
        p.grad = backend.as_array(
            ops.clip(p.grad, min=-clip_value, max=clip_value))


def _with_gradients(params: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """Those of the parameters that have a gradient."""
    params = [params] if isinstance(params, Tensor) else list(params)
    for i, p in enumerate(params):
        if not isinstance(p, Tensor):
            raise TypeError(f"params[{i}]: a Parameter is needed, got "
                            f"{type(p).__name__}; pass model.parameters()")
    different = len({id(p) for p in params})
    if not params or different < len(params):
        raise ValueError("params: at least one Parameter is needed, each once; "
                         f"got {len(params)}, {different} different")
    return [p for p in params if p.grad is not None]


def _norm(p: Tensor) -> float:
    """‖g‖ of one gradient, where the squares of its elements may overflow, too."""
    largest = _largest(p)
    if largest == 0:
        return 0.0
    relative = p.grad / largest
    return largest * math.sqrt(float(ops.sum(relative * relative)))


def _largest(p: Tensor) -> float:
    """max |g_i| of one gradient. FloatingPointError if it is not finite."""
    largest = float(ops.max(ops.abs(p.grad))) if math.prod(p.grad.shape) else 0.0
    if not math.isfinite(largest):
        raise FloatingPointError(
            f"clipping: the gradient of a parameter of shape {tuple(p.grad.shape)} is "
            f"not finite ({largest}); a smaller learning rate may help")
    return largest
