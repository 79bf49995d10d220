"""The author's notebook: how its cells are read, and what its author is told when they are not."""

import json
from dataclasses import replace

import pytest

from lecturelib.grading.exercise import load, parameters, parse, solved, stub

QUESTION = """
raw # BEGIN QUESTION
name: q1
points: 4
---
markdown ## Double it
Write a function.
---
code FACTOR = 2
---
raw # BEGIN SOLUTION
---
code def double(x):
    return FACTOR * x  # SOLUTION
---
raw # END SOLUTION
---
raw ## Ignore ## HINT
Two times.
---
raw ## Ignore ## HINT
x + x
---
raw ## Ignore ## WRONG ANSWER: squared
# You square it.
# Double it.
def double(x):
    return x * x
---
raw ## Ignore ## ALTERNATIVE
def double(x):
    return x + x
---
raw # BEGIN TESTS
---
code def test_three(double):
    \"\"\"three\"\"\"
    close(double(3.0), 6.0)
---
code # HIDDEN
def test_five(double):
    close(double(5.0), 10.0)
---
code \"\"\" # BEGIN TEST CONFIG
hidden: true
points: 2
\"\"\" # END TEST CONFIG
def test_random(double, rng, reference):
    x = rng.normal(size=3)
    close(double(x), reference.double(x))
---
raw # END TESTS
---
raw # END QUESTION
"""
START = """
raw # ASSIGNMENT CONFIG
name: 99_doubles
tests:
    ok_format: false
---
raw ## Ignore ## EXERCISE
seconds: 3
allows: math, json
---
markdown # Doubles
---
code import numpy as np
%matplotlib inline
---
code ## Ignore ##
raise RuntimeError("not for students")
"""
SECOND = """
raw # BEGIN QUESTION
name: q2
---
raw # BEGIN SOLUTION
---
code def four(x):
    return double(double(x))  # SOLUTION
---
raw # END SOLUTION
---
raw # BEGIN TESTS
---
code def test_four(four):
    close(four(1.0), 4.0)
---
raw # END TESTS
---
raw # END QUESTION
"""


def write(folder, *parts):
    """A notebook of cells written as `kind source`, with --- between them."""
    cells = []
    for part in parts:
        for text in part.strip().split("\n---\n"):
            kind, _, source = text.partition(" ")
            cells.append(
                {
                    "cell_type": kind,
                    "id": f"c{len(cells)}",
                    "metadata": {},
                    "source": source.splitlines(keepends=True),
                }
            )
    path = folder / "99_doubles.ipynb"
    path.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    return path


@pytest.fixture
def exercise(tmp_path):
    return load(write(tmp_path, START, QUESTION, SECOND))


def test_the_parts_of_a_question(exercise):
    assert (exercise.name, exercise.title, exercise.allows) == (
        "99_doubles",
        "Doubles",
        ("math", "json"),
    )
    q1 = exercise["q1"]
    assert (q1.name, q1.title, q1.points, q1.provides) == ("q1", "Double it", 4, ("double",))
    assert [h.strip() for h in q1.hints] == ["Two times.", "x + x"]
    assert [(w.name, w.hint) for w in q1.wrong_answers] == [
        ("squared", "You square it. Double it.")
    ]
    assert q1.wrong_answers[0].source == "def double(x):\n    return x * x"
    assert q1.alternatives == ("def double(x):\n    return x + x\n",)
    assert q1.solution == "def double(x):\n    return FACTOR * x"
    assert q1.stub == "def double(x):\n    ..."
    assert q1.seconds == 3


def test_settings_of_the_sheet_go_to_the_questions_they_name(tmp_path):
    settings = "allows: math, json\nwithheld: lecturelib.core.grad\nin_place: four\n"
    start = START.replace("allows: math, json", settings + "operators: double four")
    exercise = load(write(tmp_path, start, QUESTION, SECOND))
    assert exercise.withheld == ("lecturelib.core.grad",)
    assert (exercise["q1"].in_place, exercise["q1"].operators) == ((), ("double",))
    assert (exercise["q2"].in_place, exercise["q2"].operators) == (("four",), ("four",))


@pytest.mark.parametrize("line, message", [
    ("second: 5", "the settings are seconds, allows, withheld, in_place, operators; got second"),
    ("in_place: doubel", "in_place: no question defines doubel"),
    ("operators: Value", "operators: no question defines Value"),
])
def test_a_setting_that_would_do_nothing_is_refused(tmp_path, line, message):
    start = START.replace("seconds: 3", line)
    with pytest.raises(ValueError, match=message):
        load(write(tmp_path, start, QUESTION))


def test_points_are_shared_as_otter_does(exercise):
    assert [(t.name, t.points, t.hidden) for t in exercise["q1"].public] == [
        ("test_three", 1, False)
    ]
    assert [(t.name, t.points) for t in exercise["q1"].hidden] == [
        ("test_five", 1),
        ("test_random", 2),
    ]
    assert exercise["q2"].points == 1 and exercise.points == 5
    assert exercise["q1"].public[0].title == "three"
    assert parameters(exercise["q1"].hidden[1]) == ["double", "rng", "reference"]


def test_a_question_relies_on_the_code_and_the_solutions_before_it(exercise):
    assert "FACTOR = 2" in exercise["q1"].preamble and "double" not in exercise["q1"].preamble
    assert "def double" in exercise["q2"].preamble
    assert "RuntimeError" not in exercise["q2"].preamble and "%" not in exercise["q2"].preamble
    namespace = {}
    exec(exercise["q2"].preamble + "\n" + exercise["q2"].solution, namespace)
    assert namespace["four"](3) == 12


