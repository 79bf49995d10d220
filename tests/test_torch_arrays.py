"""Models on arrays of torch: the same numbers as on NumPy, and what may meet what."""

import copy
import sys

import numpy as np
import pytest
import torch
from helpers import assert_close, normal
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lecturelib import Tensor, backend, grad, gradients, hvp, nn, primitive
from lecturelib import functional as F


def rng():
    return np.random.default_rng(0)


D = {"dtype": np.float64}
IMAGES, ROWS = normal(4, 6, 5, 5), normal(4, 6)
LAYERS = [
    (nn.Linear(6, 3, rng=rng(), **D), ROWS),
    (nn.Conv2d(6, 4, 3, stride=2, padding=1, groups=2, rng=rng(), **D), IMAGES),
    (nn.Conv1d(6, 4, 3, rng=rng(), **D), normal(2, 6, 7)),
    (nn.MaxPool2d(2), IMAGES),
    (nn.AvgPool2d(3, 2, 1, count_include_pad=False), IMAGES),
    (nn.AdaptiveAvgPool2d((2, 3)), IMAGES),
    (nn.GlobalAvgPool2d(), IMAGES),
    (nn.LSEPool2d(3, 0.5, padding=1), IMAGES),
    (nn.BatchNorm1d(6, **D), ROWS),
    (nn.BatchNorm2d(6, **D), IMAGES),
    (nn.BatchNorm2d(6, affine=False, track_running_stats=False, **D), IMAGES),
    (nn.LayerNorm((5, 5), **D), IMAGES),
    (nn.GroupNorm(3, 6, **D), IMAGES),
    (nn.InstanceNorm2d(6, affine=True, **D), IMAGES),
    *[(activation, ROWS) for activation in (
        nn.ReLU(), nn.LeakyReLU(), nn.PReLU(6, **D), nn.ELU(), nn.GELU(), nn.GELU("tanh"),
        nn.SiLU(), nn.Sigmoid(), nn.Tanh(), nn.Softplus(), nn.Softmax(), nn.LogSoftmax())],
    (nn.RNN(6, 3, rng=rng(), **D), normal(4, 2, 6)),
    (nn.LSTM(6, 3, 2, rng=rng(), **D), normal(4, 2, 6)),
    (nn.GRU(6, 3, rng=rng(), **D), normal(4, 2, 6)),
]


def forward_and_backward(layer, x):
    """Results, gradients of x and of all parameters, and buffers, as arrays of NumPy."""
    layer.zero_grad()
    x = Tensor(x, requires_grad=True)
    out = layer(x)
    while isinstance(out, tuple):
        out = out[0]
    weights = np.linspace(0.5, 1.5, out.size).reshape(out.shape)
    (out * weights).sum().backward()
    arrays = [out.data, x.grad, *(p.grad for p in layer.parameters()),
              *(b for _, b in layer.named_buffers())]
    return {type(a) for a in arrays}, [backend.numpy(a) for a in arrays]


def assert_same(a, b):
    if b.dtype.kind == "i":
        assert np.array_equal(a, b) and a.dtype == b.dtype
    else:
        assert_close(a, b, b.dtype.type)


def name(v):
    return repr(v)[:40] if isinstance(v, nn.Module) else "x"


@pytest.mark.parametrize(("layer", "x"), LAYERS, ids=name)
def test_a_layer_computes_the_same(layer, x):
    layer = copy.deepcopy(layer)
    moved = copy.deepcopy(layer).to("torch")
    _, ours = forward_and_backward(layer, x)
    kinds, theirs = forward_and_backward(moved, torch.tensor(x))
    assert kinds == {torch.Tensor}
    for a, b in zip(theirs, ours, strict=True):
        assert_same(a, b)
    layer.eval(), moved.eval()
    _, ours = forward_and_backward(layer, x)
    _, theirs = forward_and_backward(moved, torch.tensor(x))
    for a, b in zip(theirs, ours, strict=True):
        assert_same(a, b)


def model():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=rng()), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5, rng=rng()), nn.Linear(18, 3, rng=rng()))


def test_a_module_moves_there_and_back():
    m, x = model(), normal(5, 1, 8, 8).astype(np.float32)
    F.cross_entropy(m(x), [0, 1, 2, 0, 1]).backward()
    state, slopes = m.state_dict(), [p.grad for p in m.parameters()]
    assert m.to("torch") is m
    for p in m.parameters():
        assert type(p.data) is type(p.grad) is torch.Tensor and p.device == "torch"
    there = m.state_dict()
    m.to("cpu")
    for p, g in zip(m.parameters(), slopes, strict=True):
        assert type(p.data) is np.ndarray and np.array_equal(p.grad, g)
    for name, value in state.items():
        assert type(there[name]) is np.ndarray
        assert np.array_equal(there[name], value) and np.array_equal(m.state_dict()[name], value)


def test_moving_shares_no_memory():
    x = np.ones(3)
    t = backend.move(x, "torch")
    t += 1
    assert x.tolist() == [1, 1, 1]
    p = nn.Linear(2, 2, rng=rng())
    before = p.weight.data
    p.to("torch").weight.data += 1
    assert not np.shares_memory(before, backend.numpy(p.weight.data))
    assert not np.allclose(before, backend.numpy(p.weight.data))


