"""What comes with the library is what the documentation says, and needs NumPy alone."""

import subprocess
import sys

import numpy as np
import pytest

from lecturelib import data


@pytest.fixture(scope="module")
def fashion() -> data.TrainTest:
    return data.fashion_mnist()


def check_form(d: data.TrainTest, side: int) -> None:
    assert len(d.classes) == len(set(d.classes)) == 10
    for part in (d.train, d.test):
        assert part.x.dtype == np.float32 and part.y.dtype == np.int64
        assert part.x.shape == (len(part), 1, side, side) and part.y.shape == (len(part),)
        assert part.x.min() == 0 and part.x.max() == 1
        assert part.x.flags.c_contiguous
        assert len(set(part.y[:100])) == 10  # the first hundred are already a fair sample


def test_fashion_mnist(fashion):
    check_form(fashion, side=28)
    assert fashion.classes[0] == "T-shirt/top" and fashion.classes[9] == "Ankle boot"
    assert np.bincount(fashion.train.y).tolist() == [800] * 10
    assert np.bincount(fashion.test.y).tolist() == [200] * 10
    # mean and spread of the full set; a subset of 8,000 comes this close
    assert fashion.train.x.mean() == pytest.approx(0.28604, abs=2e-3)
    assert fashion.train.x.std() == pytest.approx(0.35302, abs=2e-3)


def test_no_image_of_fashion_mnist_appears_twice(fashion):
    images = {x.tobytes() for part in (fashion.train, fashion.test) for x in part.x}
    assert len(images) == 10_000


def test_trousers_have_two_legs(fashion):
    """Labels belong to their images: low in the picture, trousers have a gap in the middle."""
    gap = fashion.train.x[:, 0, 18:26, 13:15].mean(axis=(1, 2))
    trousers = fashion.train.y == fashion.classes.index("Trouser")
    dresses = fashion.train.y == fashion.classes.index("Dress")
    assert gap[trousers].mean() < 0.5 * gap[dresses].mean()


def test_digits():
    d = data.digits()
    check_form(d, side=8)
    assert d.classes == tuple("0123456789")
    assert (len(d.train), len(d.test)) == (1437, 360)
    assert np.bincount(d.test.y).tolist() == [36] * 10
    assert np.bincount(d.train.y).min() >= 138
    together = np.concatenate([d.train.x, d.test.x]).reshape(-1, 64)
    assert (together * 16 % 1 == 0).all()  # ink was counted in sixteenths
    assert len(np.unique(together, axis=0)) == 1797


def test_the_same_data_every_time(fashion):
    again = data.fashion_mnist()
    for part in ("train", "test"):
        for name in ("x", "y"):
            assert np.array_equal(getattr(getattr(fashion, part), name),
                                  getattr(getattr(again, part), name))


def test_a_path_without_full_is_not_ignored():
    with pytest.raises(ValueError, match="full=True"):
        data.fashion_mnist(path="somewhere")


def test_numpy_is_enough():
    code = """
import sys
others = ("pooch", "tqdm", "requests", "sklearn", "torch")
sys.modules.update(dict.fromkeys(others))  # importing any of them fails
from lecturelib import data
print(len(data.fashion_mnist().train), len(data.digits().train))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout == "8000 1437\n", run.stderr
