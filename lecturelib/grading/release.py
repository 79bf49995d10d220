"""What leaves the author's desk: notebooks and public tests.

Public tests travel in the library itself (`grading/public/NAME.json`), so that `check`
works wherever lecturelib is installed. Neither solutions nor hidden tests nor the code
of wrong answers are in that file: of wrong answers it holds the numbers that they give
in the public tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lecturelib.grading.exercise import (
    Cell,
    Exercise,
    Mistake,
    Question,
    Test,
    solved,
    stub,
)
from lecturelib.grading.running import PUBLIC_SEED, mismatch_of

FOLDER = Path(__file__).parent / "public"
KERNEL = {
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "name": "python3",
}
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
START = """\
from lecturelib.grading import check, export, progress, start

exercise = start("{name}")  # run this cell first"""
HAND_IN = """\
## Hand in

`progress()` shows the whole sheet. Save the notebook, then run `export()`: it \
writes the file that you hand in and says whether something is missing."""
DIGITS = 9  # of a recorded wrong number; more than any mistake needs to be told apart


def student_notebook(exercise: Exercise) -> dict:
    """The notebook for students: stubs for solutions, a call of `check` for tests."""
    return _notebook(exercise, stub)


def solution_notebook(exercise: Exercise) -> dict:
    """The same with the solutions in it."""
    return _notebook(exercise, solved)


