"""Jacobians, Hessians, Hessian-vector products of networks, and the method of Lanczos."""

import numpy as np
import pytest
import torch

from lecturelib import Tensor, nn, no_grad, ops
from lecturelib import functional as F
from lecturelib.analysis.curvature import (
    LossHessian,
    extreme_eigenvalues,
    flatten,
    hessian,
    jacobian,
    lanczos,
    spectral_density,
    split,
)

RNG = np.random.default_rng


def network(dtype="float64"):
    rng = RNG(1)
    model = nn.Sequential(
        nn.Linear(3, 5, rng=rng, dtype=dtype), nn.Tanh(), nn.Linear(5, 4, rng=rng, dtype=dtype)
    )
    return model, rng.normal(size=(12, 3)).astype(dtype), rng.integers(0, 4, 12)


def dense_hessian_by_torch(model, x, y):
    tensors = [torch.tensor(p.data, dtype=torch.float64) for p in model.parameters()]
    sizes = [t.numel() for t in tensors]

    def loss(w):
        w1, b1, w2, b2 = (
            piece.reshape(t.shape) for piece, t in zip(w.split(sizes), tensors, strict=True)
        )
        scores = torch.tanh(torch.tensor(x, dtype=torch.float64) @ w1.T + b1) @ w2.T + b2
        return torch.nn.functional.cross_entropy(scores, torch.tensor(y))

    w = torch.cat([t.ravel() for t in tensors])
    return torch.autograd.functional.hessian(loss, w).numpy()


def symmetric(eigenvalues, seed=0):
    q, _ = np.linalg.qr(RNG(seed).normal(size=(len(eigenvalues),) * 2))
    return q * eigenvalues @ q.T


# --- small functions


def test_jacobian_has_the_indices_of_the_result_first():
    a, x = RNG(0).normal(size=(4, 2)), RNG(1).normal(size=(2, 3))
    J = jacobian(lambda x: a @ ops.tanh(x), x)
    expected = torch.autograd.functional.jacobian(
        lambda x: torch.tensor(a) @ torch.tanh(x), torch.tensor(x)
    )
    assert J.shape == (4, 3, 2, 3) and J.dtype == np.float64
    np.testing.assert_allclose(J, expected.numpy(), rtol=1e-13, atol=1e-15)


def test_jacobian_and_hessian_by_hand():
    w = np.array([2.0, 3.0])
    J = jacobian(lambda w: ops.stack([w[0] * w[1], w[0] ** 2, w[1]]), w)
    np.testing.assert_array_equal(J, [[3, 2], [4, 0], [0, 1]])
    np.testing.assert_array_equal(hessian(lambda w: w[0] ** 3 * w[1], w), [[36, 12], [12, 0]])


def test_hessian_of_a_matrix_argument():
    x = RNG(0).normal(size=(2, 3))
    H = hessian(lambda x: ops.sin(x @ x.T).sum(), x)
    expected = torch.autograd.functional.hessian(
        lambda x: torch.sin(x @ x.T).sum(), torch.tensor(x)
    )
    np.testing.assert_allclose(H, expected.numpy(), rtol=1e-12, atol=1e-13)


def test_where_derivatives_are_constant():
    x = np.ones((2, 2), np.float32)
    for result, shape in [
        (jacobian(lambda x: Tensor(np.ones(3, np.float32)), x), (3, 2, 2)),
        (hessian(lambda x: x.sum(), x), (2, 2, 2, 2)),
    ]:
        np.testing.assert_array_equal(result, np.zeros(shape))
        assert result.dtype == np.float32


def test_jacobian_and_hessian_refuse():
    with pytest.raises(TypeError, match="f must return a Tensor"):
        jacobian(lambda x: 3.0, np.ones(2))
    with pytest.raises(TypeError, match="floating-point"):
        hessian(lambda x: x.sum(), np.ones(2, int))
    with pytest.raises(ValueError, match="not a scalar"):
        hessian(lambda x: x * x, np.ones(2))
    with no_grad(), pytest.raises(RuntimeError, match="no_grad"):
        jacobian(lambda x: x * x, np.ones(2))


# --- networks


