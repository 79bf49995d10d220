"""The engine: graphs, backward, grad, hvp, no_grad, and that nothing leaks or is shared."""

import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest
import torch
from helpers import assert_close, normal
from hypothesis import given
from hypothesis import strategies as st

from lecturelib import Tensor, grad, gradients, hvp, no_grad, ops, primitive
from lecturelib.analysis import numeric_gradient


def leaf(*values, dtype=np.float64):
    return Tensor(np.array(values, dtype), requires_grad=True)


# ---------------------------------------------------------------- backward


def test_the_gradient_of_a_leaf_itself():
    x = Tensor(3.0, requires_grad=True)
    x.backward()
    assert_close(x.grad, 1, np.float32)
    x.backward(np.float32(5))
    assert_close(x.grad, 6, np.float32)


def test_gradients_accumulate():
    x = leaf(1, 2)
    for times in (1, 2, 3):
        (x * x).sum().backward()
        assert_close(x.grad, times * np.array([2.0, 4]))


def test_gradients_are_arrays_even_in_0_d():
    x, y = leaf(2.0), Tensor(2.0, requires_grad=True)
    (x[0] * y.astype("float64") * y.astype("float64")).backward()
    assert type(y.grad) is np.ndarray and y.grad.shape == () and y.grad.dtype == np.float32
    assert type(gradients(y * y, [y])[0]) is np.ndarray


def test_inputs_that_need_no_gradient_get_none():
    x, y = leaf(1, 2), Tensor(np.array([3.0, 4]))
    (x * y).sum().backward()
    assert y.grad is None
    assert not (y * y).requires_grad and (y * y).origin is None


@given(
    st.lists(
        st.tuples(st.sampled_from("+-*"), st.integers(0, 100), st.integers(0, 100)),
        min_size=1,
        max_size=25,
    )
)
def test_any_graph(steps):
    """Random graphs in which everything may be used any number of times, against torch."""

    def build(values, xs):
        for op, i, j in steps:
            x, y = values(xs, i), values(xs, j)
            xs.append(x + y if op == "+" else x - y if op == "-" else x * y * 0.5)
        return sum(x.sum() for x in xs[-3:])

    def choose(xs, i):
        return xs[i % len(xs)]

    a, b = normal(3), normal(2, 1)
    ours, theirs = (
        [Tensor(v, requires_grad=True) for v in (a, b)],
        [torch.tensor(v, requires_grad=True) for v in (a, b)],
    )
    build(choose, list(ours)).backward()
    build(choose, list(theirs)).backward()
    for x, t in zip(ours, theirs, strict=True):
        if t.grad is None:
            assert x.grad is None
        else:
            scale = max(1.0, float(t.grad.abs().max()))
            assert_close(x.grad / scale, t.grad.numpy() / scale)


def test_wide_fan_in_and_fan_out():
    x = leaf(2.0)
    parts = [x * k for k in range(1000)]
    ops.concat(parts).sum().backward()
    assert x.grad == sum(range(1000))
    x.grad = None
    sum(parts[500:], parts[0] * 0 + x).sum()  # never sent back: touches nothing
    assert x.grad is None


@pytest.mark.parametrize("sent", [True, False], ids=["backward", "dropped"])
def test_a_chain_of_50_000(sent):
    x = leaf(1.0)
    y = x
    for _ in range(25_000):
        y = y + 1.0
        y = y * 1.0
    if sent:
        y.backward()
        assert x.grad == 1
    del y  # no recursion here either


def test_a_chain_in_which_each_link_is_used_twice():
    x = leaf(1.0)
    y = x
    for _ in range(40):  # 2⁴⁰ paths, 40 steps
        y = y + y
    y.backward()
    assert x.grad == 2.0**40


def test_results_passed_forward_past_others():
    """A residual: the youngest first, or the skip's share would be missed."""
    x = leaf(3.0)
    a = x * x
    b = a * x
    (a + b).backward()
    assert x.grad == 2 * 3 + 3 * 9


# ---------------------------------------------------------------- memory


