"""The benchmarks run, all contestants compute the same, and who computes another thing is named.

No time is asserted.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.append(str(BENCHMARKS))

import report  # noqa: E402
from harness import race  # noqa: E402
from peers import PEERS, load_peers  # noqa: E402
from peers.ours import Lecturelib  # noqa: E402
from peers.torch import ChannelsLast, Fused, Torch  # noqa: E402
from run import Benchmark, gpu_contestants  # noqa: E402
from workloads import (  # noqa: E402
    ARRAYS,
    GPU_WORKS,
    OURS,
    TORCH,
    WORKS,
    difference,
    first_results,
    start,
)

NAMES = [w.name for w in WORKS]


def outcome(work, contestant):
    """How a contestant's results differ from PyTorch's; None if it cannot do the work."""
    step = start(work, contestant, small=True)
    if step is None:
        return None
    expected = first_results(Torch(), start(work, Torch(), small=True))
    return difference(first_results(contestant, step), expected, work.tolerance)


@pytest.mark.parametrize("work", WORKS, ids=NAMES)
def test_lecturelib_and_torch_compute_the_same(work):
    assert outcome(work, Lecturelib()) == ""
    assert outcome(work, Lecturelib("torch")) in ("", None)
    assert outcome(work, ChannelsLast()) in ("", None)
    assert outcome(work, Fused()) in ("", None)


@pytest.mark.parametrize("name", ["mygrad", "autograd", "dezero"])
def test_peers_compute_the_same(name):
    peers, missing = load_peers(leave=tuple(PEERS.keys() - {name}))
    if not peers:
        pytest.skip(missing[name])
    results = {w.name: outcome(w, peers[0]) for w in WORKS}
    assert [r for r in results.values() if r is not None]
    assert {k: r for k, r in results.items() if r} == {}


@pytest.mark.slow
def test_those_on_a_gpu_compute_the_same_here():
    work = GPU_WORKS[-1]
    for contestant in gpu_contestants("cpu")[1:]:
        assert outcome(work, contestant) == "", contestant.name


class Wrong(Torch):
    """Without momentum, with SGD for Adam, with another padding, with another pool."""

    def lenet(self, weights, x, y, lr):
        import networks

        model = self.model(networks.lenet, weights)
        return self.training(model, torch.optim.SGD(model.parameters(), lr), x, y)

    def mlp(self, weights, x, y, lr):
        import networks

        model = self.model(networks.mlp, weights)
        return self.training(model, torch.optim.SGD(model.parameters(), lr), x, y)

    def conv2d(self, x, w, b, g, **how):
        return super().conv2d(x, w[:, :, ::-1].copy(), b, g, **how)

    def pool(self, x, g, kind, args):
        return super().pool(x, g, {"max": "avg", "avg": "max"}[kind], args)


@pytest.mark.parametrize("task", ["lenet", "mlp", "conv2d", "pool"])
def test_a_wrong_contestant_is_left_out(task):
    work = next(w for w in WORKS if w.task == task)
    wrong = Wrong()
    wrong.name = "wrong"
    bench = Benchmark(quick=True)
    assert list(bench.agreeing(work, [wrong, Lecturelib(), Torch()])) == [TORCH, OURS]
    assert bench.left_out[0].startswith(f"wrong, {work.name}: result 0 of call")


def test_race_takes_turns_and_spares_the_slow():
    calls = {"quick": 0, "slow": 0}

    def step(name, n):
        def count():
            calls[name] += 1
            sum(range(n))
        return count

    results = race({"quick": step("quick", 10), "slow": step("slow", 300_000)}, "quick", 12, 1e-4)
    assert results["quick"].rounds == 12 and results["quick"].ratio == (1, 1, 1)
    assert 3 <= results["slow"].rounds < 12
    assert calls["slow"] == 2 + results["slow"].rounds  # two to warm up
    low, middle, high = results["slow"].ratio
    assert 1 < low <= middle <= high


def row(ratio, target, name=OURS):
    return {"group": "networks", "name": "a net", "device": "cpu", "reference": TORCH, "unit": "ms",
            "targets": {name: {"ratio": target, "source": "design"}},
            "results": {TORCH: {"seconds": [1e-3] * 3, "ratio": [1, 1, 1], "rounds": 3},
                        "mygrad": {"seconds": [3e-3] * 3, "ratio": [3, 3, 3], "rounds": 3},
                        name: {"seconds": [1e-3] * 3, "ratio": [0.9 * ratio, ratio, 1.1 * ratio],
                               "rounds": 3}}}


def test_verdicts():
    assert report.verdict(row(0.5, 0.5), OURS) == "≤ 0.5: met"
    assert report.verdict(row(0.6, 0.5), OURS) == "≤ 0.5: missed by 20 %"
    assert report.verdict(row(0.6, 0.5), ARRAYS) == "–"
    assert report.spread(row(0.6, 0.5), OURS) == "0.60 (0.54–0.66)"
    assert report.size(row(0.6, 0.5)) == "1 ms"
    assert report.ahead([row(0.6, 0.5)]).endswith(": none.")
    assert report.ahead([row(4, 0.5)]).endswith(": mygrad in “a net”.")


@pytest.mark.slow
def test_a_quick_run_writes_json_and_markdown(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--quick", "--output", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    data = json.loads((tmp_path / "latest.json").read_text())
    names = [r["name"] for r in data["rows"] if r["group"] not in ("memory", "imports")]
    assert names[:len(NAMES)] == NAMES
    assert {"date", "machine", "versions", "rows", "left_out"} <= data.keys()
    assert not [text for text in data["left_out"] if "result" in text]
    for r in data["rows"]:
        assert r["reference"] in r["results"]
        for result in r["results"].values():
            assert result["ratio"] == sorted(result["ratio"])
            assert result["ratio"][0] > 0 or r["group"] == "memory"  # small sizes leave no trace
    text = (tmp_path / "table.md").read_text()
    for name in NAMES:
        assert f"| {name} |" in text
    for part in text.split("\n\n"):
        if part.startswith("|"):
            assert len({line.count("|") for line in part.splitlines()}) == 1
