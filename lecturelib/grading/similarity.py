"""Which submissions look alike: a hint to look at both, and no more than that.

The method is winnowing {cite}`schleimer2003winnowing`: names, numbers and strings are
made anonymous, so that renaming hides nothing; every run of K tokens is hashed; of each
WINDOW neighbouring hashes the smallest is kept. What many students share says nothing
(the given code, the one obvious solution), and is left out.
"""

from __future__ import annotations

import keyword
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations

K, WINDOW = 12, 6
MAX_FINGERPRINTS = 4_000
MAX_SOURCE = 200_000  # characters
_TOKEN = re.compile(
    r"(?P<comment>#[^\n]*)|(?P<string>\"\"\".*?\"\"\"|'''.*?'''|\"[^\"\n]*\"|'[^'\n]*')"
    r"|(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<other>[^\s\w])",
    re.DOTALL,
)


def fingerprints(source: str) -> list[int]:
    """The winnowed hashes of a program, sorted."""
    words = _tokens(source[:MAX_SOURCE])
    hashes = [
        zlib.crc32(" ".join(words[i : i + K]).encode())
        for i in range(len(words) - K + 1)
    ]
    kept = {
        min(hashes[i : i + WINDOW])
        for i in range(max(len(hashes) - WINDOW + 1, 1))
        if hashes
    }
    return sorted(kept)[:MAX_FINGERPRINTS]


def _tokens(source: str) -> list[str]:
    words = []
    for match in _TOKEN.finditer(source):
        kind, text = match.lastgroup, match[0]
        if kind == "name":
            words.append(text if keyword.iskeyword(text) else "v")
        elif kind in ("number", "string"):
            words.append({"number": "n", "string": "s"}[kind])
        elif kind == "other":
            words.append(text)
    return words


def alike(
    prints: Mapping[str, list[int]],
    *,
    given: Iterable[int] = (),
    least: float = 0.6,
    common: float = 0.2,
) -> list[tuple[str, str, float]]:
    """Pairs of submissions that share at least the part `least` of what is their own.

    prints: fingerprints by name; given: those of the code that everybody was given;
    common: what more than this part of all submissions have is left out (in groups of
    ten and more). The part is that of the smaller one. Most alike first.
    """
    count = Counter(h for hashes in prints.values() for h in set(hashes))
    known = set(given)
    too_many = max(common * len(prints), 3)
    own = {
        name: {h for h in hashes if count[h] <= too_many} - known
        for name, hashes in prints.items()
    }
    where = defaultdict(list)
    for name, hashes in own.items():
        for h in hashes:
            where[h].append(name)
    shared: Counter = Counter()
    for names in where.values():
        shared.update(combinations(sorted(names), 2))
    pairs = []
    for (a, b), n in shared.items():
        smaller = min(len(own[a]), len(own[b]))
        if n >= 5 and n / smaller >= least:
            pairs.append((a, b, n / smaller))
    return sorted(pairs, key=lambda pair: (-pair[2], pair[:2]))