def test_gradients_are_nobody_elses():
    x, y = leaf(1, 2), leaf(3, 4)
    seed = np.ones(2)
    (x + y).backward(seed)
    x.grad += 10
    assert_close(y.grad, [1, 1])
    assert_close(seed, [1, 1])
    x.backward(seed)
    seed += 5
    assert_close(x.grad, [12, 12])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x + 1,
        lambda x: x.reshape(2, 1),
        lambda x: x.T,
        lambda x: x[...],
        lambda x: x.sum(),
        lambda x: ops.concat([x, x])[:2],
        lambda x: x * 1,
        lambda x: ops.broadcast_to(x, shape=(2,)),
    ],
)
def test_gradients_may_be_changed_in_place(f):
    x = leaf(1, 2)
    y = f(x)
    seed = np.ones(y.shape)
    for g in (
        gradients(y, [x], seed)[0],
        gradients(y, [y, x], seed)[1],
        gradients(y, [y, x], seed)[0],
    ):
        g += 1
        assert_close(seed, np.ones(y.shape))
        assert_close(x.data, [1, 2])


def test_an_input_given_twice_gets_two_arrays():
    for x in (leaf(1, 2), Tensor(2.0, requires_grad=True)):
        a, b = gradients((x * x).sum(), [x, x])
        assert np.array_equal(a, 2 * x.data) and np.array_equal(a, b)
        a += 1
        assert np.array_equal(b, 2 * x.data)


def test_intermediate_gradients_are_separate():
    x = leaf(1, 2)
    y = x + 0.0
    z = y + 0.0
    gx, gy, gz = gradients(z, [x, y, z], np.ones(2))
    gx += 1
    gy += 5
    assert_close(gx, [2, 2])
    assert_close(gy, [6, 6])
    assert_close(gz, [1, 1])


def build_and_send(x, w):
    h = ops.tanh(x @ w)
    y = ops.concat([h, h[::-1]]).sum(axis=0)
    (ops.log_softmax(y) * ops.exp(y)).sum().backward()
    w.grad = None


@pytest.mark.parametrize("collect", [True, False], ids=["gc on", "gc off"])
def test_memory_does_not_grow_over_1000_steps(collect):
    x, w = Tensor(normal(16, 16)), Tensor(normal(16, 16, seed=1), requires_grad=True)
    gc.collect()
    if not collect:
        gc.disable()
    tracemalloc.start()
    try:
        for _ in range(2200):  # Python's own stores of free tuples fill up first
            build_and_send(x, w)
        objects, (before, _) = len(gc.get_objects()), tracemalloc.get_traced_memory()
        for _ in range(1000):
            build_and_send(x, w)
        grown = tracemalloc.get_traced_memory()[0] - before
        assert grown < 16 * 16 * 8 and len(gc.get_objects()) - objects < 50
    finally:
        tracemalloc.stop()
        gc.enable()


@pytest.mark.parametrize("send", [True, False])
def test_a_graph_is_freed_by_counting_references_alone(send):
    gc.collect()
    gc.disable()
    try:
        x = leaf(1, 2)
        hidden = x * 2
        loss = (hidden * hidden).sum()
        watch = weakref.ref(hidden)
        if send:
            loss.backward()
            del hidden
            assert watch() is None  # released by backward, though the loss is still there
        else:
            del hidden, loss
            assert watch() is None
    finally:
        gc.enable()


def test_second_derivatives_leave_no_cycles():
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            hvp(lambda x: (ops.exp(x) * x).sum(), normal(3), normal(3))
        before = len(gc.get_objects())
        for _ in range(50):
            hvp(lambda x: (ops.exp(x) * x).sum(), normal(3), normal(3))
        assert len(gc.get_objects()) - before < 20
    finally:
        gc.enable()


def test_backward_twice_needs_the_graph_retained():
    x = leaf(1, 2)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert_close(x.grad, [4, 8])
    with pytest.raises(RuntimeError, match=r"graph was released.*retain_graph=True"):
        y.backward()
    assert_close(x.grad, [4, 8])
    assert_close(y.data, 5)  # the values stay


def test_a_released_part_of_a_new_graph_is_noticed():
    x = leaf(1, 2)
    h = x * x
    h.sum().backward()
    with pytest.raises(RuntimeError, match="released"):
        (h * 2).sum().backward()
    with pytest.raises(RuntimeError, match="released"):
        gradients(h, [x], np.ones(2))


