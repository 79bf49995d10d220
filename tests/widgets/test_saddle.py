"""The explorer of critical points: its cuts against formulas worked by hand."""

import base64

import numpy as np
import pytest

from lecturelib.widgets import frames
from lecturelib.widgets.saddle import SURFACES, SaddleExplorer, T

TEXTS = {"caption": "Turn the direction and watch the cut.",
         "alt": "A map with a line, and a curve."}


@pytest.fixture(scope="module")
def explorer():
    return SaddleExplorer(**TEXTS)


def test_curvature_of_the_saddle_follows_the_cosine_of_twice_the_angle(explorer):
    for angle in (0, 30, 45, 75, 90, 180):
        cut = explorer.frame(angle=angle)["cut"]
        c = 2 * np.cos(np.radians(2 * angle))
        np.testing.assert_allclose(cut["curvature"], c, atol=1e-12)
        np.testing.assert_allclose(cut["f"], c / 2 * T**2, atol=1e-12)
        np.testing.assert_allclose(cut["parabola"], cut["f"], atol=1e-12)


def test_the_monkey_has_no_curvature_but_three_ways_down(explorer):
    frame = explorer.frame(surface="monkey", angle=60)
    np.testing.assert_allclose(frame["land"]["eigenvalues"], 0, atol=1e-12)
    assert frame["cut"]["curvature"] == 0 and not frame["cut"]["parabola"].any()
    np.testing.assert_allclose(frame["cut"]["f"], -(T**3), atol=1e-12)  # cos 180° = −1


def test_every_straight_cut_through_peanos_surface_starts_uphill(explorer):
    near = np.abs(np.abs(T) - 1 / 16) < 1e-9
    for angle in range(0, 181, 15):
        cut = explorer.frame(surface="peano", angle=angle)["cut"]
        assert (cut["f"][near] > 0).all()
    x = 0.1
    assert SURFACES["peano"][1](np.array([x, 2 * x**2])) < 0  # a bent way leads down


def test_the_cut_runs_through_the_map_along_the_angle(explorer):
    (x0, x1), (y0, y1) = explorer.frame(angle=30)["cut"]["ends"]
    np.testing.assert_allclose([x1, y1], [np.sqrt(0.75), 0.5])
    np.testing.assert_allclose([x0, y0], [-x1, -y1])


def test_table_is_small_and_exact_and_texts_are_there(explorer):
    assert len(base64.b64encode(explorer.data)) + len(repr(explorer.spec)) < 60_000
    stored = frames.unpack(explorer.spec["layout"], explorer.data, "cut", 37 + 6)
    exact = explorer.cut("saddle", 30.0)
    np.testing.assert_allclose(stored["f"], exact["f"], atol=1e-3)
    assert "Turn the direction" in explorer.html() and "<svg" in explorer.html()
    assert repr(explorer) == repr(SaddleExplorer(**TEXTS))
    with pytest.raises(ValueError, match="surface"):
        SaddleExplorer(**TEXTS, surface="pass")
