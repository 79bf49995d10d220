"""Short texts by topic, for models that see words: docstrings of Python's library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from lecturelib.data.dataset import Dataset, TrainTest

TOPICS = ("concurrency", "files", "graphics", "mail and markup", "networking", "the language",
          "tools")


def docstrings() -> TrainTest:
    """2,800 docstrings of Python's standard library: 300 of each topic to learn from, 100 to test.

    x is an array of str (N,): up to 40 words each, in small letters with spaces between, without
    punctuation. y is int64 (N,), the topic, by the module it comes from. Which texts and how they
    were cut: lecturelib/data/README.md. `bag_of_words` makes vectors of them.
    """
    with np.load(Path(__file__).with_name("docstrings.npz")) as stored:
        train, test = (
            Dataset(np.array(stored[f"{part}_text"].tobytes().decode("ascii").split("\n")),
                    stored[f"{part}_topics"].astype(np.int64)) for part in ("train", "test"))
    return TrainTest(train, test, TOPICS)


def vocabulary(texts: Iterable[str], at_least: int = 1) -> tuple[str, ...]:
    """The words of the texts, those of most texts first (equally many: by the alphabet).

    Words are what stands between spaces; those of fewer than `at_least` texts are left out.
    Raises TypeError for a single str.
    """
    count = Counter(word for words in _word_sets(texts) for word in words)
    words = [word for word, n in count.items() if n >= at_least]
    return tuple(sorted(words, key=lambda word: (-count[word], word)))


def bag_of_words(texts: Sequence[str] | np.ndarray, words: Sequence[str],
                 dtype: DTypeLike = np.float32) -> np.ndarray:
    """1 where a word occurs in a text, else 0: an array (texts, words).

    Words that are not in `words` are passed over, and so is their order in the text. Raises
    TypeError for a single str, ValueError if a word is given twice.
    """
    column = {str(word): j for j, word in enumerate(words)}
    if len(column) < len(words):
        raise ValueError(f"words: each word once, got {len(words)}, {len(column)} different")
    bag = np.zeros((len(texts), len(column)), dtype)
    for i, found in enumerate(_word_sets(texts)):
        bag[i, [column[word] for word in found if word in column]] = 1
    return bag


def _word_sets(texts: Iterable[str]) -> list[set[str]]:
    """The different words of each text."""
    if isinstance(texts, str):
        raise TypeError("texts: several texts are needed, such as [text], got one str")
    return [set(str(text).split()) for text in texts]
