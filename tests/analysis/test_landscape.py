"""Loss surfaces, and that the model is afterwards what it was."""

import numpy as np
import pytest

from lecturelib import functional as F
from lecturelib import nn
from lecturelib.analysis.landscape import (
    filter_normalized_direction,
    interpolate,
    loss_surface,
    preserved,
)

RNG = np.random.default_rng


def network(dtype="float64", seed=0):
    rng = RNG(seed)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=rng, dtype=dtype),
        nn.BatchNorm2d(2, dtype=dtype),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8, 3, rng=rng, dtype=dtype),
    )


def images(dtype="float64"):
    rng = RNG(9)
    return rng.normal(size=(6, 1, 4, 4)).astype(dtype), rng.integers(0, 3, 6)


def loss_on(x, y):
    return lambda model: F.cross_entropy(model(x), y)


class Point(nn.Module):
    """A model that is only a matrix and a number."""

    def __init__(self):
        self.a = nn.Parameter(np.array([[1.0, 2.0]]))
        self.b = nn.Parameter(np.array(3.0))


def places(model):
    """Every array of the model, the objects themselves."""
    found = [p.data for p in model.parameters()]
    return found + [getattr(m, n) for m in model.modules() for n in m.buffer_names]


class Unchanged:
    """Checks at the end of the block that the model has the same arrays, bit by bit."""

    def __init__(self, model):
        self.model = model

    def __enter__(self):
        self.arrays = places(self.model)
        self.copies = [np.array(a) for a in self.arrays]

    def __exit__(self, *error):
        for now, array, copy in zip(places(self.model), self.arrays, self.copies, strict=True):
            assert now is array
            np.testing.assert_array_equal(array, copy)


def fails_at(call):
    calls = []

    def loss_of(model):
        calls.append(model)
        if len(calls) == call:
            raise RuntimeError("out of luck")
        return 1.0

    return loss_of


# --- interpolation


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_ends_are_the_two_networks(dtype):
    x, y = images(dtype)
    a, b = network(dtype, 1).eval(), network(dtype, 2).eval()
    b.train()
    b(x + 1)  # other running statistics
    b.eval()
    ours = network(dtype, 3).eval()
    with Unchanged(ours):
        losses = interpolate(ours, a.state_dict(), b.state_dict(), loss_on(x, y), [0, 0.5, 1])
    assert losses[0] == loss_on(x, y)(a).item() and losses[2] == loss_on(x, y)(b).item()
    assert losses.shape == (3,) and losses[1] not in (losses[0], losses[2])


def test_between_and_beyond():
    model, start, end = Point(), Point(), Point()
    end.a.data, end.b.data = np.array([[5.0, 2.0]]), np.array(-1.0)
    seen = interpolate(
        model,
        start.state_dict(),
        end.state_dict(),
        lambda m: m.a.data[0, 0] + 100 * m.b.data,
        np.array([0.25, -0.5, 1.5]),
    )
    np.testing.assert_allclose(seen, [2 + 200, -1 + 500, 7 - 300])


def test_buffers_go_along_and_counts_stay():
    a, b = network(seed=1), network(seed=2)
    for _ in range(3):
        b(images()[0])
    model, seen = network(), []

    def loss_of(m):
        seen.append((m[1].running_var.copy(), int(m[1].num_batches_tracked)))
        return m(images()[0]).sum()  # in training mode: it moves the statistics

    with Unchanged(model):
        interpolate(model, a.state_dict(), b.state_dict(), loss_of, [0.0, 0.5, 0.5])
    np.testing.assert_allclose(seen[1][0], (a[1].running_var + b[1].running_var) / 2)
    np.testing.assert_array_equal(seen[1][0], seen[2][0])  # each point starts afresh
    assert [count for _, count in seen] == [0, 0, 0]


def test_states_that_do_not_fit_are_refused_and_change_nothing():
    model = network()
    state = model.state_dict()
    missing = {k: v for k, v in state.items() if k != "0.bias"}
    wrong = {**state, "0.bias": np.zeros(5)}
    for a, b, error in (
        (state, missing, KeyError),
        (missing, state, KeyError),
        (state, wrong, ValueError),
        (wrong, state, ValueError),
    ):
        with Unchanged(model), pytest.raises(error, match=r"0\.bias"):
            interpolate(model, a, b, lambda m: 0.0, [0.5])


def test_a_loss_that_fails_leaves_the_model_as_it_was():
    model, other = network(seed=1), network(seed=2).state_dict()
    with Unchanged(model), pytest.raises(RuntimeError, match="luck"):
        interpolate(model, model.state_dict(), other, fails_at(2), [0.5, 1])
    d = filter_normalized_direction(model, rng=RNG(0))
    with Unchanged(model), pytest.raises(RuntimeError, match="luck"):
        loss_surface(model, fails_at(4), d, d, points=3)


