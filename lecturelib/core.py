"""Reverse-mode automatic differentiation: a Tensor remembers how it was made.

Three ideas, in the order of this file:

1. a `Tensor` is an array plus a note of the operation and the inputs that made it;
2. a `primitive` is a function on arrays plus one derivative rule for each argument;
3. `backward` visits the operations from the last to the first. Tensors are numbered
   as they are born, and inputs are older than results, so no sorting is needed.

The rules are written with the library's own operations. On plain arrays they compute
numbers; on Tensors they build a new graph, and second derivatives come out exact.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

from lecturelib import backend
from lecturelib.kernels import JointRules, Kernels

RELEASED = "released"  # the origin of a tensor whose graph a backward has used up
_next_birth = count(1).__next__
observers: list[Callable] = []  # called with every result and gradient, when there are


class _State(threading.local):
    """One per thread, so that `no_grad` in one does not stop recording in another."""

    recording = True
    depth = 0  # how many calls of a function made by `grad` we are inside


_state = _State()


@contextmanager
def _set(**values: Any) -> Iterator[None]:
    before = {name: getattr(_state, name) for name in values}
    _state.__dict__.update(values)
    try:
        yield
    finally:
        _state.__dict__.update(before)


def no_grad() -> Any:
    """Record nothing: `with no_grad():`, or a function decorated with `@no_grad()`."""
    return _set(recording=False)


class Tensor:
    """An array that remembers how it was computed.

    `data` is copied into an array; numbers typed in Python become float32 unless
    `dtype` says otherwise. With `requires_grad=True`, `backward` leaves the gradient in
    `.grad`, an array of the same shape. Operators and methods are bound in
    `lecturelib/ops/operators.py`.

    Arrays in a graph must not be written into, for rules read them later. To change a
    parameter, give it a new array: `w.data = w.data - step`.

    Raises TypeError if `requires_grad` is asked for integers: only floats have
    gradients.
    """

    __slots__ = ("__weakref__", "birth", "data", "grad", "origin", "requires_grad")
    __array_ufunc__ = None  # `ndarray - Tensor` is ours: NumPy steps aside

    def __init__(self, data: Any, requires_grad: bool = False,
                 dtype: Any = None) -> None:
        self.data: Any = backend.asarray(unwrap(data), dtype)
        if requires_grad and not backend.is_float(self.data):
            raise TypeError(
                "requires_grad: only floating-point tensors have gradients, "
                f"got {self.data.dtype}; write 3.0 for 3, or pass dtype='float32'")
        self.grad: Any = None
        self.requires_grad = requires_grad
        self.birth = _next_birth()
        self.origin: Any = None  # a leaf: no operation made it

    def backward(self, gradient: Any = None, retain_graph: bool = False) -> None:
        """Add to every leaf's `.grad` the gradient of this tensor with respect to it.

        `gradient` is the gradient of the final result with respect to this tensor; a
        scalar needs none, since it is 1. The graph is released on the way unless
        `retain_graph=True`.

        Raises RuntimeError on a tensor without gradient and on a graph already
        released, ValueError if `gradient` is missing or not of the tensor's shape.
        """
        seed = _seed(self, gradient)
        for leaf, g in _sweep(self, seed, release=not retain_graph).items():
            leaf.grad = backend.as_array(g if leaf.grad is None else leaf.grad + g)

    if TYPE_CHECKING:  # type checkers cannot see what operators.py binds
        def __getattr__(self, name: str) -> Any: ...
        def _operator(self, *others: Any) -> Any: ...
        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _operator
        __truediv__ = __pow__ = __matmul__ = __neg__ = __getitem__ = _operator


def unwrap(x: Any) -> Any:
    """The array of a Tensor; anything else as it is."""
    return x.data if isinstance(x, Tensor) else x


class Rules(list):
    """The derivative rules of the primitive `name`, in the order of its arguments.

    `joint` holds, for types of arrays that have one, a kernel that computes what all
    the rules do in one go, which may be faster.
    """

    def __init__(self, name: str, rules: list[Callable], joint: dict) -> None:
        super().__init__(rules)
        self.name, self.joint = name, joint


class VariadicRules(Rules):
    """The rules of a primitive of any number of arrays: the i-th one's is `make(i)`."""

    def __iter__(self) -> Iterator[Callable]:  # `_sweep` takes one rule for each input
        (make,) = super().__iter__()
        return map(make, count())


