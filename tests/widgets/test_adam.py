"""The explorer of Adam: its steps against the algorithm by hand, and what its tables hold."""

import base64

import numpy as np
import pytest

from lecturelib.widgets import frames
from lecturelib.widgets.adam import GRADIENTS, HIGH, STEPS, AdamExplorer

TEXTS = {"caption": "Turn the betas.", "alt": "Two curves side by side."}


@pytest.fixture(scope="module")
def explorer():
    return AdamExplorer(**TEXTS)


def by_hand(g, beta1, beta2, eps, correction):
    """Algorithm 1 of Adam in plain numbers: the averages and the steps."""
    m = v = 0.0
    averages, steps = [], []
    for t, gradient in enumerate(g, 1):
        m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
        first, second = (m / (1 - beta1**t), v / (1 - beta2**t)) if correction else (m, v)
        averages.append(first)
        steps.append(first / (second**0.5 + eps))
    return np.array(averages), np.array(steps)


@pytest.mark.parametrize("gradients", GRADIENTS)
@pytest.mark.parametrize("setting", [(0.9, 0.999, 1e-8, True), (0.9, 0.99, 0.1, False),
                                     (0, 0.9, 1, True)])
def test_steps_are_the_algorithms(explorer, gradients, setting):
    beta1, beta2, eps, correction = setting
    frame = explorer.frame(gradients=gradients, beta1=beta1, beta2=beta2, eps=eps,
                           correction=correction)
    average, step = by_hand(frame["given"]["g"], *setting)
    np.testing.assert_allclose(frame["run"]["average"], average, atol=1e-12)
    np.testing.assert_allclose(frame["run"]["way"], np.cumsum(step), atol=1e-10)
    np.testing.assert_allclose(frame["run"]["step"], np.clip(step, -3, 8), atol=1e-10)


def test_the_rows_of_gradients_are_what_their_names_say(explorer):
    rows = {k: explorer.frame(gradients=k)["given"]["g"] for k in GRADIENTS}
    assert all(g.shape == (STEPS,) for g in rows.values())
    assert set(rows["constant"]) == {1.0}
    assert np.flatnonzero(rows["rare"]).tolist() == [4, 14, 24]  # t = 5, 15, 25
    assert np.flatnonzero(rows["outlier"] == 20).tolist() == [9]
    assert rows["alternating"][:3].tolist() == [1, -1, 1]
    assert abs(rows["noisy"].mean() - 0.5) < 0.3 < rows["noisy"].std()


def test_a_constant_gradient_makes_steps_of_one_and_longer_ones_uncorrected(explorer):
    corrected = explorer.frame(gradients="constant", correction=True)["run"]
    np.testing.assert_allclose(corrected["step"], 1, atol=1e-6)
    raw = explorer.frame(gradients="constant", correction=False)["run"]["step"]
    np.testing.assert_allclose(raw[0], 0.1 / np.sqrt(0.001), rtol=1e-6)
    assert raw.argmax() == 11 and 6.5 < raw.max() < 6.7


def test_what_leaves_the_plot_is_cut_but_the_way_is_not(explorer):
    run = explorer.frame(gradients="rare", beta1=0, beta2=0.999, correction=False)["run"]
    assert run["step"][4] == HIGH
    assert run["way"][4] == pytest.approx(1 / np.sqrt(0.001), rel=1e-3)


def test_table_is_small_and_exact_and_texts_are_there(explorer):
    assert len(base64.b64encode(explorer.data)) + len(repr(explorer.spec)) < 70_000
    stored = frames.unpack(explorer.spec["layout"], explorer.data, "run",
                           np.ravel_multi_index((0, 2, 2, 0, 1), (5, 4, 3, 3, 2)))
    exact = explorer.run("constant", 0.9, 0.999, 1e-8, True)
    for name in ("step", "average", "way"):
        np.testing.assert_allclose(stored[name], exact[name], atol=3e-3)
    assert "Turn the betas" in explorer.html() and "<svg" in explorer.html()
    assert repr(explorer) == repr(AdamExplorer(**TEXTS))
    with pytest.raises(ValueError, match="beta1"):
        AdamExplorer(**TEXTS, beta1=0.3)
