"""Statistics of activations and gradients, layer by layer."""

import numpy as np
import pytest
import torch

from lecturelib import Tensor, gradients, init, nn, no_grad
from lecturelib import functional as F
from lecturelib.analysis.statistics import layer_statistics, watch

RNG = np.random.default_rng


def network(dtype="float64"):
    rng = RNG(0)
    return nn.Sequential(
        nn.Linear(3, 5, rng=rng, dtype=dtype),
        nn.Tanh(),
        nn.Sequential(nn.Linear(5, 4, rng=rng, dtype=dtype), nn.ReLU()),
        nn.Linear(4, 2, rng=rng, dtype=dtype),
    )


def batch(dtype="float64", count=20):
    rng = RNG(5)
    return rng.normal(size=(count, 3)).astype(dtype), rng.integers(0, 2, count)


def outputs_and_gradients_by_torch(model, x, y):
    w = [torch.tensor(p.data, dtype=torch.float64) for p in model.parameters()]
    zs = [torch.tensor(x, dtype=torch.float64) @ w[0].T + w[1]]
    zs[0].requires_grad_()
    zs.append(torch.tanh(zs[-1]))
    zs.append(zs[-1] @ w[2].T + w[3])
    zs.append(torch.relu(zs[-1]))
    zs.append(zs[-1] @ w[4].T + w[5])
    loss = torch.nn.functional.cross_entropy(zs[-1], torch.tensor(y))
    slopes = torch.autograd.grad(loss, zs)
    return [z.detach().numpy() for z in zs], [g.numpy() for g in slopes]


@pytest.mark.parametrize("dtype, rtol", [("float64", 1e-10), ("float32", 1e-4)])
def test_every_number_against_torch(dtype, rtol):
    model, (x, y) = network(dtype), batch(dtype)
    rows = layer_statistics(model, x, y, F.cross_entropy, bins=7)
    zs, slopes = outputs_and_gradients_by_torch(model, x, y)
    assert [(r.name, r.kind) for r in rows] == [
        ("0", "Linear"),
        ("1", "Tanh"),
        ("2.0", "Linear"),
        ("2.1", "ReLU"),
        ("3", "Linear"),
    ]
    for row, z, g in zip(rows, zs, slopes, strict=True):
        assert row.shape == z.shape
        for summary, values in ((row.output, z), (row.gradient, g)):
            assert summary.mean == pytest.approx(values.mean(), rel=rtol, abs=rtol * 0.01)
            assert summary.std == pytest.approx(values.std(), rel=rtol)
            assert summary.zeros == (values == 0).mean()
            assert summary.counts.sum() == values.size and len(summary.counts) == 7
            np.testing.assert_allclose(
                summary.edges[[0, -1]], [values.min(), values.max()], rtol=rtol
            )
    assert all(p.grad is None for p in model.parameters())


def test_saturated_and_dead_by_hand():
    x = np.array([[-9.0, 0.0, 0.5], [2.0, 0.0, -0.1]])
    # 1 − tanh²: about 0, 1, 0.79; 0.07, 1, 0.99. 4σ(1 − σ): about 0, 1, 0.94; 0.42, 1, 0.998
    for module, saturated in ((nn.Tanh(), 1 / 6), (nn.Sigmoid(), 1 / 6), (nn.ReLU(), None)):
        with watch(module) as record:
            module(Tensor(x))
        (row,) = record.statistics()
        assert row.saturated == saturated
        assert row.dead == (1 / 3 if isinstance(module, nn.ReLU) else None)
        assert row.gradient is None and row.name == ""


@pytest.mark.parametrize(
    "module, edge",  # where the slope is 5 % of the largest: tanh² = 0.95, σ(1 − σ) = 0.0125
    [(nn.Tanh(), np.arctanh(np.sqrt(0.95))), (nn.Sigmoid(), 2 * np.arctanh(np.sqrt(0.95)))],
    ids=["tanh", "sigmoid"],
)
def test_where_saturation_begins(module, edge):
    with watch(module) as record:
        module(edge * np.array([1.001, 0.999, 0.9, -1.001, -0.999]))
    assert record.statistics()[0].saturated == 2 / 5


def test_dead_units_of_images_are_channels():
    x = np.ones((4, 3, 2, 2))
    x[:, 0] = -1  # dead
    x[1:, 1] = -1
    x[0, 1, 1:] = -1  # alive in two pixels of one image
    relu = nn.ReLU()
    with watch(relu) as record:
        relu(Tensor(x))
    (row,) = record.statistics()
    assert row.dead == 1 / 3 and row.output.zeros == (16 + 14) / 48


def test_glorot_s_picture():
    """Small Gaussian weights: activations of tanh layers shrink; Xavier's keep their size."""

    def spread(fill):
        rng = RNG(0)
        layers = []
        for _ in range(6):
            layers += [nn.Linear(100, 100, rng=rng), nn.Tanh()]
        model = nn.Sequential(*layers)
        for layer in list(model)[::2]:
            fill(layer.weight, rng)
            init.constant_(layer.bias, 0)
        x = rng.normal(size=(200, 100)).astype("float32")
        rows = layer_statistics(model, x, np.zeros((200, 100), np.float32), F.mse_loss)
        return [r.output.std for r in rows if r.kind == "Tanh"]

    small = spread(lambda w, rng: init.normal_(w, 0, 0.01, rng=rng))
    xavier = spread(lambda w, rng: init.xavier_uniform_(w, rng=rng))
    assert small[-1] < 1e-4 * small[0] and 0.3 * xavier[0] < xavier[-1]


