"""Every source that the library or a chapter names is in the bibliography, once."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEYS = re.findall(r"(?m)^@\w+\{([^,]+),", (ROOT / "book" / "references.bib").read_text("utf-8"))


def cited():
    for path in (*ROOT.glob("lecturelib/**/*.py"), *ROOT.glob("book/*.[im][pd]*")):
        for keys in re.findall(r"\{cite\}`([^`]+)`", path.read_text("utf-8")):
            yield from ((key.strip(), path.name) for key in keys.split(","))


def test_every_source_is_in_the_bibliography():
    places = list(cited())
    assert len(places) > 20
    missing = {(key, name) for key, name in places if key not in KEYS}
    assert not missing


def test_the_bibliography_is_sorted_and_has_no_key_twice():
    assert sorted(set(KEYS)) == KEYS
