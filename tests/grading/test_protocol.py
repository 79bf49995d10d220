"""What crosses the pipe arrives unchanged, and bytes that lie are refused, whatever they are."""

import math
import random
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lecturelib.grading import protocol
from lecturelib.grading.protocol import DTYPES, Malformed, decode, encode


def no_reference(*_):
    raise KeyError("none here")


def refuse(x):
    raise TypeError(f"not plain: {type(x).__name__}")


arrays = hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, min_side=0, max_dims=4))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text())
values = st.recursive(
    st.one_of(scalars, arrays, arrays.map(lambda a: a.ravel()[0] if a.size else a)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(st.text(), st.integers()), inner, max_size=4)),
    max_leaves=12)


def equal(a, b):
    """Of the same types all the way down, with the same bits."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, (float, complex)):
        return struct.pack("dd", a.real, a.imag) == struct.pack("dd", b.real, b.imag)
    return a == b


@given(values)
def test_what_is_sent_arrives(value):
    assert equal(decode(encode(value, refuse), no_reference), value)


@pytest.mark.parametrize("array", [
    np.arange(12.0).reshape(3, 4).T, np.arange(12.0)[::-2], np.asfortranarray(np.ones((2, 3))),
    np.arange(4, dtype=">i4"), np.broadcast_to(np.float32(3), (2, 2)), np.zeros((0, 3)),
])
def test_layout_and_byte_order_do_not_matter(array):
    got = decode(encode(array, refuse), no_reference)
    assert type(got) is np.ndarray and got.flags.c_contiguous and got.flags.writeable
    assert np.array_equal(got, array) and got.shape == array.shape


def test_a_new_array_shares_nothing_with_the_message():
    data = encode(np.ones(3), refuse)
    first, second = decode(data, no_reference), decode(data, no_reference)
    first[:] = 7
    assert second.tolist() == [1, 1, 1]


class Sly(np.ndarray):
    def __eq__(self, other):
        return True


@pytest.mark.parametrize("value", [
    np.ones(2).view(Sly), np.ma.ones(2), np.array([None]), np.array(["a"]), np.array(1, "M8[s]"),
    np.zeros(1, "f8,i4"), np.longdouble(1), {1, 2}, b"bytes", range(3), type("I", (int,), {})(3)])
def test_what_is_not_plain_is_referred(value):
    """A subclass may mean something else by its operators; the grader must not get it as data."""
    with pytest.raises(TypeError, match="not plain"):
        encode([value], refuse)
    got = decode(encode([value], lambda x: (b"h", 5, "kind")), lambda *reference: reference)
    assert got == [(b"h", 5, "kind")]


def test_limits_of_the_sender():
    deep: list = []
    deep.append(deep)
    for value, words in [(deep, "deep"), (list(range(protocol.MAX_ITEMS)), "arrays instead"),
                         (np.zeros(protocol.MAX_FRAME // 8 + 1), "64 MB"), (1 << 9000, "integer"),
                         ([np.zeros(protocol.MAX_FRAME // 16)] * 3, "64 MB")]:
        with pytest.raises(Malformed, match=words):
            encode(value, refuse)


COUNT = struct.Struct("<I").pack
BAD = {
    "empty": b"",
    "unknown tag": b"?",
    "two values": b"NN",
    "a string shorter than it says": b"s" + COUNT(9) + b"abc",
    "a string that is no text": b"s" + COUNT(2) + b"\xff\xfe",
    "a list longer than the message": b"l" + COUNT(2**32 - 1) + b"N",
    "too many values": b"l" + COUNT(protocol.MAX_ITEMS + 1) + b"N" * (protocol.MAX_ITEMS + 1),
    "nested too deeply": (b"l" + COUNT(1)) * 40_000 + b"N",
    "a dict with a list for a key": b"d" + COUNT(1) + b"l" + COUNT(0) + b"N",
    "a key with a list in it": b"d" + COUNT(1) + b"t" + COUNT(1) + b"l" + COUNT(0) + b"N",
    "too many keys": b"d" + COUNT(protocol.MAX_KEYS + 1) + b"NN" * (protocol.MAX_KEYS + 1),
    "unknown dtype": b"a" + bytes([len(DTYPES), 0]) + bytes(64),
    "too many axes": b"a" + bytes([10, 33]) + COUNT(1) * 33 + bytes(4),
    "a scalar with axes": b"n" + bytes([11, 1]) + COUNT(1) + bytes(8),
    "an array of 2^64 elements": b"a" + bytes([11, 2]) + COUNT(2**32 - 1) * 2 + bytes(8),
    "an array shorter than it says": b"a" + bytes([11, 1]) + COUNT(3) + bytes(23),
    "a boolean that is 7": b"a" + bytes([0, 1]) + COUNT(1) + b"\x07",
    "a huge integer": b"I" + COUNT(10**6) + bytes(10**6),
    "a reference to nothing": b"h" + COUNT(3) + COUNT(0),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_a_malformed_message_is_refused(data):
    with pytest.raises(Malformed):
        decode(data, no_reference)


def test_random_bytes_and_broken_messages_raise_nothing_else():
    rng = random.Random(0)
    good = encode([1, 2.5, "text", {"a": np.ones((2, 3))}, (None, True, 1 << 70, 1j)], refuse)
    refused = 0
    for _ in range(6000):
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.3:
            del data[rng.randrange(len(data)):]
        if rng.random() < 0.2:
            data = bytearray(b"ltdansIhk"[rng.randrange(9)] for _ in range(60)) + data
        try:
            decode(bytes(data), no_reference)
        except Malformed:
            refused += 1
    assert refused > 2000


def test_nan_and_signed_zero_survive():
    got = decode(encode([math.nan, -0.0], refuse), no_reference)
    assert math.isnan(got[0]) and math.copysign(1, got[1]) == -1
