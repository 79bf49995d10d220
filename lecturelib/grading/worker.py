"""The student's side: run the cells of a notebook, then answer calls, until killed.

This file runs in the sandbox, in one process with the student's code, which can read
and change everything here. It knows nothing worth knowing: no tests, no reference, no
points. The grader's side is `process.py`.
"""

from __future__ import annotations

import ast
import builtins
import gc
import io
import json
import os
import re
import sys
import traceback
import types
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from typing import Any

from lecturelib.grading.protocol import HEADER, Malformed, decode, encode

MAX_PRINTED = 4_000  # characters that one request may print
MAX_SOURCE = 2_000_000  # characters of code in a notebook
ABSENT = (
    "matplotlib",
    "mpl_toolkits",
    "seaborn",
    "plotly",
    "IPython",
    "ipywidgets",
    "google",
    "tqdm",
    "lecturelib.viz",
    "lecturelib.widgets",
)
_MAGIC = re.compile(r"\s*(%%?|!)")


def main() -> None:
    """Give up all rights, then serve the grader over two pipes."""
    setup = json.loads(sys.argv[1])
    _restrict(setup["limits"], setup["user"])
    sys.meta_path.append(_Dummies())
    _Server(os.fdopen(setup["read"], "rb"), os.fdopen(setup["write"], "wb")).serve()


def _restrict(limits: dict[str, int], user: int | None) -> None:
    import resource

    for name, value in limits.items():
        kind = getattr(resource, name, None)
        if kind is not None:
            resource.setrlimit(kind, (value, value))
    if (
        user is not None
    ):  # started by root: the limit on processes holds for others only
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


class _Finished(Exception):
    """The grader has closed its end of the pipe."""


class _Server:
    """Answers requests; `names` are the variables of the notebook."""

    def __init__(self, read: Any, write: Any) -> None:
        self.pipe_in, self.pipe_out = read, write
        self.names: dict[str, Any] = {
            "__name__": "__main__",
            "__builtins__": builtins,
            "get_ipython": lambda: None,
            "display": lambda *_, **__: None,
        }
        self.objects: list[Any] = []  # what the grader holds by its number
        self.number = 0

    def serve(self) -> None:
        """Answer until the grader closes the pipe."""
        self.send(("ok", None, None, ""))
        while True:
            try:
                self.answer(self.receive())
            except _Finished:
                os._exit(0)

    def answer(self, request: tuple) -> None:
        """Do what is asked, and reply with the result or with the exception."""
        printed = _Printed()
        before = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = printed
        try:
            value, changed = self.perform(*request)
            reply: tuple = ("ok", value, changed, printed.text())
            data = encode(reply, self.refer)
        except _Finished:
            raise
        except Malformed as e:
            data = self.failure(
                "ValueError", f"a result that cannot be sent: {e}", printed
            )
        except BaseException as e:  # SystemExit and KeyboardInterrupt too
            data = self.failure(type(e).__name__, _describe(e), printed)
        finally:
            sys.stdout, sys.stderr = before
        self.send_bytes(data)

    def failure(self, kind: str, message: str, printed: _Printed) -> bytes:
        return encode(("error", kind[:80], message[:1000], printed.text()), self.refer)

    def perform(self, op: str, *args: Any) -> tuple[Any, Any]:
        if op == "call":  # of a name or an object
            target, positional, keywords = args
            function = self.names[target] if type(target) is str else target
            given = encode((positional, keywords), self.refer)
            value = function(*positional, **keywords)
            after = (positional, keywords)
            return value, None if encode(after, self.refer) == given else after
        return getattr(self, f"do_{op}")(*args), None

    def do_open(self, data: Any) -> list:
        """The code of a notebook's cells: [source, note] each."""
        gc.disable()  # it would look at every one of millions of lists again and again
        try:
            return [
                _prepare(source) for source in _code_cells(json.loads(data.tobytes()))
            ]
        finally:
            gc.enable()

    def do_run(self, source: str, name: str) -> list[str]:
        """Run a cell; after a statement that fails, the next ones still run."""
        try:
            statements = ast.parse(source, name).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
            return [f"{type(e).__name__}: {_describe(e)}"]
        failures = []
        for statement in statements:
            try:
                code = compile(ast.Module([statement], []), name, "exec")
                exec(code, self.names)
            except BaseException as e:
                line = getattr(statement, "lineno", 0)
                failures.append(
                    f"line {line}: {type(e).__name__}: {_describe(e)}"[:500]
                )
        return failures[:20]

    def do_get(self, names: Iterable[str]) -> dict:
        """The variables of these names that there are."""
        return {name: self.names[name] for name in names if name in self.names}

    def do_attribute(self, target: Any, name: str) -> Any:
        """target.name"""
        return getattr(target, name)

    def do_assign(self, target: Any, name: str, value: Any) -> None:
        """target.name = value"""
        setattr(target, name, value)

    def do_special(self, target: Any, name: str, arguments: Iterable) -> Any:
        """target.__name__(*arguments), looked up on the type, as Python does."""
        return getattr(type(target), f"__{name}__")(target, *arguments)

    def refer(self, x: Any) -> tuple[bytes, int, str]:
        """An object that stays here, or a function of the grader's on its way back."""
        if isinstance(x, _Callback):
            return b"k", x.number, ""
        number = next((i for i, known in enumerate(self.objects) if known is x), None)
        if number is None:
            number = len(self.objects)
            self.objects.append(x)
        kind = type(x).__name__
        if kind == "ndarray":
            kind += f" of dtype {x.dtype}"
        return b"h", number, f"{'()' if callable(x) else ''}{kind}"

    def resolve(self, tag: bytes, number: int, name: str) -> Any:
        """What a reference of the grader's means here."""
        return self.objects[number] if tag == b"h" else _Callback(self, number)

    def call_back(self, number: int, args: tuple, keywords: dict) -> Any:
        """Have the grader call its function; it may ask something itself meanwhile."""
        self.send(("callback", number, args, keywords))
        while True:
            message = self.receive()
            if message[0] == "returned":
                return message[1]
            if message[0] == "raised":
                kind: Any = getattr(builtins, message[1], None)
                known = isinstance(kind, type) and issubclass(kind, Exception)
                raise (kind if known else RuntimeError)(message[2])
            self.answer(message)

    def receive(self) -> tuple:
        head = self.pipe_in.read(HEADER.size)
        if len(head) < HEADER.size:
            raise _Finished
        size, self.number = HEADER.unpack(head)
        return decode(self.pipe_in.read(size), self.resolve)

    def send(self, value: Any) -> None:
        self.send_bytes(encode(value, self.refer))

    def send_bytes(self, data: bytes) -> None:
        self.pipe_out.write(HEADER.pack(len(data), self.number))
        self.pipe_out.write(data)
        self.pipe_out.flush()


