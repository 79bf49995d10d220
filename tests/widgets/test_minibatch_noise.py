"""The widget of noisy descent against the theory of a linear recursion."""

import numpy as np
import pytest

from lecturelib.analysis.functions import Quadratic
from lecturelib.optim import constant, inverse_time, linear_decay
from lecturelib.widgets.minibatch_noise import RUNS, SCHEDULES, STEPS, MinibatchNoise


@pytest.fixture(scope="module")
def widget():
    return MinibatchNoise(caption="Move the sliders and see.", alt="A path and two curves.")


def expected_loss(lr, batch, rate):
    """E f after each step: mean and variance in each eigendirection, step by step."""
    eigenvalues = Quadratic(30).eigenvalues
    mean, variance, losses = np.ones(2), np.zeros(2), []
    for k in range(STEPS + 1):
        losses.append(0.5 * (eigenvalues * (mean**2 + variance)).sum())
        shrink = 1 - rate(k) * eigenvalues
        mean, variance = shrink * mean, shrink**2 * variance + rate(k) ** 2 * 16 / batch
    return np.array(losses)


@pytest.mark.parametrize("schedule, rate", [
    ("constant", constant(0.032)), ("linear", linear_decay(0.032, 0.0, STEPS)),
    ("inverse_time", inverse_time(0.032, 0.1))])
@pytest.mark.parametrize("batch", [1, 16])
def test_mean_loss_follows_the_recursion(widget, batch, schedule, rate):
    run = widget.frame(batch=batch, lr=0.032, schedule=schedule)["run"]
    error = 10 ** run["log_loss"] / expected_loss(0.032, batch, rate) - 1
    assert abs(error.mean()) < 0.07  # also averaged over the steps
    assert np.abs(error).max() < 5 / np.sqrt(RUNS)


def test_floor_is_where_a_constant_rate_settles(widget):
    run = widget.frame(batch=4, lr=0.032)["run"]
    settled = 10 ** run["log_loss"][80:].mean()
    assert settled == pytest.approx(10 ** run["log_floor"][-1], rel=0.15)


def test_floor_scales_with_rate_over_batch(widget):
    def floor(**at):
        return 10 ** widget.frame(**at)["run"]["log_floor"][0]

    assert floor(batch=1, lr=0.016) / floor(batch=16, lr=0.016) == pytest.approx(16)
    # ε / (4 − 2 ε λ), summed over λ = 1 and 30, by hand for ε = 0.004 and 0.008
    assert floor(batch=1, lr=0.004) == pytest.approx(
        16 * 0.004 * (1 / (4 - 0.008) + 1 / (4 - 0.24)))
    assert floor(batch=1, lr=0.008) / floor(batch=1, lr=0.004) > 2


def test_decay_ends_below_the_floor_of_its_first_rate(widget):
    run = widget.frame(batch=1, lr=0.032, schedule="linear")["run"]
    assert run["log_loss"][-1] < run["log_floor"][0] - 0.5
    assert run["log_floor"][-1] == -3  # the rate is 0 in the end: no noise at all


def test_still_shows_as_many_steps_as_asked(widget):
    full = widget.still(widget.frame())
    widget.set(step=10)
    short = widget.still(widget.frame())
    widget.set(step=STEPS)
    assert len(short) < len(full) and full.count("<svg") == short.count("<svg")


def test_the_table_is_light_enough_for_a_page(widget):
    assert len(widget.data) < 120_000
    assert set(SCHEDULES) == {"constant", "linear", "inverse_time"}
