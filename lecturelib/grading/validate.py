"""Does an exercise do what its author means? Run all its answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lecturelib.grading.exercise import Exercise, Question
from lecturelib.grading.release import from_public, leaks, public
from lecturelib.grading.running import TestResult, namespace_of, run_tests

SEEDS = (0, 1, 2)
SECONDS = 1.0  # a check answers faster


@dataclass(frozen=True)
class Finding:
    """Something wrong with an exercise: the question, what was run, what it did."""

    question: str
    what: str
    message: str

    def __str__(self) -> str:
        return f"{self.question}, {self.what}: {self.message}"


def validate(exercise: Exercise) -> list[Finding]:
    """All that is wrong with an exercise; empty if it is good.

    The solution, and each alternative one, passes all tests with several seeds; public
    tests together take less than a second; the stub earns nothing and is no known
    mistake; each wrong answer fails, is recognized as itself in a public test and never
    as another; each question has a hint; nothing secret is in what students get.
    """
    learners = from_public(public(exercise))
    findings = [
        Finding(exercise.name, "release", f"shows the secret line {line!r}")
        for line in leaks(exercise)
    ]
    for question in exercise.questions:
        findings += _question(question, learners[question.name])
    return findings


def _question(question: Question, learners: Question) -> Iterator[Finding]:
    if not question.hints:
        yield Finding(question.name, "hints", "there is none")
    for what, tests in (("public", question.public), ("hidden", question.hidden)):
        if not tests:
            yield Finding(question.name, f"{what} tests", "there is none")
    solutions = {"the solution": question.solution}
    solutions |= {f"alternative {i}": s for i, s in enumerate(question.alternatives, 1)}
    if not question.alternatives:
        yield Finding(
            question.name, "alternative", "there is none: write a second solution"
        )
    for name, source in solutions.items():
        yield from _right(question, learners, name, source)
    yield from _stub(question)
    for wrong in question.wrong_answers:
        yield from _wrong(question, learners, wrong.name, wrong.source)


def _all(question: Question, source: str, seed: int) -> list[TestResult]:
    return run_tests(question, namespace_of(question, source), seed=seed, hidden=True)


def _right(
    question: Question, learners: Question, name: str, source: str
) -> Iterator[Finding]:
    for seed in SEEDS:
        for result in _all(question, source, seed):
            if not result.passed:
                yield Finding(
                    question.name,
                    name,
                    f"fails {result.test} (seed {seed}):\n{result.message}",
                )
    results = run_tests(learners, namespace_of(question, source), seed=0, hidden=False)
    seconds = sum(result.seconds for result in results)
    if seconds > SECONDS:
        yield Finding(
            question.name, name, f"the public tests take {seconds:.1f} seconds"
        )


def _stub(question: Question) -> Iterator[Finding]:
    for result in _all(question, question.stub, 0):
        if result.passed:
            yield Finding(question.name, "the stub", f"passes {result.test}")
        elif result.mistake:
            yield Finding(question.name, "the stub", f"is taken for {result.mistake!r}")


def _wrong(
    question: Question, learners: Question, name: str, source: str
) -> Iterator[Finding]:
    seen: set[str] = set()
    for seed in SEEDS:
        results = _all(question, source, seed)
        if all(result.passed for result in results):
            yield Finding(question.name, name, f"passes everything (seed {seed})")
        seen |= _named(results)
    if seen - {name}:
        yield Finding(question.name, name, f"is taken for {sorted(seen - {name})}")
    public = run_tests(learners, namespace_of(question, source), seed=0, hidden=False)
    named = _named(public)
    if named != {name}:
        yield Finding(
            question.name,
            name,
            "the public tests do not name it"
            + (f", but {sorted(named)}" if named else ""),
        )


def _named(results: list[TestResult]) -> set[str]:
    return {result.mistake for result in results if result.mistake is not None}
