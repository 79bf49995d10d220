"""What a learner sees in a notebook: checks, hints, progress and the submission."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbclient import NotebookClient

from lecturelib.grading import check, export, progress, start
from lecturelib.grading.exercise import load
from lecturelib.grading.release import public, solution_notebook, student_notebook, text

ROOT = Path(__file__).resolve().parents[2]
EXERCISE = load(ROOT / "exercises" / "02_gradients")
RIGHT = EXERCISE["q1"].solution
HALF = RIGHT.replace("(2 * h)", "h")
IMPORTS = "import numpy as np\nfrom lecturelib.grading import check, export, progress, start\n"
SHEET = IMPORTS + 'exercise = start("02_gradients")\n'


def in_notebook(code, expression, before=SHEET):
    """The value of the expression in a module that has run the code."""
    names = {}
    exec(before + code + f"\nresult = {expression}", names)
    return names["result"]


def test_a_right_answer():
    result = in_notebook(RIGHT, 'check("q1")')
    assert result.passed == 3
    shown = repr(result)
    assert shown.startswith("Question 1: A numeric gradient\npublic tests: 3 of 3 passed\n")
    assert shown.endswith("Hidden tests, with other numbers, are run by your teacher.")
    assert "Stuck" not in shown and "✗" not in shown


def test_a_known_mistake_is_named_once_with_its_hint():
    shown = repr(in_notebook(HALF, 'check("q1")'))
    assert "public tests: 0 of 3 passed" in shown
    assert shown.count("known mistake: divided by h instead of 2h") == 1
    assert "expected  [2, -4, 6]\n    got       [4, -8, 12]" in shown
    assert "tried     numeric_gradient(f, [1, -2, 3], 0.1)" in shown
    assert 'Stuck? check("q1", hint=1) shows the first of 3 hints.' in shown


@pytest.mark.parametrize("wrong", EXERCISE["q6"].wrong_answers, ids=lambda w: w.name)
def test_each_wrong_answer_gets_its_own_hint(wrong):
    shown = " ".join(repr(in_notebook(wrong.source, 'check("q6")')).split())
    assert f"known mistake: {wrong.name}. {wrong.hint}" in shown
    assert shown.count("known mistake") == 1


def test_the_name_of_the_sheet_is_found_in_the_notebook_or_given():
    assert in_notebook(RIGHT, 'check("q1", exercise="02_gradients")', IMPORTS).passed == 3
    with pytest.raises(ValueError, match=r'exercise = start\("…"\)'):
        in_notebook(RIGHT, 'check("q1")', IMPORTS)
    both = SHEET + 'other = start("03_backpropagation")\n'
    with pytest.raises(ValueError, match="02_gradients', '03_backpropagation"):
        in_notebook(RIGHT, 'check("q1")', both)
    assert in_notebook("", 'check("q1", exercise="03_backpropagation")', both).passed == 0


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: check("q9", exercise="02_gradients"),
            "question: no question 'q9' in 02_gradients",
        ),
        (lambda: check("q1", hint=4, exercise="02_gradients"), "hint: q1 has hints 1 to 3, got 4"),
        (lambda: check("q1", hint=0, exercise="02_gradients"), "hint: q1 has hints 1 to 3, got 0"),
        (lambda: check("q1", hint=True, exercise="02_gradients"), "hint: q1 has"),
        (lambda: start("2_gradients"), "one of 01_learning_as_optimization, 02_gradients, 03"),
        (lambda: start("../02_gradients"), "one of 01_learning"),
    ],
)
def test_unknown_names_are_said_with_those_there_are(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


def test_hints_go_from_gentle_to_plain_and_run_nothing():
    for number, hint in enumerate(EXERCISE["q1"].hints, 1):
        shown = repr(in_notebook("", f'check("q1", hint={number})'))
        assert shown == in_notebook("", f'check("q1", hint={number})')._repr_markdown_()
        assert hint.strip() in shown and f"hint {number} of 3" in shown
        assert (f'check("q1", hint={number + 1})' in shown) == (number < 3)


def test_prints_and_warnings_cost_nothing_and_are_not_shown(capfd):
    noisy = RIGHT.replace(
        "gradient =", 'print("x" * 9999); import warnings; warnings.warn("w"); gradient =', 1
    )
    strict = 'import sys, warnings; warnings.simplefilter("error"); print("e", file=sys.stderr)\n'
    import warnings

    with warnings.catch_warnings():
        assert in_notebook(strict + noisy, 'check("q1")').passed == 3
    assert capfd.readouterr().out == ""


def test_a_check_leaves_the_notebooks_values_alone():
    code = RIGHT + "\nf, x, h, gradient = 1, 2, 3, 4\n"
    assert in_notebook(code, '(check("q1").passed, f, x, h, gradient)') == (3, 1, 2, 3, 4)


def test_html_is_the_text_escaped():
    evil = 'def numeric_gradient(f, x, h=1):\n    raise ValueError("<script>alert(1)</script>")\n'
    result = in_notebook(evil, 'check("q1")')
    assert "<script>" in repr(result) and "<script>" not in result._repr_html_()
    assert result._repr_html_().startswith("<pre") and "&lt;script&gt;" in result._repr_html_()


def test_progress():
    result = in_notebook(RIGHT + "\n" + EXERCISE["q2"].wrong_answers[0].source, "progress()")
    rows = repr(result).split("\n")
    assert rows[0] == "Exercise 2: Gradients" and len(rows) == 8
    assert "■■■" in rows[1] and rows[1].endswith("3 of 3 public tests")
    assert "□□" in rows[2] and rows[2].endswith("0 of 2 public tests")
    assert rows[-1] == (
        "Points so far: 3 of 15 by public tests. The other 24 are given by hidden "
        "tests, which are run by your teacher."
    )
    assert repr(progress(exercise="02_gradients")).count("□") == 15


@pytest.mark.parametrize("name", ["02_gradients", "03_backpropagation"])
def test_no_message_says_that_everything_passed(name):
    exercise = load(ROOT / "exercises" / name)
    code = "\n".join(
        [
            IMPORTS,
            f'exercise = start("{name}")',
            exercise.questions[-1].preamble,
            exercise.questions[-1].solution,
            "",
        ]
    )
    for expression in ["progress()", *(f'check("{q.name}")' for q in exercise.questions)]:
        shown = repr(in_notebook("", expression, code))
        assert "all" not in shown.lower().split() and "idden" in shown and "teacher" in shown


def write(folder, notebook, name="my copy.ipynb", **replacements):
    """The notebook in a file, some texts in its cells replaced."""
    for cell in notebook["cells"]:
        for old, new in replacements.items():
            source = "".join(cell["source"])
            if old in source:
                cell["source"] = source.replace(old, new).splitlines(keepends=True)
    (folder / name).write_text(text(notebook), "utf-8")
    return folder / name


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return tmp_path


def test_export_writes_the_notebook_without_its_outputs(here):
    notebook = solution_notebook(EXERCISE)
    notebook["cells"][3] |= {
        "outputs": [{"output_type": "stream", "name": "stdout", "text": ["x" * 1000]}],
        "execution_count": 7,
    }
    write(here, notebook)
    result = in_notebook("", "export()")  # found by itself, whatever its name
    assert result.problems == () and "Hand in this file" in repr(result)
    assert result.path == here / "02_gradients_submission.ipynb"
    written = nbformat.read(result.path, as_version=4)
    nbformat.validate(written)
    assert [c.source for c in written.cells] == ["".join(c["source"]) for c in notebook["cells"]]
    assert not any(c.get("outputs") for c in written.cells)
    assert in_notebook("", "export()").problems == ()  # the file it wrote is not in its way


def test_export_names_what_is_missing(here):
    write(here, student_notebook(EXERCISE))
    shown = repr(in_notebook("", "export()"))
    assert "not complete" in shown and shown.count("still waits for your code") == 6
    assert "q4: gradient_error still waits" in shown
    notebook = solution_notebook(EXERCISE)
    write(here, notebook, **{"def jacobian": "def jacobean", "def best_step(x, method):": "def x("})
    problems = in_notebook("", "export()").problems
    assert "q2: jacobian is not defined in the saved notebook" in problems
    assert [p for p in problems if "is no Python (line 1" in p]
    assert "q3: best_step is not defined in the saved notebook" in problems


def test_export_takes_cells_with_magics_for_what_they_are(here):
    notebook = solution_notebook(EXERCISE)
    for source in ("%%timeit\nnot python", "!ls\n%pip install x\nif True:\n    %time f()\n"):
        notebook["cells"].append(
            {
                "cell_type": "code",
                "id": f"m{len(notebook['cells'])}",
                "metadata": {},
                "outputs": [],
                "execution_count": None,
                "source": source.splitlines(keepends=True),
            }
        )
    write(here, notebook)
    assert in_notebook("", "export()").problems == ()


def test_export_of_a_file_that_is_unclear_or_none(here, monkeypatch):
    with pytest.raises(ValueError, match="found none"):
        export(exercise="02_gradients")
    write(here, solution_notebook(EXERCISE), "a.ipynb")
    write(here, student_notebook(EXERCISE), "b.ipynb")
    (here / "c.ipynb").write_text("{}")
    with pytest.raises(ValueError, match=r"found a\.ipynb, b\.ipynb"):
        export(exercise="02_gradients")
    assert export("a.ipynb", exercise="02_gradients").problems == ()
    monkeypatch.setenv("JPY_SESSION_NAME", str(here / "b.ipynb"))
    assert len(export(exercise="02_gradients").problems) == 6
    assert in_notebook("__vsc_ipynb_file__ = 'a.ipynb'", "export()").problems == ()
    monkeypatch.setenv("JPY_SESSION_NAME", str(here / "renamed.ipynb"))
    with pytest.raises(ValueError, match=r"found a\.ipynb, b\.ipynb"):
        export(exercise="02_gradients")
    with pytest.raises(ValueError, match=r"c\.ipynb is not a notebook"):
        export("c.ipynb", exercise="02_gradients")
    with pytest.raises(ValueError, match=r"found d\.ipynb"):
        export("d.ipynb", exercise="02_gradients")


def test_export_in_colab_takes_the_notebook_on_the_screen_and_downloads(here, monkeypatch):
    colab, message, files = ModuleType("google.colab"), ModuleType("message"), ModuleType("files")
    notebook, downloaded = solution_notebook(EXERCISE), []
    message.blocking_request = {"get_ipynb": {"ipynb": notebook}}.get
    files.download = downloaded.append
    colab._message, colab.files = message, files
    monkeypatch.setitem(sys.modules, "google", ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    assert in_notebook("", "export()").problems == ()
    assert downloaded == ["02_gradients_submission.ipynb"] and Path(downloaded[0]).is_file()


def test_export_refuses_to_overwrite_the_notebook_itself(here):
    path = write(here, solution_notebook(EXERCISE), "02_gradients_submission.ipynb")
    before = path.read_text()
    with pytest.raises(ValueError, match="give your notebook another name"):
        export("02_gradients_submission.ipynb", exercise="02_gradients")
    assert path.read_text() == before


@pytest.mark.parametrize("saved", [True, False])
def test_in_a_real_kernel(here, saved):
    """A renamed notebook with nothing beside it: it checks, shows progress and exports; and a
    function that was changed but not saved is noticed."""
    notebook = solution_notebook(EXERCISE)
    write(here, notebook)
    if not saved:
        write(here, notebook, "run.ipynb", **{"h=1e-5": "h=1e-6"})
        (here / "my copy.ipynb").rename(here / "saved.txt")
    running = nbformat.reads(text(notebook), as_version=4)
    if not saved:
        (here / "run.ipynb").unlink()
        (here / "saved.txt").rename(here / "my copy.ipynb")
    NotebookClient(
        running, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(here)}}
    ).execute()
    outputs = {cell.id: cell.outputs for cell in running.cells if cell.cell_type == "code"}
    assert "3 of 3 passed" in outputs["q1-check"][0]["data"]["text/plain"]
    assert "3 of 3 passed" in outputs["q1-check"][0]["data"]["text/html"]
    assert "Points so far: 15 of 15" in outputs["progress"][0]["data"]["text/plain"]
    shown = outputs["export"][0]["data"]["text/plain"]
    if saved:
        assert "It defines all that was asked for" in shown
    else:
        assert "q1: the saved numeric_gradient is not the one you last ran" in shown
        assert "q2: the saved jacobian is not the one" in shown and shown.count("•") == 2


def test_numpy_is_all_it_needs(tmp_path):
    """As in Colab after installing: no package but NumPy and lecturelib can be imported."""
    code = f"""
import sys
allowed = set(sys.stdlib_module_names) | {{"numpy", "lecturelib", "__future__", "google"}}
class Only:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Only())
{SHEET}{RIGHT}
print(check("q1").passed, check("q6").passed, len(repr(progress())) > 100)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.stdout, done.stderr) == ("3 0 True\n", "")


def test_a_teachers_own_sheet_is_a_file_of_its_own(here):
    (here / "own.json").write_text(json.dumps(public(EXERCISE) | {"title": "My own"}))
    own = IMPORTS + 'exercise = start("own.json")\n'
    assert in_notebook(RIGHT, 'check("q1")', own).passed == 3
    assert repr(in_notebook("", "exercise", own)).startswith("My own")


def test_the_data_of_a_sheet_is_readable():
    data = json.loads((ROOT / "lecturelib/grading/public/02_gradients.json").read_text("utf-8"))
    assert start("02_gradients").exercise.title == data["title"]
    assert repr(start("02_gradients")) == (
        'Exercise 2: Gradients: questions q1, q2, q3, q4, q5, q6. Check one with check("q1").'
    )
