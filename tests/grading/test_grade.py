"""Many submissions: each graded once, in parallel, and nothing lost when the grader is killed."""

import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from tiny import EXERCISE, answers, changed, needs_sandbox

from lecturelib.grading import pool
from lecturelib.grading.collect import Submission, find
from lecturelib.grading.evaluate import FAILED, HUMAN, evaluate
from lecturelib.grading.grade import DATABASE, grade, local, perform
from lecturelib.grading.sandbox import Limits

LIMITS = Limits(call=4.0, cell=4.0, submission=60.0)
WRONG = {"double": "def double(x):\n    return x * x\n"}


@pytest.fixture
def folder(tmp_path):
    """Six submissions of which two are equal."""
    place = tmp_path / "handed in"
    place.mkdir()
    for name, data in {"ada": answers(), "bob": answers(**WRONG), "cyd": answers(**WRONG),
                       "dee": answers(scale_=""), "eve": b"{", "fay": answers("x = 1")}.items():
        (place / f"{name}.ipynb").write_bytes(data)
    return place


class Counting:
    """A runner in this process that writes down what it was given."""

    def __init__(self, end=10**9):
        self.tasks, self.end = [], end

    def __call__(self, tasks):
        for task in tasks:
            if len(self.tasks) == self.end:
                raise KeyboardInterrupt
            self.tasks.append(task)
            yield task, perform(task)


def run(folder, out, exercise=EXERCISE, **options):
    runner = options.pop("runner", None) or Counting()
    results = grade(find(folder), exercise, out, runner=runner, sandbox="bubblewrap",
                    limits=LIMITS, progress=False, **options)
    return {r.name: r for r in results}, getattr(runner, "tasks", [])


def marks(reports):
    return {name: [q.earned for q in r.questions] for name, r in reports.items()}


RIGHT = {"ada": [2, 2, 2, 2], "bob": [0, 2, 2, 2], "cyd": [0, 2, 2, 2], "dee": [2, 2, 0, 2],
         "eve": [0, 0, 0, 0], "fay": [2, 2, 2, 2]}


@needs_sandbox
def test_everybody_is_graded_once_and_equal_files_together(folder, tmp_path):
    reports, tasks = run(folder, tmp_path / "out")
    assert marks(reports) == RIGHT and len(tasks) == 5
    assert reports["eve"].status == HUMAN and reports["ada"].status == "graded"
    again, tasks = run(folder, tmp_path / "out")
    assert not tasks and again == reports


@needs_sandbox
def test_what_was_graded_before_an_interrupt_is_kept(folder, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path / "out", runner=Counting(end=2))
    reports, tasks = run(folder, tmp_path / "out")
    assert len(tasks) == 3 and marks(reports) == RIGHT


@needs_sandbox
def test_a_changed_test_grades_that_question_only(folder, tmp_path):
    run(folder, tmp_path / "out")
    (public,) = EXERCISE["q2"].public
    mended = changed("q2", public=(replace(public, source=public.source + "\n# mended"),))
    reports, tasks = run(folder, tmp_path / "out", mended)
    assert {t.only for t in tasks} == {("q2",)} and marks(reports) == RIGHT
    assert reports["ada"].questions[1].digest == mended["q2"].digest
    # and a resumed run does not mix old and new
    _, tasks = run(folder, tmp_path / "out", mended)
    assert not tasks


@needs_sandbox
def test_regrade_drops_one_question_and_survives_an_interrupt(folder, tmp_path):
    run(folder, tmp_path / "out")
    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path / "out", runner=Counting(end=1), regrade=["q3"])
    reports, tasks = run(folder, tmp_path / "out")
    assert len(tasks) == 4 and {t.only for t in tasks} == {("q3",)} and marks(reports) == RIGHT
    with pytest.raises(KeyError, match="q1, q2, q3, q4"):
        run(folder, tmp_path / "out", regrade=["q9"])


@needs_sandbox
def test_a_new_version_of_a_file_is_graded_again(folder, tmp_path):
    run(folder, tmp_path / "out")
    (folder / "dee.ipynb").write_bytes(answers())
    (folder / "fay.ipynb").unlink()
    reports, tasks = run(folder, tmp_path / "out")
    assert not tasks  # its content is ada's
    assert marks(reports)["dee"] == [2, 2, 2, 2] and "fay" not in reports


