"""minimize reaches known minima at a fair price, its methods do what theory says, and it
stops for reasons that it names."""

import inspect
import re
from collections import deque

import numpy as np
import pytest
from scipy import optimize

from lecturelib import Tensor, functional, grad, hvp, nn
from lecturelib.analysis import numeric_gradient
from lecturelib.analysis.functions import (
    Beale,
    Cliff,
    Himmelblau,
    NoisyRavine,
    Plateau,
    Quadratic,
    Quartic,
    Rosenbrock,
    Saddle,
)
from lecturelib.nn import Parameter
from lecturelib.optim import SGD
from lecturelib.optim.line_search import Backtracking, StrongWolfe
from lecturelib.optim.minimize import Method, Point, Problem, descend, minimize
from lecturelib.optim.network_function import NetworkFunction, network_function
from lecturelib.optim.newton import GradientDescent, Newton
from lecturelib.optim.quasi_newton import BFGS, LBFGS, ConjugateGradient, two_loop

FUNCTIONS = [
    Quadratic(100, 2, rotation=0.5),
    Quadratic(100, 5),
    Quadratic(1000, 20),
    Rosenbrock(),
    Rosenbrock(4),
    Rosenbrock(10),
    Beale(),
    Himmelblau(),
    Cliff(),
    Plateau(),
]


def hessian(f):
    """The matrix of second derivatives as a function of w, for scipy."""
    return lambda w: np.stack([hvp(f, w, e) for e in np.eye(len(w))], axis=1)


def distance_to_a_minimum(f, w):
    return np.linalg.norm(f.minima - w, axis=1).min()


# Both get the same gradients (and Hessians) and stop at a gradient norm of 1e-9. Newton's partner
# is scipy's Newton method with a line search, too. (On the cliff the trust region of "trust-exact"
# needs 8 evaluations, where ours needs 13.)
PARTNERS = {
    "CG": (ConjugateGradient(), "CG", {"gtol": 1e-9}),
    "BFGS": (BFGS(), "BFGS", {"gtol": 1e-9}),
    "L-BFGS": (LBFGS(memory=10), "L-BFGS-B", {"gtol": 1e-9, "ftol": 0, "maxcor": 10}),
    "Newton": (Newton(1e-6, line_search=StrongWolfe()), "Newton-CG", {"xtol": 1e-12}),
    "saddle-free": (
        Newton(1e-6, saddle_free=True, line_search=StrongWolfe()),
        "Newton-CG",
        {"xtol": 1e-12},
    ),
}


@pytest.mark.parametrize("f", FUNCTIONS, ids=str)
@pytest.mark.parametrize("name", PARTNERS)
def test_it_reaches_a_minimum_for_few_evaluations(name, f):
    method, theirs, options = PARTNERS[name]
    trace = minimize(f, f.start, method, gtol=1e-9)
    assert trace.converged and trace.stopped == "gradient norm below gtol"
    assert distance_to_a_minimum(f, trace.w[-1]) <= 1e-8
    keywords = {"hess": hessian(f)} if theirs == "Newton-CG" else {}
    scipy = optimize.minimize(
        lambda w: float(f(w)), f.start, jac=grad(f), method=theirs, options=options, **keywords
    )
    assert trace.function_evaluations <= 1.5 * scipy.nfev


@pytest.mark.parametrize("f", [Quadratic(20, 2, 0.3), Plateau(), Himmelblau()], ids=str)
@pytest.mark.parametrize(
    "method",
    [
        GradientDescent(line_search=Backtracking()),
        GradientDescent(line_search=StrongWolfe()),
        ConjugateGradient("fletcher-reeves"),
        Newton(0.1, line_search=Backtracking()),
        Newton(0.1, saddle_free=True, line_search=Backtracking()),
        LBFGS(memory=1),
    ],
    ids=str,
)
def test_other_options_reach_a_minimum_too(method, f):
    trace = minimize(f, f.start, method)
    assert trace.converged or trace.stopped == "line search found no decrease"  # by rounding
    assert distance_to_a_minimum(f, trace.w[-1]) <= (2e-8 if trace.converged else 1e-7)
    assert (np.diff(trace.loss) <= 1e-15).all()  # every search makes f fall


