"""Every exercise does what its author means; and validation notices if it does not."""

from dataclasses import replace

import pytest
from test_exercise import QUESTION, START, write
from test_release import FOLDERS

from lecturelib.grading import validate as module
from lecturelib.grading.exercise import load
from lecturelib.grading.validate import validate


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_an_exercise_of_the_book(folder):
    exercise = load(folder)
    assert [str(finding) for finding in validate(exercise)] == []
    assert sum(len(q.wrong_answers) for q in exercise.questions) >= 4
    assert all(len(q.hints) >= 2 and len(q.wrong_answers) >= 3 for q in exercise.questions)


def findings(folder, source=QUESTION):
    return [f"{f.what}: {f.message}" for f in validate(load(write(folder, START, source)))]


def test_a_good_small_one(tmp_path):
    assert findings(tmp_path) == []


@pytest.mark.parametrize(
    "old, new, expected",
    [
        ("return FACTOR * x", "return 3 * x", "the solution: fails test_three (seed 0)"),
        ("close(double(3.0), 6.0)", "double(3.0)", "the stub: passes test_three"),
        ("return x * x", "return 2 * x", "squared: passes everything (seed 0)"),
        ("return x * x", "return x / None", "squared: the public tests do not name it"),
        ("double(3.0), 6.0", "double(2.0), 4.0", "squared: the public tests do not name it"),
        ("return x + x", "return x", "alternative 1: fails test_random (seed 2)"),
        ("ALTERNATIVE", "", "alternative: there is none: write a second solution"),
        ("HINT", "", "hints: there is none"),
        ("## Double it", "## reference.double(x)", None),
    ],
)
def test_what_is_wrong_is_found(tmp_path, old, new, expected):
    broken = QUESTION.replace(old, new)
    assert broken != QUESTION
    found = findings(tmp_path, broken)
    if expected is None:  # shown by the author on purpose
        assert found == []
    else:
        assert [f for f in found if f.startswith(expected)], found


def test_a_mistake_that_is_taken_for_another_is_found(tmp_path):
    second = """raw ## Ignore ## WRONG ANSWER: a power
# You take a power.
def double(x):
    return x ** 2
---
raw # BEGIN TESTS"""
    found = findings(tmp_path, QUESTION.replace("raw # BEGIN TESTS", second))
    assert "a power: is taken for ['squared']" in found
    assert "a power: the public tests do not name it, but ['squared']" in found


def test_slow_tests_and_missing_ones_are_found(tmp_path, monkeypatch):
    exercise = load(write(tmp_path, START, QUESTION))
    monkeypatch.setattr(module, "SECONDS", 0.0)
    assert "the public tests take 0.0 seconds" in [f.message for f in validate(exercise)]
    (question,) = exercise.questions
    found = validate(replace(exercise, questions=(replace(question, hidden=()),)))
    assert ("hidden tests", "there is none") in [(f.what, f.message) for f in found]


def test_a_leak_is_found(tmp_path):
    exercise = load(write(tmp_path, START, QUESTION))
    (question,) = exercise.questions
    leaky = replace(question, hints=(question.hidden[0].source,))
    found = validate(replace(exercise, questions=(leaky,)))
    assert [f for f in found if "shows the secret line 'test_five'" in f.message]
