"""Callbacks: when they are told what, and early stopping by hand-made histories and real runs."""

import math
import re

import numpy as np
import pytest

from lecturelib import data, nn
from lecturelib.data import Dataset
from lecturelib.optim import SGD
from lecturelib.optim.averaging import WeightAverage
from lecturelib.optim.clipping import clip_grad_norm_
from lecturelib.optim.schedules import reduce_on_plateau
from lecturelib.train import (
    AfterEpoch,
    AfterStep,
    BeforeStep,
    Callback,
    EarlyStopping,
    History,
    evaluate,
    fit,
)


def digits(n=200):
    return data.digits().train[:n]


def run(callbacks=(), lr=0.1, seed=0, **options):
    rng = np.random.default_rng(seed)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 12, rng=rng), nn.BatchNorm1d(12), nn.Linear(12, 10, rng=rng)
    )
    optimizer = SGD(model.parameters(), lr=lr, momentum=0.9)
    options = {"epochs": 2, "batch_size": 64, "progress": False, **options}
    history = fit(model, optimizer, digits(), rng=rng, callbacks=callbacks, **options)
    return model, history


class Diary(Callback):
    """Notes every call, and what stood in the history, the gradients and the weights then."""

    def __init__(self):
        self.moments, self.lengths, self.weights, self.gradients = [], [], [], []

    def note(self, run, moment):
        self.moments.append(moment)
        history = run.history
        self.lengths.append((len(history.step_loss), len(history.loss), len(history.val_loss)))
        p = run.model.parameters()[0]
        self.weights.append(p.data.copy())
        self.gradients.append(None if p.grad is None else p.grad.copy())

    def before_training(self, run):
        self.note(run, "begin")

    def before_step(self, run):
        self.note(run, "before")

    def after_step(self, run):
        self.note(run, "after")

    def after_epoch(self, run):
        self.note(run, "epoch")

    def after_training(self, run):
        self.note(run, "end")


def test_every_moment_comes_in_its_order_and_finds_what_it_is_promised():
    diary = Diary()
    run([diary], validation=digits(20), batch_size=100)
    epoch = ["before", "after"] * 2 + ["epoch"]
    assert diary.moments == ["begin", *epoch, *epoch, "end"]
    first = [(0, 0, 0), (1, 0, 0), (1, 0, 0), (2, 0, 0), (2, 1, 1)]
    second = [(2, 1, 1), (3, 1, 1), (3, 1, 1), (4, 1, 1), (4, 2, 2)]
    assert diary.lengths == [(0, 0, 0), *first, *second, (4, 2, 2)]
    for k, moment in enumerate(diary.moments):
        moved = not np.array_equal(diary.weights[k], diary.weights[k - 1])
        assert moved == (moment == "after") or k == 0
        if moment == "after":
            assert np.array_equal(diary.gradients[k], diary.gradients[k - 1])
            assert diary.gradients[k].any()


def test_callbacks_change_nothing_by_being_there():
    (a, first), (b, second) = run(), run(iter([Callback(), Diary()]))
    assert first == second and first.stopped == ""
    assert np.array_equal(a.parameters()[0].data, b.parameters()[0].data)


@pytest.mark.parametrize("kind, calls", [(BeforeStep, 8), (AfterStep, 8), (AfterEpoch, 2)])
def test_functions_are_called_at_their_moment_with_the_run(kind, calls):
    runs = []
    _, history = run([kind(runs.append)])
    assert len(runs) == calls and all(r.history is history for r in runs)


def test_clipping_before_the_step_bounds_it():
    path = []
    clip = BeforeStep(lambda run: clip_grad_norm_(run.model.parameters(), 1e-3, eps=0))
    note = AfterStep(lambda run: path.append([p.data for p in run.model.parameters()]))
    run([clip, note], batch_size=200, epochs=1)
    run([note], batch_size=200, epochs=1)
    start = nn.Sequential(
        nn.Linear(64, 12, rng=(rng := np.random.default_rng(0))), nn.Linear(12, 10, rng=rng)
    )
    moved = path[0][0] - start[0].weight.data
    assert 0 < np.linalg.norm(moved) <= 0.1 * 1e-3 * 1.001
    assert np.linalg.norm(path[1][0] - start[0].weight.data) > 1e-2


