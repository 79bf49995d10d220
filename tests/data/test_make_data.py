"""The data that comes with the library can be made again from its sources."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lecturelib import data
from lecturelib.data.fashion_mnist import local_folder

TOOL = Path(__file__).parents[2] / "tools" / "make_data.py"
SHIPPED = Path(data.__file__).parent


@pytest.fixture(scope="module")
def make_data():
    spec = importlib.util.spec_from_file_location("make_data", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_shipped(name: str, rebuilt: dict[str, np.ndarray]) -> None:
    with np.load(SHIPPED / name) as shipped:
        assert set(shipped) == set(rebuilt)
        for key in shipped:
            assert shipped[key].dtype == rebuilt[key].dtype == np.uint8
            assert np.array_equal(shipped[key], rebuilt[key])


def test_fashion_mnist_again(make_data):
    if local_folder() is None:
        pytest.skip("the full Fashion-MNIST is not on this machine")
    check_shipped("fashion_mnist.npz", make_data.fashion_mnist())


def test_digits_again(make_data):
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    check_shipped("digits.npz", make_data.digits())


def test_the_draw_is_balanced_and_random(make_data):
    labels = np.repeat([0, 1, 2], [50, 40, 30])
    drawn = make_data.balanced(labels, per_class=20)
    assert np.bincount(labels[drawn]).tolist() == [20, 20, 20]
    assert (np.diff(drawn) > 0).all()
    assert drawn[:20].tolist() != list(range(20))


def test_the_same_bytes_whatever_the_day(make_data, monkeypatch):
    arrays = {"a": np.arange(1000, dtype=np.uint8), "b": np.zeros((2, 3))}
    before = make_data.npz(arrays)
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *args: (2033, 5, 18, 5, 33, 20, 2, 138, 0))
    assert make_data.npz(arrays) == before


def test_numpy_reads_the_file_and_it_is_small(make_data, tmp_path):
    arrays = {"a": np.zeros(1000, dtype=np.uint8), "b": np.arange(6).reshape(2, 3)}
    (tmp_path / "some.npz").write_bytes(make_data.npz(arrays))
    with np.load(tmp_path / "some.npz") as read:
        assert all(np.array_equal(read[key], arrays[key]) for key in arrays)
    assert (tmp_path / "some.npz").stat().st_size < 1000
    assert (SHIPPED / "fashion_mnist.npz").stat().st_size < 4_500_000
