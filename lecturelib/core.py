"""Reverse-mode automatic differentiation: a Tensor remembers how it was made, `backward` goes back.

Three ideas, in the order of this file:

1. a `Tensor` is an array plus a note of the operation and the inputs that made it;
2. a `primitive` is a function on arrays plus one derivative rule for each of its arguments;
3. `backward` visits the operations from the last to the first and applies the rules: that order
   is the order of creation reversed, so a counter replaces a topological sort.

The rules are written with the library's own operations. On plain arrays they compute numbers; on
Tensors they build a new graph, which is how second derivatives come out exact.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from heapq import heappop, heappush
from inspect import Parameter as Argument
from inspect import signature
from itertools import count
from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.kernels import Kernels

RELEASED = "released"  # the origin of a tensor whose graph a backward has used up
_next_birth = count(1).__next__  # a number for each Tensor: inputs are always older than outputs


class _Tape(threading.local):
    recording = True


_tape = _Tape()


@contextmanager
def no_grad() -> Iterator[None]:
    """Within `with no_grad():` (or in a function decorated `@no_grad()`) nothing is recorded."""
    before, _tape.recording = _tape.recording, False
    try:
        yield
    finally:
        _tape.recording = before


class Tensor:
    """An array that remembers how it was computed.

    `data` is copied into an array; numbers typed in Python become float32 unless `dtype` says
    otherwise. With `requires_grad=True`, `backward` leaves the gradient in `.grad`: an array of
    the same shape. Operators and methods are bound in `lecturelib/ops/operators.py`.

    Raises TypeError if `requires_grad` is asked for integers: only floats have gradients.
    """

    __slots__ = ("__weakref__", "birth", "data", "grad", "origin", "requires_grad")
    __array_ufunc__ = None  # `ndarray - Tensor` is ours: NumPy steps aside

    def __init__(self, data: Any, requires_grad: bool = False, dtype: Any = None) -> None:
        self.data = backend.asarray(data.data if isinstance(data, Tensor) else data, dtype)
        if requires_grad and self.data.dtype.kind != "f":
            raise TypeError("requires_grad: only floating-point tensors have gradients, "
                            f"got {self.data.dtype}; write 3.0 for 3, or pass dtype='float32'")
        self.grad: Any = None
        self.requires_grad = requires_grad
        self.birth = _next_birth()
        self.origin: Any = None  # a leaf: no operation made it

    def backward(self, gradient: Any = None, retain_graph: bool = False) -> None:
        """Add the gradient of this tensor with respect to every leaf to that leaf's `.grad`.

        `gradient` is the gradient of the final result with respect to this tensor; a scalar needs
        none, since it is 1. The graph is released on the way unless `retain_graph=True`.

        Raises RuntimeError on a tensor without gradient and on a graph already released,
        ValueError if `gradient` is missing or of another shape than the tensor.
        """
        for leaf, g in _sweep(self, _seed(self, gradient), release=not retain_graph).items():
            leaf.grad = backend.as_array(g if leaf.grad is None else leaf.grad + g)


def gradients(output: Tensor, inputs: Sequence[Tensor], gradient: Any = None, *,
              create_graph: bool = False) -> list:
    """The gradients of `output` with respect to `inputs`, leaves or not; no `.grad` is touched.

    With `create_graph=True` they are Tensors that can be differentiated again, otherwise arrays.
    An input that `output` does not depend on has gradient zero.
    """
    if isinstance(inputs, Tensor) or not inputs:
        raise TypeError(f"inputs: a list of Tensors is needed, such as [x], got {inputs!r}")
    for i, x in enumerate(inputs):
        if not (isinstance(x, Tensor) and x.requires_grad):
            raise ValueError(f"inputs[{i}]: a Tensor with requires_grad=True is needed, got {x!r}")
    seed = _seed(output, gradient)
    births = frozenset(x.birth for x in inputs)
    grads = _sweep(output, Tensor(seed) if create_graph else seed, keep=births, oldest=min(births),
                   create_graph=create_graph)
    result = [grads[x] if x in grads else np.zeros_like(x.data) for x in inputs]
    return [_as_tensor(g) if create_graph else backend.as_array(g) for g in result]


def _seed(output: Tensor, gradient: Any) -> np.ndarray:
    if not output.requires_grad:
        raise RuntimeError("backward: this tensor depends on nothing that requires a gradient; was it "
                           "made under no_grad, or of tensors without requires_grad=True?")
    shape, dtype = output.data.shape, output.data.dtype
    if gradient is None:
        if output.data.size != 1:
            raise ValueError(f"gradient: needed, because the tensor of shape {shape} is not a scalar; "
                             "reduce it with .sum() or .mean(), or pass an array of its shape")
        return np.ones(shape, dtype)
    gradient = np.array(gradient.data if isinstance(gradient, Tensor) else gradient, dtype)
    if gradient.shape != shape:
        raise ValueError(f"gradient: shape {gradient.shape} differs from the tensor's {shape}")
    return gradient


def _sweep(output: Tensor, seed: Any, *, keep: frozenset[int] = frozenset(), oldest: int = 0,
           create_graph: bool = False, release: bool = False) -> dict[Tensor, Any]:
    """Push `seed` back through the graph to its leaves, and to the tensors born `keep`.

    The queue always yields the youngest tensor that has received a gradient. Whatever was computed
    from it is younger, so its gradient is complete. Tensors older than `oldest` are left out.
    """
    reached, queue = {output.birth: [output, seed]}, [-output.birth]
    while queue:
        birth = -heappop(queue)
        node, g = reached[birth] if birth in keep else reached.pop(birth)
        if node.origin is RELEASED:
            raise RuntimeError("backward: the graph was released by an earlier backward; compute the "
                               "result again, or pass retain_graph=True the first time")
        if node.origin is None:  # `output` itself is a leaf
            return {node: g}
        rules, inputs, values, attrs = node.origin
        out, arguments = (node, inputs) if create_graph else (node.data, values)
        if release:
            node.origin = RELEASED
        for rule, x in zip(rules, inputs):
            if not (isinstance(x, Tensor) and x.requires_grad and x.birth >= oldest):
                continue
            dx = rule(g, out, *arguments, **attrs)
            entry = reached.get(x.birth)
            if entry is not None:
                entry[1] = entry[1] + dx  # several paths: their gradients add up
                continue
            if x.origin is not None:
                heappush(queue, -x.birth)
            if (x.origin is None or x.birth in keep) and not create_graph and backend.is_alias(dx, g):
                dx = dx.copy()  # each caller gets a gradient of its own
            reached[x.birth] = [x, dx]
    return {node: g for node, g in reached.values()}


def primitive(declaration: Callable) -> Any:
    """Make a differentiable operation of a declaration: a signature and a docstring.

    Positional arguments are arrays, keyword-only ones are attributes (an axis, a shape). The
    numbers are computed by the function of the same name in `lecturelib/kernels`, or, where there
    is none, by the body of the declaration; the derivatives by the rules given to
    `op.defvjp(x=rule, ...)`. A rule maps the gradient `g` of the result, the
    result and the arguments to the gradient of one argument: `rule(g, out, x, y, axis=...)`.
    """
    name = declaration.__name__
    arguments = signature(declaration).parameters.values()
    names = tuple(a.name for a in arguments if a.kind is not Argument.KEYWORD_ONLY)
    variadic = any(a.kind is Argument.VAR_POSITIONAL for a in arguments)
    defaults = {a.name: a.default for a in arguments if a.kind is Argument.KEYWORD_ONLY}
    arity, rules = len(names), Rules(name, [])
    kernels = Kernels(name, declaration)

    @wraps(declaration)
    def op(*args: Any, **attrs: Any) -> Any:
        if defaults:
            attrs = {**defaults, **attrs}
        values, owner, dtype, tracked, mixed = [], None, None, False, False
        for a in args:
            if isinstance(a, Tensor):
                if a.requires_grad:
                    tracked = True
                a = a.data
                owner = type(a)
                if a.dtype is not dtype:
                    mixed = mixed or dtype is not None
                    dtype = a.dtype
            elif type(a) not in _NUMBERS:
                mixed = True
            values.append(a)
        if len(args) != arity and not (variadic and args):
            raise TypeError(f"{name}: the arrays ({', '.join(names)}) are needed, got {len(args)} "
                            "positional arguments; attributes such as axis go by keyword")
        try:
            if mixed and owner is not None:
                values = backend.agree(values)
            data = kernels[owner or type(values[0])](*values, **attrs)
        except (ValueError, TypeError, IndexError) as e:
            kind = next(k for k in (ValueError, TypeError, IndexError) if isinstance(e, k))
            raise kind(f"{name}({backend.describe(names, values)}): {e}") from e
        if owner is None:
            return data

        out = _new(Tensor)
        out.data = data if type(data) is owner else backend.as_array(data)
        out.grad = None
        out.birth = _next_birth()
        out.requires_grad = tracked = tracked and _tape.recording
        out.origin = (rules, args, values, attrs) if tracked else None
        return out

    def defvjp(**given: Callable) -> None:
        """Set the derivative rule of each array argument, by name."""
        nonlocal rules
        if set(given) != set(names):
            raise TypeError(f"{name}.defvjp: one rule is needed for each of {names}, got {tuple(given)}")
        rules = (VariadicRules if variadic else Rules)(name, [given[n] for n in names])

    op.defvjp = defvjp  # type: ignore[attr-defined]
    return op


_new = Tensor.__new__
_NUMBERS = frozenset((float, int))  # they take the dtype of what they meet


def _as_tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(x)


class Rules(list):
    """The derivative rules of the primitive `name`, in the order of its arguments."""

    def __init__(self, name: str, rules: list[Callable]) -> None:
        super().__init__(rules)
        self.name = name


class VariadicRules(Rules):
    """The rules of a primitive of any number of arrays: `make(i)` is the rule of the i-th."""

    def __iter__(self) -> Iterator[Callable]:
        (make,) = super().__iter__()
        return map(make, count())


def grad(f: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    """The gradient of a scalar function, as a function: `grad(f)(x)` is ∇f(x), shaped like x.

    `argnums` says with respect to which argument(s), as in `torch.func.grad`. Arrays in, arrays
    out; Tensors in, Tensors out, which can be differentiated again: `grad(grad(f))`.
    """
    single = isinstance(argnums, int)
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        nested = any(isinstance(args[i], Tensor) for i in positions)
        call = list(args)
        for i in positions:  # a variable of its own: wherever else f meets args[i], it is a constant
            linked = isinstance(args[i], Tensor) and args[i].requires_grad and _tape.recording
            call[i] = args[i] * 1 if linked else Tensor(args[i], requires_grad=True)
        output, variables = f(*call, **kwargs), [call[i] for i in positions]
        if not isinstance(output, Tensor):
            raise TypeError(f"grad: f must return a Tensor computed from its arguments, got {output!r}")
        if output.requires_grad or not _tape.recording:
            result = gradients(output, variables, create_graph=nested)
        else:  # a constant function, such as the gradient of a linear one
            zeros = [np.zeros_like(x.data) for x in variables]
            result = [Tensor(z) for z in zeros] if nested else zeros
        return result[0] if single else tuple(result)

    return gradient


def hvp(f: Callable, x: Any, v: Any) -> Any:
    """The product H v of the Hessian of a scalar function at x with v, without forming H.

    H v = ∇(∇f(x) · v): one gradient of a gradient, so it costs a few evaluations of f whatever the
    size of x {cite}`pearlmutter1994`. Shapes: x and v alike, as is the result.
    """
    x = x if isinstance(x, Tensor) else backend.asarray(x)
    v = np.asarray(v.data if isinstance(v, Tensor) else v, x.dtype)
    if v.shape != x.shape:
        raise ValueError(f"v: shape {v.shape} differs from that of x, {x.shape}")
    return grad(lambda x: (grad(f)(x) * v).sum())(x)
