"""What becomes an array, of which dtype, and what is refused."""

import sys

import numpy as np
import pytest
import torch

from lecturelib import Tensor, backend


@pytest.mark.parametrize(
    "data, dtype, shape",
    [
        (1.5, np.float32, ()),
        ([1.5, 2], np.float32, (2,)),
        ([[1.0], [2.0]], np.float32, (2, 1)),
        ([], np.float32, (0,)),
        ([[], []], np.float32, (2, 0)),
        ((1.0, (2)), np.float32, (2,)),
        (1, np.int64, ()),
        ([1, 2], np.int64, (2,)),
        (True, np.bool_, ()),
        ([True, False], np.bool_, (2,)),
        (np.float64(1), np.float64, ()),
        ([np.float64(1)], np.float64, (1,)),
        (np.zeros(2), np.float64, (2,)),
        (np.zeros(2, np.float16), np.float16, (2,)),
        (np.zeros(2, np.uint8), np.uint8, (2,)),
        (range(3), np.int64, (3,)),
    ],
)
def test_dtypes_of_new_arrays(data, dtype, shape):
    x = Tensor(data)
    assert type(x.data) is np.ndarray and x.dtype == dtype and x.shape == shape


def test_dtype_may_be_asked_for():
    assert Tensor([1, 2], dtype="float64").dtype == np.float64
    assert Tensor(np.zeros(2), dtype=np.float32, requires_grad=True).dtype == np.float32
    assert Tensor(3, requires_grad=True, dtype="float32").requires_grad


def test_data_are_copied():
    a = np.zeros(2)
    x = Tensor(a)
    y = Tensor(x)
    a += 1
    assert x.data.sum() == 0 and not np.shares_memory(x.data, y.data)


@pytest.mark.parametrize(
    "data, kind",
    [
        ("text", TypeError),
        (None, TypeError),
        ({}, TypeError),
        ([1j], TypeError),
        ([None, 1.0], TypeError),
        ([[1.0], [1.0, 2.0]], ValueError),
    ],
)
def test_what_is_not_numbers_is_refused(data, kind):
    with pytest.raises(kind, match="data: "):
        Tensor(data)


@pytest.mark.parametrize(
    "data", [3, [1, 2], True, np.zeros(2, int), np.zeros(2, bool), Tensor([1])]
)
def test_integers_have_no_gradient(data):
    with pytest.raises(TypeError, match=r"requires_grad: only floating-point.*(int64|bool)"):
        Tensor(data, requires_grad=True)


def test_agree_leaves_weak_numbers_alone():
    x = np.ones(2, np.float32)
    x, number, array = backend.agree([x, 2.0, np.arange(2)], x)
    assert x.dtype == array.dtype == np.float32 and number == 2.0 and type(number) is float


def test_own_copies_what_is_shared():
    seed = np.ones(3)
    for shared in (seed, seed[:2], seed.reshape(3, 1), np.broadcast_to(seed, (2, 3))):
        mine = backend.own(shared, seed)
        assert np.array_equal(mine, shared) and not np.shares_memory(mine, seed)
        assert mine.flags.writeable
    fresh = seed + 1
    assert backend.own(fresh, seed) is fresh


def test_check_rng():
    rng = np.random.default_rng(0)
    assert backend.check_rng(rng) is rng
    for wrong in (0, None, np.random, np.random.RandomState(0)):
        with pytest.raises(TypeError, match=r"rng: a numpy\.random\.Generator is needed, .*; got"):
            backend.check_rng(wrong)


def test_describe_numbers_the_arguments_of_a_variadic_operation():
    assert backend.describe(("xs",), [np.zeros(2), 1.0]) == "xs[0]: (2,) float64, xs[1]: 1.0"
    assert backend.describe(("x", "y"), [np.zeros(2), None]) == "x: (2,) float64, y: None"


def test_a_tensor_of_torch_numbers():
    ones = torch.ones(2, dtype=torch.float64, requires_grad=True)
    x = Tensor(ones)
    assert x.device == "torch" and x.dtype == np.float64 and not x.data.requires_grad
    x.data += 1
    assert ones.tolist() == [1.0, 1.0]
    assert Tensor(ones, dtype="float32").data.dtype == torch.float32


@pytest.mark.parametrize("gpu", [False, True])
def test_the_best_device_is_a_gpu_where_torch_sees_one(monkeypatch, gpu):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert backend.best_device() == ("cuda" if gpu else "cpu")


def test_the_best_device_is_numpy_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert backend.best_device() == "cpu"


def test_a_model_can_be_moved_to_the_best_device():
    x = np.ones(3)
    np.testing.assert_array_equal(backend.numpy(backend.move(x, backend.best_device())), x)
