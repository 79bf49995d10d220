"""The search: what it tries, what it makes of failures, its model, and cross-validation."""

import builtins
import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from lecturelib import data, nn
from lecturelib.analysis.search import (
    Choice,
    CrossValidation,
    Dimension,
    Integers,
    LogUniform,
    SearchResult,
    Uniform,
    bayesian_search,
    cross_validate,
    expected_improvement,
    grid_search,
    k_folds,
    random_search,
)
from lecturelib.data import Dataset
from lecturelib.optim import SGD
from lecturelib.train import evaluate, fit

SPACE = {"x": Uniform(-1, 3), "rate": LogUniform(1e-4, 1), "n": Integers(-2, 4), "kind": ["a", "b"]}


def draws(dimension, count=4000, seed=0):
    """What a random search tries."""
    found = random_search(
        lambda v: 0.0,
        {"v": dimension},
        trials=count,
        rng=np.random.default_rng(seed),
        progress=False,
    )
    return [t["params"]["v"] for t in found.trials]


def branin(x, y):
    """Three equal minima of 0.397887 in [−5, 10] × [0, 15]."""
    bend = y - 5.1 / (4 * np.pi**2) * x * x + 5 / np.pi * x - 6
    return bend**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


BRANIN = {"x": Uniform(-5, 10), "y": Uniform(0, 15)}


# ---------------------------------------------------------------------------- dimensions


def test_uniform_numbers_are_uniform():
    values = draws(Uniform(-1, 3))
    assert stats.kstest(values, stats.uniform(-1, 4).cdf).pvalue > 0.01
    assert all(type(v) is float for v in values)


def test_the_logarithm_of_log_uniform_numbers_is_uniform():
    values = draws(LogUniform(1e-5, 1e-1))
    assert stats.kstest(np.log10(values), stats.uniform(-5, 4).cdf).pvalue > 0.01
    assert stats.kstest(values, stats.loguniform(1e-5, 1e-1).cdf).pvalue > 0.01


@pytest.mark.parametrize(
    "dimension, values",
    [
        (Integers(-3, 3), list(range(-3, 4))),
        (Choice(["relu", None, (3, 4)]), ["relu", None, (3, 4)]),
        ([True, False], [True, False]),
    ],
)
def test_integers_and_choices_are_equally_likely(dimension, values):
    found = draws(dimension, 3000)
    counts = [sum(v == w for v in found) for w in values]
    assert sum(counts) == 3000 and stats.chisquare(counts).pvalue > 0.01
    assert {type(v) for v in found} == {type(v) for v in values}


def test_the_ends_belong_to_the_dimension():
    for d in (Uniform(0.1, 0.7), LogUniform(3e-7, 0.3), Integers(2, 9)):
        assert d.at(0.0) == d.low and d.at(1.0) == d.high
        assert d.coordinates(d.low) == [0] and d.coordinates(d.high) == pytest.approx([1])
    assert Choice("ab".split()).at(1.0) == "ab"
    assert Choice(["a", "b"]).at(1.0) == "b"


def test_coordinates_lead_back():
    for u in (0.0, 0.25, 0.9):
        for d in (Uniform(-2, 5), LogUniform(1e-4, 10)):
            assert d.coordinates(d.at(u)) == pytest.approx([u], abs=1e-12)
    assert Integers(0, 4).coordinates(1) == [0.25]
    assert Choice(["a", None, 3]).coordinates(None) == [0, 1, 0]


# ---------------------------------------------------------------------------- grid


def test_a_grid_is_the_product_of_its_sides():
    seen = []

    def objective(**params):
        seen.append(params)
        return params["x"] + params["n"]

    result = grid_search(objective, SPACE, points=3, progress=False)
    expected = itertools.product([-1, 1, 3], [1e-4, 1e-2, 1], [-2, 1, 4], ["a", "b"])
    assert len(seen) == 54 and [t["params"] for t in result.trials] == seen
    for params, values in zip(seen, expected, strict=True):
        assert list(params) == list(SPACE)
        assert params["kind"] == values[3]
        assert [params[k] for k in ("x", "rate", "n")] == pytest.approx(values[:3])
    assert result.best["params"] == {"x": -1, "rate": 1e-4, "n": -2, "kind": "a"}
    assert result.best["value"] == -3