def primitive(declaration: Callable) -> Any:
    """Make a differentiable operation of a declaration: a signature and a docstring.

    Positional arguments are arrays, keyword-only ones attributes (an axis, a shape).
    The numbers are computed by the body of the declaration; for the library's own
    primitives, by the function of the same name in `lecturelib/kernels`.

    The derivatives are given by `op.defvjp(x=rule, ...)`. A rule maps the gradient `g`
    of the result, the result and the arguments to the gradient of one argument,
    `rule(g, out, x, y, axis=...)`. Its result is summed over the axes along which
    broadcasting stretched that argument.
    """
    name = declaration.__name__
    code = declaration.__code__  # (`inspect` would cost a tenth of the import)
    variadic = not code.co_argcount  # declared with *xs, which stands last
    names = code.co_varnames[:code.co_argcount] or (
        code.co_varnames[code.co_kwonlyargcount],)
    defaults = declaration.__kwdefaults__ or {}
    kernels, joint = Kernels(name, declaration), JointRules(name, declaration)
    arity, rules = len(names), Rules(name, [], joint)

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
                if a.dtype is not dtype:
                    mixed = mixed or dtype is not None
                    owner, dtype = type(a), a.dtype
            elif type(a) not in _NUMBERS:
                mixed = True
            values.append(a)
        if len(args) != arity and not (variadic and args):
            raise TypeError(
                f"{name}: the arrays ({', '.join(names)}) are needed, got {len(args)} "
                "positional arguments; attributes such as axis go by keyword")
        try:
            if mixed and owner is not None:  # rare: most meet arrays of one dtype
                values = _agree(args, values)
                args = tuple(a if isinstance(a, Tensor) else v
                             for a, v in zip(args, values, strict=True))
            data = kernels[owner or _kind(values)](*values, **attrs)
            if type(data) is not owner and (owner is not None or data is None):
                data = backend.as_array(data)
        except _WRONG_INPUT as e:
            if isinstance(e, RuntimeError) and type(e) is not RuntimeError:
                raise  # out of memory, say
            # not their subclasses, whose arguments may be others; torch's RuntimeError
            # is what NumPy calls a ValueError
            kind = next((k for k in _WRONG_INPUT[:3] if isinstance(e, k)), ValueError)
            raise kind(f"{name}({backend.describe(names, values)}): {e}") from e
        if owner is None:
            return data
        for observe in observers:
            observe(name, names, values, attrs, data)

        out = Tensor.__new__(Tensor)  # a result needs none of the checks of __init__
        out.data = data
        out.grad = None
        out.birth = _next_birth()
        out.requires_grad = tracked = tracked and _state.recording
        out.origin = (rules, args, values, attrs) if tracked else None  # for `_sweep`
        return out

    def defvjp(**given: Callable) -> None:
        """Set the derivative rule of each array argument, by name."""
        nonlocal rules
        if set(given) != set(names):
            raise TypeError(f"{name}.defvjp: one rule is needed for each of {names}, "
                            f"got {tuple(given)}")
        kind = VariadicRules if variadic else Rules
        rules = kind(name, [given[n] for n in names], joint)

    op.defvjp = defvjp  # type: ignore[attr-defined]
    return op


_NUMBERS = frozenset((float, int))  # they take the dtype of the arrays they meet
_WRONG_INPUT = (ValueError, TypeError, IndexError, RuntimeError)


def _agree(args: Sequence, values: list) -> list:
    """The arguments of an operation, of one dtype and in the library of its Tensors."""
    arrays = [a.data for a in args if isinstance(a, Tensor)]
    if len({type(x) for x in arrays}) > 1:
        raise TypeError("one Tensor is an array of NumPy and another of torch; "
                        'move one, for instance with x.to("torch")')
    return backend.agree(values, arrays[0])


