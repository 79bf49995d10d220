"""One student's process, seen from the grader: requests in, checked answers out.

All time is kept here, on our clock. Whatever the other side does (nothing, too much,
nonsense, its own end), `request` comes back with a value or with an exception.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

from lecturelib.grading import sandbox as sandboxes
from lecturelib.grading.compare import CHANGED, StudentError, changes_array
from lecturelib.grading.protocol import HEADER, MAX_FRAME, Malformed, decode, encode
from lecturelib.grading.proxies import (
    Remote,
    WorkerDied,
    clean,
    number_of,
    remote,
    update,
)
from lecturelib.grading.sandbox import Limits

MAX_NESTING = 20  # our function, called by theirs, calls theirs, which calls ours...
_CHUNK = 1 << 20


class Worker:
    """One student's process. `request` asks it something; `close` ends it."""

    def __init__(
        self,
        sandbox: str,
        allows: tuple[str, ...],
        withheld: tuple[str, ...],
        limits: Limits,
    ) -> None:
        self.dead = ""  # or why
        self.functions: list[Callable] = []  # ours, which the student's code may call
        self.printed: Callable[[str], None] = lambda text: None
        self.prepared = False  # the cells have run in it
        self.number = self.depth = 0
        view = sandboxes.view_of(allows, withheld)
        modules = tuple(name for name in allows if not name.startswith("lecturelib"))
        there, self.write = os.pipe()
        self.read, here = os.pipe()
        try:
            self.process = sandboxes.start(sandbox, view, modules, limits, there, here)
        except BaseException:
            os.close(self.write)
            os.close(self.read)
            raise
        finally:
            os.close(there)
            os.close(here)
        os.set_blocking(self.write, False)
        for pipe in (self.read, self.write):
            _widen(pipe)
        self._reply(time.monotonic() + limits.start, limits.start)

    def close(self, why: str = "closed") -> None:
        """Kill the process and all that belongs to it."""
        if self.dead:
            return
        self.dead = why
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        os.close(self.read)
        os.close(self.write)

    def request(self, *words: Any, seconds: float) -> Any:
        """The student's answer to a request, within a time.

        Raises StudentError if their code raised, WorkerDied if there is no answer.
        """
        if self.dead:
            raise WorkerDied(self.dead)
        deadline = time.monotonic() + seconds
        self.number += 1
        self._send(words, deadline, seconds)
        value, changed = self._reply(deadline, seconds)
        if changed is not None and words[0] == "call":
            _, target, args, keywords = words
            self._take_changes(target, args, keywords, changed)
        return value

    def _take_changes(
        self, target: Any, args: tuple, keywords: dict, changed: Any
    ) -> None:
        """Bring arguments as they are after a call back into ours, where allowed."""
        match changed:
            case (tuple(positional), dict(named)) if (
                len(positional) == len(args) and named.keys() == keywords.keys()
            ):
                new = [*positional, *(named[k] for k in keywords)]
            case _:
                self._die(
                    "the process of the notebook sent something that is no answer"
                )
        old = [*args, *keywords.values()]
        if not self.session.may_change(target) and changes_array(old, new):
            raise StudentError(f"The function {CHANGED}")
        for a, b in zip(old, new):
            update(a, b)

    def _reply(self, deadline: float, seconds: float) -> tuple[Any, Any]:
        """Read frames, and serve calls of our functions, until there is a result."""
        while True:
            message = self._receive(deadline, seconds)
            match message:
                case ("ok", value, changed, str(printed)):
                    self.printed(printed)
                    return value, changed
                case ("error", str(kind), str(text), str(printed)):
                    self.printed(printed)
                    raise StudentError(f"{clean(kind)}: {text[:1000]}")
                case ("callback", int(number), tuple(args), dict(keywords)):
                    reply = self._call(number, args, keywords)
                    self._send(reply, deadline, seconds)
                case _:
                    self._die(
                        "the process of the notebook sent something that is no answer"
                    )

    def _call(self, number: int, args: tuple, keywords: dict) -> tuple:
        """Call one of our functions for the student; what it raises goes to them."""
        if not 0 <= number < len(self.functions) or not all(
            type(k) is str for k in keywords
        ):
            self._die(
                "the process of the notebook called a function that does not exist"
            )
        if self.depth >= MAX_NESTING:
            self._die(f"calls within calls, more than {MAX_NESTING} deep")
        self.depth += 1
        try:
            return "returned", self.functions[number](*args, **keywords)
        except Exception as e:
            return "raised", type(e).__name__, str(e)[:500]
        finally:
            self.depth -= 1

    def _die(self, why: str) -> None:
        self.close(why)
        raise WorkerDied(why)

    def _receive(self, deadline: float, seconds: float) -> Any:
        size, number = HEADER.unpack(self._bytes(HEADER.size, deadline, seconds))
        if size > MAX_FRAME:
            self._die(
                f"a result of {size >> 20} MB; at most {MAX_FRAME >> 20} MB are taken"
            )
        if number != self.number:
            self._die("the process of the notebook answered what was not asked")
        try:
            return decode(self._bytes(size, deadline, seconds), self._resolve)
        except (Malformed, MemoryError, RecursionError) as e:
            self._die(f"the process of the notebook sent a malformed answer: {e}")

    def _bytes(self, size: int, deadline: float, seconds: float) -> bytearray:
        data = bytearray()
        poll = select.poll()
        poll.register(self.read, select.POLLIN)
        while len(data) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                self._die(_late(seconds))
            part = os.read(self.read, min(size - len(data), _CHUNK))
            if not part:
                self._die(self._ending())
            data += part
        return data

    def _send(self, value: Any, deadline: float, seconds: float) -> None:
        data = encode(value, self._refer)
        rest = memoryview(HEADER.pack(len(data), self.number) + data)
        poll = select.poll()
        poll.register(self.write, select.POLLOUT)
        while rest:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                self._die(_late(seconds))
            try:
                rest = rest[os.write(self.write, rest) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                self._die(self._ending())

    def _ending(self) -> str:
        """Why the process is gone, as far as that can be told."""
        try:
            status = self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "the process of the notebook closed its end of the pipe"
        number = (
            -status if status < 0 else status - 128
        )  # bubblewrap reports 128 + signal
        if number == signal.SIGXCPU:
            return "the notebook used up its processor time"
        if number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL):
            return (
                "the interpreter crashed (endless recursion or a memory error inside a "
                "library do that)"
            )
        if number == signal.SIGKILL:
            return "the process was killed (out of memory?)"
        return f"the code ended its own process (an exit, status {status})"

    def _refer(self, x: Any) -> tuple[bytes, int, str]:
        if isinstance(x, Remote):
            return b"h", number_of(x, self), ""
        if callable(x) and not isinstance(x, type):
            for number, known in enumerate(self.functions):
                if known is x:
                    return b"k", number, ""
            self.functions.append(x)
            return b"k", len(self.functions) - 1, ""
        raise TypeError(
            f"a test gives the student a {type(x).__name__}; plain arrays, numbers, "
            "text, lists, tuples, dicts and functions can be given"
        )

    def _resolve(self, tag: bytes, number: int, name: str) -> Any:
        if tag == b"k":
            return self.functions[number]
        return remote(self.session, number, self, name)

    session: Any  # the `Session` it belongs to


def _late(seconds: float) -> str:
    return (
        f"no answer within {seconds:.3g} s: the code is too slow, or it waits or loops "
        "for ever"
    )


def _widen(pipe: int) -> None:
    """Let a pipe hold 1 MB, which makes large arrays faster, where this can be had."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _CHUNK)
