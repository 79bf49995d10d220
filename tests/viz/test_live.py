"""Curves that grow: what is drawn when, in a notebook, on a page and in a script."""

import IPython
import IPython.display
import matplotlib.pyplot as plt
import numpy as np
import pytest

from lecturelib import data, nn
from lecturelib.optim import SGD
from lecturelib.train import fit
from lecturelib.viz import LiveCurves


class Screen:
    """What IPython would show: the number of lines in the upper panel at each drawing."""

    def __init__(self, monkeypatch, notebook=True):
        self.shown, self.updates = [], []
        monkeypatch.setattr(IPython, "get_ipython", lambda: self if notebook else None)
        monkeypatch.setattr(IPython.display, "display", self.display)

    def display(self, figure, display_id):
        assert display_id is True
        self.shown.append(self.points(figure))
        return self

    def update(self, figure):
        self.updates.append(self.points(figure))

    def points(self, figure):
        return [len(line.get_xdata()) for line in figure.axes[0].lines]


def train(live, validation=True):
    d = data.digits().train[:100]
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10, rng=np.random.default_rng(0)))
    return fit(model, SGD(model.parameters(), lr=0.1), d, epochs=2, batch_size=50,
               rng=np.random.default_rng(0), validation=d if validation else None,
               callbacks=[live], progress=False)


def test_in_a_notebook_it_grows_with_every_step(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    screen = Screen(monkeypatch)
    train(LiveCurves(every=0))
    assert screen.shown == [[0]]  # once: later drawings take its place
    assert screen.updates == [[1], [2], [3, 1, 1], [4, 1, 1], [4, 2, 2]]


def test_it_redraws_no_more_often_than_asked(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    screen = Screen(monkeypatch)
    train(LiveCurves(every=1e6))
    assert screen.shown == [[0]] and screen.updates == [[4, 2, 2]]  # at the end in any case


def test_on_a_page_the_end_is_drawn_once(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    screen = Screen(monkeypatch)
    train(LiveCurves(every=0))
    assert screen.shown == [[4, 2, 2]] and screen.updates == []


def test_a_script_gets_the_figure_and_nothing_is_left_open(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    screen, before = Screen(monkeypatch, notebook=False), plt.get_fignums()
    live = LiveCurves(every=0, metric="accuracy")
    history = train(live)
    assert screen.shown == [] and plt.get_fignums() == before
    top, bottom = live.figure.axes
    np.testing.assert_array_equal(top.lines[0].get_xydata(),
                                  np.transpose([[1, 2, 3, 4], history.step_loss]))
    for ax, first, names in ((top, 1, ("loss", "val_loss")), (bottom, 0, ("metric", "val_metric"))):
        for line, name in zip(ax.lines[first:], names, strict=True):
            np.testing.assert_array_equal(
                line.get_xydata(), np.transpose([[2, 4], getattr(history, name)]))
    assert bottom.get_ylabel() == "accuracy"
    assert [t.get_text() for t in bottom.get_legend().get_texts()] == ["training", "validation"]


def test_without_validation_there_is_one_curve_less_and_it_may_be_used_again(monkeypatch):
    Screen(monkeypatch, notebook=False)
    live = LiveCurves()
    for _ in range(2):
        train(live, validation=False)
        assert [len(line.get_xdata()) for line in live.axes[0].lines] == [4, 2]


def test_a_negative_time_is_refused():
    with pytest.raises(ValueError, match="every: 0 seconds or more"):
        LiveCurves(every=-1)
