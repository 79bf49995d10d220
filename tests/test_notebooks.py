"""Notebooks are stored normalized, name the right address, and nbval notices what changes."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient
from normalize_notebooks import main as normalize_main
from normalize_notebooks import normalize, notebooks, stored_outputs
from stamp_repository import CELL_ID, CELL_SOURCE, CELL_TAGS, read_address, stamp

ROOT = Path(__file__).resolve().parents[1]
STORED = [*notebooks(p for p in (ROOT / "book", ROOT / "exercises") if p.is_dir())]


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.name)
def test_committed_notebook_is_normalized(path):
    text = path.read_text("utf-8")
    assert normalize(text) == text, "run `make normalize`"


def test_addresses_are_in_step():
    stale = stamp(ROOT, read_address(ROOT), check=True)
    assert not stale, "run `python tools/stamp_repository.py`"


# ---------------------------------------------------------------- normalization

TEXT = st.text(max_size=20)
MIMES = st.sampled_from(
    ["text/plain", "text/html", "image/png", "image/svg+xml", "application/json",
     "application/vnd.jupyter.widget-view+json"]
)  # fmt: skip
DATA = st.dictionaries(MIMES, st.one_of(TEXT, st.lists(TEXT, max_size=3)), max_size=3)
META = st.fixed_dictionaries(
    {}, optional={"lecturelib": st.just({"generated": True}), "image/png": st.just({"width": 5})}
)
OUTPUTS = st.one_of(
    st.builds(
        lambda name, text: {"output_type": "stream", "name": name, "text": text},
        st.sampled_from(["stdout", "stderr"]), TEXT,
    ),
    st.builds(
        lambda data, meta: {"output_type": "display_data", "data": data, "metadata": meta},
        DATA, META,
    ),
    st.builds(
        lambda data, n: {
            "output_type": "execute_result", "data": data, "metadata": {}, "execution_count": n,
        },
        DATA, st.integers(1, 99),
    ),
    st.builds(
        lambda e: {"output_type": "error", "ename": e, "evalue": "", "traceback": ["\x1b[0m"]},
        TEXT,
    ),
)  # fmt: skip
CELLS = st.builds(
    lambda kind, source, name, tags, outputs, n: {
        "cell_type": kind, "source": source, "metadata": {"tags": tags, "scrolled": True},
        **({"id": name} if name else {}),
        **({"outputs": outputs, "execution_count": n} if kind == "code" else {}),
    },
    st.sampled_from(["code", "markdown"]), st.one_of(TEXT, st.lists(TEXT, max_size=3)),
    st.sampled_from(["", "a", "b", "not valid"]),
    st.lists(st.sampled_from(["hide-input", "nbval-ignore-output"]), max_size=3),
    st.lists(OUTPUTS, max_size=4), st.one_of(st.none(), st.integers(1, 99)),
)  # fmt: skip


@given(st.lists(CELLS, max_size=4))
def test_normalizing_twice_is_normalizing_once(cells):
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": {"x": {}}}}
    notebook = {"cells": cells, "metadata": {"widgets": widgets}, "nbformat": 4,
                "nbformat_minor": 4}  # fmt: skip
    once = normalize(json.dumps(notebook))
    assert normalize(once) == once
    ids = [cell["id"] for cell in json.loads(once)["cells"]]
    assert len(set(ids)) == len(ids)
    for word in ("image/", "widget-view", "widget-state", "scrolled"):
        assert f'"{word}' not in once and f"jupyter.{word}" not in once
    nbformat.validate(nbformat.reads(once, as_version=4))


def test_a_progress_bar_is_not_stored_and_the_output_around_it_is_one():
    bar = {"output_type": "display_data", "metadata": {}, "data": {
        "text/plain": ["  0%|          | 0/240 [00:00<?, ?it/s]"],
        "application/vnd.jupyter.widget-view+json": {"model_id": "x"}}}  # fmt: skip
    before, after = ({"output_type": "stream", "name": "stdout", "text": t} for t in ("a\n", "b\n"))
    assert stored_outputs([before, bar, after]) == [{**before, "text": "a\nb\n"}]
    kept = {**bar, "data": {"text/plain": "50% | of it"}}
    assert stored_outputs([kept]) == [kept]


def notebook_of(*sources, tags=()):
    return {
        "cells": [
            {"cell_type": "code", "execution_count": None, "id": f"c{i}", "outputs": [],
             "metadata": {"tags": list(tags)}, "source": source}
            for i, source in enumerate(sources)
        ],
        "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip


def test_check_mode_lists_the_offender_and_changes_nothing(tmp_path, capsys):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook_of("1")), "utf-8")
    before = path.read_bytes()
    assert normalize_main(["--check", str(tmp_path)]) == 1
    assert "a.ipynb: not normalized" in capsys.readouterr().out
    assert path.read_bytes() == before
    assert normalize_main([str(tmp_path)]) == 0
    assert normalize_main(["--check", str(tmp_path)]) == 0


# ---------------------------------------------------------------- what nbval compares

FIGURE = """\
import numpy as np
import matplotlib.pyplot as plt
from matplotlib_inline.backend_inline import set_matplotlib_formats
set_matplotlib_formats("svg")
plt.plot(np.random.default_rng().normal(size=9));  # another picture every time"""
GENERATED = """\
class Shown:
    def _repr_mimebundle_(self, **kwargs):
        data = {"text/plain": "source of f", "text/html": f"<pre>{id(self)}</pre>"}
        return data, {"lecturelib": {"generated": True}}
Shown()"""
NUMBERS = "print('one')\nprint('two')\n6 * 7"


