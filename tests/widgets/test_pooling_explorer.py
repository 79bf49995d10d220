"""The explorer of pooling: its numbers against torch, and by hand."""

from functools import partial

import numpy as np
import pytest
import torch

from lecturelib.widgets.pooling import IMAGE, POOLS, SIDE, PoolingExplorer

TEXTS = {"caption": "Pool a small image.", "alt": "An image and its pooled form."}
GEOMETRIES = [(2, 2), (2, 1), (3, 2), (4, 3), (2, 3), (4, 1)]
each_geometry = pytest.mark.parametrize(("size", "stride"), GEOMETRIES)
each_shift = pytest.mark.parametrize("shift", [0, 1, 3])


@pytest.fixture(scope="module")
def explorer():
    return PoolingExplorer(**TEXTS)


def moved(shift):
    x = np.zeros_like(IMAGE)
    x[:, shift:] = IMAGE[:, :SIDE - shift]
    return x


def of_torch(pool, shift):
    """The response and the gradient of its sum."""
    x = torch.tensor(moved(shift)[None, None], requires_grad=True)
    out = pool(x)
    out.sum().backward()
    return out[0, 0].detach().numpy(), x.grad[0, 0].numpy()


def smooth(temperature, x, size, stride):
    columns = torch.nn.functional.unfold(x, size, stride=stride)
    out = temperature * (torch.logsumexp(columns / temperature, 1) - np.log(size**2))
    side = (SIDE - size) // stride + 1
    return out.reshape(1, 1, side, side)


def check(part, pool, shift):
    response, gradient = of_torch(pool, shift)
    side = len(response)
    np.testing.assert_allclose(part["response"][:side**2], response.ravel(), atol=1e-8)
    assert np.isnan(part["response"][side**2:]).all() and part["response"].shape == (SIDE**2,)
    np.testing.assert_array_equal(part["routed"], np.round(part["routed"], 3))
    np.testing.assert_allclose(part["routed"], gradient, rtol=0, atol=6e-4)
    unmoved = of_torch(pool, 0)[0]
    changed = np.sum(np.abs(response - unmoved) > 1e-3)
    np.testing.assert_array_equal(part["counts"], [side, changed])


@each_geometry
@each_shift
def test_responses_gradients_and_changes_are_torchs(explorer, size, stride, shift):
    F = torch.nn.functional
    pools = {"max": F.max_pool2d, "average": F.avg_pool2d}
    pools |= {f"{T:g}": partial(smooth, T) for T in (0.1, 0.5, 2, 10)}
    assert pools.keys() == POOLS.keys()
    for kind, pool in pools.items():
        check(explorer.pooled(kind, size, stride, shift), lambda x, p=pool: p(x, size, stride),
              shift)


@each_shift
def test_the_picture_moves_and_loses_nothing(explorer, shift):
    image = explorer.picture(shift)["image"]
    np.testing.assert_array_equal(image, moved(shift))
    assert image.sum() == IMAGE.sum()


def test_of_equal_pixels_the_first_gets_all_and_overlaps_add(explorer):
    apart = explorer.pooled("max", 2, 2, 0)
    assert IMAGE[4:6, 2:4].tolist() == [[6, 8], [5, 8]]  # a window with two maxima
    np.testing.assert_array_equal(apart["routed"][4:6, 2:4], [[0, 1], [0, 0]])
    np.testing.assert_array_equal(apart["routed"][6:8, 6:8], [[1, 0], [0, 0]])  # all zeros
    overlapping = explorer.pooled("max", 2, 1, 0)
    assert overlapping["routed"][1, 2] == 4  # the 9 is in four windows
    assert overlapping["routed"].sum() == 49  # nothing is lost


def test_zeros_stay_zeros(explorer):
    for kind in ("average", "0.1", "10"):
        assert explorer.pooled(kind, 3, 1, 0)["response"][5] == 0  # upper right


def test_the_still_marks_one_window_in_three_pictures(explorer):
    explorer.set(kind="2", size=3, stride=2, place=49)  # of 9: the last
    try:
        frame = explorer.frame()
        picture = explorer.still(frame)
        assert picture.count("h28v28h-28z") == 9 + 1 + 9
        assert f'>{frame["pooled"]["response"][0]:.3g}<' in picture
        assert picture.count("M56 56h28") == 1 and picture.count("M168 168h28") == 2
        explorer.set(kind="average")
        assert f'>{explorer.frame()["pooled"]["response"][0]:.3g}<' in explorer.still(
            explorer.frame())
    finally:
        explorer.set(kind="max", size=2, stride=2, place=5)