def text(notebook: dict) -> str:
    """The text of a notebook's file, the same for the same notebook."""
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _notebook(exercise: Exercise, rewrite: Callable[[str], str]) -> dict:
    cells, headed = [], set()
    for cell in exercise.cells:
        source = rewrite(cell.source) if cell.role == "solution" else cell.source
        if cell.role == "text" and cell.question and cell.question not in headed:
            headed.add(cell.question)
            source += f"\n\n*{_points(exercise[cell.question])}*"
        if cell.role in ("text", "code", "prompt", "solution"):
            cells.append(_cell(cell, source))
        elif cell.role == "end question":
            cells.append(_code(f"{cell.question}-check", f'check("{cell.question}")'))
    first = next(i for i, cell in enumerate(cells) if cell["cell_type"] == "code")
    after_install = first + (cells[first]["id"] == "install-lecturelib")
    cells.insert(after_install, _code("start", START.format(name=exercise.name)))
    cells += [
        _cell(Cell("text", None, 0, "markdown", HAND_IN, "hand-in", {}), HAND_IN),
        _code("progress", "progress()"),
        _code("export", "export()"),
    ]
    return {
        "cells": cells,
        "metadata": {"kernelspec": KERNEL, "language_info": LANGUAGE},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _points(question: Question) -> str:
    def total(tests: tuple[Test, ...]) -> str:
        return f"{sum(t.points for t in tests):g}"

    return (
        f"{question.points:g} points: {total(question.public)} for the public tests, "
        f"{total(question.hidden)} for the hidden ones."
    )


def _cell(cell: Cell, source: str) -> dict:
    new = {
        "cell_type": cell.kind,
        "id": cell.id or f"cell-{cell.number}",
        "metadata": cell.metadata,
        "source": source.splitlines(keepends=True),
    }
    return new | (
        {"execution_count": None, "outputs": []} if cell.kind == "code" else {}
    )


def _code(name: str, source: str) -> dict:
    return _cell(Cell("code", None, 0, "code", source, name, {}), source)


def public(exercise: Exercise) -> dict:
    """What `check` needs, as plain data: tests, hints, numbers of wrong answers."""
    return {
        "name": exercise.name,
        "title": exercise.title,
        "questions": [
            {
                "name": q.name,
                "title": q.title,
                "points": q.points,
                "provides": list(q.provides),
                "in_place": list(q.in_place),
                "hints": list(q.hints),
                "mistakes": {w.name: w.hint for w in q.wrong_answers},
                "tests": [
                    {
                        "name": t.name,
                        "title": t.title,
                        "points": t.points,
                        "source": t.source.splitlines(),
                        "mistakes": _recorded(q, t),
                    }
                    for t in q.public
                ],
            }
            for q in exercise.questions
        ],
    }


def _recorded(question: Question, test: Test) -> list[dict]:
    """The wrong numbers that each wrong answer gives in a public test."""
    found = []
    for wrong in question.wrong_answers:
        mismatch = mismatch_of(question, test, wrong, PUBLIC_SEED)
        if mismatch is not None and mismatch.value is not None:
            found.append(
                {
                    "name": wrong.name,
                    "kind": mismatch.kind,
                    "what": mismatch.what,
                    "dtype": str(mismatch.value.dtype),
                    "value": _rounded(mismatch.value),
                }
            )
    return found


def _rounded(array: np.ndarray) -> Any:
    if array.dtype.kind == "c":
        raise ValueError("complex numbers of wrong answers cannot be recorded")
    if array.dtype.kind != "f":
        return array.tolist()
    digits = [float(f"{x:.{DIGITS}g}") for x in array.ravel()]
    return np.array(digits).reshape(array.shape).tolist()


def from_public(data: dict) -> Exercise:
    """The exercise as a learner has it: from the data that `public` made."""
    questions = []
    for q in data["questions"]:
        tests = tuple(
            Test(
                t["name"],
                t["title"],
                "\n".join(t["source"]) + "\n",
                t["points"],
                False,
                tuple(
                    Mistake(
                        m["name"],
                        q["mistakes"][m["name"]],
                        m["kind"],
                        m["what"],
                        np.array(m["value"], m["dtype"]),
                    )
                    for m in t["mistakes"]
                ),
            )
            for t in q["tests"]
        )
        questions.append(
            Question(
                data["name"],
                q["name"],
                q["title"],
                q["points"],
                tuple(q["provides"]),
                tests,
                hints=tuple(q["hints"]),
                in_place=tuple(q["in_place"]),
            )
        )
    return Exercise(data["name"], data["title"], tuple(questions))


def leaks(exercise: Exercise) -> list[str]:
    """Lines of solutions, hidden tests and wrong answers found in what students get.

    A line that the author's public cells or hints contain as well (an import, say) is
    none.
    """
    shown = "\n".join(
        [*_strings(student_notebook(exercise)["cells"]), *_strings(public(exercise))]
    )
    known = "\n".join(
        [
            stub(cell.source) if cell.role == "solution" else cell.source
            for cell in exercise.cells
            if cell.role in ("text", "code", "prompt", "solution", "hint")
        ]
        + [t.source for q in exercise.questions for t in q.public]
        + [w.hint for q in exercise.questions for w in q.wrong_answers]
    )
    secret = [
        source
        for q in exercise.questions
        for source in (
            q.solution,
            *(t.source for t in q.hidden),
            *q.alternatives,
            *(w.source for w in q.wrong_answers),
        )
    ]
    found = {
        line.strip()
        for source in secret
        for line in source.split("\n")
        if len(line.strip()) > 8 and line.strip() not in known
    }
    found |= {t.name for q in exercise.questions for t in q.hidden}
    return sorted(line for line in found if line in shown)


def _strings(data: Any) -> Iterator[str]:
    """All texts in nested lists and dictionaries; a list of lines is joined."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, list) and data and all(isinstance(x, str) for x in data):
        yield "\n".join(x.rstrip("\n") for x in data)
    elif isinstance(data, list | dict):
        for value in data.values() if isinstance(data, dict) else data:
            yield from _strings(value)


def public_text(exercise: Exercise) -> str:
    """The text of the file of public tests: one line for each recorded array."""
    data = public(exercise)
    values: list[str] = []
    for question in data["questions"]:
        for test in question["tests"]:
            for mistake in test["mistakes"]:
                values.append(json.dumps(mistake["value"]))
                mistake["value"] = f"@{len(values) - 1}@"
    result = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    for number, value in enumerate(values):
        result = result.replace(f'"@{number}@"', value)
    return result


def same_public(old: Any, new: Any, key: str = "") -> bool:
    """Whether two contents of the file agree, recorded numbers up to rounding."""
    if key == "value":
        return bool(
            np.shape(old) == np.shape(new)
            and np.allclose(old, new, rtol=1e-6, atol=1e-6, equal_nan=True)
        )
    if isinstance(new, dict):
        return (
            isinstance(old, dict)
            and old.keys() == new.keys()
            and all(same_public(old[k], new[k], k) for k in new)
        )
    if isinstance(new, list):
        return (
            isinstance(old, list)
            and len(old) == len(new)
            and all(map(same_public, old, new))
        )
    return bool(old == new)
