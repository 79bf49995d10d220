"""Buffers, freezing, lists of modules, and state in files that hold arrays only."""

import copy
import pickle
import sys

import numpy as np
import pytest
import safetensors.torch
import torch
from helpers import assert_close, normal

from lecturelib import Tensor, nn
from lecturelib.optim import SGD


def rng(seed=0):
    return np.random.default_rng(seed)


class Counter(nn.Module):
    """A layer, a parameter and two buffers; counts its calls and averages what it sees."""

    def __init__(self):
        self.layer = nn.Linear(3, 2, rng=rng())
        self.register_buffer("average", np.zeros(3, np.float32))
        self.scale = nn.Parameter(2.0)
        self.register_buffer("calls", np.array(0))

    def forward(self, x):
        self.average = 0.5 * self.average + 0.5 * x.mean(axis=0)
        self.calls = self.calls + 1
        return self.layer(x) * self.scale


class TorchCounter(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)
        self.register_buffer("average", torch.zeros(3))
        self.scale = torch.nn.Parameter(torch.tensor(2.0))
        self.register_buffer("calls", torch.tensor(0))


def used():
    model = Counter()
    for seed in range(3):
        model(normal(4, 3, seed=seed).astype(np.float32))
    return model


def same(a, b):
    return a.keys() == b.keys() and all(
        np.array_equal(a[k], b[k]) and a[k].dtype == b[k].dtype for k in a
    )


def test_buffers_are_state_but_not_parameters():
    model = used()
    assert [n for n, _ in model.named_parameters()] == ["scale", "layer.weight", "layer.bias"]
    assert [n for n, _ in model.named_buffers()] == ["average", "calls"]
    state, theirs = model.state_dict(), TorchCounter().state_dict()
    assert list(state) == list(theirs)
    assert {k: v.shape for k, v in state.items()} == {k: tuple(v.shape) for k, v in theirs.items()}
    assert state["calls"] == 3 and isinstance(state["calls"], np.ndarray)
    assert state["calls"].dtype == np.int64
    assert [n for n, _ in nn.Sequential(model).named_buffers()] == ["0.average", "0.calls"]
    assert nn.Linear(2, 2, rng=rng()).buffer_names == () == nn.Module.buffer_names


def test_buffers_to_torch_and_back():
    ours, theirs = used(), TorchCounter()
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in ours.state_dict().items()})
    assert theirs.calls == 3
    assert_close(theirs.average.numpy(), ours.average, np.float32)
    again = Counter()
    again.load_state_dict(theirs.state_dict())
    assert same(again.state_dict(), ours.state_dict())
    theirs.average.zero_()
    assert np.all(again.average != 0)  # a copy


def test_buffers_in_a_state_are_copies():
    model = used()
    state = model.state_dict()
    state["average"] += 1
    assert not np.array_equal(state["average"], model.average)
    given = np.zeros(2)
    model.register_buffer("given", given)
    model.register_buffer("given", given)  # again: once in the state
    given += 1
    assert list(model.state_dict()).count("given") == 1 and np.all(model.given == 0)
    assert "given" not in Counter().state_dict()  # names belong to one object, not to the class
    assert same(copy.deepcopy(model).state_dict(), model.state_dict())


@pytest.mark.parametrize("name", ["a.b", "", "0", 3])
def test_a_buffer_is_an_attribute(name):
    with pytest.raises(ValueError, match="register_buffer: name must be a Python identifier"):
        nn.Module().register_buffer(name, np.zeros(1))


def test_a_wrong_buffer_is_named_and_changes_nothing():
    model = used()
    before = model.state_dict()
    state = {**before, "scale": np.array(9.0), "average": np.zeros(4)}
    with pytest.raises(ValueError, match=r"state\['average'\]: shape \(4,\)"):
        model.load_state_dict(state)
    assert same(model.state_dict(), before)


def test_frozen_parameters_do_not_learn():
    first, second = nn.Linear(3, 3, rng=rng()), nn.Linear(3, 1, rng=rng(1))
    model = nn.Sequential(first, nn.Tanh(), second)
    x = Tensor(normal(5, 3).astype(np.float32))
    model(x).sum().backward()
    assert first.freeze() is first
    assert first.weight.grad is None and second.weight.grad is not None
    before, other = first.state_dict(), second.state_dict()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        model.zero_grad()
        model(x).sum().backward()
        optimizer.step()
    assert all(p.grad is None for p in first.parameters())
    assert same(first.state_dict(), before)
    assert not np.array_equal(second.weight.data, other["weight"])
    assert first.unfreeze() is first
    model(x).sum().backward()
    assert all(p.grad is not None for p in first.parameters())


def test_gradients_pass_through_frozen_layers():
    layers = [nn.Linear(3, 3, rng=rng(i), dtype=float) for i in range(2)]
    grads = []
    for frozen in (False, True):
        if frozen:
            layers[1].freeze()
        layers[0].zero_grad()
        nn.Sequential(*layers)(normal(5, 3)).sum().backward()
        grads.append(layers[0].weight.grad)
    assert_close(*grads)


