"""Every pass over the batches meets each example once, with its target, in a new order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lecturelib import data
from lecturelib.data import Dataset


def numbered(count: int) -> Dataset:
    return Dataset(np.repeat(np.arange(count), 2).reshape(count, 2), 10 * np.arange(count))


def order(passes) -> list[int]:
    return [i for _, y in passes for i in y // 10]


@given(count=st.integers(0, 40), size=st.integers(1, 50), shuffled=st.booleans(),
       drop_last=st.booleans())
def test_each_example_once_with_its_target(count, size, shuffled, drop_last):
    rng = np.random.default_rng(0) if shuffled else None
    batches = data.batches(numbered(count), size, rng=rng, drop_last=drop_last)
    for _ in range(2):
        pairs = list(batches)
        assert len(pairs) == len(batches)
        for x, y in pairs:
            assert x.shape == (len(y), 2)
            assert (10 * x == y[:, None]).all()
        sizes = [len(y) for _, y in pairs]
        rest = [count % size] if count % size and not drop_last else []
        assert sizes == [size] * (count // size) + rest
        seen = order(pairs)
        assert len(set(seen)) == len(seen) == sum(sizes)
        if not drop_last:
            assert set(seen) == set(range(count))


def test_without_rng_in_order():
    assert order(data.batches(numbered(10), 3)) == list(range(10))


def test_shuffles_examples_not_batches():
    firsts = next(iter(data.batches(numbered(100), 10, rng=np.random.default_rng(0))))[1]
    assert len(set(firsts // 100)) > 1  # whole batches would all come from one ten


def test_new_order_each_pass_same_orders_from_the_same_seed():
    batches = data.batches(numbered(100), 10, rng=np.random.default_rng(0))
    first, second = order(batches), order(batches)
    assert first != second
    rng = np.random.default_rng(0)
    assert [order(data.batches(numbered(100), 10, rng=rng)) for _ in range(2)] == [first, second]


def test_the_order_does_not_depend_on_the_batch_size():
    assert (order(data.batches(numbered(100), 7, rng=np.random.default_rng(0)))
            == order(data.batches(numbered(100), 64, rng=np.random.default_rng(0))))


@pytest.mark.parametrize("rng", [None, np.random.default_rng(0)])
def test_batches_are_copies_that_may_be_changed(rng):
    d = numbered(10)
    for x, y in data.batches(d, 4, rng=rng):
        x[:], y[:] = -1, -1
    assert d.x.min() == d.y.min() == 0


@pytest.mark.parametrize("size, error", [(0, ValueError), (-3, ValueError), (2.0, TypeError),
                                         (True, TypeError), (None, TypeError)])
def test_bad_batch_sizes_are_refused_at_once(size, error):
    with pytest.raises(error, match="batch_size"):
        data.batches(numbered(10), size)


def test_bad_dataset_and_rng_are_refused_at_once():
    with pytest.raises(TypeError, match="a Dataset is needed"):
        data.batches(data.digits(), 10)
    with pytest.raises(TypeError, match="default_rng"):
        data.batches(numbered(10), 10, rng=0)


def reversed_with_noise(x, *, rng):
    return x[..., ::-1] + rng.integers(1, 100, x.shape)


def test_a_transform_gets_the_inputs_of_each_batch_and_the_generator():
    d, rng, twin = numbered(10), np.random.default_rng(0), np.random.default_rng(0)
    pairs = list(data.batches(d, 4, rng=rng, transform=reversed_with_noise))
    order = twin.permutation(10)
    for i, (x, y) in enumerate(pairs):
        chosen = order[4 * i:4 * i + 4]
        np.testing.assert_array_equal(y, d.y[chosen])
        np.testing.assert_array_equal(x, reversed_with_noise(d.x[chosen], rng=twin))
    assert d.x.max() == 9  # the examples themselves stay as they are


def test_a_transform_is_drawn_anew_in_each_pass():
    batches = data.batches(numbered(10), 10, rng=np.random.default_rng(0),
                           transform=lambda x, *, rng: rng.random(x.shape))
    (first, _), (second, _) = [*batches, *batches]
    assert not np.array_equal(first, second)


def test_a_transform_needs_a_generator():
    with pytest.raises(ValueError, match="batches needs an rng as well"):
        data.batches(numbered(10), 4, transform=reversed_with_noise)
