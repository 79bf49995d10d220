"""What every interactive figure owes: exact numbers in a small table, texts, one stable line."""

import re
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from gallery import TEXTS, WIDGETS, widget

from lecturelib.widgets import Explorable, check, choice, frames, numbers, share_kit, slider, table
from lecturelib.widgets.explorable import KIT

everywhere = pytest.mark.parametrize("name", WIDGETS)
LIMIT = 60 * 1024  # bytes of data that a widget may add to a page


class Wave(Explorable):
    """A small widget for these tests: a sine, and a word."""

    controls = (slider("k", "frequency", np.arange(9) / 4, 0.5, every=4),
                choice("kind", "kind", {"sin": "sine", "cos": "cosine"}),
                check("grid", "grid"), numbers("own", "own numbers", [1, 2]))
    x = np.linspace(0, 3, 50)

    @table
    def curve(self, kind, k):
        f = getattr(np, kind)
        return {"y": f(k * self.x), "word": kind, "words": [kind, "x"], "whole": [1, 7, 5000]}

    @table
    def constant(self):
        return {"gap": [1.0, np.nan, 0.3]}

    def still(self, frame):
        return f'<svg id="still-{frame["curve"]["word"]}"></svg>'


def wave(**start):
    return Wave(**TEXTS, **start)


@everywhere
def test_table_holds_the_numbers_of_the_library(name):
    w = widget(name)
    rng = np.random.default_rng(0)
    for part, over in w.parts.items():
        axes = [w._by_name[n].values[:: w._by_name[n].every] for n in over]
        grid = list(enumerate(product(*axes)))
        for i in rng.choice(len(grid), min(12, len(grid)), replace=False):
            index, values = grid[i]
            exact = getattr(w, part)(**dict(zip(over, values)))
            stored = frames.unpack(w.spec["layout"], w.data, part, index)
            assert stored.keys() == exact.keys()
            for key, value in exact.items():
                if isinstance(value, (str, list)):
                    assert stored[key] == value
                    continue
                value = np.asarray(value, float)
                spread = np.nanmax(value) - np.nanmin(value) if np.isfinite(value).any() else 0
                error = 0.501 * spread / 16382 + 1e-6 * np.nanmax(np.abs(value), initial=0)
                np.testing.assert_allclose(stored[key], value, rtol=0, atol=error)


def test_whole_numbers_texts_and_gaps_stay_exact():
    w = wave()
    index = [*product(("sin", "cos"), (0, 1, 2))].index(("cos", 1))  # the last control is fastest
    found = frames.unpack(w.spec["layout"], w.data, "curve", index)
    assert found["word"] == "cos" and found["words"] == ["cos", "x"]
    assert found["whole"].tolist() == [1, 7, 5000]
    np.testing.assert_allclose(found["y"], np.cos(Wave.x), atol=2 / 16382)
    gap = frames.unpack(w.spec["layout"], w.data, "constant", 0)["gap"]
    np.testing.assert_allclose(gap, [1, np.nan, 0.3], rtol=1e-6)


@everywhere
def test_it_is_small(name):
    w = widget(name)
    # base64 makes a third more of it, which the compression on the way takes back
    assert len(w.data) + len(repr(w.spec)) < LIMIT
    assert len(w.still(w.frame())) < 20_000


@everywhere
def test_the_line_of_text_is_stable_and_the_html_is_marked_as_generated(name):
    w = widget(name)
    again = type(w)(**TEXTS)
    bundle, metadata = again._repr_mimebundle_()
    assert bundle["text/plain"] == repr(w) == repr(again)
    assert bundle["text/plain"].startswith(f"{name}(") and "0x" not in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert metadata["lecturelib"] == {"generated": True}


def test_the_line_of_text_tells_state_and_numbers():
    class Other(Wave):
        x = np.linspace(0, 3.001, 50)

    w = wave()
    assert "k=0.5, kind='sin', grid=False, own=(1.0, 2.0)" in repr(w)
    assert repr(w) != repr(wave(k=0.25))
    assert repr(w).split("frames")[1] != repr(Other(**TEXTS)).split("frames")[1]