def run_nbval(path):
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT]
    command += ["-p", "no:cacheprovider", "-p", "conftest", "--nbval", "--nbval-current-env"]
    command += ["--nbval-cell-timeout=60", "--nbval-sanitize-with", ROOT / "tests/nbval.cfg", path]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=path.parent)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_nbval_compares_exactly_what_is_stored(tmp_path):
    notebook = nbformat.from_dict(notebook_of(FIGURE, GENERATED, NUMBERS, "x = 1"))
    executed = NotebookClient(notebook).execute()
    raw = json.dumps(executed)
    assert "image/svg+xml" in raw and "<pre>" in raw  # there is something to strip
    stored = json.loads(normalize(raw))
    figure, generated, numbers, silent = (cell["outputs"] for cell in stored["cells"])
    assert [list(out["data"]) for out in (figure[0], generated[0])] == [["text/plain"]] * 2
    assert numbers[0]["text"] == ["one\n", "two\n"] and numbers[1]["data"]["text/plain"] == ["42"]
    assert silent == []

    path = tmp_path / "good.ipynb"
    path.write_text(json.dumps(stored), "utf-8")
    code, log = run_nbval(path)
    assert code == 0, log

    changed = copy.deepcopy(stored)
    changed["cells"][2]["outputs"][1]["data"]["text/plain"] = ["43"]
    changed["cells"][3]["source"] = ["print('new')"]  # an output where none is stored
    changed["cells"][1]["outputs"][0]["data"]["text/plain"] = ["source of g"]
    path = tmp_path / "changed.ipynb"
    path.write_text(json.dumps(changed), "utf-8")
    code, log = run_nbval(path)
    assert code == 1 and "3 failed, 1 passed" in log, log


# ---------------------------------------------------------------- the repository's address


def test_stamp_changes_the_address_everywhere(tmp_path):
    (tmp_path / "book").mkdir()
    old, new = "https://github.com/OWNER/REPO", "https://github.com/someone/downhill"
    (tmp_path / "pyproject.toml").write_text(f'[project.urls]\nRepository = "{old}"\n')
    (tmp_path / "_config.yml").write_text("repository:\n  url: https://stale.org/a/b  # note\n")
    (tmp_path / "README.md").write_text(f"git clone {old}\n")
    cell = notebook_of(CELL_SOURCE.format(url=old), tags=CELL_TAGS)
    cell["cells"][0]["id"] = CELL_ID
    (tmp_path / "book" / "01_a.ipynb").write_text(normalize(json.dumps(cell)))
    stale = {path.name for path in stamp(tmp_path, old, check=True)}
    assert stale == {"_config.yml"}
    stamp(tmp_path, new, check=False)
    assert stamp(tmp_path, new, check=True) == []
    for path in tmp_path.rglob("*.*"):
        if path.is_file():
            assert new in path.read_text() and old not in path.read_text(), path
    text = (tmp_path / "book" / "01_a.ipynb").read_text()
    assert normalize(text) == text
    cell["cells"][0]["id"] = "other"
    (tmp_path / "book" / "01_a.ipynb").write_text(json.dumps(cell))
    with pytest.raises(SystemExit, match="install cell"):
        stamp(tmp_path, new, check=True)
