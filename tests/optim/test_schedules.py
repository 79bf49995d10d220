"""Schedules: over whole runs as torch's, by hand where torch has none, and at their ends."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from lecturelib.nn import Parameter
from lecturelib.optim import SGD
from lecturelib.optim import schedules as s

STEPS = 60


def rates_of_torch(lr, make, steps=STEPS):
    """The learning rate of each step, with the scheduler's step after the optimizer's."""
    optimizer = torch.optim.SGD([torch.zeros(1, dtype=torch.float64, requires_grad=True)], lr=lr)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def warm_torch(optimizer):
    rise = lr_scheduler.LinearLR(optimizer, start_factor=1 / 8, total_iters=7)
    fall = lr_scheduler.CosineAnnealingLR(optimizer, T_max=53)
    return lr_scheduler.SequentialLR(optimizer, [rise, fall], milestones=[7])


PAIRS = [
    (s.constant(0.3), 0.3, lambda o: lr_scheduler.ConstantLR(o, factor=1)),
    (
        s.linear_decay(0.5, 0.005, 40),
        0.5,
        lambda o: lr_scheduler.LinearLR(o, start_factor=1, end_factor=0.01, total_iters=40),
    ),
    (s.step_decay(0.2, 7), 0.2, lambda o: lr_scheduler.StepLR(o, step_size=7)),
    (s.step_decay(0.2, 20, gamma=0.5), 0.2, lambda o: lr_scheduler.StepLR(o, 20, 0.5)),
    (s.exponential(0.2, 0.93), 0.2, lambda o: lr_scheduler.ExponentialLR(o, 0.93)),
    (s.inverse_time(0.2, 0.1), 0.2, lambda o: lr_scheduler.LambdaLR(o, lambda k: 1 / (1 + k / 10))),
    (s.cosine(0.2, 59), 0.2, lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=59)),
    (
        s.cosine(0.2, 59, min_lr=0.01),
        0.2,
        lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=59, eta_min=0.01),
    ),
    (
        s.cosine(0.2, 17, 0.01, restarts=True),
        0.2,
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=17, eta_min=0.01),
    ),
    (s.warmup(s.cosine(0.2, 53), 7), 0.2, warm_torch),
    (
        s.one_cycle(0.2, STEPS),
        0.2,
        lambda o: lr_scheduler.OneCycleLR(o, 0.2, total_steps=STEPS, cycle_momentum=False),
    ),
    (
        s.one_cycle(0.2, 61, pct_start=0.45, div_factor=10, final_div_factor=100),
        0.2,
        lambda o: lr_scheduler.OneCycleLR(
            o,
            0.2,
            total_steps=61,
            pct_start=0.45,
            div_factor=10,
            final_div_factor=100,
            cycle_momentum=False,
        ),
    ),
]


@pytest.mark.filterwarnings("ignore:The epoch parameter in")  # within torch's SequentialLR
@pytest.mark.parametrize("ours, lr, make", PAIRS, ids=[repr(p[0]) for p in PAIRS])
def test_every_rate_of_a_run_is_that_of_torch(ours, lr, make):
    np.testing.assert_allclose(
        [ours(k) for k in range(STEPS)], rates_of_torch(lr, make), rtol=1e-12, atol=1e-17
    )
    assert all(type(ours(k)) is float for k in (0, 1, STEPS))


def test_the_steps_of_an_optimizer_are_those_of_torch():
    """A schedule given as the `lr` is asked for the step about to be taken, from 0."""
    schedule = s.cosine(0.2, 20)
    w, v = Parameter(np.array([3.0, -1.0])), torch.tensor([3.0, -1.0], dtype=torch.float64)
    v.requires_grad_()
    ours, theirs = SGD([w], lr=schedule), torch.optim.SGD([v], lr=0.2)
    scheduler = lr_scheduler.CosineAnnealingLR(theirs, T_max=20)
    for _ in range(20):
        ours.zero_grad()
        theirs.zero_grad()
        (w**4).sum().backward()
        (v**4).sum().backward()
        w.grad, v.grad = w.grad / 100, v.grad / 100
        ours.step()
        theirs.step()
        scheduler.step()
        np.testing.assert_allclose(w.data, v.detach().numpy(), rtol=1e-12)


def test_linear_decay_by_hand():
    """ε_k = (1 − α) ε₀ + α ε_τ with α = k / τ, and constant from τ on."""
    schedule = s.linear_decay(1.0, 0.2, 4)
    assert [schedule(k) for k in range(7)] == pytest.approx([1, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2])


def test_step_exponential_and_inverse_time_by_hand():
    schedule = s.step_decay(8, 2, 0.5)
    assert [schedule(k) for k in range(6)] == [8, 8, 4, 4, 2, 2]
    assert [s.exponential(8, 0.5)(k) for k in range(3)] == [8, 4, 2]
    assert [s.exponential(1, 3)(k) for k in range(3)] == [1, 3, 9]
    schedule = s.inverse_time(6, 0.5)
    assert [schedule(k) for k in (0, 2, 4)] == [6, 3, 2]
    assert s.inverse_time(6, 0)(100) == 6


def test_cosine_at_its_ends():
    schedule = s.cosine(1.0, 10, min_lr=0.2)
    assert schedule(0) == 1 and schedule(5) == pytest.approx(0.6)
    assert schedule(10) == schedule(11) == schedule(10_000) == 0.2
    again = s.cosine(1.0, 10, min_lr=0.2, restarts=True)
    assert again(10) == again(20) == 1 and again(13) == schedule(3)
    assert s.cosine(1.0, 10)(10) == 0


def test_warmup_rises_evenly_to_where_the_other_begins():
    schedule = s.warmup(s.linear_decay(1.0, 0.0, 10), 4)
    expected = [0.2, 0.4, 0.6, 0.8, 1.0, 0.9, 0.8]
    assert [schedule(k) for k in range(7)] == pytest.approx(expected)
    assert s.warmup(lambda k: 5.0 + k, 1)(0) == 2.5 and s.warmup(lambda k: 5.0 + k, 1)(3) == 7


def test_one_cycle_at_its_ends():
    schedule = s.one_cycle(1.0, 100)
    assert schedule(0) == pytest.approx(1 / 25) and schedule(29) == pytest.approx(1)
    assert max(schedule(k) for k in range(100)) == schedule(29)
    assert schedule(99) == schedule(100) == schedule(10**6) == pytest.approx(1 / 25e4, rel=1e-12)


VALUES = [5, 4, 3, 3.5, 3.2, 3, 2.9999, 3, 3, 3, 2.5, 2.6, 2.7, 2.8, 2.5, 2.5, 2.49999, 3, 9, 9, 9]
PLATEAU = [
    {},
    {"patience": 0},
    {"patience": 1, "factor": 0.5},
    {"patience": 2, "cooldown": 3},
    {"patience": 1, "min_lr": 0.02},
    {"patience": 1, "min_lr": 0.5},
    {"patience": 3, "threshold": 0.1},
    {"patience": 1, "mode": "max"},
    {"patience": 1, "mode": "max", "threshold": 0.3, "cooldown": 1},
]


@pytest.mark.parametrize("options", PLATEAU, ids=str)
def test_reduce_on_plateau_is_that_of_torch(options):
    values = [*VALUES, math.nan, math.nan, 1.0, math.nan, math.inf, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    schedule = s.reduce_on_plateau(0.2, **options)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.2)
    theirs = lr_scheduler.ReduceLROnPlateau(optimizer, eps=0, **options)
    seen = set()
    for value in values:
        schedule.step(value)
        theirs.step(value)
        seen.add(schedule.lr)
        assert schedule(len(seen)) == schedule.lr
        assert schedule.lr == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
    assert len(seen) > 1 or options in (PLATEAU[0], {"patience": 1, "min_lr": 0.5})


def test_a_negative_value_that_gets_worse_is_no_improvement():
    """PyTorch's best · (1 − threshold) lies above a negative best; ours below it."""
    schedule = s.reduce_on_plateau(1.0, patience=0, threshold=0.1)
    for value, expected in [(-1, 1), (-0.95, 0.1), (-1.05, 0.01), (-1.2, 0.01)]:
        schedule.step(value)
        assert schedule.lr == pytest.approx(expected)


