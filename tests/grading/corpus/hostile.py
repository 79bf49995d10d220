"""Submissions that lie, attack, hang, crash or are simply broken, and what each must get.

Each is made of the honest answers of `tiny.py` with something replaced. `points`: the honest mark
for each question; `status`: of the whole; `says`: what the feedback must tell a teacher (a | b: one
of these).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from tiny import DOUBLE, HONEST, answers, notebook

FULL = (2.0, 2.0, 2.0, 2.0)
NOT_Q1 = (0.0, 2.0, 2.0, 2.0)
NONE = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Case:
    """One submission."""

    name: str
    data: bytes | None
    points: tuple[float, ...] = NOT_Q1
    status: str = "graded"
    says: str = ""


def q1(body: str) -> bytes:
    """The honest notebook with another body of `double`."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return answers(double=f"def double(x):\n{lines}\n")


STEAL = """\
import gc, os, sys
found = []
for root in ('/', '/work', '/home', '/root', '/tmp', '/proc', '/etc'):
    for folder, _, files in os.walk(root):
        for name in files:
            if name.endswith(('.ipynb', '.sqlite')) or 'exercise' in name or 'running' in name:
                found.append(os.path.join(folder, name))
for thing in gc.get_objects():
    if isinstance(thing, (dict, str)) and 'test_hidden' in str(thing)[:20000]:
        if 'STEAL' not in str(thing) and 'found' not in str(thing): found.append('gc')
frame = sys._getframe()
while frame:
    if any('expected' in str(k) for k in frame.f_locals): found.append('frame')
    frame = frame.f_back
raise ValueError(f"found: {found}")
"""
FORGE = """\
import json, os, struct, sys
from lecturelib.grading import worker, protocol
full = {"score": 100, "status": "graded", "tests": [{"score": 100, "max_score": 1}]}
for place in ('/autograder/results', '/tmp', '.', '/view', os.path.expanduser('~')):
    try:
        os.makedirs(place, exist_ok=True)
        open(place + '/results.json', 'w').write(json.dumps(full))
    except OSError:
        pass
sys.modules['lecturelib.grading.running'] = sys
protocol.encode = lambda value, refer: b'T'
worker.encode = protocol.encode
"""
PIPE = """\
import json, os, sys
setup = json.loads(sys.argv[1])
def send(data):
    os.write(setup['write'], data)
"""
EQUAL = """\
class Equal:
    __array_priority__ = 1e9
    shape, ndim, size, dtype = (2,), 1, 2, np.dtype(float)
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __lt__ = __le__ = __gt__ = __ge__ = __eq__
    __hash__ = object.__hash__
    def __bool__(self): return True
    def __float__(self): return 2.0
    def __sub__(self, other): return 0.0
    __rsub__ = __add__ = __radd__ = __mul__ = __rmul__ = __sub__
    def __abs__(self): return 0.0
    def __array_ufunc__(self, *a, **k): return np.zeros(2)
    def __array_function__(self, *a, **k): return True
    def __array__(self, *a, **k): return np.zeros(2)
    def __len__(self): return 2
    def __getitem__(self, i): return 0.0
"""
SUBCLASS = """\
class Sly(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool)
    def __sub__(self, other): return np.zeros(self.shape)
    __rsub__ = __sub__
    def __array_ufunc__(self, ufunc, method, *args, **keywords):
        return np.ones(self.shape, bool)
"""
PATCH_NUMPY = """\
import numpy as np
np.allclose = np.isclose = np.array_equal = lambda *a, **k: True
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None
np.asarray = np.array = lambda *a, **k: 0.0
"""
PATCH_BUILTINS = """\
import builtins
builtins.abs = builtins.max = builtins.sum = lambda *a, **k: 0
builtins.isinstance = lambda *a: True
builtins.all = lambda *a: True
builtins.AssertionError = Warning
"""
PATCH_LIBRARY = """\
import lecturelib.grading as grading, sys, types
running = types.ModuleType('lecturelib.grading.running')
running.iter_tests = running.run_tests = lambda *a, **k: []
sys.modules['lecturelib.grading.running'] = running
sys.modules['lecturelib.grading.compare'] = running
running.close = lambda *a, **k: None
grading.check = lambda *a: True
"""
NETWORK = """\
import socket
s = socket.create_connection(('1.1.1.1', 53), timeout=2)
s.sendall(b'hello')
"""
BOMB = """\
import os
def bomb():
    children = 0
    for _ in range(200):
        if os.fork() == 0:
            while True: pass
        children += 1
"""
DEAF = """\
import signal
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True:
    try:
        while True: pass
    except BaseException: pass
"""
ZERO_INPUT = "x[...] = 0\nreturn x"
RECURSE = "import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1)\nreturn f(0)"
DEEP_JSON = b'{"cells": ' + b"[" * 200_000


