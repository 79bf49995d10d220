"""Losses and penalties: against torch, their formulas, and what they refuse."""

import numpy as np
import pytest
import torch
from helpers import CHECKS, Case, assert_close, check_name, every_path_counts, normal, positive
from hypothesis import given
from hypothesis import strategies as st

from lecturelib import Tensor, nn
from lecturelib import functional as F
from lecturelib.optim import SGD

TF = torch.nn.functional
S, T = normal(5, 3), normal(5, 3, seed=1)
LABELS = np.array([2, 0, 1, 1, 2])
T_LABELS = torch.tensor(LABELS)
SOFT = positive(5, 3) / positive(5, 3).sum(axis=1, keepdims=True)
HARD = np.array([[0.0, 1, 1], [1, 0, 0], [0.3, 0.5, 1], [0, 0, 0], [1, 1, 1]])
REDUCTIONS = ("mean", "sum", "none")
FACTOR = normal(6, 6)
PRECISION = FACTOR @ FACTOR.T


def mixed(a, b):
    """An error below, at, and above 1, of both signs."""
    return np.array([[0.4, -0.3, 2.0], [-5.0, 0.9, 1.1]])[:a, :b]


def like(t, x):
    return torch.from_numpy(t).to(x.dtype)


CASES = []
for r in REDUCTIONS:
    CASES += [
        Case(
            f"l1_loss {r}",
            lambda p, t, r=r: F.l1_loss(p, t, reduction=r),
            lambda p, t, r=r: TF.l1_loss(p, t, reduction=r),
            S,
            T,
        ),
        Case(
            f"huber_loss {r}",
            lambda p, t, r=r: F.huber_loss(p, t, reduction=r),
            lambda p, t, r=r: TF.huber_loss(p, t, reduction=r),
            mixed(2, 3),
            np.zeros((2, 3)),
        ),
        Case(
            f"binary_cross_entropy_with_logits {r}",
            lambda s, r=r: F.binary_cross_entropy_with_logits(s, HARD.astype(s.dtype), reduction=r),
            lambda s, r=r: TF.binary_cross_entropy_with_logits(s, like(HARD, s), reduction=r),
            3 * S,
            plain=False,
        ),
        Case(
            f"cross_entropy, soft {r}",
            lambda s, t, r=r: F.cross_entropy(s, t, reduction=r),
            lambda s, t, r=r: TF.cross_entropy(s, t, reduction=r),
            S,
            SOFT,
        ),
        Case(
            f"cross_entropy, smoothed {r}",
            lambda s, r=r: F.cross_entropy(s, LABELS, reduction=r, label_smoothing=0.1),
            lambda s, r=r: TF.cross_entropy(s, T_LABELS, reduction=r, label_smoothing=0.1),
            S,
        ),
        Case(
            f"cross_entropy, soft and smoothed {r}",
            lambda s, t, r=r: F.cross_entropy(s, t, reduction=r, label_smoothing=0.3),
            lambda s, t, r=r: TF.cross_entropy(s, t, reduction=r, label_smoothing=0.3),
            S,
            SOFT,
        ),
    ]
CASES += [
    Case("l1_loss at 0", F.l1_loss, TF.l1_loss, np.zeros(3), np.array([0.0, 1, 0]), kinks=True),
    Case(
        "huber_loss, delta",
        lambda p, t: F.huber_loss(p, t, delta=0.35),
        lambda p, t: TF.huber_loss(p, t, delta=0.35),
        mixed(2, 3),
        np.zeros((2, 3)),
    ),
    Case(
        "huber_loss at its corner",
        F.huber_loss,
        TF.huber_loss,
        np.array([1.0, -1.0]),
        np.zeros(2),
        kinks=True,
        once=True,
    ),
    Case(
        "binary_cross_entropy_with_logits, far out",
        lambda s: F.binary_cross_entropy_with_logits(s, [0, 1]),
        lambda s: TF.binary_cross_entropy_with_logits(s, like(np.array([0.0, 1]), s)),
        np.array([1e4, -1e4]),
        kinks=True,
    ),
    Case("l1_penalty", lambda a, b: F.l1_penalty([a, b]),
         lambda a, b: a.abs().sum() + b.abs().sum(), S, normal(4)),
    Case("l1_penalty, one Tensor", F.l1_penalty, lambda a: a.abs().sum(), normal()),
    Case("l2_penalty", lambda a, b: F.l2_penalty([a, b]),
         lambda a, b: (a.square().sum() + b.square().sum()) / 2, S, normal(4)),
    Case("elastic_penalty", lambda a, b: F.elastic_penalty(iter([a, b]), 0.2),
         lambda a, b: 0.2 * (a.abs().sum() + b.abs().sum())
         + 0.4 * (a.square().sum() + b.square().sum()), S, normal(4)),
    Case("tikhonov_penalty", lambda w: F.tikhonov_penalty(w, PRECISION.astype(w.dtype)),
         lambda w: 0.5 * w.flatten() @ like(PRECISION, w) @ w.flatten(), normal(2, 3),
         plain=False),
    Case("tikhonov_penalty, mean",
         lambda w, m: F.tikhonov_penalty(w, PRECISION.astype(w.dtype), m),
         lambda w, m: 0.5 * (w - m) @ like(PRECISION, w) @ (w - m), normal(6), normal(6, seed=1),
         plain=False),
]


