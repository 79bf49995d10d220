"""The rules of the house: who may import whom, what an import loads, what every function owes."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import lecturelib
from lecturelib import backend

PACKAGE = Path(lecturelib.__file__).parent
LAYERS = [
    ["backend"],
    ["kernels"],
    ["core"],
    ["anomaly"],
    ["ops"],
    ["functional"],
    ["init", "nn"],
    ["optim"],
    ["models", "data"],
    ["train"],
    ["analysis"],
    ["viz"],
    ["widgets"],
    ["grading"],
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
FILES = sorted(PACKAGE.rglob("*.py"))
ENGINE = [p for p in FILES if p.relative_to(PACKAGE).parts[0] not in ("data", "viz", "widgets")]
FORBIDDEN = [
    "torch",
    "matplotlib",
    "ipywidgets",
    "safetensors",
    "sklearn",
    "scipy",
    "tqdm",
    "pooch",
    "IPython",
    "pandas",
    "PIL",
    "pygments",
]


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> list[str]:
    """All modules that a file imports, within functions too, `from a import b` as a.b."""
    found = []
    package = (
        module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    )
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(
                    [
                        *package.split(".")[: len(package.split(".")) - node.level + 1],
                        *filter(None, [node.module]),
                    ]
                )
            found += [f"{base}.{alias.name}" for alias in node.names]
    return found


def layer(name: str) -> str:
    """The part of lecturelib to which a module or imported name belongs; "" for the face itself."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in RANK else ""


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_every_file_has_its_place(path):
    name = module_name(path)
    assert name == "lecturelib" or layer(name), f"{name} is not in the layers of this test"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_one_way(path):
    own = layer(module_name(path))
    if not own:
        return  # lecturelib/__init__.py: the public face imports what it shows
    for name in imports(path):
        if name.split(".")[0] != "lecturelib":
            continue
        other = layer(name)
        assert other, (
            f"{module_name(path)} imports {name}: name the part it comes from, not the face"
        )
        assert RANK[other] <= RANK[own], f"{own} must not import {other}"


def test_there_are_no_cycles():
    known = {module_name(p) for p in FILES}
    graph = {
        module_name(p): {
            m
            for name in imports(p)
            for m in (name, name.rpartition(".")[0])
            if m in known and m not in ("lecturelib", module_name(p))
        }
        for p in FILES
    }
    for (
        name
    ) in graph:  # within a package, `from pkg import x` runs pkg's __init__, which is no cycle
        graph[name] -= {name.rpartition(".")[0]}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"cycle: {' -> '.join([*path[path.index(name) :], name])}"
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


BORROWED = {  # what a file imports when it is asked for it, beside NumPy
    "backend.py": "torch",
    "kernels/torch_kernels.py": "torch",
    "nn/state.py": "safetensors",
    "train/progress.py": "tqdm",
    "analysis/search.py": "sklearn",
    "grading/schedule.py": "distributed",
    "grading/submission.py": "google",  # of Colab
}


@pytest.mark.parametrize("path", ENGINE, ids=module_name)
def test_the_engine_needs_only_numpy(path):
    own = {"lecturelib", "numpy", BORROWED.get(path.relative_to(PACKAGE).as_posix())}
    for name in imports(path):
        top = name.split(".")[0]
        assert top in own or top in sys.stdlib_module_names, name


@pytest.mark.parametrize(
    "statement",
    [
        "import lecturelib",
        "from lecturelib import nn, optim, functional, analysis, train",
    ],
)
def test_an_import_loads_nothing_heavy(statement):
    code = f"{statement}\nimport sys\nprint(*{{m.split('.')[0] for m in sys.modules}})"
    loaded = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
    ).stdout.split()
    assert "lecturelib" in loaded and not set(loaded) & set(FORBIDDEN)


def public_objects():
    """Every public function, class and method that the engine defines."""
    for info in pkgutil.walk_packages([str(PACKAGE)], "lecturelib."):
        if layer(info.name) in ("data", "viz", "kernels"):
            continue
        module = importlib.import_module(info.name)
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", None) != info.name:
                continue
            if inspect.isfunction(thing) or inspect.isclass(thing):
                yield f"{info.name}.{name}", thing


PUBLIC = dict(public_objects())


@pytest.mark.parametrize("thing", PUBLIC.values(), ids=PUBLIC)
def test_docstrings(thing):
    assert inspect.getdoc(thing) and vars(thing).get("__doc__", thing.__doc__)
    if inspect.isclass(thing):
        for name, method in vars(thing).items():
            if (
                inspect.isfunction(method)
                and not name.startswith("_")
                and method.__code__.co_name != "<lambda>"  # a line of a table
            ):
                inherited = any(name in vars(base) for base in thing.__mro__[1:])
                assert method.__doc__ or inherited or name == "forward", f"{thing.__name__}.{name}"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_every_file_says_what_it_is_and_prints_nothing(path):
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree)
    if path in ENGINE:
        calls = [
            n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        ]
        assert not [c.lineno for c in calls if c.func.id == "print"]


@pytest.mark.parametrize("path", [p for p in FILES if "widgets" not in p.parts], ids=module_name)
def test_random_numbers_come_from_a_generator_that_is_given(path):
    """No np.random.normal, default_rng or seed in the library but the type, np.random.Generator.

    A widget may: like any figure it shows one draw, the same for all readers.
    """
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Attribute)
            and (node.value.attr == "random")
        ):
            assert node.attr == "Generator", f"{path.name}:{node.lineno}"
    assert "random" not in {name.split(".")[0] for name in imports(path)}


@pytest.mark.parametrize("thing", PUBLIC.values(), ids=PUBLIC)
def test_rng_is_required_and_by_keyword(thing):
    code = thing if inspect.isfunction(thing) else thing.__init__
    if not inspect.isfunction(code):
        return  # a class without an __init__ of its own
    parameters = inspect.signature(code).parameters
    if "rng" in parameters and thing is not backend.check_rng:
        assert parameters["rng"].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters["rng"].default is inspect.Parameter.empty
