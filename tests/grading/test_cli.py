"""The teacher's commands, from end to end, with an exercise that is read from a notebook."""

import csv
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tiny import needs_sandbox

from lecturelib.grading import cli, sandbox
from lecturelib.grading.evaluate import evaluate
from lecturelib.grading.exercise import load

TEST = "def test_it(double):\n    close(double(3.0), 6.0)\n"
HIDDEN = "# HIDDEN\ndef test_more(double, rng):\n    x = rng.normal(size=3)\n    y = 2 * x\n" \
         "    close(double(x), y)\n"


@pytest.fixture
def exercise(tmp_path):
    """An author's notebook with one question."""
    raw, code = "raw", "code"
    cells = [
        (raw, "# ASSIGNMENT CONFIG\nname: sheet"), ("markdown", "# A sheet"),
        (code, "import numpy as np"), (raw, "# BEGIN QUESTION\nname: q1\npoints: 4"),
        ("markdown", "Double it."), (raw, "# BEGIN SOLUTION"),
        (code, "def double(x):\n    return 2 * x  # SOLUTION\n"), (raw, "# END SOLUTION"),
        (raw, "# BEGIN TESTS"), (code, TEST), (code, HIDDEN), (raw, "# END TESTS"),
        (raw, "# END QUESTION")]
    path = tmp_path / "sheet.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
        {"cell_type": kind, "id": str(i), "metadata": {}, "source": source,
         **({"outputs": [], "execution_count": None} if kind == code else {})}
        for i, (kind, source) in enumerate(cells)]}))
    return path


@pytest.fixture
def handed_in(exercise, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    assert cli.main(["release", str(exercise), str(folder / "stub.ipynb")]) == 0
    assert cli.main(["release", "--solution", str(exercise), str(folder / "good.ipynb")]) == 0
    return folder


@needs_sandbox
def test_grade(exercise, handed_in, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["grade", str(exercise), str(handed_in), "-o", str(out), "-j", "1", "--quiet"]
    assert cli.main(arguments) == 0
    first = capsys.readouterr().out
    assert "2 submissions" in first and "bubblewrap: no network" in first
    text = (out / "scores.csv").read_text("utf-8")
    rows = {r["name"]: r for r in csv.DictReader(text.splitlines())}
    assert rows["good"]["points"] == "4.0" and rows["stub"]["points"] == "0.0"
    assert cli.main([*arguments, "--regrade", "q1"]) == 0
    assert capsys.readouterr().out == first
    assert cli.main([*arguments, "--regrade", "q7"]) == 2
    assert "its questions are q1" in capsys.readouterr().err


@needs_sandbox
def test_one_writes_results_json_whatever_it_is_given(exercise, handed_in, tmp_path):
    target = tmp_path / "results.json"
    assert cli.main(["one", str(exercise), str(handed_in / "good.ipynb"), str(target)]) == 0
    assert json.loads(target.read_text())["score"] == 4.0
    (tmp_path / "empty").mkdir()
    assert cli.main(["one", str(exercise), str(tmp_path / "empty"), str(target)]) == 0
    results = json.loads(target.read_text())
    assert results["score"] == 0 and "No notebook" in results["output"]


def test_without_a_sandbox_it_refuses(exercise, handed_in, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sandbox, "available", lambda: "bubblewrap is not installed")
    arguments = ["grade", str(exercise), str(handed_in), "-o", str(tmp_path / "out")]
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert "not installed" in error and "--no-sandbox" in error and "Containerfile" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("arguments", "words"), [
    (["grade", "absent.ipynb", "x"], "absent.ipynb"),
    (["release", "absent", "y"], "absent"),
])
def test_errors_are_sentences(arguments, words, capsys):
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error


def test_help_names_the_risk():
    text = subprocess.run([sys.executable, "-m", "lecturelib.grading", "grade", "--help"],
                          capture_output=True, text=True, check=True).stdout
    assert "read your files" in " ".join(text.split()) and "--scheduler" in text


def test_gradescope_zip(exercise, tmp_path):
    """It has all that its own script needs: it runs with nothing but NumPy beside it."""
    target, place = tmp_path / "autograder.zip", tmp_path / "source"
    assert cli.main(["export", "gradescope", str(exercise), str(target)]) == 0
    with zipfile.ZipFile(target) as archive:
        assert archive.getinfo("run_autograder").external_attr >> 16 & 0o111
        archive.extractall(place)
    script = (place / "run_autograder").read_text()
    assert "one --separate-user" in script and "sheet.ipynb" in script
    (tmp_path / "sub").mkdir()
    cli.main(["release", "--solution", str(exercise), str(tmp_path / "sub" / "x.ipynb")])
    words = [sys.executable, "-m", "lecturelib.grading", "one", "--no-sandbox", "sheet.ipynb",
             str(tmp_path / "sub"), str(tmp_path / "results.json")]
    subprocess.run(words, check=True, capture_output=True, cwd=place,
                   env={**os.environ, "PYTHONPATH": str(place)})
    assert json.loads((tmp_path / "results.json").read_text())["score"] == 4.0


def test_nbgrader_notebook_runs(exercise, tmp_path):
    """Its cells, run in order as nbgrader does, pass with the solution and fail without."""
    import nbformat

    target = tmp_path / "source.ipynb"
    assert cli.main(["export", "nbgrader", str(exercise), str(target)]) == 0
    notebook = nbformat.read(target, as_version=4)
    nbformat.validate(notebook)
    marked = [c for c in notebook.cells if "nbgrader" in c.metadata]
    assert [c.metadata.nbgrader.get("points") for c in marked] == [None, 2.0, 2.0]
    assert marked[2].source.startswith("### BEGIN HIDDEN TESTS")
    assert "### BEGIN SOLUTION" in marked[0].source and "return" not in marked[1].source
    cells = [c.source for c in notebook.cells if c.cell_type == "code"]
    names: dict = {}
    for source in cells:
        exec(source, names)
    names["double"] = lambda x: 3 * x
    for source in cells[-2:]:
        with pytest.raises(AssertionError, match="expected"):
            exec(source, names)


def test_separate_user_needs_root(exercise, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "available", lambda: "bubblewrap is not installed")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cli.main(["one", "--separate-user", str(exercise), str(tmp_path), "x"]) == 2
    assert "not installed" in capsys.readouterr().err


@needs_sandbox
def test_what_the_author_wrote_is_what_is_graded(exercise):
    """The reader of notebooks and the grader agree on names, points and hidden tests."""
    from lecturelib.grading.release import solution_notebook, text

    sheet = load(exercise)
    report = evaluate(text(solution_notebook(sheet)).encode(), sheet, seed=3)
    assert report.earned == 4 and [t["hidden"] for t in report.questions[0].tests] == [False, True]
    assert Path(exercise).name == "sheet.ipynb"
