"""Recurrent layers: one cell, applied again and again with the same weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lecturelib import backend, init, ops
from lecturelib.core import unwrap
from lecturelib.nn.module import Module, Parameter, check_positive


class _Cell(Module):
    """The weights of a cell: `gates` blocks of rows, for the input and for the state.

    weight_ih (gates · H, I), weight_hh (gates · H, H) and two biases (gates · H,), all
    uniform on ±1/√H, drawn from `rng`, as in PyTorch.
    """

    gates = 1

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, *,
                 rng: np.random.Generator, dtype: Any = np.float32) -> None:
        check_positive(self, input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
        rows, bound = self.gates * hidden_size, 1 / math.sqrt(hidden_size)

        def weight(*shape: int) -> Parameter:
            p = Parameter(np.zeros(shape), dtype=dtype)
            init.uniform_(p, -bound, bound, rng=rng)
            return p

        self.weight_ih, self.weight_hh = weight(rows, input_size), weight(rows, hidden_size)
        self.bias_ih = weight(rows) if bias else None
        self.bias_hh = weight(rows) if bias else None

    def _check(self, x: Any) -> None:
        if len(x.shape) != 2 or x.shape[1] != self.input_size:
            raise ValueError(f"{self}: x of shape (N, {self.input_size}) is needed, "
                             f"got {x.shape}")

    def _start(self, x: Any) -> Any:
        """A state of zeros for each example of the batch."""
        return backend.full((x.shape[0], self.hidden_size), 0.0, like=unwrap(x))

    def _input(self, x: Any) -> Any:
        return ops.linear(x, self.weight_ih, self.bias_ih)

    def _state(self, h: Any) -> Any:
        return ops.linear(h, self.weight_hh, self.bias_hh)

    def _split(self, z: Any) -> list[Any]:
        n = self.hidden_size
        return [z[:, k * n:(k + 1) * n] for k in range(self.gates)]

    def describe(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"


class RNNCell(_Cell):
    """h′ = tanh(W_ih x + b_ih + W_hh h + b_hh); x (N, I), h (N, H), zeros if not given.

    Raises ValueError for other shapes of x. Source: {cite}`elman1990finding`.
    """

    def forward(self, x: Any, h: Any = None) -> Any:
        self._check(x)
        return ops.tanh(self._input(x) + self._state(self._start(x) if h is None else h))


class LSTMCell(_Cell):
    """Long short-term memory: a cell state c that is only scaled and added to.

    i, f, o = σ(…), g = tanh(…), each a block of W_ih x + b_ih + W_hh h + b_hh in the
    order i, f, g, o; c′ = f c + i g, h′ = o tanh(c′). Takes and returns the pair (h, c).

    Raises ValueError for other shapes of x. Source: {cite}`hochreiter1997long`, with the
    forget gate of {cite}`gers2000learning`.
    """

    gates = 4

    def forward(self, x: Any, state: tuple[Any, Any] | None = None) -> tuple[Any, Any]:
        self._check(x)
        h, c = state if state is not None else (self._start(x), self._start(x))
        i, f, g, o = self._split(self._input(x) + self._state(h))
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        return ops.sigmoid(o) * ops.tanh(c), c


class GRUCell(_Cell):
    """Gated recurrent unit: h′ = (1 − z) n + z h, a mixture of the old state and a new one.

    r, z = σ(…) and n = tanh(W_in x + b_in + r (W_hn h + b_hn)), blocks in the order
    r, z, n. (The reset gate multiplies after the product with W_hn, as in PyTorch; the
    paper multiplies h before it.)

    Raises ValueError for other shapes of x. Source: {cite}`cho2014learning`.
    """

    gates = 3

    def forward(self, x: Any, h: Any = None) -> Any:
        self._check(x)
        h = self._start(x) if h is None else h
        (xr, xz, xn), (hr, hz, hn) = self._split(self._input(x)), self._split(self._state(h))
        r, z = ops.sigmoid(xr + hr), ops.sigmoid(xz + hz)
        n = ops.tanh(xn + r * hn)
        return n + z * (h - n)


class _Recurrent(Module):
    """Cells stacked in layers and run along a sequence x (L, N, I), or (N, L, I).

    Returns the outputs of the last layer, (L, N, H) or (N, L, H), and the final states
    of all layers, each (layers, N, H).
    """

    cell: type[_Cell]

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1,
                 bias: bool = True, batch_first: bool = False, *,
                 rng: np.random.Generator, dtype: Any = np.float32) -> None:
        if num_layers < 1:
            raise ValueError(f"{type(self).__name__}: num_layers must be at least 1, "
                             f"got {num_layers}")
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers, self.batch_first = num_layers, batch_first
        self.cells = []
        for layer in range(num_layers):
            size = hidden_size if layer else input_size
            cell = self.cell(size, hidden_size, bias, rng=rng, dtype=dtype)
            self.cells.append(cell)
            for name, p in cell.named_parameters():  # PyTorch's names: weight_ih_l0, …
                setattr(self, f"{name}_l{layer}", p)

    def forward(self, x: Any, state: Any = None) -> tuple[Any, Any]:
        if len(x.shape) != 3 or x.shape[2] != self.input_size:
            order = "(N, L" if self.batch_first else "(L, N"
            raise ValueError(f"{self}: x of shape {order}, {self.input_size}) is needed, "
                             f"got {x.shape}")
        along = 1 if self.batch_first else 0
        steps = [x[:, t] if along else x[t] for t in range(x.shape[along])]
        if not steps:
            raise ValueError(f"{self}: a sequence of at least one step is needed, "
                             f"got x {x.shape}")
        finals = []
        for layer, cell in enumerate(self.cells):
            now = self._layer_state(state, layer)
            outputs = []
            for step in steps:
                now = cell(step, now)
                outputs.append(now[0] if isinstance(now, tuple) else now)
            finals.append(now)
            steps = outputs
        return ops.stack(steps, axis=along), self._join(finals)

    def _layer_state(self, state: Any, layer: int) -> Any:
        return None if state is None else state[layer]

    def _join(self, finals: list[Any]) -> Any:
        return ops.stack(finals)

    def describe(self) -> str:
        return f"{self.input_size}, {self.hidden_size}, num_layers={self.num_layers}"


class RNN(_Recurrent):
    """Layers of `RNNCell` along a sequence."""

    cell = RNNCell


class GRU(_Recurrent):
    """Layers of `GRUCell` along a sequence."""

    cell = GRUCell


class LSTM(_Recurrent):
    """Layers of `LSTMCell` along a sequence; the state is the pair (h, c)."""

    cell = LSTMCell

    def _layer_state(self, state: Any, layer: int) -> Any:
        return None if state is None else (state[0][layer], state[1][layer])

    def _join(self, finals: list[Any]) -> Any:
        return ops.stack([h for h, _ in finals]), ops.stack([c for _, c in finals])


class Embedding(Module):
    """A table of vectors: index k ↦ row k of `weight` (num_embeddings, embedding_dim).

    Rows start as N(0, 1), drawn from `rng`. A row used several times receives the sum of
    its gradients. Raises TypeError for indices that are not integers, IndexError for
    those outside the table.
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, *,
                 rng: np.random.Generator, dtype: Any = np.float32) -> None:
        self.weight = Parameter(np.zeros((num_embeddings, embedding_dim)), dtype=dtype)
        init.normal_(self.weight, rng=rng)

    def forward(self, index: Any) -> Any:
        k = backend.numpy(unwrap(index))
        if k.dtype.kind not in "iu":
            raise TypeError(f"{self}: integer indices are needed, got {k.dtype}")
        rows = self.weight.shape[0]
        if k.size and not (k.min() >= 0 and k.max() < rows):
            raise IndexError(f"{self}: indices must lie in [0, {rows}), got values from "
                             f"{k.min()} to {k.max()}")
        return self.weight[k]

    def describe(self) -> str:
        return ", ".join(map(str, self.weight.shape))
