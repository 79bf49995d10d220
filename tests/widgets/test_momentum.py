"""The explorer of momentum: its iteration matrix and borders against formulas by hand."""

import base64

import numpy as np
import pytest

from lecturelib.widgets import frames
from lecturelib.widgets.momentum import AXIS, MOMENTA, MomentumExplorer, iteration_matrix

TEXTS = {"caption": "Turn the rate and the momentum.", "alt": "A map and a curve."}


@pytest.fixture(scope="module")
def explorer():
    return MomentumExplorer(**TEXTS)


@pytest.mark.parametrize("method", ["heavy_ball", "nesterov"])
def test_iteration_matrix_has_the_trace_and_determinant_of_the_derivation(method):
    for rate, mu in ((0.04, 0.8), (1.28, 0.5), (0.5, 0.0)):
        matrix = iteration_matrix(rate, mu, method)
        if method == "nesterov":
            trace, det = (1 + mu) * (1 - rate), mu * (1 - rate)
        else:
            trace, det = 1 + mu - rate, mu
        np.testing.assert_allclose(np.trace(matrix), trace, atol=1e-12)
        np.testing.assert_allclose(np.linalg.det(matrix), det, atol=1e-12)


def test_between_the_edges_the_radius_is_the_root_of_the_momentum(explorer):
    run = explorer.frame(rate=0.16, momentum=0.8)["run"]
    np.testing.assert_allclose(run["radius"], np.sqrt(0.8))
    assert run["oscillates"] == 1
    assert explorer.frame(rate=0.01, momentum=0.5)["run"]["oscillates"] == 0


def test_iterates_are_powers_of_the_matrix(explorer):
    u = explorer.frame(rate=0.16, momentum=0.9)["run"]["u"]
    matrix, state = np.array([[0.84, 0.9], [-0.16, 0.9]]), np.array([1.0, 0.0])
    for value in u:
        np.testing.assert_allclose(value, state[0], atol=1e-12)
        state = matrix @ state


@pytest.mark.parametrize("method", ["heavy_ball", "nesterov"])
def test_edges_stand_where_the_radius_and_the_eigenvalues_change(explorer, method):
    land = explorer.frame(method=method)["land"]
    for row in (8, 20, 28):
        mu = land["mu"][row]
        low, high, border = 10 ** land["edges"][:, row]
        kinds = [np.iscomplex(np.linalg.eigvals(iteration_matrix(r, mu, method))).any()
                 for r in (0.98 * low, 1.02 * low, 0.98 * high, 1.02 * high)]
        assert kinds == [False, True, True, False]
        size = [np.abs(np.linalg.eigvals(iteration_matrix(r, mu, method))).max()
                for r in (0.99 * border, 1.01 * border)]
        assert size[0] < 1 < size[1]
    rates = np.logspace(*AXIS, 41)
    radius = np.abs(np.linalg.eigvals(iteration_matrix(rates[5], 0.5, method))).max()
    np.testing.assert_allclose(land["z"][20, 5], radius)  # rows are momenta


def test_what_leaves_the_plot_is_not_drawn(explorer):
    run = explorer.frame(rate=5.12, momentum=0.0)["run"]
    assert np.isnan(run["u"][3:]).all() and np.isfinite(run["u"][:2]).all()
    assert np.nanmax(run["envelope"]) < 10


def test_table_is_small_and_exact_and_texts_are_there(explorer):
    assert len(base64.b64encode(explorer.data)) + len(repr(explorer.spec)) < 70_000
    at = (12 * len(MOMENTA) + MOMENTA.index(0.8)) * 2
    stored = frames.unpack(explorer.spec["layout"], explorer.data, "run", at)
    exact = explorer.run(0.16, 0.8, "heavy_ball")
    np.testing.assert_allclose(stored["u"], exact["u"], atol=1e-3)
    assert "Turn the rate" in explorer.html() and "<svg" in explorer.html()
    assert repr(explorer) == repr(MomentumExplorer(**TEXTS))
    with pytest.raises(ValueError, match="method"):
        MomentumExplorer(**TEXTS, method="adam")
