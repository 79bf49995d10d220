"""The peak memory of a training step, in a process of its own.

    python benchmarks/memory.py "lecturelib, NumPy" lenet

prints how many bytes the process grew, at its largest, over what it had after the imports and
with the data: the model, gradients, the optimizer's state and all that is in between. A tiny step
goes before, so that the code and the tables which a library loads on first use do not count.
"""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import harness  # noqa: F401 (sets the threads)

STEPS = 3


def measure(contestant: str, task: str, small: bool = False) -> int:
    """Bytes, measured in a fresh process. Raises OSError where the system does not tell."""
    command = [sys.executable, __file__, contestant, task, *(["small"] if small else [])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(done.stderr.strip().splitlines()[-1])
    return int(done.stdout)


def growth(contestant: str, task: str, small: bool) -> int:
    """Bytes, measured in this process."""
    from workloads import ARRAYS, OURS, WORKS, start

    if contestant in (OURS, ARRAYS):
        from peers.ours import Lecturelib
        runner = Lecturelib("cpu" if contestant == OURS else "torch")
    else:
        import torch
        from peers.torch import Torch
        torch.set_num_threads(1)
        runner = Torch()
    work = next(w for w in WORKS if w.task == task)
    arguments = work.make(small)
    run(start(work, runner, small=True))
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = status("VmRSS")
    run(getattr(runner, task)(**arguments))
    return status("VmHWM") - before


def run(step) -> None:
    for _ in range(STEPS):
        step()


def status(name: str) -> int:
    """A size in bytes that Linux reports of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(name + ":"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(growth(sys.argv[1], sys.argv[2], "small" in sys.argv[3:]))
