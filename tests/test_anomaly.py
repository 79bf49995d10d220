"""Anomaly mode: the first operation that makes a NaN or an infinity is named."""

import numpy as np
import pytest
import torch

from lecturelib import Tensor, core, detect_anomaly, nn, ops, primitive
from lecturelib import functional as F


@pytest.mark.parametrize("library", [np.asarray, torch.asarray])
def test_the_first_operation_is_named(library):
    x = Tensor(library(np.array([1.0, 0.0, -1.0])), requires_grad=True)
    with detect_anomaly(), np.errstate(all="ignore"):
        with pytest.raises(FloatingPointError, match=r"^log\(x: \(3,\) float64\): 1 of 3 "
                           r"elements are nan, the first at \(2,\)$"):
            x.log().sum()
        with pytest.raises(FloatingPointError, match=r"^divide\(.*are inf, the first at \(1,\)$"):
            1 / x
        with pytest.raises(FloatingPointError, match=r"^exp"):
            (1000 * x).exp()


def test_a_rule_is_named():
    x = Tensor(np.array([4.0, 0.0]), requires_grad=True)
    with detect_anomaly(), np.errstate(all="ignore"):
        root = x.sqrt().sum()  # fine; its slope at 0 is not
        with pytest.raises(FloatingPointError, match=r"^a rule of sqrt\(gradient of the result: "
                           r"\(2,\) float64\): 1 of 2 elements are inf, the first at \(1,\)"):
            root.backward()

    @primitive
    def broken(x):
        return x * 1

    broken.defvjp(x=lambda g, out, x: g * np.nan)
    with detect_anomaly(), pytest.raises(FloatingPointError, match="a rule of broken"):
        (broken(x) * 2).sum().backward()


def test_what_was_bad_before_is_said():
    x = Tensor([np.nan, 1.0])
    with detect_anomaly(), pytest.raises(FloatingPointError, match=r"multiply.*; x already held"):
        x * 2


def test_infinities_that_come_in_may_go_out():
    with detect_anomaly():
        masked = Tensor([0.0, 1.0]) + np.array([-np.inf, 0.0], np.float32)
        assert ops.softmax(masked).data.tolist() == [0.0, 1.0]
        F.lse_pool2d(Tensor(np.ones((1, 1, 3, 3))), 3, padding=1)


def test_a_healthy_step_passes_and_nothing_is_left_behind():
    layer = nn.Linear(3, 2, rng=np.random.default_rng(0))
    with detect_anomaly():
        F.cross_entropy(layer(np.ones((4, 3), np.float32)), [0, 1, 1, 0]).backward()
    assert layer.weight.grad is not None and core.observers == []
    with pytest.raises(ZeroDivisionError), detect_anomaly():
        raise ZeroDivisionError
    assert core.observers == []
    with np.errstate(all="ignore"):
        assert np.isnan(Tensor([-1.0]).log().item())
