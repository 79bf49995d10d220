"""The numbers that the widgets show, against formulas and other ways to compute them."""

import math

import numpy as np
import pytest
from gallery import TEXTS, widget

from lecturelib import functional as F
from lecturelib.widgets import ConvolutionExplorer, GraphExplorer
from lecturelib.widgets.convolution import IMAGE, KERNELS


@pytest.mark.parametrize(("lr", "curvature"), [(0.1, 2), (0.5, 2), (1.0, 2), (1.2, 0.5), (0.6, 4)])
def test_steps_on_the_parabola(lr, curvature):
    run = widget("LearningRateExplorer").run(lr, curvature)
    w = 2 * (1 - lr * curvature) ** np.arange(21)
    loss = np.log10(np.maximum(0.5 * curvature * w * w, 1e-6))
    far = np.abs(w) >= 100
    np.testing.assert_allclose(run["w"], np.where(far, np.nan, w), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(run["log_loss"], np.where(far, np.nan, loss), atol=1e-9)
    assert run["factor"] == pytest.approx(1 - lr * curvature, abs=1e-12)


@pytest.mark.parametrize("function", ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus",
                                      "gelu", "silu"])
def test_activations_and_slopes(function):
    curve = widget("ActivationExplorer").curve(function)
    f, x, h = getattr(F, function), curve["x"], 1e-6
    np.testing.assert_array_equal(curve["y"], f(x))
    smooth = np.abs(x) > h  # some have a corner at 0
    numeric = (f(x + h) - f(x - h)) / (2 * h)
    np.testing.assert_allclose(curve["slope"][smooth], numeric[smooth], atol=1e-8)


def test_saturation_of_gaussian_inputs():
    inputs = widget("ActivationExplorer").inputs
    for std in (0.5, 1.0, 4.0):
        edge = math.acosh(math.sqrt(1 / 0.05))  # tanh' = 1 / cosh² = 0.05 there
        share = math.erfc(edge / std / math.sqrt(2))
        got = inputs("tanh", std)
        assert got["saturated"] == pytest.approx(share, abs=2e-3)
        assert got["share"].sum() == pytest.approx(1, abs=1e-9)
        relu = inputs("relu", std)
        assert relu["passed"] == pytest.approx(0.5, abs=1e-3)
        assert relu["saturated"] == pytest.approx(0.5, abs=1e-3)
        assert inputs("leaky_relu", std)["passed"] == pytest.approx(0.50005, abs=1e-3)


@pytest.mark.parametrize("kernel", [*KERNELS, "own"])
@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 0, 1), (2, 1, 1), (3, 2, 3)])
def test_windows_times_kernel_is_the_convolution(kernel, stride, padding, dilation):
    own = [0.5, -1, 2, 0, 3, 1, -2, 0, 1]
    w = ConvolutionExplorer(**TEXTS, kernel=kernel, stride=stride, padding=padding,
                            dilation=dilation, own=own)
    columns, size = w.frame()["windows"].values()
    rows, cols = size.astype(int)
    weights = np.array(own if kernel == "own" else KERNELS[kernel][1], float)
    response = (weights @ columns[:, :rows * cols]).reshape(rows, cols)
    np.testing.assert_allclose(w.response(), response, atol=1e-12)
    padded = np.pad(IMAGE, padding)
    for i in range(rows):  # and by the definition
        for j in range(cols):
            window = padded[stride * i:, stride * j:][:2 * dilation + 1:dilation,
                                                      :2 * dilation + 1:dilation]
            assert response[i, j] == pytest.approx((window * weights.reshape(3, 3)).sum())
    assert np.isnan(columns[:, rows * cols:]).all()


def test_at_the_saddle_of_the_race_descent_waits_and_momentum_leaves():
    w = widget("OptimizerRace")
    saddle, land = np.array([3.3852, 0.0739]), w.landscape("himmelblau")
    assert np.isfinite(land["minima"]).all()
    assert np.isnan(w.landscape("valley")["minima"][:, 1:]).all()

    def near(path):
        return int((np.linalg.norm(path.T - saddle, axis=1) < 0.3).sum())

    waits, leaves = w.sgd("himmelblau", 0.005), w.heavy_ball("himmelblau", 0.005, 0.8)
    assert near(waits["path"]) > 15 and near(leaves["path"]) < 10
    assert waits["log_loss"][-1] < 0 and leaves["log_loss"][-1] < -2  # all the same, both leave


