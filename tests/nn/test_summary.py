"""The summary of a model: shapes, parameters and multiply-adds, against counts by hand."""

import numpy as np
import pytest

from lecturelib import Tensor, core, nn
from lecturelib import functional as F


def rng():
    return np.random.default_rng(0)


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2, rng=rng()), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, stride=2, groups=2, rng=rng()), nn.Flatten(),
        nn.Dropout(0.5, rng=rng()), nn.Linear(400, 10, rng=rng()))


def test_counts_by_hand():
    model = lenet()
    table = nn.summary(model, (1, 28, 28))
    assert [r.name for r in table.rows] == [str(i) for i in range(8)]
    assert [r.output_shape for r in table.rows] == [
        ("N", 6, 28, 28), ("N", 6, 28, 28), ("N", 6, 28, 28), ("N", 6, 14, 14),
        ("N", 16, 5, 5), ("N", 400), ("N", 400), ("N", 10)]
    assert [r.parameters for r in table.rows] == [
        6 * 25 + 6, 12, 0, 0, 16 * 3 * 25 + 16, 0, 0, 4010]
    assert [r.multiply_adds for r in table.rows] == [
        28 * 28 * 6 * 25, 0, 0, 0, 5 * 5 * 16 * 3 * 25, 0, 0, 4000]
    assert table.parameters == table.trainable == nn.count_parameters(model)
    assert table.multiply_adds == sum(r.multiply_adds for r in table.rows)


def test_the_model_is_left_as_it_was():
    model = lenet()
    model[6].eval()
    before = model.state_dict()
    nn.summary(model, (1, 28, 28))
    assert all(np.array_equal(v, before[k]) for k, v in model.state_dict().items())
    assert model.training and not model[6].training and model[7].training
    assert all("forward" not in vars(m) for m in model.modules()) and core.observers == []
    with pytest.raises(ValueError, match="Conv2d"):
        nn.summary(model, (3, 28, 28))
    assert model.training and all("forward" not in vars(m) for m in model.modules())


class Twice(nn.Module):
    """One layer called twice, and a product of its own."""

    def __init__(self):
        self.layer = nn.Linear(3, 3, rng=rng(), dtype=np.float64)
        self.cell = nn.LSTMCell(3, 2, rng=rng(), dtype=np.float64)
        self.matrix = nn.Parameter(np.ones((2, 5)), dtype=np.float64)
        self.layer.freeze()

    def forward(self, x):
        h, _ = self.cell(self.layer(self.layer(x)))
        return h @ self.matrix


def test_a_layer_called_twice_counts_its_parameters_once():
    table = nn.summary(Twice(), (3,))
    assert [r.name for r in table.rows] == ["layer", "layer", "cell"]
    assert [r.parameters for r in table.rows] == [12, 0, 8 * 3 + 8 * 2 + 16]
    assert [r.multiply_adds for r in table.rows] == [9, 9, 24 + 16]
    assert table.multiply_adds == 58 + 10 and table.parameters == 68 + 10
    assert table.trainable == 66
    assert "of the parameters, 12 are frozen" in repr(table)


def test_it_prints_as_a_table():
    lines = repr(nn.summary(nn.Sequential(nn.Linear(1000, 10, rng=rng())), (1000,))).split("\n")
    assert lines[0].split() == ["name", "layer", "output", "shape", "parameters", "multiply-adds"]
    assert lines[2].split()[-2:] == ["10,010", "10,000"] and "('N', 10)" in lines[2]
    assert lines[-1].split() == ["total", "10,010", "10,000"]
    assert len({len(line) for line in lines}) == 1


def test_it_runs_where_the_model_lives():
    here, there = (nn.summary(m, (1, 28, 28)) for m in (lenet(), lenet().to("torch")))
    assert here == there


def test_transposed_convolution_and_integers():
    class Up(nn.Module):
        def __init__(self):
            self.table = nn.Embedding(5, 4, rng=rng())
            self.kernel = nn.Parameter(np.ones((4, 3, 2, 2)), dtype=np.float32)

        def forward(self, index):
            x = self.table(index).reshape(-1, 4, 1, 1)
            return F.conv_transpose2d(x, self.kernel, stride=2)

    assert nn.summary(Up(), (1,), dtype=int).multiply_adds == 4 * 3 * 4
    assert isinstance(Up()(np.zeros((1, 1), int)), Tensor)