# what theory says about quadratics


def exact(line, alpha):
    """The exact step along a line on a parabola: from the slopes at two places."""
    ahead = line.at(1.0)
    return line.at(line.start.slope / (line.start.slope - ahead.slope))


@pytest.mark.parametrize("beta", ["polak-ribiere", "fletcher-reeves"])
@pytest.mark.parametrize("n", [2, 5, 8])
def test_conjugate_gradients_solve_a_quadratic_in_n_steps(beta, n):
    f = Quadratic(30, n)
    trace = minimize(f, f.start, ConjugateGradient(beta, line_search=exact), gtol=1e-9)
    assert trace.converged and trace.iterations == n
    steps = np.diff(trace.w, axis=0)
    conjugate = steps @ f.hessian @ steps.T
    size = np.sqrt(np.diag(conjugate))
    np.testing.assert_allclose(conjugate / np.outer(size, size), np.eye(n), atol=1e-6)


class Reads(BFGS):
    """BFGS that keeps its matrix where a test can see it."""

    def direction(self, at, state):
        p = super().direction(at, state)
        self.H = state["H"]
        return p


def test_the_matrix_of_bfgs_becomes_the_inverse_hessian():
    f = Quadratic(30, 5)
    method = Reads(line_search=exact)
    trace = minimize(f, f.start, method, max_iterations=5, gtol=0)
    at = Point(Problem(f, (5,)), trace.w[-1])
    np.testing.assert_allclose(np.linalg.norm(at.gradient), 0, atol=1e-10)
    minimize(f, f.start, method, max_iterations=6, gtol=0)  # sees the fifth pair
    np.testing.assert_allclose(method.H, np.linalg.inv(f.hessian), rtol=1e-6, atol=1e-8)


def test_newton_solves_a_quadratic_in_one_step():
    f = Quadratic(1000, 6)
    trace = minimize(f, f.start, Newton())
    assert trace.iterations == 1 and trace.converged and trace.hessian_evaluations == 1
    np.testing.assert_allclose(trace.w[-1], 0, atol=1e-12)


def test_a_damped_newton_step_by_hand():
    """f = ½ (x² + 4y²) with damping 1: p = −(1/2, 4/5) at (1, 1)."""
    f = Quadratic(4.0)
    trace = minimize(f, f.start, Newton(damping=1.0), max_iterations=1)
    np.testing.assert_allclose(trace.w[1], [1 / 2, 1 / 5])


def test_newton_on_a_quartic_converges_by_two_thirds():
    trace = minimize(Quartic(), [1.0, 1.0], Newton(), max_iterations=12)
    np.testing.assert_allclose(trace.w[1:] / trace.w[:-1], 2 / 3)


def test_gradient_descent_takes_the_steps_of_the_formula():
    f = Quadratic(4.0)
    trace = minimize(f, f.start, GradientDescent(lr=0.1), max_iterations=9)
    np.testing.assert_allclose(trace.w[:, 0], 0.9 ** np.arange(10))
    np.testing.assert_allclose(trace.w[:, 1], 0.6 ** np.arange(10))
    np.testing.assert_allclose(trace.step_length, 0.1)


@pytest.mark.parametrize("memory, pairs", [(3, 3), (10, 4)])
def test_the_two_loops_equal_the_products_of_bfgs(memory, pairs):
    """H from the dense formula, begun anew from the scale of the last pair."""
    rng = np.random.default_rng(0)
    n = 6
    kept = deque(maxlen=memory)
    for _ in range(4):
        s = rng.normal(size=n)
        y = s + 0.3 * rng.normal(size=n)
        kept.append((s, y, 1 / (s @ y)))
    assert len(kept) == pairs
    s, y, _ = kept[-1]
    H = np.eye(n) * (s @ y) / (y @ y)
    for s, y, rho in kept:
        V = np.eye(n) - rho * np.outer(y, s)
        H = V.T @ H @ V + rho * np.outer(s, s)
        np.testing.assert_allclose(H @ y, s)  # the secant equation
    g = rng.normal(size=n)
    np.testing.assert_allclose(two_loop(g, kept), H @ g)
    np.testing.assert_array_equal(two_loop(g, deque()), g)