def magic_notebook() -> bytes:
    """What Jupyter and Colab users leave in their cells."""
    return answers("%matplotlib inline\n!pip install numpy\nimport matplotlib.pyplot as plt\n"
                   "fig, ax = plt.subplots()\nax.plot([1, 2])\nplt.show()",
                   "%%bash\nrm -rf /", "%%time\ny = 1 if 3 % 2 else 0\n",
                   "from lecturelib.grading import check, start\nstart('tiny')\ncheck('q1')",
                   "from tqdm.auto import tqdm\nz = [i for i in tqdm(range(3))]\ndisplay(z)")


def metadata_notebook() -> bytes:
    """A notebook that brings its own marks."""
    data = json.loads(answers(double=""))
    data["metadata"] = {"otter": {"score": 100}, "nbgrader": {"points": 100, "grade": True},
                        "lecturelib": {"score": 8, "status": "graded", "exercise": "other"}}
    for cell in data["cells"]:
        cell["metadata"] = {"nbgrader": {"grade": True, "points": 50, "grade_id": "q1",
                                         "locked": False, "schema_version": 3}}
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "q1 passed!"}]
    return json.dumps(data).encode()


def large_outputs() -> bytes:
    """Fifty megabytes of stored pictures."""
    data = json.loads(answers())
    data["cells"][0]["outputs"] = [{"output_type": "display_data", "metadata": {},
                                    "data": {"image/png": "A" * 50_000_000}}]
    return json.dumps(data).encode()


