"""Plain values as bytes: all that may pass between the grader and a student's process.

A *frame* is a length, a number and one value. A *value* is a tag of one byte and what
the tag asks for. There are numbers, strings, arrays, lists, tuples, dicts, and two
kinds of references: `h`, an object that stays in the student's process, and `k`, a
function that stays in the grader's. Nothing that is received is ever executed, and
every length is checked against the bytes that are really there before it is believed.

Both processes use this file. The student's may have changed its copy of it: only the
checks that run in the grader's process protect the grader.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

MAX_FRAME = 64 << 20  # bytes
MAX_ITEMS = 100_000  # values in a frame, the elements of arrays not counted
MAX_KEYS = 4_096  # in one dict: numbers can be chosen so that their hashes collide
MAX_DEPTH = 32
MAX_INTEGER = 1_024  # bytes
MAX_AXES = 32

HEADER = struct.Struct("<II")  # the length of the value in bytes, the number
_COUNT, _INT, _FLOAT, _COMPLEX = (struct.Struct(f"<{c}") for c in ("I", "q", "d", "dd"))
DTYPES = tuple(
    np.dtype(name)
    for name in (
        "?",
        "i1",
        "<i2",
        "<i4",
        "<i8",
        "u1",
        "<u2",
        "<u4",
        "<u8",
        "<f2",
        "<f4",
        "<f8",
        "<c8",
        "<c16",
    )
)
_DTYPE_CODES = {dtype: code for code, dtype in enumerate(DTYPES)}

#: What is outside the plain values: `refer(x)` gives a tag, a number and a name.
Refer = Callable[[Any], tuple[bytes, int, str]]
#: And back: `resolve(tag, number, name)` gives the object, or raises KeyError.
Resolve = Callable[[bytes, int, str], Any]


class Malformed(ValueError):
    """Bytes that are no value, or a value that is too large to be sent."""


def encode(value: Any, refer: Refer) -> bytes:
    """The bytes of a value; `refer` is asked about everything that is not plain.

    Raises Malformed for a value that is nested too deeply (such as a list that contains
    itself), has too many items or too many bytes.
    """
    parts: list[bytes | memoryview] = []
    _Encoder(parts, refer).write(value, 0)
    return b"".join(parts)


def decode(data: bytes | bytearray | memoryview, resolve: Resolve) -> Any:
    """The value of some bytes: new arrays of exactly `np.ndarray`, in C order.

    Raises Malformed unless the bytes are exactly one value within the limits above.
    """
    decoder = _Decoder(memoryview(data), resolve)
    try:
        value = decoder.read(0)
    except Malformed:
        raise
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        OverflowError,
        struct.error,
    ) as e:
        raise Malformed(f"not a value: {type(e).__name__}: {e}"[:200]) from e
    if decoder.at != len(decoder.data):
        raise Malformed(f"{len(decoder.data) - decoder.at} bytes too many")
    return value


def is_plain(array: Any) -> bool:
    """Whether an array or scalar is of NumPy's own type and can be sent."""
    own = type(array) is np.ndarray or (
        isinstance(array, np.generic) and type(array) is array.dtype.type
    )
    return own and array.dtype.newbyteorder("<") in _DTYPE_CODES


