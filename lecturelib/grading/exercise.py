"""An exercise, as its author writes it: one notebook with all that belongs to it.

The notebook has the form that otter-assign reads. Raw cells begin and end its parts:
`# BEGIN QUESTION`, `# BEGIN SOLUTION`, `# BEGIN TESTS`, `# END …`. What otter does not
know, hints and named wrong answers, stands in cells whose first line begins with
`## Ignore ##`, which it leaves out. `exercises/README.md` shows an example.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

IGNORE = re.compile(r"##\s*ignore\s*##\s*", re.IGNORECASE)
BOUNDARY = re.compile(
    r"#\s+(BEGIN|END)\s+(QUESTION|PROMPT|SOLUTION|TESTS)\s*$", re.IGNORECASE
)
CONFIG = re.compile(
    r'""" # BEGIN TEST CONFIG\n(.*?)\n""" # END TEST CONFIG\n', re.DOTALL
)
SETTINGS = ("seconds", "allows", "withheld", "in_place", "operators")
PROVIDED = ("rng", "reference")  # parameters of a test that are not the student's


@dataclass(frozen=True)
class Mistake:
    """The recorded numbers that a known wrong answer gives in a public test."""

    name: str
    hint: str
    kind: str
    what: str
    value: Any


@dataclass(frozen=True)
class Test:
    """One test: a function whose parameters are the student's names it needs.

    `rng` among them is a seeded np.random.Generator, `reference` the solution's names.
    """

    __test__ = False

    name: str
    title: str
    source: str
    points: float
    hidden: bool
    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True)
class WrongAnswer:
    """A common mistake: its name, its code, and what to tell who made it."""

    name: str
    source: str
    hint: str


