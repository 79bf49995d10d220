"""The test functions have the values, gradients and critical points that they claim."""

import math

import numpy as np
import pytest

from lecturelib import Tensor, grad, hvp
from lecturelib.analysis import gradcheck, numeric_gradient
from lecturelib.analysis.functions import (
    Beale,
    Cliff,
    Himmelblau,
    MonkeySaddle,
    NoisyRavine,
    Objective,
    Plateau,
    Quadratic,
    Quartic,
    Rosenbrock,
    Saddle,
)


def rotation(n):
    return np.linalg.qr(np.random.default_rng(n).normal(size=(n, n)))[0]


def ravine(**options):
    return NoisyRavine(**options, rng=np.random.default_rng(0))


ALL = [
    Quadratic(),
    Quadratic(1000, rotation=0.3),
    Quadratic(50, 4, rotation(4)),
    Rosenbrock(),
    Rosenbrock(3),
    Rosenbrock(4),
    Rosenbrock(7),
    Beale(),
    Himmelblau(),
    Saddle(),
    MonkeySaddle(),
    Cliff(),
    Cliff(steepness=5.0, sharpness=10.0),
    Plateau(),
    Quartic(),
    Quartic(3),
    ravine(),
]
VALUES = [
    (Quadratic(9), (1, 1), 5.0),
    (Quadratic(9), (2, -1), 6.5),
    (Quadratic(9, rotation=math.pi / 2), (2, -1), 18.5),
    (Quadratic(9, 3), (1, 1, 1), 6.5),
    (Quadratic(9, 2, [[0, 1], [1, 0]]), (2, -1), 18.5),
    (Rosenbrock(), (-1.2, 1), 24.2),
    (Rosenbrock(), (0, 0), 1.0),
    (Rosenbrock(3), (0, 1, 2), 201.0),
    (Beale(), (0, 0), 1.5**2 + 2.25**2 + 2.625**2),
    (Beale(), (1, 2), 2.5**2 + 5.25**2 + 9.625**2),
    (Himmelblau(), (0, 0), 170.0),
    (Himmelblau(), (1, 2), 68.0),
    (Saddle(), (3, 2), 5.0),
    (MonkeySaddle(), (2, 1), 2.0),
    (Cliff(100, 50), (1, 2), 2 - 1 + 2 * math.log(2)),
    (Cliff(100, 50), (-2, 0), 2.0),
    (Cliff(100, 50), (3, 0), 197.0),
    (Plateau(), (1, 1), -math.exp(-1)),
    (Quartic(), (1, -2), 17.0),
    (ravine(condition_number=4), (1, 1), 2.5),
]


@pytest.mark.parametrize("f, w, value", VALUES, ids=lambda x: str(x)[:30])
def test_values_by_hand(f, w, value):
    w = np.array(w, float)
    assert f(w) == pytest.approx(value, rel=1e-12)
    assert f(Tensor(w)).item() == pytest.approx(value, rel=1e-12)
    assert f(Tensor(w)).shape == ()


@pytest.mark.parametrize("f", ALL, ids=str)
def test_gradients_and_second_derivatives(f):
    for seed in range(2):
        w = np.random.default_rng(seed).uniform(-1.5, 1.5, f.dimension)
        gradcheck(f, w, order=2)
    gradcheck(f, f.start)


def hessian(f, w):
    return np.stack([hvp(f, w, e) for e in np.eye(len(w))], axis=1)


@pytest.mark.parametrize("f", ALL, ids=str)
def test_critical_points_are_what_they_are_said_to_be(f):
    for kind, signs in [("minima", {1}), ("saddles", {-1, 1}), ("maxima", {-1})]:
        points = getattr(f, kind)
        assert points.shape == (len(points), f.dimension)
        for w in points:
            np.testing.assert_allclose(grad(f)(w), 0, atol=1e-10)
            eigenvalues = np.linalg.eigvalsh(hessian(f, w))
            if isinstance(f, (Quartic, MonkeySaddle)):  # all zero: by the values around
                np.testing.assert_array_equal(eigenvalues, 0)
                around = np.random.default_rng(0).normal(size=(f.dimension, 100))
                assert set(np.sign(f(around))) == signs
            else:
                assert set(np.sign(eigenvalues)) == signs and np.abs(eigenvalues).min() > 1e-3


