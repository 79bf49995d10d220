"""The loop: it learns, repeats itself, records every step, and stops when the loss is lost."""

import math
import sys

import numpy as np
import pytest
from helpers import assert_close

from lecturelib import Tensor, data, nn
from lecturelib import functional as F
from lecturelib.data import Dataset
from lecturelib.optim import SGD
from lecturelib.train import History, evaluate, fit


def model_and_optimizer(lr=0.1, momentum=0.9, seed=0):
    rng = np.random.default_rng(seed)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 16, rng=rng), nn.ReLU(), nn.Linear(16, 10, rng=rng)
    )
    return model, SGD(model.parameters(), lr=lr, momentum=momentum)


def small(n=200):
    return data.digits().train[:n]


def run(seed=0, **options):
    model, optimizer = model_and_optimizer()
    options = {"epochs": 2, "batch_size": 64, "progress": False, **options}
    return model, fit(model, optimizer, small(), rng=np.random.default_rng(seed), **options)


def test_it_learns_the_digits():
    model, optimizer = model_and_optimizer()
    digits = data.digits()
    history = fit(
        model,
        optimizer,
        digits.train,
        epochs=5,
        rng=np.random.default_rng(0),
        validation=digits.test,
        progress=False,
    )
    assert history.loss[-1] < 0.25 * history.loss[0]
    assert history.metric[-1] > 0.9 and history.val_metric[-1] > 0.85
    assert history.val_loss == sorted(history.val_loss, reverse=True)


def test_the_history_has_an_entry_for_each_step_and_epoch():
    _, history = run(epochs=3, validation=small(50))
    assert len(history.step_loss) == 3 * math.ceil(200 / 64)
    for name in ("loss", "metric", "val_loss", "val_metric"):
        assert len(getattr(history, name)) == 3
        assert all(type(v) is float for v in getattr(history, name))
    assert repr(history).startswith("History(3 epochs, 12 steps, last: {'loss': ")
    _, history = run()
    assert history.val_loss == [] and history.val_metric == []
    assert repr(History()) == "History(0 epochs, 0 steps, last: {})"


def test_epoch_averages_count_examples_and_not_batches():
    _, history = run(epochs=1)
    sizes = [64, 64, 64, 8]
    assert history.loss[0] == pytest.approx(np.average(history.step_loss, weights=sizes), rel=1e-12)


def test_same_seed_same_run_and_no_global_state():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    (a, first), (b, second), (_, other) = run(), run(), run(seed=1)
    assert first == second and first != other
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert np.array_equal(p.data, q.data)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_fitting_again_goes_on():
    model, optimizer = model_and_optimizer()
    rng = np.random.default_rng(0)
    first = fit(model, optimizer, small(), epochs=1, rng=rng, batch_size=64, progress=False)
    second = fit(model, optimizer, small(), epochs=1, rng=rng, batch_size=64, progress=False)
    _, both = run()
    assert first.step_loss + second.step_loss == both.step_loss


def test_one_step_is_the_step_by_hand():
    model, optimizer = model_and_optimizer()
    twin, twin_optimizer = model_and_optimizer()
    fit(
        model,
        optimizer,
        small(),
        epochs=1,
        rng=np.random.default_rng(0),
        batch_size=200,
        progress=False,
    )
    order = np.random.default_rng(0).permutation(200)
    x, y = small().x[order], small().y[order]
    F.cross_entropy(twin(x), y).backward()
    twin_optimizer.step()
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        assert_close(p.data, q.data, np.float32)


def test_other_losses_and_metrics():
    x = np.linspace(-1, 1, 50, dtype=np.float32).reshape(-1, 1)
    line = Dataset(x, 3 * x + 1)
    model = nn.Linear(1, 1, rng=np.random.default_rng(0))
    history = fit(
        model,
        SGD(model.parameters(), lr=0.3),
        line,
        epochs=60,
        batch_size=25,
        rng=np.random.default_rng(0),
        loss=F.mse_loss,
        progress=False,
        metric=lambda scores, y: float(np.abs(scores.data - y).max()),
        validation=line,
    )
    assert history.val_metric[-1] < 0.01
    np.testing.assert_allclose(model.weight.data, 3, atol=0.02)


@pytest.mark.parametrize("epochs", [0, -1])
def test_epochs_are_at_least_one(epochs):
    with pytest.raises(ValueError, match=f"epochs: at least 1 is needed, got {epochs}"):
        run(epochs=epochs)


@pytest.mark.parametrize("size, kind", [(0, ValueError), (-1, ValueError), (2.5, TypeError)])
def test_a_wrong_batch_size_is_named(size, kind):
    with pytest.raises(kind, match="batch_size: "):
        run(batch_size=size)


def test_wrong_rng_and_wrong_labels_are_named():
    model, optimizer = model_and_optimizer()
    with pytest.raises(TypeError, match="rng"):
        fit(model, optimizer, small(), epochs=1)
    for rng in (0, None):
        with pytest.raises(TypeError, match=r"rng: a numpy\.random\.Generator is needed"):
            fit(model, optimizer, small(), epochs=1, rng=rng, progress=False)
    wrong = Dataset(small().x, small().y + 5)
    with pytest.raises(ValueError, match=r"cross_entropy: target must lie in \[0, 10\)"):
        fit(model, optimizer, wrong, epochs=1, rng=np.random.default_rng(0), progress=False)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
