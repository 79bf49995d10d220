"""A model at a glance: shapes, parameters and multiply-adds, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lecturelib.core import no_grad, observers
from lecturelib.nn.module import Module
from lecturelib.nn.state import count_parameters
from lecturelib.nn.temporary import evaluating, leaves, wrapped_forward


@dataclass(frozen=True)
class Row:
    """One call of a layer. `multiply_adds` are those of one example."""

    name: str
    layer: str
    output_shape: tuple[int | str, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """What `summary` returns; it prints as a table."""

    rows: list[Row]
    parameters: int
    trainable: int
    multiply_adds: int

    def __repr__(self) -> str:
        table = [("name", "layer", "output shape", "parameters", "multiply-adds")]
        table += [(r.name, r.layer, str(r.output_shape), f"{r.parameters:,}",
                   f"{r.multiply_adds:,}") for r in self.rows]
        table += [("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}")]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(cell.ljust(w) if i < 3 else cell.rjust(w) for i, (cell, w)
                           in enumerate(zip(row, widths, strict=True))) for row in table]
        rule = "─" * len(lines[0])
        frozen = self.parameters - self.trainable
        note = [f"of the parameters, {frozen:,} are frozen"] if frozen else []
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], *note])


@no_grad()
def summary(model: Module, input_shape: tuple[int, ...], dtype: Any = None) -> Summary:
    """The layers of a model in the order in which they are called, as a table.

    input_shape: the shape of one example, without the batch axis; dtype: of the input,
    by default that of the first parameter. For each layer (a module without modules)
    the shape of its output, N standing for the batch; how many parameters it owns,
    those of a layer called again counted once; and the multiply-adds of its
    convolutions and matrix products for one example. What a module with modules owns
    and does by itself is in the totals alone.

    The model sees one example of zeros in evaluation mode; its modes stay as they are.
    Raises ValueError if the model does not accept the shape.
    """
    rows: list[Row] = []
    seen: set[int] = set()
    works = [0]
    parameters = model.parameters()
    dtype = dtype or (parameters[0].dtype if parameters else np.float32)

    def count(name: str, names: tuple, values: list, attrs: dict, data: Any) -> None:
        works[0] += _multiply_adds(name, values, attrs, data)

    def watched(layer: Module) -> Callable:
        forward = layer.forward

        def call(*args: Any) -> Any:
            before = works[0]
            out = forward(*args)
            first = out
            while isinstance(first, tuple):  # of a recurrent layer, say
                first = first[0]
            own = 0 if id(layer) in seen else count_parameters(layer)
            seen.add(id(layer))
            rows.append(Row(names[layer], repr(layer), ("N", *first.shape[1:]), own,
                            works[0] - before))
            return out
        return call

    names = {m: name for name, m in leaves(model)}
    observers.append(count)
    try:
        with evaluating(model), wrapped_forward(names, watched):
            model(np.zeros((1, *input_shape), dtype))
    finally:
        observers.remove(count)
    return Summary(rows, count_parameters(model), count_parameters(model, trainable=True),
                   works[0])


def _multiply_adds(name: str, values: list, attrs: dict, out: Any) -> int:
    """One for each product that is added up in a result of this operation."""
    if name == "correlate2d":
        return math.prod(out.shape) * math.prod(values[1].shape[1:])
    if name == "correlate2d_dx":  # forward in a transposed convolution
        return math.prod(values[0].shape) * math.prod(values[1].shape[1:])
    if name in ("linear", "matrix_product"):
        return math.prod(out.shape) * values[0].shape[-1]
    return 0