def _kind(values: list) -> type:
    """The type of the first array among arguments without Tensors."""
    return next((t for t in map(type, values) if t not in _NUMBERS), type(values[0]))


@primitive
def broadcast_to(x, *, shape):
    """x repeated along new axes and along axes of length 1."""

@primitive
def sum_to(x, *, shape):
    """x summed over the axes along which `shape` would be stretched to that of x."""

broadcast_to.defvjp(x=lambda g, out, x, shape: sum_to(g, shape=x.shape))
sum_to.defvjp(x=lambda g, out, x, shape: broadcast_to(g, shape=x.shape))


def _seed(output: Tensor, gradient: Any) -> Any:
    """The gradient to start from: ones for a scalar, else what the caller gave."""
    if not output.requires_grad:
        raise RuntimeError(
            "backward: this tensor depends on nothing that requires a gradient; was it "
            "made under no_grad, or of tensors without requires_grad=True?")
    shape = output.data.shape
    if gradient is None:
        if shape and math.prod(shape) != 1:
            raise ValueError(
                f"gradient: needed, because the tensor of shape {output.shape} is not a "
                "scalar; use .sum() or .mean(), or pass an array of its shape")
        return backend.full(shape, 1.0, output.data)
    gradient = backend.copy(backend.constant(unwrap(gradient), output.data))
    if gradient.shape != shape:
        raise ValueError(
            f"gradient: shape {tuple(gradient.shape)} differs from the tensor's "
            f"{output.shape}")
    return gradient


def _sweep(output: Tensor, seed: Any, *, keep: frozenset[int] = frozenset(),
           oldest: int = 0, create_graph: bool = False,
           release: bool = False) -> dict[Tensor, Any]:
    """Push `seed` back through the graph to its leaves, and to the tensors born `keep`.

    The queue always yields the youngest tensor that has received a gradient. Whatever
    was computed from it is younger, so its gradient is complete. Tensors older than
    `oldest` are left out.
    """
    if output.origin is None:
        return {output: seed}
    reached = {output.birth: [output, seed]}  # birth: a tensor and its gradient so far
    queue = [-output.birth]  # a heap yields the smallest, so births go in negative
    while queue:
        birth = -heappop(queue)
        node, g = reached[birth] if birth in keep else reached.pop(birth)
        if node.origin is RELEASED:
            raise RuntimeError(
                "backward: the graph was released by an earlier backward; compute the "
                "result again, or pass retain_graph=True the first time")
        rules, inputs, values, attrs = node.origin
        if not rules:
            raise NotImplementedError(f"{rules.name}: it has no derivative rules; "
                                      f"give them with {rules.name}.defvjp(...)")
        if create_graph:  # on Tensors: what the rules compute is recorded in turn
            out, arguments = node, inputs
        else:  # on the arrays of the forward pass: numbers only
            out, arguments = node.data, values
        if release:
            node.origin = RELEASED
        joint = None if create_graph else rules.joint[type(g)]
        if joint:  # what the rules would return, in one go
            needed = [isinstance(x, Tensor) and x.requires_grad for x in inputs]
            results = joint(g, out, *arguments, **attrs, needed=needed)
        for rule, x in zip(results if joint else rules, inputs):
            if not (isinstance(x, Tensor) and x.requires_grad and x.birth >= oldest):
                continue
            dx = rule if joint else rule(g, out, *arguments, **attrs)
            try:
                if dx.shape != x.data.shape:  # x was stretched: one number, many uses
                    dx = sum_to(dx, shape=x.data.shape)
            except (AttributeError, ValueError) as e:
                got = getattr(dx, "shape", dx)
                raise ValueError(
                    f"{rules.name}: a rule must return an array of its argument's "
                    f"shape {x.data.shape}, got {got}") from e
            birth = x.birth
            for observe in observers:
                observe(f"a rule of {rules.name}", ("gradient of the result",), [g], {},
                        dx.data if create_graph else dx)
            if birth in reached:  # another path came first: their gradients add up
                reached[birth][1] = reached[birth][1] + dx
                continue
            if x.origin is not None:
                heappush(queue, -birth)
            if (x.origin is None or birth in keep) and not create_graph:
                dx = backend.own(dx, g)  # x + y hands one g to both
            reached[birth] = [x, dx]
    return dict(reached.values())


