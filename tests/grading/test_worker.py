"""A notebook's process from the grader's side: calls, callbacks, objects, deaths and restarts."""

import numpy as np
import pytest
from tiny import needs_sandbox, notebook

from lecturelib.grading import sandbox, seccomp
from lecturelib.grading.compare import StudentError, changes_array
from lecturelib.grading.proxies import WorkerDied, update
from lecturelib.grading.sandbox import Limits
from lecturelib.grading.session import Session
from lecturelib.grading.worker import _prepare

pytestmark = needs_sandbox
LIMITS = Limits(call=5.0, cell=5.0)
CELLS = """\
import numpy as np
calls = 0
def double(x): return 2 * x
def twice(f, x): return f(f(x))
def fails(x): return {}['missing']
def scale_(x, c): x *= c
def step(w, g, state):
    state['t'] = state.get('t', 0) + 1
    state.setdefault('seen', []).append(float(g.sum()))
    return w - g
def counted():
    global calls
    calls += 1
    return calls
def die(): import os; os._exit(3)
def maker(n): return lambda x: x + n
def echo(*args, **keywords): return args, keywords
class Value:
    def __init__(self, data): self.data = data
    def __add__(self, other): return Value(self.data + getattr(other, 'data', other))
    __radd__ = __add__
    def __eq__(self, other): return True
    def __getitem__(self, i): return i * 10
    def __len__(self): return 3
    def set_(self, x): x[...] = self.data
lr = 0.5
weights = np.arange(3.0)
"""
NAMES = ("double", "twice", "fails", "scale_", "step", "counted", "die", "maker", "echo", "Value",
         "lr", "weights", "absent")


@pytest.fixture(scope="module")
def session():
    with Session(notebook(CELLS), "bubblewrap", limits=LIMITS) as s:
        yield s


@pytest.fixture
def student(session):
    return session.answers(NAMES)


def test_values_come_as_values_and_names_that_are_missing_do_not_come(student):
    assert student["lr"] == 0.5 and type(student["weights"]) is np.ndarray
    assert "absent" not in student and student["weights"].tolist() == [0, 1, 2]


def test_calls_and_keywords(student):
    x = np.random.default_rng(0).normal(size=(3, 4)).T
    assert np.array_equal(student["double"](x), 2 * x)
    args, keywords = student["echo"](1, [2.5, (None,)], a={"k": np.float32(3)})
    assert args == (1, [2.5, (None,)]) and type(keywords["a"]["k"]) is np.float32


def test_our_functions_can_be_given_and_come_back(student):
    assert student["twice"](lambda x: x * x, 3.0) == 81.0
    f = lambda x: x
    assert student["echo"](f)[0][0] is f


def test_what_our_function_raises_is_raised_in_the_students_code(student):
    def f(x):
        raise ZeroDivisionError("by us")

    with pytest.raises(StudentError, match="ZeroDivisionError: by us"):
        student["twice"](f, 1.0)


def test_calls_within_calls(student):
    assert student["twice"](lambda x: student["double"](x) + 1, 1.0) == 7.0


def test_endless_calls_within_calls_end(student):
    def f(x):
        return student["twice"](f, x)

    with pytest.raises(WorkerDied, match="calls within calls"):
        student["twice"](f, 1.0)


def test_an_exception_names_the_line(student):
    with pytest.raises(StudentError, match=r"KeyError: 'missing' \(line 5 of its cell\)"):
        student["fails"](1)


def test_a_function_that_ends_in_an_underscore_changes_its_argument(student):
    x = np.ones((2, 2))
    view = x[0]
    student["scale_"](x, 3.0)
    assert view.tolist() == [3, 3]


def test_other_functions_must_not_change_arrays_but_state(session, student):
    cheat = session.ready()
    cheat.request("run", "def zero(x):\n    x[...] = 0\n    return x", "cell", seconds=5)
    x = np.ones(2)
    for call in (lambda f: f(x), lambda f: f(x=x)):
        with pytest.raises(StudentError, match="changed an array"):
            call(session.answers(("zero",))["zero"])
    assert x.tolist() == [1, 1]
    state: dict = {}
    student["step"](np.ones(2), np.ones(2), state)
    student["step"](np.ones(2), np.zeros(2), state)
    assert state == {"t": 2, "seen": [2.0, 0.0]}


def test_objects_stay_and_answer(session, student):
    v = student["Value"](4)
    assert v.data == 4 and v[2] == 20 and len(v) == 3 and list(v) == [0, 10, 20]
    v.data = 7
    assert v.data == 7 and student["maker"](3)(4) == 7
    x = np.zeros(2)
    v.set_(x)
    assert x.tolist() == [7, 7]
    assert type(v).__student_type__ == "Value"


@pytest.mark.parametrize("use", [
    lambda v: v == 4, lambda v: v != 4, lambda v: v < 5, bool, float, int, abs,
    lambda v: v + 1, lambda v: 1 - v, lambda v: np.ones(2) + v, np.asarray, np.isfinite,
    lambda v: np.allclose(v, v), lambda v: v in (1, 2), lambda v: np.add(v, 1),
    lambda v: f"{v:.2f}", lambda v: 3 in v])
def test_an_object_is_no_number_and_equals_nothing(student, use):
    with pytest.raises(TypeError):
        use(student["Value"](4))


def test_operators_where_the_author_asks_for_them(session):
    value = session.answers(("Value",), operators=("Value",))["Value"]
    total = 1 + (value(2) + value(3)) + 4
    assert total.data == 10
    for use in (lambda: total == 10, lambda: total < 3, lambda: float(total)):
        with pytest.raises(TypeError):
            use()


