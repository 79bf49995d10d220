"""`draw_graph` draws every tensor once, with its value and its gradient, and uses nothing up."""

import matplotlib
import numpy as np
import pytest

from lecturelib import Tensor, ops
from lecturelib.viz import draw_graph

matplotlib.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def texts(fig):
    return [t.get_text() for t in fig.axes[0].texts]


def example():
    x1 = Tensor(2.0, requires_grad=True, dtype="float64")
    x2 = Tensor(3.0, requires_grad=True, dtype="float64")
    return x1, x2, x1 * x2 + ops.sin(x2)


def test_values_and_gradients_stand_in_the_boxes():
    x1, x2, f = example()
    shown = texts(draw_graph(f, {"x1": x1, "x2": x2, "f": f}))
    assert {"x1", "x2", "×", "sin", "f = +"} <= set(shown)
    assert f"{2 * 3 + np.sin(3):.3g}" in shown  # the value of f
    assert f"{2 + np.cos(3):.3g}" in shown  # the gradient of x2, over both paths
    assert len(draw_graph(f).axes[0].patches) == 5


def test_the_graph_can_still_be_used():
    x1, _, f = example()
    draw_graph(f)
    assert x1.grad is None
    f.backward()
    assert x1.grad == 3


@pytest.mark.parametrize("show_gradients", [True, False])
def test_a_released_graph_cannot_be_drawn(show_gradients):
    before = plt.get_fignums()
    x1, _, f = example()
    g = f * x1
    f.backward()
    for output in (f, g):  # all of the graph is gone, or a part
        with pytest.raises(RuntimeError, match=r"draw_graph: the graph was released.*retain_graph"):
            draw_graph(output, show_gradients=show_gradients)
    assert plt.get_fignums() == before  # no empty figure is left behind


def test_constants_and_gradients_can_be_left_out():
    x = Tensor(2.0, requires_grad=True)
    fig = draw_graph(x * 5.0, {"x": x}, show_gradients=False)
    assert texts(fig).count("5") == 0
    assert len(fig.axes[0].patches) == 2


def test_large_arrays_show_their_shape_and_minus_is_a_minus():
    x = Tensor(np.ones((4, 5)), requires_grad=True)
    y = Tensor(-1.5, requires_grad=True)
    shown = texts(draw_graph(x.sum() * y.astype("float64")))
    assert "shape (4, 5)" in shown
    assert "−1.5" in shown
