"""Layers: values and gradients against torch, initial values, and what they refuse."""

import math

import numpy as np
import pytest
import torch
from helpers import assert_close

from lecturelib import Tensor, nn


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("shape", [(4, 6), (6,), (2, 3, 6), (0, 6)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_linear_against_torch(shape, bias, dtype):
    ours = nn.Linear(6, 3, bias=bias, rng=rng(), dtype=dtype)
    theirs = torch.nn.Linear(6, 3, bias=bias, dtype=getattr(torch, np.dtype(dtype).name))
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in ours.state_dict().items()})
    data = rng(1).normal(size=shape).astype(dtype)
    x, t = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
    out, expected = ours(x), theirs(t)
    (out * out).sum().backward()
    (expected * expected).sum().backward()
    assert_close(out.data, expected.detach().numpy(), dtype)
    assert_close(x.grad, t.grad.numpy(), dtype)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert_close(p.grad, q.grad.numpy(), dtype)


def test_linear_starts_as_in_torch():
    layer = nn.Linear(400, 300, rng=rng())
    bound = 1 / math.sqrt(400)
    for p in layer.parameters():
        assert p.dtype == np.float32 and np.abs(p.data).max() <= bound
        assert np.abs(p.data).max() > 0.98 * bound
        assert abs(p.data.mean()) < 5 * bound / math.sqrt(3 * p.size)
    assert layer.weight.shape == (300, 400) and layer.bias.shape == (300,)


def test_same_seed_same_layer():
    a, b, c = nn.Linear(3, 2, rng=rng()), nn.Linear(3, 2, rng=rng()), nn.Linear(3, 2, rng=rng(1))
    assert np.array_equal(a.weight.data, b.weight.data) and np.array_equal(a.bias.data, b.bias.data)
    assert not np.array_equal(a.weight.data, c.weight.data)
    double = nn.Linear(3, 2, rng=rng(), dtype=np.float64)
    assert np.array_equal(double.weight.data.astype(np.float32), a.weight.data)


@pytest.mark.parametrize("args", [(0, 3), (3, -1), (2.5, 3), ("3", 3), (3, None)])
def test_linear_needs_positive_sizes(args):
    with pytest.raises(
        ValueError, match=r"Linear: (in|out)_features must be a positive integer, got"
    ):
        nn.Linear(*args, rng=rng())


def test_linear_needs_a_generator():
    with pytest.raises(TypeError, match="rng"):
        nn.Linear(3, 2)
    with pytest.raises(TypeError, match=r"rng: a numpy\.random\.Generator is needed"):
        nn.Linear(3, 2, rng=0)


def test_linear_refuses_images_and_float64():
    layer = nn.Linear(784, 10, rng=rng())
    with pytest.raises(
        ValueError, match=r"Linear\(784, 10\).*length 784.*\(5, 1, 28, 28\).*Flatten"
    ):
        layer(np.zeros((5, 1, 28, 28), np.float32))
    with pytest.raises(ValueError, match=r"Linear\(784, 10\).*shape \(\)"):
        layer(Tensor(1.0))
    with pytest.raises(TypeError, match=r"linear\(x: \(5, 784\) float64, w: \(10, 784\) float32"):
        layer(np.zeros((5, 784)))


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (nn.ReLU(), torch.nn.ReLU()),
        (nn.Sigmoid(), torch.nn.Sigmoid()),
        (nn.Tanh(), torch.nn.Tanh()),
        (nn.Softmax(), torch.nn.Softmax(-1)),
        (nn.Softmax(1), torch.nn.Softmax(1)),
        (nn.LogSoftmax(axis=1), torch.nn.LogSoftmax(1)),
        (nn.Flatten(), torch.nn.Flatten()),
    ],
    ids=lambda m: type(m).__name__,
)
def test_layers_without_parameters(ours, theirs):
    data = rng().normal(size=(2, 3, 4))
    assert ours.parameters() == []
    assert_close(ours(Tensor(data)).data, theirs(torch.from_numpy(data)).numpy())


def test_sequential():
    layers = nn.Flatten(), nn.Linear(4, 2, rng=rng()), nn.ReLU()
    model = nn.Sequential(*layers)
    assert len(model) == 3 and model[1] is layers[1] and model[-1] is layers[-1]
    x = rng(1).normal(size=(3, 2, 2)).astype(np.float32)
    assert_close(model(x).data, layers[2](layers[1](layers[0](x))).data, np.float32)
    assert nn.Sequential()(x) is x
    with pytest.raises(TypeError, match="Sequential: argument 1 must be a Module"):
        nn.Sequential(nn.ReLU(), np.tanh)


@pytest.mark.parametrize("kind", [nn.Sequential, lambda *m: nn.ModuleList(m)])
def test_a_slice_is_a_list_of_its_kind_that_shares_the_modules(kind):
    model = kind(nn.Flatten(), nn.Linear(3, 2, rng=np.random.default_rng(0)), nn.Tanh())
    part = model[1:]
    assert type(part) is type(model) and list(part) == list(model)[1:]
    assert part[0].weight is model[1].weight and list(part.state_dict()) == ["0.weight", "0.bias"]
    assert model[-1] is list(model)[2] and len(model[3:]) == 0
