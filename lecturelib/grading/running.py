"""Run the tests of a question against a student's functions, and explain.

The tests run in the process that owns them. Where the student's functions live is no
matter here: in the learner's notebook they are the functions themselves, in the grader
they are proxies.
"""

from __future__ import annotations

import inspect
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any
from zlib import crc32

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

from lecturelib.grading import compare
from lecturelib.grading.compare import Mismatch, StudentError, show
from lecturelib.grading.exercise import Mistake, Question, Test, WrongAnswer

PUBLIC_SEED = 0  # public tests draw the same numbers for everybody, every time
# the library, what is installed, and Python itself: no frame there is the student's
OURS = tuple(
    str(Path(str(module.__file__)).parents[level])
    for module, level in ((compare, 1), (np, 1), (traceback, 0))
)
WORDS = {
    name: getattr(compare, name)
    for name in (
        "close",
        "same",
        "parts",
        "numbers",
        "entries",
        "holds",
        "is_gradient",
        "array_of",
    )
}


@dataclass(frozen=True)
class TestResult:
    """The outcome of one test.

    message: what was tried, expected and got, empty if the test passed; mistake and
    hint: the known wrong answer that gives the same numbers, and what its author has to
    say about it.
    """

    __test__ = False  # no test of ours, whatever pytest thinks of the name

    question: str
    test: str
    title: str
    points: float
    earned: float
    passed: bool
    hidden: bool
    message: str
    mistake: str | None
    hint: str | None
    seconds: float


def run_tests(
    question: Question, answers: Mapping[str, Any], *, seed: int, hidden: bool
) -> list[TestResult]:
    """All results of `iter_tests`."""
    return list(iter_tests(question, answers, seed=seed, hidden=hidden))


def iter_tests(
    question: Question, answers: Mapping[str, Any], *, seed: int, hidden: bool
) -> Iterator[TestResult]:
    """The results of the public tests and, if asked for, of the hidden ones.

    answers: the student's functions and values by name. Hidden tests draw their inputs
    from a generator made of `seed` and the test's name; public tests have a seed of
    their own. Exceptions that the student's code raises fail the test; those that are
    no `Exception` (an interrupt, a worker that died) pass through.
    """
    for test in question.public + (question.hidden if hidden else ()):
        start = time.perf_counter()
        failure, tried = attempt(question, test, answers, seed)
        mistake = find_mistake(question, test, seed, failure)
        yield TestResult(
            question.name,
            test.name,
            test.title,
            test.points,
            0.0 if failure else test.points,
            failure is None,
            test.hidden,
            _message(failure, tried),
            mistake.name if mistake else None,
            mistake.hint if mistake else None,
            time.perf_counter() - start,
        )


class Answer:
    """A student's function: it notes what it was asked, reports what it raises."""

    def __init__(
        self, name: str, function: Callable, log: list[str], may_change: bool = False
    ):
        self.__name__, self._function, self._log = name, function, log
        self._may_change = may_change  # the arrays that it is given

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        words = [show(a) for a in args] + [f"{k}={show(v)}" for k, v in kwargs.items()]
        self._log[:] = [shorten(f"{self.__name__}({', '.join(words)})", 600)]
        given, named = (args, kwargs) if self._may_change else compare.copied((args, kwargs))
        try:
            result = self._function(*given, **named)
        except (StudentError, Mismatch):
            raise
        except (Exception, SystemExit) as error:
            raise StudentError(describe(error)) from error
        # the test goes on with its own arrays; a learner should hear of it all the same
        if compare.changes_array((args, kwargs), (given, named)):
            raise StudentError(f"{self.__name__} {compare.CHANGED}")
        if inspect.isroutine(result):
            return Answer("the function returned", result, self._log, self._may_change)
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)  # of a class: what the student gave it


def shorten(text: str, length: int) -> str:
    """The text, cut to so many characters."""
    return text if len(text) <= length else f"{text[:length]}…"


def describe(error: BaseException) -> str:
    """An exception of the student's code, with the line that raised it."""
    text = shorten(f"{type(error).__name__}: {error}".strip().removesuffix(":"), 500)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.line and not frame.filename.startswith(OURS):
            where = f"in line {frame.lineno} of the cell, in {frame.name}"
            return f"{text}\n{where}: {frame.line}"
    return text


