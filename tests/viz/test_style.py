"""Figures have one look, and the same figure gives the same bytes."""

import io
import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from lecturelib import viz


@pytest.fixture(autouse=True)
def own_settings():
    with matplotlib.rc_context():
        yield
    plt.close("all")


def svg():
    fig, ax = plt.subplots()
    ax.plot([1, 2, 3], label="a line")
    ax.legend()
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def test_same_figure_same_bytes():
    viz.setup()
    assert svg() == svg()


def test_ground_is_transparent_and_text_needs_no_fonts():
    viz.setup()
    page = svg()
    assert "<text" not in page
    assert plt.rcParams["figure.facecolor"] == plt.rcParams["axes.facecolor"] == "none"


def contrast(color, ground):
    """The WCAG contrast ratio of two colours."""
    def luminance(c):
        rgb = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
               for v in matplotlib.colors.to_rgb(c)]
        return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]
    light, dark = sorted((luminance(color), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["blue", "orange", "green", "gray"])
def test_the_first_colours_can_be_seen_on_white(name):
    assert contrast(viz.COLORS[name], "white") >= 3


def in_the_dark(color):
    """What the book's style sheet makes of a colour on dark pages: inverted, hue turned back."""
    style = (Path(__file__).parents[2] / "book" / "_static" / "lecture.css").read_text("utf-8")
    amount = float(re.search(r"filter: invert\(([\d.]+)\) hue-rotate\(180deg\)", style)[1])
    inverted = amount + (1 - 2 * amount) * np.array(matplotlib.colors.to_rgb(color))
    gray = np.array([0.213, 0.715, 0.072])  # of the definition of hue-rotate
    return np.clip(2 * gray @ inverted - inverted, 0, 1)


@pytest.mark.parametrize("name", [*viz.COLORS, "black", "0.4", "0.5"])
def test_all_colours_can_be_seen_in_the_dark(name):
    assert contrast(in_the_dark(viz.COLORS.get(name, name)), "#121212") >= 3


def test_hues_stay_in_the_dark():
    for name in ("blue", "orange", "green"):
        before, after = matplotlib.colors.to_rgb(viz.COLORS[name]), in_the_dark(viz.COLORS[name])
        assert np.argmax(before) == np.argmax(after)


def test_a_missing_matplotlib_is_named_with_its_remedy():
    code = "import sys; sys.modules['matplotlib'] = None; import lecturelib.viz"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    assert "pip install 'lecturelib[viz]'" in run.stderr.splitlines()[-1]