@needs_sandbox
def test_the_seed_is_secret_kept_and_decides_the_hidden_inputs(folder, tmp_path):
    _, tasks = run(folder, tmp_path / "a")
    _, more = run(folder, tmp_path / "b")
    (seed,), (other,) = {t.seed for t in tasks}, {t.seed for t in more}
    assert seed != other
    with pytest.raises(ValueError, match="made with"):
        run(folder, tmp_path / "a", seed=3)
    spy = answers(double="def double(x):\n    raise ValueError(repr(x))\n")

    def tried(seed):
        return [t["message"] for t in evaluate(spy, EXERCISE, seed=seed).questions[0].tests]

    assert tried(1) == tried(1) and tried(1)[0] == tried(2)[0] and tried(1)[1] != tried(2)[1]


def test_results_of_another_exercise_are_refused(folder, tmp_path):
    def nothing(tasks):
        return iter(())

    run(folder, tmp_path / "out", runner=nothing)
    with pytest.raises(ValueError, match="results of the exercise 'tiny'"):
        run(folder, tmp_path / "out", replace(EXERCISE, name="other"), runner=nothing)


@needs_sandbox
def test_the_local_pool_gives_the_same(folder, tmp_path):
    reports, _ = run(folder, tmp_path / "out", runner=local(2, LIMITS))
    assert marks(reports) == RIGHT


def test_where_the_grader_fails_a_human_is_asked_and_nothing_is_zero(folder, tmp_path):
    def lost(tasks):
        for task in tasks:
            yield task, pool.Lost("it died") if task.data == b"{" else RuntimeError("no disk")

    reports, _ = run(folder, tmp_path / "out", runner=lost)
    assert reports["eve"].status == HUMAN and "it died" in reports["eve"].message
    assert reports["ada"].status == FAILED and "no disk" in reports["ada"].message
    database = sqlite3.connect(tmp_path / "out" / DATABASE)
    assert database.execute("select count(*) from results").fetchone() == (1,)  # tried again later
    database.close()


@needs_sandbox
def test_a_bug_in_a_test_is_no_fault_of_the_student():
    """An exception of the grader's own, outside of what a test may raise."""
    broken = changed("q1", public=(replace(EXERCISE["q1"].public[0], source="1 /"),))
    report = evaluate(answers(), broken, seed=1)
    assert report.status == HUMAN and report.questions[0].status == HUMAN
    assert "grader itself" in report.questions[0].message
    assert [q.earned for q in report.questions[1:]] == [2, 2, 2]


GRADE = """
import sys
sys.path.insert(0, {tests!r})
if __name__ == '__main__':
    from pathlib import Path
    from tiny import EXERCISE
    from lecturelib.grading.grade import grade, local
    from lecturelib.grading.sandbox import Limits
    from lecturelib.grading.collect import find
    results = grade(find({folder!r}), EXERCISE, Path({out!r}), runner=local(2, Limits()),
                    sandbox='bubblewrap', seed=7, progress=False)
    for r in results:
        print(r.name, r.status, [q.earned for q in r.questions])
"""


def grading_process(tmp_path, folder, out):
    script = tmp_path / "run.py"
    script.write_text(GRADE.format(tests=str(Path(__file__).parent), folder=str(folder),
                                   out=str(out)))
    return subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True,
                            stderr=subprocess.DEVNULL)


def rows(database):
    """The results that are in the file, with the number that each got when it was made."""
    if not database.exists():
        return set()
    with contextlib.closing(sqlite3.connect(database, timeout=60)) as db:
        known = db.execute("select count(*) from sqlite_master where name = 'results'").fetchone()
        return set(db.execute("select content, made from results")) if known[0] else set()


@pytest.mark.flaky(reruns=1)  # the run may end before it is killed
@needs_sandbox
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(int(os.environ.get("LECTURELIB_KILLS", "2"))))
def test_killed_at_a_random_moment_it_goes_on_to_the_same_table(tmp_path, seed):
    folder, rng = tmp_path / "in", random.Random(seed)
    folder.mkdir()
    for i in range(12):
        data = answers(f"n = {i}", **(WRONG if i % 3 == 0 else {}))
        (folder / f"s{i:02}.ipynb").write_bytes(data)
    whole = grading_process(tmp_path, folder, tmp_path / "whole").communicate()[0]
    assert len(whole.splitlines()) == 12
    database = tmp_path / "out" / DATABASE
    killed = 0
    for count in sorted(rng.sample(range(10), 3)):  # results there, then a moment at random
        process = grading_process(tmp_path, folder, tmp_path / "out")
        while process.poll() is None and len(rows(database)) < count:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.3))
        killed += process.poll() is None
        process.kill()
        process.communicate()
    before = rows(database)
    assert grading_process(tmp_path, folder, tmp_path / "out").communicate()[0] == whole
    after = rows(database)
    assert killed and before <= after and len(after) == 12  # no row was made twice


