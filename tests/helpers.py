"""What the tests of the operations share: a `Case` is one line, `CHECKS` what must hold for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from lecturelib import Tensor, gradients
from lecturelib.analysis import gradcheck

RTOL = {np.float32: 2e-5, np.float64: 1e-11}


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Float64 numbers of both signs, no two alike, none within 0.05 of a kink at zero."""
    x = np.random.default_rng([seed, *shape]).normal(size=shape)
    return x + 0.05 * np.sign(x)


def positive(*shape: int, seed: int = 0) -> np.ndarray:
    """Float64 numbers in [0.5, 2)."""
    return np.random.default_rng([seed, *shape]).uniform(0.5, 2, shape)


@dataclass
class Case:
    """An operation, its equivalent in torch, arguments, and what is known about its kinks."""

    name: str
    ours: Callable
    theirs: Callable | None
    args: list[np.ndarray] = field(default_factory=list)
    kinks: bool = False  # the arguments lie on one: finite differences do not apply
    once: bool = False  # torch has no second derivative of it
    plain: bool = True  # it runs on plain arrays of torch too, for it asks nothing else of them

    def __init__(
        self,
        name: str,
        ours: Callable,
        theirs: Callable | None,
        *args: np.ndarray,
        kinks: bool = False,
        once: bool = False,
        plain: bool = True,
    ) -> None:
        self.name, self.ours, self.theirs = name, ours, theirs
        self.kinks, self.once, self.plain = kinks, once, plain
        self.args = [np.asarray(a) for a in args]

    def __str__(self) -> str:
        return self.name


def variables(arrays: list[np.ndarray], dtype: Any = np.float64) -> list[Tensor]:
    """A leaf that requires a gradient for each array."""
    return [Tensor(a.astype(dtype), requires_grad=True) for a in arrays]


def torch_variables(arrays: list[np.ndarray], dtype: Any = np.float64) -> list[torch.Tensor]:
    """The same in torch."""
    return [torch.tensor(a.astype(dtype), requires_grad=True) for a in arrays]


def weights(shape: tuple, dtype: Any = np.float64) -> np.ndarray:
    """A seed for backward in which no two elements are alike."""
    return np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape).astype(dtype)


def run(f: Callable, xs: list[Tensor]) -> tuple[Tensor, list[np.ndarray]]:
    """The result of f and its gradients for the seed `weights`, by `backward`."""
    out = f(*xs)
    out.backward(weights(out.shape, out.dtype))
    return out, [x.grad for x in xs]


def run_torch(f: Callable, xs: list[torch.Tensor]) -> tuple[torch.Tensor, list[np.ndarray]]:
    """The same in torch."""
    out = f(*xs)
    out.backward(torch.tensor(weights(tuple(out.shape))).to(out.dtype))
    return out, [x.grad.numpy() for x in xs]


