"""The submission: the learner's notebook, and what a teacher would miss in it."""

from __future__ import annotations

import ast
import inspect
import json
import os
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lecturelib.grading.exercise import Exercise, definitions
from lecturelib.grading.learner import Shown, caller_names, sheet_of
from lecturelib.grading.release import text


@dataclass(frozen=True, repr=False)
class Export(Shown):
    """The submission that was written, and what is missing in it."""

    path: Path
    problems: tuple[str, ...]

    def __repr__(self) -> str:
        if not self.problems:
            return (
                f"Written: {self.path}\nIt defines all that was asked for. "
                "Hand in this file."
            )
        listed = "\n".join(f"  • {problem}" for problem in self.problems)
        return (
            f"Written: {self.path}\nBut it is not complete:\n{listed}\n"
            "You can hand it in as it is, or mend this and run export() again."
        )


def export(path: str | Path | None = None, *, exercise: str | None = None) -> Export:
    """Write the submission, `NAME_submission.ipynb`, from the saved notebook.

    path: the notebook, where it cannot be found by itself. The copy has no outputs. It
    is compared with what the kernel has run: a question that is not defined, a function
    that was run but not saved, and a cell that is no Python are named. Raises
    ValueError where the notebook cannot be found, or lies where the submission goes.
    """
    names = caller_names()
    found = sheet_of(names, exercise).exercise
    source, notebook = _read(path, names, found.name)
    target = Path(f"{found.name}_submission.ipynb")
    if source is not None and source.resolve() == target.resolve():
        raise ValueError(
            f"path: {target} is where the submission goes; "
            "give your notebook another name"
        )
    problems = tuple(_problems(found, notebook, names))
    cells = [
        _stripped(number, cell) for number, cell in enumerate(notebook["cells"], 1)
    ]
    target.write_text(
        text({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}),
        "utf-8",
    )
    colab = sys.modules.get("google.colab")
    if colab is not None:
        colab.files.download(str(target))
    return Export(target.resolve(), problems)


def _stripped(number: int, cell: dict) -> dict:
    new = {
        "cell_type": cell["cell_type"],
        "id": cell.get("id", f"cell-{number}"),
        "metadata": {},
        "source": "".join(cell["source"]).splitlines(keepends=True),
    }
    return new | (
        {"execution_count": None, "outputs": []} if new["cell_type"] == "code" else {}
    )


def _read(
    path: str | Path | None, names: Mapping[str, Any], exercise: str
) -> tuple[Path | None, dict]:
    """The notebook as it is saved, and where; in Colab, as it is on the screen."""
    if path is None and "google.colab" in sys.modules:
        from google.colab import _message

        return None, _message.blocking_request("get_ipynb")["ipynb"]
    paths = [Path(path)] if path is not None else _candidates(names, exercise)
    if len(paths) != 1 or not paths[0].is_file():
        seen = ", ".join(str(p) for p in paths) or "none"
        raise ValueError(
            "path: which file is this notebook? Give its name, "
            f'export("my_notebook.ipynb"); found {seen}'
        )
    try:
        notebook = json.loads(paths[0].read_text("utf-8"))
        [(cell["cell_type"], cell["source"]) for cell in notebook["cells"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"path: {paths[0]} is not a notebook: {error!r}") from None
    return paths[0], notebook


def _candidates(names: Mapping[str, Any], exercise: str) -> list[Path]:
    """Where this notebook may lie: as the editor says, or as files here suggest."""
    told = [names.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")]
    known = [
        Path(name)
        for name in told
        if name and name.endswith(".ipynb") and Path(name).is_file()
    ]
    return known[:1] or [
        p
        for p in sorted(Path().glob("*.ipynb"))
        if f'start(\\"{exercise}\\")' in p.read_text("utf-8", errors="replace")
        and p.name != f"{exercise}_submission.ipynb"
    ]


def _problems(
    exercise: Exercise, notebook: dict, names: Mapping[str, Any]
) -> list[str]:
    """What a teacher would miss in this notebook."""
    problems: list[str] = []
    saved: dict[str, ast.stmt] = {}
    for number, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            try:
                tree = ast.parse(_python(source))
            except SyntaxError as error:
                problems.append(
                    f"cell {number} is no Python (line {error.lineno}: {error.msg})"
                )
                continue
            saved |= definitions(tree)
    for question in exercise.questions:
        for name in question.provides:
            if name not in saved:
                problems.append(
                    f"{question.name}: {name} is not defined in the saved notebook"
                )
            elif _is_stub(saved[name]):
                problems.append(f"{question.name}: {name} still waits for your code")
            elif _changed(names.get(name), saved[name]):
                problems.append(
                    f"{question.name}: the saved {name} is not the one you last ran. "
                    "Run its cell and save the notebook"
                )
    return problems


def _python(source: str) -> str:
    """A cell without the lines that only Jupyter understands."""
    lines = source.split("\n")
    if source.startswith("%%"):
        return ""
    return "\n".join(
        line[: len(line) - len(line.lstrip())] + "pass"
        if line.lstrip().startswith(("%", "!"))
        else line
        for line in lines
    )


def _is_stub(node: ast.stmt) -> bool:
    return any(
        isinstance(n, ast.Expr | ast.Return | ast.Assign)
        and isinstance(n.value, ast.Constant)
        and n.value.value is ...
        for n in ast.walk(node)
    )


def _changed(function: Callable | Any, saved: ast.stmt) -> bool:
    """Whether the kernel runs other code than is saved, where its source is known."""
    if not inspect.isfunction(function):
        return False
    try:
        run = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, SyntaxError, IndexError):
        return False
    return ast.dump(run) != ast.dump(saved)
