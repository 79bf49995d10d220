"""Moved images: the pictures against `augment`, the answers against the networks themselves."""

import numpy as np
import pytest

from lecturelib import data, nn
from lecturelib.data import augment
from lecturelib.widgets import AugmentationExplorer, ShiftExplorer
from lecturelib.widgets.distortions import GRAYS, SHOWN, _drawn

TEXTS = {"caption": "Move the image and watch the bars.", "alt": "An image and twenty bars."}
TEST = data.fashion_mnist().test


class Brightness(nn.Module):
    """Ten scores that follow the sum of the upper and the lower half."""

    def __init__(self, sign, dtype):
        self.sign, self.dropout = sign, nn.Dropout(0.5, rng=np.random.default_rng(0))
        self.weight = nn.Parameter(np.linspace(-1, 1, 10, dtype=dtype))

    def forward(self, x):
        assert x.dtype == self.weight.dtype
        halves = x[:, 0, :14].sum((1, 2)) - x[:, 0, 14:].sum((1, 2))
        return self.weight * self.dropout(np.full((len(x), 1), self.sign, x.dtype)
                                          * halves[:, None] / 50)


@pytest.fixture(scope="module")
def explorer():
    networks = {"up": Brightness(1, np.float32), "down": Brightness(-1, np.float64)}
    return ShiftExplorer(networks=networks, **TEXTS)


@pytest.fixture(scope="module")
def draws():
    return AugmentationExplorer(**TEXTS)


def first(name):
    return TEST.x[TEST.y == SHOWN[name]][:1]


@pytest.mark.parametrize(("move", "amount", "expected"), [
    ("right", 3, lambda x: augment.shift(x, right=3)),
    ("down", -5, lambda x: augment.shift(x, down=-5)),
    ("turn", 2, lambda x: augment.rotate(x, 20)),
    ("scale", -1, lambda x: augment.scale(x, 1 / 1.1)),
    ("scale", 0, lambda x: x),
])
def test_the_picture_is_the_first_of_its_class_moved(explorer, move, amount, expected):
    for name in ("bag", "trouser"):
        found = explorer.pictures(name, move, amount)["images"]
        np.testing.assert_allclose(found / GRAYS, expected(first(name))[0], atol=0.5001 / GRAYS)
        assert np.array_equal(found, np.round(found)) and found.shape == (1, 28, 28)


def test_each_row_holds_the_probabilities_of_one_network(explorer):
    x = augment.shift(first("boot"), down=4)[0, 0].astype(float)
    halves = (x[:14].sum() - x[14:].sum()) / 50
    found = explorer.answers("boot", "down", 4)
    for row, sign in zip(found["p"], (1, -1), strict=True):
        e = np.exp(sign * halves * np.linspace(-1, 1, 10))
        np.testing.assert_allclose(row, e / e.sum(), rtol=1e-5)  # without dropout
    assert found["truth"] == 9
    assert explorer.words()["networks"] == ["up", "down"]
    assert explorer.words()["classes"][9] == "Ankle boot"


def test_the_still_has_the_picture_and_a_row_for_each_class(explorer):
    picture = explorer.still(explorer.frame())
    assert picture.count("<image") == 1 and picture.count("<rect") == 20
    assert "Ankle boot" in picture and ">up<" in picture and ">down<" in picture


def test_two_networks_are_needed():
    with pytest.raises(ValueError, match=r"networks: two networks are needed, got \['one'\]"):
        ShiftExplorer(networks={"one": Brightness(1, np.float64)}, **TEXTS)


def test_without_strength_nothing_changes(draws):
    x = data.fashion_mnist().train
    boot = np.round(GRAYS * x.x[x.y == 9][0])
    for change in ("shift", "rotate", "scale", "mirror", "all"):
        np.testing.assert_array_equal(draws.pictures(change, 0)["images"], np.tile(boot, (6, 1, 1)))


def test_six_different_draws_that_grow_with_the_strength(draws):
    for change in ("shift", "rotate", "scale", "all"):
        still = draws.pictures(change, 0)["images"]
        weak, strong = (draws.pictures(change, s)["images"] for s in (1, 6))
        assert abs(weak - still).mean() < abs(strong - still).mean()
        assert len({picture.tobytes() for picture in strong}) >= 5
        np.testing.assert_array_equal(draws.pictures(change, 6)["images"], strong)


def test_mirror_images_are_exact_and_at_most_some(draws):
    still, found = (draws.pictures("mirror", s)["images"] for s in (0, 6))
    same = (found == still).all((1, 2))
    np.testing.assert_array_equal(found[~same], still[~same][..., ::-1])
    assert 0 < same.sum() < 6


def test_all_four_are_the_four_one_after_the_other(draws):
    assert draws.still(draws.frame()).count("<image") == 6
    x = draws._images
    for name in ("mirror", "scale", "rotate", "shift"):
        x = _drawn(x, name, 4)
    np.testing.assert_array_equal(draws.pictures("all", 4)["images"], np.round(GRAYS * x[:, 0]))