def test_an_average_is_updated_after_every_step():
    averages, path = [], []

    class Average(Callback):
        def before_training(self, run):
            averages.append(WeightAverage(run.model, 0.5))

    update = AfterStep(lambda run: averages[0].update())
    note = AfterStep(lambda run: path.append(run.model[1].weight.data.copy()))
    run([Average(), update, note])
    expected = path[0]
    for w in path[1:]:
        expected = 0.5 * expected + 0.5 * w
    np.testing.assert_allclose(averages[0].values[0], expected, rtol=1e-5, atol=1e-7)


def test_a_schedule_is_fed_with_what_validation_measured():
    schedule = reduce_on_plateau(0.1, patience=0, threshold=10.0, mode="max")  # never improves
    rates = []
    feed = AfterEpoch(lambda run: schedule.step(run.history.val_loss[-1]))
    note = AfterEpoch(lambda run: rates.append(run.optimizer.lr))
    run([feed, note], lr=schedule, epochs=3, validation=digits(20))
    assert rates == pytest.approx([0.1, 0.01, 0.001])


class Script(Callback):
    """Writes the values it was given into the history, and its epoch into the first weight."""

    def __init__(self, monitor, values):
        self.monitor, self.values = monitor, values

    def after_epoch(self, run):
        measured = getattr(run.history, self.monitor)
        measured[-1] = self.values[len(measured) - 1]
        run.model[1].weight.data = np.full((12, 64), len(measured), np.float32)
        run.model[2].running_mean = np.full(12, len(measured), np.float32)


def scripted(values, monitor="val_loss", **options):
    """Early stopping that is shown `values`: the callback, the history, the epoch restored."""
    stopping = EarlyStopping(monitor=monitor, **options)
    model, history = run(
        [Script(monitor, values), stopping], epochs=len(values), validation=digits(20)
    )
    epochs = {float(model[1].weight.data[0, 0]), float(model[2].running_mean[0])}
    assert len(epochs) == 1
    return stopping, history, epochs.pop()


INF, NAN = math.inf, math.nan
STORIES = [
    # values, options, epochs trained, best epoch
    ([5, 4, 3, 2, 1], {"patience": 1}, 5, 5),
    ([3, 2, 2, 1, 1], {"patience": 1}, 3, 2),
    ([3, 2, 4, 4, 1, 0], {"patience": 2}, 4, 2),
    ([3, 2, 4, 1, 4, 0, 3], {"patience": 2}, 7, 6),
    ([3, 2.5, 2.4, 2.2, 1], {"patience": 2, "min_delta": 0.4}, 4, 2),
    ([3, 2.8, 2.5, 2.3, 2.05, 2], {"patience": 2, "min_delta": 0.4}, 6, 5),
    ([3, NAN, 2, NAN, NAN, 1], {"patience": 2}, 5, 3),
    ([1, 2, 3, 2, 4], {"patience": 2, "mode": "max", "monitor": "val_metric"}, 5, 5),
    ([1, 2, 2, 1, 4], {"patience": 2, "mode": "max", "monitor": "metric"}, 4, 2),
    ([3, 2, 3, 4], {"patience": 1, "monitor": "loss"}, 3, 2),
]


@pytest.mark.parametrize("values, options, epochs, best", STORIES, ids=str)
def test_it_stops_when_patience_is_at_an_end_and_restores_the_best(values, options, epochs, best):
    stopping, history, restored = scripted(values, **options)
    assert len(history.loss) == epochs
    assert (stopping.best, stopping.best_epoch) == (values[best - 1], best)
    assert restored == best
    monitor = options.get("monitor", "val_loss")
    since = f"{monitor} has not improved since epoch {best}, where it was {values[best - 1]:.4g}"
    stopped = epochs < len(values) or epochs - best >= options["patience"]
    assert history.stopped == (since if stopped else "")
    assert repr(history).endswith(f", stopped: {since})" if stopped else "})")