def test_preserved_gives_back_what_was_there():
    model = network()
    with Unchanged(model), pytest.raises(ZeroDivisionError), preserved(model):
        model(images()[0])
        model[4].weight.data = model[4].weight.data * 0
        _ = 1 / 0


# --- directions


@pytest.mark.parametrize("dtype, rtol", [("float64", 1e-13), ("float32", 1e-6)])
def test_every_filter_keeps_its_length(dtype, rtol):
    model = network(dtype)
    model[0].weight.data = model[0].weight.data * np.array([1, 50], dtype).reshape(2, 1, 1, 1)
    d = filter_normalized_direction(model, rng=RNG(0))
    assert list(d) == [name for name, _ in model.named_parameters()]
    for name, p in model.named_parameters():
        assert d[name].shape == p.shape and d[name].dtype == dtype
        if p.ndim > 1:
            lengths = [np.linalg.norm(v.reshape(len(v), -1), axis=1) for v in (d[name], p.data)]
            np.testing.assert_allclose(*lengths, rtol=rtol)
        else:
            assert not d[name].any()


def test_directions_are_random_and_isotropic():
    layer = nn.Linear(2, 4000, rng=RNG(0), dtype="float64")
    layer.weight.data = np.ones((4000, 2))
    d = filter_normalized_direction(layer, rng=RNG(1))["weight"]
    np.testing.assert_allclose(d.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(d.T @ d / 4000, np.eye(2), atol=0.05)
    again = filter_normalized_direction(layer, rng=RNG(2))["weight"]
    assert np.abs(d - again).max() > 0.1
    with pytest.raises(TypeError, match="rng"):
        filter_normalized_direction(layer, rng=3)


def test_a_filter_of_zeros_does_not_move():
    layer = nn.Linear(3, 2, rng=RNG(0))
    layer.weight.data = layer.weight.data * np.array([[1], [0]], np.float32)
    d = filter_normalized_direction(layer, rng=RNG(0))["weight"]
    assert d[0].any() and not d[1].any()


# --- surfaces


def test_rows_are_the_second_direction():
    model = Point()
    d1 = {"a": np.array([[1.0, 0.0]]), "b": np.array(0.0)}
    d2 = {"a": np.array([[0.0, 0.0]]), "b": np.array(2.0)}
    with Unchanged(model):
        steps, loss = loss_surface(
            model, lambda m: m.a.data.sum() + 10 * m.b.data, d1, d2, radius=0.5, points=3
        )
    np.testing.assert_array_equal(steps, [-0.5, 0, 0.5])
    np.testing.assert_allclose(loss, 33 + 20 * steps[:, np.newaxis] + steps)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("training", [True, False])
def test_the_middle_is_the_model_itself(dtype, training):
    model, (x, y) = network(dtype).train(training), images(dtype)
    d1, d2 = (filter_normalized_direction(model, rng=RNG(i)) for i in (1, 2))
    with Unchanged(model):
        steps, loss = loss_surface(model, loss_on(x, y), d1, d2, points=5)
    assert loss[2, 2] == loss_on(x, y)(model).item()
    assert len(np.unique(loss)) == 25 and steps[2] == 0


def test_each_point_starts_from_the_same_running_statistics():
    model, seen = network(), []
    d = filter_normalized_direction(model, rng=RNG(1))

    def loss_of(m):
        seen.append(int(m[1].num_batches_tracked))
        return m(images()[0]).sum()

    loss_surface(model, loss_of, d, d, points=2)
    assert seen == [0, 0, 0, 0]


def test_what_a_surface_refuses():
    model = Point()
    d = {"a": np.ones((1, 2)), "b": np.array(1.0)}
    for bad, error, message in (
        ({"a": d["a"]}, KeyError, r"missing \['b'\]"),
        ({**d, "c": d["b"]}, KeyError, r"unknown \['c'\]"),
        ({**d, "a": np.ones(2)}, ValueError, r"shape \(2,\)"),
    ):
        with pytest.raises(error, match="d1.*" + message):
            loss_surface(model, lambda m: 0, bad, d)
        with pytest.raises(error, match="d2.*" + message):
            loss_surface(model, lambda m: 0, d, bad)
    for points, radius in ((1, 1.0), (3, 0.0), (3, -1.0), (3, float("nan"))):
        with pytest.raises(ValueError, match="points ≥ 2 and radius > 0"):
            loss_surface(model, lambda m: 0, d, d, radius, points)
