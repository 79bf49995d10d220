"""Where a student's code runs: a process that sees no files, no network, no neighbours.

On Linux this is bubblewrap, with nothing in it but the Python interpreter, its standard
library, NumPy and our two small files, all read-only, and a private /tmp in memory.
The process is not root, may start no second process or thread, and has limits on
memory, CPU time and file sizes; system calls that honest code has no use for are
refused. Time is kept by the grader (`process.py`): the student's process is not asked.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
import os
import platform
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path

import numpy as np

from lecturelib.grading.seccomp import program

PACKAGE = Path(__file__).parents[1]
NOBODY = 65534
RISK = (
    "no sandbox: the students' code runs as an ordinary process on this machine. It "
    "can read your files (the hidden tests among them), use the network and disturb "
    "other submissions. Only limits on time and memory hold."
)
FAKE = '"""Stands in for {name} while an exercise is graded."""\n'
FAKE_GRADING = FAKE.format(name="lecturelib.grading") + (
    "\ndef __getattr__(name):\n"
    "    if name.startswith('__'):\n"
    "        raise AttributeError(name)\n"
    "    return lambda *args, **keywords: None\n"
)
STUB = "raise NotImplementedError('{name} is what this exercise asks you to write')"
RUN = """\
import sys
sys.path[:0] = {path!r}
from lecturelib.grading.worker import main
main()
"""


class NoSandbox(RuntimeError):
    """There is no way to shut a process in here, and nobody has accepted the risk."""


@dataclass(frozen=True)
class Limits:
    """What one student's process may use. Sizes in bytes, times in seconds."""

    memory: int = 1 << 30  # address space; NumPy alone takes about 0.2 GB of it
    temporary: int = 64 << 20  # in /tmp
    file: int = 16 << 20
    open_files: int = 32
    start: float = 30.0  # until Python and NumPy are loaded; the machine may be busy
    cell: float = 20.0
    cells: float = 60.0  # all cells of a notebook
    call: float = 10.0
    submission: float = 300.0  # everything; then the process is killed in any case
    log: int = 20_000  # characters of what was printed and noted

    def resources(self) -> dict[str, int]:
        """The limits that the kernel keeps, by their names in Python's `resource`."""
        return {
            "RLIMIT_AS": self.memory,
            "RLIMIT_CPU": int(self.submission) + 1,
            "RLIMIT_FSIZE": self.file,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_NPROC": 1,
            "RLIMIT_CORE": 0,
            "RLIMIT_MSGQUEUE": 0,
            "RLIMIT_MEMLOCK": 0,
        }


