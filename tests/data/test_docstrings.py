"""The texts that come with the library, and the bags of words that are made of them."""

import importlib
import platform
from pathlib import Path

import numpy as np
import pytest

from lecturelib import data

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture(scope="module")
def texts():
    return data.docstrings()


def test_texts_are_many_and_balanced(texts):
    assert (len(texts.train), len(texts.test)) == (2100, 700)
    assert np.bincount(texts.train.y).tolist() == [300] * 7
    assert np.bincount(texts.test.y).tolist() == [100] * 7
    assert len(set(texts.classes)) == 7 and texts.train.y.dtype == np.int64
    assert len(set(texts.train.y[:100])) == 7  # shuffled: the first hundred are a fair sample


def test_texts_are_words_and_none_comes_twice(texts):
    together = [str(text) for part in (texts.train, texts.test) for text in part.x]
    assert len(set(together)) == 2800
    for text in together:
        found = text.split(" ")
        assert 6 <= len(found) <= 40
        assert all(w.isascii() and w.isalpha() and w.islower() and len(w) > 1 for w in found)


def test_topics_belong_to_their_texts(texts):
    """Where a word tells the topic, it must be that topic."""
    for word, topic in (("widget", "graphics"), ("zipfile", "files"), ("imap", "networking"),
                        ("threads", "concurrency"), ("pickle", "the language")):
        has = np.array([word in text.split() for text in texts.train.x])
        share = np.bincount(texts.train.y[has], minlength=7) / has.sum()
        assert texts.classes[share.argmax()] == topic, (word, share)


def test_vocabulary_has_common_words_first_and_counts_texts_not_words():
    some = ["b b b a", "a c", "c a d"]
    assert data.vocabulary(some) == ("a", "c", "b", "d")
    assert data.vocabulary(some, at_least=2) == ("a", "c")


def test_bag_of_words_by_hand():
    bag = data.bag_of_words(["b a b", "", "x c"], ("a", "b", "c"), np.float64)
    assert bag.dtype == np.float64
    assert bag.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert data.bag_of_words(["a"], ["a"]).dtype == np.float32


def test_bag_of_words_takes_the_library_texts(texts):
    words = data.vocabulary(texts.train.x, at_least=2)
    bag = data.bag_of_words(texts.test.x, words)
    assert bag.shape == (700, len(words))
    assert bag[5].sum() == len(set(texts.test.x[5].split()) & set(words))


def test_wrong_arguments_are_named():
    with pytest.raises(TypeError, match="texts: several texts"):
        data.vocabulary("a text")
    with pytest.raises(TypeError, match="texts: several texts"):
        data.bag_of_words("a text", ["a"])
    with pytest.raises(ValueError, match="each word once"):
        data.bag_of_words(["a"], ["a", "b", "a"])


@pytest.fixture
def make_docstrings(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("make_docstrings")


def test_docstrings_again(make_docstrings):
    if platform.python_version() != make_docstrings.RELEASE:
        pytest.skip(f"the texts are of Python {make_docstrings.RELEASE}")
    rebuilt = make_docstrings.docstrings()
    with np.load(make_docstrings.FILE) as shipped:
        assert set(shipped) == set(rebuilt)
        assert all(np.array_equal(shipped[key], rebuilt[key]) for key in shipped)


def test_topics_are_those_of_the_loader(make_docstrings, texts):
    assert tuple(make_docstrings.TOPICS) == texts.classes


def test_words_of_a_source(make_docstrings):
    source = '''
def f():
    """Return the LAST item, or x, of a list.

    >>> f([1, 2])
    2
    """
def short():
    """Too short."""
class C:
    """One two three four five six.""" '''
    assert list(make_docstrings.words_of(source)) == [
        "return the last item or of list", "one two three four five six"]


def test_files_with_a_note_of_others_are_left_out(make_docstrings):
    note = make_docstrings.OWN_NOTICE.search
    assert note("# Copyright (c) 1999-2008 by Fredrik Lundh.")
    assert note("# Copyright 2007 Google Inc.") and note("# All rights reserved.")
    assert not note("# prints version and copyright messages")
