"""The playground: its data, what is trained, and what the page gets to see."""

from __future__ import annotations

import numpy as np
import pytest

from lecturelib import functional as F
from lecturelib import nn, optim
from lecturelib.models import mlp
from lecturelib.widgets import frames, playground
from lecturelib.widgets.controls import choice
from lecturelib.widgets.playground import EDGE, SIDE, STEPS, Playground, points


class Small(Playground):
    """Few of the combinations: the whole takes ten seconds to train."""

    controls = (choice("data", "data", {"rings": "rings", "xor": "XOR"}),
                choice("network", "network", {"line": "line", "squares": "squares",
                                              "8": "8"}),
                choice("activation", "activation", {"relu": "ReLU", "none": "none"}),
                Playground.controls[3])


@pytest.fixture(scope="module")
def small():
    return Small(caption="Choose and press play.", alt="A plane in two colours.",
                 data="rings", network="8")


def test_points_are_the_patterns_they_are_called_by():
    sets = {name: points(name, 400, rng=np.random.default_rng(1))
            for name in playground.POINTS}
    for found in sets.values():
        assert found.x.shape == (400, 2) and found.x.dtype == np.float64
        assert np.bincount(found.y).tolist() == [200, 200]
        assert np.abs(found.x).max() < 1.4  # all of them can be seen
    radius = np.hypot(*sets["rings"].x.T)
    assert radius[sets["rings"].y == 1].max() < 0.6 < radius[sets["rings"].y == 0].min()
    x, y = sets["xor"].x, sets["xor"].y
    assert ((x[:, 0] * x[:, 1] > 0) == y).all()
    assert np.abs(x).min() > 0.05  # a gap along the axes
    assert len({(a > 0, b > 0) for a, b in x}) == 4  # all four squares have points
    upper = sets["moons"].x[sets["moons"].y == 0]
    lower = sets["moons"].x[sets["moons"].y == 1]
    assert np.abs(upper.mean(0) + lower.mean(0)).max() < 0.1  # each a half turn of the other


def test_spirals_are_two_arms_half_a_turn_apart():
    found = points("spirals", 400, rng=np.random.default_rng(1))
    turned = np.where(found.y[:, None] == 1, -found.x, found.x)
    r = (np.hypot(*turned.T) - 0.1) / 1.1
    off = np.angle(np.exp(1j * (np.arctan2(*turned.T[::-1]) - 2.4 * np.pi * r)))
    far = r > 0.5  # nearer to the middle the jitter is a large angle
    assert np.abs(off[far]).max() < 0.7 and np.abs(off[far]).mean() < 0.25


def test_points_need_a_known_name_and_a_generator():
    with pytest.raises(ValueError, match="name: one of rings, moons, xor, spirals"):
        points("ring", 10, rng=np.random.default_rng(0))
    with pytest.raises(TypeError, match="rng"):
        points("rings", 10, rng=0)


def test_run_is_plain_descent_on_all_points(small):
    sample = points("rings", 200, rng=np.random.default_rng(0))
    model = mlp((2, 8, 2), nn.ReLU, rng=np.random.default_rng(0), dtype=np.float64)
    optimizer = optim.SGD(model.parameters(), lr=0.3)
    losses = []
    for _ in range(21):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(sample.x), sample.y)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    run = small.run("rings", "8", "relu")
    early = STEPS <= 20
    np.testing.assert_allclose(run["loss"][early], np.array(losses)[STEPS[early]],
                               rtol=1e-12)


def test_surface_shows_the_network_of_that_step(small):
    # Around the points the surface must show what the network says at them. This pattern
    # shows a surface that is mirrored, turned, or of another step: 0.12 or more, not 0.07.
    sample = points("xor", 200, rng=np.random.default_rng(0))
    col, row = ((sample.x.T + EDGE) / (2 * EDGE) * SIDE).astype(int)
    for step in (20, 45, 100):
        surface = small.surface("xor", "8", "relu", step)["confidence"]
        assert surface.shape == (SIDE, SIDE)
        assert set(np.unique(surface * 4)) <= set(range(-4, 5))
        model, states, _ = small._learned("xor", "8", "relu")
        model.load_state_dict(states[list(STEPS).index(step)])
        p = F.softmax(model(sample.x)).data
        assert np.abs(surface[row, col] - (p[:, 1] - p[:, 0])).mean() < 0.1


def test_lines_stay_lines_and_squares_solve_rings(small):
    # A linear stack learns no more than a line; the hand-made inputs make the rings easy.
    at_end = {network: small.run("rings", network, "none")["right"][-1]
              for network in ("line", "squares", "8")}
    assert max(at_end["line"], at_end["8"]) < 0.75
    assert at_end["squares"] == 1


def test_step_between_frames_is_computed_exactly(small):
    # 600 stands in no frame: a kernel must find the state after 600 steps, not a mixture.
    run = small.run("xor", "8", "relu")
    model, states, _ = small._learned("xor", "8", "relu")
    model.load_state_dict(states[list(STEPS).index(600)])
    sample = points("xor", 200, rng=np.random.default_rng(0))
    loss = F.cross_entropy(model(sample.x), sample.y).item()
    assert loss == pytest.approx(run["loss"][STEPS == 600][0], rel=1e-12)


def test_optimizer_and_seed_are_used(small):
    how = {"caption": "Choose and press play.", "alt": "A plane in two colours."}
    slow = Small(optimizer=lambda params: optim.SGD(params, lr=1e-9), seed=1, **how)
    loss = slow.run("rings", "8", "relu")["loss"]
    assert np.ptp(loss) < 1e-6  # hardly moved
    assert loss[0] != small.run("rings", "8", "relu")["loss"][0]  # another start


def test_still_and_table(small):
    picture = small.still(small.frame())
    assert picture.count("<image") == 1 and "Loss" in picture
    layout, data = small.spec["layout"], small.data
    assert layout["surface"]["sizes"] == [2, 3, 2, 8]
    last = layout["surface"]["sizes"][-1] * 5 - 1  # rings, 8, relu, the last step
    seen = frames.unpack(layout, data, "surface", last)["confidence"]
    exact = small.surface("rings", "8", "relu", 800)["confidence"]
    np.testing.assert_allclose(seen, exact, atol=1e-4)
