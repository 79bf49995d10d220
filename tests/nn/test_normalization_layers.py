"""Normalization layers against torch's: outputs, gradients, running statistics and state."""

import numpy as np
import pytest
import torch
from helpers import assert_close, normal

from lecturelib import Tensor, nn

LAYERS = [
    (lambda: nn.BatchNorm1d(5, dtype=np.float64), lambda: torch.nn.BatchNorm1d(5), (8, 5)),
    (lambda: nn.BatchNorm1d(5, eps=1e-3, momentum=0.3, dtype=np.float64),
     lambda: torch.nn.BatchNorm1d(5, eps=1e-3, momentum=0.3), (8, 5, 3)),
    (lambda: nn.BatchNorm2d(5, dtype=np.float64), lambda: torch.nn.BatchNorm2d(5), (4, 5, 3, 2)),
    (lambda: nn.BatchNorm2d(5, affine=False, dtype=np.float64),
     lambda: torch.nn.BatchNorm2d(5, affine=False), (4, 5, 3, 2)),
    (lambda: nn.BatchNorm2d(5, track_running_stats=False, dtype=np.float64),
     lambda: torch.nn.BatchNorm2d(5, track_running_stats=False), (4, 5, 3, 2)),
    (lambda: nn.LayerNorm(6, dtype=np.float64), lambda: torch.nn.LayerNorm(6), (3, 6)),
    (lambda: nn.LayerNorm((5, 6), dtype=np.float64), lambda: torch.nn.LayerNorm((5, 6)), (3, 5, 6)),
    (lambda: nn.GroupNorm(2, 6, dtype=np.float64), lambda: torch.nn.GroupNorm(2, 6), (3, 6, 4)),
    (lambda: nn.InstanceNorm2d(5, dtype=np.float64),
     lambda: torch.nn.InstanceNorm2d(5), (4, 5, 3, 2)),
    (lambda: nn.InstanceNorm2d(5, affine=True, dtype=np.float64),
     lambda: torch.nn.InstanceNorm2d(5, affine=True), (4, 5, 3, 2)),
]  # fmt: skip


def ids(value):
    return repr(value()) if callable(value) else None


@pytest.mark.parametrize("ours, theirs, shape", LAYERS, ids=ids)
def test_training_then_evaluation_as_torch(ours, theirs, shape):
    """Three training batches, then evaluation: outputs, gradients and state at each step."""
    ours, theirs = ours(), theirs().double()
    rng = np.random.default_rng(0)
    for p, (name, q) in zip(ours.parameters(), theirs.named_parameters(), strict=True):
        p.data = rng.normal(size=p.shape)
        q.data = torch.tensor(p.data)
        assert dict(ours.named_parameters())[name] is p
    for step in range(4):
        ours.train(step < 3), theirs.train(step < 3)
        x = normal(*shape, seed=step) * (step + 1) + step
        t, tt = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        ours.zero_grad(), theirs.zero_grad()
        out, expected = ours(t), theirs(tt)
        g = normal(*shape, seed=9)
        out.backward(g), expected.backward(torch.tensor(g))
        assert_close(out.data, expected.detach().numpy())
        assert_close(t.grad, tt.grad.numpy())
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert_close(p.grad, q.grad.numpy())
    state, torch_state = ours.state_dict(), theirs.state_dict()
    assert state.keys() == torch_state.keys()
    for name, value in torch_state.items():
        np.testing.assert_allclose(state[name], value.numpy(), rtol=1e-12)


@pytest.mark.parametrize("ours, theirs, shape", LAYERS, ids=ids)
def test_state_goes_both_ways(ours, theirs, shape):
    ours, theirs = ours(), theirs().double()
    theirs(torch.tensor(normal(*shape)))
    ours.load_state_dict(theirs.state_dict())
    other = type(theirs).__new__(type(theirs))
    other.__dict__ = theirs.__dict__
    other.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    x = normal(*shape, seed=1)
    ours.eval(), other.eval()
    assert_close(ours(Tensor(x)).data, other(torch.tensor(x)).detach().numpy())


def test_float32_stays_float32():
    layer = nn.BatchNorm2d(3)
    x = normal(4, 3, 2, 2).astype(np.float32)
    assert layer(Tensor(x)).dtype == np.float32
    assert layer.running_mean.dtype == layer.running_var.dtype == np.float32
    assert layer.eval()(Tensor(x)).dtype == np.float32


def test_evaluation_leaves_the_statistics_alone_and_ignores_the_rest_of_the_batch():
    layer = nn.BatchNorm1d(3, dtype=np.float64)
    layer(Tensor(normal(8, 3)))
    before = layer.state_dict()
    layer.eval()
    x = normal(8, 3, seed=1)
    whole, alone = layer(Tensor(x)).data, layer(Tensor(x[:1])).data
    assert_close(whole[:1], alone)
    for name, value in layer.state_dict().items():
        assert np.array_equal(value, before[name])


def test_running_statistics_approach_those_of_the_data():
    rng = np.random.default_rng(0)
    layer = nn.BatchNorm1d(2, dtype=np.float64)
    for _ in range(300):
        layer(Tensor(rng.normal([1.0, -2.0], [0.5, 3.0], size=(64, 2))))
    np.testing.assert_allclose(layer.running_mean, [1, -2], atol=0.2)
    np.testing.assert_allclose(layer.running_var, [0.25, 9], rtol=0.15)
    assert layer.num_batches_tracked == 300


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: nn.BatchNorm2d(3)(normal(4, 5, 2, 2)), r"BatchNorm2d\(3\).*\(4, 5, 2, 2\)"),
        (lambda: nn.BatchNorm2d(3)(normal(4, 3)), r"with 4 axes is needed, got \(4, 3\)"),
        (lambda: nn.BatchNorm1d(3)(normal(1, 3)), "take a larger batch"),
        (lambda: nn.GroupNorm(4, 6), "num_groups=4 must divide num_channels=6"),
        (lambda: nn.GroupNorm(2, 6)(normal(4, 5, 2)), r"GroupNorm\(2, 6\)"),
        (lambda: nn.InstanceNorm2d(3)(normal(4, 3, 2)), r"images \(N, 3, H, W\)"),
        (lambda: nn.LayerNorm(3)(normal(4, 5)), r"axes \(3,\), got \(4, 5\)"),
    ],
)
def test_bad_input_names_the_layer(call, message):
    with pytest.raises(ValueError, match=message):
        call()
