"""The networks of the book: shapes, sizes counted by hand, and torch's results."""

import numpy as np
import pytest
import torch
from helpers import assert_close, normal

from lecturelib import Tensor, models, nn


def rng():
    return np.random.default_rng(0)


def test_mlp():
    net = models.mlp((6, 5, 4, 3), nn.Tanh, rng=rng(), dtype=np.float64)
    assert [type(m).__name__ for m in net] == [
        "Flatten", "Linear", "Tanh", "Linear", "Tanh", "Linear"]
    assert nn.count_parameters(net) == 35 + 24 + 15
    x = normal(2, 1, 2, 3)
    peer = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 4),
        torch.nn.Tanh(), torch.nn.Linear(4, 3)).double()
    net.load_state_dict(peer.state_dict())
    assert_close(net(Tensor(x)).data, peer(torch.tensor(x)).detach().numpy())
    with pytest.raises(ValueError, match=r"mlp: sizes must hold .* got \(6,\)"):
        models.mlp((6,), rng=rng())


def test_lenet():
    net = models.lenet(rng=rng())
    assert nn.count_parameters(net) == 61_706  # 156 + 2,416 + 48,120 + 10,164 + 850
    table = nn.summary(net, (1, 28, 28))
    assert table.multiply_adds == 784 * 150 + 100 * 16 * 150 + 400 * 120 + 120 * 84 + 840
    color = models.lenet(3, 100, nn.Tanh, nn.AvgPool2d, rng=rng())
    assert color(np.zeros((2, 3, 28, 28), np.float32)).shape == (2, 100)
    assert {type(m) for m in color} >= {nn.Tanh, nn.AvgPool2d}
