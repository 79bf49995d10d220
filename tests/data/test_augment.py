"""Shifts, turns, scalings and mirror images: by hand, against SciPy, and by what must hold."""

import numpy as np
import pytest
from scipy import ndimage

from lecturelib import data
from lecturelib.data import augment

RNG = np.random.default_rng
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])
RANDOM = {"shift": augment.random_shift, "rotate": augment.random_rotate,
          "scale": augment.random_scale, "mirror": augment.random_mirror}
each_random = pytest.mark.parametrize("random", RANDOM.values(), ids=RANDOM)


def images(n=3, channels=2, height=7, width=10, dtype=np.float64):
    return RNG(0).random((n, channels, height, width)).astype(dtype)


def smooth(n=2, side=33):
    """A few wide bumps, far from the border."""
    down, right = np.indices((side, side)) - (side - 1) / 2
    centers = RNG(1).uniform(-4, 4, (n, 3, 2))
    bumps = [[np.exp(-((down - a) ** 2 + (right - b) ** 2) / 18) for a, b in c] for c in centers]
    return np.sum(bumps, axis=1)[:, None]


# ------------------------------------------------------------------------------- the resampler


@each_dtype
def test_half_a_pixel_by_hand(dtype):
    x = np.array([[[[0, 4], [8, 2]]]], dtype)
    half = [[1, 0, 0.5], [0, 1, 0]]  # each place shows what lies half a pixel below it
    np.testing.assert_array_equal(augment.warp(x, half), [[[[4, 3], [4, 1]]]])
    both = [[1, 0, 0.5], [0, 1, 0.25]]
    # (1 − v)((1 − u) a + u b) + v ((1 − u) c + u d) with v = 1/2, u = 1/4
    assert augment.warp(x, both)[0, 0, 0, 0] == 0.5 * (0.25 * 4) + 0.5 * (0.75 * 8 + 0.25 * 2)
    assert augment.warp(x, both).dtype == dtype


@pytest.mark.parametrize("seed", range(5))
@each_dtype
def test_any_affine_map_against_scipy(seed, dtype):
    x, rng = images(dtype=dtype), RNG(seed)
    matrices = IDENTITY + rng.normal(size=(3, 2, 3)) * [0.4, 0.4, 2]
    middle = np.array([3, 4.5])
    found = augment.warp(x, matrices)
    for n, m in enumerate(matrices):
        offset = middle + m[:, 2] - m[:, :2] @ middle
        for c in range(2):
            expected = ndimage.affine_transform(
                x[n, c], m[:, :2], offset, order=1, mode="grid-constant", cval=0)
            np.testing.assert_allclose(found[n, c], expected,
                                       atol=1e-12 if dtype == np.float64 else 1e-5)


@each_dtype
def test_the_identity_changes_nothing_and_returns_a_copy(dtype):
    x = images(dtype=dtype)
    for y in (augment.warp(x, IDENTITY), augment.shift(x), augment.rotate(x, 0),
              augment.scale(x, 1)):
        np.testing.assert_array_equal(y, x)
        assert y.dtype == dtype and not np.shares_memory(x, y)


def test_what_is_far_outside_is_background():
    assert not augment.shift(images(), 1e9, -1e9).any()
    assert not augment.warp(images(), [[1, 0, 7.0], [0, 1, 0]]).any()  # just outside
    assert augment.warp(images(), [[1, 0, 6.99], [0, 1, 0]]).any()


def test_an_empty_batch_and_one_pixel():
    assert augment.shift(images(n=0), 1, 1).shape == (0, 2, 7, 10)
    one = np.ones((1, 1, 1, 1))
    np.testing.assert_array_equal(augment.rotate(one, 30), one)
    np.testing.assert_allclose(augment.shift(one, 0.25), [[[[0.75]]]])


# ------------------------------------------------------------------------------ the four changes


