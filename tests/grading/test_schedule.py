"""A real Dask scheduler with two workers on this machine, of which one is killed."""

import signal
import sys

import pytest
from tiny import EXERCISE, answers, needs_sandbox

from lecturelib.grading import schedule
from lecturelib.grading.collect import find
from lecturelib.grading.grade import grade
from lecturelib.grading.sandbox import Limits

WRONG = {"double": "def double(x):\n    return x * x\n"}


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "in"
    place.mkdir()
    for i in range(14):
        data = answers(f"n = {i}", **(WRONG if i % 2 else {}))
        (place / f"s{i:02}.ipynb").write_bytes(data)
    return place


def run(folder, out, runner):
    results = grade(find(folder), EXERCISE, out, runner=runner, sandbox="bubblewrap",
                    limits=Limits(), seed=4, progress=False)
    return {r.name: [q.earned for q in r.questions] for r in results}


RIGHT = {f"s{i:02}": [0 if i % 2 else 2, 2, 2, 2] for i in range(14)}


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match="pip install distributed"):
        schedule.cluster()


@needs_sandbox
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Dask's own, at its end
def test_a_cluster_of_our_own(folder, tmp_path):
    pytest.importorskip("distributed")
    assert run(folder, tmp_path / "out", schedule.cluster(workers=2)) == RIGHT


@pytest.mark.flaky(reruns=1)  # the run may end before it is killed
@needs_sandbox
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_one_of_two_workers_is_killed(folder, tmp_path):
    """Its tasks go to the other one; each result is kept once, and the table is the same."""
    distributed = pytest.importorskip("distributed")
    import os

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1",
                                  dashboard_address=None) as cluster:
        victim = next(iter(cluster.workers.values())).pid
        runner = schedule.cluster(cluster.scheduler_address)
        done = []

        def killing(tasks):
            for task, result in runner(tasks):
                done.append(task.content)
                if len(done) == 3:
                    os.kill(victim, signal.SIGKILL)
                yield task, result

        assert run(folder, tmp_path / "out", killing) == RIGHT
    assert len(done) == len(set(done)) == 14


@needs_sandbox
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_nobody_answers_at_the_address(folder, tmp_path):
    pytest.importorskip("distributed")
    with pytest.raises(OSError, match=r"127\.0\.0\.1:9"):
        run(folder, tmp_path / "out", schedule.cluster("tcp://127.0.0.1:9"))
