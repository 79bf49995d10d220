"""Comparisons: what passes, what they say of what does not, and what they refuse to touch."""

import numpy as np
import pytest

from lecturelib import Tensor
from lecturelib.grading.compare import (
    Mismatch,
    array_of,
    close,
    entries,
    holds,
    is_gradient,
    numbers,
    parts,
    same,
    show,
)

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


class AlwaysEqual(np.ndarray):
    """An array that claims to be whatever it is compared with."""

    def __eq__(self, other):
        return np.ones(self.shape, bool)

    def __sub__(self, other):
        return np.zeros(self.shape)

    __rsub__ = __sub__
    __array_priority__ = 1e9


class Pretender:
    """No array, but it says that it is one and gives out what is wanted."""

    __class__ = np.ndarray
    dtype, shape, size, ndim = np.dtype(float), (2, 3), 6, 2

    def __array__(self, dtype=None, copy=None):
        return X.copy()

    def __eq__(self, other):
        return True

    def __abs__(self):
        return 0.0


class Alike(type):
    """The type of a type that equals float."""

    def __hash__(cls):
        return hash(float)

    def __eq__(cls, other):
        return True


class Chameleon(metaclass=Alike):
    """Its type says that it is a float's."""

    def __array__(self, dtype=None, copy=None):
        return X.copy()


class Number(np.float64):
    """A float64 that is near to everything."""

    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__


@pytest.mark.parametrize(
    "got, expected",
    [
        (X, X),
        (X.astype(np.float32), X),
        (X.astype(np.uint8), X),
        (2, 2.0),
        (np.float32(2), 2),
        (np.array(2.0), 2.0),
        (True, 1.0),
        (np.array([np.nan, np.inf, -np.inf]), [np.nan, np.inf, -np.inf]),
        (np.array([1 + 2j]), [1 + 2j]),
        (np.zeros((0, 3)), np.zeros((0, 3))),
    ],
)
def test_equal_numbers_pass(got, expected):
    close(got, expected)


@pytest.mark.parametrize(
    "got",
    [
        X.view(AlwaysEqual),
        np.ma.masked_array(X, mask=True),
        Pretender(),
        Chameleon(),
        X.tolist(),
        tuple(X),
        X.astype(object),
        X.astype(str),
        Tensor(X),
        None,
        ...,
        "X",
        lambda: X,
    ],
    ids=lambda x: type(x).__name__,
)
def test_what_is_no_plain_array_is_refused_by_its_type(got):
    with pytest.raises(Mismatch) as error:
        close(got, X)
    assert error.value.kind == "type"


def test_a_subclass_of_a_number_is_refused():
    with pytest.raises(Mismatch, match="a Number"):
        close(Number(7), 2.0)


def test_what_passes_is_an_array_of_our_own():
    copy = array_of(X)
    copy[0, 0] = 99
    assert X[0, 0] == 1 and type(array_of(np.float64(2))) is np.ndarray


@pytest.mark.parametrize(
    "got, expected, kind",
    [
        (X.T, X, "shape"),
        (np.array([2.0]), 2.0, "shape"),
        (X[None], X, "shape"),
        (X + 1e-5, X, "value"),
        (np.array([np.nan]), [0.0], "value"),
        (np.array([np.inf]), [-np.inf], "value"),
        (np.array([250], np.uint8), [-6], "value"),  # 250 is -6 modulo 256
        (np.array([1 + 1e-3j]), [1.0], "value"),
    ],
)
def test_other_numbers_fail(got, expected, kind):
    with pytest.raises(Mismatch) as error:
        close(got, expected)
    assert error.value.kind == kind


def test_the_dtype_is_compared_if_it_is_given():
    close(X.astype(np.float32), X)
    with pytest.raises(Mismatch, match="expected dtype float32, got dtype float64"):
        close(X, X, dtype=np.float32)


def test_a_mismatch_says_where_and_how_far():
    wrong = X.copy()
    wrong[0, 2], wrong[1, 1] = 3.5, 7.0
    with pytest.raises(Mismatch) as error:
        close(wrong, X, "the slope")
    assert str(error.value) == (
        "the slope: expected [[1, 2, 3], [4, 5, 6]], got [[1, 2, 3.5], [4, 7, 6]]. "
        "First wrong at index (0, 2): expected 3, got 3.5. Largest error 2, at index (1, 1). "
        "2 of 6 numbers differ."
    )
    with pytest.raises(Mismatch, match=r"The error is 0\.5\."):
        close(2.5, 2.0)
    with pytest.raises(Mismatch, match="Numbers that are not finite: 1"):
        close(np.array([1.5, np.nan]), [1.0, 2.0])


def test_tolerances():
    close(np.array([1e-10, 1 + 1e-8]), [0.0, 1.0])
    close(1.01, 1.0, rtol=0.02)
    with pytest.raises(Mismatch):
        close(1e-8, 0.0)
    with pytest.raises(Mismatch):
        close(1 + 1e-6, 1.0)


@pytest.mark.parametrize(
    "got, expected, equal",
    [
        (["a", 1, None, True], ["a", 1, None, True], True),
        (("a", "b"), ["a", "b"], True),
        ({"a": [1]}, {"a": [1]}, True),
        (np.int64(3), 3, True),
        ("b", "a", False),
        (["a"], ["a", "b"], False),
        ({"a": 1}, {"b": 1}, False),
        (Pretender(), 3, False),
        (Pretender(), "a", False),
        (None, 0, False),
    ],
)
def test_same(got, expected, equal):
    if equal:
        same(got, expected)
    else:
        with pytest.raises(Mismatch):
            same(got, expected)


def test_parts_numbers_entries():
    assert parts([1, 2], 2) == (1, 2)
    assert numbers((1, np.float64(2)), 2).tolist() == [1, 2]
    assert entries({"a": 1, "b": 2}, ["b", "a"]) == (2, 1)
    for call in (
        lambda: parts(X, 2),
        lambda: parts((1, 2, 3), 2),
        lambda: numbers((1, X), 2),
        lambda: numbers((1, "2"), 2),
        lambda: entries({"a": 1}, ["a", "b"]),
        lambda: entries([1], ["a"]),
    ):
        with pytest.raises(Mismatch) as error:
            call()
        assert error.value.kind == "type"


def test_holds_and_is_gradient():
    holds(True, "a truth")
    with pytest.raises(Mismatch, match="the sum: expected 1, got 2"):
        holds(False, "the sum", "1", "2")
    is_gradient(2 * X, lambda x: float((x**2).sum()), X)
    with pytest.raises(Mismatch):
        is_gradient(2.001 * X, lambda x: float((x**2).sum()), X)


@pytest.mark.parametrize(
    "thing, text",
    [
        (np.array([[1.0, 0.1]]), "[[1, 0.1]]"),
        (np.array([True]), "[True]"),
        (np.float32(0.5), "0.5"),
        (np.zeros((4, 10)), "float64 array of shape (4, 10): 0, 0, 0, …"),
        ((1, "a", None), "(1, 'a', None (is there a return?))"),
        ({"x": 1.0}, "{'x': 1}"),
        (lambda x: x, "f"),
        (list(range(10)), "[0, 1, 2, 3, 4, 5, 6, 7, …]"),
    ],
)
def test_show(thing, text):
    assert show(thing) == text
