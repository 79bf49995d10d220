"""What is given to students: complete, the same every time, and nothing secret in it."""

import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
import test_exercise

from lecturelib.grading import exports, release
from lecturelib.grading.exercise import load
from lecturelib.grading.running import run_tests

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = sorted(path.parent for path in (ROOT / "exercises").glob("*/[0-9]*.ipynb"))


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=FOLDERS, ids=lambda path: path.name)
def folder(request):
    return request.param


@pytest.fixture
def exercise(folder):
    return load(folder)


def test_each_sheet_belongs_to_a_chapter_that_links_to_it():
    assert len(FOLDERS) >= 2
    for folder in FOLDERS:
        chapter = ROOT / "book" / f"{folder.name}.ipynb"
        assert f"exercises/{folder.name}/student/" in chapter.read_text("utf-8")


def lines(source):
    """The lines of a source that are worth a secret."""
    return {line.strip() for line in source.split("\n") if len(line.strip()) > 8}


def test_nothing_secret_is_in_what_students_get(exercise, folder):
    """Every line of every hidden test, solution, alternative and wrong answer is looked for, in
    the files as they lie in the repository. The exceptions are lines that the author's cells for
    students show themselves."""
    files = [
        folder / "student" / f"{exercise.name}.ipynb",
        release.FOLDER / f"{exercise.name}.json",
    ]
    given = "\n".join(path.read_text("utf-8").replace('\\"', '"') for path in files)
    shown = "\n".join(
        cell.source for cell in exercise.cells if cell.role in ("text", "code", "prompt", "hint")
    )
    shown += "\n".join(q.stub for q in exercise.questions)
    shown += "\n".join(t.source for q in exercise.questions for t in q.public)
    shown += "\n".join(w.hint for q in exercise.questions for w in q.wrong_answers)
    count = 0
    for question in exercise.questions:
        secrets = [question.solution, *question.alternatives]
        secrets += [t.source for t in question.hidden]
        secrets += [wrong.source for wrong in question.wrong_answers]
        for secret in secrets:
            for line in lines(secret):
                if line not in shown:
                    assert line not in given, f"{question.name}: {line}"
                    count += 1
        assert not [t.name for t in question.hidden if t.name in given]
    assert count > 100
    for word in ("SOLUTION", "HIDDEN", "hidden: true", "WRONG ANSWER", "reference", "seed"):
        assert word not in given


def test_a_leak_is_found(exercise, monkeypatch):
    assert release.leaks(exercise) == []
    monkeypatch.setattr(release, "student_notebook", release.solution_notebook)
    assert len(release.leaks(exercise)) > 10
    monkeypatch.undo()
    first = exercise.questions[0]
    shown = replace(first, public=first.public + (replace(first.hidden[0], hidden=False),))
    public = release.public(replace(exercise, questions=(shown,)))
    monkeypatch.setattr(release, "public", lambda exercise: public)
    assert first.hidden[0].name in release.leaks(exercise)


def test_the_files_in_the_repository_are_in_step_with_the_source():
    assert tool("make_exercises").main(["--check"]) == 0


def test_a_student_notebook_is_whole_and_normalized(exercise):
    notebook = release.student_notebook(exercise)
    text = release.text(notebook)
    assert text == release.text(release.student_notebook(load(ROOT / "exercises" / exercise.name)))
    assert tool("normalize_notebooks").normalize(text) == text
    nbformat.validate(nbformat.reads(text, as_version=4))
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    code = [s for s, c in zip(sources, notebook["cells"]) if c["cell_type"] == "code"]
    assert f'exercise = start("{exercise.name}")' in code[1] and "find_spec" in code[0]
    for question in exercise.questions:
        at = code.index(f'check("{question.name}")')
        assert any(f"def {name}(" in source for source in code[:at] for name in question.provides)
        assert any(question.title in s and f"{question.points:g} points" in s for s in sources)
    assert code[-2:] == ["progress()", "export()"]
    assert not [s for s in sources if "## Ignore" in s or s.startswith("# BEGIN")]


def test_a_notebook_starts_its_sheet_before_anything_else_runs(tmp_path):
    for parts in ((test_exercise.START, test_exercise.QUESTION), (test_exercise.QUESTION,)):
        exercise = load(test_exercise.write(tmp_path, *parts))
        cells = release.student_notebook(exercise)["cells"]
        first = next(c for c in cells if c["cell_type"] == "code")
        assert first["source"][0].startswith("from lecturelib.grading import")


def run_cells(notebook):
    """The names that a notebook defines, its magics and calls of the grader left out."""
    namespace = {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and not re.match(r"(check|progress|export)\(", source):
            exec(re.sub(r"(?m)^(\s*)%.*$", r"\1pass", source), namespace)
    return namespace


def test_the_solution_notebook_earns_everything_and_the_student_notebook_nothing(exercise):
    for notebook, share in (
        (release.solution_notebook(exercise), 1),
        (release.student_notebook(exercise), 0),
    ):
        names = run_cells(notebook)
        for question in exercise.questions:
            results = run_tests(question, names, seed=7, hidden=True)
            assert sum(r.earned for r in results) == share * question.points


def test_as_an_nbgrader_notebook_the_solution_passes_each_test(exercise):
    """Also where an answer relies on one before it, whose reference must then be there."""
    run_cells(exports.nbgrader_notebook(exercise))


def test_what_learners_have_agrees_with_the_source(exercise):
    data = json.loads((release.FOLDER / f"{exercise.name}.json").read_text("utf-8"))
    learners = release.from_public(data)
    assert (learners.name, learners.title) == (exercise.name, exercise.title)
    for mine, theirs in zip(exercise.questions, learners.questions, strict=True):
        assert (mine.name, mine.points, mine.provides, mine.hints) == (
            theirs.name,
            theirs.points,
            theirs.provides,
            theirs.hints,
        )
        assert [t.source for t in mine.public] == [t.source for t in theirs.public]
        assert not theirs.hidden and not theirs.solution and not theirs.wrong_answers
        assert {m.name for t in theirs.public for m in t.mistakes} == {
            w.name for w in mine.wrong_answers
        }


def test_same_public_allows_rounding_only_in_recorded_numbers(exercise):
    data = release.public(exercise)
    text = json.dumps(data)
    assert release.same_public(data, json.loads(text))

    def changed(change):
        other = json.loads(text)
        change(other["questions"][0])
        return release.same_public(data, other)

    def mistake(question):
        return question["tests"][0]["mistakes"][0]

    def shift(question, by):
        recorded = mistake(question)
        recorded["value"] = (np.array(recorded["value"]) + by).tolist()

    assert changed(lambda q: shift(q, 1e-9))
    assert not changed(lambda q: shift(q, 1e-3))
    assert not changed(lambda q: mistake(q).update(value=[1.0]))
    assert not changed(lambda q: q.update(points=q["points"] + 1e-9))
    assert not changed(lambda q: q["hints"].append("more"))
    assert not changed(lambda q: q.pop("hints"))
    assert not changed(lambda q: q["mistakes"].clear())