def test_gradients_release_nothing_and_touch_no_grad():
    x = leaf(1, 2)
    y = (x * x).sum()
    for _ in range(2):
        assert_close(gradients(y, [x])[0], [2, 4])
    assert x.grad is None
    y.backward()
    assert_close(x.grad, [2, 4])


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (
            lambda x: (x * 2).backward(),
            ValueError,
            r"gradient: needed, .* shape \(2,\) is not a scalar",
        ),
        (lambda x: (x * 2).backward([1.0]), ValueError, r"gradient: shape \(1,\) differs .*\(2,\)"),
        (lambda x: x.sum().backward([1.0]), ValueError, r"gradient: shape \(1,\) differs .*\(\)"),
        (
            lambda x: gradients(x * 2, [x], np.ones(3)),
            ValueError,
            r"gradient: shape \(3,\) differs",
        ),
        (lambda x: Tensor(1.0).backward(), RuntimeError, "nothing that requires a gradient"),
        (
            lambda x: Tensor([1, 2]).sum().backward(),
            RuntimeError,
            "nothing that requires a gradient",
        ),
        (lambda x: no_grad()(lambda: x.sum())().backward(), RuntimeError, "no_grad"),
        (lambda x: gradients(x.sum(), x), TypeError, "inputs: a list of Tensors"),
        (lambda x: gradients(x.sum(), []), TypeError, "inputs: a list of Tensors"),
        (
            lambda x: gradients(x.sum(), [x.data]),
            ValueError,
            r"inputs\[0\]: a Tensor with requires_grad",
        ),
        (lambda x: gradients(x.sum(), [x, Tensor(1.0)]), ValueError, r"inputs\[1\]: a Tensor with"),
        (lambda x: grad(lambda x: x * 2)(x), ValueError, r"gradient: needed.*\(2,\)"),
        (lambda x: grad(lambda x: x.data.sum())(x), TypeError, "grad: f must return a Tensor"),
        (
            lambda x: grad(lambda x: x.sum())([1, 2]),
            TypeError,
            "requires_grad: only floating-point.*int64",
        ),
        (
            lambda x: hvp(lambda x: x.sum(), x, np.ones(3)),
            ValueError,
            r"v: shape \(3,\) .* x, \(2,\)",
        ),
        (lambda x: no_grad()(grad(lambda x: x.sum()))(x), RuntimeError, "no_grad"),
        (lambda x: no_grad()(grad(lambda x: x.sum()))(np.ones(2)), RuntimeError, "no_grad"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call(leaf(1, 2))


def test_a_rule_for_each_argument():
    @primitive
    def add(x, y):
        """Another add."""

    with pytest.raises(TypeError, match=r"add\.defvjp: one rule .*'x', 'y'.*'z'"):
        add.defvjp(x=lambda g, out, x, y: g, z=lambda g, out, x, y: g)
    assert add.__doc__ == "Another add." and add.__name__ == "add"


def twice(rule=lambda g, out, x: 2 * g, body=lambda x: 2 * x):
    """A primitive of the tests with this derivative rule and this body."""

    @primitive
    def double(x):
        """2 x."""
        return body(x)

    if rule is not None:
        double.defvjp(x=rule)
    return double


@pytest.mark.parametrize("name", ["exp", "add", "sum_to", "relu"])
def test_a_primitive_declared_elsewhere_computes_with_its_own_body(name):
    """Though a kernel of the library has its name."""

    def declaration(x):
        """5 x."""
        return 5 * x

    declaration.__name__ = name
    op = primitive(declaration)
    op.defvjp(x=lambda g, out, x: 5 * g)
    x = leaf(1, 2)
    assert_close(op(x).data, [5, 10])
    assert_close(op(x.data), [5, 10])
    assert_close(gradients(op(x).sum(), [x])[0], [5, 5])


@pytest.mark.parametrize("result", [None, 2.0, [1.0, 2.0]], ids=["no body", "a number", "a list"])
def test_an_operation_must_return_an_array(result):
    with pytest.raises(TypeError, match=r"double\(x: \(2,\) float64\): .* must return an array"):
        twice(body=lambda x: result)(leaf(1, 2))


def test_a_declaration_without_a_body_computes_nothing():
    @primitive
    def exp(x):
        """Declared here, so the library's kernel is not meant."""

    for x in (leaf(1, 2), np.ones(2)):
        with pytest.raises(TypeError, match=r"exp\(x: .*must return an array.*body"):
            exp(x)


def test_without_rules_there_is_no_gradient():
    x = leaf(1, 2)
    y = twice(rule=None)(x)
    assert_close(y.data, [2, 4])
    for call in (y.sum().backward, lambda: gradients(y.sum(), [x], create_graph=True)):
        with pytest.raises(NotImplementedError, match=r"double: .*double\.defvjp"):
            call()
    assert x.grad is None


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    "rule, got",
    [
        (lambda g, out, x: None, "None"),
        (lambda g, out, x: 2.0, r"2\.0"),
        (lambda g, out, x: g[0], r"\(3,\)"),
        (lambda g, out, x: g.T, r"\(3, 2\)"),
        (lambda g, out, x: g.reshape(6), r"\(6,\)"),
        (lambda g, out, x: g.sum(), r"\(\)"),
    ],
)
def test_rules_must_return_gradients_of_the_right_shape(rule, got, create_graph):
    x = Tensor(normal(2, 3), requires_grad=True)
    with pytest.raises(ValueError, match=rf"double: a rule must .* \(2, 3\), got {got}$"):
        gradients(twice(rule)(x).sum(), [x], create_graph=create_graph)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 3), (2, 1), (2, 3), (1, 2, 1)])
