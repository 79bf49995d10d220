"""The gradient check finds wrong rules, says where, and its differences err as theory says."""

import numpy as np
import pytest
from helpers import normal

from lecturelib import Tensor, no_grad, ops, primitive
from lecturelib.analysis import GradientError, gradcheck, numeric_gradient


@pytest.fixture
def planted():
    """Make a primitive x³ with the given derivative rule."""

    def make(rule):
        @primitive
        def cube(x):
            """x³ with a rule to be judged."""
            return x**3

        cube.defvjp(x=rule)
        return cube

    return make


X = np.array([[1.0, 2.0], [-1.5, 0.5]])


def test_a_right_rule_passes(planted):
    cube = planted(lambda g, out, x: g * 3 * x * x)
    assert 0 < gradcheck(cube, X, order=2) < 1e-7


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, out, x: g * -3 * x * x,
        lambda g, out, x: g * 2 * x * x,
        lambda g, out, x: 3 * x * x,
        lambda g, out, x: g * 3 * x,
        lambda g, out, x: g * 3 * x * x + 1e-4,
        lambda g, out, x: g * (3 * x * x) * (x < 2),
        lambda g, out, x: g * np.nan,
    ],
    ids=["sign", "factor", "g forgotten", "power", "offset", "one element", "nan"],
)
def test_a_wrong_rule_is_caught(planted, rule):
    with pytest.raises(GradientError, match="gradient of input 0 at"):
        gradcheck(planted(rule), X)


def test_the_error_names_input_element_and_values(planted):
    cube = planted(lambda g, out, x: g * (3 * x * x) * (1 + (x == 2)))
    with pytest.raises(
        GradientError,
        match=r"gradient of input 1 at \(0, 1\): analytic .*, numeric .*; "
        "1 of 4 elements differ",
    ):
        gradcheck(lambda a, b: a * cube(b), X, X)


def test_a_wrong_shape_is_caught(planted):
    with pytest.raises(ValueError, match=r"cube: a rule must return .*\(2, 2\), got \(2,\)"):
        gradcheck(planted(lambda g, out, x: (g * 3 * x * x)[0]), X)


def test_a_transposed_gradient_is_caught(planted):
    """Of the same size, it could be reshaped without a word."""
    with pytest.raises(ValueError, match=r"cube: a rule must return .*\(2, 3\), got \(3, 2\)"):
        gradcheck(planted(lambda g, out, x: (g * 3 * x * x).T), normal(2, 3))


def test_a_wrong_second_derivative_is_caught(planted):
    """The numbers are right, but the graph is cut: x.data is a constant to the second sweep."""
    cut = planted(
        lambda g, out, x: (
            g * 3 * getattr(x, "data", x) ** 2 if isinstance(x, Tensor) else g * 3 * x * x
        )
    )
    gradcheck(cut, X)
    with pytest.raises(GradientError, match="second derivative of input 0"):
        gradcheck(cut, X, order=2)


def test_a_function_that_leaves_the_graph_is_caught():
    with pytest.raises((GradientError, RuntimeError)):
        gradcheck(lambda x: Tensor(x.data) * 2, X)
    with pytest.raises(GradientError):
        gradcheck(lambda x: Tensor(x.data) * x, X)
    with pytest.raises(RuntimeError, match="no_grad"), no_grad():
        gradcheck(lambda x: x * 2, X)


@pytest.mark.parametrize(
    "f, args",
    [
        (lambda x: x * 2, [X]),  # linear: its gradient does not depend on x
        (lambda x, y: x + y, [X, X[0]]),
        (lambda x, y: (x @ y).sum(), [X, X]),
        (lambda x: x.sum(), [np.float64(2.0)]),
        (lambda x: x, [np.zeros((0, 2))]),
        (lambda x: x[0, 0] * 1, [X]),
        (lambda x, y: x * x, [X, X]),
    ],
)
def test_both_orders_of_functions_of_every_form(f, args):
    assert gradcheck(f, *args, order=2) < 1e-7
    assert gradcheck(f, *(Tensor(a) for a in args)) < 1e-7


def test_it_changes_nothing():
    x = Tensor(X, requires_grad=True)
    before = x.data.copy()
    gradcheck(lambda x: x * x, x, order=2)
    assert np.array_equal(x.data, before) and x.grad is None


@pytest.mark.parametrize("x", [X.astype(np.float32), np.arange(3), Tensor([1.0])])
def test_float64_is_needed(x):
    with pytest.raises(TypeError, match=r"inputs\[0\]: gradcheck needs float64, got"):
        gradcheck(ops.exp, x)
    with pytest.raises(TypeError, match="x: finite differences need float64, got"):
        numeric_gradient(lambda x: x.sum(), x.data if isinstance(x, Tensor) else x)


@pytest.mark.parametrize("order", [0, 3, "2"])
def test_other_orders_are_refused(order):
    with pytest.raises(ValueError, match="order: 1 or 2"):
        gradcheck(ops.exp, X, order=order)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"method": "backward"}, "method: 'central' or 'forward'.*'backward'"),
        ({"h": 0.0}, "h: the step must be positive, got 0"),
        ({"h": -1e-3}, "h: .* got -0.001"),
        ({"h": float("nan")}, "h: .* got nan"),
    ],
)
def test_bad_options_of_numeric_gradient_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        numeric_gradient(np.sum, X, **options)


@pytest.mark.parametrize("method, order", [("central", 2), ("forward", 1)])
def test_the_error_shrinks_with_the_order_of_the_method(method, order):
    x = normal(4)
    errors = [
        np.abs(numeric_gradient(lambda x: np.exp(x).sum(), x, h, method) - np.exp(x)).max()
        for h in (1e-1, 1e-2, 1e-3)
    ]
    slopes = np.log10(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(slopes, order, atol=0.1)


@pytest.mark.parametrize("method, bound", [("central", 1e-9), ("forward", 1e-6)])
@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_the_default_step_is_a_good_one(method, bound, scale):
    x = scale * np.array([0.3, -2.0, 5.0])
    numeric = numeric_gradient(lambda x: (x * x).sum() / scale, x, method=method)
    np.testing.assert_allclose(numeric, 2 * x / scale, rtol=bound, atol=bound * 10)


@pytest.mark.parametrize("method, evaluations", [("central", 12), ("forward", 7)])
def test_how_often_f_is_evaluated(method, evaluations):
    seen = []

    def f(x):
        seen.append(x.copy())
        x += 100  # it may do with its argument what it likes
        return seen[-1].sum()

    g = numeric_gradient(f, np.zeros((2, 3)), method=method)
    assert len(seen) == evaluations and g.shape == (2, 3)
    np.testing.assert_allclose(g, 1, rtol=1e-7)
    np.testing.assert_allclose(numeric_gradient(lambda x: Tensor(x).sum(), np.zeros(2)), 1)