def gradients(output: Tensor, inputs: Sequence[Tensor], gradient: Any = None, *,
              create_graph: bool = False) -> list:
    """The gradients of `output` with respect to `inputs`, leaves or not, as a list.

    No `.grad` is touched. With `create_graph=True` they are Tensors that can be
    differentiated again, otherwise arrays. An input that `output` does not depend on
    has gradient zero. As `torch.autograd.grad`.
    """
    if isinstance(inputs, Tensor) or not inputs:
        raise TypeError(
            f"inputs: a list of Tensors is needed, such as [x], got {inputs!r}")
    for i, x in enumerate(inputs):
        if not (isinstance(x, Tensor) and x.requires_grad):
            raise ValueError(
                f"inputs[{i}]: a Tensor with requires_grad=True is needed, got {x!r}")
    seed = _seed(output, gradient)
    births = frozenset(x.birth for x in inputs)
    with _set(recording=create_graph):
        found = _sweep(output, Tensor(seed) if create_graph else seed, keep=births,
                       oldest=min(births), create_graph=create_graph)
    result = [found[x] if x in found else _zeros(x) for x in inputs]
    if create_graph:
        return [_as_tensor(g) for g in result]
    if len(births) < len(inputs):  # one given twice: an array for each place
        result = [backend.copy(g) for g in result]
    return [backend.as_array(g) for g in result]


def _as_tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(x)


def _zeros(x: Tensor) -> Any:
    return backend.full(x.data.shape, 0.0, x.data)


def grad(f: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    """The gradient of a scalar function, as a function: `grad(f)(x)` is ∇f(x).

    `argnums` says with respect to which argument(s), as in `torch.func.grad`; each
    result is shaped like its argument. Arrays in, arrays out, and constants for all
    else. Tensors in, or inside another `grad`: Tensors out, which can be differentiated
    again, as in `grad(grad(f))`.
    """
    single = isinstance(argnums, int)
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        given = [args[i] for i in positions]
        nested = _state.depth > 0 or any(isinstance(x, Tensor) for x in given)
        call = list(args)
        for i, x in zip(positions, given, strict=True):
            # a new variable: where else f meets this argument, it is a constant
            linked = isinstance(x, Tensor) and x.requires_grad and _state.recording
            call[i] = x * 1 if linked else Tensor(x, requires_grad=True)
        with _set(depth=_state.depth + 1):
            output = f(*call, **kwargs)
        variables = [call[i] for i in positions]
        if not isinstance(output, Tensor):
            raise TypeError(
                "grad: f must return a Tensor computed from its arguments, "
                f"got {output!r}")
        if output.requires_grad or not _state.recording:
            result = gradients(output, variables, create_graph=nested)
        else:  # a constant function, such as the gradient of a linear one
            zeros = [_zeros(x) for x in variables]
            result = [Tensor(z) for z in zeros] if nested else zeros
        return result[0] if single else tuple(result)

    return gradient


def hvp(f: Callable, x: Any, v: Any) -> Any:
    """The product H v of the Hessian of a scalar function with v, without forming H.

    H v = ∇(∇f(x) · v): one gradient of a gradient, so it costs a few evaluations of f
    whatever the size of x (Pearlmutter, 1994). Shapes: x and v alike, as is the result.
    """
    x = x if isinstance(x, Tensor) else backend.asarray(x)
    v = backend.constant(unwrap(v), unwrap(x))
    if v.shape != x.shape:
        raise ValueError(f"v: shape {v.shape} differs from that of x, {x.shape}")
    return grad(lambda x: (grad(f)(x) * v).sum())(x)
