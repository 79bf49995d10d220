"""The explorer of losses: values by hand, pulls against finite differences."""

import re

import numpy as np
import pytest

from lecturelib.analysis import numeric_gradient
from lecturelib.widgets.losses import SCORES, LossExplorer, losses

TEXTS = {"caption": "Move the score of the right class.", "alt": "Three curves and bars."}
SQUARED, HINGE, CROSS_ENTROPY = range(3)


@pytest.fixture(scope="module")
def explorer():
    return LossExplorer(**TEXTS)


def test_losses_of_one_place_by_hand(explorer):
    loss = explorer.frame(score=1.5, rival=1, margin=1)["here"]["loss"]
    assert loss[SQUARED] == pytest.approx((0.5**2 + 1) / 3)
    assert loss[HINGE] == pytest.approx(0.5)  # the rival is beaten by 0.5, class 2 by 1.5
    assert loss[CROSS_ENTROPY] == pytest.approx(np.log(1 + np.exp(-0.5) + np.exp(-1.5)))


@pytest.mark.parametrize(("score", "rival", "margin"),
                         [(-3, 3, 2), (0.25, 0, 0.5), (0.75, 1, 1), (4, -1, 0), (-0.25, 2, 1)])
def test_pulls_are_minus_the_slopes_of_all_three_scores(explorer, score, rival, margin):
    pull = explorer.here(score, rival, margin)["pull"]
    for i in range(3):
        slope = numeric_gradient(lambda s, i=i: losses(s[np.newaxis], margin)[i][0],
                                 np.array([score, rival, 0.0]))
        np.testing.assert_allclose(pull[i], -slope, atol=1e-8)


def test_what_each_loss_punishes(explorer):
    pulls = {s: explorer.frame(score=s, rival=1, margin=1)["here"]["pull"]
             for s in (-1, 0.5, 1.5, 3, 4)}
    assert [pulls[s][HINGE, 0] for s in pulls] == [2, 2, 1, 0, 0]
    assert all(np.diff([pull[CROSS_ENTROPY, 0] for pull in pulls.values()]) < 0)
    assert pulls[4][CROSS_ENTROPY, 0] > 0 > pulls[1.5][SQUARED, 0]  # too right
    for pull in pulls.values():
        np.testing.assert_allclose(pull[HINGE:].sum(axis=1), 0, atol=1e-12)
        np.testing.assert_allclose(pull[SQUARED, 1:], [-2 / 3, 0], atol=1e-12)  # blind to s₀


def test_without_a_margin_the_hinge_is_content_with_a_tie(explorer):
    here = explorer.frame(score=0, rival=0, margin=0)["here"]
    assert here["loss"][HINGE] == 0 and not here["pull"][HINGE].any()
    assert explorer.frame(score=0, rival=0, margin=0.5)["here"]["loss"][HINGE] == 1


def test_the_dots_lie_on_the_curves(explorer):
    for rival, margin in ((-1, 2), (3, 0.5)):
        for score in (-3, 0.5, 4):
            frame = explorer.frame(score=score, rival=rival, margin=margin)
            at = np.abs(SCORES - score).argmin()
            np.testing.assert_allclose(frame["curves"]["loss"][:, at], frame["here"]["loss"],
                                       atol=1e-12)


def test_the_still_has_a_bar_on_the_zero_line_for_each_pull(explorer):
    frame = explorer.frame(score=4, rival=-1, margin=1)
    still = explorer.still(frame)
    for i, path in enumerate(re.findall('<path d="M([^"]*)Z"', still)):
        x, y = np.array([point.split() for point in path.split("L")], float)[:-2].T
        x, y = (x - 46) / 284 * 3 - 0.5, (240 - y) / 212 * 6 - 3
        pull = frame["here"]["pull"][i]
        np.testing.assert_allclose(y, np.outer(pull, [0, 1, 1, 0]).ravel(), atol=3e-3)
        middle = x.reshape(3, 4).mean(axis=1)
        np.testing.assert_allclose(middle, np.arange(3) + 0.24 * (i - 1), atol=2e-3)
        assert (x[1::4] < x[2::4]).all() and (np.diff(x) > -1e-9).all()
    assert i == 2


def test_all_pulls_fit_the_plot(explorer):
    for score in (-3, 4):
        for rival in (-1, 3):
            assert np.abs(explorer.here(score, rival, 2)["pull"]).max() <= 3
