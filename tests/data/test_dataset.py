"""A Dataset keeps x and y together, protects them, and is cut and split without loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lecturelib.data import Dataset


def numbered(count: int) -> Dataset:
    """Example i is the pair x = [i, i], y = 10 i, so that strays and mix-ups show."""
    return Dataset(np.repeat(np.arange(count), 2).reshape(count, 2), 10 * np.arange(count))


def test_length_and_repr():
    d = Dataset(np.zeros((5, 1, 2, 2), np.float32), np.zeros(5, np.int64))
    assert len(d) == 5
    assert repr(d) == "Dataset(x: float32 (5, 1, 2, 2), y: int64 (5,))"


@pytest.mark.parametrize("index, expected", [
    (slice(2, 4), [2, 3]),
    (slice(None, None, -2), [4, 2, 0]),
    (slice(9, 12), []),
    ([3, 0, 3], [3, 0, 3]),
    (np.array([True, False, False, False, True]), [0, 4]),
])
def test_indexing_gives_a_dataset(index, expected):
    part = numbered(5)[index]
    assert isinstance(part, Dataset)
    assert part.x.tolist() == [[i, i] for i in expected]
    assert part.y.tolist() == [10 * i for i in expected]


@pytest.mark.parametrize("index", [0, np.int64(0), (0, 1)])
def test_single_examples_are_asked_of_x_and_y(index):
    with pytest.raises(TypeError, match=r"d\.x\[i\], d\.y\[i\]"):
        numbered(5)[index]


def test_the_arrays_cannot_be_changed_through_the_dataset():
    x, y = np.zeros((3, 2)), np.zeros(3)
    d = Dataset(x, y)
    for array in (d.x, d.y, d[1:].x, d[[0, 1]].y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    x[0] = 1  # the caller's own array is still the caller's
    with pytest.raises(AttributeError):
        d.x = x


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="x has 3 examples, y has 4"):
        Dataset(np.zeros((3, 2)), np.zeros(4))
    with pytest.raises(ValueError, match="y: an array of examples is needed"):
        Dataset(np.zeros((3, 2)), 4)


@given(count=st.integers(2, 50), data=st.data(), seed=st.integers(0, 99))
def test_split_deals_every_example_once(count, data, seed):
    held_out = data.draw(st.integers(1, count - 1))
    kept, held = numbered(count).split(held_out, rng=np.random.default_rng(seed))
    assert len(held) == held_out
    assert sorted([*kept.y, *held.y]) == [10 * i for i in range(count)]
    for part in (kept, held):
        assert (part.x[:, 0] * 10 == part.y).all()


@pytest.mark.parametrize("fraction, size", [(0.25, 25), (0.99, 99), (0.015, 2), (0.29, 29)])
def test_split_by_fraction(fraction, size):
    kept, held = numbered(100).split(fraction, rng=np.random.default_rng(0))
    assert (len(kept), len(held)) == (100 - size, size)


def test_split_is_random_and_repeatable():
    def held_out(rng):
        return numbered(100).split(10, rng=rng)[1].y.tolist()

    rng = np.random.default_rng(0)
    first, second = held_out(rng), held_out(rng)
    assert first == held_out(np.random.default_rng(0))
    assert first != second
    assert sorted(first) != [10 * i for i in range(90, 100)]  # not simply the last ones


@pytest.mark.parametrize("held_out, message", [
    (100, "empty"), (101, "empty"), (0, "empty"), (-1, "empty"), (0.001, "empty"),
    (1.0, "between 0 and 1"), (10.0, "between 0 and 1"), (-0.5, "between 0 and 1"),
    (float("nan"), "between 0 and 1"),
])
def test_split_refuses_impossible_sizes(held_out, message):
    with pytest.raises(ValueError, match=message):
        numbered(100).split(held_out, rng=np.random.default_rng(0))


@pytest.mark.parametrize("held_out", [True, "10", None, [10]])
def test_split_refuses_what_is_not_a_number(held_out):
    with pytest.raises(TypeError, match="held_out"):
        numbered(100).split(held_out, rng=np.random.default_rng(0))


@pytest.mark.parametrize("rng", [0, None, np.random, np.random.RandomState(0)])
def test_split_needs_a_generator(rng):
    with pytest.raises(TypeError, match="default_rng"):
        numbered(100).split(10, rng=rng)