def test_limited_memory_keeps_the_last_pairs_only():
    class Spy(LBFGS):
        def direction(self, at, state):
            p = super().direction(at, state)
            self.pairs = list(state["pairs"])
            return p

    method, f = Spy(memory=3), Rosenbrock()
    trace = minimize(f, f.start, method, max_iterations=8, gtol=0)
    assert len(method.pairs) == 3
    w = trace.w[:8]  # the eighth direction was asked for at the iterate 7
    np.testing.assert_allclose([s for s, _, _ in method.pairs], np.diff(w, axis=0)[-3:])


# saddles


def test_pure_newton_goes_to_the_saddle_and_saddle_free_leaves_it():
    f = Saddle()
    pure = minimize(f, f.start, Newton())
    np.testing.assert_allclose(pure.w, [f.start, [0, 0]], atol=1e-15)
    assert pure.converged  # it is a critical point
    free = minimize(f, f.start, Newton(saddle_free=True), max_iterations=30)
    np.testing.assert_allclose(free.w[1:, 0], 0, atol=1e-15)
    np.testing.assert_allclose(free.w[:, 1], 1e-3 * 2.0 ** np.arange(31))


@pytest.mark.parametrize("i", range(4))
def test_near_the_saddles_of_himmelblau(i):
    f = Himmelblau()
    saddle = f.saddles[i]
    start = saddle + [0.05, -0.03]
    pure = minimize(f, start, Newton())
    np.testing.assert_allclose(pure.w[-1], saddle, atol=1e-10)
    for method in (
        Newton(saddle_free=True, line_search=Backtracking()),
        Newton(damping=1e-3, line_search=StrongWolfe()),
    ):
        free = minimize(f, start, method)
        assert free.converged and distance_to_a_minimum(f, free.w[-1]) < 1e-8


def test_pure_newton_climbs_to_the_maximum():
    f = Himmelblau()
    trace = minimize(f, f.start, Newton())
    np.testing.assert_allclose(trace.w[-1], f.maxima[0], atol=1e-10)
    assert trace.loss[-1] > trace.loss[0]


# the trace


def test_the_trace_tells_what_happened():
    f, calls = Rosenbrock(), []

    def counted(w):
        calls.append(w.data)
        return f(w)

    trace = minimize(counted, f.start, BFGS())
    k = trace.iterations
    assert len(calls) == trace.function_evaluations >= trace.gradient_evaluations > k
    assert trace.hessian_evaluations == 0
    assert trace.w.shape == (k + 1, 2) and len(trace) == k + 1
    assert trace.step_length.shape == (k,) and (trace.step_length > 0).all()
    np.testing.assert_array_equal(trace.w[0], f.start)
    np.testing.assert_allclose(trace.loss, [f(w) for w in trace])
    np.testing.assert_allclose(trace.gradient_norm, [np.linalg.norm(grad(f)(w)) for w in trace])
    text = repr(trace)
    assert text.startswith("Trace(gradient norm below gtol; iterations: ")
    for n in (k, trace.function_evaluations, trace.gradient_evaluations):
        assert f" {n}" in text


def test_hessians_are_counted_and_exact():
    f = Himmelblau()
    trace = minimize(f, f.start, Newton(0.5, line_search=Backtracking()))
    assert trace.hessian_evaluations == trace.iterations
    at = Point(Problem(f, (2,)), np.array([1.0, 2.0]))
    np.testing.assert_allclose(at.hessian, [[12 + 8 - 42, 12], [12, 4 + 48 - 26]])


@pytest.mark.parametrize("method", [LBFGS(), Newton()], ids=str)
def test_w_may_have_any_shape(method):
    target = np.arange(6.0).reshape(2, 3)

    def f(w):
        assert w.shape == (2, 3)
        return ((w - target) * (w - target) * (target + 1)).sum()

    trace = minimize(f, np.zeros((2, 3)), method)
    assert trace.w.shape == (trace.iterations + 1, 2, 3)
    np.testing.assert_allclose(trace.w[-1], target, atol=1e-8)