@pytest.mark.parametrize("lr", [1e20, float("inf")])
def test_a_loss_that_is_not_finite_stops_the_run(lr):
    model, optimizer = model_and_optimizer(lr=lr)
    with pytest.raises(FloatingPointError, match=r"the loss is (nan|inf) in step \d+ of epoch 1"):
        fit(
            model,
            optimizer,
            small(),
            epochs=3,
            rng=np.random.default_rng(0),
            batch_size=20,
            progress=False,
        )


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_the_step_that_would_spoil_the_parameters_is_not_taken(bad):
    model, optimizer = model_and_optimizer()
    seen = []

    def loss(scores, y):
        seen.append([p.data.copy() for p in model.parameters()])
        return F.cross_entropy(scores, y) * (bad if len(seen) == 3 else 1.0)

    with pytest.raises(FloatingPointError, match=r"in step 3 of epoch 1; .* than 0\.1 may help"):
        fit(
            model,
            optimizer,
            small(),
            epochs=1,
            rng=np.random.default_rng(0),
            batch_size=20,
            loss=loss,
            progress=False,
        )
    assert len(seen) == 3
    for p, before in zip(model.parameters(), seen[-1], strict=True):
        assert np.array_equal(p.data, before) and np.isfinite(p.data).all()


def test_data_sets_without_examples_are_refused():
    model, optimizer = model_and_optimizer()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="train: the data set has no examples"):
        fit(model, optimizer, small(0), epochs=1, rng=rng, progress=False)
    with pytest.raises(ValueError, match="dataset: it has no examples"):
        evaluate(model, small(0))


@pytest.mark.parametrize("fails", [True, False])
def test_evaluate_restores_the_mode_of_each_module(fails):
    """A frozen part stays in evaluation mode, also when the metric raises."""
    model, _ = model_and_optimizer()
    model.train()
    model[1].eval()
    before = [m.training for m in model.modules()]
    assert set(before) == {True, False}

    def metric(scores, y):
        assert not any(m.training for m in model.modules())
        return 1 / (not fails)

    if fails:
        with pytest.raises(ZeroDivisionError):
            evaluate(model, small(), metric=metric)
    else:
        evaluate(model, small(), metric=metric)
    assert [m.training for m in model.modules()] == before


class Recorder(nn.Module):
    """A model that notes in which mode, and with how many examples, it is called."""

    def __init__(self):
        self.inner = nn.Linear(64, 10, rng=np.random.default_rng(0))
        self.calls = []

    def forward(self, x):
        out = self.inner(x.reshape(len(x), 64))
        self.calls.append((self.training, self.inner.training, out.requires_grad, len(x)))
        return out


@pytest.mark.parametrize("training", [True, False])
def test_evaluate_records_nothing_and_restores_the_mode(training):
    model = Recorder().train(training)
    loss, metric = evaluate(model, small(), batch_size=150)
    assert model.calls == [(False, False, False, 150), (False, False, False, 50)]
    assert model.training is model.inner.training is training
    scores = model(small().x)
    assert loss == pytest.approx(F.cross_entropy(scores, small().y).item(), rel=1e-5)
    assert metric == pytest.approx(F.accuracy(scores, small().y))
    assert all(p.grad is None for p in model.parameters())


def test_training_is_in_training_mode_and_validation_is_not():
    model = Recorder().eval()
    fit(
        model,
        SGD(model.parameters(), lr=0.1),
        small(),
        epochs=2,
        rng=np.random.default_rng(0),
        batch_size=200,
        validation=small(),
        progress=False,
    )
    assert [c[:3] for c in model.calls] == [(True, True, True), (False, False, False)] * 2


@pytest.mark.parametrize("progress", [True, False])
def test_without_tqdm(monkeypatch, capsys, progress):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    for name in [n for n in sys.modules if n.split(".")[0] == "tqdm"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    _, history = run(progress=progress)
    assert len(history.loss) == 2 and capsys.readouterr() == ("", "")


def test_the_bar_counts_every_step(monkeypatch):
    bars = []

    class Bar:
        """Stands in for tqdm."""

        def __init__(self, total, **options):
            self.total, self.steps, self.closed, self.text = total, 0, False, ""
            bars.append(self)

        def set_description(self, text, refresh):
            self.text = text

        def update(self):
            self.steps += 1

        def close(self):
            self.closed = True

    import tqdm.auto

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    run(progress=True)
    assert not bars  # pages and tests are made without bars
    monkeypatch.delenv("TQDM_DISABLE")
    run(progress=True)
    (bar,) = bars
    assert bar.steps == bar.total == 8 and bar.closed and bar.text.startswith("epoch 2/2, loss ")
    with pytest.raises(ValueError):
        run(progress=True, loss=lambda s, y: Tensor([1.0, 2.0], requires_grad=True) * 1)
    assert bars[1].closed


def test_training_images_are_transformed_and_those_of_the_validation_are_not():
    seen = []

    class Watcher(nn.Linear):
        def forward(self, x):
            seen.append((self.training, x.copy()))
            return super().forward(x)

    model = Watcher(2, 3, rng=np.random.default_rng(0))
    d = Dataset(np.ones((5, 2), np.float32), np.zeros(5, int))
    fit(model, SGD(model.parameters(), lr=0.1), d, epochs=2, batch_size=5, progress=False,
        rng=np.random.default_rng(0), transform=lambda x, *, rng: 7 * x, validation=d)
    assert [(mode, x.min(), x.max()) for mode, x in seen] == 2 * [(True, 7, 7), (False, 1, 1)]