@pytest.mark.parametrize(
    "points, expected",
    [
        (2, [1, 4]),
        (3, [1, 2, 4]),
        (4, [1, 2, 3, 4]),
        (5, [1, 2, 3, 4]),
        (50, [1, 2, 3, 4]),
    ],
)
def test_a_grid_of_integers_has_no_integer_twice(points, expected):
    grid = Integers(1, 4).grid(points)
    assert grid == expected and all(type(n) is int for n in grid)


# ---------------------------------------------------------------------------- the search


@pytest.mark.parametrize("search", [random_search, bayesian_search])
def test_same_seed_same_trials(search):
    def objective(x, rate, n, kind):
        return (x - 1) ** 2 + math.log10(rate) ** 2 + n + (kind == "a")

    def run(seed):
        return search(objective, SPACE, trials=8, rng=np.random.default_rng(seed), progress=False)

    first = run(0)
    assert first == run(0) and first != run(1)
    for trial in first.trials:
        assert set(trial) == {"params", "value", "error"} and trial["error"] == ""
        assert trial["value"] == objective(**trial["params"])
        params = trial["params"]
        assert -1 <= params["x"] <= 3 and 1e-4 <= params["rate"] <= 1
        assert params["n"] in range(-2, 5) and params["kind"] in ("a", "b")


@pytest.mark.parametrize("maximize", [False, True])
def test_best_ranking_and_curve(maximize):
    values = iter([3.0, 5.0, 2.0, 5.0, 2.0])
    result = random_search(
        lambda x: next(values),
        {"x": Uniform(0, 1)},
        trials=5,
        maximize=maximize,
        rng=np.random.default_rng(0),
        progress=False,
    )
    ranked = [5, 5, 3, 2, 2] if maximize else [2, 2, 3, 5, 5]
    assert [t["value"] for t in result.ranking()] == ranked
    assert result.best is result.trials[1 if maximize else 2]
    assert result.best_so_far() == ([3, 5, 5, 5, 5] if maximize else [3, 3, 2, 2, 2])
    assert all(type(v) is float for v in result.best_so_far())


def failing(x):
    """Fails in the left half in three ways; its minimum is at 0.6."""
    if x < 0.1:
        raise MemoryError("too large")
    if x < 0.3:
        return math.nan
    if x < 0.5:
        return None
    return (x - 0.6) ** 2


@pytest.mark.parametrize("search", [random_search, bayesian_search])
@pytest.mark.parametrize("maximize", [False, True])
def test_failures_are_recorded_and_not_fatal(search, maximize):
    result = search(
        lambda x: failing(x) if not maximize else None if failing(x) is None else -failing(x),
        {"x": Uniform(0, 1)},
        trials=14,
        rng=np.random.default_rng(3),
        maximize=maximize,
        progress=False,
    )
    assert len(result.trials) == 14
    for trial in result.trials:
        x, value, error = trial["params"]["x"], trial["value"], trial["error"]
        assert math.isnan(value) == bool(error) == (x < 0.5)
    assert abs(result.best["params"]["x"] - 0.6) < 0.1
    assert f"14 trials, {sum(bool(t['error']) for t in result.trials)} failed" in repr(result)
    curve = np.array(result.best_so_far())
    assert curve[-1] == result.best["value"] and not np.isnan(curve[curve == curve]).any()


def test_why_a_trial_failed():
    result = grid_search(failing, {"x": [0.05, 0.2, 0.4, 0.6]}, progress=False)
    errors = [t["error"] for t in result.trials]
    assert errors[0] == "MemoryError: too large"
    assert errors[1] == "FloatingPointError: the objective is nan"
    assert errors[2].startswith("TypeError: float() argument must be") and errors[3] == ""
    assert [t["params"]["x"] for t in result.ranking()] == [0.6, 0.05, 0.2, 0.4]


