"""Pooling layers: torch's results and arguments, in a chain with others, and their names."""

import numpy as np
import pytest
import torch
from helpers import assert_close, normal

from lecturelib import Tensor, functional, nn


@pytest.mark.parametrize(
    "name, args",
    [
        ("MaxPool2d", (2,)),
        ("MaxPool2d", (3, 2, 1)),
        ("MaxPool2d", ((2, 3), (1, 2), (1, 0))),
        ("AvgPool2d", (2,)),
        ("AvgPool2d", (3, 2, 1)),
        ("AvgPool2d", (3, 2, 1, False)),
        ("AdaptiveAvgPool2d", (1,)),
        ("AdaptiveAvgPool2d", ((3, None),)),
    ],
)
def test_the_layers_are_torchs(name, args):
    x = normal(2, 3, 6, 7)
    theirs = (*args[:3], False, *args[3:])  # their fourth argument is `ceil_mode`
    layer = getattr(nn, name)(*args)
    peer = getattr(torch.nn, name)(*(theirs if len(args) > 3 else args))
    assert layer.parameters() == []
    assert_close(layer(Tensor(x)).data, peer(torch.tensor(x)).numpy())


def test_the_layers_that_torch_lacks():
    x = normal(2, 3, 4, 4)
    assert_close(nn.GlobalAvgPool2d()(x), x.mean((2, 3)))
    assert_close(nn.LSEPool2d(2, 0.5)(x), functional.lse_pool2d(x, 2, 0.5))
    assert_close(nn.LSEPool2d(3, 2.0, 1, 1)(x), functional.lse_pool2d(x, 3, 2.0, 1, 1))


def test_a_small_network_of_them():
    rng = np.random.default_rng(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 3, 3, rng=rng), nn.GlobalAvgPool2d(),
    )
    out = net(np.zeros((5, 1, 8, 8), np.float32))
    assert out.shape == (5, 3) and out.requires_grad


def test_a_layer_says_what_it_is():
    assert repr(nn.MaxPool2d(2)) == "MaxPool2d(2)"
    assert repr(nn.AvgPool2d(3, 2, 1)) == "AvgPool2d(3, stride=2, padding=1)"
    assert repr(nn.LSEPool2d(2, 0.5)) == "LSEPool2d(2, temperature=0.5)"
    assert repr(nn.AdaptiveAvgPool2d((1, None))) == "AdaptiveAvgPool2d((1, None))"
    assert repr(nn.GlobalAvgPool2d()) == "GlobalAvgPool2d()"


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"MaxPool2d\(2\): max_pool2d: x must be.*\(3, 4, 4\)"):
        nn.MaxPool2d(2)(np.zeros((3, 4, 4)))
    with pytest.raises(ValueError, match=r"AvgPool2d\(5\): avg_pool2d: a window of \(5, 5\)"):
        nn.AvgPool2d(5)(np.zeros((1, 3, 4, 4)))