def double_or_die(task):
    """A task of the pool's tests."""
    if task == 3:
        os._exit(9)
    if task == 4:
        time.sleep(60)
    if task == 5:
        raise ValueError("five")
    return 2 * task


def test_a_pool_loses_only_the_task_whose_process_dies_or_hangs():
    results = dict(pool.run(double_or_die, iter(range(8)), 2, seconds=5.0))
    assert {k: v for k, v in results.items() if k not in (3, 4, 5)} == {
        0: 0, 1: 2, 2: 4, 6: 12, 7: 14}
    assert isinstance(results[3], pool.Lost) and "exit code 9" in str(results[3])
    assert isinstance(results[4], pool.Lost) and "5 s" in str(results[4])
    assert isinstance(results[5], RuntimeError) and "five" in str(results[5])


def test_a_pool_takes_tasks_only_when_it_needs_them():
    taken = []

    def tasks():
        for i in (0, 1, 2, 6, 7, 8, 9):
            taken.append(i)
            yield i

    running = pool.run(double_or_die, tasks(), 2, seconds=30.0)
    next(running)
    assert len(taken) <= 3
    running.close()
    assert list(pool.run(double_or_die, iter(()), 2, seconds=1.0)) == []
    with pytest.raises(ValueError, match="processes: at least 1"):
        next(pool.run(double_or_die, iter(()), 0, seconds=1.0))


# --- finding what was handed in


def names(place):
    return [s.name for s in find(place)]


def archive(path, *entries):
    with zipfile.ZipFile(path, "w") as z:
        for name in entries:
            z.writestr(name, answers() if name.endswith(".ipynb") else b"text")
    return path


def test_moodle_export(tmp_path):
    place = archive(
        tmp_path / "moodle.zip", "Ada Lovelace_123_assignsubmission_file_/x.ipynb",
        "Bob_124_assignsubmission_file_/report.pdf", "Cyd_125_assignsubmission_file_/a.ipynb",
        "Cyd_125_assignsubmission_file_/b.ipynb", "__MACOSX/Ada/._x.ipynb")
    assert names(place) == [
        "Ada Lovelace (123)", "Bob (124)",
        "Cyd (125) [Cyd_125_assignsubmission_file_/a.ipynb]",
        "Cyd (125) [Cyd_125_assignsubmission_file_/b.ipynb]"]
    assert find(place)[1].read is None  # no notebook: a human is asked
    assert find(place)[0].content()[0] == answers()


def test_canvas_export(tmp_path):
    place = archive(tmp_path / "canvas.zip", "lovelaceada_2041_88_sheet-1.ipynb",
                    "bob_LATE_2042_89_my_sheet.ipynb")
    assert names(place) == ["bob (2042)", "lovelaceada (2041)"]


def test_folders_files_and_what_is_left_out(tmp_path):
    (tmp_path / "in" / "group" / ".ipynb_checkpoints").mkdir(parents=True)
    for name in ("a.ipynb", "group/b.ipynb", "group/.ipynb_checkpoints/b.ipynb", "notes.txt"):
        (tmp_path / "in" / name).write_bytes(b"{}")
    (tmp_path / "in" / "link.ipynb").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "in" / "pipe.ipynb")
    assert names(tmp_path / "in") == ["a", "group/b"]
    assert names(tmp_path / "in" / "a.ipynb") == ["a"]
    with pytest.raises(ValueError, match="no notebook in"):
        (tmp_path / "empty").mkdir()
        find(tmp_path / "empty")
    with pytest.raises(ValueError, match="is no file, folder or zip"):
        find(tmp_path / "absent")


def test_a_zip_that_is_damaged_costs_only_the_damaged_file(tmp_path):
    place = archive(tmp_path / "x.zip", "a.ipynb", "b.ipynb")
    data = bytearray(place.read_bytes())
    at = data.index(b"def double")
    data[at] ^= 0xFF
    place.write_bytes(data)
    a, b = find(place)
    assert a.content()[0].startswith(b"unreadable") and b.content()[0] == answers()


def test_a_file_is_read_up_to_the_limit_only(tmp_path):
    place = tmp_path / "bomb.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("bomb.ipynb", bytes(100_000_000))
    (bomb,) = find(place)
    assert "at most" in evaluate(bomb.content()[0], EXERCISE, seed=1).message


def test_no_notebook_differs_from_an_empty_one():
    empty = Submission("a", "a", lambda: b"")
    assert empty.content()[1] != Submission("b", "b", None).content()[1]


def test_reports_are_plain_data():
    report = evaluate(None, EXERCISE, seed=1)
    assert type(report).from_dict(json.loads(json.dumps(report.to_dict()))) == report