def test_count_parameters():
    model = nn.Sequential(used(), nn.Linear(4, 5, bias=False, rng=rng()))
    assert nn.count_parameters(model) == 3 * 2 + 2 + 1 + 20
    model[1].freeze()
    assert nn.count_parameters(model) == 29
    assert nn.count_parameters(model, trainable=True) == 9
    model[0].again = model[0].layer  # shared: counted once
    assert nn.count_parameters(model) == 29
    assert nn.count_parameters(nn.ReLU()) == 0


def test_module_list():
    layers = [nn.Linear(2, 2, rng=rng(i)) for i in range(11)]
    ours = nn.ModuleList(layers[:9])
    assert ours.append(layers[9]) is ours
    ours.append(layers[10])
    assert len(ours) == 11 and list(ours) == layers and ours[-1] is layers[10]
    theirs = torch.nn.ModuleList(torch.nn.Linear(2, 2) for _ in range(11))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert len(ours.parameters()) == 22 and len(nn.ModuleList()) == 0
    assert repr(nn.ModuleList([nn.ReLU()])) == "ModuleList(\n  (0): ReLU()\n)"
    with pytest.raises(TypeError, match="ModuleList: argument 1 must be a Module, got 3"):
        nn.ModuleList([nn.ReLU(), 3])
    with pytest.raises(NotImplementedError, match="ModuleList must define forward"):
        ours(1)


def test_state_in_a_file(tmp_path):
    path = tmp_path / "model.npz"
    model = used()
    nn.save_state(model.state_dict(), path)
    state = nn.load_state(path)
    assert list(state) == list(model.state_dict()) and same(state, model.state_dict())
    again = Counter()
    again.load_state_dict(nn.load_state(str(path)))
    assert same(again.state_dict(), model.state_dict())
    nn.save_state(TorchCounter().state_dict(), path)  # tensors too
    again.load_state_dict(nn.load_state(path))
    assert again.calls == 0
    nn.save_state({}, path)
    assert nn.load_state(path) == {}


def test_safetensors_are_those_of_the_package(tmp_path):
    path, model = tmp_path / "model.safetensors", used()
    nn.save_state(model.state_dict(), path)
    state = safetensors.torch.load_file(path)
    assert same({k: v.numpy() for k, v in state.items()}, model.state_dict())
    again = Counter()
    again.load_state_dict(nn.load_state(path))
    assert same(again.state_dict(), model.state_dict())
    strided = np.arange(6.0).reshape(2, 3).T  # the format knows no strides
    nn.save_state({"x": strided, "n": np.array(3)}, path)
    back = nn.load_state(path)
    assert np.array_equal(back["x"], strided) and back["n"].shape == () and back["n"] == 3
    peer = TorchCounter().state_dict()
    safetensors.torch.save_file(peer, path)
    again.load_state_dict(nn.load_state(path))
    assert same(again.state_dict(), {k: v.numpy() for k, v in peer.items()})
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match=r"load_state: .*model.safetensors' is no .safetensors"):
        nn.load_state(path)
    with pytest.raises(FileNotFoundError):
        nn.load_state(tmp_path / "none.safetensors")


def test_without_safetensors_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ModuleNotFoundError, match="pip install safetensors"):
        nn.save_state({}, tmp_path / "m.safetensors")


class Trap:
    """What a pickle would run when it is read."""

    def __reduce__(self):
        return (pytest.fail, ("the pickle was run",))


def test_nothing_pickled_is_read(tmp_path):
    traps = {
        "objects.npz": lambda p: np.savez(p, good=np.zeros(2), bad=np.array([Trap()], object)),
        "pickle.npz": lambda p: p.write_bytes(pickle.dumps(Trap())),
        "torch.npz": lambda p: torch.save(TorchCounter().state_dict(), p),
        "array.npz": lambda p: p.write_bytes(b"\x93NUMPY"),
        "empty.npz": lambda p: p.write_bytes(b""),
    }
    for name, write in traps.items():
        write(tmp_path / name)
        with pytest.raises(ValueError, match=rf"load_state: .*{name}.*(save_state|is no array)"):
            nn.load_state(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        nn.load_state(tmp_path / "none.npz")


@pytest.mark.parametrize(
    "state, path, kind, message",
    [
        ({}, "model.pt", ValueError, "path must end in .npz or .safetensors, got 'model.pt'"),
        ({}, "model", ValueError, "path must end in .npz"),
        (nn.ReLU(), "m.npz", TypeError, r"such as model.state_dict\(\), got ReLU"),
        ({"a": nn.ReLU()}, "m.npz", TypeError, r"state\['a'\] must be an array of numbers"),
        ({"a": "text"}, "m.npz", TypeError, r"state\['a'\] must be an array of numbers, got <U4"),
        ({"file": np.zeros(1)}, "m.npz", ValueError, "cannot store the name 'file'"),
    ],
)
def test_what_cannot_be_saved_is_named(state, path, kind, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=f"save_state: .*{message}"):
        nn.save_state(state, path)
    assert not list(tmp_path.iterdir())