def test_without_the_path_only_the_end_is_kept():
    f = Rosenbrock()
    whole, end = (minimize(f, f.start, LBFGS(), keep_path=keep) for keep in (True, False))
    np.testing.assert_array_equal(end.w, whole.w[-1:])
    np.testing.assert_array_equal(end.loss, whole.loss)


def test_the_start_is_not_changed_and_may_be_a_tensor_or_a_list():
    start = np.array([-1.2, 1.0])
    traces = [minimize(Rosenbrock(), w, BFGS()) for w in (start, Tensor(start), [-1.2, 1.0])]
    np.testing.assert_array_equal(start, [-1.2, 1.0])
    np.testing.assert_array_equal(traces[0].w, traces[1].w)
    np.testing.assert_array_equal(traces[0].w, traces[2].w)


def test_a_method_can_be_used_again():
    method, f = LBFGS(), Rosenbrock()
    first = minimize(f, f.start, method)
    minimize(Beale(), Beale().start, method)
    np.testing.assert_array_equal(minimize(f, f.start, method).w, first.w)


# why it stops


def test_stop_reasons():
    f = Rosenbrock()
    trace = minimize(f, f.start, BFGS(), max_iterations=3)
    assert (trace.stopped, trace.converged, trace.iterations) == ("max_iterations", False, 3)
    trace = minimize(f, [1.0, 1.0], BFGS())
    assert trace.converged and trace.iterations == 0 and trace.function_evaluations == 1
    trace = minimize(f, f.start, BFGS(), max_iterations=0)
    assert trace.iterations == 0 and not trace.converged


def test_it_stops_when_the_line_search_finds_nothing():
    """A gradient that points the wrong way: sign forgotten somewhere."""

    def f(w):
        shadow = Tensor(w.data)
        return 2 * (shadow * shadow).sum() - (w * w).sum()

    trace = minimize(f, [1.0, 2.0], BFGS())
    assert trace.stopped == "line search found no decrease" and not trace.converged
    assert trace.function_evaluations <= 32


def test_it_stops_where_f_is_not_finite():
    trace = minimize(Quartic(), [3.0, 1.0], GradientDescent(lr=0.5), max_iterations=100)
    assert trace.stopped == f"f is not finite at iteration {trace.iterations + 1}"
    assert 3 <= trace.iterations < 10 and np.isfinite(trace.w).all()
    assert np.isfinite(trace.loss).all() and np.isfinite(trace.gradient_norm).all()


def test_it_stops_at_a_singular_hessian():
    trace = minimize(lambda w: (w[0] * w[0] + w[1] * 0.5).sum(), [1.0, 1.0], Newton())
    assert "is the Hessian singular" in trace.stopped and trace.iterations == 0


def test_it_stops_at_an_infinite_hessian():
    """At w = 0 the gradient of w^1.5 + w is 1, the second derivative infinite."""
    trace = minimize(lambda w: (w**1.5 + w).sum(), np.zeros(2), Newton())
    assert "direction" in trace.stopped and trace.iterations == 0 and not trace.converged


def test_it_stops_where_a_method_cannot_solve_its_equations():
    class Solves(Method):
        def direction(self, at, state):
            return -np.linalg.solve(at.hessian, at.gradient)

    trace = minimize(lambda w: (w * 2).sum(), [1.0, 1.0], Solves(StrongWolfe()))
    assert trace.stopped == "the direction cannot be computed: Singular matrix"


def test_it_stops_when_w_cannot_change_any_more():
    trace = minimize(
        lambda w: ((w - 1e10) * (w - 1e10)).sum() * 0.5, [1e10 + 1.0], GradientDescent(lr=1e-8)
    )
    assert trace.stopped == "the step is too small to change w" and trace.iterations == 0


@pytest.mark.parametrize(
    "method",
    [BFGS(), LBFGS(), ConjugateGradient(), GradientDescent(line_search=Backtracking())],
    ids=str,
)
def test_where_there_is_no_minimum_it_stops_all_the_same(method):
    trace = minimize(Saddle(), [1.0, 0.5], method, max_iterations=50)
    assert not trace.converged and trace.loss[-1] < -1e6
    assert trace.function_evaluations < 50 * 52


# bad input


