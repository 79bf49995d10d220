"""The in-place forms take the steps of the readable rules, and never write into a parameter."""

import numpy as np
import pytest
import torch
from helpers import normal

from lecturelib.nn import Parameter
from lecturelib.optim import SGD, Adam, AdamW, fused

CASES = [
    (SGD, {"lr": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.9}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "momentum_form": "velocity"}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "momentum_form": "average"}),
    (Adam, {"lr": 0.1}),
    (Adam, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 0.1, "weight_decay": 0.1}),
    (Adam, {"lr": 0.1, "bias_correction": False}),
    (Adam, {"lr": 0.1, "betas": (0.8, 0.5), "amsgrad": True}),
    (AdamW, {"lr": 0.1}),
    (Adam, {"lr": lambda k: 0.1 * (k % 2)}),  # 0 in every other step
]
SHAPES = [(40,), (4, 7), (2, 3, 5), (1, 33), (33, 1), (), (0, 3)]
CASE = pytest.mark.parametrize(
    "rule, options", CASES, ids=[f"{rule.__name__}-{i}" for i, (rule, _) in enumerate(CASES)]
)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """So that arrays of some dozen numbers are treated as large ones."""
    monkeypatch.setattr(fused, "SMALL", 2)
    monkeypatch.setattr(fused, "BLOCK", 6)


def parameters(dtype, order="C"):
    params = [Parameter(normal(*shape), dtype=dtype) for shape in SHAPES]
    for p in params:
        p.data = np.array(p.data, order=order)
    return params


def step(optimizer, k, order="C"):
    for p in optimizer.params:
        p.grad = np.array(normal(*p.shape, seed=k), p.dtype, order=order)
    optimizer.step()


@CASE
@pytest.mark.parametrize("dtype, rtol", [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_steps_are_those_of_the_rule(rule, options, dtype, rtol, order, monkeypatch):
    a = rule(parameters(dtype, order), **options)
    b = rule(parameters(dtype), **options)
    for k in range(6):
        step(a, k, order)
        with monkeypatch.context() as without:
            without.setattr(fused, "FORMS", {})
            step(b, k)
        for p, q in zip(a.params, b.params, strict=True):
            assert type(p.data) is np.ndarray and p.dtype == dtype
            np.testing.assert_allclose(p.data, q.data, rtol=rtol, atol=rtol)
            assert a.state[p].keys() == b.state[q].keys()
            for slot, x in a.state[p].items():
                np.testing.assert_allclose(x, b.state[q][slot], rtol=rtol, atol=rtol)
                assert np.asarray(x).dtype == np.asarray(b.state[q][slot]).dtype


@CASE
def test_rule_and_form_may_take_turns(rule, options, monkeypatch):
    a, b = rule(parameters(np.float64), **options), rule(parameters(np.float64), **options)
    for k in range(6):
        with monkeypatch.context() as without:
            if k in (1, 4):
                without.setattr(fused, "FORMS", {})
            step(a, k)
        step(b, k)
        for p, q in zip(a.params, b.params, strict=True):
            np.testing.assert_allclose(p.data, q.data, rtol=1e-12, atol=1e-14)


@CASE
def test_parameters_and_gradients_are_not_written_into(rule, options):
    """Graphs, and whoever keeps a trajectory, hold the old arrays."""
    optimizer = rule(parameters(np.float64), **options)
    kept = []
    for k in range(4):
        kept += [(p.data, p.data.copy()) for p in optimizer.params]
        step(optimizer, k)
        kept += [(p.grad, p.grad.copy()) for p in optimizer.params]
    assert all(np.array_equal(x, before) for x, before in kept)
    for p in optimizer.params:
        for x in optimizer.state[p].values():
            assert not np.shares_memory(x, p.data) and not np.shares_memory(x, p.grad)


def test_forms_are_used(monkeypatch):
    """For large arrays, after the first step: the rules themselves are not called."""
    for rule, options in ((SGD, {"lr": 0.1, "momentum": 0.5}), (Adam, {}), (AdamW, {})):
        optimizer = rule([Parameter(normal(40))], **options)
        step(optimizer, 0)
        with monkeypatch.context() as patch:
            patch.setattr(type(optimizer), "torch_step", None, raising=False)
            patch.setattr("lecturelib.optim.adaptive.ops", None)
            step(optimizer, 1)
    monkeypatch.setattr(fused, "SMALL", 41)
    monkeypatch.setattr("lecturelib.optim.adaptive.ops", None)
    with pytest.raises(AttributeError):
        step(optimizer, 2)


def test_a_subclass_with_its_own_rule_runs_its_own():
    class Half(Adam):
        def update(self, w, g, state):
            return (w + super().update(w, g, state)) / 2

    a = Half([Parameter(normal(40))], lr=0.1)
    b = Adam([Parameter(normal(40))], lr=0.05)
    for k in range(3):
        step(a, k)
        step(b, k)
    np.testing.assert_allclose(a.params[0].data, b.params[0].data, rtol=1e-12)


@pytest.mark.parametrize("shape, count", list(zip(SHAPES, (7, 4, 2, 1, 6))))
def test_blocks_cover_every_number_once(shape, count):
    """Each of about BLOCK = 6 numbers, in whole rows."""
    a, b = np.zeros(shape), np.zeros(shape)
    views = list(fused.blocks(a, b))
    for x, y in views:
        x += 1
        y += 2
    assert (a == 1).all() and (b == 2).all() and len(views) == count


@CASE
@pytest.mark.parametrize("dtype, rtol", [(np.float32, 1e-5), (np.float64, 1e-13)])
def test_on_torch_arrays_too(rule, options, dtype, rtol, monkeypatch):
    a = rule([on_torch(p) for p in parameters(dtype)], **options)
    b = rule(parameters(dtype), **options)
    for k in range(6):
        for p in a.params:
            p.grad = torch.tensor(np.array(normal(*p.shape, seed=k), dtype))
        before = [(p.data, p.data.clone(), p.grad.clone()) for p in a.params]
        with monkeypatch.context() as without:
            if k == 3:  # they may take turns
                without.setattr(fused, "TORCH_FORMS", {})
            a.step()
        with monkeypatch.context() as without:
            without.setattr(fused, "FORMS", {})
            step(b, k)
        for p, q, (w, same, g) in zip(a.params, b.params, before, strict=True):
            assert type(p.data) is torch.Tensor and p.dtype == dtype
            assert torch.equal(w, same) and torch.equal(p.grad, g)  # neither is written into
            np.testing.assert_allclose(p.data.numpy(), q.data, rtol=rtol, atol=rtol)
            assert a.state[p].keys() == b.state[q].keys()
            for slot, x in a.state[p].items():
                np.testing.assert_allclose(np.asarray(x), b.state[q][slot], rtol=rtol, atol=rtol)


def on_torch(p):
    p.data = torch.tensor(p.data)
    return p
