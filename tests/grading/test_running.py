"""Running tests: every kind of failure is a result, what is not the student's passes through."""

import dataclasses
import json
import warnings

import numpy as np
import pytest

from lecturelib.grading.exercise import Question, Test, WrongAnswer
from lecturelib.grading.running import (
    Mismatch,
    StudentError,
    explains,
    iter_tests,
    run_tests,
)

SOURCE = "def double(x):\n    return 2 * x\n"
WRONG = (
    WrongAnswer("squared", "def double(x):\n    return x * x\n", "You square it."),
    WrongAnswer("unchanged", "def double(x):\n    return x\n", "You do nothing."),
    WrongAnswer("crashes", "def double(x):\n    return x / None\n", "It crashes."),
)


def question(*tests, wrong=WRONG):
    """Each test: (name, points, hidden, body)."""
    made = [
        Test(name, name, f"def {name}(double, rng):\n    {body}\n", points, hidden)
        for name, points, hidden, body in tests
    ]
    return Question(
        "99_x",
        "q1",
        "Doubles",
        sum(t.points for t in made),
        ("double",),
        tuple(t for t in made if not t.hidden),
        tuple(t for t in made if t.hidden),
        solution=SOURCE,
        wrong_answers=wrong,
    )


ONE = question(("test_a", 2, False, "close(double(3.0), 6.0)"))
BOTH = question(
    ("test_a", 1, False, "close(double(rng.normal(size=3)), np.ones(3))"),
    ("test_b", 3, True, "close(double(rng.normal(size=3)), np.ones(3))"),
    ("test_c", 1, True, "close(double(rng.normal(size=3)), np.ones(3))"),
)


def one(answer, q=ONE):
    (result,) = run_tests(q, {"double": answer}, seed=0, hidden=False)
    return result


def test_a_right_answer():
    result = one(lambda x: 2 * x)
    assert (result.passed, result.earned, result.points, result.message) == (True, 2, 2, "")
    assert result.mistake is None and result.hint is None


def test_a_wrong_answer_says_what_was_tried_expected_and_got():
    result = one(lambda x: x + 2)
    assert not result.passed and result.earned == 0
    assert result.message.split("\n") == [
        "tried     double(3)",
        "expected  6",
        "got       5",
        "The error is 1.",
    ]
    assert result.mistake is None


def test_a_known_mistake_is_named_with_its_hint():
    result = one(lambda x: x**2)
    assert (result.mistake, result.hint) == ("squared", "You square it.")
    assert one(lambda x: x).mistake == "unchanged"


def bad(x):
    raise ZeroDivisionError("oh no")


def leave(x):
    raise SystemExit(3)


def remote(x):
    raise StudentError("ValueError: from far away")


def endless(x):
    return endless(x)


@pytest.mark.parametrize(
    "answer, text",
    [
        (bad, "ZeroDivisionError: oh no\nin line"),
        (leave, "SystemExit: 3"),
        (remote, "ValueError: from far away"),
        (endless, "RecursionError: maximum recursion depth"),
        (lambda: 3, "TypeError"),
        (lambda x: None, "None (is there a return?)"),
        (lambda x: ..., "the place that waits for your code"),
        (3.0, "TypeError: 'float' object is not callable"),
    ],
)
def test_what_a_student_raises_is_a_failed_test(answer, text):
    result = one(answer)
    assert not result.passed and text in result.message and result.mistake is None


def test_the_line_that_raised_is_shown():
    assert 'in bad: raise ZeroDivisionError("oh no")' in one(bad).message


def test_of_errors_in_a_library_the_students_own_line_is_shown():
    message = one(lambda x: json.loads("{")).message
    assert "JSONDecodeError" in message and 'json.loads("{")' in message.split("\n")[-1]
    message = one(lambda x: np.linalg.inv(np.zeros((2, 3)))).message
    assert "LinAlgError" in message and "np.linalg.inv" in message.split("\n")[-1]


