"""A small exercise and its honest answers, for the tests of the grader; no notebook is needed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from lecturelib.grading import sandbox
from lecturelib.grading.exercise import Exercise, Question, Test, WrongAnswer

needs_sandbox = pytest.mark.skipif(
    sandbox.available() is not None, reason=sandbox.available() or "bubblewrap works")


def _question(name: str, provides: str, solution: str, public: str, hidden: str,
              wrong: tuple[WrongAnswer, ...] = ()) -> Question:
    tests = []
    for kind, source in (("public", public), ("hidden", hidden)):
        title = f"{name}, the {kind} test"
        tests.append(Test(f"test_{kind}", title, source, 1.0, kind == "hidden"))
    return Question("tiny", name, f"Write {provides}", 2.0, tuple(provides.split()),
                    (tests[0],), (tests[1],), solution=solution,
                    preamble="import numpy as np", wrong_answers=wrong, seconds=4.0)


DOUBLE = "def double(x):\n    return 2 * x\n"
DESCEND = ("def descend(f, x, steps):\n    for _ in range(steps):\n        x = x - 0.1 * f(x)\n"
           "    return x\n")
SCALE = "def scale_(x, c):\n    x *= c\n"
COUNTER = ("class Counter:\n    def __init__(self, start):\n        self.value = start\n"
           "    def add(self, n):\n        self.value += n\n        return self.value\n")
HONEST = {"double": DOUBLE, "descend": DESCEND, "scale_": SCALE, "Counter": COUNTER}

EXERCISE = Exercise("tiny", "A tiny exercise", (
    _question(
        "q1", "double", DOUBLE,
        "def test_public(double):\n    close(double(np.array([1.0, -2.0])), [2.0, -4.0])\n",
        "def test_hidden(double, rng):\n    x = rng.normal(size=(3, int(rng.integers(2, 6))))\n"
        "    expected = 2 * x\n    close(double(x), expected)\n",
        (WrongAnswer("squared", "def double(x):\n    return x * x\n",
                     "2x is not x squared."),)),
    _question(
        "q2", "descend", DESCEND,
        "def test_public(descend):\n    close(descend(lambda x: x, np.ones(2), 1), [0.9, 0.9])\n",
        "def test_hidden(descend, rng):\n    x = rng.normal(size=4)\n    expected = 0.8**5 * x\n"
        "    close(descend(lambda x: 2 * x, x, 5), expected)\n"),
    _question(
        "q3", "scale_", SCALE,
        "def test_public(scale_):\n    x = np.ones(3)\n    scale_(x, 2.0)\n"
        "    close(x, [2.0, 2.0, 2.0])\n",
        "def test_hidden(scale_, rng):\n    x = rng.normal(size=(2, 3))\n    expected = 3 * x\n"
        "    scale_(x, 3.0)\n    close(x, expected)\n"),
    _question(
        "q4", "Counter", COUNTER,
        "def test_public(Counter):\n    c = Counter(2)\n    c.add(3)\n    close(c.value, 5)\n",
        "def test_hidden(Counter, rng):\n    a, b = (int(n) for n in rng.integers(1, 99, 2))\n"
        "    close(Counter(a).add(b), a + b)\n"),
))


def changed(name: str, **changes: Any) -> Exercise:
    """The exercise with one question changed."""
    questions = tuple(replace(q, **changes) if q.name == name else q
                      for q in EXERCISE.questions)
    return replace(EXERCISE, questions=questions)


def notebook(*sources: str) -> bytes:
    """A notebook file with these code cells."""
    cells = [{"cell_type": "code", "id": f"c{i}", "metadata": {}, "execution_count": None,
              "outputs": [], "source": source} for i, source in enumerate(sources)]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4,
                       "nbformat_minor": 5}).encode()


def answers(*extra: str, **instead: str) -> bytes:
    """The honest notebook, some answers replaced (or left out: ""), and cells put first."""
    parts = {**HONEST, **instead}
    return notebook("import numpy as np", *extra, *(s for s in parts.values() if s))