@pytest.mark.parametrize("check", CHECKS, ids=check_name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_function(case, check):
    if check is not every_path_counts or "soft" not in case.name:  # scores are no probabilities
        check(case)


def test_huber_by_hand():
    e = np.array([0.5, -0.5, 2.0, -3.0])
    losses = F.huber_loss(Tensor(e), np.zeros(4), reduction="none")
    assert_close(losses.data, [0.125, 0.125, 1.5, 2.5])
    x = Tensor(e, requires_grad=True)
    F.huber_loss(x, np.zeros(4), reduction="sum").backward()
    assert_close(x.grad, [0.5, -0.5, 1, -1])


def test_binary_cross_entropy_keeps_digits_where_the_answer_is_certain():
    s = np.array([-100.0, 100.0])
    losses = F.binary_cross_entropy_with_logits(s, np.array([0.0, 1.0]), reduction="none")
    np.testing.assert_allclose(losses, np.exp([-100.0, -100.0]), rtol=1e-13)


def test_binary_is_two_class_cross_entropy():
    s = normal(7)
    two = np.stack([np.zeros(7), s], axis=1)
    y = (T.reshape(-1)[:7] > 0).astype(int)
    assert_close(F.binary_cross_entropy_with_logits(s, y * 1.0), F.cross_entropy(two, y))


@given(n=st.integers(1, 4), c=st.integers(1, 5), eps=st.floats(0, 1))
def test_smoothing_replaces_the_target(n, c, eps):
    s, y = normal(n, c), np.arange(n) % c
    one_hot = np.eye(c)[y]
    smooth = (1 - eps) * one_hot + eps / c
    expected = F.cross_entropy(s, smooth, reduction="none")
    assert_close(F.cross_entropy(s, y, reduction="none", label_smoothing=eps), expected)
    assert_close(F.cross_entropy(s, one_hot, reduction="none", label_smoothing=eps), expected)


def test_l2_penalty_acts_as_weight_decay():
    a, b = nn.Parameter(normal(3)), nn.Parameter(normal(3))
    SGD_a, SGD_b = SGD([a], lr=0.1), SGD([b], lr=0.1, weight_decay=0.3)
    (0.3 * F.l2_penalty([a])).backward()
    b.grad = np.zeros(3)
    SGD_a.step()
    SGD_b.step()
    assert_close(a.data, b.data)


def test_tikhonov_is_a_gaussian_prior():
    """The penalty differs by a constant from −log N(w; μ, Λ⁻¹), and with Λ = I is l2_penalty."""
    prior = torch.distributions.MultivariateNormal(
        torch.from_numpy(normal(6)), precision_matrix=torch.from_numpy(PRECISION)
    )
    a, b = normal(6, seed=2), normal(6, seed=3)
    ours = [F.tikhonov_penalty(w, Tensor(PRECISION), normal(6)).item() for w in (a, b)]
    theirs = [prior.log_prob(torch.from_numpy(w)).item() for w in (a, b)]
    assert ours[0] - ours[1] == pytest.approx(theirs[1] - theirs[0], rel=1e-9)
    assert F.tikhonov_penalty(a, np.eye(6)) == pytest.approx(F.l2_penalty(a), rel=1e-12)


@pytest.mark.parametrize(
    "f", [F.l1_loss, F.huber_loss, F.binary_cross_entropy_with_logits], ids=check_name
)
def test_shapes_do_not_broadcast(f):
    with pytest.raises(ValueError, match=rf"{f.__name__}: .*\(5, 1\) and target \(5,\)"):
        f(Tensor(np.zeros((5, 1))), np.zeros(5))
    with pytest.raises(ValueError, match="reduction: one of"):
        f(Tensor(np.zeros(5)), np.zeros(5), reduction="average")


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: F.huber_loss(S, T, delta=0), "huber_loss: delta must be positive, got 0"),
        (
            lambda: F.binary_cross_entropy_with_logits(S, 2 * HARD),
            r"target must lie in \[0, 1\], got values from 0.0 to 2.0",
        ),
        (
            lambda: F.binary_cross_entropy_with_logits(S, HARD - 1),
            r"target must lie in \[0, 1\], got values from -1.0 to 0.0",
        ),
        (
            lambda: F.cross_entropy(S, LABELS, label_smoothing=1.5),
            r"label_smoothing must be in \[0, 1\], got 1.5",
        ),
        (lambda: F.cross_entropy(S, SOFT * 2), "rows of target .* must be probabilities"),
        (lambda: F.cross_entropy(S, [[2.0, -1.0, 0.0]] * 5), "must be probabilities"),
        (lambda: F.cross_entropy(S, SOFT[:4]), r"\(5, 3\) and \(4, 3\)"),
        (lambda: F.l1_penalty([]), r"l1_penalty: params is empty; pass model.parameters\(\)"),
        (lambda: F.l2_penalty([]), "l2_penalty: params is empty"),
        (lambda: F.elastic_penalty([]), "elastic_penalty: params is empty"),
        (lambda: F.elastic_penalty(S, 1.2), r"l1_ratio must be in \[0, 1\], got 1.2"),
        (
            lambda: F.tikhonov_penalty(S, np.eye(3)),
            r"precision must have shape \(15, 15\).*w \(5, 3\), got \(3, 3\)",
        ),
        (lambda: F.tikhonov_penalty(normal(2), normal(2, 2)), "precision must be symmetric"),
        (
            lambda: F.tikhonov_penalty(normal(2, 1), np.eye(2), np.zeros(2)),
            r"mean must be a number or have the shape of w \(2, 1\), got \(2,\)",
        ),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