def test_products_are_those_of_the_dense_hessian():
    model, x, y = network()
    H = LossHessian(model, F.cross_entropy, x, y)
    expected = dense_hessian_by_torch(model, x, y)
    assert H.shape == expected.shape == (44, 44)
    ours = np.stack([H @ e for e in np.eye(44)], axis=1)
    np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-13)
    assert H.loss == F.cross_entropy(model(x), y).item()
    assert all(p.grad is None for p in model.parameters())


def test_products_are_differences_of_gradients():
    model, x, y = network()
    v, h = RNG(3).normal(size=44), 1e-5
    product = LossHessian(model, F.cross_entropy, x, y) @ v
    start = [p.data for p in model.parameters()]

    def gradient(step):
        for p, w, piece in zip(
            model.parameters(), start, split(v, model.parameters()), strict=True
        ):
            p.data = w + step * piece
        return LossHessian(model, F.cross_entropy, x, y).gradient

    numeric = (gradient(h) - gradient(-h)) / (2 * h)
    np.testing.assert_allclose(product, numeric, rtol=1e-6, atol=1e-9)


def test_float32_stays_and_is_near():
    model, x, y = network("float32")
    H = LossHessian(model, F.cross_entropy, x, y)
    v = RNG(0).normal(size=44)
    product = H @ v
    assert product.dtype == H.gradient.dtype == np.float32
    expected = dense_hessian_by_torch(model, x, y) @ v
    np.testing.assert_allclose(product, expected, rtol=1e-4, atol=1e-6)


def test_the_hessian_is_that_of_the_moment_when_it_was_made():
    model, x, y = network()
    H, v = LossHessian(model, F.cross_entropy, x, y), np.ones(44)
    before = H @ v
    for p in model.parameters():
        p.data = p.data + 1
    np.testing.assert_array_equal(H @ v, before)


def test_frozen_parameters_have_no_rows():
    model, x, y = network()
    whole = dense_hessian_by_torch(model, x, y)
    model[0].freeze()
    H = LossHessian(model, F.cross_entropy, x, y)
    assert H.shape == (24, 24)
    ours = np.stack([H @ e for e in np.eye(24)])
    np.testing.assert_allclose(ours, whole[20:, 20:], rtol=1e-10, atol=1e-13)
    with pytest.raises(ValueError, match="no parameters that learn"):
        LossHessian(model.freeze(), F.cross_entropy, x, y)


def test_a_linear_loss_has_no_curvature():
    model = nn.Linear(3, 2, rng=RNG(0))
    H = LossHessian(model, lambda s, y: s.sum(), np.ones((4, 3), np.float32), None)
    np.testing.assert_array_equal(H @ np.ones(8), np.zeros(8, np.float32))


def test_the_length_of_v_is_checked():
    H = LossHessian(network()[0], F.cross_entropy, *network()[1:])
    for v in (np.ones(43), np.ones((44, 1)), 1.0):
        with pytest.raises(ValueError, match="44 parameters"):
            H @ v


def test_split_undoes_flatten():
    model = network()[0]
    vector = flatten(model.parameters())
    for piece, p in zip(split(vector, model.parameters()), model.parameters(), strict=True):
        np.testing.assert_array_equal(piece, p.data)


# --- Lanczos


@pytest.mark.parametrize("steps", [1, 4, 20, 40])
def test_each_ritz_value_has_an_eigenvalue_within_its_bound(steps):
    eigenvalues = np.linspace(-2, 5, 40)
    ritz = lanczos(symmetric(eigenvalues), steps, rng=RNG(0))
    distance = np.abs(eigenvalues[:, np.newaxis] - ritz.values).min(axis=0)
    assert len(ritz.values) == steps and np.all(np.diff(ritz.values) > 0)
    assert np.all(distance <= ritz.errors + 1e-12)
    assert ritz.weights.sum() == pytest.approx(1, rel=1e-12)


def test_the_bound_is_the_residual_of_the_vector():
    A = symmetric(np.linspace(-2, 5, 40))
    ritz = lanczos(A, 12, rng=RNG(0))
    residuals = np.linalg.norm(A @ ritz.vectors - ritz.values * ritz.vectors, axis=0)
    np.testing.assert_allclose(ritz.errors, residuals, rtol=1e-8)
    np.testing.assert_allclose(ritz.vectors.T @ ritz.vectors, np.eye(12), atol=1e-12)