def test_without_restoring_the_last_weights_stay():
    _, history, last = scripted([3, 2, 4, 4, 1], patience=2, restore_best=False)
    assert len(history.loss) == last == 4


def test_where_nothing_was_ever_measured_nothing_is_restored():
    _, history, last = scripted([NAN, NAN, NAN, NAN], patience=2)
    assert len(history.loss) == last == 2 and history.stopped


def test_a_real_run_ends_with_the_weights_of_its_best_epoch():
    noisy = Dataset(digits().x[:60], np.random.default_rng(0).integers(0, 10, 60))
    stopping = EarlyStopping(patience=3)
    model, history = run([stopping], epochs=40, validation=noisy)
    assert len(history.loss) == stopping.best_epoch + 3 < 40
    assert min(history.val_loss) == history.val_loss[stopping.best_epoch - 1] == stopping.best
    assert evaluate(model, noisy)[0] == stopping.best < history.val_loss[-1]


def test_each_fit_starts_anew():
    stopping = EarlyStopping(patience=2)
    _, first = run([Script("val_loss", [1, 2, 3, 4]), stopping], epochs=4, validation=digits(20))
    _, second = run([Script("val_loss", [9, 8, 7, 6]), stopping], epochs=4, validation=digits(20))
    assert len(first.loss) == 3 and len(second.loss) == 4
    assert first.stopped and not second.stopped and stopping.best_epoch == 4
    _, third = run([Script("val_loss", [NAN] * 4), stopping], epochs=4, validation=digits(20))
    assert len(third.loss) == 2 and stopping.best_epoch == 0


def test_training_stops_at_the_end_of_the_epoch_in_which_it_is_asked_to():
    def ask(run):
        if len(run.history.step_loss) == 5:
            run.history.stopped = "enough"

    diary = Diary()
    _, history = run([AfterStep(ask), diary], epochs=5)
    assert len(history.step_loss) == 8 and history.stopped == "enough"
    assert diary.moments[-1] == "end"


def nothing_is_trained(message, kind=ValueError, **options):
    steps = []
    count = AfterStep(steps.append)
    with pytest.raises(kind, match=message):
        run([*options.pop("callbacks", ()), count], **options)
    assert not steps


def test_what_would_fail_later_fails_before_the_first_step():
    nothing_is_trained("validation: the data set has no examples", validation=digits(0))
    nothing_is_trained(
        "EarlyStopping: to monitor val_loss, fit needs a data set as validation=",
        callbacks=[EarlyStopping(patience=1)],
    )
    nothing_is_trained(
        r"callbacks\[0\]: a Callback is needed, got <built-in function print>; wrap a function",
        TypeError,
        callbacks=[print],
    )


@pytest.mark.parametrize(
    "options, message",
    [
        ({"patience": 0}, "patience: at least 1 epoch is needed, got 0"),
        ({"patience": 1, "min_delta": -1}, "min_delta: must be at least 0, got -1"),
        ({"patience": 1, "min_delta": NAN}, "min_delta: must be at least 0, got nan"),
        ({"patience": 1, "monitor": "accuracy"}, r"monitor: one of \('loss', .* got 'accuracy'"),
        ({"patience": 1, "monitor": "step_loss"}, "monitor: one of"),
        ({"patience": 1, "monitor": "val_metric"}, "mode: 'min' or 'max' is needed for val_metric"),
        ({"patience": 1, "mode": "best"}, "mode: .*, got 'best'"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        EarlyStopping(**options)


def test_a_history_without_epochs_shows_why():
    assert re.fullmatch(r"History\(0 epochs, .*stopped: x\)", repr(History(stopped="x")))
