"""A student's functions and objects on the grader's side of the wall.

Whatever comes back from them is a new plain value of our own making (`protocol.py`),
or a `Remote` for an object that stays behind the wall. A `Remote` compares with nothing
and counts as no number: an object that says "I equal everything" has nobody to say it to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


class WorkerDied(BaseException):
    """The student's process ended, overran its time or broke the protocol.

    No `Exception`: a test that expects the student's code to raise must not take this
    for an answer.
    """


class Remote:
    """An object of the student's that stays in their process.

    Attributes, items, `len`, methods and calls are passed on. Comparisons, truth and
    conversion to a number or an array are refused; arithmetic is, unless the author of
    the question has asked for it.
    """

    __slots__ = ("__dict__",)
    __array_ufunc__ = None  # NumPy leaves operators to us
    __array_priority__ = 1e9
    __hash__ = object.__hash__

    def __init__(self, session: Any, number: int, worker: Any, kind: str) -> None:
        state_of(self).update(
            session=session,
            number=number,
            worker=worker,
            kind=kind,
            name=None,
            operators=False,
            method=False,
        )

    def _ask(self, op: str, *words: Any) -> Any:
        state = state_of(self)
        if state["worker"].dead and state["name"] is None:
            raise WorkerDied(
                f"the object was lost with its process: {state['worker'].dead}"
            )
        target = state["name"] if op == "call" and state["name"] else self
        result = state["session"].request(op, target, *words)
        if isinstance(result, Remote):
            state_of(result).update(
                operators=state["operators"] and op != "attribute",
                method=op == "attribute",
            )
        return result

    __student_type__ = "object"  # its class there, for messages

    def __repr__(self) -> str:
        return f"<the student's {state_of(self)['kind']}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._ask("attribute", name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("assign", name, value)

    def __getitem__(self, key: Any) -> Any:
        return self._ask("special", "getitem", (key,))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._ask("special", "setitem", (key, value))

    def __len__(self) -> int:
        length = self._ask("special", "len", ())
        if type(length) is not int or length < 0:
            raise TypeError("the object has no length")
        return length

    def __iter__(self) -> Iterator:
        return (self[i] for i in range(min(len(self), 1_000_000)))

    def _refuse(self, *_: object, **__: object) -> Any:
        raise TypeError(
            f"got an object of the class {state_of(self)['kind']!r} where a number or "
            "an array is needed"
        )

    __eq__ = __ne__ = _refuse  # type: ignore[assignment]
    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __bool__ = __float__ = __int__ = __index__ = __complex__ = _refuse
    __array__ = __contains__ = __format__ = _refuse  # type: ignore[assignment]


class RemoteFunction(Remote):
    """A student's object that can be called: a function, a class, a callable object."""

    __slots__ = ()

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self._ask("call", args, keywords)


def _operator(name: str) -> Callable:
    def operate(self: Remote, *others: Any) -> Any:
        if not state_of(self)["operators"]:
            self._refuse()
        return self._ask("special", name, others)

    return operate


for _name in ("add", "sub", "mul", "truediv", "matmul", "pow"):
    setattr(Remote, f"__{_name}__", _operator(_name))
    setattr(Remote, f"__r{_name}__", _operator(f"r{_name}"))
for _name in ("neg", "pos", "abs"):
    setattr(Remote, f"__{_name}__", _operator(_name))


def state_of(remote: Remote) -> dict[str, Any]:
    """What a proxy knows itself; its attributes are those of the student's object."""
    return object.__getattribute__(remote, "__dict__")


def number_of(remote: Remote, worker: Any) -> int:
    """The number of the object in its process; the name is asked again in a new one."""
    state = state_of(remote)
    if state["worker"] is not worker:
        if state["name"] is None:
            raise WorkerDied("the object was lost with its process")
        found = worker.request("get", (state["name"],), seconds=10)
        other = found.get(state["name"]) if type(found) is dict else None
        if not isinstance(other, Remote):
            raise WorkerDied(f"{state['name']} was lost with its process")
        state.update(worker=worker, number=state_of(other)["number"])
    return state["number"]


def remote(session: Any, number: int, worker: Any, name: str) -> Remote:
    """A proxy for the object of this number; its class is named as the student's."""
    kind = clean(name.removeprefix("()"))
    base = RemoteFunction if name.startswith("()") else Remote
    cls = type(kind, (base,), {"__slots__": (), "__student_type__": kind})
    return cls(session, number, worker, kind)


def clean(name: str) -> str:
    """A name that a student chose, harmless to show."""
    return re.sub(r"[^\w .()\[\]]", "?", name)[:60]


def update(old: Any, new: Any) -> Any:
    """Bring the changes that the student's code made in its arguments back into ours.

    Arrays keep shape and dtype; lists and dicts become what they became there.
    """
    if type(old) is not type(new):
        return new
    if isinstance(old, np.ndarray):
        if old.shape != new.shape or old.dtype.newbyteorder("<") != new.dtype:
            return new
        if old.flags.writeable:
            old[...] = new
        return old
    if isinstance(old, tuple) and len(old) == len(new):
        return tuple([update(a, b) for a, b in zip(old, new)])
    if isinstance(old, list):
        old[:] = [update(a, b) for a, b in zip(old, new)] + new[len(old) :]
        return old
    if isinstance(old, dict):
        merged = {
            key: update(old[key], new[key]) if key in old else new[key] for key in new
        }
        old.clear()
        old.update(merged)
        return old
    return new