def test_after_a_death_functions_are_there_again_and_objects_are_not():
    with Session(notebook(CELLS), "bubblewrap", limits=LIMITS) as session:
        student = session.answers(NAMES)
        value = student["Value"](1)
        assert [student["counted"](), student["counted"]()] == [1, 2]
        with pytest.raises(WorkerDied, match="status 3"):
            student["die"]()
        assert student["counted"]() == 1
        with pytest.raises(WorkerDied, match="lost"):
            value.set_(np.ones(1))
        for _ in range(9):
            try:
                student["die"]()
            except WorkerDied as e:
                reason = str(e)
        assert "not started again" in reason


def test_a_budget_holds_for_all_calls_of_a_question():
    with Session(notebook("import time\ndef slow(): time.sleep(0.4)"), "bubblewrap",
                 limits=LIMITS) as session:
        done = 0
        with pytest.raises(WorkerDied), session.question(1.0):
            slow = session.answers(("slow",))["slow"]
            for _ in range(9):
                slow()
                done += 1
        assert done == 2
        session.answers(("slow",))["slow"]()  # the next question has time of its own


def test_our_functions_are_forgotten_between_questions(session):
    source = "kept = []\ndef keep(f): kept.append(f)\ndef use(): return kept[0](1)"
    session.ready().request("run", source, "cell", seconds=5)
    with session.question(5):
        session.answers(("keep",))["keep"](lambda x: "secret")
        assert session.answers(("use",))["use"]() == "secret"
    with session.question(5), pytest.raises(WorkerDied, match="does not exist"):
        session.answers(("use",))["use"]()


def test_what_a_test_cannot_give_is_refused(student):
    with pytest.raises(TypeError, match="a test gives the student a set"):
        student["double"]({1, 2})


@pytest.mark.parametrize(("cell", "source", "note"), [
    ("x = 5 % 3", "x = 5 % 3", ""),
    ("y = (1\n  % 2)", "y = (1\n  % 2)", ""),
    ("%matplotlib inline\nx = 1", "pass\nx = 1", "%matplotlib"),
    ("if x:\n    !ls", "if x:\n    pass", "!ls"),
    ("%%time\nx = 1", "pass\nx = 1", "%%time"),
    ("\n%%bash\nls", "", "%%bash"),
    ("s = '''\n%no magic\n'''", "s = '''\n%no magic\n'''", ""),
])
def test_magics(cell, source, note):
    got, text = _prepare(cell)
    assert got == source and note in text and bool(text) == bool(note)


def test_a_view_of_the_library_lacks_what_is_withheld(tmp_path):
    allows = ("lecturelib.backend", "lecturelib.kernels", "lecturelib.core", "lecturelib.ops")
    sandbox.make_view(tmp_path, allows, ("lecturelib.core.grad",))
    source = (tmp_path / "lecturelib/core.py").read_text("utf-8")
    assert "create_graph=create_graph" in source and "create_graph=nested" not in source
    data = notebook(
        "from lecturelib import Tensor, grad", "def f(): return (Tensor([2.0]) * 3).data",
        "def g(): return grad(lambda x: x)", "def h():\n import lecturelib.optim")
    with Session(data, "bubblewrap", allows, ("lecturelib.core.grad",), LIMITS) as session:
        student = session.answers(("f", "g", "h"))
        assert student["f"]().tolist() == [6.0]
        with pytest.raises(StudentError, match="asks you to write"):
            student["g"]()
        with pytest.raises(StudentError, match=r"No module named 'lecturelib.optim'"):
            student["h"]()


def test_a_module_that_the_author_allows():
    data = notebook("from scipy.special import expit\ndef f(x): return float(expit(x))")
    with Session(data, "bubblewrap", ("scipy",), limits=LIMITS) as session:
        assert session.answers(("f",))["f"](0.0) == 0.5


def test_system_calls_are_refused():
    if not seccomp.program():
        pytest.skip("the numbers of system calls are not known for this machine")
    source = "import socket\ndef f(): socket.socket(socket.AF_UNIX)"
    with (Session(notebook(source), "bubblewrap", limits=LIMITS) as session,
          pytest.raises(StudentError, match="PermissionError")):
        session.answers(("f",))["f"]()


def test_update_keeps_our_objects_and_takes_their_values():
    a, b = np.ones(2), np.ones(2)
    old = [a, {"k": b, "gone": 1}, 3]
    update(old, [np.zeros(2), {"k": np.full(2, 5.0), "new": 2}, 4, "more"])
    assert a.tolist() == [0, 0] and b.tolist() == [5, 5] and old[1:] == [old[1], 4, "more"]
    assert old[1]["new"] == 2 and "gone" not in old[1] and old[0] is a


def test_changes_array():
    x = np.array([1.0, np.nan])
    assert not changes_array(x, x.copy()) and not changes_array([x, 1], [x.copy(), 2])
    assert changes_array((x,), (x + 1,)) and changes_array(x, x[:1]) and changes_array(x, 3)
    assert changes_array({"m": x}, {"m": x + 1}) and not changes_array({"m": x}, {})


def test_without_a_sandbox_the_risk_is_named(monkeypatch):
    monkeypatch.setattr(sandbox, "available", lambda: "bubblewrap is not installed")
    with pytest.raises(sandbox.NoSandbox, match=r"not installed.*--no-sandbox.*read your files"):
        sandbox.choose()
    assert sandbox.choose(allow_none=True) == "none"
    assert "no sandbox" in sandbox.describe("none")


def test_without_a_sandbox_it_still_works():
    with Session(notebook("def f(x): return x + 1"), "none", limits=LIMITS) as session:
        assert session.answers(("f",))["f"](1) == 2
