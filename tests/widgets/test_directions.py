"""The explorer of directions: slopes and steps against formulas worked by hand."""

import numpy as np
import pytest

from lecturelib.widgets.directions import DEGREES, DirectionExplorer, V

TEXTS = {"caption": "Turn the direction and watch the slope.", "alt": "A map and two curves."}


@pytest.fixture(scope="module")
def explorer():
    return DirectionExplorer(**TEXTS)


def test_the_gradient_of_the_bowl_is_that_of_the_formula(explorer):
    for x1, x2 in ((1, 1), (-1.5, 0.5), (0, -1)):
        slopes = explorer.frame(x1=x1, x2=x2)["slopes"]
        g = [2 * x1 + 0.5 * x2, 0.5 * x1 + 0.5 * x2]
        np.testing.assert_allclose(slopes["gradient"], g, atol=1e-12)
        assert slopes["length"] == pytest.approx(np.hypot(*g))


def test_slopes_are_a_cosine_around_the_direction_of_the_gradient(explorer):
    slopes = explorer.frame(surface="hill", x1=0, x2=1)["slopes"]  # there it points along x₁
    length = 4 * np.exp(-0.5)
    np.testing.assert_allclose(slopes["slope"], length * np.cos(np.radians(DEGREES)), atol=1e-12)
    diagonal = explorer.frame(surface="bowl", x1=0, x2=1)["slopes"]["slope"]  # along (½, ½)
    np.testing.assert_allclose(diagonal, np.sqrt(0.5) * np.cos(np.radians(DEGREES - 45)),
                               atol=1e-12)


def test_steps_on_the_bowl_find_the_slope_and_half_the_curvature(explorer):
    bowl = V[0] ** 2 + 0.5 * V[0] * V[1] + 0.25 * V[1] ** 2  # ½ vᵀH v
    for h in (0.01, 0.5, 1):
        frame = explorer.frame(x1=-1, x2=0.5, h=h)
        np.testing.assert_allclose(frame["quotients"]["quotient"],
                                   frame["slopes"]["slope"] + h * bowl, atol=1e-10)


def test_short_steps_find_the_slope(explorer):
    error = {}
    for h in (0.01, 0.1):
        frame = explorer.frame(surface="hill", x1=0.5, x2=-0.5, h=h)
        error[h] = np.abs(frame["quotients"]["quotient"] - frame["slopes"]["slope"]).max()
    assert error[0.01] < 0.03 and 8 < error[0.1] / error[0.01] < 12


def test_where_the_gradient_is_zero_only_long_steps_see_the_bowl(explorer):
    frame = explorer.frame(x1=0, x2=0, h=1)
    assert not frame["slopes"]["slope"].any() and not frame["slopes"]["arrow"].any()
    assert (frame["quotients"]["quotient"] > 0.1).all()


def test_the_arrow_starts_at_the_place_and_has_a_head(explorer):
    slopes = explorer.frame(x1=1, x2=-0.5)["slopes"]
    tail, tip, left, again, right = slopes["arrow"].T
    np.testing.assert_allclose(tail, [1, -0.5])
    np.testing.assert_allclose(tip - tail, 0.3 * slopes["gradient"])
    np.testing.assert_array_equal(tip, again)
    assert (left - right) @ slopes["gradient"] == pytest.approx(0)
    back = (tip - left) @ slopes["gradient"]
    assert 0 < back == pytest.approx((tip - right) @ slopes["gradient"])


def test_rows_of_the_map_go_up(explorer):
    z = explorer.frame(surface="bowl")["land"]["z"]
    side = np.linspace(-2.5, 2.5, 41)
    x1, x2 = side[30], side[4]
    assert z[4, 30] == pytest.approx(x1**2 + 0.5 * x1 * x2 + 0.25 * x2**2)


def test_the_still_marks_the_chosen_direction(explorer):
    frame = explorer.frame(angle=0, x1=1, x2=1, h=1)  # the step ends at (2, 1)
    explorer.set(angle=0, h=1)
    still = explorer.still(frame)
    x = 46 + (2 + 2.5) / 5 * 284
    y = 312 + (1 + 2.5) / 5 * (28 - 312)
    assert f'd="M{x:.1f} {y:.1f}h0" stroke="var(--ex-blue' in still
    explorer.set(angle=60, h=0.5)