@pytest.mark.parametrize(
    "change, error, words",
    [
        ({"w0": [1, 2]}, TypeError, "w0: floating-point .* int64"),
        ({"w0": np.ones(2, np.float32)}, TypeError, "w0: float64 is needed, got float32"),
        ({"w0": [np.nan, 1.0]}, ValueError, "w0: finite"),
        ({"w0": []}, ValueError, "w0: .* at least one"),
        ({"w0": [-1.0, 1.0], "f": lambda w: w.log().sum()}, ValueError, "w0: f and its grad"),
        ({"w0": [0.0, 1.0], "f": lambda w: w.sqrt().sum()}, ValueError, "w0: f and its grad"),
        ({"f": lambda w: w * w}, ValueError, r"f: must return a scalar, got shape \(2,\)"),
        ({"f": lambda w: 1.0}, TypeError, "f: must return a Tensor .* float"),
        ({"f": lambda w: Tensor(w.data).sum()}, RuntimeError, "depends on nothing"),
        ({"method": "BFGS"}, TypeError, r"method: .* LBFGS\(\) .* got 'BFGS'"),
        ({"method": BFGS}, TypeError, "method: an instance is needed"),
        ({"gtol": -1.0}, ValueError, "gtol"),
        ({"gtol": np.nan}, ValueError, "gtol"),
        ({"max_iterations": -1}, ValueError, "max_iterations"),
        ({"max_iterations": 2.5}, ValueError, "max_iterations"),
    ],
)
def test_bad_input(change, error, words):
    arguments = {"f": Rosenbrock(), "w0": [-1.2, 1.0], "method": BFGS(), **change}
    with pytest.raises(error, match=words):
        minimize(**arguments)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: GradientDescent(), TypeError, "either lr or line_search"),
        (lambda: GradientDescent(0.1, Backtracking()), TypeError, "either lr or line_search"),
        (lambda: GradientDescent(lr=-0.1), ValueError, "lr: must be positive"),
        (lambda: GradientDescent(lr=0.0), ValueError, "lr: must be positive"),
        (lambda: Newton(damping=-1.0), ValueError, "damping"),
        (lambda: LBFGS(memory=0), ValueError, "memory"),
        (lambda: LBFGS(memory=2.0), ValueError, "memory"),
        (lambda: ConjugateGradient("hestenes"), ValueError, "beta: .*'polak-ribiere'"),
        (lambda: BFGS(line_search="wolfe"), TypeError, r"line_search: .*StrongWolfe\(\)"),
        (lambda: BFGS(line_search=StrongWolfe), TypeError, "line_search"),
    ],
)
def test_bad_options(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_method_must_have_a_rule():
    with pytest.raises(NotImplementedError, match="Lazy must define direction"):
        minimize(Rosenbrock(), [0.0, 0.0], type("Lazy", (Method,), {})(StrongWolfe()))


@pytest.mark.parametrize(
    "rule",
    [m.direction for m in (GradientDescent, ConjugateGradient, Newton, BFGS, LBFGS)] + [two_loop],
    ids=lambda rule: rule.__qualname__,
)
def test_each_rule_is_short_cites_its_source_and_states_shapes(rule):
    source = inspect.getsource(rule).replace(rule.__doc__, "")
    assert len(source.strip().split("\n")) - 2 <= 15  # without the lines of def and docstring
    assert "{cite}" in rule.__doc__ and "(n,)" in rule.__doc__
    for slot in re.findall(r'state(?:\[|\.setdefault\(|\.get\()"(\w+)"', source):
        assert f'state["{slot}"]' in rule.__doc__, slot


# first-order optimizers


def test_descend_takes_the_steps_of_the_optimizer():
    f = Rosenbrock()
    trace = descend(f, f.start, lambda params: SGD(params, lr=1e-3, momentum=0.9), steps=40)
    w = Parameter(f.start)
    optimizer = SGD([w], lr=1e-3, momentum=0.9)
    for k in range(41):
        np.testing.assert_array_equal(trace.w[k], w.data)
        optimizer.zero_grad()
        loss = f(w)
        loss.backward()
        assert trace.loss[k] == loss.item()
        assert trace.gradient_norm[k] == pytest.approx(np.linalg.norm(w.grad))
        optimizer.step()
    assert trace.iterations == 40 and trace.function_evaluations == 41
    assert trace.stopped == "max_iterations" and not trace.converged
    assert trace.gradient_evaluations == 41 and trace.hessian_evaluations == 0


def test_descend_equals_gradient_descent():
    f = Quadratic(10, rotation=0.4)
    first = descend(f, f.start, lambda params: SGD(params, lr=0.1), steps=400)
    batch = minimize(f, f.start, GradientDescent(lr=0.1), max_iterations=400)
    k = batch.iterations
    np.testing.assert_array_equal(first.w[: k + 1], batch.w)
    assert first.converged and batch.converged


def test_descend_keeps_what_an_optimizer_changes_in_place():
    class InPlace(SGD):
        def step(self):
            for p in self.params:
                p.grad *= 0.1
                p.data -= p.grad

    trace = descend(Quadratic(1.0), [1.0, 1.0], lambda params: InPlace(params, lr=1.0), steps=2)
    np.testing.assert_allclose(trace.w, [[1, 1], [0.9, 0.9], [0.81, 0.81]])
    np.testing.assert_allclose(trace.gradient_norm, np.sqrt(2) * np.array([1, 0.9, 0.81]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_descend_keeps_the_dtype(dtype):
    trace = descend(Rosenbrock(), np.ones(2, dtype) * 0.5, lambda p: SGD(p, lr=1e-3), steps=5)
    assert trace.w.dtype == dtype and trace.loss.dtype == np.float64


def test_descend_stops_where_f_is_not_finite():
    f = Quartic()
    trace = descend(f, [3.0, 1.0], lambda params: SGD(params, lr=0.5), steps=1000)
    assert trace.stopped == f"f is not finite at step {trace.iterations + 1}"
    assert 3 <= trace.iterations < 10 and trace.function_evaluations == trace.iterations + 2
    assert np.isfinite(trace.w).all() and np.isfinite(trace.gradient_norm).all()
    # f is finite there, its gradient is not: that point is left out, too
    trace = descend(
        lambda w: w.sqrt().sum(), [0.5], lambda params: SGD(params, lr=2**-0.5), steps=9
    )
    assert trace.stopped == "f is not finite at step 1" and trace.iterations == 0


def test_descend_with_a_noisy_gradient():
    """Noise of known size: the run wanders around the minimum, and two seeds differ."""
    runs = [
        descend(
            NoisyRavine(10, noise=1.0, rng=np.random.default_rng(seed)).sample,
            [3.0, 3.0],
            lambda params: SGD(params, lr=0.05),
            steps=400,
        )
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(runs[0].w, runs[1].w)
    assert (runs[0].w[1] != runs[2].w[1]).all()
    tail = runs[0].w[200:]
    assert 0.05 < tail[:, 0].std() < 0.5 and not runs[0].converged


@pytest.mark.parametrize(
    "change, error, words",
    [
        ({"w0": [1, 2]}, TypeError, "w0"),
        ({"w0": [np.inf, 1.0]}, ValueError, "w0"),
        ({"f": lambda w: (w - 9).log().sum()}, ValueError, "w0: f and its gradient must be fin"),
        ({"f": lambda w: w * w}, ValueError, "f: must return a scalar"),
        ({"f": lambda w: 1.0}, TypeError, "f: must return a Tensor"),
        ({"optimizer": SGD([Parameter([1.0])], lr=0.1)}, TypeError, "optimizer: .* SGD"),
        ({"optimizer": lambda params: None}, TypeError, "optimizer"),
        ({"steps": -1}, ValueError, "steps"),
        ({"gtol": -1}, ValueError, "gtol"),
    ],
)
def test_bad_input_of_descend(change, error, words):
    arguments = {"f": Rosenbrock(), "w0": [0.0, 1.0], "optimizer": lambda p: SGD(p, lr=0.1)}
    with pytest.raises(error, match=words):
        descend(**{**arguments, **change})


# networks


def small_network(dtype=np.float64):
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(2, 5, rng=rng, dtype=dtype), nn.Tanh(), nn.Linear(5, 3, rng=rng, dtype=dtype)
    )
    x = rng.normal(size=(40, 2)).astype(dtype)
    y = (x[:, 0] > 0) + (x[:, 1] * x[:, 0] > 0.2).astype(int)
    return model, x, y


def test_a_network_as_a_function_of_one_vector():
    model, x, y = small_network()
    f, w0 = network_function(model, functional.cross_entropy, x, y)
    before = model.parameters()
    model.zero_grad()
    loss = functional.cross_entropy(model(x), y)
    loss.backward()
    assert w0.shape == (2 * 5 + 5 + 5 * 3 + 3,) and f(Tensor(w0)).item() == loss.item()
    expected = np.concatenate([p.grad.ravel() for p in before])
    model.zero_grad()
    np.testing.assert_allclose(grad(f)(w0), expected, rtol=1e-12)
    assert all(p is q for p, q in zip(before, model.parameters(), strict=True))
    assert all(p.grad is None for p in before)
    # second derivatives, too: a product with the Hessian against differences of gradients
    v, h = np.random.default_rng(1).normal(size=w0.shape), 1e-5
    numeric = (grad(f)(w0 + h * v) - grad(f)(w0 - h * v)) / (2 * h)
    np.testing.assert_allclose(hvp(f, w0, v), numeric, atol=1e-8)


def test_lbfgs_trains_a_network_full_batch():
    model, x, y = small_network()
    f, w0 = network_function(model, functional.cross_entropy, x, y)
    trace = minimize(f, w0, LBFGS(), max_iterations=150, keep_path=False)
    np.testing.assert_array_equal(model.state_dict()["0.weight"].ravel(), w0[:10])  # not yet
    f.load(trace.w[-1])
    loss = functional.cross_entropy(model(x), y).item()
    assert loss == pytest.approx(trace.loss[-1]) and loss < 0.02 < trace.loss[0]
    assert (model(x).argmax(axis=1) == y).all()


def test_a_float32_network():
    model, x, y = small_network(np.float32)
    f, w0 = network_function(model, functional.cross_entropy, x, y)
    assert w0.dtype == np.float64 and f(Tensor(w0)).dtype == np.float64
    trace = minimize(f, w0, LBFGS(), max_iterations=30)
    assert trace.loss[-1] < 0.5 * trace.loss[0]
    f.load(trace.w[-1])
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float32)}


def test_the_parameters_are_put_back_after_an_error():
    model, x, y = small_network()

    def fails(scores, y):
        raise ZeroDivisionError

    f, w0 = network_function(model, fails, x, y)
    before = model.state_dict()
    with pytest.raises(ZeroDivisionError):
        f(Tensor(w0 + 1))
    assert [type(p) for p in model.parameters()] == [Parameter] * 4
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_shared_and_frozen_parameters():
    """A weight used twice is one piece of w; a frozen one is none."""
    rng = np.random.default_rng(3)
    first, frozen, second = (nn.Linear(3, 3, rng=rng, dtype=np.float64) for _ in range(3))
    second.weight = first.weight
    tied = nn.Sequential(first, nn.Tanh(), frozen.freeze(), second)
    x = rng.normal(size=(4, 3))
    f, w0 = network_function(tied, lambda out, y: (out * out).sum(), x, None)
    assert w0.shape == (9 + 3 + 3,)
    numeric = numeric_gradient(lambda w: f(Tensor(w)), w0)
    np.testing.assert_allclose(grad(f)(w0), numeric, rtol=1e-6, atol=1e-7)
    assert second.weight is first.weight and isinstance(first.weight, Parameter)


def test_bad_input_of_network_function():
    model, x, y = small_network()
    with pytest.raises(TypeError, match="model: a Module"):
        network_function(lambda x: x, functional.cross_entropy, x, y)
    with pytest.raises(ValueError, match="no parameter"):
        NetworkFunction(nn.Tanh(), functional.cross_entropy, x, y)
    f, w0 = network_function(model, functional.cross_entropy, x, y)
    with pytest.raises(ValueError, match=r"w: shape \(33,\) is needed, got \(32,\)"):
        f(Tensor(w0[:-1]))
    with pytest.raises(ValueError, match=r"w: shape \(33,\)"):
        f.load(w0[:-1])
