"""Fifty steps of our optimizer and of torch's on one function, which must be the same."""

from __future__ import annotations

import numpy as np
import torch
from helpers import normal

from lecturelib.nn import Parameter

SHAPES = [(3,), (2, 2), (4,), ()]


def loss(p, q, r, s, scale, step):
    """A bowl with a waved floor; in every third step q has no gradient."""
    f = (p * p * scale).sum() * 0.5 + (p * 3).sin().sum() * 0.1 + (r.sum() - s) ** 2 * 0.3
    f = f + (r * 2).sin().sum() * 0.2 + s * s * 0.1
    return f if step % 3 == 2 else f + (q @ q.T).sum() * 0.1 + (q * 2).sin().sum() * 0.1


def decay(step):
    """A schedule with ups and downs."""
    return 1 / (1 + 0.1 * step) + 0.2 * (step % 4)


def assert_same_steps(
    ours,
    theirs,
    options,
    torch_options=None,
    groups=None,
    schedule=False,
    shapes=SHAPES,
    function=loss,
    rtol=1e-10,
):
    """`ours(params, **options)` and torch's `theirs` move alike; torch_options where they differ.

    With `groups`, settings of a second group for the last two parameters; with `schedule`, the
    rates of all groups times `decay`.
    """
    torch_options = options if torch_options is None else torch_options
    arrays = [normal(*shape) for shape in shapes]
    params = [Parameter(a, dtype=np.float64) for a in arrays]
    torch_params = [torch.tensor(a, requires_grad=True) for a in arrays]
    optimizer = ours(in_groups(params, groups, schedule), **scheduled(options, schedule))
    torch_optimizer = theirs(in_groups(torch_params, groups, False), **torch_options)
    torch_schedule = torch.optim.lr_scheduler.LambdaLR(
        torch_optimizer, decay if schedule else lambda step: 1
    )
    scale = 0.5 + np.arange(3)
    for step in range(50):
        optimizer.zero_grad()
        torch_optimizer.zero_grad()
        function(*params, scale, step).backward()
        function(*torch_params, torch.tensor(scale), step).backward()
        optimizer.step()
        torch_optimizer.step()
        torch_schedule.step()
        for p, t in zip(params, torch_params, strict=True):
            assert type(p.data) is np.ndarray and p.dtype == np.float64
            np.testing.assert_allclose(p.data, t.detach().numpy(), rtol=rtol, atol=1e-14)
    assert not np.allclose(params[0].data, arrays[0], rtol=1e-3)
    return optimizer


def scheduled(options, schedule):
    """The options with the rate times `decay`."""
    if not schedule or "lr" not in options:
        return options
    return {**options, "lr": lambda step: options["lr"] * decay(step)}


def in_groups(params, groups, schedule):
    """The parameters, or two groups of them of which the second has settings of its own."""
    if groups is None:
        return params
    return [{"params": params[:2]}, {"params": params[2:], **scheduled(groups, schedule)}]