def assert_close(ours: Any, theirs: Any, dtype: Any = np.float64) -> None:
    """Equal within the rounding of dtype, and of that dtype and the same shape."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert ours.dtype == dtype
    scale = max(
        1.0, np.abs(theirs, where=np.isfinite(theirs), out=np.zeros(theirs.shape)).max(initial=0)
    )
    np.testing.assert_allclose(ours, theirs, rtol=RTOL[dtype], atol=RTOL[dtype] * scale)


def agrees_with_finite_differences(case: Case) -> None:
    """First and second derivatives, float64."""
    if not case.kinks:
        gradcheck(case.ours, *case.args, order=2, rtol=2e-6)


def _agrees_with_torch(case: Case, dtype: Any) -> None:
    if case.theirs is None:
        return
    out, grads = run(case.ours, variables(case.args, dtype))
    expected, expected_grads = run_torch(case.theirs, torch_variables(case.args, dtype))
    assert_close(out.data, expected.detach().numpy(), dtype)
    for g, e, x in zip(grads, expected_grads, case.args, strict=True):
        assert isinstance(g, np.ndarray) and g.shape == x.shape
        assert_close(g, e, dtype)


def agrees_with_torch_in_float32(case: Case) -> None:
    """Values and gradients, and everything stays float32."""
    _agrees_with_torch(case, np.float32)


def agrees_with_torch_in_float64(case: Case) -> None:
    """Values and gradients, and everything stays float64."""
    _agrees_with_torch(case, np.float64)


def second_order_agrees_with_torch(case: Case) -> None:
    """The gradient of a function of the gradient, exact in both."""
    if case.theirs is None or case.once:
        return
    xs, ts = variables(case.args), torch_variables(case.args)
    out, expected = case.ours(*xs), case.theirs(*ts)
    first = gradients(out, xs, weights(out.shape), create_graph=True)
    torch_first = torch.autograd.grad(
        expected, ts, torch.tensor(weights(out.shape)), create_graph=True
    )
    torch_total = sum((g * g).sum() for g in torch_first)
    if not torch_total.requires_grad:
        return
    second = gradients(sum((g * g).sum() for g in first) + sum((x * 0).sum() for x in xs), xs)
    torch_second = torch.autograd.grad(torch_total, ts, allow_unused=True, materialize_grads=True)
    for g, e in zip(second, torch_second, strict=True):
        assert_close(g, e.numpy(force=True))


def layout_does_not_matter(case: Case) -> None:
    """Strided and Fortran-ordered views give what contiguous arrays give."""
    out, grads = run(case.ours, variables(case.args))
    wide = [np.repeat(a[..., None], 2, axis=-1)[..., 0] for a in case.args]
    for views in (
        wide,
        [np.array(a, order="F") for a in case.args],
        [a[::-1].copy()[::-1] if a.ndim else a for a in case.args],
    ):
        xs = variables(case.args)
        for x, view in zip(xs, views, strict=True):
            x.data = view  # Tensor() would make it contiguous
        again, grads_again = run(case.ours, xs)
        assert_close(again.data, out.data)
        for g, e in zip(grads_again, grads, strict=True):
            assert_close(g, e)


def plain_arrays_in_plain_arrays_out(case: Case) -> None:
    """On arrays an operation computes the same numbers and records nothing."""
    out = case.ours(*case.args)
    assert isinstance(out, (np.ndarray, np.generic))
    assert_close(out, case.ours(*variables(case.args)).data)


def every_path_counts(case: Case) -> None:
    """One tensor in every place: its gradient is the sum of those of separate tensors."""
    if len(case.args) != 2 or case.args[0].shape != case.args[1].shape:
        return
    _, separate = run(case.ours, variables([case.args[0]] * 2))
    (x,) = variables([case.args[0]])
    run(case.ours, [x, x])
    assert_close(x.grad, separate[0] + separate[1])


def gradients_share_no_memory(case: Case) -> None:
    """Changing one gradient in place changes neither another, nor the seed, nor the data."""
    xs = variables(case.args)
    out = case.ours(*xs)
    seed = weights(out.shape)
    out.backward(seed)
    arrays = [seed, out.data, *(x.data for x in xs), *(x.grad for x in xs)]
    for x in xs:
        assert x.grad.flags.writeable
        assert not any(np.shares_memory(x.grad, a) for a in arrays if a is not x.grad)


def _agrees_on_torch_arrays(case: Case, dtype: Any) -> None:
    xs = variables(case.args, dtype)
    moved = [Tensor(torch.tensor(x.data), requires_grad=True) for x in xs]
    out, grads = run(case.ours, xs)
    there, grads_there = run(case.ours, moved)
    for array in (there.data, *grads_there):
        assert type(array) is torch.Tensor and not array.requires_grad
    for a, e in zip((there.data, *grads_there), (out.data, *grads), strict=True):
        assert_close(a, e, dtype)
    if case.plain:
        assert type(case.ours(*[x.data for x in moved])) is torch.Tensor


def agrees_on_torch_arrays(case: Case) -> None:
    """The same values and gradients on arrays of torch, which never require a gradient."""
    for dtype in (np.float32, np.float64):
        _agrees_on_torch_arrays(case, dtype)


def second_order_agrees_on_torch_arrays(case: Case) -> None:
    """The gradient of a function of the gradient, on arrays of torch."""
    results = []
    for library in (np.asarray, torch.tensor):
        xs = [Tensor(library(x), requires_grad=True) for x in case.args]
        out = case.ours(*xs)
        first = gradients(out, xs, weights(out.shape), create_graph=True)
        total = sum((g * g).sum() for g in first) + sum((x * 0).sum() for x in xs)
        results.append(gradients(total, xs))
    for mine, theirs in zip(*results, strict=True):
        assert_close(theirs, mine)


def gradients_on_torch_share_no_memory(case: Case) -> None:
    """Changing one gradient in place changes neither another, nor the seed, nor the data."""
    xs = [Tensor(torch.tensor(x), requires_grad=True) for x in case.args]
    out = case.ours(*xs)
    seed = torch.tensor(weights(out.shape))
    out.backward(seed)
    arrays = [seed, out.data, *(x.data for x in xs), *(x.grad for x in xs)]
    memory = [a.untyped_storage().data_ptr() for a in arrays if a.numel()]
    assert len(set(memory[-len(xs):])) == len(memory[-len(xs):])
    assert not set(memory[-len(xs):]) & set(memory[:-len(xs)])


CHECKS = [
    agrees_with_finite_differences,
    agrees_with_torch_in_float32,
    agrees_with_torch_in_float64,
    second_order_agrees_with_torch,
    layout_does_not_matter,
    plain_arrays_in_plain_arrays_out,
    every_path_counts,
    gradients_share_no_memory,
    agrees_on_torch_arrays,
    second_order_agrees_on_torch_arrays,
    gradients_on_torch_share_no_memory,
]


def check_name(check: Callable) -> str:
    """For parametrize(ids=...)."""
    return check.__name__
