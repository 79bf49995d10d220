"""The fast kernels equal the textbook's loops, and the loops equal torch."""

import numpy as np
import pytest
import torch
from helpers import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st

from lecturelib.kernels import numpy_conv, numpy_kernels, pool, reference
from lecturelib.kernels.geometry import output_length


def small_integers(*shape, dtype=np.float64):
    """Whole numbers: sums are exact, so results are equal, and maxima are often shared."""
    return np.random.default_rng(shape).integers(-3, 4, shape).astype(dtype)


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def convolutions(draw):
    """Shapes of x and w, and attributes, such that at least one window fits."""
    groups = draw(st.integers(1, 3))
    channels, filters = draw(st.integers(1, 3)) * groups, draw(st.integers(1, 6)) * groups
    size, stride = draw(pairs(1, 3)), draw(st.just((1, 1)) | pairs(1, 3))
    padding, dilation = draw(st.just((0, 0)) | pairs(0, 3)), draw(pairs(1, 2))
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, d, p in zip(size, dilation, padding)]
    image = [n + draw(st.integers(0, 3)) for n in least]
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    batch = draw(st.integers(0, 3))
    return (batch, channels, *image), (filters, channels // groups, *size), how


@pytest.mark.parametrize("chunk", [1, 1 << 20], ids=["one image at a time", "one chunk"])
@given(convolutions(), st.sampled_from([np.float32, np.float64]))
@settings(max_examples=40)
def test_convolution_equals_its_loops(chunk, case, dtype):
    x_shape, w_shape, how = case
    x, w = small_integers(*x_shape, dtype=dtype), small_integers(*w_shape, dtype=dtype)
    b = small_integers(len(w), dtype=dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numpy_conv, "CHUNK", chunk)
        out = numpy_kernels.correlate2d(x, w, b, **how)
        g = small_integers(*out.shape, dtype=dtype)
        dx = numpy_kernels.correlate2d_dx(g, w, shape=x_shape, **how)
        dw = numpy_kernels.correlate2d_dw(x, g, shape=w_shape, **how)
    assert_close(out, reference.correlate2d(x, w, b, **how), dtype)
    assert_close(dx, reference.correlate2d_dx(g, w, shape=x_shape, **how), dtype)
    assert_close(dw, reference.correlate2d_dw(x, g, shape=w_shape, **how), dtype)


@pytest.mark.parametrize("chunk", [1, 1 << 20], ids=["one image at a time", "one chunk"])
@given(convolutions(), st.tuples(st.booleans(), st.booleans(), st.booleans()))
@settings(max_examples=40)
def test_gradients_of_convolution_together_equal_those_alone(chunk, case, needed):
    x_shape, w_shape, how = case
    x, w = small_integers(*x_shape), small_integers(*w_shape)
    out = numpy_kernels.correlate2d(x, w, None, **how)
    g = small_integers(*out.shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numpy_conv, "CHUNK", chunk)
        together = numpy_kernels.correlate2d_backward(g, out, x, w, None, needed=needed, **how)
    alone = (reference.correlate2d_dx(g, w, shape=x_shape, **how),
             reference.correlate2d_dw(x, g, shape=w_shape, **how), g.sum(axis=(0, 2, 3)))
    for is_needed, ours, expected in zip(needed, together, alone, strict=True):
        if is_needed:
            assert_close(ours, expected)


@given(convolutions())
@settings(max_examples=30)
def test_columns_equal_numpys_windows(case):
    shape, (_, _, *size), how = case
    how = {k: v for k, v in how.items() if k != "groups"}
    x = small_integers(*shape)
    (top, left), (down, right), (dh, dw) = how["padding"], how["stride"], how["dilation"]
    padded = np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)))
    reach = [d * (k - 1) + 1 for k, d in zip(size, how["dilation"])]
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=(2, 3))
    windows = windows[:, :, ::down, ::right, ::dh, ::dw].transpose(0, 1, 4, 5, 2, 3)
    columns = numpy_kernels.im2col(x, size=size, **how)
    assert np.array_equal(columns, windows.reshape(columns.shape))
    g = small_integers(*columns.shape)
    image = numpy_kernels.col2im(g, shape=shape, size=size, **how)
    assert np.vdot(columns, g) == np.vdot(x, image)  # the transpose, on whole numbers


@given(convolutions())
@settings(max_examples=15)
def test_the_loops_of_convolution_equal_torch(case):
    x_shape, w_shape, how = case
    x, w = (torch.tensor(small_integers(*shape), requires_grad=True)
            for shape in (x_shape, w_shape))
    expected = torch.nn.functional.conv2d(x, w, **how)
    g = small_integers(*expected.shape)
    expected.backward(torch.tensor(g))
    x_, w_ = x.detach().numpy(), w.detach().numpy()
    assert_close(reference.correlate2d(x_, w_, **how), expected.detach().numpy())
    assert_close(reference.correlate2d_dx(g, w_, shape=x_shape, **how), x.grad.numpy())
    assert_close(reference.correlate2d_dw(x_, g, shape=w_shape, **how), w.grad.numpy())


