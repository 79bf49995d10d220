"""What a learner uses in a notebook: check a question, ask for a hint, see progress.

Public tests come with the library, so nothing needs to lie beside the notebook, and its
name does not matter. Nothing is printed: each function returns an object that shows
itself.
"""

from __future__ import annotations

import contextlib
import html
import io
import json
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lecturelib.grading.exercise import Exercise, Question
from lecturelib.grading.release import FOLDER, from_public
from lecturelib.grading.running import TestResult, run_tests

RULE = "Hidden tests, with other numbers, are run by your teacher."


@dataclass(frozen=True, repr=False)
class Sheet:
    """The exercise sheet of a notebook, where `check` and the others look for it."""

    exercise: Exercise

    def __repr__(self) -> str:
        names = ", ".join(q.name for q in self.exercise.questions)
        return (
            f"{self.exercise.title}: questions {names}. Check one with "
            f'check("{self.exercise.questions[0].name}").'
        )


@cache
def start(name: str) -> Sheet:
    """The sheet of this name, or in this file, `….json`, of public tests.

    Raises ValueError, with the names there are, if there is none.
    """
    path = Path(name) if str(name).endswith(".json") else FOLDER / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.json")))
        raise ValueError(
            f"name: an exercise of this lecturelib is needed, one of {known}; or the "
            f"path of a file of public tests, ….json; got {name!r}"
        )
    return Sheet(from_public(json.loads(path.read_text("utf-8"))))


class Shown:
    """Something that shows itself: as text, and as the same text in HTML."""

    def __repr__(self) -> str:
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return f'<pre style="white-space: pre-wrap">{html.escape(repr(self))}</pre>'


@dataclass(frozen=True, repr=False)
class Check(Shown):
    """The outcome of the public tests of one question."""

    question: Question
    results: tuple[TestResult, ...]

    @property
    def passed(self) -> int:
        """How many public tests passed."""
        return sum(result.passed for result in self.results)

    def __repr__(self) -> str:
        count = len(self.results)
        lines = [
            f"{self.question.title}",
            f"public tests: {self.passed} of {count} passed",
        ]
        told: set[str] = set()
        for result in self.results:
            lines += ["", f"{'✓' if result.passed else '✗'} {result.title}"]
            lines += [textwrap.indent(result.message, "    ")] if result.message else []
            if result.mistake and result.hint and result.mistake not in told:
                told.add(result.mistake)
                lines += _wrapped(
                    f"This looks like a known mistake: {result.mistake}. {result.hint}",
                    "    → ",
                )
        lines += [""]
        if self.passed < count and self.question.hints:
            many = len(self.question.hints)
            lines += [
                f'Stuck? check("{self.question.name}", hint=1) shows '
                + ("a hint." if many == 1 else f"the first of {many} hints.")
            ]
        return "\n".join([*lines, RULE])


@dataclass(frozen=True, repr=False)
class Hint:
    """One of the hints of a question, from the gentle to the plain, in Markdown."""

    question: Question
    number: int

    def __repr__(self) -> str:
        many = len(self.question.hints)
        lines = [f"{self.question.title}: hint {self.number} of {many}", ""]
        lines += [self.question.hints[self.number - 1].strip()]
        if self.number < many:
            call = f'check("{self.question.name}", hint={self.number + 1})'
            lines += ["", f"The next: `{call}`"]
        return "\n".join(lines)

    def _repr_markdown_(self) -> str:
        return repr(self)


@dataclass(frozen=True, repr=False)
class Progress(Shown):
    """The public tests of all questions at a glance."""

    title: str
    checks: tuple[Check, ...]

    def __repr__(self) -> str:
        width = max(len(c.question.title) for c in self.checks)
        lines = [self.title]
        for c in self.checks:
            bar = "".join("■" if result.passed else "□" for result in c.results)
            lines.append(
                f"{c.question.name:4} {c.question.title:{width}}  {bar:8} "
                f"{c.passed} of {len(c.results)} public tests"
            )
        earned = sum(result.earned for c in self.checks for result in c.results)
        possible = sum(result.points for c in self.checks for result in c.results)
        whole = sum(c.question.points for c in self.checks)
        return "\n".join(
            [
                *lines,
                f"Points so far: {earned:g} of {possible:g} by public tests. "
                f"The other {whole - possible:g} are given by hidden tests, "
                "which are run by your teacher.",
            ]
        )


def check(
    question: str, *, hint: int | None = None, exercise: str | None = None
) -> Check | Hint:
    """Run the public tests of a question on what this notebook has defined.

    hint=1, 2, … shows a hint in place of running anything. exercise: the sheet's name,
    where the notebook has no cell `exercise = start("…")`. Raises ValueError for
    unknown names.
    """
    names = caller_names()
    found = sheet_of(names, exercise).exercise
    try:
        asked = found[question]
    except KeyError as error:
        raise ValueError(f"question: {error.args[0]}") from None
    if hint is None:
        return _checked(asked, names)
    if type(hint) is not int or not 1 <= hint <= len(asked.hints):
        raise ValueError(
            f"hint: {question} has hints 1 to {len(asked.hints)}, got {hint!r}"
        )
    return Hint(asked, hint)


def progress(*, exercise: str | None = None) -> Progress:
    """The public tests of the whole sheet, one line a question."""
    names = caller_names()
    found = sheet_of(names, exercise).exercise
    return Progress(found.title, tuple(_checked(q, names) for q in found.questions))


def caller_names() -> dict[str, Any]:
    """The names of the notebook, or other module, that called `check`."""
    return sys._getframe(2).f_globals


def sheet_of(names: Mapping[str, Any], exercise: str | None) -> Sheet:
    """The sheet of this name, or the one that the notebook has started."""
    if exercise is not None:
        return start(exercise)
    sheets = {
        value.exercise.name: value for value in names.values() if type(value) is Sheet
    }
    if len(sheets) == 1:
        return next(iter(sheets.values()))
    raise ValueError(
        'which exercise? Run the first cell, exercise = start("…"), or name it: '
        'check("q1", exercise="02_gradients")'
        + (f"; this notebook has started {sorted(sheets)}" if sheets else "")
    )


def _checked(question: Question, names: Mapping[str, Any]) -> Check:
    """What students' functions print while tests call them is thrown away."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        return Check(question, tuple(run_tests(question, names, seed=0, hidden=False)))


def _wrapped(line: str, start: str) -> list[str]:
    return textwrap.wrap(
        line, 88, initial_indent=start, subsequent_indent=" " * len(start)
    )