def test_a_missing_name_is_said():
    (result,) = run_tests(ONE, {}, seed=0, hidden=False)
    assert "double is not defined" in result.message and not result.passed


class Dead(BaseException):
    """What the grader raises when a worker has died."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, Dead])
def test_what_is_not_the_students_passes_through_and_earlier_results_stay(error):
    def answer(x):
        if calls:
            raise error
        calls.append(x)
        return 2 * x

    calls, results = [], []
    two = question(
        ("test_a", 1, False, "close(double(3.0), 6.0)"),
        ("test_b", 1, False, "close(double(4.0), 8.0)"),
    )
    with pytest.raises(error):
        for result in iter_tests(two, {"double": answer}, seed=0, hidden=False):
            results.append(result)
    assert [r.test for r in results] == ["test_a"] and results[0].passed


def test_hidden_tests_run_only_when_asked_for_and_earn_their_part():
    half = question(
        ("test_a", 1, False, "close(double(3.0), 6.0)"),
        ("test_b", 3, True, "close(double(4.0), 16.0)"),
    )
    for hidden, earned in ((False, [1]), (True, [1, 0])):
        results = run_tests(half, {"double": lambda x: 2 * x}, seed=0, hidden=hidden)
        assert [r.earned for r in results] == earned


def test_inputs_come_from_the_seed_and_the_tests_name():
    def inputs(seed, q=BOTH):
        seen = []
        run_tests(
            dataclasses.replace(q, wrong_answers=()),
            {"double": lambda x: seen.append(x) or x},
            seed=seed,
            hidden=True,
        )
        return np.array(seen)

    assert (inputs(1) == inputs(1)).all()
    public, *hidden = inputs(1) != inputs(2)
    assert np.all(hidden) and not public.any()
    assert (inputs(1)[1] != inputs(1)[2]).all()
    other = dataclasses.replace(BOTH, exercise="98_y")
    assert (inputs(1) != inputs(1, other)).all()


def test_results_are_plain_data():
    results = [dataclasses.asdict(one(f)) for f in (lambda x: 2 * x, lambda x: x, bad)]
    assert json.loads(json.dumps(results)) == results


def test_warnings_cost_nothing_whatever_the_filters():
    def noisy(x):
        warnings.warn("careful", RuntimeWarning, stacklevel=1)
        return (
            np.float64(2) * x
            + 0 * np.log(np.float64(0) + 1)
            + 0 * int(np.isinf(np.float64(1) / np.float64(0)))
        )

    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert one(noisy).passed


@pytest.mark.parametrize("given", ["x", "[x]", "{'a': (x,)}", "a=x"])
def test_who_changes_what_is_given_is_told_so_and_the_test_keeps_its_own(given):
    """Else x[:] = 0 would make the right answer easy, if a test computes it from x later."""
    text = f"x = np.ones(2); double({given}); close(x, [1.0, 1.0], 'x')"
    q = question(("test_a", 1, False, text))

    def zero(a):
        while not isinstance(a, np.ndarray):
            a = a["a"] if isinstance(a, dict) else a[0]
        a *= 0

    assert "changed an array that it was given" in one(zero, q).message
    assert one(lambda a: None, q).passed


def test_a_name_that_ends_in_an_underscore_may_work_in_place():
    text = "x = np.ones(2); double_(x); close(x, [2.0, 2.0], 'x')"
    test = Test("test_a", "test_a", f"def test_a(double_):\n    {text}\n", 1, False)
    q = Question("99_x", "q1", "Doubles", 1, ("double_",), (test,), (), solution=SOURCE)

    def in_place(x):
        x *= 2

    (result,) = run_tests(q, {"double_": in_place}, seed=1, hidden=False)
    assert result.passed
    (result,) = run_tests(q, {"double_": lambda x: 2 * x}, seed=1, hidden=False)
    assert "compared  x" in result.message


def test_callbacks_and_functions_returned():
    q = question(("test_a", 1, False, "close(double(lambda x: x + 1)(3.0), 8.0)"))
    assert one(lambda f: lambda x: 2 * f(x), q).passed
    assert "ZeroDivisionError" in one(lambda f: bad, q).message
    assert "TypeError" in one(lambda f: lambda x: f(None), q).message


class Counter:
    """A class of a student's."""

    START = 2

    def __init__(self):
        self.value = self.START

    def __call__(self):
        return self.value

    def add(self, n):
        self.value += n / (n - 1)