@dataclass(frozen=True)
class Question:
    """One question.

    preamble: the code that its solution may rely on. in_place: the functions that may
    change the arrays they are given. operators: the classes whose objects tests may
    combine with `+`, `@` and the like.
    """

    exercise: str
    name: str
    title: str
    points: float
    provides: tuple[str, ...]
    public: tuple[Test, ...]
    hidden: tuple[Test, ...] = ()
    hints: tuple[str, ...] = ()
    solution: str = ""
    stub: str = ""
    preamble: str = ""
    wrong_answers: tuple[WrongAnswer, ...] = ()
    alternatives: tuple[str, ...] = ()
    seconds: float = 10.0
    in_place: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A hash of all that decides a result."""
        tests = [
            (t.name, t.source, t.points, t.hidden) for t in self.public + self.hidden
        ]
        wrong = [(w.name, w.source, w.hint) for w in self.wrong_answers]
        return _hash(
            [
                self.exercise,
                self.name,
                self.points,
                tests,
                self.solution,
                self.preamble,
                wrong,
                self.in_place,
                self.operators,
            ]
        )


@dataclass(frozen=True)
class Cell:
    """A cell of the author's notebook and its part in it.

    role: "text", "code", "config", "begin question", "end question", "prompt",
    "solution", "test", "hint", "wrong answer", "alternative", "exercise", "ignored" or
    "boundary".
    """

    role: str
    question: str | None
    number: int
    kind: str
    source: str
    id: str
    metadata: dict


@dataclass(frozen=True)
class Exercise:
    """All questions of one notebook.

    allows: modules, besides NumPy, for answers. withheld: names of these modules that
    answers find replaced by an error, `lecturelib.core.grad` for example.
    """

    name: str
    title: str
    questions: tuple[Question, ...]
    allows: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = field(default=(), repr=False)

    @property
    def digest(self) -> str:
        """A hash of all that decides a result."""
        return _hash([self.name, *(q.digest for q in self.questions)])

    @property
    def setup(self) -> str:
        """The code that stands outside of questions."""
        return "\n\n".join(
            _without_magics(c.source)
            for c in self.cells
            if c.role == "code" and c.question is None
        )

    @property
    def points(self) -> float:
        """The points of all questions."""
        return sum(q.points for q in self.questions)

    def __getitem__(self, name: str) -> Question:
        for question in self.questions:
            if question.name == name:
                return question
        known = ", ".join(q.name for q in self.questions)
        raise KeyError(
            f"no question {name!r} in {self.name}; its questions are {known}"
        )


def _hash(parts: list) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def load(path: str | Path) -> Exercise:
    """Read an author's notebook, given its path or that of the folder with its name.

    Raises ValueError, with the number of the cell (from 1), where the form is broken.
    """
    path = Path(path)
    if path.is_dir():
        path = path / f"{path.name}.ipynb"
    try:
        notebook = json.loads(path.read_text("utf-8"))
        cells = tuple(_cells(notebook["cells"]))
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not a notebook: {error!r}") from None
    own = _settings(cells, "exercise")
    if unknown := own.keys() - set(SETTINGS):
        raise ValueError(
            f"## Ignore ## EXERCISE: the settings are {', '.join(SETTINGS)}; "
            f"got {', '.join(sorted(unknown))}"
        )
    config = _settings(cells, "config") | own
    words = {key: tuple(config.get(key, "").replace(",", " ").split())
             for key in SETTINGS[1:]}
    name = config.get("name", path.stem)
    questions: list[Question] = []
    # what a solution may rely on: the code cells and solutions before it
    preamble: list[str] = []
    for cell in cells:
        if cell.role == "code":
            preamble.append(_without_magics(cell.source))
        elif cell.role == "end question":
            question = _question(
                name, [c for c in cells if c.question == cell.question]
            )
            question = replace(
                question,
                preamble="\n\n".join(preamble),
                seconds=float(config.get("seconds", 10)),
                in_place=_among(question.provides, words["in_place"]),
                operators=_among(question.provides, words["operators"]),
            )
            questions.append(question)
            preamble.append(question.solution)
    defined = {n for q in questions for n in q.provides}
    for key in ("in_place", "operators"):
        if missing := set(words[key]) - defined:
            raise ValueError(
                f"{key}: no question defines {', '.join(sorted(missing))}"
            )
    title = next((_heading(c) for c in cells if c.role == "text" and _heading(c)), name)
    return Exercise(
        name, title, tuple(questions), words["allows"], words["withheld"], cells
    )


def _among(names: tuple[str, ...], some: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(n for n in some if n in names)


def _cells(raw: list[dict]) -> Iterator[Cell]:
    """The cells with their parts, in order; the nesting is checked."""
    parts: list[str] = []  # what has been begun: a question, and a part of it
    question, taken = None, set()
    for number, cell in enumerate(raw, 1):
        source, kind = "".join(cell["source"]), cell["cell_type"]
        try:
            role = _role(kind, source.strip().split("\n", 1)[0], parts)
            if role == "begin question":
                question = parse(source).get("name")
                if not question or question in taken:
                    raise ValueError(
                        f"a question needs a name of its own, got {question!r}"
                    )
                taken.add(question)
        except ValueError as error:
            raise ValueError(f"cell {number}: {error}") from None
        name, metadata = cell.get("id", ""), cell.get("metadata", {})
        yield Cell(role, question, number, kind, source, name, metadata)
        if role == "end question":
            question = None
    if parts:
        raise ValueError(f"# BEGIN {parts[-1].upper()} is never ended")


def _role(kind: str, first: str, parts: list[str]) -> str:
    """The role of a cell with this first line; a boundary changes the open parts."""
    boundary = BOUNDARY.match(first)
    if kind == "raw" and boundary:
        return _boundary(boundary[1].lower(), boundary[2].lower(), parts)
    if IGNORE.match(first):
        word = IGNORE.sub("", first).partition(":")[0].strip().lower()
        if word not in ("hint", "wrong answer", "alternative", "exercise", ""):
            raise ValueError(
                "after ## Ignore ##, nothing or one of HINT, WRONG ANSWER, "
                f"ALTERNATIVE, EXERCISE is known, got {word!r}"
            )
        return word or "ignored"
    if kind == "raw":
        if not re.match(r"#\s+ASSIGNMENT CONFIG", first):
            raise ValueError(f"a raw cell that begins with {first!r}")
        return "config"
    if len(parts) > 1:
        return "test" if parts[1] == "tests" else parts[1]
    return "text" if kind == "markdown" else "code"


def _boundary(verb: str, part: str, parts: list[str]) -> str:
    if verb == "begin":
        if bool(parts) == (part == "question") or len(parts) > 1:
            raise ValueError(
                f"# BEGIN {part.upper()} stands in the wrong place, "
                f"inside {' and '.join(parts) or 'no question'}"
            )
        parts.append(part)
    elif not parts or parts.pop() != part:
        raise ValueError(f"# END {part.upper()} ends what was not begun")
    return f"{verb} question" if part == "question" else "boundary"


def parse(source: str) -> dict[str, str]:
    """The `key: value` lines of a configuration, without its deeper levels."""
    pairs = re.findall(r"(?m)^(\w+):[ \t]*(\S.*?)[ \t]*$", source)
    return {key: value.strip("\"'") for key, value in pairs}


def _settings(cells: tuple[Cell, ...], role: str) -> dict[str, str]:
    return {k: v for c in cells if c.role == role for k, v in parse(c.source).items()}


def _heading(cell: Cell) -> str:
    match = re.search(r"(?m)^#+\s*(.+?)\s*$", cell.source)
    return match[1] if match else ""


def _without_magics(source: str) -> str:
    return re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", source)


def _question(exercise: str, cells: list[Cell]) -> Question:
    begin = cells[0]
    settings = parse(begin.source)
    name = settings["name"]

    def sources(role: str) -> list[str]:
        return [c.source for c in cells if c.role == role]

    for cell in cells:
        if cell.role in ("test", "wrong answer", "alternative"):
            _parsed(cell)
    solutions = [c for c in cells if c.role == "solution" and c.kind == "code"]
    code = [cell.source for cell in solutions]
    provides = tuple(name for cell in solutions for name in _defined(_parsed(cell)))
    if not provides:
        raise ValueError(
            f"cell {begin.number}: question {name} has no solution that defines a name"
        )
    tests = _tests([c for c in cells if c.role == "test"], settings.get("points"), name)
    for test in tests:
        if not test.hidden and "reference" in parameters(test):
            raise ValueError(
                f"{name}, {test.name}: a public test travels without the solution: "
                "it cannot have the parameter `reference`"
            )
    title = next((_heading(c) for c in cells if c.role == "text" and _heading(c)), name)
    return Question(
        exercise,
        name,
        title,
        sum(t.points for t in tests),
        provides,
        public=tuple(t for t in tests if not t.hidden),
        hidden=tuple(t for t in tests if t.hidden),
        hints=tuple(_after_first_line(s) for s in sources("hint")),
        solution="\n\n".join(solved(s) for s in code),
        stub="\n\n".join(stub(s) for s in code),
        wrong_answers=tuple(
            _wrong_answer(c) for c in cells if c.role == "wrong answer"
        ),
        alternatives=tuple(_after_first_line(s) for s in sources("alternative")),
    )


def _parsed(cell: Cell) -> ast.Module:
    try:
        return ast.parse(cell.source)
    except SyntaxError as error:
        raise ValueError(
            f"cell {cell.number} is no Python (line {error.lineno}: {error.msg})"
        ) from None


def definitions(tree: ast.Module) -> dict[str, ast.stmt]:
    """The functions, classes and variables that a source defines at its top level."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = (n for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
            found |= {n.id: node for n in names}
    return found