@functools.cache
def available() -> str | None:
    """What is wrong with bubblewrap on this machine; None if it works."""
    if sys.platform != "linux":
        return f"bubblewrap needs Linux, this is {sys.platform}"
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (Debian and Ubuntu: apt install bubblewrap)"
    command = [
        *_bubblewrap(1 << 20),
        *_interpreter(),
        "--",
        _python(),
        "-I",
        "-S",
        "-c",
        "",
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    except (subprocess.SubprocessError, OSError) as e:
        words = (getattr(e, "stderr", None) or str(e)).strip().splitlines()
        return f"bubblewrap does not work here: {words[-1] if words else e}"
    return None


def choose(allow_none: bool = False) -> str:
    """ "bubblewrap", or, where it does not work and the risk is accepted, "none".

    Raises NoSandbox otherwise.
    """
    problem = available()
    if problem is None:
        return "bubblewrap"
    if allow_none:
        return "none"
    raise NoSandbox(
        f"{problem}. Grade on a Linux machine or in the container of "
        "lecturelib/grading/Containerfile; --no-sandbox grades without protection: "
        f"{RISK}"
    )


def start(
    sandbox: str,
    view: Path,
    modules: tuple[str, ...],
    limits: Limits,
    read: int,
    write: int,
) -> subprocess.Popen:
    """A new process for a student, which reads from one pipe and writes to another.

    view: the folder made by `make_view`; modules: packages it may import besides NumPy.
    """
    root = os.geteuid() == 0
    resources = limits.resources()
    setup = {
        "limits": resources,
        "user": NOBODY if root else None,
        "read": read,
        "write": write,
    }
    environment = {
        "LANG": "C.UTF-8",
        "HOME": "/tmp",
        "PATH": "/nowhere",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    if sandbox == "bubblewrap":
        with tempfile.TemporaryFile() as rules:
            rules.write(program())
            rules.seek(0)
            filters = ["--seccomp", str(rules.fileno())] if program() else []
            binds = [*_mount(view, "/view"), *_modules(modules)]
            variables = [
                word for pair in environment.items() for word in ("--setenv", *pair)
            ]
            command = [
                *_bubblewrap(limits.temporary),
                "--clearenv",
                *variables,
                *_interpreter(),
                *binds,
                "--remount-ro",
                "/",
                "--chdir",
                "/tmp",
                *filters,
                "--",
                _python(),
                "-I",
                "-S",
                "-c",
                RUN.format(path=["/view", "/site"]),
                json.dumps(setup),
            ]
            return _popen(command, (read, write, rules.fileno()), {"PATH": os.defpath})
    if sandbox != "none":
        raise ValueError(f'sandbox: "bubblewrap" or "none", got {sandbox!r}')
    if not root:
        del resources["RLIMIT_NPROC"]  # it would count all that this user runs
    path = [str(view), *dict.fromkeys(str(p.parent) for p in _packages(modules))]
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        RUN.format(path=path),
        json.dumps(setup),
    ]
    return _popen(command, (read, write), environment)


def _popen(command: list[str], pipes: tuple[int, ...], env: dict) -> subprocess.Popen:
    return subprocess.Popen(
        command,
        pass_fds=pipes,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def _bubblewrap(temporary: int) -> list[str]:
    """The part of the command that takes everything away.

    An ordinary user becomes nobody in a user namespace. Root needs none, and would stay
    root for the limit on processes: there the worker becomes nobody at its start.
    """
    command = [
        shutil.which("bwrap") or "bwrap",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
    ]
    if os.geteuid() == 0:
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    command += ["--perms", "0755", "--dir", "/dev"]
    for device in ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"):
        command += ["--dev-bind", device, device]
    return [*command, "--perms", "1777", "--size", str(temporary), "--tmpfs", "/tmp"]


def _python() -> str:
    """The interpreter itself, not the link to it in a virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


@functools.cache
def _interpreter() -> tuple[str, ...]:
    """The mounts of the interpreter, its library and the shared libraries."""
    library = sysconfig.get_path("stdlib")
    umath = next(Path(np.__file__).parent.glob("_core/_multiarray_umath*.so"))
    mounts = [_python(), library, *_shared(_python(), str(umath))]
    if os.path.exists("/etc/ld.so.cache"):
        mounts.append("/etc/ld.so.cache")
    command = [word for path in mounts for word in _mount(path, path)]
    for name in (
        "site-packages",
        "dist-packages",
    ):  # what else is installed stays outside
        if os.path.isdir(f"{library}/{name}"):
            command += [
                "--tmpfs",
                f"{library}/{name}",
                "--remount-ro",
                f"{library}/{name}",
            ]
    return (*command, *_modules(()))


def _shared(*programs: str) -> list[str]:
    """The shared libraries that these need, those of Python packages left out."""
    found = subprocess.run(["ldd", *programs], capture_output=True, text=True).stdout
    paths = set(re.findall(r"(/\S+) \(0x", found))
    return sorted(
        p for p in paths if "site-packages" not in p and "dist-packages" not in p
    )


def _packages(modules: tuple[str, ...]) -> Iterator[Path]:
    """The folders of NumPy and of the allowed modules, and of their libraries."""
    for name in ("numpy", *modules):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ValueError(f"allows: {name} is not installed here")
        home = (
            Path(spec.origin).parent
            if spec.submodule_search_locations
            else Path(spec.origin)
        )
        yield from (p for p in (home, home.with_name(f"{name}.libs")) if p.exists())


@functools.cache
def _modules(modules: tuple[str, ...]) -> tuple[str, ...]:
    packages = list(_packages(modules))
    command = [word for path in packages for word in _mount(path, f"/site/{path.name}")]
    if modules:  # and what these need, which is often ctypes
        own = Path(sysconfig.get_path("stdlib"), "lib-dynload").glob("_ctypes.*.so")
        programs = [str(p) for path in packages for p in path.rglob("*.so")]
        for path in _shared(*programs, *map(str, own)):
            command += _mount(path, path)
    return tuple(command)


def _mount(source: str | Path, target: str) -> list[str]:
    """A read-only mount, below folders that everybody (not only root) may enter."""
    folders = [str(p) for p in reversed(Path(target).parents) if str(p) != "/"]
    return [
        *(w for path in folders for w in ("--perms", "0755", "--dir", path)),
        "--ro-bind",
        str(source),
        target,
    ]


def make_view(
    folder: Path, allows: tuple[str, ...], withheld: tuple[str, ...] = ()
) -> None:
    """Put into `folder` the lecturelib that a student's process sees.

    It has the worker, a `lecturelib.grading` whose functions do nothing, and those
    parts of the library that the exercise allows ("lecturelib.ops"). In these, the
    functions it asks for (withheld: "lecturelib.core.grad") are replaced by an error.
    """
    target = folder / "lecturelib"
    (target / "grading").mkdir(parents=True)
    (target / "grading" / "__init__.py").write_text(FAKE_GRADING, "utf-8")
    for name in ("protocol.py", "worker.py"):
        shutil.copyfile(PACKAGE / "grading" / name, target / "grading" / name)
    parts = [name.split(".")[1:] for name in allows if name.startswith("lecturelib.")]
    for part in parts:
        _copy(PACKAGE.joinpath(*part), target.joinpath(*part))
    (target / "__init__.py").write_text(_face({p[0] for p in parts}), "utf-8")
    for name in withheld:
        _withhold(target, name)
    for path in target.rglob("*.py"):
        py_compile.compile(str(path), doraise=True)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(
            source, target, ignore=shutil.ignore_patterns("__pycache__", "*.npz")
        )
    elif source.with_suffix(".py").exists():
        shutil.copyfile(source.with_suffix(".py"), target.with_suffix(".py"))
    else:
        raise ValueError(f"allows: lecturelib has no part {source.name!r}")


def _face(parts: set[str]) -> str:
    """The lines of lecturelib/__init__.py that import only from these parts."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    lines = [FAKE.format(name="lecturelib")]
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom):
            continue
        path = (node.module or "").split(".")[1:]
        names = [a for a in node.names if (path or [a.name])[0] in parts]
        if names:
            lines.append(ast.unparse(ast.ImportFrom(node.module, names, node.level)))
    if "ops" in parts:
        lines.append("_bind()")
    return "\n".join(lines) + "\n"


def _withhold(target: Path, name: str) -> None:
    """Replace what stands in a function or class by an error; comments go as well."""
    module, _, thing = name.removeprefix("lecturelib.").rpartition(".")
    path = target.joinpath(*module.split(".")).with_suffix(".py")
    if not path.exists():
        return  # the whole part is not there
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == thing:
            node.body = ast.parse(STUB.format(name=name)).body
            if isinstance(node, ast.ClassDef):
                node.body = [
                    *ast.parse(
                        f"def __init__(self, *_, **__):\n {STUB.format(name=name)}"
                    ).body
                ]
            path.write_text(ast.unparse(tree) + "\n", "utf-8")
            return
    raise ValueError(f"withheld: lecturelib.{module} defines no {thing!r}")


@functools.cache
def view_of(allows: tuple[str, ...], withheld: tuple[str, ...]) -> Path:
    """A view in a temporary folder, made once in each process that grades."""
    folder = Path(tempfile.mkdtemp(prefix="lecturelib-view-"))
    # at the end of this process; `atexit` would not do it in those of multiprocessing
    Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=0)
    make_view(folder, allows, withheld)
    return folder


def describe(sandbox: str) -> str:
    """One line for the summary: which protection was active."""
    if sandbox != "bubblewrap":
        return RISK
    who = "nobody (started by root)" if os.geteuid() == 0 else "nobody (user namespace)"
    calls = (
        "system calls filtered"
        if program()
        else (f"system calls not filtered ({platform.machine()})")
    )
    return (
        f"bubblewrap: no network, read-only minimal system, {who}, one process, {calls}"
    )
