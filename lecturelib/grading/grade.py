"""Grade many submissions: in parallel, each result kept as it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lecturelib.grading import pool
from lecturelib.grading.collect import Submission
from lecturelib.grading.evaluate import FAILED, HUMAN, Report, evaluate, worst
from lecturelib.grading.exercise import Exercise
from lecturelib.grading.sandbox import Limits
from lecturelib.grading.store import Store
from lecturelib.train.progress import progress_bar

DATABASE = "results.sqlite"


@dataclass(frozen=True)
class Task:
    """All that is needed to grade one notebook, on this machine or on another."""

    data: bytes | None = field(repr=False)
    content: str
    exercise: Exercise = field(repr=False)
    seed: int
    sandbox: str
    limits: Limits
    only: tuple[str, ...]


#: Runs tasks somewhere, and gives each with its report (or an exception) as they come.
Runner = Callable[[Iterator[Task]], Iterator[tuple[Task, Any]]]


def perform(task: Task) -> Report:
    """Do one task. The same function runs in the local pool and in a Dask cluster."""
    return evaluate(
        task.data,
        task.exercise,
        seed=task.seed,
        sandbox=task.sandbox,
        limits=task.limits,
        only=task.only,
    )


def local(processes: int, limits: Limits) -> Runner:
    """A runner on this machine's processors."""
    seconds = (
        2 * limits.submission + 60
    )  # for the grader itself: it must not hang either
    return lambda tasks: pool.run(perform, tasks, processes, seconds)


def grade(
    submissions: Iterable[Submission],
    exercise: Exercise,
    out: Path,
    *,
    runner: Runner,
    sandbox: str,
    limits: Limits | None = None,
    seed: int | None = None,
    regrade: Iterable[str] = (),
    progress: bool = True,
) -> Results:
    """Grade what has no result yet; the reports on all submissions, by name.

    out: the folder of the results. regrade: questions whose results are dropped first.
    Questions whose tests have changed are graded again in any case; others are not.
    """
    submissions = list(submissions)
    for name in regrade:
        exercise[name]  # raises KeyError with the names there are
    out.mkdir(parents=True, exist_ok=True)
    with Store(out / DATABASE) as store:
        kept = store.setting("exercise", exercise.name)
        if kept != exercise.name:
            raise ValueError(
                f"out: {out} has results of the exercise {kept!r}, not of "
                f"{exercise.name!r}; name another folder"
            )
        seed = store.seed(seed)
        store.forget(regrade, seed)
        failed = _run(
            submissions,
            exercise,
            store,
            seed,
            runner,
            sandbox,
            limits or Limits(),
            progress,
        )
    return Results(out / DATABASE, seed, failed)


@dataclass(frozen=True)
class Results:
    """Iterates over the reports on all submissions, with one in memory at a time."""

    database: Path
    seed: int
    failed: dict[str, Report]  # those that were not kept

    def __iter__(self) -> Iterator[Report]:
        with Store(self.database) as store:
            for name, report in store.reports(self.seed):
                report = report or self.failed.get(name)
                if report is not None:
                    yield replace(report, name=name)


def _run(
    submissions: list[Submission],
    exercise: Exercise,
    store: Store,
    seed: int,
    runner: Runner,
    sandbox: str,
    limits: Limits,
    progress: bool,
) -> dict[str, Report]:
    """Grade what is missing; the reports that are not kept, by name."""
    contents = {s.name: s.content()[1] for s in submissions}
    store.enter((s.name, contents[s.name], s.source) for s in submissions)
    first = {contents[s.name]: s for s in reversed(submissions)}  # equal files once
    missing = {
        content: names
        for content in first
        if (names := store.missing(content, exercise, seed))
    }
    failed: dict[str, Report] = {}

    def tasks() -> Iterator[Task]:
        for content, names in missing.items():
            data = first[content].content()[0]
            yield Task(data, content, exercise, seed, sandbox, limits, tuple(names))

    with progress_bar(len(missing), enabled=progress) as bar:
        for task, result in runner(tasks()):
            report = _checked(result, task)
            if report.status == FAILED:
                failed[task.content] = report
            else:
                known = store.latest(task.content, seed)
                store.save(task.content, exercise, seed, merge(known, report, exercise))
            bar.update(printable(first[task.content].name)[:30])
    return {
        s.name: failed[contents[s.name]]
        for s in submissions
        if contents[s.name] in failed
    }


def _checked(result: Any, task: Task) -> Report:
    """A report in any case: where the grader was lost, it asks for a human."""
    if isinstance(result, Report):
        return result
    report = evaluate(None, task.exercise, seed=task.seed, only=task.only)
    lost = isinstance(result, pool.Lost)
    report.status = HUMAN if lost else FAILED
    report.message = (
        f"The grader was lost while it graded this: {result}. Look at the "
        "submission before you grade it again."
        if lost
        else f"The grader failed: {result}"
    )
    for question in report.questions:
        question.status = report.status
    return report


def printable(name: str) -> str:
    """A name from outside, which may hold commands to the terminal, without them."""
    return "".join(c if c.isprintable() else "?" for c in name)


def merge(known: Report | None, fresh: Report, exercise: Exercise) -> Report:
    """The fresh results, and the known ones of questions that were not graded again."""
    new = {q.name: q for q in fresh.questions}
    old = {q.name: q for q in known.questions} if known else {}
    both = [new.get(q.name) or old.get(q.name) for q in exercise.questions]
    questions = [q for q in both if q is not None]
    return replace(fresh, questions=questions, status=worst(questions))