def _defined(tree: ast.Module) -> list[str]:
    return [name for name in definitions(tree) if not name.startswith("_")]


def parameters(test: Test) -> list[str]:
    """The names that a test asks for."""
    (function,) = (
        n for n in ast.parse(test.source).body if isinstance(n, ast.FunctionDef)
    )
    return [a.arg for a in function.args.args]


def _tests(cells: list[Cell], total: str | None, question: str) -> list[Test]:
    """The tests; points that no test claims are shared equally, as otter does it."""
    tests, given = [], []
    for cell in cells:
        source, hidden = cell.source, False
        if re.match(r"#\s*HIDDEN\b", source):
            hidden, source = True, _after_first_line(source)
        config = CONFIG.match(source)
        settings = parse(config[1]) if config else {}
        source = CONFIG.sub("", source, count=1).strip() + "\n"
        hidden = settings.get("hidden", str(hidden)).lower() == "true"
        functions = [
            n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)
        ]
        if [f.name.startswith("test_") for f in functions] != [True]:
            raise ValueError(
                f"cell {cell.number}: a test cell defines one function, test_…"
            )
        (function,) = functions
        title = inspect.cleandoc(ast.get_docstring(function) or function.name)
        tests.append(
            Test(function.name, title.split("\n")[0].rstrip("."), source, 0.0, hidden)
        )
        given.append(float(settings["points"]) if "points" in settings else None)
    if not tests or len({t.name for t in tests}) < len(tests):
        raise ValueError(
            f"question {question} needs tests, each with a name of its own"
        )
    known = sum(p for p in given if p is not None)
    open_tests = given.count(None)
    whole = float(total) if total is not None else known + (0 if open_tests == 0 else 1)
    if whole < known or (open_tests == 0 and whole != known):
        raise ValueError(
            f"question {question} has {whole:g} points, its tests {known:g}"
        )
    return [
        replace(t, points=(whole - known) / open_tests if p is None else p)
        for t, p in zip(tests, given)
    ]