def test_classes_and_what_they_make():
    q = question(("test_a", 1, False, "c = double(); c.add(3); close(c() + double.START, 5.5)"))
    assert one(Counter, q).passed
    q = question(("test_a", 1, False, "c = double(); c.add(1); close(c.value, 5)"))
    assert "ZeroDivisionError: division by zero" in one(Counter, q).message
    assert "self.value += n / (n - 1)" in one(Counter, q).message


def test_a_test_that_trips_over_the_result_fails_and_says_so():
    q = question(("test_a", 1, False, "close(double(3.0)[0] @ np.ones(2), 6.0)"))
    result = one(lambda x: 2 * x, q)
    assert not result.passed and "could not go on with what came back" in result.message


def mismatch(kind, got, right, what="the result"):
    return Mismatch(kind, what, "", "", value=np.asarray(got), right=np.asarray(right))


@pytest.mark.parametrize(
    "kind, value, got, right, same",
    [
        ("value", [2.0, 4.0], [2.0, 4.0], [1.0, 2.0], True),
        ("value", [2.0, 4.0], [2.0, 4.0 + 1e-7], [1.0, 2.0], True),
        ("value", [2.0, 4.0], [2.0, 4.1], [1.0, 2.0], False),
        ("value", [2.0, 4.0], [2.2, 4.0], [1.0, 2.0], False),
        ("value", [1.0001, 2.0], [1.0002, 2.0], [1.0, 2.0], False),  # half of the error
        ("value", [1.0, 2.0], [1.0 + 1e-3, 2.0], [1.0, 2.0], False),
        ("value", [1e-6, 5.0], [2e-6, 5.0], [1e-3, 4.0], False),  # small beside the error
        ("value", [np.nan, 1.0], [np.nan, 1.0], [0.0, 1.0], True),
        ("value", [np.nan, 1.0], [1.0, np.nan], [0.0, 1.0], False),
        ("value", [np.inf], [-np.inf], [0.0], False),
        ("value", [np.inf, 3.0], [np.inf, 3.0], [0.0, 1.0], True),
        ("value", [np.inf, 3.0], [np.inf, 4.0], [0.0, 1.0], False),
        ("value", [0.0, 0.0], [0.0, 0.0], [1.0, 1.0], True),
        ("value", [True, False], [True, False], [True, True], True),
        ("value", [1j], [1j], [1.0], True),
        ("shape", [1.0, 2.0], [1.0, 2.0], [[1.0, 2.0]], True),
        ("shape", [1.0, 2.0], [1.0, 2.01], [[1.0, 2.0]], False),
        ("shape", [1.0, 2.0], [[1.0], [2.0]], [[1.0, 2.0]], False),
    ],
)
def test_explains(kind, value, got, right, same):
    assert explains(kind, "the result", np.asarray(value), mismatch(kind, got, right)) is same


def test_another_comparison_or_kind_does_not_explain():
    value = np.array([2.0])
    assert not explains("value", "x", value, mismatch("value", [2.0], [1.0]))
    assert not explains("shape", "the result", value, mismatch("value", [2.0], [1.0]))
    single = np.array([2.0], np.float32)
    assert explains("dtype", "the result", single, mismatch("dtype", single, [2.0]))
    assert not explains("dtype", "the result", value, mismatch("dtype", single, [2.0]))
