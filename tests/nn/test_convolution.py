"""Convolutional layers: torch's start, names and results; errors that name the layer."""

import numpy as np
import pytest
import torch
from helpers import assert_close

from lecturelib import Tensor, nn


def rng(seed=0):
    return np.random.default_rng(seed)


LAYERS = [
    (nn.Conv2d, torch.nn.Conv2d, (4, 6, 3), {}, (2, 4, 7, 6)),
    (nn.Conv2d, torch.nn.Conv2d, (4, 6, (3, 2), (1, 2), (2, 1), 2, 2), {}, (2, 4, 7, 6)),
    (nn.Conv2d, torch.nn.Conv2d, (4, 4, 1), {"bias": False}, (2, 4, 3, 3)),
    (nn.Conv1d, torch.nn.Conv1d, (4, 6, 3), {}, (2, 4, 7)),
    (nn.Conv1d, torch.nn.Conv1d, (4, 6, 3, 2, 1, 2, 2, False), {}, (2, 4, 9)),
]


@pytest.mark.parametrize("ours, theirs, args, options, shape", LAYERS)
def test_values_gradients_and_state_are_torchs(ours, theirs, args, options, shape):
    layer, peer = ours(*args, rng=rng(), **options), theirs(*args, **options)
    layer.load_state_dict(peer.state_dict())
    x = rng(1).normal(size=shape).astype(np.float32)
    out, expected = layer(Tensor(x)), peer(torch.tensor(x))
    assert_close(out.data, expected.detach().numpy(), np.float32)
    (out * out).sum().backward()
    (expected * expected).sum().backward()
    for (name, p), (peer_name, q) in zip(layer.named_parameters(), peer.named_parameters()):
        assert name == peer_name
        assert_close(p.grad, q.grad.numpy(), np.float32)
    back = {k: torch.from_numpy(v) for k, v in layer.state_dict().items()}
    peer.load_state_dict(back)  # raises unless names and shapes are torch's


def test_the_start_is_uniform_on_one_over_the_root_of_the_fan_in():
    layer = nn.Conv2d(8, 64, 5, groups=2, rng=rng())
    bound = 1 / np.sqrt(4 * 25)
    assert layer.weight.dtype == np.float32
    for p in (layer.weight, layer.bias):
        assert np.abs(p.data).max() <= bound
        assert np.abs(p.data).max() > 0.9 * bound
        np.testing.assert_allclose(p.data.std(), bound / np.sqrt(3), rtol=0.2)
    again = nn.Conv2d(8, 64, 5, groups=2, rng=rng())
    assert np.array_equal(layer.weight.data, again.weight.data)
    assert nn.Conv2d(1, 1, 1, rng=rng(), dtype=np.float64).weight.dtype == np.float64


def test_a_layer_says_what_it_is():
    assert repr(nn.Conv2d(1, 6, 5, rng=rng())) == "Conv2d(1, 6, 5)"
    layer = nn.Conv2d(4, 6, (3, 2), 2, (0, 1), groups=2, bias=False, rng=rng())
    assert repr(layer) == "Conv2d(4, 6, (3, 2), stride=2, padding=(0, 1), groups=2, bias=False)"
    assert repr(nn.Conv1d(4, 6, 3, dilation=2, rng=rng())) == "Conv1d(4, 6, 3, dilation=2)"


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: nn.Conv2d(0, 6, 3, rng=rng()), r"Conv2d: in_channels must be a positive integer"),
        (lambda: nn.Conv2d(1, 2.0, 3, rng=rng()), r"Conv2d: out_channels must be.*got 2\.0"),
        (lambda: nn.Conv2d(4, 6, 3, groups=0, rng=rng()), r"Conv2d: groups must be"),
        (
            lambda: nn.Conv2d(4, 6, 3, groups=4, rng=rng()),
            r"Conv2d: groups=4 must divide in_channels=4 and out_channels=6",
        ),
        (lambda: nn.Conv2d(6, 4, 3, groups=4, rng=rng()), r"groups=4 must divide in_channels=6"),
        (lambda: nn.Conv1d(4, 6, 0, rng=rng()), r"Conv1d: kernel_size must be an integer ≥ 1"),
        (lambda: nn.Conv2d(4, 6, 3, stride=0, rng=rng()), r"Conv2d: stride must be"),
        (lambda: nn.Conv2d(4, 6, 3, padding=-1, rng=rng()), r"Conv2d: padding must be"),
        (
            lambda: nn.Conv2d(4, 6, 3, rng=rng())(np.zeros((4, 5, 5), np.float32)),
            r"Conv2d\(4, 6, 3\): conv2d: x must be.*got \(4, 5, 5\).*x\[None\]",
        ),
        (
            lambda: nn.Conv2d(4, 6, 3, rng=rng())(np.zeros((1, 3, 5, 5), np.float32)),
            r"Conv2d\(4, 6, 3\): conv2d: x \(1, 3, 5, 5\) has 3 channels",
        ),
        (
            lambda: nn.Conv1d(4, 6, 3, rng=rng())(np.zeros((1, 4, 2), np.float32)),
            r"Conv1d\(4, 6, 3\): conv1d .*: a window of \(1, 3\) is larger",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_generator_is_needed():
    with pytest.raises(TypeError, match="rng"):
        nn.Conv2d(1, 1, 1)
    with pytest.raises(TypeError, match=r"rng: a numpy\.random\.Generator is needed"):
        nn.Conv2d(1, 1, 1, rng=0)
