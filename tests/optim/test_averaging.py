"""The average of the weights: torch's, the corrected one by its definition, and put in place."""

import numpy as np
import pytest
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lecturelib import nn
from lecturelib.backend import move
from lecturelib.nn import Parameter
from lecturelib.optim.averaging import WeightAverage


def small_model(dtype=np.float64):
    rng = np.random.default_rng(0)
    return nn.Sequential(nn.Linear(3, 4, rng=rng, dtype=dtype), nn.BatchNorm1d(4, dtype=dtype))


def walk(params, steps=30, seed=1):
    """Random steps of the parameters; yields after each."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        for p in params:
            p.data = p.data - 0.1 * rng.normal(size=p.shape).astype(p.dtype)
        yield


@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999])
def test_it_is_the_average_of_torch(dtype, rtol, decay):
    ours = small_model(dtype)
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    theirs = theirs.to(torch.tensor(np.zeros(1, dtype)).dtype)
    average = WeightAverage(ours, decay)
    expected = AveragedModel(theirs, multi_avg_fn=get_ema_multi_avg_fn(decay))
    for _ in walk(ours.parameters()):
        with torch.no_grad():
            for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
                q.copy_(torch.from_numpy(p.data))
        average.update()
        expected.update_parameters(theirs)
        for m, q in zip(average.values, expected.module.parameters(), strict=True):
            assert m.dtype == dtype
            np.testing.assert_allclose(m, q.detach().numpy(), rtol=rtol, atol=rtol * 0.1)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
def test_with_bias_correction_every_weight_counts_as_its_age_says(decay):
    w = Parameter(np.array([1.0, -2.0]))
    average = WeightAverage([w], decay, bias_correction=True)
    path = []
    for _ in walk([w]):
        path.append(w.data)
        average.update()
        share = decay ** np.arange(len(path))[::-1]
        np.testing.assert_allclose(average.values[0], share @ path / share.sum(), rtol=1e-12)


def test_by_hand():
    w = Parameter(np.array(8.0))
    plain, corrected = WeightAverage([w], 0.5), WeightAverage([w], 0.5, bias_correction=True)
    for value, m, c in [(2.0, 2.0, 2.0), (4.0, 3.0, 10 / 3), (5.0, 4.0, 30 / 7)]:
        w.data = np.array(value)
        plain.update()
        corrected.update()
        assert isinstance(plain.values[0], np.ndarray)
        assert plain.values[0] == pytest.approx(m) and corrected.values[0] == pytest.approx(c)


def test_the_first_update_is_a_copy_of_the_weights():
    w = Parameter(np.array([1e-3, 0.1, 3e7], np.float32) / 3)
    average = WeightAverage([w], 0.999)
    w.data = w.data * np.float32(1e-3)
    average.update()
    assert np.array_equal(average.values[0], w.data)
    assert not np.shares_memory(average.values[0], w.data)


@pytest.mark.parametrize("fails", [False, True])
def test_the_averages_are_in_place_within_the_block_and_then_all_is_as_it_was(fails):
    model = small_model()
    average = WeightAverage(model, 0.9)
    for _ in walk(model.parameters(), 5):
        average.update()
    x = np.random.default_rng(0).normal(size=(20, 3))
    model(x)
    arrays = [p.data for p in model.parameters()]
    before = model.state_dict()
    kept = [m.copy() for m in average.values]
    try:
        with average.applied():
            for p, m in zip(model.parameters(), average.values, strict=True):
                assert np.array_equal(p.data, m)
            model(x + 1)  # measures the running statistics anew
            model[1].running_mean[:] = 7  # in place, too
            for p in model.parameters():
                p.data += 1
            assert not fails or 1 / 0
    except ZeroDivisionError:
        assert fails
    assert all(p.data is a for p, a in zip(model.parameters(), arrays, strict=True))
    after = model.state_dict()
    assert all(np.array_equal(after[name], before[name]) for name in before)
    assert all(np.array_equal(m, k) for m, k in zip(average.values, kept, strict=True))
    average.update()


def test_buffers_are_those_of_the_model():
    model = small_model()
    average = WeightAverage(model)
    model(np.random.default_rng(0).normal(size=(20, 3)) + 5)
    average.update()
    statistics = model[1].running_mean.copy()
    with average.applied():
        assert np.array_equal(model[1].running_mean, statistics) and statistics.any()


def test_the_average_of_a_noisy_path_is_nearer_to_the_minimum():
    rng = np.random.default_rng(0)
    w = Parameter(np.full(50, 3.0))
    average = WeightAverage([w], 0.98)
    for _ in range(400):
        w.data = w.data - 0.2 * (w.data + rng.normal(size=50))
        average.update()
    end, mean = np.linalg.norm(w.data), np.linalg.norm(average.values[0])
    assert mean < 0.5 * end


@pytest.mark.parametrize("bias_correction", [False, True])
def test_it_goes_on_from_its_state(bias_correction):
    def fresh():
        model = small_model(np.float32)
        return model, WeightAverage(model, 0.9, bias_correction=bias_correction)

    model, average = fresh()
    other, resumed = fresh()
    for k, _ in enumerate(walk(model.parameters(), 10)):
        average.update()
        if k == 4:
            state = average.state_dict()
            resumed.load_state_dict(state)
        if k > 4:
            other.load_state_dict(model.state_dict())
            resumed.update()
    assert resumed.updates == 10
    for m, n in zip(average.values, resumed.values, strict=True):
        assert np.array_equal(m, n) and n.dtype == np.float32
    state["values.0"][:] = 9
    assert not (resumed.values[0] == 9).any()
    resumed.load_state_dict(state)
    state["values.0"][:] = 8
    assert (resumed.values[0] == 9).all()


def test_a_state_that_does_not_fit_changes_nothing():
    average = WeightAverage([Parameter(np.zeros(2)), Parameter(np.zeros(3))])
    state = WeightAverage([Parameter(np.ones(2)), Parameter(np.ones(4))]).state_dict()
    with pytest.raises(ValueError, match=r"state\['values.1'\]: shape \(4,\), \(3,\) is needed"):
        average.load_state_dict(state)
    del state["values.1"]
    with pytest.raises(KeyError, match=r"missing \['values.1'\], unknown \[\]"):
        average.load_state_dict(state)
    assert not average.values[0].any() and average.updates == 0


def test_misuse_is_named():
    w = Parameter(np.zeros(2))
    for decay in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match=r"decay: must be in \[0, 1\)"):
            WeightAverage([w], decay)
    for params in ([], [np.zeros(2)]):
        with pytest.raises(ValueError, match="model: a Module or a list of at least one Parameter"):
            WeightAverage(params)
    average = WeightAverage([w])
    with pytest.raises(RuntimeError, match="call update"), average.applied():
        pass
    average.update()
    with average.applied():
        with pytest.raises(RuntimeError, match="update: within applied"):
            average.update()
        with pytest.raises(RuntimeError, match="within another"), average.applied():
            pass
    average.update()


def test_weights_that_are_arrays_of_torch():
    w, v = Parameter(np.ones(3, np.float32)), Parameter(np.ones(3, np.float32))
    v.data = move(v.data, "torch")
    ours, theirs = WeightAverage([w], 0.7), WeightAverage([v], 0.7)
    for _ in walk([w], 5):
        v.data = move(w.data, "torch")
        ours.update()
        theirs.update()
    resumed = WeightAverage([v], 0.7)
    resumed.load_state_dict(theirs.state_dict())
    for average in (theirs, resumed):
        with average.applied():
            assert isinstance(v.data, torch.Tensor) and v.data.dtype == torch.float32
            np.testing.assert_allclose(v.data.numpy(), ours.values[0], rtol=1e-6)
    np.testing.assert_array_equal(v.data.numpy(), w.data)
