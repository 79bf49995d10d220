"""Figures have one look, and the same figure gives the same bytes."""

import io
import subprocess
import sys

import matplotlib
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


def test_a_missing_matplotlib_is_named_with_its_remedy():
    code = "import sys; sys.modules['matplotlib'] = None; import lecturelib.viz"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    assert "pip install 'lecturelib[viz]'" in run.stderr.splitlines()[-1]
