"""What chapters show: source code, figures in one style, computation graphs. Not loaded by `lecturelib`."""

from lecturelib.viz.graph import draw_graph
from lecturelib.viz.source import show
from lecturelib.viz.style import COLORS, setup

__all__ = ["COLORS", "draw_graph", "setup", "show"]
