"""SGD takes the same steps as torch's, and an optimizer changes only what it should."""

import numpy as np
import pytest
import torch
from helpers import assert_close, normal

from lecturelib import Tensor, nn
from lecturelib import functional as F
from lecturelib.nn import Parameter
from lecturelib.optim import SGD, Optimizer

OPTIONS = [
    {"lr": 0.1},
    {"lr": 0.01, "momentum": 0.9},
    {"lr": 0.05, "weight_decay": 0.1},
    {"lr": 0.02, "momentum": 0.5, "weight_decay": 0.01},
    {"lr": 1, "momentum": 0, "weight_decay": 0},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_fifty_steps_equal_those_of_torch(options):
    """A bowl with a waved floor; one of two parameters has no gradient in every third step."""
    a, b, scale = normal(3), normal(2, 2), 0.5 + np.arange(3)
    ours = [Parameter(a), Parameter(b)]
    theirs = [torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)]
    optimizer, torch_optimizer = SGD(ours, **options), torch.optim.SGD(theirs, **options)

    def loss(p, q, s, step):
        f = (p * p * s).sum() * 0.5 + ((p * 3).sin()).sum() * 0.1
        return f if step % 3 == 2 else f + (q @ q.T).sum() * 0.1

    for step in range(50):
        optimizer.zero_grad()
        torch_optimizer.zero_grad()
        loss(*ours, scale, step).backward()
        loss(*theirs, torch.tensor(scale), step).backward()
        optimizer.step()
        torch_optimizer.step()
        for p, t in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.data, t.detach().numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-11), (np.float32, 1e-4)])
def test_a_training_run_equals_that_of_torch_step_by_step(dtype, rtol):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 7)).astype(dtype), rng.integers(0, 3, 60)
    ours = nn.Sequential(
        nn.Linear(7, 9, rng=rng, dtype=dtype),
        nn.ReLU(),
        nn.Linear(9, 9, rng=rng, dtype=dtype),
        nn.Tanh(),
        nn.Linear(9, 3, rng=rng, dtype=dtype),
    )
    theirs = torch.nn.Sequential(
        torch.nn.Linear(7, 9),
        torch.nn.ReLU(),
        torch.nn.Linear(9, 9),
        torch.nn.Tanh(),
        torch.nn.Linear(9, 3),
    ).to(torch.from_numpy(x).dtype)
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in ours.state_dict().items()})
    options = {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-3}
    optimizer = SGD(ours.parameters(), **options)
    torch_optimizer = torch.optim.SGD(theirs.parameters(), **options)
    for step in range(15):
        batch = slice(20 * (step % 3), 20 * (step % 3) + 20)
        optimizer.zero_grad()
        loss = F.cross_entropy(ours(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
        torch_optimizer.zero_grad()
        torch_loss = torch.nn.functional.cross_entropy(
            theirs(torch.tensor(x[batch])), torch.tensor(y[batch])
        )
        torch_loss.backward()
        torch_optimizer.step()
        assert loss.dtype == dtype
        np.testing.assert_allclose(loss.item(), torch_loss.item(), rtol=rtol)
        for p, t in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert p.dtype == dtype
            np.testing.assert_allclose(p.data, t.detach().numpy(), rtol=rtol, atol=rtol)


def test_the_rule_by_hand():
    w = Parameter([1.0], dtype=np.float64)
    optimizer = SGD([w], lr=0.5, momentum=0.5)
    for expected in (1 - 0.5 * 1, 0.5 - 0.5 * 1.5, -0.25 - 0.5 * 1.75):
        w.grad = np.array([1.0])
        optimizer.step()
        assert_close(w.data, [expected])


def test_data_are_replaced_and_not_overwritten():
    w = Parameter([1.0, 2.0])
    before, w.grad = w.data, np.ones(2, np.float32)
    SGD([w], lr=1).step()
    assert np.array_equal(before, [1, 2]) and np.array_equal(w.data, [0, 1])


def test_a_gradient_changed_after_the_step_does_not_change_the_momentum():
    w = Parameter([1.0])
    optimizer = SGD([w], lr=1, momentum=0.5)
    w.grad = np.ones(1, np.float32)
    optimizer.step()
    w.grad *= 0  # one way to forget it
    optimizer.step()
    assert w.data == 1 - 1 - 0.5


@pytest.mark.parametrize(
    "options",
    [
        {"lr": np.float64(0.1)},
        {"lr": 0.1, "momentum": np.float64(0.9)},
        {"lr": 0.1, "weight_decay": np.float64(0.9)},
        {"lr": np.array(0.1)},
    ],
)
def test_parameters_keep_their_dtype(options):
    w = Parameter([1.0, 2.0])
    optimizer = SGD([w], **options)
    for _ in range(2):
        w.grad = np.ones(2, np.float32)
        optimizer.step()
        assert w.dtype == np.float32
    optimizer.lr = np.float64(0.01)  # a schedule
    optimizer.step()
    assert w.dtype == np.float32


def test_zero_grad_and_parameters_without_gradient():
    w, v = Parameter([1.0]), Parameter([2.0])
    optimizer = SGD([w, v], lr=0.1, momentum=0.9, weight_decay=0.1)
    (w * 2).sum().backward()
    optimizer.step()
    assert v.data == 2 and w.data != 1
    optimizer.zero_grad()
    assert w.grad is None and v.grad is None


W = Parameter([1.0])


@pytest.mark.parametrize(
    "params, options, kind, message",
    [
        ([W], {"lr": 0}, ValueError, "lr: the learning rate must be positive, got 0"),
        ([W], {"lr": -0.1}, ValueError, "lr: .* got -0.1"),
        ([W], {"lr": float("nan")}, ValueError, "lr: .* got nan"),
        ([W], {"lr": 0.1, "momentum": 1}, ValueError, r"momentum: must be in \[0, 1\), got 1"),
        ([W], {"lr": 0.1, "momentum": -0.1}, ValueError, "momentum: .* got -0.1"),
        ([W], {"lr": 0.1, "momentum": float("nan")}, ValueError, "momentum"),
        (
            [W],
            {"lr": 0.1, "weight_decay": -1},
            ValueError,
            "weight_decay: must be at least 0, got -1",
        ),
        ([W], {"lr": 0.1, "weight_decay": float("nan")}, ValueError, "weight_decay: .* got nan"),
        ([], {"lr": 0.1}, ValueError, "params: at least one Parameter"),
        ([W, W], {"lr": 0.1}, ValueError, "params: .*each once; got 2, 1 different"),
        (
            [W, Tensor([1.0])],
            {"lr": 0.1},
            TypeError,
            r"params\[1\]: a Parameter is needed, got Tensor",
        ),
        ([np.zeros(2)], {"lr": 0.1}, TypeError, r"params\[0\]: a Parameter is needed, got ndarray"),
    ],
)
def test_bad_options_are_named(params, options, kind, message):
    with pytest.raises(kind, match=message):
        SGD(params, **options)


def test_an_optimizer_without_a_rule():
    optimizer = Optimizer([W], lr=0.1)
    W.grad = np.ones(1, np.float32)
    with pytest.raises(NotImplementedError, match="Optimizer must define update"):
        optimizer.step()