def _after_first_line(source: str) -> str:
    return source.strip().partition("\n")[2].strip() + "\n"


def _wrong_answer(cell: Cell) -> WrongAnswer:
    """`## Ignore ## WRONG ANSWER: name`, the hint as comment lines, the code."""
    first, _, rest = cell.source.strip().partition("\n")
    name = first.partition(":")[2].strip()
    comment = re.match(r"(?:#.*\n)*", rest)
    hint = " ".join(re.sub(r"(?m)^#", "", comment[0] if comment else "").split())
    if not name or not hint:
        raise ValueError(
            f"cell {cell.number}: a wrong answer needs a name in its first line "
            "and a hint in comment lines after it"
        )
    return WrongAnswer(name, rest[comment.end() :] if comment else rest, hint)


def stub(source: str) -> str:
    """The source with its solution taken out, by otter's rules.

    `# BEGIN SOLUTION` … `# END SOLUTION` becomes `...`, so does a line that ends in `#
    SOLUTION` (of an assignment, its right side); with NO PROMPT nothing stays. The text
    between `\"\"\" # BEGIN PROMPT` and `\"\"\" # END PROMPT` stays.
    """
    lines, inside = [], False
    for line in source.split("\n"):
        text, indent = line.strip(), line[: len(line) - len(line.lstrip())]
        if text == "# END SOLUTION":
            inside = False
        elif inside or text.endswith(
            ("# SOLUTION NO PROMPT", "# SEED", "# BEGIN PROMPT", "# END PROMPT")
        ):
            continue
        elif text in ("# BEGIN SOLUTION", "# BEGIN SOLUTION NO PROMPT"):
            inside = True
            lines += [f"{indent}..."] if text == "# BEGIN SOLUTION" else []
        elif text.endswith("# SOLUTION"):
            assignment = re.match(r"\s*[\w, ]+=(?!=)", line)
            lines.append(f"{assignment[0]} ..." if assignment else f"{indent}...")
        else:
            lines.append(line)
    return "\n".join(lines)


def solved(source: str) -> str:
    """The source with the solution in it and the marks taken off."""
    lines, prompt = [], False
    for line in source.split("\n"):
        if re.search(r"# (BEGIN|END) PROMPT$", line):
            prompt = line.endswith("# BEGIN PROMPT")
        elif not prompt and line.strip() not in (
            "# BEGIN SOLUTION",
            "# BEGIN SOLUTION NO PROMPT",
            "# END SOLUTION",
        ):
            lines.append(re.sub(r"\s*# (SOLUTION( NO PROMPT)?|SEED)$", "", line))
    return "\n".join(lines)
