"""IDX files are read by their header, and a header that lies is found out."""

import numpy as np
import pytest

from lecturelib.data import DataError
from lecturelib.data.idx import parse_idx


def test_shape_and_order():
    content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255])
    array = parse_idx(content, "a")
    assert array.dtype == np.uint8
    assert array.tolist() == [[1, 2, 3], [4, 5, 255]]


def test_lengths_are_big_endian():
    assert parse_idx(bytes([0, 0, 8, 1, 0, 0, 1, 4]) + bytes(260), "a").shape == (260,)


@pytest.mark.parametrize("content, message", [
    (b"", "not an IDX file"),
    (bytes([0, 0, 8]), "not an IDX file"),
    (b"\x1f\x8b\x08\x08rest", "begins 1f 8b 08 08"),  # still compressed
    (bytes([0, 0, 13, 1, 0, 0, 0, 0]), "not an IDX file of bytes"),  # floating-point numbers
    (bytes([0, 0, 8, 3, 0, 0, 0, 1]), "within its header: 8 of 16"),
    (bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2]), "promises 3 numbers.*holds 2"),
    (bytes([0, 0, 8, 1, 0, 0, 0, 1, 1, 2]), "promises 1 numbers.*holds 2"),
])
def test_damage_is_named(content, message):
    with pytest.raises(DataError, match=message) as error:
        parse_idx(content, "images-idx3")
    assert "images-idx3" in str(error.value)
