"""The normalizations: against torch, finite differences, each other, and by what they promise."""

import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from helpers import CHECKS, Case, assert_close, check_name, normal

from lecturelib import Tensor, backend, gradients, ops
from lecturelib.core import unwrap
from lecturelib.functional import normalization as N
from lecturelib.kernels import numpy_norm
from lecturelib.ops.normalize import batch_moments, batch_normalize, standardize

X, V, B = normal(4, 6, 3, 2), normal(6, seed=1), normal(6, seed=2)
LAYER_W, LAYER_B = normal(3, 2, seed=1), normal(3, 2, seed=2)
MEAN, VAR = normal(6, seed=3), np.abs(normal(6, seed=4)) + 0.1


def torch_running(x):
    return torch.tensor(MEAN).to(x.dtype), torch.tensor(VAR).to(x.dtype)


def running(x):
    return backend.constant(MEAN, unwrap(x)), backend.constant(VAR, unwrap(x))


CASES = [
    Case("batch, training", lambda x, w, b: N.batch_norm(x, weight=w, bias=b, training=True),
         lambda x, w, b: TF.batch_norm(x, None, None, w, b, training=True), X, V, B),
    Case("batch, evaluation", lambda x, w, b: N.batch_norm(x, *running(x), w, b),
         lambda x, w, b: TF.batch_norm(x, *torch_running(x), w, b), X, V, B),
    Case("batch, no bias", lambda x, w: N.batch_norm(x, weight=w, training=True),
         lambda x, w: TF.batch_norm(x, None, None, w, training=True), X, V),
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


def test_digits_of_a_batch_survive_a_mean_far_from_zero():
    """The result and all gradients in float32, against float64.

    A mean rounded to float32 is off by up to 0.004 here, where the deviation is 1.
    """
    x = normal(64, 3, 2, 2)
    far, g = (x + 1e5).astype(np.float32), normal(64, 3, 2, 2, seed=1) + 3 * x
    w, b = normal(3), normal(3, seed=2)

    def outcome(dtype):
        xs = [Tensor(a.astype(dtype), requires_grad=True) for a in (far, w, b)]
        out = N.batch_norm(*xs[:1], weight=xs[1], bias=xs[2], training=True)
        out.backward(g.astype(dtype))
        return out.data, *(x.grad for x in xs)

    for ours, exact in zip(outcome(np.float32), outcome(np.float64), strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, exact, rtol=2e-6, atol=4e-6 * np.abs(exact).max())


def test_moments_are_those_of_numpy_with_more_digits_than_x():
    far = (normal(64, 3, 2, 2) + 1e5).astype(np.float32)
    mean, var = batch_moments(far)
    exact = far.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 2, 3)), rtol=0, atol=1e-6)
    np.testing.assert_allclose(var, exact.var(axis=(0, 2, 3)), rtol=1e-6)


def test_batch_norm_of_bytes():
    x = np.random.default_rng(0).integers(0, 256, (8, 3, 4, 4)).astype(np.uint8)
    assert_close(N.batch_norm(x, training=True), N.batch_norm(x.astype(float), training=True))


def composition(x, w, b):
    """Batch normalization in single steps, for the engine to differentiate."""
    axes = (0, *range(2, len(x.shape)))
    centred = x - ops.mean(x, axis=axes, keepdims=True)
    var = ops.mean(centred * centred, axis=axes, keepdims=True)
    w, b = (ops.reshape(v, shape=(-1, *[1] * (len(x.shape) - 2))) for v in (w, b))
    return centred / ops.sqrt(var + 1e-5) * w + b


def fused(x, w, b):
    return N.batch_norm(x, weight=w, bias=b, training=True)


@pytest.mark.parametrize("shape", [(5, 4), (3, 4, 2), (3, 4, 3, 2)])
def test_the_fused_form_equals_the_composition_of_primitives(shape):
    """Values, first derivatives (the kernel's and the rules'), second and third ones."""
    x, g = normal(*shape), normal(*shape, seed=1)
    xs = [Tensor(v, requires_grad=True) for v in (x, normal(4), normal(4, seed=2))]
    outcomes = []
    for f in (fused, composition):
        out = f(*xs)
        by_kernel = gradients(out, xs, g)
        by_rules = gradients(out, xs, g, create_graph=True)
        for kernel, rules in zip(by_kernel, by_rules, strict=True):
            assert_close(kernel, rules.data)
        energy = sum(((v * v).sum() for v in by_rules), start=(xs[0] * 0).sum())
        second = gradients(energy, xs, create_graph=True)
        third = gradients((second[0] * normal(*shape, seed=3)).sum(), xs)
        outcomes.append([out.data, *by_kernel, *(v.data for v in second), *third])
    for ours, expected in zip(*outcomes, strict=True):
        assert_close(ours, expected)


@pytest.mark.parametrize("needed", [(True, False, False), (False, True, True)])
def test_gradients_that_nobody_needs(needed):
    """Their number is none of the others' business."""
    arrays = X, V, B
    g = normal(*X.shape, seed=5)
    xs = [Tensor(a, requires_grad=n) for a, n in zip(arrays, needed, strict=True)]
    fused(*xs).backward(g)
    every = [Tensor(a, requires_grad=True) for a in arrays]
    fused(*every).backward(g)
    for x, e, n in zip(xs, every, needed, strict=True):
        assert x.grad is None if not n else np.array_equal(x.grad, e.grad)


def test_backward_derived_by_hand_as_in_the_paper():
    """The gradient of Ioffe and Szegedy, written with its intermediate sums."""
    x, g, w = normal(7, 4), normal(7, 4, seed=1), normal(4)
    eps, m = 1e-5, 7
    mu, var = x.mean(0), x.var(0)
    d_z = g * w
    d_var = (d_z * (x - mu)).sum(0) * -0.5 * (var + eps) ** -1.5
    d_mu = -d_z.sum(0) / np.sqrt(var + eps) + d_var * (-2 * (x - mu)).sum(0) / m
    by_hand = d_z / np.sqrt(var + eps) + d_var * 2 * (x - mu) / m + d_mu / m
    moments = batch_moments(x)
    by_kernel = numpy_norm.batch_normalize_backward(
        g, None, x, w, None, moments=moments, eps=eps, needed=[True] * 3)
    assert_close(by_kernel[0], by_hand)
    t = Tensor(x, requires_grad=True)
    out = batch_normalize(t, w, None, moments=moments, eps=eps)
    assert_close(gradients(out, [t], g, create_graph=True)[0].data, by_hand)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: N.batch_norm(np.ones(3)), r"x of shape \(N, C, …\) is needed, got \(3,\)"),
        (lambda: N.batch_norm(X, weight=np.ones(5), training=True), r"weight .* \(6,\).*\(5,\)"),
        (lambda: N.batch_norm(np.ones((1, 3)), training=True), "one number for each channel"),
        (lambda: N.batch_norm(np.ones((0, 3)), training=True), "or none"),
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
