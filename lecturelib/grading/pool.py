"""Processes that grade, one submission each at a time, and can be lost one by one.

A grading process that overruns its time or dies takes only its own task with it, and we
know which. The pools of the standard library know neither.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

MEMORY = 8 << 30  # bytes of address space of a grading process


class Lost(Exception):
    """The process that did the task is gone."""


@dataclass
class _Slot:
    process: BaseProcess
    pipe: Connection
    task: Any = None
    deadline: float = float("inf")


def run(
    function: Callable, tasks: Iterable, processes: int, seconds: float
) -> Iterator[tuple[Any, Any]]:
    """`function(task)` for all tasks, as pairs of a task and its result, as they come.

    An exception in place of a result: what the function raised, or Lost if its process
    died or needed more than `seconds`. Tasks are taken from the iterable when they are
    needed, so few are in memory at a time.
    """
    if processes < 1:
        raise ValueError(f"processes: at least 1 is needed, got {processes}")
    waiting, slots = iter(tasks), []
    try:
        for task in waiting:
            slot = _new(function)
            slots.append(slot)
            _give(slot, task, seconds)
            if len(slots) == processes:
                break
        while slots:
            ready = wait([s.pipe for s in slots], timeout=1.0)
            for slot in list(slots):
                late = time.monotonic() > slot.deadline
                if slot.pipe not in ready and not late:
                    continue
                result = (
                    _result(slot)
                    if slot.pipe in ready
                    else Lost(f"no result within {seconds:.3g} s")
                )
                yield slot.task, result
                slots.remove(slot)
                if isinstance(result, Lost):
                    _end(slot)
                try:
                    task = next(waiting)
                except StopIteration:
                    if not isinstance(result, Lost):
                        _end(slot, busy=False)
                    continue
                if isinstance(result, Lost):
                    slot = _new(function)
                slots.append(slot)
                _give(slot, task, seconds)
    finally:
        for slot in slots:
            _end(slot)


def _new(function: Callable) -> _Slot:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(function, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Slot(process, ours)


def _give(slot: _Slot, task: Any, seconds: float) -> None:
    slot.task, slot.deadline = task, time.monotonic() + seconds
    try:
        slot.pipe.send(task)
    except (BrokenPipeError, ConnectionResetError):
        pass  # `_result` will find the end of the pipe


def _result(slot: _Slot) -> Any:
    try:
        return slot.pipe.recv()
    except (EOFError, ConnectionResetError, OSError):
        slot.process.join(5)
        return Lost(f"the grading process died (exit code {slot.process.exitcode})")


def _end(slot: _Slot, busy: bool = True) -> None:
    """End a process: one that has nothing to do tidies up, others are killed."""
    slot.pipe.close()
    if not busy:
        slot.process.join(5)
    slot.process.kill()
    slot.process.join()


def _limit_memory() -> None:
    """What a student makes a test compute may end in a MemoryError, not in swap."""
    try:
        import resource
    except ImportError:  # Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY or most > MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, most))


def _work(function: Callable, pipe: Connection) -> None:
    _limit_memory()
    while True:
        try:
            task = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            result = function(task)
        except Exception as e:
            result = RuntimeError(f"{type(e).__name__}: {e}")
        pipe.send(result)