@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 3), st.integers(0, 3))
def test_correlation_in_one_dimension(n, size, stride, padding):
    if output_length(n, size, stride, padding) < 1:
        return
    x, w = small_integers(n), small_integers(size)
    out = reference.correlate1d(x, w, stride=stride, padding=padding)
    same = np.correlate(np.pad(x, padding), w, "valid") if size <= n + 2 * padding else []
    assert_close(out, same[::stride])


@st.composite
def poolings(draw):
    size, stride = draw(pairs(1, 4)), draw(pairs(1, 4))
    padding = tuple(draw(st.integers(0, k // 2)) for k in size)
    image = [max(1, k - 2 * p) + draw(st.integers(0, 4)) for k, p in zip(size, padding)]
    shape = (draw(st.integers(0, 2)), draw(st.integers(1, 2)), *image)
    return shape, {"size": size, "stride": stride, "padding": padding}


@given(poolings(), st.sampled_from([np.float32, np.float64]))
def test_max_pooling_equals_its_loops_and_torch(case, dtype):
    shape, how = case
    x = small_integers(*shape, dtype=dtype)
    out = pool.window_max(x, **how)
    g = small_integers(*out.shape, dtype=dtype)
    chosen = pool.winners(x, out, **how)
    dx = pool.put_winners(g, winners=chosen, shape=shape, **how)
    assert np.array_equal(out, reference.max_pool2d(x, **how))
    assert np.array_equal(dx, reference.max_pool2d_dx(g, x, **how))
    assert np.array_equal(out, pool.take_winners(x, winners=chosen, **how))
    assert out.dtype == dx.dtype == dtype
    tx = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.max_pool2d(tx, how["size"], how["stride"], how["padding"])
    expected.backward(torch.tensor(g))
    assert np.array_equal(out, expected.detach().numpy())
    assert np.array_equal(dx, tx.grad.numpy())


@given(poolings())
def test_average_pooling_equals_its_loops_and_torch(case):
    shape, how = case
    x, area = small_integers(*shape), np.prod(how["size"])
    out = pool.window_sum(x, **how)
    g = small_integers(*out.shape)
    dx = pool.window_sum_dx(g, shape=shape, **how)
    assert_close(out / area, reference.avg_pool2d(x, **how))
    assert_close(dx / area, reference.avg_pool2d_dx(g, x, **how))
    tx = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.avg_pool2d(tx, how["size"], how["stride"], how["padding"])
    expected.backward(torch.tensor(g))
    assert_close(out / area, expected.detach().numpy())
    assert_close(dx / area, tx.grad.numpy())


def test_minus_infinity_can_win_and_padding_cannot():
    x = np.full((1, 1, 2, 2), -np.inf)
    how = {"size": (2, 2), "stride": (2, 2), "padding": (1, 1)}
    out = pool.window_max(x, **how)
    chosen = pool.winners(x, out, **how)
    dx = pool.put_winners(np.ones((1, 1, 2, 2)), winners=chosen, shape=x.shape, **how)
    assert np.array_equal(out, x) and np.array_equal(dx, np.ones((1, 1, 2, 2)))


def test_nan_in_a_window_is_its_maximum():
    x = np.array([[[[1, np.nan], [2, 3.0]]]])
    out = pool.window_max(x, size=(2, 2), stride=(2, 2), padding=(0, 0))
    assert np.isnan(out).all()


def test_no_kernel_writes_into_its_arguments_or_returns_them():
    x, w = small_integers(2, 2, 3, 3), small_integers(2, 2, 1, 1)
    copies = x.copy(), w.copy()
    one = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
    pool = {"size": (1, 1), "stride": (1, 1), "padding": (0, 0)}
    results = [
        numpy_kernels.correlate2d(x, w, np.ones(2), groups=1, **one),
        numpy_kernels.correlate2d_dx(x, w, shape=x.shape, groups=1, **one),
        numpy_kernels.correlate2d_dw(x, x, shape=w.shape, groups=1, **one),
        numpy_kernels.window_max(x, **pool),
        numpy_kernels.window_sum(x, **pool),
        numpy_kernels.window_sum_dx(x, shape=x.shape, **pool),
        numpy_kernels.put_winners(x, winners=np.zeros(x.shape, int), shape=x.shape, **pool),
    ]
    assert all(not np.shares_memory(r, x) for r in results)
    assert np.array_equal(x, copies[0]) and np.array_equal(w, copies[1])