@pytest.mark.parametrize("create_graph", [False, True])
def test_the_engine_sums_over_broadcast_axes(shape, create_graph):
    @primitive
    def times(x, y):
        """With rules that know nothing of broadcasting."""
        return x * y

    times.defvjp(x=lambda g, out, x, y: g * y, y=lambda g, out, x, y: g * x)
    x, y = Tensor(normal(*shape), requires_grad=True), Tensor(normal(2, 3), requires_grad=True)
    tx, ty = torch.tensor(x.data, requires_grad=True), torch.tensor(y.data, requires_grad=True)
    (tx * ty).sum().backward()
    found = gradients(times(x, y).sum(), [x, y], create_graph=create_graph)
    for g, t in zip(found, (tx, ty), strict=True):
        assert_close(g.data if create_graph else g, t.grad.numpy())


def test_a_failing_rule_leaves_every_grad_as_it_was():
    def fail(g, out, x):
        raise ZeroDivisionError

    x, y = leaf(1, 2), leaf(3, 4)
    z = (twice(fail)(x) + y).sum()
    with pytest.raises(ZeroDivisionError):
        z.backward()
    assert x.grad is None and y.grad is None


def test_rules_of_arguments_without_gradient_are_not_run():
    @primitive
    def multiply(x, y):
        """With a rule that must not be run."""
        return x * y

    def forbidden(g, out, x, y):
        raise AssertionError("run")

    multiply.defvjp(x=lambda g, out, x, y: g * y, y=forbidden)
    x = leaf(2.0)
    multiply(x, Tensor(np.array([3.0]))).sum().backward()
    assert x.grad == 3
    older, younger = leaf(2.0), leaf(3.0)
    assert (
        gradients(multiply(younger, older), [younger])[0] == 2
    )  # nor of tensors older than all inputs


# ---------------------------------------------------------------- no_grad


def test_no_grad_nests_and_survives_exceptions():
    x = leaf(1.0)
    with no_grad():
        with no_grad():
            assert not (x * 2).requires_grad
        assert not (x * 2).requires_grad
        with pytest.raises(ZeroDivisionError), no_grad():
            raise ZeroDivisionError
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_no_grad_decorates():
    @no_grad()
    def double(x):
        """Twice x."""
        return x * 2

    x = leaf(1.0)
    for _ in range(2):
        assert not double(x).requires_grad and (x * 2).requires_grad
    assert double.__doc__ == "Twice x."


