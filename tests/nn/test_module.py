"""Modules: names, sharing, modes, printing, and state that goes to torch and back."""

import numpy as np
import pytest
import torch
from helpers import assert_close

from lecturelib.nn import Flatten, Linear, Module, Parameter, ReLU, Sequential, Tanh


def rng(seed=0):
    return np.random.default_rng(seed)


def mlp(dtype=np.float32, seed=0):
    r = rng(seed)
    return Sequential(
        Flatten(), Linear(8, 5, rng=r, dtype=dtype), Tanh(), Linear(5, 3, rng=r, dtype=dtype)
    )


def torch_mlp(dtype=torch.float32):
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(8, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)
    ).to(dtype)


class Tied(Module):
    """Two layers with one weight, a parameter of its own, and a submodule used twice."""

    def __init__(self):
        self.scale = Parameter(2.0)
        self.first = Linear(3, 3, rng=rng())
        self.second = Linear(3, 3, rng=rng(1))
        self.second.weight = self.first.weight
        self.again = self.first

    def forward(self, x):
        return self.again(self.second(self.first(x))) * self.scale


class TorchTied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(2.0))
        self.first = torch.nn.Linear(3, 3)
        self.second = torch.nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.again = self.first


def test_names_are_those_of_torch():
    for ours, theirs in ((mlp(), torch_mlp()), (Tied(), TorchTied())):
        assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
        assert list(ours.state_dict()) == list(theirs.state_dict())
        assert {n: v.shape for n, v in ours.state_dict().items()} == {
            n: tuple(v.shape) for n, v in theirs.state_dict().items()
        }


def test_shared_parameters_come_once():
    model = Tied()
    assert len(model.parameters()) == len(set(map(id, model.parameters()))) == 4
    assert list(model.state_dict()) == [
        "scale",
        "first.weight",
        "first.bias",
        "second.weight",
        "second.bias",
        "again.weight",
        "again.bias",
    ]


def test_shared_parameters_collect_both_gradients():
    model, apart = Tied(), Tied()
    apart.second.weight = Parameter(model.first.weight.data)
    apart.again = Linear(3, 3, rng=rng())
    x = np.ones((2, 3), np.float32)
    model(x).sum().backward()
    apart(x).sum().backward()
    total = apart.first.weight.grad + apart.second.weight.grad + apart.again.weight.grad
    np.testing.assert_allclose(model.first.weight.grad, total, rtol=1e-5)


@pytest.mark.parametrize(
    "dtype, torch_dtype", [(np.float32, torch.float32), (np.float64, torch.float64)]
)
def test_state_to_torch_and_back(dtype, torch_dtype):
    x = rng(5).normal(size=(4, 2, 4)).astype(dtype)
    ours, theirs = mlp(dtype), torch_mlp(torch_dtype)
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in ours.state_dict().items()})
    assert_close(ours(x).data, theirs(torch.from_numpy(x)).detach().numpy(), dtype)
    theirs = torch_mlp(torch_dtype)
    assert not np.allclose(ours(x).data, theirs(torch.from_numpy(x)).detach().numpy())
    ours.load_state_dict(theirs.state_dict())
    assert all(p.dtype == dtype and p.requires_grad for p in ours.parameters())
    assert_close(ours(x).data, theirs(torch.from_numpy(x)).detach().numpy(), dtype)
    for p, t in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert not np.shares_memory(p.data, t.detach().numpy())


def test_state_is_a_copy_both_ways():
    model = mlp()
    state = model.state_dict()
    state["1.weight"] += 1
    assert not np.array_equal(state["1.weight"], model.state_dict()["1.weight"])
    model.load_state_dict(state)
    before = state["1.weight"].copy()
    state["1.weight"] += 1
    assert np.array_equal(before, model.state_dict()["1.weight"])


@pytest.mark.parametrize(
    "change, kind, message",
    [
        (lambda s: s.pop("1.bias"), KeyError, r"state: missing \['1.bias'\], unknown \[\]"),
        (lambda s: s.update(extra=0), KeyError, r"unknown \['extra'\]"),
        (
            lambda s: s.update({"3.bias": np.zeros(4)}),
            ValueError,
            r"state\['3.bias'\]: shape \(4,\), the model needs \(3,\)",
        ),
    ],
)
def test_a_wrong_state_is_named_and_changes_nothing(change, kind, message):
    model = mlp()
    before = model.state_dict()
    state = {k: v + 1 for k, v in before.items()}
    change(state)
    with pytest.raises(kind, match=message):
        model.load_state_dict(state)
    assert all(np.array_equal(v, before[k]) for k, v in model.state_dict().items())


def test_train_and_eval_reach_everywhere():
    model = Sequential(Sequential(ReLU()), Tanh())
    assert all(m.training for m in model.modules()) and len(list(model.modules())) == 4
    assert model.eval() is model and not any(m.training for m in model.modules())
    assert model.train() is model and all(m.training for m in model.modules())


def test_zero_grad():
    model = mlp()
    model(np.ones((2, 8), np.float32)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_repr_shows_the_tree():
    model = Sequential(
        Linear(2, 3, rng=rng()), Sequential(ReLU(), Linear(3, 1, bias=False, rng=rng()))
    )
    assert (
        repr(model)
        == """Sequential(
  (0): Linear(2, 3)
  (1): Sequential(
    (0): ReLU()
    (1): Linear(3, 1, bias=False)
  )
)"""
    )


def test_forward_must_be_defined():
    class Empty(Module):
        """Without forward."""

    with pytest.raises(NotImplementedError, match="Empty must define forward"):
        Empty()(1)


def test_a_parameter_is_a_float():
    with pytest.raises(TypeError, match="requires_grad"):
        Parameter([1, 2])
    assert (
        Parameter([1.0]).dtype == np.float32
        and Parameter([1], dtype=np.float64).dtype == np.float64
    )
