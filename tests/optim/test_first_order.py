"""SGD takes the same steps as torch's, and its formulations are what their names promise."""

import numpy as np
import pytest
import torch
from helpers import assert_close, normal
from torch_steps import assert_same_steps, decay

from lecturelib import functional as F
from lecturelib import nn
from lecturelib.nn import Parameter
from lecturelib.optim import SGD

OPTIONS = [
    {"lr": 0.1},
    {"lr": 0.01, "momentum": 0.9},
    {"lr": 0.05, "weight_decay": 0.1},
    {"lr": 0.02, "momentum": 0.5, "weight_decay": 0.01},
    {"lr": 0.02, "momentum": 0.9, "dampening": 0.3},
    {"lr": 0.02, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
    {"lr": 1e-2, "momentum": 0, "weight_decay": 0},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("groups", [None, {"lr": 0.03, "weight_decay": 0.2}], ids=str)
@pytest.mark.parametrize("schedule", [False, True])
def test_fifty_steps_equal_those_of_torch(options, groups, schedule):
    assert_same_steps(SGD, torch.optim.SGD, options, groups=groups, schedule=schedule)


def test_the_defaults_are_those_of_torch():
    assert_same_steps(SGD, torch.optim.SGD, {})


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


def walk(optimizer, gradient, steps=20):
    """The points that the optimizer visits, and its velocity at each."""
    (p,) = optimizer.params
    path = []
    for _ in range(steps):
        p.grad = gradient(p.data)
        optimizer.step()
        path.append((p.data, optimizer.state[p]["velocity"]))
    return [np.stack(x) for x in zip(*path, strict=True)]


def valley(w):
    """The gradient of a narrow quadratic valley."""
    return np.array([[3.0, 1], [1, 0.5]]) @ w


START = np.array([1.0, -2.0])
MU, LR = 0.8, 0.05


def sgd(lr=LR, momentum=MU, **options):
    return SGD([Parameter(START)], lr, momentum, **options)


def test_the_rule_by_hand():
    w = Parameter([1.0], dtype=np.float64)
    optimizer = SGD([w], lr=0.5, momentum=0.5)
    for expected in (1 - 0.5 * 1, 0.5 - 0.5 * 1.5, -0.25 - 0.5 * 1.75):
        w.grad = np.array([1.0])
        optimizer.step()
        assert_close(w.data, [expected])


def test_the_velocity_form_is_algorithm_8_2():
    """v ← α v − ε g, w ← w + v, also while ε changes."""
    path, velocities = walk(sgd(lambda k: LR * decay(k), momentum_form="velocity"), valley)
    w, v = START, np.zeros(2)
    for k in range(20):
        v = MU * v - LR * decay(k) * valley(w)
        w = w + v
        assert_close(path[k], w)
        assert_close(velocities[k], v)


def test_the_average_form_averages_gradients():
    """The velocity is Σ (1 − μ) μ^(t−i) g_i, whatever the rate."""
    gradients = normal(20, 2)
    optimizer = sgd(lambda k: LR * decay(k), momentum_form="average")
    it = iter(gradients)
    path, velocities = walk(optimizer, lambda w: next(it))
    w = START
    for t in range(20):
        mean = sum((1 - MU) * MU ** (t - i) * gradients[i] for i in range(t + 1))
        w = w - LR * decay(t) * mean
        assert_close(velocities[t], mean)
        assert_close(path[t], w)


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_three_formulations_are_one_by_a_change_of_variables(nesterov):
    path, v = walk(sgd(nesterov=nesterov), valley)
    other, v_velocity = walk(sgd(nesterov=nesterov, momentum_form="velocity"), valley)
    third, v_average = walk(sgd(LR / (1 - MU), nesterov=nesterov, momentum_form="average"), valley)
    assert_close(other, path)
    assert_close(third, path)
    assert_close(v_velocity, -LR * v)
    assert_close(v_average, (1 - MU) * v)


def test_the_formulations_differ_when_the_rate_changes():
    path, _ = walk(sgd(lambda k: LR * decay(k)), valley)
    other, _ = walk(sgd(lambda k: LR * decay(k), momentum_form="velocity"), valley)
    assert np.abs(path - other).max() > 0.01


@pytest.mark.parametrize("form", ["velocity", "torch", "average"])
def test_nesterov_looks_ahead(form):
    """Algorithm 8.3 in θ: the gradient at θ + α v; and w is that interim point."""
    lr = LR / (1 - MU) if form == "average" else LR
    path, velocities = walk(sgd(lr, nesterov=True, momentum_form=form), valley)
    theta, v = START, np.zeros(2)
    for k in range(20):
        v = MU * v - LR * valley(theta + MU * v)
        theta = theta + v
        moved = MU * velocities[k] * (1 if form == "velocity" else -lr)
        assert_close(path[k] - moved, theta)
        assert_close(path[k], theta + MU * v)


def test_nesterov_looks_ahead_with_a_changing_rate():
    path, velocities = walk(
        sgd(lambda k: LR * decay(k), nesterov=True, momentum_form="velocity"), valley
    )
    theta, v = START, np.zeros(2)
    for k in range(20):
        v = MU * v - LR * decay(k) * valley(theta + MU * v)
        theta = theta + v
        assert_close(path[k] - MU * velocities[k], theta)


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
    "options, message",
    [
        ({"momentum": 1}, r"momentum: must be in \[0, 1\), got 1"),
        ({"momentum": -0.1}, "momentum: .* got -0.1"),
        ({"momentum": float("nan")}, "momentum"),
        ({"momentum": 0.5, "dampening": 1}, "dampening: .* got 1"),
        ({"momentum": 0.5, "momentum_form": "ema"}, "momentum_form: must be \"torch\".* got 'ema'"),
        (
            {"momentum": 0.5, "momentum_form": "average", "dampening": 0.5},
            "dampening: only the momentum_form .* got 0.5 with 'average'",
        ),
        ({"nesterov": True}, "nesterov: needs momentum > 0"),
        ({"nesterov": True, "momentum": 0.5, "dampening": 0.5}, "nesterov: .*dampening = 0"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        SGD([Parameter([1.0])], lr=0.1, **options)
