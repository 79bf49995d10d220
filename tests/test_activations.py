"""Activations with slopes and smooth corners: against torch and scipy, far out, at their kinks."""

import numpy as np
import pytest
import scipy.special
import torch
from helpers import CHECKS, Case, assert_close, check_name, normal, run, torch_variables, variables
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lecturelib import Tensor, nn, ops
from lecturelib import functional as F

TF = torch.nn.functional
X = 2 * normal(3, 4)
ZERO = np.array([-1.0, 0.0, 2.0])
FAR = np.array([-1e4, -800.0, -90.0, 0.0, 90.0, 800.0, 1e4])


def exact_softplus(x, beta=1.0):
    return TF.softplus(x, beta, threshold=700)


CASES = [
    Case("leaky_relu", F.leaky_relu, TF.leaky_relu, X),
    Case("leaky_relu 0.3", lambda x: F.leaky_relu(x, 0.3), lambda x: TF.leaky_relu(x, 0.3), X),
    Case("leaky_relu 1.5", lambda x: F.leaky_relu(x, 1.5), lambda x: TF.leaky_relu(x, 1.5), X),
    Case("leaky_relu at 0", F.leaky_relu, TF.leaky_relu, ZERO, kinks=True),
    Case("leaky_relu, 0-d", F.leaky_relu, TF.leaky_relu, normal()),
    Case("prelu, one slope", F.prelu, TF.prelu, X, np.array([0.2])),
    Case("prelu, channels", F.prelu, TF.prelu, X, normal(4)),
    Case("prelu, images", F.prelu, TF.prelu, normal(2, 3, 2, 2), normal(3)),
    Case("prelu, images, one slope", F.prelu, TF.prelu, normal(2, 3, 2, 2), np.array([0.2])),
    Case("prelu, one vector", F.prelu, TF.prelu, normal(3), np.array([0.2])),
    Case("prelu, at 0", F.prelu, TF.prelu, ZERO, np.array([0.2]), kinks=True, once=True),
    Case("elu", F.elu, TF.elu, X),
    Case("elu 2.5", lambda x: F.elu(x, 2.5), lambda x: TF.elu(x, 2.5), X),
    Case(
        "elu at 0",
        lambda x: F.elu(x, 2.5),
        lambda x: TF.elu(x, 2.5),
        ZERO,
        kinks=True,
        once=True,
    ),
    Case("elu, far out", F.elu, TF.elu, FAR, kinks=True, once=True),
    Case("gelu", F.gelu, TF.gelu, X),
    Case("gelu, far out", F.gelu, TF.gelu, FAR),
    Case("gelu, empty", F.gelu, TF.gelu, normal(0, 2)),
    Case(
        "gelu, tanh",
        lambda x: F.gelu(x, approximate="tanh"),
        lambda x: TF.gelu(x, approximate="tanh"),
        X,
    ),
    Case(
        "gelu, tanh, far out",
        lambda x: F.gelu(x, approximate="tanh"),
        lambda x: TF.gelu(x, approximate="tanh"),
        FAR,
    ),
    Case("silu", F.silu, TF.silu, X),
    Case("silu, far out", F.silu, TF.silu, FAR),
    Case("softplus", F.softplus, exact_softplus, X),
    Case("softplus 3", lambda x: F.softplus(x, 3), lambda x: exact_softplus(x, 3), X),
    Case("softplus, far out", F.softplus, TF.softplus, FAR),
    Case("erf", ops.erf, torch.erf, X),
    Case("erf, far out", ops.erf, torch.erf, FAR),
    Case("erf, 0-d", ops.erf, torch.erf, normal()),
]