def test_batches_of_numpy_follow_the_model():
    m, x = model().to("torch"), normal(5, 1, 8, 8).astype(np.float32)
    for batch in (x, torch.tensor(x)):
        m.eval()
        scores = m(batch)
        assert scores.device == "torch"
        for y in ([0, 1, 2, 0, 1], np.array([0, 1, 2, 0, 1]), torch.tensor([0, 1, 2, 0, 1])):
            F.cross_entropy(scores, y)
            F.hinge(scores, y)
            assert 0 <= F.accuracy(scores, y) <= 1


def test_a_tensor_goes_and_its_gradient_comes_back():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x.to("torch")
    assert y.device == "torch" and x.device == "cpu" and x.to("cpu") is x and y.to("torch") is y
    (y * y).sum().backward()
    assert type(x.grad) is np.ndarray and x.grad.tolist() == [2, 4]
    assert repr(Tensor([1.0]).to("torch")) == 'Tensor([1.], device="torch")'
    assert np.array_equal(y.detach().numpy(), x.data)


def test_tensors_of_two_libraries_do_not_meet():
    x, y = Tensor([1.0]), Tensor([1.0]).to("torch")
    with pytest.raises(TypeError, match=r"add\(.*one Tensor is an array of NumPy.*x\.to"):
        x + y
    assert (y + np.array([1.0], np.float32)).device == "torch"
    assert (np.array([1.0], np.float32) + y).device == "torch"
    assert (x + torch.ones(1)).device == "cpu" and (torch.ones(1) + x).device == "cpu"
    assert (torch.ones(1) + y).device == "torch"
    assert type(y == np.array([1.0])) is torch.Tensor and type(x < torch.ones(1)) is np.ndarray
    with pytest.raises(TypeError, match="floating-point types differ"):
        y * np.ones(1)


def test_errors_of_torch_name_the_operation():
    x = Tensor(np.ones((2, 3))).to("torch")
    with pytest.raises(ValueError, match=r"add\(x: \(2, 3\) float64, y: \(4,\) float64\): .*size"):
        x + torch.ones(4).double()
    with pytest.raises(IndexError, match="getitem"):
        x[5]


def test_out_of_memory_is_not_a_wrong_argument():
    @primitive
    def too_much(x):
        raise torch.OutOfMemoryError("all gone")

    with pytest.raises(torch.OutOfMemoryError, match="all gone"):
        too_much(Tensor(torch.ones(1)))


def test_devices_that_are_not_there(monkeypatch):
    layer = nn.Linear(2, 2, rng=rng())
    with pytest.raises(ValueError, match=r'device: "cpu" \(NumPy\), .* got \'gpu\''):
        layer.to("gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match="torch sees no CUDA GPU"):
        layer.to("cuda")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=r"PyTorch is not installed; .*pip install torch"):
        layer.to("torch")
    assert type(layer.weight.data) is np.ndarray


def test_masks_are_drawn_on_the_device_from_the_generator():
    x = Tensor(np.ones((200, 50), np.float32)).to("torch")
    first, again = (F.dropout(x, 0.3, rng=rng()) for _ in range(2))
    assert np.array_equal(first.numpy(), again.numpy())
    generator = rng()
    one, two = (F.dropout(x, 0.3, rng=generator).numpy() for _ in range(2))
    assert not np.array_equal(one, two)
    assert abs((one == 0).mean() - 0.3) < 4 * (0.3 * 0.7 / one.size) ** 0.5
    noise = F.gaussian_dropout(x, 0.2, rng=rng()).numpy()
    assert abs(noise.mean() - 1) < 4 * 0.5 / noise.size**0.5
    assert abs(noise.std() - 0.5) < 0.01


def indexes_alike(x, index):
    """The same elements and gradients on arrays of both libraries."""
    ours, theirs = Tensor(x, requires_grad=True), Tensor(torch.tensor(x), requires_grad=True)
    out, there = ours[index], theirs[index]
    assert np.array_equal(backend.numpy(there.data), out.data)
    seed = np.linspace(0.5, 1.5, out.size).reshape(out.shape)
    out.backward(seed)
    there.backward(seed)
    assert_close(theirs.grad, ours.grad)


INDICES = {
    "backwards": (slice(None, None, -1),),
    "backwards by two": (slice(None), slice(3, 0, -2)),
    "backwards after an ellipsis": (..., slice(None, None, -1)),
    "a slice and places named twice": (slice(1, None), np.array([1, 1, 0])),
    "places named twice and backwards": (np.array([2, 2]), slice(None, None, -1)),
    "a mask of two axes": (np.arange(12).reshape(3, 4) % 3 == 0, slice(None, None, -1)),
    "a new axis and a place": (None, 1, ..., np.array([0, 0])),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_an_index_means_what_it_means_to_numpy(index):
    indexes_alike(normal(3, 4, 2), index)


@given(st.data())
def test_any_index_means_what_it_means_to_numpy(data):
    x = normal(*data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)))
    index = data.draw(st.one_of(
        hnp.basic_indices(x.shape, allow_newaxis=True, allow_ellipsis=True),
        hnp.integer_array_indices(x.shape),
        hnp.arrays(bool, x.shape)))
    indexes_alike(x, index)


def test_grad_hvp_and_gradients_on_arrays_of_torch():
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    slope = grad(lambda w: (w**3).sum())(x)
    assert type(slope) is torch.Tensor and slope.tolist() == [3, 12]
    assert hvp(lambda w: (w**3).sum(), x, [1.0, 1.0]).tolist() == [6, 12]
    a, b = Tensor(x, requires_grad=True), Tensor(x, requires_grad=True)
    (unused,) = gradients((a * a).sum(), [b])
    assert type(unused) is torch.Tensor and unused.tolist() == [0, 0]
