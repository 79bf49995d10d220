"""Line searches return steps that meet their conditions, and always return."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lecturelib import Tensor
from lecturelib.optim.line_search import (
    Backtracking,
    FixedStep,
    Line,
    StrongWolfe,
    Trial,
    cubic_minimizer,
)
from lecturelib.optim.minimize import Point, Problem


def line_of(f, start=0.0, direction=1.0):
    """φ(α) = f(start + α direction) for a function of one number; and its counts."""
    problem = Problem(lambda w: f(w[0]), (1,))
    return Line(Point(problem, np.array([start])), np.array([direction])), problem


def polynomial(coefficients):
    return lambda x: sum(c * x**k for k, c in enumerate(coefficients))


def slope_of(coefficients, x):
    return sum(k * c * x ** (k - 1) for k, c in enumerate(coefficients) if k)


number = st.floats(-3, 3, allow_nan=False)
positive = st.floats(0.05, 3)
conditions = st.sampled_from([(1e-4, 0.9), (1e-4, 0.1), (0.1, 0.5), (1e-4, 0.01)])


@settings(deadline=None, max_examples=150)
@given(number, number, number, positive, st.floats(1e-4, 1e4), conditions)
def test_strong_wolfe_conditions_hold(slope, curvature, third, fourth, first, constants):
    """Quartics that grow at both ends: a suitable step exists, whatever is tried first."""
    c1, c2 = constants
    slope = -abs(slope) - 0.01
    coefficients = [0.3, slope, curvature, third, fourth]
    line, problem = line_of(polynomial(coefficients))
    trial = StrongWolfe(c1, c2, max_evaluations=60)(line, first)
    phi = polynomial(coefficients)
    assert trial.alpha > 0 and problem.functions <= 61
    assert trial.loss == pytest.approx(phi(trial.alpha), rel=1e-9, abs=1e-9)
    assert trial.loss <= 0.3 + c1 * trial.alpha * slope + 1e-14
    assert abs(slope_of(coefficients, trial.alpha)) <= c2 * abs(slope) * (1 + 1e-9)


@settings(deadline=None, max_examples=60)
@given(number, number, number, positive, st.floats(1e-4, 1e4))
def test_backtracking_stops_at_the_first_step_that_falls_enough(a, b, c, d, first):
    coefficients = [0.3, -abs(a) - 0.01, b, c, d]
    phi, slope = polynomial(coefficients), coefficients[1]
    line, _ = line_of(phi)
    trial = Backtracking(c1=0.1, shrink=0.5)(line, first)

    def falls_enough(alpha):
        return phi(alpha) <= 0.3 + 0.1 * alpha * slope

    halvings = math.log2(first / trial.alpha)
    assume(abs(phi(trial.alpha) - 0.3 - 0.1 * trial.alpha * slope) > 1e-12)
    assert halvings == pytest.approx(round(halvings)) and falls_enough(trial.alpha)
    assert not any(falls_enough(first / 2**k) for k in range(round(halvings)))


def test_a_full_step_that_meets_the_conditions_costs_one_evaluation():
    line, problem = line_of(lambda x: (x - 1) * (x - 1))
    assert StrongWolfe()(line, 1.0).alpha == 1.0
    assert (problem.functions, problem.gradients) == (2, 2)  # the start and the trial


def test_a_step_that_is_too_long_costs_no_gradient():
    line, problem = line_of(lambda x: (x - 1) * (x - 1))
    assert Backtracking()(line, 8.0).alpha == 1.0
    assert (problem.functions, problem.gradients) == (5, 1)  # tried 8, 4, 2, 1


@pytest.mark.parametrize("first", [0.01, 100.0])
def test_on_a_parabola_the_cubic_finds_the_minimum_at_once(first):
    """From a trial beyond it; from one before it after growing there."""
    line, problem = line_of(lambda x: 3 * (x - 2) * (x - 2), start=0.0)
    trial = StrongWolfe(c2=1e-3)(line, first)
    assert trial.alpha == pytest.approx(2.0)
    assert problem.functions <= (6 if first < 1 else 3)


def test_cubic_minimizer_by_hand():
    """φ = α³ − 3α has its minimum at 1, seen from any two places; its mirror image has none
    between −½ and ½ to the right of a maximum at 1, so the one at −1 is found."""

    def trial(alpha, sign=1):
        t = Trial.__new__(Trial)
        t.alpha, t.loss = alpha, sign * (alpha**3 - 3 * alpha)
        t.slope = sign * (3 * alpha**2 - 3)
        return t

    for a, b in [(0.0, 2.0), (2.0, 0.0), (-0.5, 0.5), (0.5, 0.9), (1.5, 3.0), (-2.0, 4.0)]:
        assert cubic_minimizer(trial(a), trial(b)) == pytest.approx(1.0), (a, b)
    assert cubic_minimizer(trial(-0.5, -1), trial(0.5, -1)) == pytest.approx(-1.0)
    straight = trial(0.0), trial(1.0)
    for t in straight:
        t.loss, t.slope = -t.alpha, -1.0
    assert math.isnan(cubic_minimizer(*straight))
    bad = trial(3.0)
    bad.loss = math.inf
    assert math.isnan(cubic_minimizer(trial(0.0), bad))


@pytest.mark.parametrize("search", [StrongWolfe(), Backtracking()], ids=lambda s: type(s).__name__)
@pytest.mark.parametrize(
    "f",
    [lambda x: (x * 400).exp() - x, lambda x: (1 - x).log() * -1 - 2 * x],
    ids=["overflow", "nan beyond 1"],
)
def test_it_steps_back_from_where_f_is_not_finite(f, search):
    with np.errstate(over="ignore", invalid="ignore"):
        line, _ = line_of(f, start=-1.0)
        trial = search(line, 100.0)
    assert 0 < trial.alpha and math.isfinite(trial.loss) and trial.loss < line.start.loss


@pytest.mark.parametrize("search", [StrongWolfe(), Backtracking()], ids=lambda s: type(s).__name__)
def test_no_step_where_f_does_not_fall(search):
    uphill, problem = line_of(lambda x: x * x, start=1.0)
    assert search(uphill, 1.0) is None and problem.functions == 1
    flat, _ = line_of(lambda x: x * x, start=0.0)
    assert search(flat, 1.0) is None


class Tick:
    """φ whose slope lies: it points down where f goes up."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        shadow = Tensor(x.data)  # a constant: no gradient
        return shadow * 3 - x * 2