class _Callback:
    """A function that lives in the grader's process."""

    def __init__(self, server: _Server, number: int) -> None:
        self._server, self.number = server, number

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self._server.call_back(self.number, args, keywords)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Callback) and other.number == self.number

    def __hash__(self) -> int:
        return hash(self.number)


class _Printed(io.TextIOBase):
    """Keeps the first characters of what is printed, and forgets the rest."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.room = MAX_PRINTED

    def write(self, text: str) -> int:
        if self.room > 0:
            self.parts.append(text[: self.room])
            self.room -= len(text)
        return len(text)

    def text(self) -> str:
        return "".join(self.parts)[:MAX_PRINTED] + ("…" if self.room < 0 else "")


def _describe(e: BaseException) -> str:
    """The message of an exception, and the line of the cell that raised it."""
    try:
        message = str(e)
    except BaseException:
        message = "(an exception whose message cannot be shown)"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(e.__traceback__)
        if frame.filename.startswith("cell ")
    ]
    return f"{message} (line {lines[-1]} of its cell)" if lines else message


def _code_cells(notebook: Any) -> Iterator[str]:
    """The sources of a notebook's code cells; ValueError if it is not format 4."""
    if type(notebook) is not dict or type(notebook.get("cells")) is not list:
        raise ValueError("no notebook of format 4 (a JSON object with a list of cells)")
    left = MAX_SOURCE
    for cell in notebook["cells"]:
        if type(cell) is not dict or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        if type(source) is list:
            source = "".join(line for line in source if type(line) is str)
        if type(source) is not str:
            raise ValueError("a cell whose source is no text")
        left -= len(source)
        if left < 0:
            raise ValueError(f"more than {MAX_SOURCE} characters of code")
        yield source


def _prepare(source: str) -> list[str]:
    """The cell as plain Python, and a note of what had to be taken out for that."""
    try:
        compile(source, "cell", "exec", ast.PyCF_ONLY_AST)
        return [source, ""]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    head = lines[first].strip()
    if head.startswith("%%") and not head.startswith(
        ("%%time", "%%timeit", "%%capture")
    ):
        return ["", f"a cell of {head.split()[0]}, which is not Python: not run"]
    notes = []
    for i, line in enumerate(lines):
        if _MAGIC.match(line):
            notes.append(line.strip()[:40])
            lines[i] = line[: len(line) - len(line.lstrip())] + "pass"
    note = f"not run: {', '.join(notes[:5])}" if notes else ""
    return ["\n".join(lines), note]


class _Dummies:
    """Finds drawing libraries that are not here, so that a figure costs no point."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """A module of dummies for the names in ABSENT and what is below them."""
        if any(name == absent or name.startswith(absent + ".") for absent in ABSENT):
            return ModuleSpec(name, _Dummies, is_package=True)  # type: ignore[arg-type]
        return None

    @staticmethod
    def create_module(spec: ModuleSpec) -> types.ModuleType:
        """A module in which every name is a dummy."""
        module = types.ModuleType(spec.name)
        if spec.name.split(".")[0] == "tqdm":
            vars(module).update(
                tqdm=lambda x=(), *_, **__: x, trange=lambda *n, **_: range(*n)
            )
        else:
            module.__getattr__ = _dummy  # type: ignore[method-assign]
        return module

    @staticmethod
    def exec_module(module: types.ModuleType) -> None:
        """There is nothing to run."""


def _dummy(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _Dummy()


class _Dummy:
    """Takes every call, attribute and item, and does nothing."""

    def __getattr__(self, name: str) -> Any:
        return _dummy(name)

    def __call__(self, *args: Any, **keywords: Any) -> _Dummy:
        return self

    def __getitem__(self, key: Any) -> _Dummy:
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __iter__(self) -> Iterator[_Dummy]:
        return iter((self, self))  # fig, ax = plt.subplots()

    def __enter__(self) -> _Dummy:
        return self

    def __exit__(self, *_: Any) -> None:
        pass
