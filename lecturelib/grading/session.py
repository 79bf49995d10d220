"""A notebook that is being graded: its cells run in a process, or in the next one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from lecturelib.grading.compare import StudentError
from lecturelib.grading.process import Worker
from lecturelib.grading.proxies import Remote, WorkerDied, state_of
from lecturelib.grading.sandbox import Limits

MAX_RESTARTS = 5  # of the student's process, for one submission


class Session:
    """A notebook that is being graded: its cells, and a process in which they have run.

    When the process dies, the next request starts a new one and runs the cells again,
    without those in which a process died.
    """

    def __init__(
        self,
        data: bytes,
        sandbox: str,
        allows: tuple[str, ...] = (),
        withheld: tuple[str, ...] = (),
        limits: Limits | None = None,
    ) -> None:
        self.data, self.sandbox, self.allows, self.withheld = (
            data,
            sandbox,
            allows,
            withheld,
        )
        self.limits = limits or Limits()
        self.end = time.monotonic() + self.limits.submission
        self.deadline, self.budget = self.end, self.limits.submission
        self.cells: list[str] | None = None
        self.skipped: set[int] = set()
        self.starts = 0
        self.log: list[str] = []  # what the cells printed, and notes on them
        self.private: list[
            str
        ] = []  # what was printed while tests ran: it may show inputs
        self.testing = False
        self.room = self.limits.log
        self.worker: Worker | None = None
        self.in_place: tuple[str, ...] = ()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if self.worker is not None:
            self.worker.close()

    def note(self, text: str) -> None:
        """Add a line to the log; what does not fit is dropped."""
        text = text.strip("\n")
        log = self.private if self.testing else self.log
        if text and self.room > 0:
            log.append(text[: self.room])
            self.room -= len(text)
            if self.room <= 0:
                log.append("… (the log is full)")

    def begin(self) -> None:
        """Start the first process, in which nothing of the student's has run yet."""
        if self.worker is None:
            self._start()

    def open(self) -> list[str]:
        """The code of the notebook's cells, read by the process that will run them.

        The grader never parses a file that a student made. Raises StudentError for a
        file that is no notebook, WorkerDied for one that breaks its reader.
        """
        if self.cells is None:
            worker = (
                self.worker if self.worker and not self.worker.dead else self._start()
            )
            found = worker.request(
                "open", np.frombuffer(self.data, np.uint8), seconds=self.limits.start
            )
            if not (
                type(found) is list
                and all(
                    type(c) is list and [type(x) for x in c] == [str, str]
                    for c in found
                )
            ):
                worker._die("the notebook could not be read")
            self.cells = [source for source, _ in found]
            for number, (_, text) in enumerate(found, 1):
                self.note(f"cell {number}: {text}" if text else "")
        return self.cells

    def ready(self) -> Worker:
        """A living process in which the cells have run."""
        while self.worker is None or self.worker.dead or not self.worker.prepared:
            try:
                self._run_cells()
            except WorkerDied as e:
                if self.starts > MAX_RESTARTS or time.monotonic() > self.end:
                    raise
                self.note(f"{e}. Starting again without that cell.")
        return self.worker

    def _run_cells(self) -> None:
        cells = self.open()
        worker = self.worker
        if worker is None or worker.dead:
            worker = self._start()
        end = min(time.monotonic() + self.limits.cells, self.end)
        first = self.starts == 1
        for number, source in enumerate(cells, 1):
            if number in self.skipped or not source.strip():
                continue
            seconds = min(self.limits.cell, end - time.monotonic())
            try:
                problems = worker.request(
                    "run", source, f"cell {number}", seconds=seconds
                )
            except StudentError as e:
                problems = [str(e)]
            except WorkerDied as e:
                self.skipped.add(number)
                raise WorkerDied(f"cell {number}: {e}") from None
            if type(problems) is list and first:
                for problem in problems[:20]:
                    self.note(
                        f"cell {number}, {problem}" if type(problem) is str else ""
                    )
        worker.prepared = True

    def _start(self) -> Worker:
        if self.starts > MAX_RESTARTS:
            raise WorkerDied(
                f"the process died {self.starts} times; it is not started again"
            )
        self.starts += 1
        self.worker = Worker(self.sandbox, self.allows, self.withheld, self.limits)
        self.worker.session = self
        self.worker.printed = self.note
        return self.worker

    @contextlib.contextmanager
    def question(self, seconds: float) -> Iterator[None]:
        """Within, all requests together have this time, from the first one on."""
        self.ready().functions.clear()  # the next question's tests have their own
        self.deadline, self.budget = min(time.monotonic() + seconds, self.end), seconds
        self.testing = True
        try:
            yield
        finally:
            self.testing = False
            self.deadline, self.budget = self.end, self.limits.submission

    def request(self, *words: Any) -> Any:
        """Ask the living process, within the time that a call and the question have."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            if self.worker is not None:
                self.worker.close("out of time")
            raise WorkerDied(f"the {self.budget:.3g} s for this question are used up")
        return self.ready().request(*words, seconds=min(left, self.limits.call))

    def may_change(self, target: Any) -> bool:
        """Whether what is called may change the arrays that it is given.

        Methods may, and functions whose name ends in `_` or that the author names. For
        others it would be a way to cheat: set all inputs to zero, and the answer that
        the test computes from them afterwards is known.
        """
        if isinstance(target, Remote):
            return state_of(target)["method"]
        return target.endswith("_") or target in self.in_place

    def answers(self, names: tuple[str, ...], operators: tuple[str, ...] = ()) -> dict:
        """Those of these names that the notebook defines: plain values and proxies."""
        found = self.request("get", names)
        if type(found) is not dict:
            raise WorkerDied(
                "the process of the notebook sent something that is no answer"
            )
        answers = {name: found[name] for name in names if name in found}
        for name, value in answers.items():
            if isinstance(value, Remote):
                state_of(value)["name"] = (
                    name  # found again by its name after a restart
                )
                state_of(value)["operators"] = name in operators
        return answers