@everywhere
def test_html_is_self_contained_with_the_texts_escaped(name):
    page = widget(name).html()
    addresses = set(re.findall(r"https?://[^\"'\s)]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, never fetched
    assert "A picture with curves &amp; &lt;numbers&gt; in it" in page
    assert "<figcaption>Move the sliders" in page and "<svg" in page
    assert all("aria-hidden" in tag for tag in re.findall("<svg[^>]*>", page))
    assert 'class="ex-body" role="img" aria-label="A picture' in page
    assert "<numbers>" not in page and KIT.count("</script") == 0


def test_ids_are_unique_and_the_kit_is_shared():
    w, other = wave(), wave(k=1)
    page = w.html() + w.html() + other.html()
    ids = re.findall(r'<figure class="explorable" id="([\w-]+)"', page)
    assert len(set(ids)) == 3
    shared = share_kit(page)
    assert page.count(KIT) == 3 and shared.count(KIT) == 1
    assert shared.index(KIT) < shared.index("<figure")
    assert re.findall(r'<figure class="explorable" id="([\w-]+)"', shared) == ids
    assert len(shared) < len(page) - 2 * len(KIT)
    assert share_kit("<p>no widget</p>") == "<p>no widget</p>"


def test_the_still_shows_the_state():
    w = wave(kind="cos")
    assert "still-cos" in w.html()
    w.set(kind="sin")
    assert "still-sin" in w.html()


def test_state_is_set_and_read_by_values():
    w = wave(kind="cos", grid=True, own=[3, 4])
    assert w.state == {"k": 0.5, "kind": "cos", "grid": True, "own": (3.0, 4.0)}
    assert w.positions == {"k": 2, "kind": 1, "grid": 1, "own": [3.0, 4.0]}
    w.positions = {**w.positions, "k": 8}  # as the page moves it
    assert w.state["k"] == 2.0
    np.testing.assert_array_equal(w.frame(k=1.75)["curve"]["y"], np.cos(1.75 * Wave.x))
    np.testing.assert_array_equal(w.frame()["curve"]["y"], np.cos(2 * Wave.x))


@pytest.mark.parametrize("texts", [{}, {"caption": "", "alt": "A curve on axes"},
                                   {"caption": "Move the slider now", "alt": "fig"},
                                   {"caption": "Move the slider now"}])
def test_caption_and_alternative_text_are_required(texts):
    with pytest.raises((TypeError, ValueError), match=r"caption|alt"):
        Wave(**texts)


@pytest.mark.parametrize(("start", "error", "message"), [
    ({"k": 0.3}, ValueError, r"k: one of 0.0, 0.25.* is needed, got 0.3"),
    ({"kind": "tan"}, ValueError, r"kind: one of sin, cos is needed, got 'tan'"),
    ({"own": [1]}, ValueError, r"own: 2 finite numbers are needed"),
    ({"own": [1, np.nan]}, ValueError, r"own: 2 finite numbers"),
    ({"speed": 1}, TypeError, r"no control \['speed'\]; it has \['grid', 'k', 'kind', 'own'\]"),
])
def test_wrong_starts_are_refused(start, error, message):
    with pytest.raises(error, match=message):
        wave(**start)
    with pytest.raises(error, match=message):
        wave().set(**start)


def part_of(frame_of):
    class Broken(Wave):
        @table
        def constant(self, kind):
            return frame_of(kind)
    return Broken


@pytest.mark.parametrize(("frame_of", "error", "message"), [
    (lambda kind: {"y": [np.inf]}, ValueError, r"constant\(.*\)\['y'\]: infinite"),
    (lambda kind: {"y": np.zeros(2 + (kind == "cos"))}, ValueError, "same names and shapes"),
    (lambda kind: {kind: np.zeros(2)}, ValueError, "same names and shapes"),
    (lambda kind: {"y": {"z": 1}}, TypeError, r"\['y'\]: numbers, a string"),
])
def test_frames_that_no_table_can_hold_are_refused(frame_of, error, message):
    with pytest.raises(error, match=message):
        part_of(frame_of)(**TEXTS)


def test_wrong_declarations_are_refused():
    with pytest.raises(TypeError, match=r"Odd.curve: its arguments must be controls \[.*'k'"):
        class Odd(Wave):
            @table
            def curve(self, speed): ...
    with pytest.raises(ValueError, match="k: the number of values must be a multiple of every"):
        slider("k", "k", range(6), every=4)
    with pytest.raises(ValueError, match="at least two options"):
        choice("c", "c", {"a": "a"})
    with pytest.raises(NotImplementedError, match="must define still"):
        Explorable(**TEXTS).html()


@pytest.mark.parametrize(("name", "part", "at"), [
    ("ActivationExplorer", "inputs", {"function": "tanh", "std": 0.25 * 32 ** (7 / 60)}),
    ("OptimizerRace", "adam", {"surface": "beale", "lr": 0.1}),
])
def test_the_kernel_answers_exactly(name, part, at, monkeypatch):
    w, sent = widget(name), []
    monkeypatch.setattr(w, "send", lambda content, buffers: sent.append((content, buffers)))
    positions = {**w.positions, **{n: w._by_name[n].position(v) for n, v in at.items()}}
    w._handle_custom_msg({"part": part, "key": "2,1.75", "positions": positions}, [])
    ((content, buffers),) = sent
    exact = getattr(w, part)(**at)
    assert content["part"] == part and content["key"] == "2,1.75"
    assert list(content["arrays"]) == list(exact)
    for (key, shape), buffer in zip(content["arrays"].items(), buffers):
        got = np.frombuffer(buffer, "<f8").reshape(shape)
        np.testing.assert_allclose(got, exact[key], rtol=1e-12)


def test_the_library_does_not_load_it_and_says_what_is_missing():
    code = """if True:
        import sys, lecturelib, lecturelib.analysis
        assert not {'anywidget', 'ipywidgets', 'lecturelib.widgets'} & set(sys.modules)
        sys.modules['anywidget'] = None
        try:
            import lecturelib.widgets
        except ModuleNotFoundError as e:
            print(e)
    """
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "lecturelib.widgets needs anywidget: pip install 'lecturelib[viz]'" in said.stdout
