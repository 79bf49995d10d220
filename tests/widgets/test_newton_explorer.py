"""The explorer of Newton's method: its paths and models against hand-made ones."""

import base64

import numpy as np
import pytest

from lecturelib import grad
from lecturelib.analysis import hessian
from lecturelib.optim import BFGS, minimize
from lecturelib.widgets import frames
from lecturelib.widgets.newton import METHODS, STEPS, NewtonExplorer, steps, two_wells

TEXTS = {"caption": "Choose a method and a start.", "alt": "A map with a path, and a curve."}


@pytest.fixture(scope="module")
def explorer():
    return NewtonExplorer(**TEXTS)


def by_hand(x, y):
    """Gradient and Hessian of ¼ (x² − 1)² + ½ (1 + x²) y²."""
    return (np.array([x * (x * x - 1) + x * y * y, (1 + x * x) * y]),
            np.array([[3 * x * x - 1 + y * y, 2 * x * y], [2 * x * y, 1 + x * x]]))


def test_the_surface_has_the_derivatives_worked_by_hand():
    w = np.array([0.7, -0.4])
    g, h = by_hand(*w)
    np.testing.assert_allclose(grad(two_wells)(w), g, atol=1e-12)
    np.testing.assert_allclose(hessian(two_wells, w), h, atol=1e-12)
    assert two_wells(np.array([1.0, 0.0])) == 0


def test_pure_newton_jumps_to_the_centre_of_its_model(explorer):
    frame = explorer.frame(method="newton", x=1.5, y=0.9)
    g, h = by_hand(1.5, 0.9)
    np.testing.assert_allclose(frame["run"]["path"][:, 1],
                               [1.5, 0.9] - np.linalg.solve(h, g), atol=1e-12)
    np.testing.assert_allclose(frame["model"]["centre"], frame["run"]["path"][:, 1])
    np.testing.assert_allclose(frame["model"]["curvatures"], np.linalg.eigvalsh(h))


def test_newton_ends_on_the_saddle_where_the_others_end_in_a_minimum(explorer):
    ends = {m: explorer.frame(method=m, x=0.05, y=0.9)["run"]["path"][:, -1]
            for m in METHODS}
    np.testing.assert_allclose(ends.pop("newton"), 0, atol=1e-3)
    for end in ends.values():
        np.testing.assert_allclose(end, [1, 0], atol=2e-3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("x", [0.05, 0.2, 0.5, 0.7, 1.5])
def test_paths_are_those_of_minimize(explorer, method, x):
    run = explorer.frame(method=method, x=x, y=0.9)["run"]
    trace = minimize(two_wells, np.array([x, 0.9]), METHODS[method][1],
                     max_iterations=STEPS, gtol=0)
    n = np.isfinite(run["loss"][:len(trace)]).sum()  # then it has left the map
    assert n == STEPS + 1 or np.abs(trace.w[n]).max() > 4 or n == len(trace)
    np.testing.assert_allclose(run["path"].T[:n], trace.w[:n], atol=1e-9)
    np.testing.assert_allclose(run["loss"][:n], trace.loss[:n], atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_models_contour_is_as_high_as_the_place(explorer, method):
    state = {"method": method, "x": 0.4, "y": 0.9}
    for step in (0, 1, 2):
        frame = explorer.frame(step=step, **state)
        w = frame["run"]["path"][:, step]
        _, g, inverse = steps(METHODS[method][1], np.array([0.4, 0.9]))[step]
        p = frame["model"]["contour"] - w[:, np.newaxis]
        p = p[:, np.isfinite(p).all(axis=0)]
        height = g @ p + 0.5 * np.sum(p * np.linalg.solve(inverse, p), axis=0)
        assert p.shape[1] > 5 and np.abs(height).max() < 1e-9 * (1 + np.abs(p).max()) ** 2


def test_a_branch_behind_an_asymptote_is_not_joined(explorer):
    contour = explorer.frame(method="newton", x=0.4, y=0.3, step=2)["model"]["contour"]
    jumps = np.linalg.norm(np.diff(contour, axis=1), axis=0)
    assert np.isnan(contour).any() and np.nanmax(jumps) < 4


def test_bfgs_satisfies_the_secant_equation():
    for (w, g, _), (w2, g2, inverse) in zip(*(steps(BFGS(), np.array([0.7, 0.9]))[i:]
                                              for i in (0, 1)), strict=False):
        np.testing.assert_allclose(inverse @ (g2 - g), w2 - w, atol=1e-12)


def test_saddle_free_turns_the_sign_and_damping_lifts_it(explorer):
    _, h = by_hand(0.05, 0.3)
    low, high = np.linalg.eigvalsh(h)
    assert low < 0
    for method, expected in (("newton", [low, high]),
                             ("saddle_free", np.sort([0.05 - low, high + 0.05])),
                             ("damped", [0.05 - low, high - 2 * low + 0.05])):
        model = explorer.frame(method=method, x=0.05, y=0.3, step=0)["model"]
        np.testing.assert_allclose(model["curvatures"], expected, atol=1e-9)


def test_what_has_left_the_map_is_not_drawn(explorer):
    frame = explorer.frame(method="newton", x=0.5, y=0.9, step=1)
    assert np.isnan(frame["run"]["path"][:, 1:]).all()
    assert np.isfinite(frame["run"]["path"][:, 0]).all()
    assert np.abs(frame["model"]["centre"]).max() <= 6


def test_table_is_small_and_exact_and_texts_are_there(explorer):
    assert len(base64.b64encode(explorer.data)) + len(repr(explorer.spec)) < 60_000
    stored = frames.unpack(explorer.spec["layout"], explorer.data, "run", 4)
    exact = explorer.run("newton", 0.4, 0.3)
    np.testing.assert_allclose(stored["path"], exact["path"], atol=1e-3)
    assert "Choose a method" in explorer.html() and "<svg" in explorer.html()
    assert repr(explorer) == repr(NewtonExplorer(**TEXTS))
    with pytest.raises(ValueError, match="method"):
        NewtonExplorer(**TEXTS, method="adam")