# --- watching


def test_watching_changes_nothing_that_is_computed():
    model, (x, y) = network(), batch()
    expected = model(x).data
    with watch(model) as record:
        loss = F.cross_entropy(model(x), y)
        np.testing.assert_array_equal(model(x).data, expected)
    assert len(record.calls) == 10  # two passes
    record.statistics(loss)
    loss.backward()  # the graph is still there
    assert all(p.grad is not None for p in model.parameters())


def test_gradients_are_those_with_respect_to_the_outputs():
    model, (x, y) = network(), batch()
    with watch(model) as record:
        loss = F.cross_entropy(model(x), y)
    first = record.calls[1][2]
    (g,) = gradients(loss, [first])
    assert record.statistics(loss)[1].gradient.std == pytest.approx(g.std())


def instance_attributes(model):
    return [list(vars(m)) for m in model.modules()]


def test_forward_is_put_back():
    model, (x, _) = network(), batch()
    before = instance_attributes(model)
    with watch(model):
        assert instance_attributes(model) != before
    assert instance_attributes(model) == before
    with pytest.raises(ValueError, match="last axis"), watch(model):
        model(x[:, :2])
    assert instance_attributes(model) == before
    calls = len(record_of(model, x))
    assert calls == len(record_of(model, x)) == 5  # and not noted twice the second time


def record_of(model, x):
    with watch(model) as record:
        model(x)
    return record.calls


def test_a_forward_that_the_instance_had_is_put_back():
    layer = nn.ReLU()
    layer.forward = own = lambda x: x + 1
    with watch(layer) as outer, watch(layer) as inner:
        assert layer(np.zeros(3))[0] == 1
    assert layer.forward is own and len(outer.calls) == len(inner.calls) == 1


def test_a_module_used_twice_has_two_rows_and_its_first_name():
    shared = nn.Linear(3, 3, rng=RNG(0), dtype="float64")
    model = nn.Sequential(shared, nn.Tanh(), shared)
    before = instance_attributes(model)
    rows = layer_statistics(model, batch()[0], np.zeros((20, 3)), F.mse_loss)
    assert [r.name for r in rows] == ["0", "1", "0"]
    assert rows[0].gradient.std != rows[2].gradient.std
    assert instance_attributes(model) == before


def test_where_there_is_no_gradient():
    model, (x, y) = network(), batch()
    model[0].freeze()
    rows = layer_statistics(model, x, y, F.cross_entropy)
    assert [r.gradient is None for r in rows] == [True, True, False, False, False]
    with no_grad(), watch(model) as record:
        loss = F.cross_entropy(model(x), y)
    assert all(r.gradient is None for r in record.statistics(loss))
    with watch(model) as record:
        model(x)
        loss = F.cross_entropy(model(x), y)  # does not reach the first pass
    rows = record.statistics(loss)
    assert rows[4].gradient.zeros == 1 and rows[9].gradient.zeros < 1


def test_layers_that_hand_on_their_input():
    """Dropout in evaluation returns the Tensor that it got: both rows are right."""
    rng = RNG(0)
    model = nn.Sequential(
        nn.Linear(3, 4, rng=rng), nn.Dropout(0.5, rng=rng), nn.Linear(4, 2, rng=rng)
    ).eval()
    x, y = batch("float32")
    rows = layer_statistics(model, x, y, F.cross_entropy)
    assert rows[0].gradient.std == rows[1].gradient.std > 0
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3, 2, rng=rng))  # first, of a plain array
    assert layer_statistics(flat, x, y, F.cross_entropy)[0].gradient is None


def test_recurrent_layers():
    model = nn.LSTM(3, 4, rng=RNG(0))
    x = RNG(1).normal(size=(2, 5, 3)).astype("float32")
    with watch(model) as record:
        out, _ = model(x)
    rows = record.statistics((out * out).sum())
    assert rows and all(r.gradient is not None for r in rows)


def test_activations_that_have_exploded():
    relu = nn.ReLU()
    with watch(relu) as record:
        relu(np.array([[1.0, np.inf], [2.0, 3.0]]))
    (row,) = record.statistics(bins=4)
    assert row.output.mean == np.inf and np.isnan(row.output.std)
    assert row.output.counts.sum() == 3


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match=r"0: the output has no elements.*\(0, 5\)"):
        model = network()
        with watch(model) as record:
            model(np.zeros((0, 3)))
        record.statistics()


def test_the_table():
    model, (x, y) = network(), batch()
    lines = repr(layer_statistics(model, x, y, F.cross_entropy)).splitlines()
    assert lines[0].split() == [
        "layer",
        "kind",
        "mean",
        "std",
        "zeros",
        "saturated",
        "dead",
        "grad",
        "mean",
        "grad",
        "std",
    ]
    assert len(lines) == 6 and lines[1].startswith("0      Linear")
    assert lines[2].split()[5] == "0.0%" and lines[1].split()[5:7] == ["–", "–"]
    assert lines[4].split()[:2] == ["2.1", "ReLU"] and lines[4].split()[6].endswith("%")
    assert len({len(line) for line in lines}) == 1  # the last column is right-aligned
