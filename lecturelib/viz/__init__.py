"""What chapters show: source, figures in one style, graphs. `lecturelib` does not load it."""

try:
    from lecturelib.viz.graph import draw_graph
    from lecturelib.viz.live import LiveCurves
    from lecturelib.viz.source import show
    from lecturelib.viz.style import COLORS, setup
except ModuleNotFoundError as e:  # lecturelib alone needs only NumPy
    raise ModuleNotFoundError(
        f"lecturelib.viz needs {e.name}: pip install 'lecturelib[viz]'", name=e.name) from e

__all__ = ["COLORS", "LiveCurves", "draw_graph", "setup", "show"]