def test_no_eigenvalue_is_found_twice():
    """Without orthogonalization the large one would come back after its convergence."""
    eigenvalues = np.concatenate([np.geomspace(1e-4, 1, 59), [1000.0]])
    ritz = lanczos(symmetric(eigenvalues), 60, rng=RNG(0))
    np.testing.assert_allclose(ritz.values, eigenvalues, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "eigenvalues", [[3.0] * 7, [0.0] * 5, [1.0] * 3 + [0.0] * 9, [-2.0, -2, 1, 5, 5]], ids=str
)
def test_a_small_krylov_space_ends_early_with_exact_values(eigenvalues):
    ritz = lanczos(symmetric(np.array(eigenvalues)), 100, rng=RNG(0))
    np.testing.assert_allclose(ritz.values, np.unique(eigenvalues), atol=1e-13)
    np.testing.assert_allclose(ritz.errors, 0, atol=1e-13)


@pytest.mark.parametrize("dtype, rtol", [("float64", 1e-8), ("float32", 1e-5)])
def test_extreme_eigenvalues_of_a_network(dtype, rtol):
    model, x, y = network(dtype)
    H = LossHessian(model, F.cross_entropy, x, y)
    expected = np.linalg.eigvalsh(dense_hessian_by_torch(model, x, y))
    smallest, largest = extreme_eigenvalues(H, rtol, rng=RNG(0))
    assert smallest == pytest.approx(expected[0], abs=2 * rtol * expected[-1])
    assert largest == pytest.approx(expected[-1], rel=2 * rtol)


def test_extreme_eigenvalues_stop_when_both_are_good_enough():
    products = []

    class Counted:
        shape = (300, 300)

        def __matmul__(self, v):
            products.append(v)
            return np.linspace(-1, 1, 300) * v

    smallest, largest = extreme_eigenvalues(Counted(), 1e-3, rng=RNG(0))
    assert -1 <= smallest <= -1 + 2e-3 and 1 - 2e-3 <= largest <= 1
    assert 10 < len(products) < 100
    with pytest.raises(ArithmeticError, match="after 6 products"):
        extreme_eigenvalues(Counted(), 1e-3, max_steps=6, rng=RNG(0))


def test_density_of_a_multiple_of_the_identity_is_one_bump():
    at = np.linspace(-1, 5, 7)
    ours = spectral_density(2 * np.eye(9), at, width=0.5, probes=2, rng=RNG(0))
    bump = np.exp(-(((at - 2) / 0.5) ** 2) / 2) / (0.5 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(ours, bump, rtol=1e-9)


def test_density_is_that_of_all_eigenvalues():
    eigenvalues = np.concatenate([np.full(30, 0.0), np.linspace(1, 2, 9), [6.0]])
    at = np.linspace(-2, 8, 201)
    ours = spectral_density(symmetric(eigenvalues), at, width=0.3, steps=15, probes=200, rng=RNG(0))
    bumps = np.exp(-(((at[:, np.newaxis] - eigenvalues) / 0.3) ** 2) / 2)
    expected = bumps.mean(axis=1) / (0.3 * np.sqrt(2 * np.pi))
    assert np.trapezoid(ours, at) == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(ours, expected, atol=0.03)


@pytest.mark.parametrize(
    "A, error, message",
    [
        (np.triu(np.ones((5, 5))), ValueError, "not symmetric"),
        (np.array([[0.0, 1.0], [-1.0, 0.0]]), ValueError, "not symmetric"),
        (np.ones((2, 3)), ValueError, "square"),
        (np.ones(3), ValueError, "square"),
        (np.full((3, 3), np.nan), FloatingPointError, "not finite"),
    ],
)
def test_lanczos_refuses_other_matrices(A, error, message):
    with pytest.raises(error, match=message):
        lanczos(A, 5, rng=RNG(0))


def test_lanczos_refuses_other_arguments():
    with pytest.raises(ValueError, match="steps"):
        lanczos(np.eye(3), 0, rng=RNG(0))
    with pytest.raises(TypeError, match="rng"):
        lanczos(np.eye(3), 2, rng=0)
    with pytest.raises(ValueError, match="width"):
        spectral_density(np.eye(3), [0.0], width=0, rng=RNG(0))
    with pytest.raises(ValueError, match="probes"):
        spectral_density(np.eye(3), [0.0], width=1, probes=0, rng=RNG(0))