@pytest.mark.parametrize(
    "search", [StrongWolfe(max_evaluations=7), Backtracking(max_evaluations=7)]
)
def test_it_gives_up_after_max_evaluations(search):
    f = Tick()
    line, _ = line_of(f)
    assert search(line, 1.0) is None
    assert f.calls == 8


def test_a_line_that_falls_for_ever_is_followed_until_the_evaluations_are_spent():
    line, problem = line_of(lambda x: -x)
    trial = StrongWolfe(max_evaluations=5)(line, 1.0)
    assert problem.functions == 6 and trial.alpha == pytest.approx(1e4)


def test_the_best_trial_is_returned_if_the_slope_stays_too_steep():
    """|x| has slopes of ±1 only: the curvature condition cannot be met."""
    line, problem = line_of(lambda x: (x - 1).abs())
    trial = StrongWolfe(max_evaluations=12)(line, 3.0)
    assert problem.functions <= 13 and trial.loss < 0.1


def test_rounding_does_not_hide_a_step():
    """Near a minimum of 1e8 the values are equal within rounding; the slopes still tell."""
    line, _ = line_of(lambda x: (x - 1e-5) * (x - 1e-5) + 1e8)
    trial = StrongWolfe(c2=0.1)(line, 1e-4)
    assert trial.alpha == pytest.approx(1e-5, rel=0.2)


def test_a_fixed_step_looks_at_nothing():
    line, _ = line_of(lambda x: x * x, start=1.0)
    assert FixedStep(0.25)(line, 1.0).point.w == 1.25  # uphill, without a question


@pytest.mark.parametrize(
    "make",
    [
        lambda: StrongWolfe(c1=0.5, c2=0.4),
        lambda: StrongWolfe(c1=0.0),
        lambda: StrongWolfe(c2=1.0),
        lambda: StrongWolfe(max_evaluations=0),
        lambda: Backtracking(c1=1.0),
        lambda: Backtracking(shrink=1.0),
        lambda: Backtracking(max_evaluations=2.5),
        lambda: FixedStep(0.0),
        lambda: FixedStep(math.inf),
        lambda: FixedStep(math.nan),
    ],
)
def test_options_out_of_range(make):
    with pytest.raises(ValueError, match=r"c1|c2|shrink|alpha|max_evaluations"):
        make()