def test_an_unknown_question_is_named_with_those_there_are(exercise):
    with pytest.raises(KeyError, match="q1, q2"):
        exercise["q3"]


@pytest.mark.parametrize(
    "old, new, changed",
    [
        ("return x * x", "return x ** 2", "q1"),
        ("Double it.\ndef", "Think.\ndef", "q1"),
        ("close(double(3.0), 6.0)", "close(double(4.0), 8.0)", "q1"),
        ("points: 2", "points: 1", "q1"),
        ("FACTOR * x", "x * FACTOR", "both"),
        ("Write a function.", "Write it.", "none"),
        ("Two times.", "Twice.", "none"),
    ],
)
def test_the_digest_is_of_what_decides_a_result(tmp_path, exercise, old, new, changed):
    parts = [part.replace(old, new) for part in (START, QUESTION, SECOND)]
    assert parts != [START, QUESTION, SECOND]
    other = load(write(tmp_path, *parts))
    differ = [q.name for q in exercise.questions if other[q.name].digest != q.digest]
    assert differ == {"q1": ["q1"], "both": ["q1", "q2"], "none": []}[changed]
    assert (other.digest != exercise.digest) == (changed != "none")


@pytest.mark.parametrize("setting", ["in_place", "operators"])
def test_the_digest_knows_what_answers_may_do(exercise, setting):
    q1 = exercise["q1"]
    assert replace(q1, **{setting: ("double",)}).digest != q1.digest


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("raw # END SOLUTION\n---\n", "", "cell 15: # BEGIN TESTS stands in the wrong place"),
        ("raw # BEGIN TESTS\n---\n", "", "cell 19: # END TESTS ends what was not begun"),
        ("\n---\nraw # END QUESTION", "", "# BEGIN QUESTION is never ended"),
        ("name: q1\n", "", "cell 6: a question needs a name"),
        ("# END QUESTION", "# END", "cell 21: a raw cell that begins with '# END'"),
        ("HINT\nTwo", "CLUE\nTwo", "got 'clue'"),
        ("def double(x):\n    return FACTOR * x  # SOLUTION", "pass", "no solution that defines"),
        ("def test_three", "def three", "a test cell defines one function"),
        ("test_random", "test_five", "name of its own"),
        ("points: 4", "points: 1", "question q1 has 1 points, its tests 2"),
        ("# You square it.\n# Double it.\n", "", "a hint in comment lines"),
        ("test_three(double)", "test_three(double, reference)", "travels without the solution"),
        ("# BEGIN SOLUTION", "# BEGIN QUESTION", "stands in the wrong place"),
        ("close(double(3.0), 6.0)", "close(", "cell 17 is no Python (line 3"),
        ("return x * x", "return x *", "cell 14 is no Python"),
        ("return FACTOR", "retrun FACTOR", "cell 10 is no Python"),
    ],
)
def test_what_is_wrong_with_a_notebook_is_said(tmp_path, old, new, message):
    broken = QUESTION.replace(old, new)
    assert broken != QUESTION
    with pytest.raises(ValueError) as error:
        load(write(tmp_path, START, broken))
    assert message in str(error.value)


def test_two_questions_of_one_name(tmp_path):
    with pytest.raises(ValueError, match="got 'q1'"):
        load(write(tmp_path, START, QUESTION, QUESTION))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"cells": [{}]}', '{"cells": 3}'])
def test_what_is_no_notebook(tmp_path, text):
    path = tmp_path / "x.ipynb"
    path.write_text(text)
    with pytest.raises(ValueError, match="not a notebook"):
        load(path)


def test_a_folder_stands_for_the_notebook_of_its_name(tmp_path):
    folder = tmp_path / "99_doubles"
    folder.mkdir()
    write(folder, START, QUESTION)
    assert load(folder).name == "99_doubles"


def test_settings():
    assert parse(
        "# A COMMENT\nname: q1\npoints:  2.5 \ntests:\n    ok_format: false\nx: 'a: b'"
    ) == {"name": "q1", "points": "2.5", "x": "a: b"}


@pytest.mark.parametrize(
    "source, student, solution",
    [
        ("x = 3  # SOLUTION", "x = ...", "x = 3"),
        ("a, b = 3, 4 # SOLUTION", "a, b = ...", "a, b = 3, 4"),
        ("    return x == 3  # SOLUTION", "    ...", "    return x == 3"),
        ("y = 1  # SOLUTION NO PROMPT\nz = 2", "z = 2", "y = 1\nz = 2"),
        ("rng = f(42)  # SEED\nz = 2", "z = 2", "rng = f(42)\nz = 2"),
        (
            "def f():\n    # BEGIN SOLUTION\n    a\n    # END SOLUTION\n    b",
            "def f():\n    ...\n    b",
            "def f():\n    a\n    b",
        ),
        (
            "def f():\n    # BEGIN SOLUTION NO PROMPT\n    a\n    # END SOLUTION\n"
            '    """ # BEGIN PROMPT\n    # think\n    pass\n    """; # END PROMPT\n    b',
            "def f():\n    # think\n    pass\n    b",
            "def f():\n    a\n    b",
        ),
        ("plain = 1", "plain = 1", "plain = 1"),
    ],
)
def test_stubs_and_solutions_by_otters_rules(source, student, solution):
    assert stub(source) == student
    assert solved(source) == solution
