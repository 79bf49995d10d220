"""`show` displays what runs: the whole source, its place, and a stable line for the notebook."""

import numpy as np
import pytest

from lecturelib import core, ops
from lecturelib.nn import Linear
from lecturelib.viz import show
from lecturelib.viz.source import ROOT, Source


def test_function_source_is_the_text_of_the_file():
    source = Source(core.hvp)
    lines = (ROOT / source.path).read_text(encoding="utf-8").splitlines()
    assert source.path == "lecturelib/core.py"
    first = "def hvp(f: Callable, x: Any, v: Any) -> Any:"
    assert source.code.splitlines()[0] == lines[source.line - 1] == first
    assert "return grad(" in source.code.splitlines()[-1]


def test_method_is_dedented():
    assert Source(Linear.forward).code.startswith("def forward(self")


def test_module_is_shown_whole():
    assert Source(core).code == (ROOT / "lecturelib/core.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("op", [ops.multiply, ops.shape.concatenate, core.sum_to])
def test_primitive_is_shown_with_its_rules(op):
    code = Source(op).code
    assert code.startswith("@primitive\ndef ")
    assert f"{op.__name__}.defvjp(" in code
    compile(code, "shown", "exec")  # complete statements, cut at the right lines


def test_stored_line_is_short_and_stable():
    assert repr(Source(ops.multiply)) == "<source of multiply, lecturelib/ops/elementwise.py>"
    data, metadata = Source(ops.multiply)._repr_mimebundle_()
    assert data["text/plain"] == repr(Source(ops.multiply))
    assert metadata == {"lecturelib": {"generated": True}}


def test_html_names_the_place_and_escapes_the_code():
    page = Source(ops.sign).html()
    source = Source(ops.sign)
    assert f"{source.path}, line {source.line}" in page
    assert "<script" not in page
    assert "lambda" in page


@pytest.mark.parametrize("thing", [np.sin, 3, "text"])
def test_what_has_no_source_is_named(thing):
    with pytest.raises(TypeError, match="no Python source"):
        show(thing)
