"""Lion by its paper's pseudo-code, Muon by torch's, run in float64."""

import numpy as np
import pytest
import torch
from helpers import assert_close, normal
from torch_steps import assert_same_steps

from lecturelib.nn import Parameter
from lecturelib.optim import Lion, Muon
from lecturelib.optim.modern import orthogonalized


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("decoupled", [True, False])
def test_lion(weight_decay, decoupled):
    """Algorithm 2: update = interp(g, m, β1); w −= η (sign(update) + λ w); m = interp(g, m, β2)."""
    gradients, w = normal(12, 3), normal(3)
    p = Parameter(w)
    optimizer = Lion([p], 0.01, (0.8, 0.95), weight_decay, decoupled_weight_decay=decoupled)
    m = np.zeros(3)
    for g in gradients:
        p.grad = g
        optimizer.step()
        if not decoupled:
            g = g + weight_decay * w
        direction = np.sign(m + (1 - 0.8) * (g - m))
        w = w - 0.01 * (direction + (weight_decay * w if decoupled else 0))
        m = m + (1 - 0.95) * (g - m)
        assert_close(p.data, w)


def test_the_defaults_of_lion():
    optimizer = Lion([Parameter([1.0])])
    assert (optimizer.lr, optimizer.betas, optimizer.weight_decay) == (1e-4, (0.9, 0.99), 0)
    assert optimizer.decoupled_weight_decay


def surface(a, b, c, scale, step):
    f = (a * a).sum() * 0.5 + (b * 3).sin().sum() * 0.1 + (a @ b).sum() ** 2 * 0.01
    return f if step % 3 == 2 else f + (c @ c.T).sum() * 0.1 + (c * 2).sin().sum()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.02, "weight_decay": 0.3, "nesterov": False, "momentum": 0.8},
        {"lr": 0.02, "adjust_lr_fn": "match_rms_adamw"},
        {"lr": 0.02, "adjust_lr_fn": "original", "ns_steps": 3, "eps": 20.0},
        {"lr": 0.02, "ns_coefficients": (2.0, -1.5, 0.5)},
    ],
    ids=str,
)
@pytest.mark.parametrize("groups", [None, {"lr": 0.03, "weight_decay": 0.2, "momentum": 0.5}])
def test_fifty_steps_of_muon_equal_those_of_torch(options, groups, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # stay in float64
    assert_same_steps(
        Muon,
        torch.optim.Muon,
        {"lr": 1e-3, **options} if groups else options,
        groups=groups,
        schedule=groups is not None,
        shapes=[(3, 5), (5, 2), (4, 4)],
        function=surface,
    )


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (5, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_singular_values_become_about_one(shape, dtype):
    m = 100 * normal(*shape)
    u, s, vt = np.linalg.svd(m, full_matrices=False)
    o = orthogonalized(m.astype(dtype))
    assert o.dtype == dtype and o.shape == shape
    values = np.linalg.svd(o, compute_uv=False)
    assert 0.65 < values.min() and values.max() < 1.25
    s = s / np.linalg.norm(s)  # the polynomial acts on the singular values alone
    for _ in range(5):
        s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
    np.testing.assert_allclose(o, u * s @ vt, atol=1e-3 if dtype == np.float32 else 1e-9)


def test_cubic_newton_schulz_converges_to_the_polar_factor():
    m = normal(3, 4)
    u, _, vt = np.linalg.svd(m, full_matrices=False)
    assert_close(orthogonalized(m, 60, (1.5, -0.5, 0.0)), u @ vt)


def test_a_gradient_of_zeros_moves_nothing():
    p = Parameter(normal(2, 3))
    p.grad = np.zeros((2, 3))
    Muon([p], weight_decay=0).step()
    assert np.array_equal(p.data, normal(2, 3))


@pytest.mark.parametrize("shape", [(3,), (2, 3, 3, 3), ()])
def test_muon_takes_matrices_only(shape):
    matrix, other = Parameter(normal(2, 2)), Parameter(normal(*shape))
    with pytest.raises(ValueError, match=r"Muon moves matrices only, got .* shape \("):
        Muon([matrix, other])
    optimizer = Muon([matrix])
    with pytest.raises(ValueError, match="AdamW"):
        optimizer.add_param_group({"params": [other]})
    assert optimizer.params == [matrix]


@pytest.mark.parametrize(
    "rule, options, message",
    [
        (Lion, {"betas": (0.9, 1)}, r"betas\[1\]: must be in \[0, 1\), got 1"),
        (Muon, {"momentum": 1}, r"momentum: must be in \[0, 1\), got 1"),
        (Muon, {"eps": -1}, "eps: must be at least 0"),
        (Muon, {"ns_steps": -1}, "ns_steps: must be at least 0"),
        (Muon, {"adjust_lr_fn": "best"}, "adjust_lr_fn: must be None, .* got 'best'"),
    ],
)
def test_bad_options_are_named(rule, options, message):
    with pytest.raises(ValueError, match=message):
        rule([Parameter(normal(2, 2))], **options)
