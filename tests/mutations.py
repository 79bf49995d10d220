"""Planted bugs: each must make the tests named with it fail. Run this file to see which do.

The package is copied to a temporary folder; each bug in turn is put in there, and the tests run in
a process forked from one that has already loaded NumPy, torch and pytest, which saves most time.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import planted

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Mutation:
    """In `file` of lecturelib, `old` becomes `new`; `tests` must notice it."""

    name: str
    file: str
    old: str
    new: str
    tests: str


MUTATIONS = [
    Mutation(*bug)
    for part in pkgutil.iter_modules(planted.__path__)
    for bug in importlib.import_module(f"planted.{part.name}").MUTATIONS
]
TEST_FILES = sorted({m.tests for m in MUTATIONS})
OPTIONS = ["-x", "-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider",
           "--hypothesis-profile=quick", "-k", "not 1000_steps and not 50_000"]


def _run(folder: Path, tests: list[str]) -> int:
    """Pytest's exit status for these tests of the copy, in a forked process."""
    child = os.fork()
    if child == 0:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        os.environ["PYTHONPATH"] = str(folder)  # for kernels and commands that a test starts
        import pytest

        status = 99
        try:
            status = int(pytest.main([*OPTIONS, *tests]))
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_all(mutations: list[Mutation] = MUTATIONS,
            unspoiled: list[str] = TEST_FILES) -> dict[str, int | str]:
    """The exit status of the tests for each bug (1: noticed); and, for "no bug", of the files
    `unspoiled`: what fails in the copy by itself would seem to notice everything."""
    # loaded here, once, for all children; torch loads much of itself when first used
    for module in ("hypothesis.extra.numpy", "pytest", "numpy.testing"):
        importlib.import_module(module)
    import torch

    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)

    gc.freeze()  # the children need not look through what is loaded
    # two versions of a file within one second have the same time stamp: compile each afresh
    sys.dont_write_bytecode = True
    results: dict[str, int | str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        skip = shutil.ignore_patterns("__pycache__")
        for part in ("lecturelib", "tests", "exercises", "tools"):
            shutil.copytree(ROOT / part, folder / part, ignore=skip)
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / "book").mkdir()
        for file in (ROOT / "book/references.bib", *(ROOT / "book").glob("*.ipynb")):
            shutil.copy(file, folder / "book")
        results["no bug"] = _run(folder, unspoiled)
        for m in mutations:
            file = folder / "lecturelib" / m.file
            text = file.read_text("utf-8")
            if text.count(m.old) != 1:
                results[m.name] = f"occurs {text.count(m.old)} times in {m.file}: {m.old!r}"
                continue
            file.write_text(text.replace(m.old, m.new), "utf-8")
            results[m.name] = _run(folder, [m.tests])
            file.write_text(text, "utf-8")
    return results


if __name__ == "__main__":
    start = time.perf_counter()
    # `--part 1 2`: every second bug, from the second on, for two such processes side by side
    at = sys.argv.index("--part") if "--part" in sys.argv else None
    first, step = map(int, sys.argv[at + 1 : at + 3]) if at else (0, 1)
    outcome = run_all(MUTATIONS[first::step], TEST_FILES[first::step])
    if "--json" in sys.argv:
        print(json.dumps(outcome))
    else:
        for bug, status in outcome.items():
            print(f"{status!s:>4}  {bug}")
        print(f"{len(MUTATIONS)} bugs in {time.perf_counter() - start:.0f} s")