def test_a_graph_of_the_gradient_is_recorded_even_under_no_grad():
    """`create_graph=True` asks for it; what follows is not recorded again."""
    x = leaf(1, 2)
    y = (x**3).sum()
    with no_grad():
        (g,) = gradients(y, [x], create_graph=True)
        assert not (g * 2).requires_grad
    g.sum().backward()
    assert_close(x.grad, 6 * x.data)


def test_no_grad_is_a_matter_of_one_thread():
    x, seen = leaf(1.0), []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_graphs_in_several_threads():
    results = {}

    def work(k):
        x = leaf(float(k))
        for _ in range(50):
            x.grad = None
            y = x
            for _ in range(20):
                y = y * x * 0.1 + x
            y.backward()
        results[k] = x.grad[0]

    threads = [threading.Thread(target=work, args=(k,)) for k in (1, 1.5, 2, 2.5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    together = dict(results)
    for k in together:
        work(k)
    assert results == together


# ---------------------------------------------------------------- grad, gradients, hvp


def test_grad_of_several_arguments():
    def f(x, y, *, power=1):
        return (x**power * y).sum()

    x, y = normal(3), normal(3, seed=1)
    assert_close(grad(f)(x, y), y)
    assert_close(grad(f, 1)(x, y), x)
    assert_close(grad(f, -1)(x, y), x)
    gy, gx = grad(f, (1, 0))(x, y, power=2)
    assert_close(gx, 2 * x * y)
    assert_close(gy, x**2)
    assert all(type(g) is np.ndarray for g in (gx, gy))


def test_arguments_of_grad_are_separate_variables():
    x = leaf(2.0)
    gx, gy = grad(lambda x, y: (x * x * y).sum(), (0, 1))(x, x)
    assert gx.item() == 8 and gy.item() == 4


def test_grad_is_not_confused_by_a_variable_from_outside():
    """d/dx (x · d/dy (x + y)) = 1: inside, x is a constant."""
    assert grad(lambda x: x * grad(lambda y: x + y)(x))(3.0) == 1
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(3.0) == 6


@pytest.mark.parametrize("make", [float, np.float64, lambda x: Tensor(x, dtype=np.float64)])
def test_grad_within_grad_sees_the_variable_outside(make):
    """d/dw (w · d/dx (w x²)) = d/dw (2 w² x) = 4 w x, however w gets inside."""
    two, three = make(2.0), make(3.0)
    enclosed = grad(lambda w: w * grad(lambda x: w * x * x)(three))(two)
    passed = grad(lambda w: w * grad(lambda x, v: v * x * x)(three, w))(two)
    both = grad(lambda w: w * grad(lambda v, x: v * x * x, (0, 1))(w, three)[1])(two)
    for g in (enclosed, passed, both):
        assert isinstance(g, Tensor) == isinstance(two, Tensor)
        assert float(g) == 24


def test_grad_within_grad_with_arrays():
    a, b = normal(3), normal(3, seed=1)
    g = grad(lambda w: (w * grad(lambda x: (w * ops.sin(x) * x).sum())(b)).sum())(a)
    assert type(g) is np.ndarray
    assert_close(g, 2 * a * (np.cos(b) * b + np.sin(b)))
    third = grad(lambda u: grad(lambda v: grad(lambda x: u * u * v * v * x * x)(5.0))(3.0))(2.0)
    assert third == 2 * 2 * 2 * 3 * 2 * 5


def test_grad_is_outermost_again_after_an_exception():
    def fail(x):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        grad(lambda x: grad(fail)(x))(1.0)
    assert type(grad(lambda x: x * x)(1.0)) is np.ndarray


def test_how_deep_grad_is_nested_is_a_matter_of_one_thread():
    seen = []

    def f(x):
        thread = threading.Thread(target=lambda: seen.append(grad(lambda y: y * y)(3.0)))
        thread.start()
        thread.join()
        return x * x

    grad(f)(1.0)
    assert type(seen[0]) is np.ndarray and seen[0] == 6


@pytest.mark.parametrize(
    "order, expected",
    [
        (1, 0.5403023058681398),
        (2, -0.8414709848078965),
        (3, -0.5403023058681398),
        (4, 0.8414709848078965),
    ],
)
def test_nested_grad(order, expected):
    f = ops.sin
    for _ in range(order):
        f = grad(f)
    assert_close(f(np.float64(1)), expected)


def test_derivatives_end_at_zero():
    def f(x):
        return x * x

    assert [grad(grad(f))(3.0), grad(grad(grad(f)))(3.0), grad(grad(grad(grad(f))))(3.0)] == [
        2,
        0,
        0,
    ]
    zero = grad(lambda x: Tensor(np.array(2.0)))(np.ones((2, 3)))
    assert_close(zero, np.zeros((2, 3)))
    assert_close(hvp(lambda x: (3 * x).sum(), np.ones(3), np.ones(3)), np.zeros(3))


def test_tensors_in_tensors_out():
    x = Tensor(normal(3))
    g = grad(lambda x: (x**3).sum())(x)
    assert isinstance(g, Tensor)
    x = Tensor(normal(3), requires_grad=True)
    grad(lambda x: (x**3).sum())(x).sum().backward()
    assert_close(x.grad, 6 * x.data)


def test_gradients_with_respect_to_intermediate_results_and_strangers():
    x, stranger = leaf(1, 2), leaf(1, 2, 3)
    h = x * 3
    y = (h * h * x).sum()
    gx, gh, g0 = gradients(y, [x, h, stranger])
    assert_close(gh, 2 * h.data * x.data)
    assert_close(gx, 27 * x.data**2)
    assert_close(g0, np.zeros(3))
    late = y * 2
    assert_close(gradients(y, [late])[0], 0)
    (g0,) = gradients(y, [stranger], create_graph=True)
    assert isinstance(g0, Tensor) and g0.shape == (3,)


@pytest.mark.parametrize(
    "f", [lambda x, y: x + y, lambda x, y: (x + y).reshape(2, 1), lambda x, y: x * y]
)
def test_create_graph_where_the_gradient_is_the_seed_itself(f):
    x, y = leaf(1, 2), leaf(3, 4)
    out = f(x, y)
    for g, e in zip(
        gradients(out, [x, y], np.ones(out.shape), create_graph=True),
        gradients(out, [x, y], np.ones(out.shape)),
        strict=True,
    ):
        assert isinstance(g, Tensor)
        assert_close(g.data, e)


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def network(x):
    w = normal(3, 4)
    return ops.logsumexp(ops.tanh(x @ w)) + ops.mean(ops.sigmoid(x) / (1 + x * x))


@pytest.mark.parametrize("f", [rosenbrock, network])
def test_hvp_against_the_whole_hessian(f):
    x, v = normal(3), normal(3, seed=1)
    by_differences = np.stack([numeric_gradient(lambda x, i=i: grad(f)(x)[i], x) for i in range(3)])
    ours = hvp(f, x, v)
    np.testing.assert_allclose(ours, by_differences @ v, rtol=1e-7, atol=1e-8)
    columns = np.stack([hvp(f, x, e) for e in np.eye(3)])
    np.testing.assert_allclose(columns, columns.T, rtol=1e-12, atol=1e-12)
    assert_close(columns @ v, ours)


def test_hvp_against_torch():
    x, v = normal(4), normal(4, seed=1)
    _, expected = torch.autograd.functional.hvp(rosenbrock, torch.tensor(x), torch.tensor(v))
    assert_close(hvp(rosenbrock, x, v), expected.numpy())


@pytest.mark.parametrize(
    "x, v, dtype",
    [
        ([1.0, 2.0], [1.0, 0.0], np.float32),
        (np.ones(2, np.float32), np.ones(2), np.float32),
        (np.ones(2), [1, 0], np.float64),
        (Tensor([1.0, 2.0]), Tensor([1.0, 0.0]), np.float32),
    ],
)
def test_hvp_takes_the_dtype_of_x(x, v, dtype):
    out = hvp(lambda x: (x * x).sum(), x, v)
    assert_close(out.data if isinstance(out, Tensor) else out, 2 * np.asarray(v), dtype)


def test_third_derivatives_of_a_vector_function():
    x = normal(3)
    cubic = grad(lambda x: (hvp(lambda y: (y**4).sum(), x, np.ones(3))).sum())(x)
    assert_close(cubic, 24 * x)