def test_an_optimizer_follows_reduce_on_plateau():
    schedule = s.reduce_on_plateau(0.5, patience=0)
    w = Parameter(np.array([1.0]))
    optimizer = SGD([w], lr=schedule)
    for value, expected in [(1.0, 0.5), (1.0, 0.05), (1.0, 0.005)]:
        schedule.step(value)
        before, w.grad = w.data, np.ones(1)
        optimizer.step()
        np.testing.assert_allclose(before - w.data, expected)


@pytest.mark.parametrize("k", range(0, len(VALUES), 3))
def test_reduce_on_plateau_goes_on_from_its_state(k):
    def run(schedule, values):
        rates = []
        for value in values:
            schedule.step(value)
            rates.append(schedule.lr)
        return rates

    def fresh():
        return s.reduce_on_plateau(0.2, factor=0.5, patience=1, cooldown=2)

    first, second = fresh(), fresh()
    rates = run(first, VALUES[:k])
    state = {name: np.asarray(x) for name, x in first.state_dict().items()}  # as from a file
    second.load_state_dict(state)
    assert second.state_dict() == first.state_dict()
    assert all(type(x) in (int, float) for x in second.state_dict().values())
    assert rates + run(second, VALUES[k:]) == run(fresh(), VALUES)
    with pytest.raises(KeyError, match=r"state: the names .*'best'"):
        second.load_state_dict({"lr": 0.1})