def test_how_many_there_are():
    counts = {str(f): (len(f.minima), len(f.saddles), len(f.maxima)) for f in ALL}
    assert counts["Himmelblau(dimension=2)"] == (4, 4, 1)
    assert counts["Rosenbrock(dimension=3)"] == (1, 0, 0)
    assert counts["Rosenbrock(dimension=4)"] == counts["Rosenbrock(dimension=7)"] == (2, 0, 0)
    assert counts["Beale(dimension=2)"] == (1, 2, 0)
    assert counts["Saddle(dimension=2)"] == counts["MonkeySaddle(dimension=2)"] == (0, 1, 0)
    for f in (Himmelblau(), Rosenbrock(5)):
        points = np.concatenate([f.minima, f.saddles, f.maxima])
        gaps = np.linalg.norm(points[:, None] - points, axis=-1) + 9 * np.eye(len(points))
        assert gaps.min() > 0.1  # they are different ones
    np.testing.assert_allclose(Himmelblau().minima[0], [3, 2], atol=1e-12)
    np.testing.assert_allclose(
        [f.minima[0] for f in (Beale(), Rosenbrock(), Plateau())], [[3, 0.5], [1, 1], [0, 0]]
    )
    assert Rosenbrock(4).minima[1][0] == pytest.approx(-0.7757, abs=1e-3)


def test_minima_come_lowest_first():
    for f in ALL:
        values = [float(f(w)) for w in f.minima]
        np.testing.assert_allclose(np.sort(values), values, atol=1e-12)


@pytest.mark.parametrize("f", ALL, ids=str)
def test_many_points_at_once(f):
    w = np.random.default_rng(0).normal(size=(f.dimension, 3, 4))
    surface = f(w)
    assert surface.shape == (3, 4)
    for i in np.ndindex(3, 4):
        assert surface[i] == pytest.approx(float(f(w[(slice(None), *i)])), rel=1e-12)
    np.testing.assert_allclose(f(Tensor(w)).data, surface, rtol=1e-14)
    # the gradient of the sum holds the gradient at each point
    np.testing.assert_allclose(grad(lambda w: f(w).sum())(w)[:, 1, 2], grad(f)(w[:, 1, 2]))


@pytest.mark.parametrize("f", [f for f in ALL if f.dimension == 2], ids=str)
def test_the_domain_shows_start_and_critical_points(f):
    xy = f.grid(7)
    assert xy.shape == (2, 7, 7) and f(xy).shape == (7, 7)
    (left, right), (bottom, top) = f.domain
    np.testing.assert_allclose(xy[:, 0, 0], [left, bottom])
    np.testing.assert_allclose(xy[:, 0, -1], [right, bottom])  # rows run along x
    for x, y in (f.start, *f.minima, *f.saddles, *f.maxima):
        assert left <= x <= right and bottom <= y <= top


@pytest.mark.parametrize("f", ALL, ids=str)
def test_float32_stays_float32(f):
    w = Tensor(f.start.astype(np.float32), requires_grad=True)
    y = f(w)
    y.backward()
    assert y.dtype == w.grad.dtype == np.float32
    np.testing.assert_allclose(w.grad, grad(f)(f.start), rtol=1e-3, atol=1e-4)


def test_integer_points():
    assert Quadratic(2.5)(np.array([1, 1])) == 1.75
    assert Rosenbrock()(np.array([0, 0])) == 1


