"""One look for all figures: vectors on transparent ground, in colours all eyes tell apart."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.rcsetup import cycler

# The palette of Okabe and Ito, without the yellow that vanishes on white.
COLORS = {"blue": "#0072B2", "orange": "#D55E00", "green": "#009E73", "pink": "#CC79A7",
          "sky": "#56B4E9", "amber": "#E69F00", "gray": "#767676"}

STYLE = {
    "axes.prop_cycle": cycler(color=list(COLORS.values())),
    "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.alpha": 0.25, "grid.linewidth": 0.6, "axes.axisbelow": True,
    "axes.titlesize": "medium", "axes.titleweight": "bold", "axes.titlelocation": "left",
    "figure.figsize": (6.4, 3.2), "figure.constrained_layout.use": True, "font.size": 11,
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
    "legend.frameon": False, "lines.linewidth": 2.0, "image.cmap": "gray",
    "svg.fonttype": "path", "svg.hashsalt": "lecturelib",  # the same figure gives the same bytes
}


def setup() -> None:
    """Use the book's style in this notebook (or script): call it once, before the first figure."""
    mpl.rcParams.update(STYLE)
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    if get_ipython() is not None:
        set_matplotlib_formats("svg", metadata={"Date": None, "Creator": None})
