"""What chapters show: source, figures in one style, graphs. `lecturelib` does not load it."""

from lecturelib.viz.graph import draw_graph
from lecturelib.viz.source import show
from lecturelib.viz.style import COLORS, setup

__all__ = ["COLORS", "draw_graph", "setup", "show"]