def test_the_condition_number_of_a_quadratic():
    f = Quadratic(1000, 4, rotation(4))
    H = hessian(f, np.zeros(4))
    np.testing.assert_allclose(np.linalg.eigvalsh(H), [1, 10, 100, 1000])
    np.testing.assert_allclose(H, f.hessian, atol=1e-9)
    for i in range(4):  # the columns of the rotation are the axes
        np.testing.assert_allclose(H @ f.rotation[:, i], 10**i * f.rotation[:, i], atol=1e-9)
    turned = Quadratic(1000, rotation=0.3)
    axis = [math.cos(0.3), math.sin(0.3)]  # the long axis of the valley: the least curved
    np.testing.assert_allclose(turned.hessian @ axis, axis, atol=1e-9)


def test_the_cliff_throws_back():
    f = Cliff(steepness=100)
    before, on = grad(f)(np.array([0.5, 0.0])), grad(f)(np.array([1.2, 0.0]))
    np.testing.assert_allclose(before, [-1, 0], atol=1e-8)
    np.testing.assert_allclose(on, [99, 0], atol=0.01)


def test_the_plateau_is_flat():
    slopes = [np.linalg.norm(grad(Plateau())(np.array([r, 0.0]))) for r in (1, 2, 4, 5)]
    np.testing.assert_allclose(slopes, [r * math.exp(-r * r / 2) for r in (1, 2, 4, 5)])


def test_the_noise_of_the_ravine():
    """Gradients of samples: mean ∇f, variance σ² in each coordinate, uncorrelated."""
    f = NoisyRavine(9, noise=2.0, rotation=0.4, rng=np.random.default_rng(5))
    w = np.array([0.7, -0.2])
    g = np.array([grad(f.sample)(w) for _ in range(2000)])
    np.testing.assert_allclose(g.mean(axis=0), grad(f)(w), atol=0.15)
    np.testing.assert_allclose(np.cov(g.T), 4 * np.eye(2), atol=0.4)
    assert f(w) == Quadratic(9, rotation=0.4)(w)  # the function itself has none
    quiet = NoisyRavine(9, noise=0.0, rng=np.random.default_rng(5))
    np.testing.assert_array_equal(grad(quiet.sample)(w), grad(quiet)(w))
    one, two = (NoisyRavine(rng=np.random.default_rng(1)).sample(w) for _ in range(2))
    assert one == two
    grid = f.sample(np.ones((2, 3, 4)))
    assert grid.shape == (3, 4) and len(np.unique(grid)) == 12  # each point has its own


def test_numeric_gradients_take_the_objects():
    f, w = Beale(), np.array([0.3, -0.8])
    np.testing.assert_allclose(numeric_gradient(f, w), grad(f)(w), rtol=1e-7)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: Quadratic(0.5), ValueError, "condition_number"),
        (lambda: Quadratic(math.inf), ValueError, "condition_number"),
        (lambda: Quadratic(10, 1), ValueError, "dimension: an integer of at least 2"),
        (lambda: Quadratic(10, 2.0), ValueError, "dimension"),
        (lambda: Quadratic(10, 3, 0.5), ValueError, "rotation: an angle turns two"),
        (lambda: Quadratic(10, 3, np.eye(2)), ValueError, r"rotation: .* \(3, 3\)"),
        (lambda: Quadratic(10, 2, 2 * np.eye(2)), ValueError, "rotation: an orthogonal"),
        (lambda: Rosenbrock(1), ValueError, "dimension"),
        (lambda: Quartic(0), ValueError, "dimension"),
        (lambda: Cliff(steepness=1.0), ValueError, "steepness"),
        (lambda: Cliff(sharpness=0.0), ValueError, "sharpness"),
        (lambda: ravine(noise=-1.0), ValueError, "noise"),
        (lambda: NoisyRavine(rng=0), TypeError, "rng: a numpy.random.Generator"),
        (lambda: Rosenbrock()(np.ones(3)), ValueError, r"w: shape \(2, …\) .* got \(3,\)"),
        (lambda: Rosenbrock()(np.array(1.0)), ValueError, r"w: shape \(2, …\)"),
        (lambda: Rosenbrock(3).grid(), ValueError, "grid: only a function of two"),
        (lambda: Objective()(np.ones(2)), NotImplementedError, "must define formula"),
    ],
)
def test_bad_input(make, error, words):
    with pytest.raises(error, match=words):
        make()
