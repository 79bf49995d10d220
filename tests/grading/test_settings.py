"""What an author allows with `in_place` and `operators`, to a learner and in the sandbox alike."""

import json

import pytest
from test_exercise import write
from tiny import needs_sandbox

from lecturelib.grading.evaluate import evaluate
from lecturelib.grading.exercise import load
from lecturelib.grading.release import from_public, public
from lecturelib.grading.running import run_tests
from lecturelib.grading.sandbox import Limits

SOLUTION = """
def clear(x):
    x[:] = 0.0


class Pair:
    def __init__(self, a, b):
        self.values = [a, b]

    def __add__(self, other):
        return Pair(*(p + q for p, q in zip(self.values, other.values)))
"""
CELLS = f"""
raw ## Ignore ## EXERCISE
in_place: clear
operators: Pair
---
raw # BEGIN QUESTION
name: q1
---
raw # BEGIN SOLUTION
---
code {SOLUTION.strip()}
---
raw # END SOLUTION
---
raw # BEGIN TESTS
---
code def test_clear(clear):
    x = __import__("numpy").ones(3)
    clear(x)
    close(x, [0.0, 0.0, 0.0])
---
code def test_pair(Pair):
    same((Pair(1, 2) + Pair(3, 5)).values, [4, 7])
---
raw # END TESTS
---
raw # END QUESTION
"""
PLAIN = CELLS.replace("in_place: clear\noperators: Pair", "seconds: 5")


def earned(cells, tmp_path):
    """The points of both tests in the sandbox, and what their messages say."""
    exercise = load(write(tmp_path, cells))
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [],
            "execution_count": None, "source": SOLUTION}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    report = evaluate(json.dumps(notebook).encode(), exercise, seed=1, sandbox="bubblewrap",
                      limits=Limits(call=4.0, cell=4.0, submission=60.0))
    (question,) = report.questions
    return ([r["passed"] for r in question.tests],
            " ".join(r["message"] for r in question.tests))


@needs_sandbox
def test_in_the_sandbox_what_is_allowed_works_and_nothing_else(tmp_path):
    assert earned(CELLS, tmp_path)[0] == [True, True]
    passed, message = earned(PLAIN, tmp_path)
    assert passed == [False, False]
    assert "changed an array that it was given" in message and "Pair" in message


@pytest.mark.parametrize("cells, passes", [(CELLS, True), (PLAIN, False)])
def test_a_learners_check_allows_the_same_arrays_to_change(tmp_path, cells, passes):
    exercise = from_public(json.loads(json.dumps(public(load(write(tmp_path, cells))))))
    names = {}
    exec(SOLUTION, names)
    clear, _ = run_tests(exercise["q1"], names, seed=1, hidden=False)
    assert clear.passed == passes
