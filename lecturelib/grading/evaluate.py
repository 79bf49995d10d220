"""One submission: start its process, run the tests, write down what happened."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from lecturelib.grading.compare import StudentError
from lecturelib.grading.exercise import Exercise, Question
from lecturelib.grading.protocol import MAX_FRAME
from lecturelib.grading.proxies import WorkerDied
from lecturelib.grading.running import iter_tests
from lecturelib.grading.sandbox import Limits
from lecturelib.grading.session import Session
from lecturelib.grading.similarity import fingerprints

MAX_FILE = MAX_FRAME - (1 << 20)  # bytes of a notebook, its outputs included
GRADED, STOPPED, HUMAN, FAILED = "graded", "stopped", "needs a human", "not graded"


@dataclass
class QuestionReport:
    """The outcome of one question.

    status: "graded"; "stopped" (the process died or time was up: what was passed before
    counts); "needs a human" (the grader failed, so the points mean nothing).
    """

    name: str
    title: str
    digest: str
    points: float
    earned: float
    status: str
    message: str
    tests: list[dict[str, Any]]


@dataclass
class Report:
    """The outcome of one submission; plain data, that JSON can hold.

    status: as of the questions; "not graded" if the grader could not even begin, for a
    reason that has nothing to do with the submission. Such a report is not kept.
    """

    name: str
    status: str
    message: str = ""
    questions: list[QuestionReport] = field(default_factory=list)
    log: list[str] = field(default_factory=list)  # what the cells printed
    private: list[str] = field(default_factory=list)  # and the tests: not for students
    fingerprints: list[int] = field(default_factory=list)
    sandbox: str = ""
    seconds: float = 0.0

    @property
    def earned(self) -> float:
        """The points of all questions."""
        return sum(q.earned for q in self.questions)

    @property
    def points(self) -> float:
        """The points that could be earned."""
        return sum(q.points for q in self.questions)

    def to_dict(self) -> dict[str, Any]:
        """All of it as dicts and lists."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Report:
        """The report that `to_dict` was made of."""
        return cls(
            **{**data, "questions": [QuestionReport(**q) for q in data["questions"]]}
        )


def evaluate(
    data: bytes | None,
    exercise: Exercise,
    *,
    seed: int,
    name: str = "",
    sandbox: str = "bubblewrap",
    limits: Limits | None = None,
    only: Iterable[str] | None = None,
) -> Report:
    """Grade the bytes of a notebook.

    seed: decides the inputs of the hidden tests; sandbox: from `sandbox.choose`; only:
    the names of the questions to grade, all by default. `data` is None where a student
    handed in no notebook. Whatever the submission does ends up in the report.
    """
    start = time.monotonic()
    report = Report(name, GRADED, sandbox=sandbox)
    wanted = exercise.questions if only is None else [exercise[q] for q in only]
    problem = _problem(data)
    if problem:
        _give_up(report, HUMAN, problem, wanted)
    else:
        assert data is not None
        _grade(report, data, exercise, wanted, seed, sandbox, limits or Limits())
    report.seconds = round(time.monotonic() - start, 3)
    return report


def _problem(data: bytes | None) -> str:
    if data is None:
        return "No notebook (.ipynb) was handed in."
    if not data.strip():
        return "The file is empty."
    if len(data) > MAX_FILE:
        return (
            f"The file has {len(data) >> 20} MB; at most {MAX_FILE >> 20} MB are read."
        )
    return ""


def _grade(
    report: Report,
    data: bytes,
    exercise: Exercise,
    wanted: Iterable[Question],
    seed: int,
    sandbox: str,
    limits: Limits,
) -> None:
    with Session(
        data,
        sandbox,
        exercise.allows,
        exercise.withheld,
        limits,
    ) as session:
        report.log, report.private = session.log, session.private
        try:
            session.begin()
        except (Exception, WorkerDied) as e:
            _give_up(report, FAILED, f"The sandbox did not start: {e}", wanted)
            return
        try:
            report.fingerprints = fingerprints("\n".join(session.open()))
        except StudentError as e:
            _give_up(
                report,
                HUMAN,
                f"The file cannot be read as a notebook ({e}). It may have "
                "been cut off or edited by hand; ask for it again.",
                wanted,
            )
            return
        except WorkerDied as e:
            _give_up(report, HUMAN, f"Reading the file broke off: {e}.", wanted)
            return
        if _defines_nothing(exercise, session):
            _give_up(
                report,
                HUMAN,
                "The notebook defines none of the names that this exercise "
                "asks for. Is it the notebook of another exercise, or does none of its "
                "cells run?",
                wanted,
            )
            return
        report.questions = [_question(question, session, seed) for question in wanted]
    report.status = worst(report.questions)


def worst(questions: Iterable[QuestionReport]) -> str:
    """The status of a submission, given its questions."""
    found = {q.status for q in questions}
    return next((s for s in (FAILED, HUMAN, STOPPED) if s in found), GRADED)


def _defines_nothing(exercise: Exercise, session: Session) -> bool:
    try:
        return not session.answers(
            tuple(n for q in exercise.questions for n in q.provides)
        )
    except (StudentError, WorkerDied):
        return False  # each question will say what happened


def _question(question: Question, session: Session, seed: int) -> QuestionReport:
    results: list[dict] = []
    status, message = GRADED, ""
    try:
        with session.question(question.seconds):
            session.in_place = question.in_place
            answers = session.answers(question.provides, question.operators)
            for result in iter_tests(question, answers, seed=seed, hidden=True):
                results.append(asdict(result))
    except WorkerDied as e:
        status, message = STOPPED, _sentence(e)
    except Exception as e:
        status = HUMAN
        message = f"The grader itself failed, not the student: {type(e).__name__}: {e}"
    results += _not_run(question, len(results)) if status != GRADED else []
    earned = min(sum(r["earned"] for r in results), question.points)
    return QuestionReport(
        question.name,
        question.title,
        question.digest,
        question.points,
        round(earned, 6),
        status,
        message[:1000],
        results,
    )


def _sentence(e: BaseException) -> str:
    text = str(e)
    return f"Stopped: {text}. Tests after that were not run, and earn nothing."


def _not_run(question: Question, done: int) -> list[dict]:
    """The tests after the one in which the process died."""
    tests = (*question.public, *question.hidden)[done:]
    return [
        {
            "question": question.name,
            "test": t.name,
            "title": t.title,
            "points": t.points,
            "earned": 0.0,
            "passed": False,
            "hidden": t.hidden,
            "message": "not run",
            "mistake": None,
            "hint": None,
            "seconds": 0.0,
        }
        for t in tests
    ]


def _give_up(
    report: Report, status: str, message: str, wanted: Iterable[Question]
) -> None:
    """No question could be tried: none has points, which is not the same as zero."""
    report.status, report.message = status, message
    report.questions = [
        QuestionReport(q.name, q.title, q.digest, q.points, 0.0, status, "", [])
        for q in wanted
    ]
