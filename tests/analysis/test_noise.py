"""Gradient noise and its 1/m law; the terms of ill-conditioning along a run."""

from itertools import combinations, product

import numpy as np
import pytest

from lecturelib import functional as F
from lecturelib import nn
from lecturelib.analysis.noise import (
    ConditioningProbe,
    gradient_noise,
    loss_gradient,
    per_example_gradients,
)
from lecturelib.data import Dataset


def line(dtype="float64", count=5):
    """A linear model x ↦ wᵀx with squared error: g_i = 2 (wᵀx_i − y_i) x_i."""
    rng = np.random.default_rng(0)
    model = nn.Linear(3, 1, bias=False, rng=rng, dtype=dtype)
    x, y = rng.normal(size=(count, 3)), rng.normal(size=(count, 1))
    return model, Dataset(x.astype(dtype), y.astype(dtype))


def by_hand(model, data):
    return 2 * (data.x @ model.weight.data[0] - data.y[:, 0])[:, np.newaxis] * data.x


def classifier(*between):
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(3, 4, rng=rng), *between, nn.ReLU(), nn.Linear(4, 2, rng=rng))
    x = rng.normal(size=(8, 3)).astype("float32")
    return model, Dataset(x, rng.integers(0, 2, 8))


@pytest.mark.parametrize("dtype, rtol", [("float64", 1e-12), ("float32", 1e-5)])
def test_gradients_of_single_examples(dtype, rtol):
    model, data = line(dtype)
    singles = per_example_gradients(model, F.mse_loss, data)
    assert singles.shape == (5, 3) and singles.dtype == dtype
    np.testing.assert_allclose(singles, by_hand(model, data), rtol=rtol)
    full = loss_gradient(model, F.mse_loss, data.x, data.y)
    np.testing.assert_allclose(singles.mean(axis=0), full, rtol=rtol)
    assert model.weight.grad is None


def test_the_vector_has_the_parameters_in_their_order():
    model, data = classifier()
    vector = loss_gradient(model, F.cross_entropy, data.x, data.y)
    F.cross_entropy(model(data.x), data.y).backward()
    np.testing.assert_array_equal(
        vector, np.concatenate([p.grad.ravel() for p in model.parameters()])
    )


@pytest.mark.parametrize("replace", [True, False])
def test_the_law_is_exact_over_all_possible_batches(replace):
    model, data = line()
    sizes = [1, 2, 3, 5] if not replace else [1, 2, 3]
    noise = gradient_noise(
        model, F.mse_loss, data, sizes, rng=np.random.default_rng(0), draws=1, replace=replace
    )
    singles = by_hand(model, data)
    full = singles.mean(axis=0)
    for m, predicted in zip(sizes, noise.predicted, strict=True):
        batches = product(range(5), repeat=m) if replace else combinations(range(5), m)
        errors = [((singles[list(b)].mean(axis=0) - full) ** 2).sum() for b in batches]
        assert predicted == pytest.approx(np.mean(errors), rel=1e-12, abs=1e-25)
    assert noise.variance == pytest.approx(((singles - full) ** 2).sum(axis=1).mean(), rel=1e-12)
    assert noise.squared_norm == pytest.approx(full @ full, rel=1e-12)


@pytest.mark.parametrize("replace", [True, False])
def test_what_is_measured_is_what_is_predicted(replace):
    model, data = line(count=12)
    noise = gradient_noise(
        model,
        F.mse_loss,
        data,
        [1, 4, 8],
        rng=np.random.default_rng(0),
        draws=2000,
        replace=replace,
    )
    np.testing.assert_array_equal(noise.batch_sizes, [1, 4, 8])
    np.testing.assert_allclose(noise.measured, noise.predicted, rtol=0.1)


def test_the_full_batch_without_replacement_has_no_noise():
    model, data = line()
    noise = gradient_noise(
        model, F.mse_loss, data, [5], rng=np.random.default_rng(0), draws=3, replace=False
    )
    assert noise.predicted[0] == 0 and noise.measured[0] < 1e-28


def test_equal_examples_have_no_noise():
    model, data = line()
    same = Dataset(np.repeat(data.x[:1], 4, axis=0), np.repeat(data.y[:1], 4, axis=0))
    noise = gradient_noise(model, F.mse_loss, same, [1, 2], rng=np.random.default_rng(0), draws=2)
    assert np.all(noise.measured < 1e-28) and np.all(noise.predicted < 1e-28)