@each_dtype
def test_whole_pixels_are_moved_exactly(dtype):
    x = images(dtype=dtype)
    y = augment.shift(x, 2, -3)
    np.testing.assert_array_equal(y[..., 2:, :-3], x[..., :-2, 3:])
    assert not y[..., :2, :].any() and not y[..., -3:].any() and y.dtype == dtype


def test_each_image_may_have_its_own_amount():
    x = images()
    for change, amounts in ((augment.rotate, [10, -20, 33]), (augment.scale, [0.5, 1, 2]),
                            (augment.shift, [1, -2, 0.5])):
        each = [change(x[i:i + 1], a)[0] for i, a in enumerate(amounts)]
        np.testing.assert_array_equal(change(x, amounts), each)
    right = augment.shift(x, right=[0, 1, 2])
    np.testing.assert_array_equal(right[2, :, :, 2:], x[2, :, :, :-2])


@pytest.mark.parametrize("degrees", [90, -90, 180, 37.5])
def test_a_turn_is_scipys_and_goes_against_the_clock(degrees):
    x = images(height=9, width=9)
    expected = ndimage.rotate(x, degrees, axes=(2, 3), reshape=False, order=1,
                              mode="grid-constant")
    np.testing.assert_allclose(augment.rotate(x, degrees), expected, atol=1e-9)
    corner = np.zeros((1, 1, 5, 5))
    corner[..., 0, 4] = 1  # upper right
    assert augment.rotate(corner, 90)[0, 0, 0, 0] == pytest.approx(1)  # upper left


def test_a_larger_image_by_hand():
    x = np.zeros((1, 1, 5, 5))
    x[..., 2, 3] = 1  # one pixel right of the middle
    larger = augment.scale(x, 2)[0, 0]
    assert larger[2, 4] == 1 and larger[2, 3] == 0.5 and larger[2, 2] == 0
    assert augment.scale(x, 0.5)[0, 0].sum() == 0  # every other pixel: this one is skipped


def test_every_change_has_an_inverse():
    x = smooth()
    for y in (augment.rotate(augment.rotate(x, 25), -25),
              augment.scale(augment.scale(x, 1.25), 0.8),
              augment.shift(augment.shift(x, 1.5, -2.25), -1.5, 2.25)):
        assert 0 < abs(y - x).max() < 0.04 * x.max()  # what interpolating twice costs
    np.testing.assert_array_equal(augment.mirror(augment.mirror(x)), x)


def test_the_mirror_exchanges_left_and_right():
    x = images()
    np.testing.assert_array_equal(augment.mirror(x), np.flip(x, 3))
    assert not np.shares_memory(x, augment.mirror(x))


# ------------------------------------------------------------------------------ drawn at random


@each_random
@each_dtype
def test_random_changes_keep_shape_dtype_and_input_and_repeat_with_the_seed(random, dtype):
    x = images(n=40, dtype=dtype)
    kept = x.copy()
    y = random(x, rng=RNG(1))
    assert y.shape == x.shape and y.dtype == dtype and not np.shares_memory(x, y)
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_array_equal(random(x, rng=RNG(1)), y)
    assert not np.array_equal(random(x, rng=RNG(2)), y)


def drawn(monkeypatch, name, call):
    """The amounts with which `call` makes the change `name` of 20,000 images."""
    seen = []
    monkeypatch.setattr(augment, name, lambda images, *amounts: seen.extend(amounts))
    call(np.zeros((20_000, 1, 1, 1)))
    return seen


def test_shifts_are_whole_uniform_and_independent(monkeypatch):
    down, right = drawn(monkeypatch, "shift", lambda x: augment.random_shift(x, 2, rng=RNG(0)))
    for amounts in (down, right):
        values, counts = np.unique(amounts, return_counts=True)
        np.testing.assert_array_equal(values, [-2, -1, 0, 1, 2])
        np.testing.assert_allclose(counts, 4000, rtol=0.06)
    assert abs(np.corrcoef(down, right)[0, 1]) < 0.03


