"""Adaptive methods take torch's steps; what torch has not is derived again, or by hand."""

import numpy as np
import pytest
import torch
from helpers import assert_close, normal
from torch_steps import assert_same_steps

from lecturelib.nn import Parameter
from lecturelib.optim import AdaDelta, AdaGrad, Adam, AdamW, NAdam, RMSProp

T = torch.optim
DECAY = {"weight_decay": 0.05}
RULES = [
    (AdaGrad, T.Adagrad, [{}, {"lr": 0.3, "lr_decay": 0.1}, {"lr": 0.1, **DECAY},
                          {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-2}]),
    (RMSProp, T.RMSprop, [{}, {"lr": 0.02, "alpha": 0.9, "eps": 1e-2, **DECAY},
                          {"lr": 0.01, "momentum": 0.8},
                          {"lr": 0.005, "centered": True, "eps": 1e-3, **DECAY},
                          {"lr": 0.005, "centered": True, "eps": 1e-3, "momentum": 0.7}]),
    (AdaDelta, T.Adadelta, [{}, {"lr": 0.9, "rho": 0.8, "eps": 1e-5, **DECAY}]),
    (Adam, T.Adam, [{}, {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-2, **DECAY},
                    {"lr": 0.05, "amsgrad": True, "betas": (0.9, 0.8), **DECAY},
                    {"lr": 0.01, "betas": (0.0, 0.95)},
                    {"lr": 0.05, "decoupled_weight_decay": True, **DECAY}]),
    (AdamW, T.AdamW, [{}, {"lr": 0.05, "amsgrad": True, "betas": (0.9, 0.8), **DECAY}]),
    (NAdam, T.NAdam, [{}, {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-2, **DECAY},
                      {"lr": 0.01, "momentum_decay": 0.2, "eps": 1e-3,
                       "decoupled_weight_decay": True, **DECAY}]),
]  # fmt: skip
TABLE = [(ours, theirs, options) for ours, theirs, table in RULES for options in table]


