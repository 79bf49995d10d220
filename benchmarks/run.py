"""The speed and the memory of lecturelib beside PyTorch and its peers, in one run.

    python benchmarks/run.py            about five minutes; writes results/latest.json, table.md
    python benchmarks/run.py --quick    small sizes and few rounds: does everything still work?
    python benchmarks/run.py --only conv

One thread, float32, all contestants in turns in one process. Before a row is timed, the results
of its contestants are compared with PyTorch's; who computes something else is left out and named.
Where torch sees a GPU, rows measured there follow. The peers: `benchmarks/requirements.txt`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness import Result, Step, race  # first: it sets the threads

# isort: split
import memory
import report
import torch
from peers import Contestant, load_peers
from peers.ours import Lecturelib
from peers.torch import ChannelsLast, Fused, Torch
from workloads import (
    ARRAYS,
    GPU_WORKS,
    OURS,
    TORCH,
    WORKS,
    Work,
    difference,
    first_results,
    start,
)

RESULTS = Path(__file__).parent / "results"
IMPORTS = ("numpy", "lecturelib", "torch", "mygrad", "autograd", "tinygrad")
MEMORY = ("mlp", "lenet", "residual")


class Benchmark:
    """The rows measured so far, as data for JSON, and what had to be left out."""

    def __init__(self, quick: bool, only: str = "") -> None:
        self.quick, self.only = quick, only.lower()
        self.rows: list[dict[str, Any]] = []
        self.left_out: list[str] = []

    def wants(self, *texts: str) -> bool:
        return any(self.only in text.lower() for text in texts)

    def works(self, works: list[Work], contestants: list[Contestant], device: str) -> None:
        """Measure works; `device` is "cpu" or "cuda"."""
        wait = torch.cuda.synchronize if device == "cuda" else lambda: None
        for work in works:
            if not self.wants(work.group, work.name):
                continue
            steps = self.agreeing(work, contestants)
            rounds, seconds = (3, 0.001) if self.quick else (24, 0.02)
            results = race(steps, TORCH, rounds, seconds, wait)
            targets = work.targets if device == "cpu" else {}
            self.add(work.group, work.name, results, targets, work.unit, work.per, device)

    def agreeing(self, work: Work, contestants: list[Contestant]) -> dict[str, Step]:
        """The steps of those contestants that can do the work and do it right."""
        steps, expected = {}, None
        for c in sorted(contestants, key=lambda c: c.name != TORCH):
            step = start(work, c, self.quick)
            if step is None:
                continue
            results = first_results(c, step)
            expected = expected or results
            wrong = difference(results, expected, work.tolerance)
            if wrong:
                self.left_out.append(f"{c.name}, {work.name}: {wrong}")
            else:
                steps[c.name] = step
        return steps

    def imports(self) -> None:
        """`import lecturelib` and others, each in a fresh process, against `import numpy`."""
        name = "import, relative to import numpy"
        if not self.wants("imports", name):
            return
        def fresh(module: str) -> Step:
            return lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True)

        runs = {module: fresh(module) for module in IMPORTS if find_spec(module)}
        results = race(runs, "numpy", 3 if self.quick else 12, seconds=0.001)
        self.add("imports", name, results, {"lecturelib": 1.3}, reference="numpy")

    def memory(self) -> None:
        """The peak memory of a step, the median of three processes."""
        works = {w.task: w for w in WORKS}
        for task in MEMORY:
            if not self.wants("memory", works[task].name):
                continue
            try:
                sizes = {name: sorted(memory.measure(name, task, self.quick)
                                      for _ in range(1 if self.quick else 3))
                         for name in (TORCH, OURS, ARRAYS)}
            except OSError as e:
                self.left_out.append(f"peak memory of {works[task].name}: {e}")
                continue
            middle = {name: values[len(values) // 2] for name, values in sizes.items()}
            results = {name: {"bytes": n, "ratio": [n / max(middle[TORCH], 1)] * 3}
                       for name, n in middle.items()}
            self._append({"group": "memory", "name": works[task].name, "device": "cpu",
                          "reference": TORCH, "unit": "MB", "results": results,
                          "targets": self.goals({OURS: 1.0, ARRAYS: 1.0})})

    def add(self, group: str, name: str, results: dict[str, Result], targets: dict[str, float],
            unit: str = "ms", per: int = 1, device: str = "cpu", reference: str = TORCH) -> None:
        """Keep a row; times are in seconds, for one of the `per` parts of a call."""
        self._append({
            "group": group, "name": name, "device": device, "reference": reference, "unit": unit,
            "targets": self.goals(targets),
            "results": {k: {"seconds": [t / per for t in r.seconds], "ratio": list(r.ratio),
                            "rounds": r.rounds} for k, r in results.items()}})

    def goals(self, targets: dict[str, float]) -> dict[str, dict[str, Any]]:
        """Targets with their source; small sizes have none."""
        return {} if self.quick else {
            name: {"ratio": t, "source": "design"} for name, t in targets.items()}

    def _append(self, row: dict[str, Any]) -> None:
        self.rows.append(row)
        print(report.line(row), flush=True)


def measure(quick: bool = False, only: str = "", gpu: bool = False) -> dict[str, Any]:
    """All rows, with the machine, the versions and the date; only those on a GPU if `gpu`."""
    torch.set_num_threads(1)
    begin, bench = time.time(), Benchmark(quick, only)
    if not gpu:
        peers, missing = load_peers(("tinygrad",) if quick else ())
        bench.left_out += [f"{name}: {why}" for name, why in missing.items()]
        bench.works(WORKS, [Torch(), Lecturelib(), Lecturelib("torch"), ChannelsLast(), Fused(),
                            *peers], "cpu")
        bench.imports()
        bench.memory()
    if torch.cuda.is_available():
        bench.works(GPU_WORKS, gpu_contestants("cuda"), "cuda")
    return {**report.circumstances(), "quick": quick, "seconds": round(time.time() - begin),
            "rows": bench.rows, "left_out": bench.left_out}


def gpu_contestants(device: str) -> list[Contestant]:
    """Who runs on a GPU; on "cpu" the same, for a try without one."""
    return [Torch(device), Lecturelib("torch" if device == "cpu" else device),
            ChannelsLast(device), Fused(device)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small and short, for a test")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows with this in their name")
    parser.add_argument("--gpu", action="store_true", help="only the rows on a GPU")
    parser.add_argument("--output", type=Path, metavar="FOLDER",
                        help="where to write (without it only a full run is written)")
    options = parser.parse_args()
    if options.gpu and not torch.cuda.is_available():
        parser.error("--gpu: torch sees no CUDA GPU on this machine")
    result = measure(options.quick, options.only, options.gpu)
    for text in result["left_out"]:
        print("left out:", text)
    full = not (options.quick or options.only or options.gpu)
    folder = options.output or (RESULTS if full else None)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "latest.json").write_text(json.dumps(result, indent=1) + "\n")
        (folder / "table.md").write_text(report.markdown(result))
        print("written:", folder / "latest.json", "and", folder / "table.md")


if __name__ == "__main__":
    main()