def test_angles_are_uniform_on_both_sides(monkeypatch):
    degrees, = drawn(monkeypatch, "rotate", lambda x: augment.random_rotate(x, 8, rng=RNG(0)))
    np.testing.assert_allclose(np.quantile(degrees, [0, 0.25, 0.5, 0.75, 1]), [-8, -4, 0, 4, 8],
                               atol=0.2)


def test_scales_are_as_often_below_one_as_above(monkeypatch):
    factor, = drawn(monkeypatch, "scale", lambda x: augment.random_scale(x, 1.5, rng=RNG(0)))
    np.testing.assert_allclose(np.log(np.quantile(factor, [0, 0.25, 0.5, 0.75, 1])) / np.log(1.5),
                               [-1, -0.5, 0, 0.5, 1], atol=0.03)


@pytest.mark.parametrize("p", [0, 0.3, 1])
def test_mirror_images_come_with_their_probability(p):
    x = np.tile(np.array([0.0, 1.0]), (20_000, 1, 1, 1))
    mirrored = augment.random_mirror(x, p, rng=RNG(0))[:, 0, 0, 0]
    assert mirrored.mean() == pytest.approx(p, abs=0.015 * (0 < p < 1))


def test_amounts_of_nothing_change_nothing():
    x = images()
    for y in (augment.random_shift(x, 0, rng=RNG(0)), augment.random_rotate(x, 0, rng=RNG(0)),
              augment.random_scale(x, 1, rng=RNG(0)), augment.random_mirror(x, 0, rng=RNG(0))):
        np.testing.assert_array_equal(y, x)


def test_it_augments_the_batches_of_a_data_set():
    d = data.fashion_mnist().train[:100]
    (x, y), = data.batches(d, 100, rng=RNG(0), transform=augment.random_mirror)
    rng = RNG(0)
    order = rng.permutation(100)
    np.testing.assert_array_equal(x, augment.random_mirror(d.x[order], rng=rng))
    np.testing.assert_array_equal(y, d.y[order])


# ---------------------------------------------------------------------------------------- errors


@each_random
def test_bad_images_and_generators_are_named(random):
    with pytest.raises(TypeError, match="rng: a numpy"):
        random(images(), rng=0)
    for bad in (images().astype(int), images().tolist()):
        with pytest.raises(TypeError, match="images: a NumPy array of floats is needed"):
            random(bad, rng=RNG(0))
    with pytest.raises(ValueError, match=r"\(N, C, H, W\) is needed, got shape \(2, 7, 10\)"):
        random(images()[0], rng=RNG(0))


@pytest.mark.parametrize(("call", "message"), [
    (lambda x: augment.warp(x, np.eye(3)), r"matrices: .* \(3, 2, 3\) .*, got shape \(3, 3\)"),
    (lambda x: augment.warp(x, np.zeros((2, 2, 3))), "matrices: "),
    (lambda x: augment.warp(x, IDENTITY * np.nan), "matrices: finite"),
    (lambda x: augment.shift(x, [1, 2]), "down: one finite number, or one for each of the 3"),
    (lambda x: augment.shift(x, 0, np.inf), "right: "),
    (lambda x: augment.rotate(x, np.nan), "degrees: "),
    (lambda x: augment.scale(x, [1, 0, 2]), "factor: must be above 0, got 0"),
    (lambda x: augment.random_shift(x, 1.5, rng=RNG(0)), "most: a number of whole pixels"),
    (lambda x: augment.random_shift(x, -1, rng=RNG(0)), "most: "),
    (lambda x: augment.random_rotate(x, -5, rng=RNG(0)), "degrees: 0 or more"),
    (lambda x: augment.random_scale(x, 0.8, rng=RNG(0)), "factor: 1 or more"),
    (lambda x: augment.random_mirror(x, 50, rng=RNG(0)), "p: a probability is needed, got 50"),
])
def test_bad_amounts_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(images())
