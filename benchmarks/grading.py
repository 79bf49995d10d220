"""How many submissions a second are graded, beside nbgrader and otter on the same sheet.

    python benchmarks/grading.py -n 500
    python benchmarks/grading.py -n 100 --nbgrader ~/nb/bin/python --otter ~/ot/bin/python

The peers are no dependencies of ours: name a Python in which each is installed, with NumPy. All
grade the same notebooks with the same checks: two questions, four tests. nbgrader and otter grade
one submission after the other, as they do by themselves; ours uses `--jobs` processes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

from lecturelib.grading import sandbox  # noqa: E402
from lecturelib.grading.collect import find  # noqa: E402
from lecturelib.grading.exercise import load  # noqa: E402
from lecturelib.grading.grade import grade, local  # noqa: E402
from lecturelib.grading.sandbox import Limits  # noqa: E402

ANSWERS = {
    "q1": "def softmax(z):\n    e = np.exp(z - z.max(axis=1, keepdims=True))\n"
          "    return e / e.sum(axis=1, keepdims=True)\n",
    "q2": "def descend(f, x, steps):\n    for _ in range(steps):\n        x = x - 0.1 * f(x)\n"
          "    return x\n",
}
CHECKS = {
    "q1": ["close(softmax(np.zeros((2, 4))), np.full((2, 4), 0.25))",
           "close(softmax(np.array([[1e3, 0.0]])), np.array([[1.0, 0.0]]))"],
    "q2": ["close(descend(lambda x: x, np.ones(2), 1), np.full(2, 0.9))",
           "close(descend(lambda x: 2 * x, np.ones(3), 50), np.full(3, 0.8**50))"],
}
CLOSE = "def close(a, b):\n    assert np.allclose(a, b)\n"


def main() -> None:
    """Print one line for each grader."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=100)
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("--nbgrader", type=Path)
    parser.add_argument("--otter", type=Path)
    parser.add_argument("--peer-n", type=int, default=10, help="submissions for the peers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        ours = lecturelib(Path(place) / "ours", options.n, options.jobs)
        for name, run in (("nbgrader", nbgrader), ("otter", otter)):
            python = getattr(options, name)
            if python is not None:
                rate = run(Path(place) / name, options.peer_n, python.absolute())
                print(f"{name:<12}{rate:8.2f} submissions/s   lecturelib is {ours / rate:.1f} ×")


def lecturelib(place: Path, n: int, jobs: int) -> float:
    """Submissions a second, with the memory that it took."""
    handed_in = place / "in"
    handed_in.mkdir(parents=True)
    (place / "sheet.ipynb").write_text(json.dumps(source()))
    for i in range(n):
        cells = [("code", "import numpy as np"), ("code", f"number = {i}")]
        cells += [("code", answer) for answer in ANSWERS.values()]
        (handed_in / f"s{i:05}.ipynb").write_text(json.dumps(notebook(cells)))
    start = time.perf_counter()
    results = grade(find(handed_in), load(place / "sheet.ipynb"), place / "out",
                    runner=local(jobs, Limits()), sandbox=sandbox.choose())
    seconds = time.perf_counter() - start
    assert all(r.earned == 4 for r in results)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    print(f"lecturelib  {n / seconds:8.2f} submissions/s   {n} with {jobs} processes in "
          f"{seconds:.1f} s; at most {memory} MB here, {children} MB in a grading process")
    return n / seconds


def source() -> dict:
    """The author's notebook."""
    cells = [("raw", "# ASSIGNMENT CONFIG\nname: sheet"), ("markdown", "# Sheet"),
             ("code", "import numpy as np")]
    for name, answer in ANSWERS.items():
        function = answer.split("(")[0].removeprefix("def ")
        cells += [("raw", f"# BEGIN QUESTION\nname: {name}\npoints: 2"), ("markdown", name),
                  ("raw", "# BEGIN SOLUTION"), ("code", answer), ("raw", "# END SOLUTION"),
                  ("raw", "# BEGIN TESTS")]
        cells += [("code", f"def test_{i}({function}):\n    {check}\n")
                  for i, check in enumerate(CHECKS[name])]
        cells += [("raw", "# END TESTS"), ("raw", "# END QUESTION")]
    return notebook(cells)


def notebook(cells: list[tuple[str, str]], metadata: dict[int, dict] | None = None) -> dict:
    """A notebook of these cells, with metadata by their numbers."""
    made = []
    for i, (kind, text) in enumerate(cells):
        cell = {"cell_type": kind, "id": f"c{i}", "source": text,
                "metadata": (metadata or {}).get(i, {})}
        made.append({**cell, "outputs": [], "execution_count": None} if kind == "code" else cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": made}


def timed(command: list, place: Path, python: Path) -> float:
    """Seconds that a command of a peer takes; its output only if it fails."""
    environment = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    start = time.perf_counter()
    done = subprocess.run(list(map(str, command)), cwd=place, env=environment, text=True,
                          capture_output=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return seconds


def rate(run: Callable[[int], float], n: int) -> float:
    """Submissions a second, without what the start of the program takes."""
    return (n - 1) / max(run(n) - run(1), 1e-9)


def nbgrader(place: Path, n: int, python: Path) -> float:
    """`nbgrader autograde` of n students."""
    cells, marks = [("code", f"import numpy as np\n{CLOSE}")], {}

    def mark(identity: str, **settings: object) -> None:
        marks[len(cells) - 1] = {"nbgrader": {
            "grade_id": identity, "schema_version": 3, "task": False, "locked": False,
            "solution": False, "grade": False, **settings}}

    for name, answer in ANSWERS.items():
        cells.append(("code", f"### BEGIN SOLUTION\n{answer}### END SOLUTION"))
        mark(name, solution=True)
        for i, check in enumerate(CHECKS[name]):
            cells.append(("code", check))
            mark(f"{name}-{i}", grade=True, locked=True, points=1)
    sheet = json.dumps(notebook(cells, marks))

    def run(count: int) -> float:
        course = place / f"course{count}"
        (course / "source" / "ps").mkdir(parents=True)
        (course / "source" / "ps" / "sheet.ipynb").write_text(sheet)
        program = [python, "-m", "nbgrader"]
        timed([*program, "generate_assignment", "ps"], course, python)
        for i in range(count):
            student = course / "submitted" / f"s{i}" / "ps"
            student.mkdir(parents=True)
            (student / "sheet.ipynb").write_text(sheet)
        return timed([*program, "autograde", "ps"], course, python)

    return rate(run, n)


def otter(place: Path, n: int, python: Path) -> float:
    """`otter.api.grade_submission`, in one process for all, the fastest way it has."""
    place.mkdir(parents=True)
    cells = [("raw", "# ASSIGNMENT CONFIG\nname: sheet\ngenerate: true"),
             ("code", f"import numpy as np\n{CLOSE}")]
    for name, answer in ANSWERS.items():
        cells += [("raw", f"# BEGIN QUESTION\nname: {name}\npoints: 2"), ("markdown", name),
                  ("raw", "# BEGIN SOLUTION"), ("code", answer), ("raw", "# END SOLUTION"),
                  ("raw", "# BEGIN TESTS"), *(("code", c) for c in CHECKS[name]),
                  ("raw", "# END TESTS"), ("raw", "# END QUESTION")]
    (place / "sheet.ipynb").write_text(json.dumps(notebook(cells)))
    timed([python, "-m", "otter", "assign", "--no-run-tests", "sheet.ipynb", "dist"], place, python)
    (archive,) = (place / "dist" / "autograder").glob("*.zip")
    submission = place / "dist" / "autograder" / "sheet.ipynb"
    script = ("import sys\nfrom otter.api import grade_submission\n"
              f"for _ in range(int(sys.argv[1])):\n"
              f"    result = grade_submission({str(submission)!r}, {str(archive)!r}, quiet=True)\n"
              "    assert result.total == 4, result\n")
    (place / "run.py").write_text(script)
    return rate(lambda count: timed([python, "run.py", count], place, python), n)


if __name__ == "__main__":
    main()