def lines_as_lists() -> bytes:
    """Sources as lists of lines, as Jupyter writes them, and a cell of each other kind."""
    data = json.loads(answers())
    for cell in data["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
    data["cells"] += [{"cell_type": "markdown", "source": "def double(x): pass"},
                      {"cell_type": "raw", "source": ["double = 3"]}]
    return json.dumps(data).encode()


def old_format() -> bytes:
    """Format 3 kept its cells elsewhere."""
    return json.dumps({"nbformat": 3, "worksheets": [
        {"cells": [{"cell_type": "code", "input": [DOUBLE]}]}]}).encode()


CORPUS = [
    Case("honest", answers(), FULL),
    # ends, hangs, bombs
    Case("exit in a cell", answers("import os\nos._exit(0)"), FULL, says="ended its own process"),
    Case("sys.exit in a cell", answers("import sys\nsys.exit(0)"), FULL, says="SystemExit"),
    Case("exit in the answer", q1("import os\nos._exit(0)"), status="stopped", says="ended its"),
    Case("sys.exit in the answer", q1("raise SystemExit(0)"), says="SystemExit"),
    Case("endless loop in a cell", answers("while True: pass"), FULL, says="no answer within"),
    Case("endless loop, deaf to interrupts", q1(DEAF), status="stopped", says="no answer within"),
    Case("sleeps for ever", q1("import time\ntime.sleep(1e6)"), status="stopped",
         says="no answer within"),
    Case("slow answer", q1("import time\ntime.sleep(2.2)\nreturn 2 * x"), (1.0, 2.0, 2.0, 2.0),
         status="stopped", says="no answer within"),
    Case("memory bomb", q1("return np.concatenate([np.ones(10**8)] * 10**3)"), says="MemoryError"),
    Case("memory bomb of lists", q1("y = [0]\nwhile True: y = y + y"), says="MemoryError"),
    Case("fork bomb", answers(BOMB, double="def double(x):\n    bomb()\n    return 2 * x\n"),
         says="BlockingIOError"),
    Case("threads", q1("import threading\nfor _ in range(99):\n"
                       "    threading.Thread(target=print).start()\nreturn 2 * x"),
         says="can't start new thread"),
    Case("fills the disk", q1("for i in range(99):\n    with open(f'/tmp/{i}', 'wb') as f:\n"
                              "        f.write(bytes(15 << 20))\nreturn 2 * x"),
         says="No space left"),
    Case("a huge file", q1("import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
                           "open('/tmp/a', 'wb').write(bytes(40 << 20))\nreturn 2 * x"),
         says="File too large"),
    Case("flood of prints", answers("for i in range(200_000): print('spam ' * 20)"), FULL,
         says="spam"),
    Case("flood of bytes", answers("import os\nfor i in range(2000): os.write(1, bytes(9999))"),
         FULL),
    Case("endless recursion", q1(RECURSE), status="stopped|graded",
         says="crashed|MemoryError|RecursionError|no answer within"),  # Pythons differ
    Case("kills its neighbours", answers("import os, signal\nos.kill(-1, signal.SIGKILL)"), FULL),
    Case("dies in every cell", notebook(*["import os\nos._exit(1)"] * 12), NONE,
         status="stopped", says="not started again"),
    # lies
    Case("equals everything", answers(EQUAL, double="def double(x):\n    return Equal()\n"),
         says="Equal"),
    Case("array subclass", answers(SUBCLASS, double="def double(x):\n    return x.view(Sly)\n"),
         says="Sly"),
    Case("float subclass", answers("class F(float):\n    __eq__ = lambda s, o: True\n",
                                   double="def double(x):\n    return F(1)\n"), says="F"),
    Case("patches NumPy", answers(PATCH_NUMPY, double="def double(x):\n    return x\n")),
    Case("patches builtins", answers(PATCH_BUILTINS, double="def double(x):\n    return x\n"),
         NONE, "needs a human", "TypeError"),  # Python itself no longer works there
    Case("patches the library", answers(PATCH_LIBRARY, double="def double(x):\n    return x\n")),
    Case("forges results", answers(FORGE, double="def double(x):\n    return x\n"),
         says="no answer"),
    Case("brings its marks along", metadata_notebook(), says="not defined"),
    Case("zeroes its input", q1(ZERO_INPUT), says="changed an array"),
    Case("zeroes its input, by a closure", answers(
        double="class D:\n    def __call__(self, x):\n        x[...] = 0\n        return x\n"
               "double = D()\n"), says="changed an array"),
    Case("returns its input, scaled in place", q1("x *= 2\nreturn x"), says="changed an array"),
    Case("fakes the callback", answers(
        descend="def descend(f, x, steps):\n    f.number = 7\n    return f(x)\n"),
        (2.0, 0.0, 2.0, 2.0), status="stopped", says="does not exist"),
    Case("floods the callback", answers(
        descend="def descend(f, x, steps):\n    while True: f(x)\n"),
        (2.0, 0.0, 2.0, 2.0), status="stopped", says="no answer within"),
    Case("a callback with nonsense", answers(
        descend="def descend(f, x, steps):\n    return f('a', 3, z=object())\n"),
        (2.0, 0.0, 2.0, 2.0), says="TypeError"),
    # looks around
    Case("steals tests", q1(STEAL), says="found: []"),
    Case("network", q1(NETWORK), says="Error"),
    Case("reads the password file", q1("return open('/etc/passwd').read()"),
         says="FileNotFoundError"),
    Case("writes where it can", q1("open('/view/lecturelib/x.py', 'w')\nreturn 2 * x"),
         says="Read-only"),
    Case("starts a program", q1("import subprocess\nsubprocess.run(['/bin/sh', '-c', 'id'])"),
         says="Error"),
    Case("calls C", q1("import ctypes\nreturn 2 * x"), says="ImportError"),
    Case("becomes root", q1("import os\nos.setuid(0)\nreturn 2 * x"),
         says="PermissionError|OSError"),
    Case("reads the environment", q1("import os\nraise ValueError(sorted(os.environ))"),
         says="'HOME', 'LANG', 'OMP_NUM_THREADS'"),
    Case("uses what is not allowed", q1("import torch\nreturn 2 * x"), says="torch"),
    Case("uses the library's answer", q1("from lecturelib.optim import SGD\nreturn 2 * x"),
         says="lecturelib.optim"),
    Case("a method for an answer, that lies about itself", answers(
        double="class L:\n    shape = (2,)\n    @property\n    def __class__(self):\n"
               "        return np.ndarray\n    def __call__(self, x):\n        return self\n"
               "double = L()\n"), says="L"),
    Case("answers with our own function", answers(
        descend="def descend(f, x, steps):\n    return f\n"), (2.0, 0.0, 2.0, 2.0)),
    Case("keeps our function for later", answers(
        "kept = []", descend="def descend(f, x, steps):\n    kept.append(f)\n    return x\n",
        Counter="class Counter:\n    def __init__(self, n):\n        kept[0](n)\n"),
        (2.0, 0.0, 2.0, 0.0), "stopped", "does not exist"),
    Case("a class with a hostile name", answers(
        double="double = lambda x: type('<script>\\x1b[2J' * 99, (), {})()\n"), says="?script"),
    Case("a property for an answer", answers(
        Counter="class Counter:\n    def __init__(self, n): pass\n"
                "    def __getattr__(self, n): return self\n"
                "    def __call__(self, *a): return self\n"), (2.0, 2.0, 2.0, 0.0)),
    Case("a metaclass", answers(
        double="class M(type):\n    def __eq__(c, o): return True\n    __hash__ = None\n"
               "class double(metaclass=M):\n    def __new__(cls, x): return cls\n")),
    Case("a dict that collides", q1(
        "return {i * (2**61 - 1): 0 for i in range(1, 5000)}"), says="dict"),
    Case("changes after the fact", answers(
        double="import threading, time\ndef double(x):\n    y = np.zeros(x.shape)\n"
               "    return y\n"), says="expected"),
    Case("patches the worker's protocol", answers(
        "from lecturelib.grading import worker\nworker._Server.perform = "
        "lambda self, *a: (np.array([2.0, -4.0]), None)"), NONE, "stopped", "no answer"),
    # breaks the pipe
    Case("garbage on the pipe", answers(PIPE, double="def double(x):\n    send(bytes(99))\n"),
         status="stopped", says="not asked"),
    Case("a frame of 4 GB", answers(
        PIPE, double="def double(x):\n    send(b'\\xff' * 8 + bytes(99))\n"),
        status="stopped", says="MB"),
    Case("a pickle", answers(PIPE, double=(
        "def double(x):\n    import pickle, struct\n    data = pickle.dumps(print)\n"
        "    from lecturelib.grading import worker\n    import gc\n"
        "    (s,) = [o for o in gc.get_objects() if type(o) is worker._Server]\n"
        "    send(struct.pack('<II', len(data), s.number) + data)\n")),
        status="stopped", says="malformed"),
    Case("closes the pipe", answers(PIPE, double=(
        "def double(x):\n    import os\n    os.close(setup['write'])\n    while True: pass\n")),
        status="stopped", says="closed its end"),
    Case("a result of 100 MB", q1("return np.zeros(100 << 17)"), says="more than 64 MB"),
    Case("a result of 50 MB", q1("return np.zeros(50 << 17)"), says="shape"),
    Case("a list in itself", q1("y = []\ny.append(y)\nreturn y"), says="nested"),
    Case("a million values", q1("return list(range(10**6))"), says="arrays instead"),
    # broken or careless
    Case("empty file", b"", NONE, "needs a human", "empty"),
    Case("no file", None, NONE, "needs a human", "No notebook"),
    Case("truncated", answers()[:300], NONE, "needs a human", "cut off"),
    Case("not JSON", b"PK\x03\x04 a Word file", NONE, "needs a human", "notebook"),
    Case("JSON, deep", DEEP_JSON, NONE, "needs a human", "notebook"),
    Case("JSON, large", b"[" + b"[]," * 8_000_000 + b"[]]", NONE, "needs a human",
         "MemoryError|no notebook"),
    Case("JSON, no notebook", b"[1, 2]", NONE, "needs a human", "notebook"),
    Case("format 3", old_format(), NONE, "needs a human", "format 4"),
    Case("too large", b" " * 67_000_000 + b"x", NONE, "needs a human", "MB"),
    Case("another exercise", notebook("def other(): pass"), NONE, "needs a human", "another"),
    Case("large outputs", large_outputs(), FULL),
    Case("lines as lists", lines_as_lists(), FULL),
    Case("magics and figures", magic_notebook(), FULL, says="%%bash"),
    Case("missing cell", answers(double=""), says="double is not defined"),
    Case("duplicated cell, the last one counts", answers("def double(x):\n    return 0\n"), FULL),
    Case("reordered cells", notebook(*reversed(HONEST.values()), "import numpy as np"), FULL),
    Case("syntax error", answers(double="def double(x)\n    return 2 * x\n"), says="SyntaxError"),
    Case("wrong name", answers(double="def Double(x):\n    return 2 * x\n"), says="not defined"),
    Case("an error before the answer", answers("1 / 0\na = 2", "undefined_name"), FULL,
         says="ZeroDivisionError"),
    Case("not a function", answers(double="double = 3\n"), says=""),
    Case("NaN", q1("return x * np.nan"), says="nan"),
    Case("infinity", q1("return x / np.zeros(1)"), says="inf"),
    Case("NaN as a number", q1("return float('nan')"), says="shape"),
    Case("complex", q1("return 2 * x + 1j"), says="j"),
    Case("text", q1("return '2.0, -4.0'"), says="str"),
    Case("objects", q1("return (2 * x).astype(object)"), says="object"),
    Case("nothing", q1("2 * x"), says="None"),
    Case("a known mistake", q1("return x * x"), says="2x is not x squared."),
    Case("strange exception", answers(
        "class E(Exception):\n    def __str__(self): raise KeyError\n",
        double="def double(x):\n    raise E\n"), says="cannot be shown"),
    Case("warnings and prints", q1("import warnings\nwarnings.warn('w')\nprint('p')\nreturn 2 * x"),
         FULL),
    Case("other library in view", q1("import numpy.linalg, math, random\nreturn 2 * x"), FULL),
    Case("a view of the input", q1("y = x.view()\ny[...] = 0\nreturn np.zeros(x.shape)"),
         says="changed an array"),
    Case("html and formulas", answers(
        "print('=HYPERLINK(1) <script>alert(1)</script> `````')",
        double="def double(x):\n    raise ValueError('<script>alert(1)</script>')\n"),
        says="<script>"),
]
