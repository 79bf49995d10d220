"""Activations and losses: against torch, against their formulas, and what they refuse."""

import numpy as np
import pytest
import torch
from helpers import CHECKS, Case, assert_close, check_name, normal

from lecturelib import Tensor
from lecturelib import functional as F

TF = torch.nn.functional
LABELS = np.array([2, 0, 1, 1, 2])
T_LABELS = torch.tensor(LABELS)
S, TARGET = normal(5, 3), normal(5, 3, seed=1)


def torch_hinge(reduction, margin=1.0):
    return lambda s: 3 * TF.multi_margin_loss(s, T_LABELS, margin=margin, reduction=reduction)


CASES = [
    *(
        Case(
            f"cross_entropy {r}",
            lambda s, r=r: F.cross_entropy(s, LABELS, reduction=r),
            lambda s, r=r: TF.cross_entropy(s, T_LABELS, reduction=r),
            S,
        )
        for r in ("mean", "sum", "none")
    ),
    Case(
        "cross_entropy, one example",
        lambda s: F.cross_entropy(s, [1]),
        lambda s: TF.cross_entropy(s, torch.tensor([1])),
        normal(1, 3),
    ),
    Case(
        "cross_entropy, far out",
        lambda s: F.cross_entropy(1000 * s, LABELS),
        lambda s: TF.cross_entropy(1000 * s, T_LABELS),
        np.sign(S),
        kinks=True,
    ),
    *(
        Case(
            f"hinge {r}",
            lambda s, r=r: F.hinge(s, LABELS, reduction=r),
            torch_hinge(r),
            S,
            once=True,
        )
        for r in ("mean", "sum", "none")
    ),
    Case(
        "hinge, margin",
        lambda s: F.hinge(s, LABELS, margin=0.3),
        torch_hinge("mean", 0.3),
        S,
        once=True,
    ),
    *(
        Case(
            f"mse_loss {r}",
            lambda p, t, r=r: F.mse_loss(p, t, reduction=r),
            lambda p, t, r=r: TF.mse_loss(p, t, reduction=r),
            S,
            TARGET,
        )
        for r in ("mean", "sum", "none")
    ),
    Case("softmax", lambda s: F.softmax(s, axis=1), lambda s: TF.softmax(s, dim=1), S),
    Case("log_softmax", lambda s: F.log_softmax(s, axis=1), lambda s: TF.log_softmax(s, dim=1), S),
    Case("relu", F.relu, TF.relu, S),
    Case("sigmoid", F.sigmoid, TF.sigmoid, S),
    Case("tanh", F.tanh, TF.tanh, S),
]


@pytest.mark.parametrize("check", CHECKS, ids=check_name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_function(case, check):
    check(case)


def test_cross_entropy_by_its_formula():
    s = Tensor(S, requires_grad=True)
    loss = F.cross_entropy(s, LABELS)
    p = np.exp(S) / np.exp(S).sum(1, keepdims=True)
    assert_close(loss.data, -np.log(p[np.arange(5), LABELS]).mean())
    loss.backward()
    assert_close(s.grad, (p - np.eye(3)[LABELS]) / 5)


def test_of_equal_scores_the_cross_entropy_is_log_c():
    assert F.cross_entropy(Tensor(np.zeros((4, 10))), [0, 3, 5, 9]).item() == pytest.approx(
        np.log(10)
    )


def test_hinge_by_its_formula():
    s = np.array([[3.0, 1.0, 2.5], [0.0, 4.0, 1.0]])
    losses = F.hinge(Tensor(s), [0, 2], reduction="none")
    assert_close(losses.data, [0.5, (0 - 1 + 1) + (4 - 1 + 1)])


@pytest.mark.parametrize(
    "labels",
    [LABELS, LABELS.tolist(), LABELS.astype(np.uint8), Tensor(LABELS), LABELS.astype(np.int32)],
    ids=lambda y: type(y).__name__,
)
def test_labels_in_any_integer_form(labels):
    assert_close(F.cross_entropy(Tensor(S), labels).data, F.cross_entropy(Tensor(S), LABELS).data)


def test_accuracy():
    scores = np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]])
    for s in (scores, Tensor(scores), Tensor(scores, requires_grad=True)):
        assert F.accuracy(s, [1, 0, 0]) == 2 / 3
    assert type(F.accuracy(scores, [1, 0, 0])) is float


@pytest.mark.parametrize("f", [F.cross_entropy, F.hinge, F.accuracy])
@pytest.mark.parametrize(
    "scores, labels, kind, message",
    [
        ((5, 3), np.zeros(4, int), ValueError, r"scores of shape \(N, C\).*\(5, 3\) and \(4,\)"),
        ((5, 3), np.zeros((5, 1), int), ValueError, r"\(5, 3\) and \(5, 1\)"),
        ((5, 3), np.eye(3, dtype=int)[[0] * 5], ValueError, r"\(5, 3\) and \(5, 3\)"),
        ((5,), np.zeros(5, int), ValueError, r"\(5,\) and \(5,\)"),
        ((5, 3, 1), np.zeros(5, int), ValueError, r"\(5, 3, 1\) and \(5,\)"),
        ((5, 3), np.zeros(5), TypeError, r"target must hold class indices, integers, got float64"),
        ((5, 3), np.zeros(5, bool), TypeError, r"target must hold class indices.*bool"),
        ((5, 3), np.full(5, 3), ValueError, r"target must lie in \[0, 3\).*from 3 to 3"),
        (
            (5, 3),
            np.array([0, -1, 2, 1, 0]),
            ValueError,
            r"target must lie in \[0, 3\).*from -1 to 2",
        ),
    ],
)
def test_wrong_labels_are_named(f, scores, labels, kind, message):
    with pytest.raises(kind, match=f"{f.__name__}: .*{message}"):
        f(Tensor(np.zeros(scores)), labels)


def test_mse_loss_does_not_broadcast():
    with pytest.raises(ValueError, match=r"mse_loss: prediction \(5, 1\) and target \(5,\)"):
        F.mse_loss(Tensor(np.zeros((5, 1))), np.zeros(5))


@pytest.mark.parametrize(
    "call",
    [
        lambda r: F.cross_entropy(Tensor(S), LABELS, reduction=r),
        lambda r: F.hinge(Tensor(S), LABELS, reduction=r),
        lambda r: F.mse_loss(Tensor(S), S, reduction=r),
    ],
)
@pytest.mark.parametrize("reduction", ["average", None, 0])
def test_an_unknown_reduction_is_named(call, reduction):
    with pytest.raises(
        ValueError, match=f"reduction: one of .*'mean', 'sum', 'none'.*got {reduction!r}"
    ):
        call(reduction)
