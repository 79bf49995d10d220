"""The normalizations: against torch, finite differences, each other, and by what they promise."""

import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from helpers import CHECKS, Case, assert_close, check_name, normal

from lecturelib import Tensor, gradients
from lecturelib.functional import normalization as N
from lecturelib.ops.normalize import standardize

X, V, B = normal(4, 6, 3, 2), normal(6, seed=1), normal(6, seed=2)
LAYER_W, LAYER_B = normal(3, 2, seed=1), normal(3, 2, seed=2)
MEAN, VAR = normal(6, seed=3), np.abs(normal(6, seed=4)) + 0.1


def torch_running(x):
    return torch.tensor(MEAN).to(x.dtype), torch.tensor(VAR).to(x.dtype)


def running(x):
    return MEAN.astype(x.dtype), VAR.astype(x.dtype)


CASES = [
    Case("batch, training", lambda x, w, b: N.batch_norm(x, weight=w, bias=b, training=True),
         lambda x, w, b: TF.batch_norm(x, None, None, w, b, training=True), X, V, B),
    Case("batch, evaluation", lambda x, w, b: N.batch_norm(x, *running(x), w, b),
         lambda x, w, b: TF.batch_norm(x, *torch_running(x), w, b), X, V, B),
    Case("batch, no affine, 2-D", lambda x: N.batch_norm(x, training=True, eps=0.1),
         lambda x: TF.batch_norm(x, None, None, training=True, eps=0.1), normal(5, 3)),
    Case("layer", lambda x, w, b: N.layer_norm(x, (3, 2), w, b),
         lambda x, w, b: TF.layer_norm(x, (3, 2), w, b), X, LAYER_W, LAYER_B),
    Case("layer, one axis", lambda x: N.layer_norm(x, 6), lambda x: TF.layer_norm(x, (6,)),
         normal(4, 6)),
    Case("group", lambda x, w, b: N.group_norm(x, 3, w, b),
         lambda x, w, b: TF.group_norm(x, 3, w, b), X, V, B),
    Case("instance", lambda x, w, b: N.instance_norm(x, w, b),
         lambda x, w, b: TF.instance_norm(x, weight=w, bias=b), X, V, B),
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=check_name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_normalization(case, check):
    check(case)


def test_one_group_is_layer_norm_and_c_groups_are_instance_norm():
    x = normal(2, 6, 4, 3)
    assert_close(N.group_norm(x, 1), N.layer_norm(x, (6, 4, 3)))
    assert_close(N.group_norm(x, 6), N.instance_norm(x))


@pytest.mark.parametrize("axes", [(0,), (0, 2, 3), (1, 2), (-1,)])
def test_result_has_mean_0_and_variance_1(axes):
    y = standardize(normal(8, 5, 4, 3), axes=axes, eps=0.0)
    np.testing.assert_allclose(y.mean(axis=axes), 0, atol=1e-14)
    np.testing.assert_allclose(y.var(axis=axes), 1, rtol=1e-13)


def test_shift_and_scale_of_the_input_change_nothing():
    x = normal(8, 5)
    assert_close(standardize(3 * x + 7, axes=(0,), eps=0.0), standardize(x, axes=(0,), eps=0.0))


def test_digits_survive_a_mean_far_from_zero():
    """The variance as E[x²] − E[x]² would have no digit left here in float32."""
    x = normal(64, 3)
    far = (x + 1e4).astype(np.float32)
    ours = standardize(far, axes=(0,), eps=1e-5)
    exact = standardize(far.astype(np.float64), axes=(0,), eps=1e-5)
    np.testing.assert_allclose(ours, exact, atol=2e-6)


def test_backward_derived_by_hand_as_in_the_paper():
    """The gradient of Ioffe and Szegedy, written with its intermediate sums."""
    x, g = normal(7, 4), normal(7, 4, seed=1)
    eps, m = 1e-5, 7
    mu, var = x.mean(0), x.var(0)
    d_var = (g * (x - mu)).sum(0) * -0.5 * (var + eps) ** -1.5
    d_mu = -g.sum(0) / np.sqrt(var + eps) + d_var * (-2 * (x - mu)).sum(0) / m
    by_hand = g / np.sqrt(var + eps) + d_var * 2 * (x - mu) / m + d_mu / m
    t = Tensor(x, requires_grad=True)
    assert_close(gradients(N.batch_norm(t, training=True), [t], g)[0], by_hand)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: N.batch_norm(np.ones(3)), r"x of shape \(N, C, …\) is needed, got \(3,\)"),
        (lambda: N.batch_norm(X, weight=np.ones(5), training=True), r"weight .* \(6,\).*\(5,\)"),
        (lambda: N.batch_norm(np.ones((1, 3)), training=True), "one number for each channel"),
        (lambda: N.batch_norm(X), "running_mean and running_var are needed"),
        (lambda: N.layer_norm(X, 3), r"must end in the axes \(3,\), got \(4, 6, 3, 2\)"),
        (lambda: N.layer_norm(X, ()), "must end in the axes"),
        (lambda: N.group_norm(X, 4), r"4 groups must divide .* \(4, 6, 3, 2\)"),
        (lambda: N.group_norm(X, 0), "0 groups must divide"),
        (lambda: N.instance_norm(normal(4, 6)), r"got \(4, 6\)"),
        (lambda: N.instance_norm(normal(4, 6, 1)), r"got \(4, 6, 1\)"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
