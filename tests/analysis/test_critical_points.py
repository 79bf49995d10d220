"""The classifier of critical points, on a table of points whose nature is known."""

import numpy as np
import pytest

from lecturelib import ops
from lecturelib.analysis.critical_points import classify_critical_point, kind_by_eigenvalues

O2, ONES2 = [0.0, 0.0], [1.0, 1.0]
SADDLE, OPEN = "saddle", "inconclusive"

# name, function, point, kind, whether the eigenvalues prove it
TABLE = [
    ("bowl", lambda w: (w * w).sum(), [0.0] * 3, "minimum", True),
    ("hill", lambda w: -(w * w).sum(), [0.0] * 3, "maximum", True),
    ("hyperbolic saddle", lambda w: w[0] ** 2 - w[1] ** 2, O2, SADDLE, True),
    ("product", lambda w: w[0] * w[1], O2, SADDLE, True),
    (
        "Rosenbrock's valley",
        lambda w: (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2,
        ONES2,
        "minimum",
        True,
    ),
    ("condition number 1e6", lambda w: w[0] ** 2 + 1e6 * w[1] ** 2, O2, "minimum", True),
    ("cosine, top", lambda w: ops.cos(w).sum(), O2, "maximum", True),
    ("cosine, between", lambda w: ops.cos(w).sum(), [0.0, np.pi], SADDLE, True),
    ("x² − y² + z⁴", lambda w: w[0] ** 2 - w[1] ** 2 + w[2] ** 4, [0.0] * 3, SADDLE, True),
    (
        "two layers at zero, (1 − ab)²",
        lambda w: (1 - w[0] * w[1]) ** 2,
        O2,
        SADDLE,
        True,
    ),
    # degenerate: saddles that probing sees
    ("x³", lambda w: w**3, 0.0, SADDLE, False),
    ("monkey saddle", lambda w: w[0] ** 3 - 3 * w[0] * w[1] ** 2, O2, SADDLE, False),
    ("x² − y⁴", lambda w: w[0] ** 2 - w[1] ** 4, O2, SADDLE, False),
    ("x² + y³", lambda w: w[0] ** 2 + w[1] ** 3, O2, SADDLE, False),
    ("−x² + y⁴", lambda w: w[1] ** 4 - w[0] ** 2, O2, SADDLE, False),
    ("x⁴ − y⁴", lambda w: w[0] ** 4 - w[1] ** 4, O2, SADDLE, False),
    (
        "Peano: a minimum along every line, yet a saddle",
        lambda w: (w[1] - w[0] ** 2) * (w[1] - 3 * w[0] ** 2),
        O2,
        SADDLE,
        False,
    ),
    (
        "three layers at zero, (1 − abc)²",
        lambda w: (1 - w[0] * w[1] * w[2]) ** 2,
        [0.0] * 3,
        SADDLE,
        False,
    ),
    # degenerate: probing cannot prove a minimum or maximum
    ("x⁴", lambda w: w**4, 0.0, OPEN, False),
    ("−x⁴ − y²", lambda w: -(w[0] ** 4) - w[1] ** 2, O2, OPEN, False),
    ("x² + y⁴", lambda w: w[0] ** 2 + w[1] ** 4, O2, OPEN, False),
    ("x² y²", lambda w: w[0] ** 2 * w[1] ** 2, O2, OPEN, False),
    ("a trough, x²", lambda w: w[0] ** 2 + 0 * w[1], O2, OPEN, False),
    (
        "a ring of minima",
        lambda w: ((w * w).sum() - 1) ** 2,
        [1.0, 0.0],
        OPEN,
        False,
    ),
    ("constant", lambda w: 0 * w.sum() + 7, O2, OPEN, False),
    (
        "constant up to rounding",
        lambda w: (w[0] + w[1]) ** 2 - w[0] ** 2 - 2 * w[0] * w[1] - w[1] ** 2,
        O2,
        OPEN,
        False,
    ),
    # lower points, but not close by: a strict minimum that a single radius would call a saddle
    ("x⁴ − 400 x⁶", lambda w: w**4 - 400 * w**6, 0.0, OPEN, False),
]


# with seven digits, an eigenvalue of 2 beside one of 2e6 could be 0, and 1 − 2abc could be 1
TOO_FINE_FOR_FLOAT32 = ("condition number 1e6", "three layers at zero, (1 − abc)²")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name, f, w, kind, proved", TABLE, ids=[row[0] for row in TABLE])
def test_the_table(name, f, w, kind, proved, dtype):
    if dtype == "float32" and name in TOO_FINE_FOR_FLOAT32:
        kind, proved = OPEN, False
    for seed in range(3):
        point = classify_critical_point(f, np.array(w, dtype), rng=np.random.default_rng(seed))
        assert (point.kind, point.proved) == (kind, proved), point.evidence
        assert point.eigenvalues.shape == (np.size(w),)
        assert point.gradient_norm < 1e-6


def test_the_eigenvalues_and_the_evidence_are_reported():
    rng = np.random.default_rng(0)
    saddle = classify_critical_point(lambda w: 3 * w[0] ** 2 - w[1] ** 2, np.zeros(2), rng=rng)
    np.testing.assert_allclose(saddle.eigenvalues, [-2, 6])
    assert "both signs" in saddle.evidence
    flat = classify_critical_point(
        lambda w: w[0] ** 2 + w[1] ** 4, np.zeros(2), rng=rng, radii=(0.2, 0.1), probes=50
    )
    assert flat.evidence == (
        "eigenvalues of the Hessian are 0; no lower point found and higher points at every "
        "radius among 208 probes at radii 0.2, 0.1"
    )
    late = classify_critical_point(lambda w: w**4 - 400 * w**6, np.zeros(()), rng=rng)
    assert "lower points only at 0.1 and" in late.evidence


def test_the_number_of_probes_is_the_number_reported():
    calls = []

    def f(w):
        calls.append(w)
        return (w**4).sum()

    point = classify_critical_point(f, np.zeros(2), rng=np.random.default_rng(0), probes=10)
    # one for the gradient, one for the Hessian, one at w for each radius
    assert len(calls) - 2 - 3 == 72 and "among 72 probes" in point.evidence


def test_points_of_any_shape():
    point = classify_critical_point(
        lambda w: (w @ w.T).sum(), np.zeros((2, 3)), rng=np.random.default_rng(0)
    )
    assert point.kind == "inconclusive" and point.eigenvalues.shape == (6,)


def test_how_small_an_eigenvalue_is_zero():
    rng = np.random.default_rng(0)

    def f(w):
        return w[0] ** 2 + 1e-4 * w[1] ** 2 + w[1] ** 4

    assert classify_critical_point(f, np.zeros(2), rng=rng).proved
    assert not classify_critical_point(f, np.zeros(2), rng=rng, zero=1e-3).proved


def test_what_it_refuses():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"no critical point.*norm 2 > tol"):
        classify_critical_point(lambda w: w * w, np.array(1.0), rng=rng)
    with pytest.raises(ValueError, match="no critical point"):
        classify_critical_point(lambda w: w * np.nan, np.array(1.0), rng=rng)
    with pytest.raises(FloatingPointError, match="smaller radii"):
        classify_critical_point(
            lambda w: w**4 + (0.0 if abs(w.item()) < 0.05 else np.inf), np.array(0.0), rng=rng
        )
    for radii in ((), (0.1, 0.0), (-1.0,)):
        with pytest.raises(ValueError, match="radii"):
            classify_critical_point(lambda w: w**4, np.array(0.0), rng=rng, radii=radii)
    with pytest.raises(TypeError, match="rng"):
        classify_critical_point(lambda w: w * w, np.array(0.0), rng=1)
    with pytest.raises(ValueError, match="not a scalar"):
        classify_critical_point(lambda w: w * w, np.zeros(2), rng=rng)


@pytest.mark.parametrize(
    "eigenvalues, kind",
    [
        ([1, 2], "minimum"),
        ([-2, -1], "maximum"),
        ([-1, 0, 1], "saddle"),
        ([0, 1], "inconclusive"),
        ([-1, 0], "inconclusive"),
        ([0.0], "inconclusive"),
        ([-1e-9, 1], "inconclusive"),
        ([-1, 1e-9], "inconclusive"),
        ([1e-9, 1], "inconclusive"),
    ],
)
def test_the_second_derivative_test(eigenvalues, kind):
    assert kind_by_eigenvalues(eigenvalues, zero=1e-8) == kind