def test_a_network_in_float32():
    model, data = classifier()
    noise = gradient_noise(
        model, F.cross_entropy, data, [1, 4], rng=np.random.default_rng(0), draws=1000
    )
    np.testing.assert_allclose(noise.measured, noise.predicted, rtol=0.1)
    assert noise.predicted[0] == pytest.approx(4 * noise.predicted[1])


def test_losses_that_are_not_means_are_refused():
    model, data = line()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="not the mean"):
        gradient_noise(model, lambda p, t: F.mse_loss(p, t, "sum"), data, [1], rng=rng)
    model, data = classifier(nn.Dropout(0.5, rng=rng))
    with pytest.raises(ValueError, match=r"model.eval\(\)"):
        gradient_noise(model, F.cross_entropy, data, [1], rng=rng)
    gradient_noise(model.eval(), F.cross_entropy, data, [1], rng=rng, draws=1)


def test_what_is_refused():
    model, data = line()
    rng = np.random.default_rng(0)
    for sizes, replace in (([0], True), ([2.0], True), ([-1], False), ([6], False)):
        with pytest.raises(ValueError, match="batch_sizes"):
            gradient_noise(model, F.mse_loss, data, sizes, rng=rng, replace=replace)
    gradient_noise(model, F.mse_loss, data, [6], rng=rng, draws=1)  # with replacement
    with pytest.raises(ValueError, match="draws"):
        gradient_noise(model, F.mse_loss, data, [1], rng=rng, draws=0)
    with pytest.raises(ValueError, match="no examples"):
        per_example_gradients(model, F.mse_loss, data[:0])
    with pytest.raises(TypeError, match="rng"):
        gradient_noise(model, F.mse_loss, data, [1], rng=0)
    with pytest.raises(ValueError, match="no parameters that learn"):
        loss_gradient(model.freeze(), F.mse_loss, data.x, data.y)


# --- ill-conditioning


class Valley(nn.Module):
    """½ (a w₁² + b w₂²), whose expansion to second order is exact."""

    def __init__(self, dtype):
        self.w = nn.Parameter(np.array([3.0, 2.0], dtype))

    def forward(self, x):
        return (0.5 * x * self.w * self.w).sum()


def value(output, target):
    return output


@pytest.mark.parametrize("dtype, rtol", [("float64", 1e-13), ("float32", 1e-5)])
def test_the_terms_by_hand(dtype, rtol):
    model, scales = Valley(dtype), np.array([1.0, 10.0], dtype)
    probe = ConditioningProbe(model, value, scales, None)
    first = probe.measure(lr=0.25)  # g = (3, 20), gᵀg = 409, gᵀHg = 9 + 10 · 400 = 4009
    assert (first.loss, first.squared_norm, first.curvature) == pytest.approx(
        (24.5, 409, 4009), rel=rtol
    )
    assert first.gain == pytest.approx(0.25 * 409, rel=rtol)
    assert first.cost == pytest.approx(0.5 * 0.25**2 * 4009, rel=rtol)
    assert first.cosine is None
    model.w.data = model.w.data - dtype_of(model)(0.25) * scales * model.w.data
    second = probe.measure(lr=0.25)  # w = (2.25, −3): g = (2.25, −30)
    assert second.loss == pytest.approx(first.loss - first.gain + first.cost, rel=rtol)
    cosine = (3 * 2.25 - 20 * 30) / np.sqrt(409 * (2.25**2 + 900))
    assert second.cosine == pytest.approx(cosine, rel=rtol)
    assert probe.history == [first, second]
    assert first.cost > first.gain and second.loss > first.loss  # it went uphill


def dtype_of(model):
    return model.w.dtype.type


def test_a_zero_gradient_has_no_direction():
    model = Valley("float64")
    probe = ConditioningProbe(model, value, np.ones(2), None)
    probe.measure(0.1)
    model.w.data = np.zeros(2)
    assert probe.measure(0.1).cosine is None
    model.w.data = np.ones(2)
    assert probe.measure(0.1).cosine is None


def test_a_network_s_step_is_foreseen():
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(3, 6, rng=rng, dtype="float64"),
        nn.Tanh(),
        nn.Linear(6, 2, rng=rng, dtype="float64"),
    )
    x, y = rng.normal(size=(10, 3)), rng.integers(0, 2, 10)
    probe = ConditioningProbe(model, F.cross_entropy, x, y)
    before = probe.measure(lr=1e-2)
    F.cross_entropy(model(x), y).backward()
    for p in model.parameters():
        p.data = p.data - 1e-2 * p.grad
    change = probe.measure(lr=1e-2).loss - before.loss
    assert change == pytest.approx(before.cost - before.gain, rel=1e-4)
    assert change != pytest.approx(-before.gain, rel=1e-4)  # the second order matters
