"""Recurrent layers and embeddings against torch, and by what they promise."""

import numpy as np
import pytest
import torch
from helpers import assert_close, normal

from lecturelib import Tensor, nn
from lecturelib.analysis import gradcheck

CELLS = ["RNNCell", "LSTMCell", "GRUCell"]
LAYERS = ["RNN", "LSTM", "GRU"]


def pair(name, *args, **kwargs):
    """Our layer and torch's with the same weights, in float64."""
    ours = getattr(nn, name)(*args, **kwargs, rng=np.random.default_rng(0), dtype=np.float64)
    theirs = getattr(torch.nn, name)(*args, **kwargs).double()
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    return ours, theirs


def flat(out):
    """The tensors in nested tuples, in order."""
    return [t for o in out for t in flat(o)] if isinstance(out, tuple) else [out]


def assert_same(ours, theirs, x, *state):
    """Outputs, and gradients of a weighted sum of all of them, for input, state and weights."""
    xs = [Tensor(v, requires_grad=True) for v in (x, *state)]
    ts = [torch.tensor(v, requires_grad=True) for v in (x, *state)]
    pack = lambda v: v[1] if len(v) == 2 else tuple(v[1:])
    out = flat(ours(xs[0], pack(xs)) if state else ours(xs[0]))
    expected = flat(theirs(ts[0], pack(ts)) if state else theirs(ts[0]))
    assert len(out) == len(expected)
    total, torch_total = 0.0, 0.0
    for o, e in zip(out, expected, strict=True):
        assert_close(o.data, e.detach().numpy())
        g = normal(*o.shape, seed=5)
        total, torch_total = total + (o * g).sum(), torch_total + (e * torch.tensor(g)).sum()
    total.backward(), torch_total.backward()
    for v, t in zip(xs, ts, strict=True):
        assert_close(v.grad, t.grad.numpy())
    torch_parameters = dict(theirs.named_parameters())
    for name, p in ours.named_parameters():
        assert_close(p.grad, torch_parameters[name].grad.numpy())
    assert len(ours.parameters()) == len(torch_parameters)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", CELLS)
def test_cell_as_torch(name, bias):
    ours, theirs = pair(name, 4, 3, bias=bias)
    assert_same(ours, theirs, normal(5, 4))
    ours.zero_grad(), theirs.zero_grad()
    states = [normal(5, 3, seed=k) for k in range(1, 3 if name == "LSTMCell" else 2)]
    assert_same(ours, theirs, normal(5, 4), *states)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("name", LAYERS)
def test_layer_as_torch(name, num_layers, batch_first):
    ours, theirs = pair(name, 4, 3, num_layers=num_layers, batch_first=batch_first)
    x = normal(2, 6, 4) if batch_first else normal(6, 2, 4)
    assert_same(ours, theirs, x)
    ours.zero_grad(), theirs.zero_grad()
    shape = (num_layers, 2, 3)
    states = [normal(*shape, seed=k) for k in range(1, 3 if name == "LSTM" else 2)]
    assert_same(ours, theirs, x, *states)


@pytest.mark.parametrize("name", CELLS)
def test_cell_against_finite_differences(name):
    cell = getattr(nn, name)(3, 2, rng=np.random.default_rng(0), dtype=np.float64)
    gradcheck(lambda x: sum(o.sum() for o in flat(cell(x))), normal(2, 3), order=2)


def test_a_long_sequence_goes_back_without_recursion():
    rnn = nn.RNN(1, 2, rng=np.random.default_rng(0))
    x = Tensor(np.ones((3000, 1, 1), np.float32), requires_grad=True)
    _, h = rnn(x)
    h.sum().backward()
    assert np.isfinite(x.grad).all() and x.grad[-1].any()


def test_same_seed_same_weights_within_the_bound():
    a, b = (nn.LSTM(4, 9, rng=np.random.default_rng(3)) for _ in range(2))
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert np.array_equal(p.data, q.data)
        assert p.dtype == np.float32 and 0.2 < np.abs(p.data).max() <= 1 / 3


def test_embedding_as_torch_with_repeated_rows():
    ours = nn.Embedding(5, 3, rng=np.random.default_rng(0), dtype=np.float64)
    theirs = torch.nn.Embedding(5, 3).double()
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    index = np.array([[1, 4, 1], [0, 1, 4]])
    out, expected = ours(index), theirs(torch.tensor(index))
    g = normal(2, 3, 3)
    out.backward(g), expected.backward(torch.tensor(g))
    assert_close(out.data, expected.detach().numpy())
    assert_close(ours.weight.grad, theirs.weight.grad.numpy())
    assert not ours.weight.grad[[2, 3]].any()


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda r: nn.RNNCell(0, 3, rng=r), ValueError, "input_size must be a positive integer"),
        (lambda r: nn.LSTMCell(4, 3, rng=r)(normal(5, 3)), ValueError, r"\(N, 4\).*got \(5, 3\)"),
        (lambda r: nn.GRU(4, 3, rng=r)(normal(5, 4)), ValueError, r"\(L, N, 4\).*got \(5, 4\)"),
        (lambda r: nn.GRU(4, 3, batch_first=True, rng=r)(normal(5, 4)), ValueError, r"\(N, L, 4\)"),
        (lambda r: nn.RNN(4, 3, rng=r)(np.ones((0, 2, 4), np.float32)), ValueError, "one step"),
        (lambda r: nn.LSTM(4, 3, num_layers=0, rng=r), ValueError, "num_layers must be at least 1"),
        (lambda r: nn.Embedding(5, 3, rng=r)([0.5]), TypeError, "integer indices"),
        (lambda r: nn.Embedding(5, 3, rng=r)([5]), IndexError, r"\[0, 5\).*from 5 to 5"),
        (lambda r: nn.Embedding(5, 3, rng=r)([-1]), IndexError, r"from -1 to -1"),
    ],
)
def test_bad_input_names_the_layer(call, error, message):
    with pytest.raises(error, match=message):
        call(np.random.default_rng(0))