class _Encoder:
    def __init__(self, parts: list[bytes | memoryview], refer: Refer) -> None:
        self.parts, self.refer = parts, refer
        self.items = self.size = 0

    def write(self, x: Any, depth: int) -> None:
        self.items += 1
        if depth > MAX_DEPTH:
            raise Malformed(f"nested more than {MAX_DEPTH} deep")
        if self.items > MAX_ITEMS:
            raise Malformed(f"more than {MAX_ITEMS} values; return arrays instead")
        kind = type(x)  # exactly: a subclass may mean something else by its operators
        if x is None:
            self.put(b"N")
        elif kind is bool:
            self.put(b"T" if x else b"F")
        elif kind is int:
            self.integer(x)
        elif kind is float:
            self.put(b"f", _FLOAT.pack(x))
        elif kind is complex:
            self.put(b"c", _COMPLEX.pack(x.real, x.imag))
        elif kind is str:
            text = x.encode("utf-8", "replace")
            self.put(b"s", _COUNT.pack(len(text)), text)
        elif kind is list or kind is tuple:
            self.put(b"l" if kind is list else b"t", _COUNT.pack(len(x)))
            for item in x:
                self.write(item, depth + 1)
        elif kind is dict and len(x) <= MAX_KEYS:
            self.put(b"d", _COUNT.pack(len(x)))
            for key, item in x.items():
                self.write(key, depth + 1)
                self.write(item, depth + 1)
        elif isinstance(x, (np.ndarray, np.generic)) and is_plain(x):
            self.array(x)
        else:
            tag, number, name = self.refer(x)
            text = name.encode("utf-8", "replace")[:80]
            self.put(tag, _COUNT.pack(number), _COUNT.pack(len(text)), text)

    def put(self, *parts: bytes | memoryview) -> None:
        self.size += sum(map(len, parts))
        if self.size > MAX_FRAME:
            raise Malformed(f"more than {MAX_FRAME >> 20} MB in one call")
        self.parts.extend(parts)

    def integer(self, x: int) -> None:
        if -(1 << 63) <= x < 1 << 63:
            self.put(b"i", _INT.pack(x))
            return
        size = x.bit_length() // 8 + 1
        if size > MAX_INTEGER:
            raise Malformed(f"an integer of more than {MAX_INTEGER} bytes")
        self.put(b"I", _COUNT.pack(size), x.to_bytes(size, "little", signed=True))

    def array(self, x: Any) -> None:
        dtype = x.dtype.newbyteorder("<")
        if x.nbytes + self.size > MAX_FRAME:
            raise Malformed(f"more than {MAX_FRAME >> 20} MB in one call")
        shape = x.shape if type(x) is np.ndarray else ()
        tag = b"a" if type(x) is np.ndarray else b"n"
        raw = (
            np.ascontiguousarray(x, dtype).reshape(-1).view(np.uint8)
        )  # shared if it can be
        self.put(
            tag,
            bytes((_DTYPE_CODES[dtype], len(shape))),
            struct.pack(f"<{len(shape)}I", *shape),
            raw.data,
        )


class _Decoder:
    def __init__(self, data: memoryview, resolve: Resolve) -> None:
        self.data, self.resolve = data, resolve
        self.at = self.items = 0

    def take(self, size: int) -> memoryview:
        if size > len(self.data) - self.at:
            raise Malformed("shorter than it says")
        self.at += size
        return self.data[self.at - size : self.at]

    def unpack(self, form: struct.Struct) -> tuple:
        return form.unpack(self.take(form.size))

    def count(self) -> int:
        return self.unpack(_COUNT)[0]

    def text(self) -> str:
        return str(self.take(self.count()), "utf-8")

    def read(self, depth: int) -> Any:
        self.items += 1
        if depth > MAX_DEPTH or self.items > MAX_ITEMS:
            raise Malformed("nested too deeply, or too many values")
        tag = bytes(self.take(1))
        if tag in b"NTF":
            return {b"N": None, b"T": True, b"F": False}[tag]
        if tag == b"i":
            return self.unpack(_INT)[0]
        if tag == b"I":
            size = self.count()
            if size > MAX_INTEGER:
                raise Malformed("an integer that is too large")
            return int.from_bytes(self.take(size), "little", signed=True)
        if tag == b"f":
            return self.unpack(_FLOAT)[0]
        if tag == b"c":
            return complex(*self.unpack(_COMPLEX))
        if tag == b"s":
            return self.text()
        if tag in b"lt":
            items = [self.read(depth + 1) for _ in range(self.count())]
            return items if tag == b"l" else tuple(items)
        if tag == b"d":
            size = self.count()
            if size > MAX_KEYS:
                raise Malformed("a dict of too many keys")
            return {self.key(depth): self.read(depth + 1) for _ in range(size)}
        if tag in b"an":
            return self.array(tag)
        if tag in b"hk":
            return self.resolve(tag, self.count(), self.text())
        raise Malformed(f"the tag {tag!r} is unknown")

    def key(self, depth: int) -> Any:
        key = self.read(depth + 1)
        if type(key) not in (str, int, float, bool, type(None), tuple):
            raise Malformed("a key that is no string, number or tuple")
        return key

    def array(self, tag: bytes) -> Any:
        code, axes = self.take(2)
        if code >= len(DTYPES) or axes > (MAX_AXES if tag == b"a" else 0):
            raise Malformed("an array of unknown dtype or too many axes")
        dtype, shape = DTYPES[code], struct.unpack(f"<{axes}I", self.take(4 * axes))
        raw = self.take(math.prod(shape) * dtype.itemsize)
        if dtype.kind == "b" and np.frombuffer(raw, np.uint8).max(initial=0) > 1:
            raise Malformed("a boolean that is neither 0 nor 1")
        array = np.frombuffer(raw, dtype).reshape(shape).copy()
        return array if tag == b"a" else array[()]
