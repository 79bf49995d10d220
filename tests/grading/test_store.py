"""The file of results: keys, the newest counts, and what is missing is known."""

import sqlite3
from dataclasses import replace

import pytest
from tiny import EXERCISE, changed

from lecturelib.grading.evaluate import evaluate
from lecturelib.grading.store import Store


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "results.sqlite") as s:
        yield s


def blank():
    """A report that needs no sandbox."""
    return evaluate(None, EXERCISE, seed=1)


def mended():
    (test,) = EXERCISE["q2"].public
    return changed("q2", public=(replace(test, source=test.source + "#"),))


def test_a_report_comes_back_as_it_was(store):
    report = blank()
    report.log = ["ünïcode 'quotes' \"and\" \x00 zeros"]
    store.save("c", EXERCISE, 1, report)
    assert store.latest("c", 1) == report
    assert store.latest("c", 2) is None and store.latest("other", 1) is None


def test_a_result_belongs_to_content_digest_and_seed(store):
    for content, exercise, seed in [("a", EXERCISE, 1), ("a", EXERCISE, 2), ("b", EXERCISE, 1),
                                    ("a", mended(), 1), ("a", EXERCISE, 1)]:
        store.save(content, exercise, seed, blank())
    assert store.database.execute("select count(*) from results").fetchone() == (4,)


def test_the_newest_report_counts_even_if_it_is_of_an_earlier_form(store):
    """Undoing a change of a test is a change too."""
    first, second = blank(), blank()
    first.message, second.message = "first", "second"
    store.save("a", EXERCISE, 1, first)
    store.save("a", mended(), 1, second)
    assert store.latest("a", 1).message == "second"
    store.save("a", EXERCISE, 1, first)
    assert store.latest("a", 1).message == "first"


def test_missing(store):
    assert store.missing("a", EXERCISE, 1) == ["q1", "q2", "q3", "q4"]
    store.save("a", EXERCISE, 1, blank())
    assert store.missing("a", EXERCISE, 1) == []
    assert store.missing("a", mended(), 1) == ["q2"]
    assert store.missing("a", EXERCISE, 2) == ["q1", "q2", "q3", "q4"]


def test_forget(store):
    store.save("a", EXERCISE, 1, blank())
    store.save("a", EXERCISE, 2, blank())
    store.forget(["q1", "q3"], 1)
    assert store.missing("a", EXERCISE, 1) == ["q1", "q3"] and not store.missing("a", EXERCISE, 2)


def test_settings_keep_their_first_value(store):
    assert store.setting("exercise", "tiny") == "tiny"
    assert store.setting("exercise", "other") == "tiny"
    assert store.seed() == store.seed()


def test_a_result_is_on_disk_when_save_returns(store, tmp_path):
    store.save("a", EXERCISE, 1, blank())
    other = sqlite3.connect(tmp_path / "results.sqlite")
    assert other.execute("select content from results").fetchall() == [("a",)]
    other.close()


def test_the_list_of_submissions_is_replaced(store):
    store.save("c1", EXERCISE, 1, blank())
    store.enter([("bob", "c1", "x"), ("ada", "c2", "y"), ("cyd", "c1", "z")])
    found = dict(store.reports(1))
    assert list(found) == ["ada", "bob", "cyd"] and found["ada"] is None
    assert found["bob"] == found["cyd"]
    store.enter([("eve", "c1", "x")])
    assert [name for name, _ in store.reports(1)] == ["eve"]
