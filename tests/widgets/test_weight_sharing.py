"""The explorer of weight sharing: its matrices against the convolution of the library and torch."""

import numpy as np
import pytest

from lecturelib.ops import conv1d
from lecturelib.widgets.weight_sharing import INPUTS, MOST, WeightSharingExplorer

TEXTS = {"caption": "Cut links, then share weights.", "alt": "A layer and its matrix."}
GEOMETRIES = [(3, 1, 0), (1, 1, 2), (5, 1, 2), (4, 2, 1), (3, 3, 2), (2, 3, 0)]
each_geometry = pytest.mark.parametrize(("size", "stride", "padding"), GEOMETRIES)


@pytest.fixture(scope="module")
def explorer():
    return WeightSharingExplorer(**TEXTS)


def outputs_of(layer):
    return int(layer["counts"][0])


@each_geometry
def test_shared_weights_make_the_matrix_of_a_convolution(explorer, size, stride, padding):
    layer = explorer.layer("shared", size, stride, padding)
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=INPUTS), rng.normal(size=size)
    numbers = np.nan_to_num(layer["which"][:outputs_of(layer)]).astype(int)
    W = np.concatenate([[0.0], kernel])[numbers]  # number 0: no link
    found = conv1d(x[None, None], kernel[None, None], stride=stride, padding=padding)
    np.testing.assert_allclose(W @ x, found[0, 0], atol=1e-12)
    assert layer["counts"][2] == size


@each_geometry
def test_cutting_and_sharing_keep_outputs_and_lower_the_counts(explorer, size, stride, padding):
    dense, local, shared = (explorer.layer(wiring, size, stride, padding)
                            for wiring in ("dense", "local", "shared"))
    n = (INPUTS + 2 * padding - size) // stride + 1
    np.testing.assert_array_equal(dense["counts"], [n, n * INPUTS, n * INPUTS])
    links = sum(0 <= stride * i + k - padding < INPUTS for i in range(n) for k in range(size))
    np.testing.assert_array_equal(local["counts"], [n, links, links])
    np.testing.assert_array_equal(shared["counts"], [n, links, size])
    np.testing.assert_array_equal(np.isnan(local["which"]), np.isnan(shared["which"]))
    for layer in (dense, local):  # each weight on one link, numbered row by row
        numbers = layer["which"][~np.isnan(layer["which"])]
        np.testing.assert_array_equal(numbers, np.arange(1, len(numbers) + 1))


@each_geometry
def test_outputs_stand_over_the_middle_of_their_windows(explorer, size, stride, padding):
    layer = explorer.layer("shared", size, stride, padding)
    n = outputs_of(layer)
    assert np.isnan(layer["place"][n:]).all() and np.isnan(layer["which"][n:]).all()
    assert layer["place"].shape == (MOST,)
    for row, place in zip(layer["which"][:n], layer["place"]):
        seen = np.flatnonzero(~np.isnan(row))
        if len(seen) == size:  # not at a border
            assert place == seen.mean()
    assert layer["place"][0] == (size - 1) / 2 - padding


def test_a_kernel_of_one_with_padding_has_outputs_without_links(explorer):
    which = explorer.layer("shared", 1, 1, 2)["which"]
    assert np.isnan(which[[0, 1, 10, 11]]).all()
    np.testing.assert_array_equal(which[2:10], np.where(np.eye(8) > 0, 1, np.nan))


def test_the_still_draws_each_link_and_marks_one_output(explorer):
    explorer.set(wiring="shared", size=3, stride=2, padding=1, output=12)  # of 4: the last
    try:
        picture = explorer.still(explorer.frame())
        assert picture.count("<line") == 11 and picture.count("<circle") == 8 + 4
        assert picture.count('stroke-width="2.5"/>') == 1  # the frames of the cells
        assert picture.count('stroke-width="2.5" stroke="var') == 3
        assert picture.count("--ex-orange, ") == 4 + 1  # weight 2 sits in the middle
        assert picture.count("h25v25h-25z") == 3
        explorer.set(wiring="dense")
        assert explorer.still(explorer.frame()).count("--ex-gray") == 4 * 8
    finally:
        explorer.set(wiring="dense", size=3, stride=1, padding=0, output=2)
