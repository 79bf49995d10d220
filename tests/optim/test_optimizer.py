"""What all optimizers share: groups, rates, decay, clipping, their state, and their errors."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import assert_close, normal

import lecturelib.optim as optim
from lecturelib import Tensor, nn
from lecturelib import functional as F
from lecturelib.nn import Parameter, load_state, save_state
from lecturelib.optim import SGD, Adam, AdamW, Muon, Optimizer

RULES = [
    thing
    for thing in vars(optim).values()
    if inspect.isclass(thing) and issubclass(thing, Optimizer) and thing is not Optimizer
]
OPTIONS = [
    (rule, options)
    for rule in RULES
    for options in (
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "momentum_form": "velocity"},
        {"momentum": 0.9, "momentum_form": "average", "nesterov": True},
        {"centered": True, "momentum": 0.5},
        {"amsgrad": True},
        {"lr_decay": 0.1},
    )
    if all(name in inspect.signature(rule).parameters for name in options)
]
WITH_OPTIONS = pytest.mark.parametrize(
    "rule, options", OPTIONS, ids=lambda x: getattr(x, "__name__", None) or str(x)
)


def parameter(*shape, dtype=np.float64, seed=0):
    return Parameter(normal(*shape, seed=seed), dtype=dtype)


def step(optimizer, k=0):
    """One step with gradients that depend on k alone."""
    for i, p in enumerate(optimizer.params):
        p.grad = normal(*p.shape, seed=100 * k + i).astype(p.dtype)
    optimizer.step()


# the rules


def functions_of(rule):
    """Its update, and the functions of the class that it leads to (`torch_step` ...)."""
    return [f for name, f in vars(rule).items() if name == "update" or name.endswith("_step")]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.__name__)
def test_rules_are_short_and_cite_their_source(rule):
    for f in functions_of(rule):
        code = inspect.getsource(f).replace(f.__doc__, "")
        assert len(code.splitlines()) <= 15, f"{rule.__name__}.{f.__name__} has more than 15 lines"
    keys = re.findall(r"{cite}`([^`]+)`", rule.__doc__)
    assert keys, f"{rule.__name__} cites no source"
    bibliography = (Path(__file__).parents[2] / "book" / "references.bib").read_text("utf-8")
    for key in ",".join(keys).split(","):
        assert re.search(rf"^@\w+{{{key},", bibliography, re.M), f"{key} is not in references.bib"


@WITH_OPTIONS
def test_slots_are_declared_and_their_shapes_stated(rule, options):
    p = parameter(2, 3)
    optimizer = rule([p], **options)
    for k in range(2):
        step(optimizer, k)
    text = " ".join(rule.update.__doc__.split())
    for slot, x in optimizer.state[p].items():
        assert f'state["{slot}"]' in text
        if slot in rule.numbers:
            assert type(x) in (int, float) and "number" in text
        else:
            assert slot in rule.slots and x.shape == (2, 3) and "the shape of w" in text
    assert set(re.findall(r'state\["(\w+)"\]', text)) == {*rule.slots, *rule.numbers}


@WITH_OPTIONS
def test_precision_and_array_stay(rule, options):
    """float32 stays float32, whatever precision settings have; 0-d arrays stay arrays."""
    settings = {k: np.float64(v) if type(v) is float else v for k, v in options.items()}
    shape = (2, 3) if rule is Muon else ()
    p = parameter(*shape, dtype=np.float32)
    optimizer = rule([p], lr=np.float64(0.1), weight_decay=np.float64(0.1), **settings)
    for k in range(3):
        step(optimizer, k)
        assert type(p.data) is np.ndarray and p.dtype == np.float32 and p.shape == shape
    optimizer.lr = np.float64(0.01)
    step(optimizer, 4)
    assert p.dtype == np.float32


@WITH_OPTIONS
def test_updates_are_pure(rule, options):
    """Neither w nor g is written into, and what the state keeps is its own."""
    optimizer = rule([parameter(2, 3)], **options)
    w, g, state = normal(2, 3), normal(2, 3, seed=1), {}
    for _ in range(2):
        before = w.copy(), g.copy()
        new = optimizer.update(w, g, state)
        assert np.array_equal(before, (w, g))
        for x in (w, g, new):
            assert not any(np.shares_memory(x, s) for s in state.values() if np.ndim(s))
        w = new


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.__name__)
def test_nan_stays_where_it_is(rule):
    """Documented: it spoils this place of the parameter (for Muon, all of the matrix)."""
    p, q = parameter(2, 2), parameter(2, 2)
    optimizer = rule([p, q], lr=0.1)
    p.grad, q.grad = normal(2, 2), normal(2, 2)
    p.grad[0, 1] = np.nan
    optimizer.step()
    assert np.isnan(p.data[0, 1]) and np.isfinite(q.data).all()
    assert rule is Muon or np.isnan(p.data).sum() == 1


def test_a_rule_of_ones_own():
    """A subclass needs nothing but update."""

    class Sign(Optimizer):
        def update(self, w, g, state):
            return w - self.lr * np.sign(g)

    p = Parameter([1.0, 2.0])
    p.grad = np.array([3.0, -4.0], np.float32)
    Sign([p], lr=0.5).step()
    assert np.array_equal(p.data, [0.5, 2.5])


def test_an_optimizer_without_a_rule():
    optimizer = Optimizer([parameter(1)], lr=0.1)
    with pytest.raises(NotImplementedError, match="Optimizer must define update"):
        step(optimizer)


# the walk


def test_zero_grad_and_parameters_without_gradient():
    w, v = Parameter([1.0]), Parameter([2.0])
    optimizer = AdamW([{"params": [w]}, {"params": [v]}], lr=0.1, weight_decay=0.5)
    (w * 2).sum().backward()
    optimizer.step()
    assert v.data == 2 and w.data != 1 and not optimizer.state[v]
    v.grad = w.grad
    optimizer.zero_grad()
    assert w.grad is None and v.grad is None
    before = w.data
    optimizer.step()
    assert w.data is before and optimizer.state[w]["step"] == 1 and optimizer.steps == 2


def test_a_gradient_of_another_shape_is_an_error():
    w = Parameter([1.0, 2.0])
    w.grad = np.ones(1, np.float32)
    with pytest.raises(ValueError, match=r"grad: shape \(1,\) differs .* \(2,\)"):
        SGD([w], lr=0.1).step()


def test_groups_have_settings_of_their_own():
    """And follow the optimizer in the others, also when these change."""
    a, b, c = (Parameter([1.0], dtype=np.float64) for _ in range(3))
    optimizer = SGD([{"params": [a]}, {"params": [b], "lr": 0.01}], lr=0.1)
    optimizer.add_param_group({"params": (p for p in [c]), "weight_decay": 0.5})
    assert optimizer.params == [a, b, c]

    def move():
        before = [float(p.data[0]) for p in (a, b, c)]
        for p in (a, b, c):
            p.grad = np.ones(1)
        optimizer.step()
        return [w - float(p.data[0]) for w, p in zip(before, (a, b, c), strict=True)]

    np.testing.assert_allclose(move(), [0.1, 0.01, 0.1 * 1.5])
    optimizer.lr = 1.0
    np.testing.assert_allclose(move(), [1, 0.01, 1 + 0.5 * 0.85])
    optimizer.param_groups[1]["lr"] = lambda k: 10.0 * k  # as in torch, at any time
    np.testing.assert_allclose(move()[:2], [1, 20])
    assert optimizer.lr == 1.0 and optimizer.weight_decay == 0


def test_a_rate_that_is_a_function_of_the_step():
    w = Parameter([0.0], dtype=np.float64)
    optimizer = SGD([w], lr=lambda k: [0.0, 1.0, 0.5][k])
    seen = []
    for expected in (0.0, -1.0, -1.5):
        seen.append(optimizer.lr)
        w.grad = np.ones(1)
        optimizer.step()
        assert w.data == expected
    assert seen == [0.0, 1.0, 0.5]
    optimizer.lr = 2
    assert type(optimizer.lr) is float and optimizer.lr == 2
    optimizer.lr = lambda k: k / 10
    assert optimizer.lr == 0.3


def test_both_kinds_of_weight_decay_by_hand():
    for decoupled, expected in ((False, 2 - 0.1 * (3 + 0.5 * 2)), (True, 2 * (1 - 0.05) - 0.3)):
        w = Parameter([2.0], dtype=np.float64)
        w.grad = np.array([3.0])
        SGD([w], 0.1, weight_decay=0.5, decoupled_weight_decay=decoupled).step()
        assert_close(w.data, [expected])


def test_clipping_comes_before_the_step_and_over_all_groups():
    a, b = Parameter([0.0], dtype=np.float64), Parameter([0.0], dtype=np.float64)
    groups = [{"params": [a]}, {"params": [b], "lr": 2.0}]
    for options, steps in (
        ({"clip_norm": 1.0}, (0.6, 1.6)),
        ({"clip_value": 3.5}, (3.0, 7.0)),
        ({"clip_value": 3.0, "clip_norm": 3.0}, (3 / 2**0.5, 6 / 2**0.5)),
        ({"clip_norm": 6.0}, (3.0, 8.0)),
    ):
        a.data, b.data, a.grad, b.grad = np.zeros(1), np.zeros(1), np.full(1, 3.0), np.full(1, 4.0)
        SGD(groups, lr=1.0, **options).step()
        np.testing.assert_allclose([-a.data[0], -b.data[0]], steps, rtol=1e-5)


# the state


@WITH_OPTIONS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_run_goes_on_where_it_was_saved(rule, options, dtype, tmp_path):
    """Stop, save, load, continue: the same bits as the uninterrupted run; 0-d arrays too."""
    shapes = [(2, 3), (3, 2)] if rule is Muon else [(2, 3), (), (4,)]

    def make():
        params = [parameter(*shape, dtype=dtype) for shape in shapes]
        return rule(
            [{"params": params[:1]}, {"params": params[1:], "lr": 0.02}],
            lr=lambda k: 0.1 / (1 + k),
            **options,
        )

    def walk(optimizer, ks):
        for k in ks:
            step(optimizer, k)
        return [p.data for p in optimizer.params]

    whole = make()
    expected = walk(whole, range(7))
    first = make()
    middle = walk(first, range(4))
    save_state(first.state_dict(), tmp_path / "optimizer.npz")
    second = make()
    for p, x in zip(second.params, middle, strict=True):
        p.data = x
    second.load_state_dict(load_state(tmp_path / "optimizer.npz"))
    assert second.steps == 4
    for x, y in zip(walk(second, range(4, 7)), expected, strict=True):
        assert x.dtype == y.dtype and np.array_equal(x, y)


def test_the_state_is_copied_both_ways():
    p = parameter(3)
    optimizer = Adam([p])
    step(optimizer)
    saved = optimizer.state_dict()
    assert set(saved) == {"steps", "0.m", "0.v", "0.step"}
    saved["0.m"] += 1
    assert not np.array_equal(saved["0.m"], optimizer.state[p]["m"])
    optimizer.load_state_dict(saved)
    assert np.array_equal(saved["0.m"], optimizer.state[p]["m"])
    assert not np.shares_memory(saved["0.m"], optimizer.state[p]["m"])
    assert type(optimizer.state[p]["step"]) is int


def test_a_parameter_without_steps_has_no_state_to_save():
    p, q = parameter(3), parameter(2)
    optimizer = Adam([p, q])
    q.grad = normal(2)
    optimizer.step()
    assert set(optimizer.state_dict()) == {"steps", "1.m", "1.v", "1.step"}
    other = Adam([p, q])
    other.load_state_dict(optimizer.state_dict())
    assert other.state[p] == {}


@pytest.mark.parametrize(
    "change, kind, message",
    [
        ({"0.m": np.zeros(2)}, ValueError, r"state\['0.m'\]: shape \(2,\), needed is \(3,\)"),
        ({"0.step": np.zeros(3)}, ValueError, r"state\['0.step'\]: .* needed is \(\)"),
        ({"0.velocity": np.zeros(3)}, KeyError, r"unknown \['0.velocity'\]"),
        ({"1.m": np.zeros(3)}, KeyError, r"unknown \['1.m'\]"),
        ({"steps": None}, KeyError, "'steps' is missing"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(change, kind, message):
    p = parameter(3)
    optimizer = Adam([p])
    step(optimizer)
    state = {k: v for k, v in {**optimizer.state_dict(), **change}.items() if v is not None}
    step(optimizer, 1)
    before = optimizer.state_dict()
    with pytest.raises(kind, match=message):
        optimizer.load_state_dict(state)
    after = optimizer.state_dict()
    assert all(np.array_equal(before[k], after[k]) for k in before)


def test_a_network_resumes(tmp_path):
    """Model and optimizer from files, with clipping and a schedule on."""
    x, y = normal(20, 4), np.arange(20) % 3

    def make():
        rng = np.random.default_rng(0)
        model = nn.Sequential(nn.Linear(4, 5, rng=rng, dtype=np.float64), nn.Tanh(),
                              nn.Linear(5, 3, rng=rng, dtype=np.float64))  # fmt: skip
        return model, AdamW(model.parameters(), lambda k: 0.1 / (1 + k), clip_norm=0.1)

    def train(model, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        return model.state_dict()

    expected = train(*make(), 9)
    model, optimizer = make()
    train(model, optimizer, 5)
    save_state(model.state_dict(), tmp_path / "model.npz")
    save_state(optimizer.state_dict(), tmp_path / "optimizer.npz")
    model, optimizer = make()
    model.load_state_dict(load_state(tmp_path / "model.npz"))
    optimizer.load_state_dict(load_state(tmp_path / "optimizer.npz"))
    found = train(model, optimizer, 4)
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


# errors

W, V = Parameter([1.0]), Parameter([1.0])
GROUP = {"params": [W]}


@pytest.mark.parametrize(
    "params, options, kind, message",
    [
        ([W], {"lr": 0}, ValueError, "lr: the learning rate must be positive, got 0"),
        ([W], {"lr": -0.1}, ValueError, "lr: .* got -0.1"),
        ([W], {"lr": float("nan")}, ValueError, "lr: .* got nan"),
        ([W], {"lr": lambda k: -1.0}, ValueError, "lr: a schedule must give .* -1.0 for step 0"),
        ([W], {"weight_decay": -1}, ValueError, "weight_decay: must be at least 0, got -1"),
        ([W], {"weight_decay": float("nan")}, ValueError, "weight_decay: .* got nan"),
        ([W], {"clip_norm": 0}, ValueError, "clip_norm: must be positive, or None, got 0"),
        ([W], {"clip_value": -1.0}, ValueError, "clip_value: .* got -1.0"),
        ([W], {"momentun": 1}, TypeError, "momentun"),
        ([], {}, ValueError, "params: at least one Parameter"),
        ([W, W], {}, ValueError, "params: .*each once; got 2, 1 different"),
        ([W, Tensor([1.0])], {}, TypeError, r"params\[1\]: a Parameter is needed, got Tensor"),
        ([np.zeros(2)], {}, TypeError, r"params\[0\]: a Parameter is needed, got ndarray"),
        (W, {}, TypeError, "params: a list of Parameters is needed, .* got Parameter"),
        (nn.ReLU(), {}, TypeError, "such as model.parameters.*got ReLU"),
        (GROUP, {}, TypeError, "params: a list of Parameters is needed, .* got dict"),
        ([{"params": W}], {}, TypeError, "params: a list .* got Parameter"),
        ([{"params": []}], {}, ValueError, "params: at least one"),
        ([GROUP, {"params": [V, W]}], {}, ValueError, "got 3, 2 different"),
        ([GROUP, {"lr": 0.1}], {}, TypeError, 'a group is a dictionary with the key "params"'),
        ([GROUP, V], {}, TypeError, "a group is a dictionary"),
        ([V, GROUP], {}, TypeError, r"params\[1\]: a Parameter is needed, got dict"),
        ([{**GROUP, "rate": 1}], {}, ValueError, r"unknown settings \['rate'\]; SGD has .*'lr'"),
        ([{**GROUP, "clip_norm": 1}], {}, ValueError, r"unknown settings \['clip_norm'\]"),
        ([{**GROUP, "lr": -1}], {}, ValueError, "lr: .* got -1"),
        ([{**GROUP, "momentum": 1.0}], {}, ValueError, "momentum: .* got 1.0"),
        ([{**GROUP, "weight_decay": -1}], {}, ValueError, "weight_decay: .* got -1"),
    ],
)
def test_bad_input_is_named(params, options, kind, message):
    with pytest.raises(kind, match=message):
        SGD(params, **options)


def test_a_group_that_is_refused_changes_nothing():
    optimizer = SGD([W], lr=0.1)
    for group in ({"params": [V], "lr": -1}, {"params": [W]}, {"params": [V], "rate": 1}):
        with pytest.raises(ValueError):
            optimizer.add_param_group(group)
    assert optimizer.params == [W] and list(optimizer.state) == [W]


def test_a_schedule_that_turns_negative_is_named_with_its_step():
    optimizer = SGD([parameter(1)], lr=lambda k: 1.0 - k)
    step(optimizer)
    step(optimizer)
    with pytest.raises(ValueError, match=r"-1.0 for step 2"):
        step(optimizer)