def attempt(
    question: Question, test: Test, answers: Mapping[str, Any], seed: int
) -> tuple[Mismatch | StudentError | None, str]:
    """Run one test; what failed, or None, and the student's last call, as text."""
    log = [""]
    seeds = SeedSequence(
        [
            seed if test.hidden else PUBLIC_SEED,
            crc32(f"{question.exercise}/{question.name}/{test.name}".encode()),
        ]
    )
    namespace: dict[str, Any] = {"np": np, **WORDS}
    exec(_compiled(test.source, f"<test {test.name}>"), namespace)
    function = namespace[test.name]
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # a warning costs nothing, whatever the filters of the notebook
            warnings.simplefilter("ignore")
            arguments = {
                name: _argument(name, question, answers, seeds, log)
                for name in inspect.signature(function).parameters
            }
            function(**arguments)
    except (Mismatch, StudentError) as failure:
        return failure, log[0]
    except Exception as error:
        return StudentError(
            "The test could not go on with what came back. " + describe(error)
        ), log[0]
    return None, log[0]


def _argument(
    name: str,
    question: Question,
    answers: Mapping[str, Any],
    seeds: SeedSequence,
    log: list[str],
) -> Any:
    """What a test gets for a parameter of this name."""
    if name == "rng":
        return Generator(PCG64(seeds))
    if name == "reference":
        return SimpleNamespace(**namespace_of(question, question.solution))
    if name not in answers:
        raise StudentError(
            f"{name} is not defined. Run the cell that defines it; "
            "the name must be exactly this."
        )
    answer = answers[name]
    if not callable(answer):
        return answer
    # PyTorch's sign for functions that work in place, or what the question says
    may_change = name.endswith("_") or name in question.in_place
    return Answer(name, answer, log, may_change)


def namespace_of(question: Question, source: str) -> dict[str, Any]:
    """The names that a source for this question defines, after those it may rely on."""
    namespace: dict[str, Any] = {"__name__": "answer"}
    for part in (question.preamble, source):
        exec(_compiled(part, f"<{question.name}>"), namespace)
    return namespace


@cache
def _compiled(source: str, name: str) -> CodeType:
    return compile(source, name, "exec")


def mismatch_of(
    question: Question, test: Test, wrong: WrongAnswer, seed: int
) -> Mismatch | None:
    """How a known wrong answer fails a test, where it fails by numbers."""
    failure, _ = attempt(question, test, namespace_of(question, wrong.source), seed)
    if isinstance(failure, Mismatch) and failure.value is not None:
        return failure
    return None


def find_mistake(
    question: Question, test: Test, seed: int, failure: Mismatch | StudentError | None
) -> Mistake | WrongAnswer | None:
    """The known wrong answer that gives, on the same inputs, the same wrong numbers.

    The numbers of public tests may be recorded with them; otherwise each wrong answer
    is run.
    """
    if not isinstance(failure, Mismatch) or failure.value is None:
        return None
    for mistake in test.mistakes:
        if explains(mistake.kind, mistake.what, np.asarray(mistake.value), failure):
            return mistake
    for wrong in question.wrong_answers:
        other = mismatch_of(question, test, wrong, seed)
        if other is not None and other.value is not None:
            if explains(other.kind, other.what, other.value, failure):
                return wrong
    return None


def explains(kind: str, what: str, value: np.ndarray, failure: Mismatch) -> bool:
    """Whether a wrong value is the one that came, up to a small part of the error."""
    got, right = failure.value, failure.right
    if got is None or right is None or (kind, what) != (failure.kind, failure.what):
        return False
    if value.shape != got.shape or (kind == "dtype" and value.dtype != got.dtype):
        return False
    got, value, right = (np.asarray(x, np.complex128) for x in (got, value, right))
    finite = np.isfinite(got)
    if not np.array_equal(got[~finite], value[~finite], equal_nan=True):
        return False
    got, value = got[finite], value[finite]
    # for each element: noise of arithmetic; little of the number and of its error
    allowed = 1e-6 * np.abs(got) + 1e-9 * np.abs(got).max(initial=0.0)
    if kind == "value":
        error = np.abs(got - right[finite])
        allowed += np.minimum(0.003 * error, 0.0001 * np.abs(got))
    return bool((np.abs(value - got) <= allowed).all())


def _message(failure: Mismatch | StudentError | None, tried: str) -> str:
    lines = [f"tried     {tried}"] if failure and tried else []
    if isinstance(failure, Mismatch):
        if failure.what != "the result":
            lines.append(f"compared  {failure.what}")
        lines += [f"expected  {failure.expected}", f"got       {failure.got}"]
        lines += [failure.detail] if failure.detail else []
    elif failure:
        lines.append(shorten(str(failure), 2000))
    return "\n".join(lines)