@pytest.mark.parametrize("check", CHECKS, ids=check_name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_function(case, check):
    check(case)


@given(
    x=hnp.arrays(
        np.float64, hnp.array_shapes(min_dims=0, max_side=20), elements=st.floats(-40, 40)
    )
)
def test_erf_is_accurate_to_the_last_digits(x):
    y = ops.erf(x)
    np.testing.assert_allclose(y, scipy.special.erf(x), rtol=5e-15, atol=1e-300)
    assert np.array_equal(ops.erf(-x), -y)


def test_erf_on_a_fine_grid():
    x = np.linspace(-7, 7, 100_001)
    expected = scipy.special.erf(x)
    assert np.abs(ops.erf(x) - expected).max() < 5e-16
    single = ops.erf(x.astype(np.float32))
    assert single.dtype == np.float32 and np.abs(single - expected).max() < 5e-7


def test_erf_of_what_is_no_number():
    y = ops.erf(np.array([np.nan, np.inf, -np.inf, -0.0]))
    assert np.isnan(y[0]) and list(y[1:]) == [1, -1, 0]
    assert ops.erf(0.3) == pytest.approx(scipy.special.erf(0.3), rel=1e-14)


@given(
    x=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=0, max_dims=3, max_side=4),
        elements=st.floats(-(2.0**14), 2.0**14, width=32),
    )
)
def test_any_shape_and_size_without_a_warning(x):
    """Warnings are errors; values and gradients are those of torch in float64."""
    for ours, theirs in (
        (F.gelu, TF.gelu),
        (F.silu, TF.silu),
        (F.softplus, TF.softplus),
        (F.elu, TF.elu),
        (F.leaky_relu, TF.leaky_relu),
    ):
        out, (g,) = run(ours, variables([x], np.float32))
        (t,) = torch_variables([x])
        expected = theirs(t)
        expected.backward(
            torch.linspace(0.5, 1.5, x.size, dtype=torch.float64).reshape(x.shape)
        )
        assert out.dtype == g.dtype == np.float32
        np.testing.assert_allclose(out.data, expected.detach().numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(g, t.grad.numpy(), rtol=1e-5, atol=1e-5)


def test_softplus_is_right_where_torch_turns_to_the_line():
    x = np.array([20.5, 25.0, 36.0])
    assert_close(F.softplus(x) - x, np.log1p(np.exp(-x)))
    x = Tensor(x, requires_grad=True)
    F.softplus(x).sum().backward()
    assert np.all(x.grad < 1)


@pytest.mark.parametrize(
    "f, low, at",
    [(F.gelu, -0.1700, -0.7518), (F.silu, -0.2785, -1.2785)],
)
def test_the_dip_below_zero(f, low, at):
    """GELU and SiLU have one minimum, known to four digits."""
    x = np.linspace(-5, 5, 100_001)
    y = f(x)
    assert y.min() == pytest.approx(low, abs=5e-5) and x[y.argmin()] == pytest.approx(at, abs=2e-4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: F.gelu(x, "erf"), 'gelu: approximate must be "none" or "tanh", got \'erf\''),
        (lambda x: F.softplus(x, 0), "softplus: beta must be positive, got 0"),
        (lambda x: F.softplus(x, -1.0), "softplus: beta must be positive, got -1.0"),
        (
            lambda x: F.prelu(x, Tensor(np.zeros(2))),
            r"prelu: weight .* \(1,\) or.* \(3,\), got \(2,\) for x of shape \(5, 3, 2\)",
        ),
        (lambda x: F.prelu(x, Tensor(0.5)), r"prelu: weight .*got \(\) for x"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(Tensor(np.zeros((5, 3, 2))))


MODULES = [
    (nn.LeakyReLU(), torch.nn.LeakyReLU(), "LeakyReLU(0.01)"),
    (nn.LeakyReLU(0.3), torch.nn.LeakyReLU(0.3), "LeakyReLU(0.3)"),
    (nn.PReLU(dtype=np.float64), torch.nn.PReLU(dtype=torch.float64), "PReLU(1)"),
    (nn.PReLU(3, 0.1, dtype=float), torch.nn.PReLU(3, 0.1, dtype=torch.float64), "PReLU(3)"),
    (nn.ELU(), torch.nn.ELU(), "ELU(1.0)"),
    (nn.ELU(0.5), torch.nn.ELU(0.5), "ELU(0.5)"),
    (nn.GELU(), torch.nn.GELU(), "GELU('none')"),
    (nn.GELU("tanh"), torch.nn.GELU("tanh"), "GELU('tanh')"),
    (nn.SiLU(), torch.nn.SiLU(), "SiLU()"),
    (nn.Softplus(), torch.nn.Softplus(), "Softplus(1.0)"),
    (nn.Softplus(2.0), torch.nn.Softplus(2.0), "Softplus(2.0)"),
]


@pytest.mark.parametrize("ours, theirs, text", MODULES, ids=[t for _, _, t in MODULES])
def test_modules(ours, theirs, text):
    data = normal(2, 3, 4)
    assert_close(ours(Tensor(data)).data, theirs(torch.from_numpy(data)).detach().numpy())
    assert repr(ours) == text
    assert list(ours.state_dict()) == list(theirs.state_dict())


def test_prelu_learns_its_slope():
    layer = nn.PReLU()
    assert layer.weight.dtype == np.float32 and layer.weight.data == 0.25
    layer(Tensor(np.array([[-3.0, 2.0, -1.0]], np.float32))).sum().backward()
    assert layer.weight.grad == -4
