"""Planted bugs: each must make the tests named with it fail. Run this file to see which do.

The package is copied to a temporary folder; each bug in turn is put in there, and the tests run in
a process forked from one that has already loaded NumPy, torch and pytest, which saves most time.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Mutation:
    """In `file` of lecturelib, `old` becomes `new`; `tests` must notice it."""

    name: str
    file: str
    old: str
    new: str
    tests: str


E_, S_, R_, L_ = (
    "tests/ops/test_elementwise.py",
    "tests/ops/test_shape.py",
    "tests/ops/test_reduce.py",
    ("tests/ops/test_linalg.py"),
)
O_, C_, B_, F_ = (
    "tests/ops/test_operators.py",
    "tests/test_core.py",
    "tests/test_backend.py",
    ("tests/test_functional.py"),
)
G_, T_ = "tests/optim/test_first_order.py", "tests/train/test_loop.py"

MUTATIONS = [
    Mutation(*m)
    for m in [
        # rules
        (
            "subtract: sign of y",
            "ops/elementwise.py",
            "unbroadcast(-g, y)",
            "unbroadcast(g, y)",
            E_,
        ),
        ("divide: no unbroadcast of x", "ops/elementwise.py", "unbroadcast(g / y, x)", "g / y", E_),
        ("power: exponent not reduced", "ops/elementwise.py", "x ** (y - (y != 0))", "x ** y", E_),
        ("power: log of zero", "ops/elementwise.py", "log(x + (x == 0))", "log(x)", E_),
        ("cos: sign", "ops/elementwise.py", "-g * sin(x)", "g * sin(x)", E_),
        ("tanh: square forgotten", "ops/elementwise.py", "1 - out * out", "1 - out", E_),
        ("relu: 1 at 0", "ops/elementwise.py", "g * (x > 0)", "g * (x >= 0)", E_),
        (
            "maximum: ties all to x",
            "ops/elementwise.py",
            "g * (x > y) + 0.5 * g * (x == y)",
            "g * (x >= y)",
            E_,
        ),
        (
            "minimum: ties count twice",
            "ops/elementwise.py",
            "g * (y < x) + 0.5 * g",
            "g * (y < x) + g",
            E_,
        ),
        (
            "select: condition not negated",
            "ops/elementwise.py",
            "g * ~condition",
            "g * condition",
            E_,
        ),
        ("clip: gradient not cut", "ops/elementwise.py", "g * (x == out)", "g * 1", E_),
        (
            "astype: gradient not converted",
            "ops/elementwise.py",
            "astype(g, dtype=x.dtype)",
            "g",
            E_,
        ),
        ("max: equal ones not counted", "ops/reduce.py", " / count.astype(x.dtype)", "", R_),
        (
            "max: count in float64",
            "ops/reduce.py",
            "count.astype(x.dtype)",
            "count.astype(float)",
            R_,
        ),
        (
            "mean: a sum",
            "ops/reduce.py",
            "keepdims=keepdims) / _count(x, axis)",
            "keepdims=keepdims)",
            R_,
        ),
        ("var: correction added", "ops/reduce.py", "- correction)", "+ correction)", R_),
        (
            "softmax: sum over all axes",
            "ops/reduce.py",
            "sum(g * out, axis=axis, keepdims=True)",
            "sum(g * out, keepdims=True)",
            R_,
        ),
        ("log_softmax: out for exp(out)", "ops/reduce.py", "g - exp(out) *", "g - out *", R_),
        ("reductions: negative axes", "ops/reduce.py", "a + len(x.shape) if a < 0 else a", "a", R_),
        (
            "permute: not inverted",
            "ops/shape.py",
            "tuple(np.argsort([a % len(axes) for a in axes]))",
            "axes",
            S_,
        ),
        ("permute: negative axes", "ops/shape.py", "[a % len(axes) for a in axes]", "axes", S_),
        (
            "concatenate: one piece too many",
            "ops/shape.py",
            "for x in xs[:i])",
            "for x in xs[:i + 1])",
            S_,
        ),
        (
            "pad: after for before",
            "ops/shape.py",
            "slice(b, b + n) for (b, _), n",
            "slice(b, b + n) for (_, b), n",
            S_,
        ),
        (
            "matmul: x not transposed",
            "ops/linalg.py",
            "unbroadcast(swapaxes(x, -1, -2) @ g, y)",
            "unbroadcast(x @ g, y)",
            L_,
        ),
        (
            "matmul: no unbroadcast",
            "ops/linalg.py",
            "unbroadcast(g @ swapaxes(y, -1, -2), x)",
            "g @ swapaxes(y, -1, -2)",
            L_,
        ),
        ("linear: bias not summed", "ops/linalg.py", "unbroadcast(g, b))", "g)", L_),
        # kernels
        (
            "place: repeats overwrite",
            "kernels/numpy_kernels.py",
            "np.add.at(out, index, x)",
            "out[index] = x",
            S_,
        ),
        (
            "sum_to: wrong axes",
            "kernels/numpy_kernels.py",
            "tuple(range(lead))",
            "tuple(range(lead + 1))",
            E_,
        ),
        (
            "sigmoid: overflow",
            "kernels/numpy_kernels.py",
            "np.where(x >= 0, 1, e) / (1 + e)",
            "1 / (1 + np.exp(-x))",
            E_,
        ),
        (
            "logsumexp: not shifted",
            "kernels/numpy_kernels.py",
            "np.log(np.exp(x - top)",
            "np.log(np.exp(x)",
            R_,
        ),
        (
            "log_softmax: not shifted",
            "kernels/numpy_kernels.py",
            "z = x - x.max(axis=axis, keepdims=True, initial=-np.inf)\n    return z",
            "z = x\n    return z",
            R_,
        ),
        ("linear: writes the bias", "kernels/numpy_kernels.py", "out += b", "b += out", L_),
        # engine
        (
            "backward: does not accumulate",
            "core.py",
            "g if leaf.grad is None else leaf.grad + g",
            "g",
            C_,
        ),
        (
            "sweep: paths overwrite each other",
            "core.py",
            "entry[1] = entry[1] + dx",
            "entry[1] = dx",
            C_,
        ),
        (
            "sweep: oldest first",
            "core.py",
            "heappush(queue, -x.birth)",
            "heappush(queue, x.birth)",
            C_,
        ),
        ("sweep: gradients shared", "core.py", "dx = dx.copy()", "pass", C_),
        ("sweep: copies Tensors", "core.py", "and not create_graph and backend", "and backend", C_),
        ("seed: not copied", "core.py", "gradient = np.array(", "gradient = np.asarray(", C_),
        ("seed: any shape", "core.py", "if gradient.shape != shape:", "if False:", C_),
        ("graph: never released", "core.py", "node.origin = RELEASED", "pass", C_),
        ("graph: kept where nothing needs it", "core.py", "if tracked else None", "", C_),
        (
            "no_grad: not restored",
            "core.py",
            "_tape.recording = before",
            "_tape.recording = True",
            C_,
        ),
        ("no_grad: for all threads", "core.py", "class _Tape(threading.local)", "class _Tape", C_),
        (
            "grad: the variable from outside",
            "core.py",
            "args[i] * 1 if linked",
            "args[i] if linked",
            C_,
        ),
        (
            "integers may require a gradient",
            "core.py",
            'self.data.dtype.kind != "f"',
            'self.data.dtype.kind == "c"',
            B_,
        ),
        ("mixed floats are converted", "backend.py", "if len(floats) > 1:", "if False:", O_),
        ("floats stay float64", "backend.py", "array = array.astype(DEFAULT_DTYPE)", "pass", B_),
        ("x - 3 for 3 - x", "ops/operators.py", "e.subtract(y, x)", "e.subtract(x, y)", O_),
        (
            "the index is not copied",
            "ops/operators.py",
            "np.array(index) if",
            "np.asarray(index) if",
            S_,
        ),
        # above the engine
        (
            "cross_entropy: sign",
            "functional.py",
            "-log_softmax(scores, axis=1)[",
            "log_softmax(scores, axis=1)[",
            F_,
        ),
        ("mean for sum", "functional.py", '"sum": sum', '"sum": mean', F_),
        ("hinge: the right class counts", "functional.py", "wrong[rows, y] = False", "pass", F_),
        ("labels: negative ones wrap", "functional.py", "y.min() < 0 or ", "", F_),
        (
            "mse_loss: broadcasts",
            "functional.py",
            "if prediction.shape != ",
            "if prediction.shape == () != ",
            F_,
        ),
        (
            "Xavier: fan_in alone",
            "init.py",
            "a = gain * math.sqrt(6 / (fan_in + fan_out))",
            "a = gain * math.sqrt(6 / fan_in)",
            "tests/test_init.py",
        ),
        ("init: float64", "init.py", "values.astype(w.dtype)", "values", "tests/test_init.py"),
        (
            "Linear: bound",
            "nn/layers.py",
            "bound = 1 / math.sqrt(in_features)",
            "bound = 1 / in_features",
            "tests/nn/test_layers.py",
        ),
        (
            "shared parameters come twice",
            "nn/module.py",
            "if id(p) not in seen:",
            "if True:",
            "tests/nn/test_module.py",
        ),
        (
            "state_dict: no copy",
            "nn/module.py",
            "p.data.copy()",
            "p.data",
            "tests/nn/test_module.py",
        ),
        (
            "SGD: sign of weight decay",
            "optim/optimizer.py",
            "p.grad + self.weight_decay",
            "p.grad - self.weight_decay",
            G_,
        ),
        (
            "SGD: momentum of an average",
            "optim/first_order.py",
            "0.0) + g",
            "0.0) + (1 - self.momentum) * g",
            G_,
        ),
        (
            "SGD: in place",
            "optim/first_order.py",
            "return w - self.lr * g",
            "w -= self.lr * g; return w",
            G_,
        ),
        ("SGD: dtype drifts", "optim/optimizer.py", ".astype(p.dtype, copy=False)", "", G_),
        ("fit: gradients pile up", "train/loop.py", "optimizer.zero_grad()\n", "pass\n", T_),
        (
            "fit: average of batches",
            "train/loop.py",
            "np.average(losses, weights=sizes)",
            "np.average(losses)",
            T_,
        ),
        ("fit: stays in evaluation mode", "train/loop.py", "model.train()\n", "pass\n", T_),
        ("evaluate: mode not restored", "train/loop.py", "model.train(was_training)", "pass", T_),
        (
            "gradcheck: absolute errors only of one sign",
            "analysis/gradient_check.py",
            "error = np.abs(analytic[i] - numeric)",
            "error = analytic[i] - numeric",
            "tests/analysis/test_gradient_check.py",
        ),
        (
            "gradcheck: nan passes",
            "analysis/gradient_check.py",
            "~(error <= atol + rtol * np.maximum(1, np.abs(numeric)))",
            "error > atol + rtol * np.maximum(1, np.abs(numeric))",
            "tests/analysis/test_gradient_check.py",
        ),
    ]
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
        import pytest

        status = 99
        try:
            status = int(pytest.main([*OPTIONS, *tests]))
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_all(mutations: list[Mutation] = MUTATIONS) -> dict[str, int | str]:
    """The exit status of the tests for each bug (1: noticed), and of all of them for "no bug"."""
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
        shutil.copytree(ROOT / "lecturelib", folder / "lecturelib", ignore=skip)
        shutil.copytree(ROOT / "tests", folder / "tests", ignore=skip)
        shutil.copy(ROOT / "pyproject.toml", folder)
        results["no bug"] = _run(folder, TEST_FILES)
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
    outcome = run_all()
    if "--json" in sys.argv:
        print(json.dumps(outcome))
    else:
        for bug, status in outcome.items():
            print(f"{status!s:>4}  {bug}")
        print(f"{len(MUTATIONS)} bugs in {time.perf_counter() - start:.0f} s")