def test_runs_of_the_race_start_alike_and_follow_their_rules():
    w = widget("OptimizerRace")
    height = w.landscape("valley")
    start = np.array(height["start"])
    c, s = math.cos(0.5), math.sin(0.5)
    turn = np.array([[c, -s], [s, c]])
    hessian = turn * [1, 30] @ turn.T
    lr, path = 0.05, w.sgd("valley", 0.05)["path"]
    ahead = start - lr * hessian @ start
    np.testing.assert_allclose(path[:, :3].T, [start, ahead, ahead - lr * hessian @ ahead],
                               atol=1e-12)
    heavy = w.heavy_ball("valley", lr, 0.8)["path"]
    np.testing.assert_allclose(heavy[:, 2], ahead + 0.8 * (ahead - start) - lr * hessian @ ahead)
    np.testing.assert_allclose(w.adam("valley", lr)["path"][:, 1],
                               start - lr * np.sign(hessian @ start), atol=1e-6)
    loss = w.sgd("valley", lr)["log_loss"]
    np.testing.assert_allclose(loss[0], math.log10(0.5 * start @ hessian @ start))


def test_runs_that_leave_the_map_stop_there():
    run = widget("OptimizerRace").sgd("valley", 0.5)
    gone = np.isnan(run["log_loss"])
    assert gone[-1] and not gone[0] and (np.diff(gone.astype(int)) >= 0).all()
    assert (np.isnan(run["path"]).any(axis=0) == gone).all()


def test_errors_of_differences_make_a_v():
    errors = widget("GradientChecker").errors("exp", 1.0)
    logs = (np.arange(46) - 45) / 3
    assert errors["slope"] == pytest.approx(math.e)
    for method, best, rate in (("forward", -8, 1), ("central", -5, 2)):
        bottom = logs[np.argmin(errors[method])]
        assert abs(bottom - best) < 1.7
        long = (logs > -3.4) & (logs < -0.9)
        slope = np.polyfit(logs[long], errors[method][long], 1)[0]
        assert slope == pytest.approx(rate, abs=0.06)
        np.testing.assert_allclose(errors[method][long], errors[f"long_{method}"][long], atol=0.06)
        assert (errors[method][:12] < errors["rounding"][:12] + 0.5).all()


@pytest.mark.parametrize(("expression", "f"), [
    ("product", lambda a, b: a * b + math.sin(b)),
    ("neuron", lambda a, b: 1 / (1 + math.exp(-(a * b + 1)))),
    ("error", lambda a, b: (a * b - 2) ** 2),
    ("shared", lambda a, b: (a + b) * (b + 1)),
])
def test_the_graph_and_what_flows_along_its_edges(expression, f):
    w = GraphExplorer(**TEXTS, expression=expression, x1=1.5, x2=-0.5)
    graph, flow = w.frame()["graph"], w.frame()["flow"]
    n = len(graph["titles"])
    assert flow["value"][n - 1] == pytest.approx(f(1.5, -0.5))
    h = 1e-6
    inputs = [graph["titles"].index(name) for name in ("x₁", "x₂")]
    numeric = [(f(1.5 + h, -0.5) - f(1.5 - h, -0.5)) / (2 * h),
               (f(1.5, -0.5 + h) - f(1.5, -0.5 - h)) / (2 * h)]
    np.testing.assert_allclose(flow["gradient"][inputs], numeric, rtol=1e-6)
    assert flow["gradient"][n - 1] == 1
    received = np.zeros(n)
    received[n - 1] = 1
    edges = ~np.isnan(graph["source"])
    for source, target, sent in zip(graph["source"][edges].astype(int),
                                    graph["target"][edges].astype(int), flow["sent"][edges]):
        assert source < target  # and a node is complete before it sends
        assert received[target] == pytest.approx(flow["gradient"][target])
        received[source] += sent
    np.testing.assert_allclose(received, flow["gradient"][:n])
    assert graph["operations"] == n - 2
