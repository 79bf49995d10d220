"""The explorer of forward and reverse mode: its counts against products that are carried out."""

import numpy as np
import pytest

from lecturelib import ops
from lecturelib.core import Tensor, gradients
from lecturelib.widgets.modes import MODES, SIZES, ModeExplorer, multiplications, product

TEXTS = {"caption": "Turn the numbers of inputs and outputs.", "alt": "Two rows of matrices."}


@pytest.fixture(scope="module")
def explorer():
    return ModeExplorer(**TEXTS)


def counted(left, right):
    """A product of two matrices, and how many numbers were multiplied for it."""
    terms = left[:, :, np.newaxis] * right[np.newaxis]
    return terms.sum(axis=1), terms.size


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sizes", [[3, 4, 5, 6, 2], [1, 3, 3, 3, 4], [2, 2, 2, 2, 2]])
def test_both_modes_reach_the_jacobian_with_the_multiplications_that_are_counted(mode, sizes):
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in zip(sizes[1:], sizes)]
    x = Tensor(rng.normal(size=sizes[0]), requires_grad=True)
    h, chain = x, []
    for w in weights:  # a network of tanh; its local Jacobians, the last one leftmost
        h = ops.tanh(w @ h)
        chain.insert(0, (1 - h.data**2)[:, np.newaxis] * w)
    truth = np.stack([gradients(h, [x], row)[0] for row in np.eye(sizes[-1])])

    chain = [*chain, np.eye(sizes[0])] if mode == "forward" else [np.eye(sizes[-1]), *chain]
    total = 0
    for step in range(5):
        assert product(mode, sizes, step) == [matrix.shape for matrix in chain]
        assert multiplications(mode, sizes, step) == total
        if step == 4:
            break
        pair = slice(-2, None) if mode == "forward" else slice(0, 2)
        result, count = counted(*chain[pair])
        chain[pair] = [result]
        total += count
    np.testing.assert_allclose(chain[0], truth, atol=1e-12)


def test_the_ratio_is_inputs_over_outputs_whatever_the_width(explorer):
    for n, m, width in ((1, 1000, 10), (50, 2, 100), (1000, 1, 1000), (20, 20, 100)):
        assert explorer.costs(n, m, width)["ratio"] == pytest.approx(n / m)
    # the network of chapter 3 in small: 200 → 10 → 10 → 10 → 1
    total = explorer.chain(200, 1, 10, 4)["total"]
    assert total.tolist() == [200 * (2000 + 100 + 100 + 10), 2000 + 100 + 100 + 10]


def test_the_curves_pass_through_the_totals(explorer):
    for step in range(5):
        frame = explorer.frame(inputs=5, outputs=20, width=10, step=step)
        log_total, total = frame["costs"]["log_total"][:, step], frame["chain"]["total"]
        if step:
            np.testing.assert_allclose(10**log_total, total)
        else:
            assert not total.any() and np.isnan(log_total).all()


def test_matrices_stand_at_their_places_until_they_are_used_up(explorer):
    chain = explorer.chain(5, 2, 10, 1)
    nan = np.nan
    np.testing.assert_array_equal(chain["rows"], [[2, 10, 10, 10, nan], [nan, 2, 10, 10, 10]])
    np.testing.assert_array_equal(chain["columns"], [[10, 10, 10, 5, nan], [nan, 10, 10, 10, 5]])


def test_the_still_shows_what_is_left_and_what_is_carried(explorer):
    explorer.set(step=1, inputs=5, outputs=2, width=10)
    still = explorer.still(explorer.frame())
    explorer.set(**{c.name: c.values[c.start] for c in explorer.controls})
    assert still.count("<rect") == 8 and still.count('fill="var(--ex-') == 2
    for name, times in (("J₄", 1), ("J₃", 2), ("J₂", 2), ("J₁", 1), ("10×5", 2), ("2×10", 2)):
        assert still.count(f">{name}<") == times


def test_all_sizes_fit_the_plot(explorer):
    low = explorer.costs(SIZES[0], SIZES[0], 10)["log_total"]
    high = explorer.costs(SIZES[-1], SIZES[-1], 1000)["log_total"]
    assert np.nanmin(low) >= 0 and np.nanmax(high) <= 10