def test_the_bayesian_search_avoids_where_trials_failed():
    counts = [
        sum(
            bool(t["error"])
            for t in search(
                failing,
                {"x": Uniform(0, 1)},
                trials=14,
                rng=np.random.default_rng(3),
                progress=False,
            ).trials
        )
        for search in (bayesian_search, random_search)
    ]
    assert counts[0] < counts[1]


@pytest.mark.parametrize("search", [grid_search, random_search, bayesian_search])
def test_if_all_trials_fail_the_search_does(search):
    calls = []

    def objective(x):
        calls.append(x)
        raise ZeroDivisionError("no way")

    options = {} if search is grid_search else {"trials": 7, "rng": np.random.default_rng(0)}
    with pytest.raises(RuntimeError, match=r"all \d trials failed, .* Zero.*no way") as e:
        search(objective, {"x": Uniform(0, 1)}, progress=False, **options)
    assert len(calls) == (5 if search is grid_search else 7)
    assert isinstance(e.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_who_stops_the_search_is_obeyed(stop):
    def objective(x):
        raise stop

    with pytest.raises(stop):
        grid_search(objective, {"x": Uniform(0, 1)}, progress=False)


def test_how_a_result_looks():
    trials = [
        {"params": {"lr": 0.123456, "kind": "a"}, "value": 0.25, "error": ""},
        {"params": {"lr": 1e-05, "kind": None}, "value": math.nan, "error": "ValueError: no"},
        {"params": {"lr": 0.5, "kind": "bcd"}, "value": 0.0625, "error": ""},
    ]
    result = SearchResult(trials)
    assert repr(result) == ("SearchResult(3 trials, 1 failed, best: 0.0625 at lr=0.5, kind=bcd)")
    assert result.table() == (
        "lr      kind  value\n"
        "0.5     bcd   0.0625\n"
        "0.1235  a     0.25\n"
        "1e-05   None  ValueError: no"
    )
    assert result.table(1).count("\n") == 1
    assert SearchResult(trials, maximize=True).best is trials[0]


def test_the_bar_counts_the_trials(monkeypatch):
    import tqdm.auto

    seen = []

    class Bar:
        """Stands in for tqdm."""

        def __init__(self, total, **options):
            seen.append(total)

        def set_description(self, text, refresh):
            seen.append(text)

        def update(self):
            pass

        def close(self):
            seen.append("closed")

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    grid_search(lambda x: x, {"x": [3.0, 1.0, 2.0]})
    assert seen == [3, "best 3", "best 1", "best 1", "closed"]


# ---------------------------------------------------------------------------- the model


@pytest.mark.parametrize("mean", [-1.0, 0.3, 2.5])
@pytest.mark.parametrize("std", [0.05, 1.0, 3.0])
def test_expected_improvement_is_the_expectation(mean, std):
    best = 0.4
    normal = stats.norm(mean, std)
    expected, _ = (
        integrate.quad(
            lambda y: (best - y) * normal.pdf(y), mean - 12 * std, best, points=[mean], epsabs=1e-13
        )
        if best > mean - 12 * std
        else (0.0, 0)
    )
    value = expected_improvement(mean, std, best)
    assert value == pytest.approx(expected, rel=1e-7, abs=1e-12)
    sample = np.maximum(best - normal.rvs(200_000, random_state=0), 0)
    assert abs(value - sample.mean()) <= 4 * sample.std() / math.sqrt(200_000) + 1e-12


def test_expected_improvement_at_its_ends():
    found = expected_improvement(np.array([0.0, 1.0, 2.0]), 0.0, 1.5)
    assert np.array_equal(found, [1.5, 0.5, 0.0])
    far = expected_improvement(np.linspace(0, 50, 200), np.array([[1.0], [0.1]]), 0.0)
    assert far.shape == (2, 200) and (far >= 0).all() and (np.diff(far) <= 1e-16).all()
    assert expected_improvement(0.0, 2.0, 0.0) == pytest.approx(2 / math.sqrt(2 * math.pi))
    with pytest.raises(ValueError, match=r"std: must be at least 0, got -1\.0"):
        expected_improvement(0.0, -1.0, 0.0)


def test_the_bayesian_search_needs_fewer_trials_than_chance():
    """After 16 trials it is nearer to the minimum of Branin's function than chance after 48."""
    bayes, chance = [], []
    for seed in range(4):
        options = {"progress": False, "rng": np.random.default_rng(seed)}
        bayes.append(bayesian_search(branin, BRANIN, trials=16, candidates=500, **options))
        options["rng"] = np.random.default_rng(seed)
        chance.append(random_search(branin, BRANIN, trials=48, **options))
        first = [t["params"] for t in bayes[-1].trials[:5]]
        assert first == [
            t["params"]
            for t in random_search(
                branin, BRANIN, trials=16, progress=False, rng=np.random.default_rng(seed)
            ).trials[:5]
        ]
    regret = [np.mean([r.best["value"] for r in found]) - 0.397887 for found in (bayes, chance)]
    assert 0 <= regret[0] < 0.5 * regret[1]


def test_maximizing_is_minimizing_the_negative():
    options = {"trials": 8, "progress": False, "candidates": 100}
    up = bayesian_search(
        lambda **p: -branin(**p), BRANIN, maximize=True, rng=np.random.default_rng(0), **options
    )
    down = bayesian_search(branin, BRANIN, rng=np.random.default_rng(0), **options)
    assert [t["params"] for t in up.trials] == [t["params"] for t in down.trials]
    assert up.best["value"] == -down.best["value"]


def test_a_small_space_is_tried_out_before_anything_is_tried_again():
    space = {"n": Integers(1, 3), "kind": ["a", "b", "c"]}
    result = bayesian_search(
        lambda n, kind: n * (kind == "b"),
        space,
        trials=12,
        initial=1,
        rng=np.random.default_rng(0),
        progress=False,
    )
    tried = [tuple(t["params"].values()) for t in result.trials]
    assert len(set(tried[:9])) == 9 and len(tried) == 12


def test_fewer_trials_than_initial_ones():
    result = bayesian_search(branin, BRANIN, trials=2, rng=np.random.default_rng(0), progress=False)
    assert len(result.trials) == 2


def test_without_scikit_learn_it_says_so_before_the_first_trial(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("sklearn"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    calls = []
    with pytest.raises(ImportError, match="bayesian_search needs scikit-learn: python -m pip"):
        bayesian_search(
            lambda x: calls.append(x),
            {"x": [1]},
            trials=3,
            rng=np.random.default_rng(0),
            progress=False,
        )
    assert not calls


# ---------------------------------------------------------------------------- bad input

RNG = {"rng": np.random.default_rng(0)}


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (
            lambda: Uniform(1, 1),
            ValueError,
            "Uniform: finite numbers low < high are needed, got 1 and",
        ),
        (lambda: Uniform(0, math.inf), ValueError, "Uniform: finite numbers"),
        (lambda: Uniform(math.nan, 1), ValueError, "Uniform: finite numbers"),
        (lambda: LogUniform(0, 1), ValueError, "LogUniform: low must be positive, got 0"),
        (lambda: Integers(1, 2.5), TypeError, r"Integers: high must be an integer, got 2\.5"),
        (lambda: Integers(5, 1), ValueError, "Integers: finite numbers low < high"),
        (lambda: Choice([]), ValueError, "Choice: a list of at least one value"),
        (lambda: Choice("relu"), ValueError, "Choice: a list .* got 'relu'"),
        (lambda: grid_search(abs, {}), ValueError, "space: at least one hyper-parameter"),
        (lambda: grid_search(abs, {"x": 3}), TypeError, r"space\['x'\]: a list .* got 3"),
        (lambda: grid_search(abs, {"x": "relu"}), TypeError, r"space\['x'\]: a list"),
        (lambda: grid_search(abs, {"x": [1]}, points=1), ValueError, "points: at least 2"),
        (
            lambda: random_search(abs, {"x": [1]}, trials=0, **RNG),
            ValueError,
            "trials: an integer of",
        ),
        (
            lambda: random_search(abs, {"x": [1]}, trials=2.0, **RNG),
            ValueError,
            "trials: an integer",
        ),
        (lambda: random_search(abs, {"x": [1]}, trials=2, rng=0), TypeError, "rng: "),
        (lambda: bayesian_search(abs, {"x": [1]}, trials=2, rng=None), TypeError, "rng: "),
        (
            lambda: bayesian_search(abs, {"x": [1]}, trials=2, initial=0, **RNG),
            ValueError,
            "initial",
        ),
        (
            lambda: k_folds(5, 1, **RNG),
            ValueError,
            "k: an integer from 2 to .* 5, is needed, got 1",
        ),
        (lambda: k_folds(5, 6, **RNG), ValueError, "k: an integer from 2"),
        (lambda: k_folds(5, 2.0, **RNG), ValueError, "k: an integer from 2"),
        (lambda: k_folds(5, 2, rng=0), TypeError, "rng: "),
    ],
)
def test_bad_arguments_are_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_a_dimension_of_ones_own():
    class Even(Dimension):
        def at(self, u):
            return 2 * round(u * 5)

    result = grid_search(lambda n: n, {"n": Even()}, points=6, progress=False)
    assert [t["value"] for t in result.trials] == [0, 2, 4, 6, 8, 10]
    with pytest.raises(NotImplementedError, match="Even must define coordinates"):
        Even().coordinates(2)


# ---------------------------------------------------------------------------- folds


@pytest.mark.parametrize("n, k", [(10, 5), (11, 3), (7, 7), (100, 8), (2, 2)])
def test_every_example_is_in_one_fold(n, k):
    folds = k_folds(n, k, rng=np.random.default_rng(0))
    sizes = [len(f) for f in folds]
    assert len(folds) == k and max(sizes) - min(sizes) <= 1
    assert sorted(np.concatenate(folds)) == list(range(n))


def test_folds_are_shuffled_and_repeat_themselves():
    first, again, other = (k_folds(50, 5, rng=np.random.default_rng(s)) for s in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(np.sort(first[0]), np.arange(10))


def test_cross_validation_holds_out_each_example_once():
    numbers = Dataset(np.arange(11.0), np.arange(11) * 10)
    calls = []

    def score(train, held_out):
        assert np.array_equal(train.y, train.x * 10) and np.array_equal(held_out.y, held_out.x * 10)
        assert sorted([*train.x, *held_out.x]) == list(range(11))
        calls.append(held_out.x)
        return len(held_out)

    result = cross_validate(score, numbers, 4, rng=np.random.default_rng(0))
    assert sorted(np.concatenate(calls)) == list(range(11))
    assert result.scores == [3, 3, 3, 2] and all(type(s) is float for s in result.scores)


def test_mean_and_standard_error_by_hand():
    result = CrossValidation([1.0, 2.0, 3.0, 6.0])
    assert result.mean == 3 and result.standard_error == pytest.approx(math.sqrt(14 / 3) / 2)
    assert result.standard_error == pytest.approx(stats.sem(result.scores))
    assert repr(result) == "CrossValidation(3 ± 1.08, 4 folds)"


def test_a_score_that_is_no_number_is_named():
    scores = iter([1.0, math.nan])
    with pytest.raises(ValueError, match="score: fold 2 of 3 has score nan"):
        cross_validate(
            lambda train, held_out: next(scores),
            Dataset(np.arange(9), np.arange(9)),
            3,
            rng=np.random.default_rng(0),
        )


def test_a_learning_rate_is_found_by_cross_validation():
    digits = data.digits().train[:120]

    def objective(lr):
        def score(train, held_out):
            rng = np.random.default_rng(1)
            model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10, rng=rng))
            fit(
                model,
                SGD(model.parameters(), lr=lr),
                train,
                epochs=3,
                rng=rng,
                batch_size=16,
                progress=False,
            )
            return evaluate(model, held_out)[0]

        return cross_validate(score, digits, 3, rng=np.random.default_rng(0)).mean

    result = grid_search(objective, {"lr": [1e-5, 1e-1, 1e9]}, progress=False)
    assert result.best["params"] == {"lr": 1e-1}