@pytest.fixture(autouse=True)
def _torch_in_float64():
    """torch.optim.NAdam keeps the product of its μ in the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def name(x):
    return getattr(x, "__name__", None) or str(x)


@pytest.mark.parametrize("ours, theirs, options", TABLE, ids=name)
def test_fifty_steps_equal_those_of_torch(ours, theirs, options):
    """With the defaults, where none are given: those of torch."""
    assert_same_steps(ours, theirs, options)


@pytest.mark.parametrize("ours, theirs, options", TABLE, ids=name)
def test_fifty_steps_equal_those_of_torch_with_groups_and_schedules(ours, theirs, options):
    options = {"lr": 0.01, **options}
    assert_same_steps(
        ours, theirs, options, groups={"lr": 0.03, "weight_decay": 0.2}, schedule=True
    )


def steps(optimizer, gradients):
    """The points after each of the gradients."""
    (p,) = optimizer.params
    path = []
    for g in gradients:
        p.grad = g
        optimizer.step()
        path.append(p.data)
    return path


G = normal(12, 3)
START = normal(3, seed=1)


def start():
    return [Parameter(START)]


def weighted(beta, terms):
    """(1 − β) Σ β^(t−i) x_i: an exponential average that starts at 0, as a sum."""
    return (1 - beta) * sum(beta ** (len(terms) - 1 - i) * x for i, x in enumerate(terms))


def test_adagrad_inside_the_root():
    w = START
    for t, point in enumerate(steps(AdaGrad(start(), 0.1, eps=0.1, eps_inside_root=True), G)):
        w = w - 0.1 * G[t] / np.sqrt((G[: t + 1] ** 2).sum(0) + 0.1)
        assert_close(point, w)


def test_rmsprop_inside_the_root_is_algorithm_8_5():
    optimizer = RMSProp(start(), 0.1, alpha=0.8, eps=0.05, eps_inside_root=True)
    w = START
    for t, point in enumerate(steps(optimizer, G)):
        w = w - 0.1 / np.sqrt(0.05 + weighted(0.8, G[: t + 1] ** 2)) * G[t]
        assert_close(point, w)


def test_where_eps_stands_matters_for_small_gradients():
    """The first step for a gradient far below √eps: lr g/eps outside, lr g/√eps inside."""
    w = Parameter([0.0], dtype=np.float64)
    for inside, denominator in ((False, 1e-8 + 1e-10 * 0.1), (True, 1e-4)):
        w.data = np.zeros(1)
        optimizer = RMSProp([w], lr=1.0, alpha=0.99, eps_inside_root=inside)
        steps(optimizer, [np.array([1e-10])])
        np.testing.assert_allclose(w.data, -1e-10 / denominator, rtol=1e-6)


def test_rmsprop_with_nesterov_is_algorithm_8_6():
    """In θ and with the gradient at θ + α v; w is that point, θ = w + lr μ v of ours."""

    def gradient(w):
        return np.array([[3.0, 1], [1, 0.5]]) @ w + 0.1 * np.sin(w)

    p = Parameter(np.array([1.0, -2.0]))
    optimizer = RMSProp([p], 0.02, alpha=0.9, eps=0.0, momentum=0.7, nesterov=True)
    theta, v, r = p.data, np.zeros(2), np.zeros(2)
    for _ in range(20):
        g = gradient(theta + 0.7 * v)
        r = 0.9 * r + 0.1 * g * g
        v = 0.7 * v - 0.02 / np.sqrt(r) * g
        theta = theta + v
        p.grad = gradient(p.data)
        optimizer.step()
        assert_close(p.data + 0.02 * 0.7 * optimizer.state[p]["velocity"], theta)


def test_centered_rmsprop_survives_a_constant_gradient():
    """The variance is 0 then, and rounding makes it negative in some step."""
    w = Parameter(np.full(50, 0.0))
    optimizer = RMSProp([w], 1e-9, alpha=0.5, centered=True)
    steps(optimizer, [np.linspace(0.1, 3, 50)] * 80)
    assert np.isfinite(w.data).all()


def test_adam_without_bias_correction():
    optimizer = Adam(start(), 0.1, betas=(0.8, 0.95), eps=1e-3, bias_correction=False)
    w = START
    for t, point in enumerate(steps(optimizer, G)):
        m, v = weighted(0.8, G[: t + 1]), weighted(0.95, G[: t + 1] ** 2)
        w = w - 0.1 * m / (np.sqrt(v) + 1e-3)
        assert_close(point, w)


def test_the_first_step_of_adam_by_hand():
    """With the correction lr sign(g), whatever g; without, lr (1 − β₁)/√(1 − β₂) times that."""
    for correction, length in ((True, 0.1), (False, 0.1 * 0.1 / np.sqrt(0.001))):
        optimizer = Adam(start(), 0.1, eps=0.0, bias_correction=correction)
        (point,) = steps(optimizer, G[:1])
        assert_close(point, START - length * np.sign(G[0]))


def test_amsgrad_without_bias_correction_is_algorithm_2():
    optimizer = Adam(start(), 0.1, betas=(0.8, 0.5), amsgrad=True, bias_correction=False)
    w, averages = START, []
    for t, point in enumerate(steps(optimizer, G)):
        averages.append(weighted(0.5, G[: t + 1] ** 2))
        w = w - 0.1 * weighted(0.8, G[: t + 1]) / (np.sqrt(np.max(averages, 0)) + 1e-8)
        assert_close(point, w)


def test_adamw_is_adam_with_another_default():
    a = steps(AdamW(start(), 0.1), G)
    b = steps(Adam(start(), 0.1, weight_decay=0.01, decoupled_weight_decay=True), G)
    c = steps(Adam(start(), 0.1, weight_decay=0.01), G)
    d = steps(AdamW(start(), 0.1, decoupled_weight_decay=False), G)
    assert np.array_equal(a, b) and np.array_equal(c, d)
    assert np.abs(a[-1] - c[-1]).max() > 1e-4


@pytest.mark.parametrize(
    "rule, options, message",
    [
        (AdaGrad, {"lr_decay": -1}, "lr_decay: must be at least 0, got -1"),
        (AdaGrad, {"eps": -1e-8}, "eps: must be at least 0"),
        (AdaGrad, {"initial_accumulator_value": -1}, "initial_accumulator_value: .* got -1"),
        (RMSProp, {"alpha": 1}, r"alpha: must be in \[0, 1\), got 1"),
        (RMSProp, {"momentum": 1.5}, "momentum: .* got 1.5"),
        (RMSProp, {"eps": -1}, "eps"),
        (RMSProp, {"nesterov": True}, "nesterov: needs momentum > 0, got 0"),
        (AdaDelta, {"rho": 1.0}, "rho: .* got 1.0"),
        (AdaDelta, {"eps": -1}, "eps"),
        (Adam, {"betas": (0.9, 1)}, r"betas\[1\]: must be in \[0, 1\), got 1"),
        (Adam, {"betas": (-0.1, 0.9)}, r"betas\[0\]: .* got -0.1"),
        (Adam, {"betas": (0.9,)}, "betas: a pair of numbers"),
        (Adam, {"eps": float("nan")}, "eps: .* got nan"),
        (AdamW, {"betas": (1, 0.9)}, r"betas\[0\]"),
        (NAdam, {"betas": (1, 0.9)}, r"betas\[0\]"),
        (NAdam, {"momentum_decay": -1}, "momentum_decay: .* got -1"),
        (Adam, {"lr": -1}, "lr: the learning rate must be positive, got -1"),
    ],
)
def test_bad_options_are_named(rule, options, message):
    with pytest.raises(ValueError, match=message):
        rule(start(), **options)