SCHEDULES = [p[0] for p in PAIRS] + [s.reduce_on_plateau(0.1, mode="max")]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_a_schedule_is_shown_as_it_is_written_and_can_be_stored(schedule):
    again = eval(repr(schedule), vars(s))
    assert again == schedule == pickle.loads(pickle.dumps(schedule)) == copy.deepcopy(schedule)
    assert [again(k) for k in range(5)] == [schedule(k) for k in range(5)]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
@pytest.mark.parametrize("step", [-1, math.nan])
def test_steps_are_numbered_from_0(schedule, step):
    with pytest.raises(ValueError, match=f"step: the first step is number 0, got {step}"):
        schedule(step)


@pytest.mark.parametrize(
    "make, kind, message",
    [
        (lambda: s.constant(0), ValueError, "constant: lr must be a positive number, got 0"),
        (lambda: s.constant(-1.0), ValueError, "lr must be a positive number"),
        (lambda: s.constant(math.nan), ValueError, "lr must be a positive number, got nan"),
        (lambda: s.constant(math.inf), ValueError, "lr must be a positive number, got inf"),
        (lambda: s.constant("0.1"), TypeError, "constant: lr must be a positive number, got '0.1'"),
        (lambda: s.constant(True), TypeError, "lr must be"),
        (lambda: s.linear_decay(1, -1, 5), ValueError, "end_lr must be a number of at least 0"),
        (lambda: s.linear_decay(1, 0, 0), ValueError, "steps must be an integer of at least 1"),
        (lambda: s.linear_decay(1, 0, 2.5), TypeError, "linear_decay: steps must be an integer"),
        (lambda: s.step_decay(1, 0), ValueError, "step_size must be"),
        (lambda: s.step_decay(1, 5, -0.1), ValueError, "gamma must be a positive number"),
        (lambda: s.exponential(1, 0), ValueError, "gamma must be"),
        (lambda: s.inverse_time(1, -1), ValueError, "decay must be a number of at least 0"),
        (lambda: s.cosine(1, 10, -0.1), ValueError, "cosine: min_lr must be"),
        (lambda: s.cosine(1, 10, 0, 1), TypeError, "restarts must be True or False, got 1"),
        (lambda: s.warmup(0.1, 10), TypeError, "warmup: schedule must be a function of the step"),
        (lambda: s.warmup(s.constant(1), 0), ValueError, "warmup: steps must be"),
        (lambda: s.one_cycle(1, 0), ValueError, "total_steps must be"),
        (lambda: s.one_cycle(1, 10, 1.0), ValueError, "pct_start must be a number between 0 and 1"),
        (lambda: s.one_cycle(1, 10, div_factor=0), ValueError, "div_factor must be"),
        (lambda: s.one_cycle(1, 3), ValueError, r"must be more than 1, got 0\.3 \* 3"),
        (lambda: s.reduce_on_plateau(1, factor=1), ValueError, "factor must be a number between"),
        (lambda: s.reduce_on_plateau(1, patience=-1), ValueError, "patience must be an integer"),
        (lambda: s.reduce_on_plateau(1, cooldown=0.5), TypeError, "cooldown must be an integer"),
        (lambda: s.reduce_on_plateau(1, threshold=-1), ValueError, "threshold must be"),
        (lambda: s.reduce_on_plateau(1, mode="best"), ValueError, "mode must be 'min' or 'max'"),
    ],
)
def test_bad_arguments_are_named(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_what_is_no_schedule_says_so():
    class half(s.Schedule):
        __dataclass_fields__ = {}

    with pytest.raises(NotImplementedError, match="half must define at"):
        half()(0)
