"""The same exercise for other people's systems: Gradescope, nbgrader."""

from __future__ import annotations

import ast
import copy
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lecturelib.grading.exercise import Cell, Exercise, Question, Test, solved
from lecturelib.grading.release import KERNEL, LANGUAGE
from lecturelib.grading.running import run_tests

PACKAGE = Path(__file__).parents[1]
_SETUP = """\
#!/usr/bin/env bash
# Gradescope runs this once, when it builds the image.
set -e
apt-get update
apt-get install -y --no-install-recommends python3 python3-venv bubblewrap
python3 -m venv /opt/grader
/opt/grader/bin/pip install "numpy>=2.0"
chmod -R go-rwx /autograder/source
"""
_RUN = """\
#!/usr/bin/env bash
# Gradescope runs this once for each submission, as root, in a container of its own.
# Where the container forbids bubblewrap, the student's code still runs as another user:
# it can read neither the tests nor the results, for the two folders are root's alone.
mkdir -p /autograder/results
chmod go-rwx /autograder /autograder/source /autograder/results
cd /autograder/source
exec /opt/grader/bin/python -m lecturelib.grading one --separate-user \\
    {name}.ipynb /autograder/submission /autograder/results/results.json
"""


def gradescope_zip(source: str | Path, exercise: Exercise, target: Path) -> None:
    """Write Gradescope's autograder: our package, the exercise, two scripts.

    source: the author's notebook. Solutions and hidden tests are in it: it is for the
    teacher's upload only.
    """
    source = Path(source)
    if source.is_dir():
        source = source / f"{source.name}.ipynb"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (
            ("setup.sh", _SETUP),
            ("run_autograder", _RUN.format(name=exercise.name)),
        ):
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o755 << 16
            archive.writestr(info, text)
        archive.writestr(f"{exercise.name}.ipynb", source.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py")):
            archive.write(path, path.relative_to(PACKAGE.parent).as_posix())


def nbgrader_notebook(exercise: Exercise) -> dict[str, Any]:
    """The exercise as a source notebook of nbgrader (its `source/` folder).

    Solution cells are marked for nbgrader to make stubs of; each test becomes a locked
    cell with its points, between `### BEGIN HIDDEN TESTS` marks if it is hidden. The
    tests use `lecturelib.grading.compare`, so lecturelib must be installed. nbgrader
    runs them in the student's process: what that means is in `exercises/README.md`.
    """
    cells: list[dict] = []
    for cell in exercise.cells:
        if cell.role in ("text", "code", "prompt"):
            cells.append(_cell(cell.kind, cell.source, f"text-{cell.number}"))
        elif cell.role == "solution":
            name = f"{cell.question}-solution-{cell.number}"
            cells.append(_cell(cell.kind, _marked(cell), name, solution=True))
        elif cell.role == "end question" and cell.question:
            cells += _tests(exercise[cell.question])
    return {
        "cells": cells,
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": copy.deepcopy(KERNEL),
            "language_info": copy.deepcopy(LANGUAGE),
        },
    }


def _tests(question: Question) -> Iterator[dict]:
    for test in (*question.public, *question.hidden):
        # a solution may rely on what stands before it; public tests need none
        solution = f"{question.preamble}\n\n{question.solution}" if test.hidden else ""
        may_change = f", in_place={question.in_place!r}" if question.in_place else ""
        call = (
            "from lecturelib.grading.exports import assert_passes\n\n"
            f"TEST = {_quoted(test.source)}\nSOLUTION = {_quoted(solution)}\n"
            f"assert_passes(TEST, SOLUTION, globals(){may_change})"
        )
        if test.hidden:
            call = f"### BEGIN HIDDEN TESTS\n{call}\n### END HIDDEN TESTS"
        yield _cell("code", call, f"{question.name}-{test.name}", points=test.points)


def _quoted(source: str) -> str:
    lines = "\n".join(f"    {line!r}" for line in source.splitlines(keepends=True))
    return f"(\n{lines}\n)" if lines else '""'


def assert_passes(
    test: str, solution: str, names: Mapping[str, Any], in_place: tuple[str, ...] = ()
) -> None:
    """Run a test against these names, as the cells of `nbgrader_notebook` do.

    solution: the source that `reference` is made of; in_place: the functions that may
    change the arrays they are given.

    Raises AssertionError with what was tried, expected and got.
    """
    function = next(
        n.name for n in ast.parse(test).body if isinstance(n, ast.FunctionDef)
    )
    case = Test(function, function, test, 1.0, hidden=True)
    question = Question(
        "nbgrader",
        function,
        function,
        1.0,
        tuple(names),
        (case,),
        solution=solution,
        preamble="import numpy as np",
        in_place=in_place,
    )
    (result,) = run_tests(question, names, seed=0, hidden=True)
    assert result.passed, result.message


def _marked(cell: Cell) -> str:
    """The solution between the marks that nbgrader knows."""
    if "# BEGIN SOLUTION" in cell.source:
        return re.sub(
            r"# (BEGIN|END) SOLUTION( NO PROMPT)?", r"### \1 SOLUTION", cell.source
        )
    return f"### BEGIN SOLUTION\n{solved(cell.source)}\n### END SOLUTION"


def _cell(
    kind: str,
    source: str,
    name: str,
    *,
    solution: bool = False,
    points: float | None = None,
) -> dict:
    identity = re.sub(r"[^\w-]", "-", name)[:60]
    metadata: dict = {}
    if solution or points is not None:
        metadata["nbgrader"] = {
            "grade": points is not None,
            "grade_id": identity,
            "locked": points is not None,
            "schema_version": 3,
            "solution": solution,
            "task": False,
        }
        if points is not None:
            metadata["nbgrader"]["points"] = points
    cell = {"cell_type": kind, "id": identity, "metadata": metadata, "source": source}
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell
