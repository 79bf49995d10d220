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


E_, S_, R_, L_ = (f"tests/ops/test_{n}.py" for n in ("elementwise", "shape", "reduce", "linalg"))
O_, C_, B_ = "tests/ops/test_operators.py", "tests/test_core.py", "tests/test_backend.py"
F_, A_, Z_ = (f"tests/test_{n}.py" for n in ("functional", "activations", "losses"))
I_, N_, D_ = "tests/test_init.py", "tests/nn/test_state.py", "tests/nn/test_dropout.py"
K_, Y_ = "tests/kernels/test_conv_pool.py", "tests/nn/test_convolution.py"
V_, P_ = "tests/ops/test_conv.py", "tests/ops/test_pool.py"
G_, T_ = "tests/optim/test_first_order.py", "tests/train/test_loop.py"

MUTATIONS = [
    Mutation(*m)
    for m in [
        # rules
        (
            "subtract: sign of y",
            "ops/elementwise.py",
            "y=lambda g, out, x, y: -g)",
            "y=lambda g, out, x, y: g)",
            E_,
        ),
        ("divide: gradient of x", "ops/elementwise.py", "g / y,", "g * y,", E_),
        ("power: exponent not reduced", "ops/elementwise.py", "x ** (y - (y != 0))", "x ** y", E_),
        ("power: log of zero", "ops/elementwise.py", "log(x + (x == 0))", "log(x)", E_),
        ("cos: sign", "ops/elementwise.py", "-g * sin(x)", "g * sin(x)", E_),
        ("tanh: square forgotten", "ops/elementwise.py", "1 - out * out", "1 - out", E_),
        (
            "relu: 1 at 0",
            "ops/elementwise.py",
            "relu.defvjp(x=lambda g, out, x: g * (x > 0))",
            "relu.defvjp(x=lambda g, out, x: g * (x >= 0))",
            E_,
        ),
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
        ("reductions: negative axes", "ops/reduce.py", "a + ndim if a < 0 else a", "a", R_),
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
            "for (before, _), n",
            "for (_, before), n",
            S_,
        ),
        (
            "matmul: x not transposed",
            "ops/linalg.py",
            "swapaxes(x, -1, -2) @ g",
            "x @ g",
            L_,
        ),
        (
            "matmul: inner sizes not compared",
            "ops/linalg.py",
            "if x.shape[-1] != y.shape[-2 if len(y.shape) > 1 else 0]:",
            "if False:",
            L_,
        ),
        (
            "linear: factors exchanged",
            "ops/linalg.py",
            "_rows(g).T @ _rows(x)",
            "_rows(x).T @ _rows(g)",
            L_,
        ),
        ("concat: any axis", "ops/shape.py", "if axis is None:", "if False:", S_),
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
            "if i < lead or",
            "if i <= lead or",
            E_,
        ),
        (
            "sum_to: reshapes what does not fit",
            "kernels/numpy_kernels.py",
            "if total.shape[lead:] != tuple(shape):",
            "if False:",
            S_,
        ),
        (
            "primitive: own body ignored",
            "kernels/__init__.py",
            'if kernel.__module__.startswith("lecturelib."):',
            "if hasattr(numpy_kernels, self.name):",
            C_,
        ),
        (
            "primitive: no body needed",
            "core.py",
            " and (owner is not None or data is None)",
            " and owner is not None",
            C_,
        ),
        (
            "primitive: may return anything",
            "backend.py",
            'if not hasattr(x, "dtype"):',
            "if False:",
            C_,
        ),
        ("primitive: no rules, no message", "core.py", "if not rules:", "if False:", C_),
        (
            "primitive: lists stay lists in the graph",
            "core.py",
            "args = tuple(a if isinstance(a, Tensor) else v",
            "args = tuple(a if True else v",
            O_,
        ),
        (
            "sigmoid: overflow",
            "kernels/numpy_kernels.py",
            "np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))",
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
            "reached[birth][1] = reached[birth][1] + dx",
            "reached[birth][1] = dx",
            C_,
        ),
        (
            "sweep: oldest first",
            "core.py",
            "heappush(queue, -birth)",
            "heappush(queue, birth)",
            C_,
        ),
        (
            "sweep: broadcast axes not summed",
            "core.py",
            "dx = sum_to(dx, shape=x.data.shape)",
            "pass",
            C_,
        ),
        ("sweep: gradients shared", "core.py", "dx = backend.own(dx, g)", "pass", C_),
        ("sweep: copies Tensors", "core.py", "in keep) and not create_graph:", "in keep):", C_),
        (
            "sweep: views are not copied",
            "backend.py",
            "gradient is seed or getattr",
            "gradient is seed and getattr",
            C_,
        ),
        (
            "gradients: not recorded under no_grad",
            "core.py",
            "with _set(recording=create_graph):",
            "with _set():",
            C_,
        ),
        ("gradients: one array twice", "core.py", "if len(births) < len(inputs):", "if False:", C_),
        ("seed: not copied", "core.py", "gradient = np.array(", "gradient = np.asarray(", C_),
        ("seed: any shape", "core.py", "if gradient.shape != shape:", "if False:", C_),
        ("graph: never released", "core.py", "node.origin = RELEASED", "pass", C_),
        ("graph: kept where nothing needs it", "core.py", "if tracked else None", "", C_),
        (
            "no_grad: not restored",
            "core.py",
            "_state.__dict__.update(before)",
            "_state.__dict__.update(recording=True)",
            C_,
        ),
        (
            "no_grad: for all threads",
            "core.py",
            "class _State(threading.local)",
            "class _State",
            C_,
        ),
        (
            "grad: the variable from outside",
            "core.py",
            "x * 1 if linked",
            "x if linked",
            C_,
        ),
        ("grad: depth ignored", "core.py", "nested = _state.depth > 0 or any", "nested = any", C_),
        ("grad: depth not counted", "core.py", "depth=_state.depth + 1", "depth=_state.depth", C_),
        (
            "in place: the leaf is lost",
            "ops/operators.py",
            "if x.requires_grad and x.origin is None:",
            "if False:",
            O_,
        ),
        (
            "methods have no name",
            "ops/operators.py",
            "method.__name__ = method.__qualname__ = name",
            "pass",
            O_,
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
            "functional/losses.py",
            "-log_p[",
            "log_p[",
            F_,
        ),
        ("mean for sum", "functional/losses.py", '"sum": sum', '"sum": mean', F_),
        (
            "hinge: the right class counts",
            "functional/losses.py",
            "wrong[rows, y] = False",
            "pass",
            F_,
        ),
        ("labels: negative ones wrap", "functional/losses.py", "y.min() < 0 or ", "", F_),
        (
            "mse_loss: broadcasts",
            "functional/losses.py",
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
            " and id(p) not in seen:",
            ":",
            "tests/nn/test_module.py",
        ),
        (
            "state_dict: no copy",
            "nn/module.py",
            "np.array(unwrap(getattr(module, attribute)))\n ",
            "unwrap(getattr(module, attribute))\n ",
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
        ("evaluate: modes not restored", "train/loop.py", "module.training = training", "pass", T_),
        (
            "evaluate: one mode for all",
            "train/loop.py",
            "module.training = training",
            "module.training = modes[0][1]",
            T_,
        ),
        (
            "evaluate: modes lost in an exception",
            "train/loop.py",
            "    finally:\n",
            "    except ArithmeticError:\n        raise\n    else:\n",
            T_,
        ),
        (
            "fit: check after the step",
            "train/loop.py",
            "                if not math.isfinite(value):",
            "                batch_loss.backward()\n                optimizer.step()\n"
            "                if not math.isfinite(value):",
            T_,
        ),
        ("fit: any rng", "train/loop.py", "rng=check_rng(rng)", "rng=rng", T_),
        ("fit: no examples needed", "train/loop.py", "if not len(train):", "if False:", T_),
        ("evaluate: no examples needed", "train/loop.py", "if not len(dataset):", "if False:", T_),
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
        # activations, losses, penalties
        (
            "leaky_relu: slope 1 at 0",
            "ops/elementwise.py",
            "g * (x > 0) + negative_slope * g * (x <= 0)",
            "g * (x >= 0) + negative_slope * g * (x < 0)",
            A_,
        ),
        ("elu: without alpha", "ops/elementwise.py", "g * (out + alpha)", "g * (out + 1)", A_),
        (
            "softplus: beta in the derivative",
            "ops/elementwise.py",
            "sigmoid(beta * x)",
            "sigmoid(x)",
            A_,
        ),
        ("softplus: overflow", "kernels/numpy_kernels.py", "np.exp(-np.abs(z))", "np.exp(z)", A_),
        ("elu: overflow", "kernels/numpy_kernels.py", "expm1(np.minimum(x, 0))", "expm1(x)", A_),
        ("erf: of one node", "kernels/numpy_kernels.py", "(3 + 3**0.5)", "(3 - 3**0.5)", A_),
        ("erf: derivative", "ops/elementwise.py", "2 / math.sqrt(math.pi)", "1 / math.pi", A_),
        (
            "gelu: cube forgotten",
            "functional/activations.py",
            "0.044715 * x * x * x",
            "0.044715 * x * x",
            A_,
        ),
        ("prelu: channels last", "functional/activations.py", "if len(x.shape) > 2:", "if 0:", A_),
        ("huber: slope at delta", "functional/losses.py", "error - 0.5 * cut", "error - cut", Z_),
        (
            "binary cross-entropy: digits lost",
            "functional/losses.py",
            "softplus(-scores) * target + softplus(scores) * (1 - target)",
            "softplus(scores) - scores * target",
            Z_,
        ),
        (
            "label smoothing: by the sum",
            "functional/losses.py",
            "uniform = -mean(",
            "uniform = -sum(",
            Z_,
        ),
        (
            "soft targets: averaged over classes",
            "functional/losses.py",
            "-sum(log_p * y, axis=1)",
            "-mean(log_p * y, axis=1)",
            Z_,
        ),
        ("soft targets: any rows", "functional/losses.py", "> 1e-3", "> 1e3", Z_),
        ("l2_penalty: no half", "functional/penalties.py", "0.5 * sum((p", "sum((p", Z_),
        ("tikhonov: no mean", "functional/penalties.py", "(w - mean).reshape", "w.reshape", Z_),
        # initial values and state
        ("orthogonal: signs", "init.py", "np.where(np.diag(r) < 0, -1, 1)", "1", I_),
        ("orthogonal: rows", "init.py", "q.T if rows < columns else q", "q", I_),
        ("Kaiming: always fan_in", "init.py", ".index(mode)", ".index('fan_in')", I_),
        ("LSUV: by the variance", "nn/lsuv.py", "/ np.sqrt(variance)", "/ variance", I_),
        (
            "freeze: gradients stay",
            "nn/module.py",
            "p.requires_grad, p.grad = False, None",
            "p.requires_grad = False",
            N_,
        ),
        (
            "buffers: names of the class",
            "nn/module.py",
            "self.buffer_names = (*",
            "type(self).buffer_names = (*",
            N_,
        ),
        ("buffers: no copy", "nn/module.py", "np.array(unwrap(value))", "unwrap(value)", N_),
        (
            "load_state: pickles are read",
            "nn/state.py",
            "allow_pickle=False",
            "allow_pickle=True",
            N_,
        ),
        ("dropout: p is kept", "functional/dropout.py", "np.float32) >= p", "np.float32) < p", D_),
        ("dropout: not scaled", "functional/dropout.py", "kept / (1 - p) if", "kept if", D_),
        ("dropout: test scale", "functional/dropout.py", "else x * (1 - p)", "else x * p", D_),
        ("dropout2d: single pixels", "functional/dropout.py", "shared=(2, 3), rng", "rng", D_),
        ("Gaussian dropout: variance", "functional/dropout.py", "(p / (1 - p)) ** 0.5", "p", D_),
        ("Dropout: never redrawn", "nn/dropout.py", "self.kept = None\n\n", "pass\n\n", D_),
        ("Swapout: one probability", "nn/dropout.py", "(fx, self.p_block)", "(fx, 0.2)", D_),
        # convolution and pooling
        ("dx: kernel not flipped", "kernels/numpy_conv.py", "[..., ::-1, ::-1]", "", K_),
        ("dx: dilation forgotten", "kernels/numpy_conv.py", "d * (k - 1) - p", "k - 1 - p", K_),
        (
            "dx: groups mixed",
            "kernels/numpy_conv.py",
            "flipped.swapaxes(1, 2).reshape(",
            "flipped.reshape(",
            K_,
        ),
        ("windows: stride", "kernels/numpy_conv.py", "[s * step for s", "[step for s", K_),
        (
            "windows: dilation added up",
            "kernels/numpy_conv.py",
            "along(k * dil",
            "along(k + dil",
            K_,
        ),
        (
            "winners: last of equal",
            "kernels/pool.py",
            "searching &= view",
            "searching = view",
            K_,
        ),
        ("winners: padding", "kernels/pool.py", "padding, np.nan)", "padding, -np.inf)", K_),
        (
            "put_winners: overlaps lost",
            "kernels/pool.py",
            "apart = stride[0]",
            "apart = True or stride[0]",
            K_,
        ),
        (
            "conv2d: second order",
            "ops/conv.py",
            "shape, **how: correlate2d_dx(g",
            "shape, **how: correlate2d_dx(-g",
            V_,
        ),
        ("max_pool2d: second order", "ops/pool.py", "take_winners(x, **how))", "2 * x)", P_),
        ("avg_pool2d: divisor", "ops/pool.py", "how[\"size\"][1]))", "how[\"size\"][0]))", P_),
        (
            "adaptive: overlap",
            "ops/pool.py",
            "-(-(i + 1) * n // parts)",
            "(i + 1) * n // parts",
            P_,
        ),
        ("lse_pool2d: sum for mean", "ops/pool.py", "(out - log(count))", "out", P_),
        (
            "convolve: not flipped",
            "ops/toeplitz.py",
            "(slice(None, None, -1),)",
            "(slice(None),)",
            V_,
        ),
        ("Conv2d: fan", "nn/convolution.py", "math.prod(shape[1:])", "math.prod(shape)", Y_),
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
