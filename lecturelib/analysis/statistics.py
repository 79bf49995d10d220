"""What flows through a network: statistics of each layer's outputs and gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from lecturelib import backend, nn
from lecturelib.core import Tensor, gradients, unwrap
from lecturelib.nn import Module
from lecturelib.nn.temporary import leaves, wrapped_forward

FLAT = 0.05  # a unit is saturated where its slope is below this part of the steepest
STEEPNESS = {nn.Tanh: lambda y: 1 - y * y,  # slope / largest slope, from the output
             nn.Sigmoid: lambda y: 4 * y * (1 - y)}


@dataclass(frozen=True, eq=False)
class Summary:
    """The numbers of one array: mean, standard deviation, fraction of exact zeros.

    counts (bins,), edges (bins + 1,): the histogram of those that are finite.
    """

    mean: float
    std: float
    zeros: float
    counts: np.ndarray
    edges: np.ndarray


@dataclass(frozen=True, eq=False)
class LayerStatistics:
    """One call of one layer: `output`, and `gradient` of the loss with respect to it.

    name: dotted, as in `state_dict`; kind: the class; shape: of the output. gradient:
    None where the loss does not reach the output, or none was asked for. saturated: the
    fraction of outputs where the slope of a Tanh or Sigmoid is below 5 % of its
    largest; dead: the fraction of a ReLU's units (axis 1) that are 0 for the whole
    batch; None for other layers.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    output: Summary
    gradient: Summary | None
    saturated: float | None
    dead: float | None


class StatisticsTable(list):
    """A list of LayerStatistics that prints as a table."""

    def __repr__(self) -> str:
        rows = [("layer", "kind", "mean", "std", "zeros", "saturated", "dead",
                 "grad mean", "grad std"), *map(_cells, self)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
            for row in rows)


def _cells(row: LayerStatistics) -> tuple[str, ...]:
    def number(x: float | None, spec: str) -> str:
        return "–" if x is None else format(x, spec)

    g = row.gradient
    return (row.name, row.kind, f"{row.output.mean:.3g}", f"{row.output.std:.3g}",
            f"{row.output.zeros:.1%}", number(row.saturated, ".1%"),
            number(row.dead, ".1%"), number(g.mean if g else None, ".2e"),
            number(g.std if g else None, ".2e"))


class Record:
    """The outputs of all layers that were called, in the order of the calls.

    calls: a list of (dotted name, module, output), an output being a Tensor or array.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Module, Any]] = []

    def statistics(self, loss: Tensor | None = None, bins: int = 50) -> StatisticsTable:
        """A row for each call; with gradients if the loss, a scalar Tensor, is given.

        Call it before `loss.backward()`, which releases the graph; it touches no
        `.grad`. Histograms have `bins` bins from the smallest to the largest value.

        Raises ValueError for an output without elements.
        """
        slopes: dict[int, Any] = {}
        outputs = [y for _, _, y in self.calls
                   if isinstance(y, Tensor) and y.requires_grad]
        if loss is not None and outputs:
            found = gradients(loss, outputs)
            slopes = {id(y): g for y, g in zip(outputs, found, strict=True)}
        return StatisticsTable(_row(name, module, y, slopes.get(id(y)), bins)
                               for name, module, y in self.calls)


@contextmanager
def watch(model: Module) -> Iterator[Record]:
    """Record what every layer (a module without modules inside) puts out.

        with watch(model) as record:
            loss = F.cross_entropy(model(x), y)
        print(record.statistics(loss))

    Of a tuple, as recurrent layers return it, the first element is recorded. Until the
    block ends, or fails, each layer's `forward` is one that takes notes. What is
    computed without a module, such as `F.relu(x)` in a `forward`, is not seen.
    """
    record = Record()
    names = {m: name for name, m in reversed(leaves(model))}
    with wrapped_forward(names, lambda m: _noting(record, names[m], m)):
        yield record


def _noting(record: Record, name: str, module: Module) -> Callable:
    forward = module.forward

    def noting(*args: Any, **kwargs: Any) -> Any:
        output = forward(*args, **kwargs)
        first = output[0] if isinstance(output, tuple) else output
        record.calls.append((name, module, first))
        return output

    return noting


def layer_statistics(model: Module, x: Any, y: Any, loss: Callable,
                     bins: int = 50) -> StatisticsTable:
    """Statistics of each layer's outputs, and of the gradient with respect to them.

    One forward pass in the mode that the model is in, and one sweep from
    loss(model(x), y), a scalar; no `.grad` is touched. Activations that shrink or
    saturate, and gradients that vanish or explode, show as a trend down the table.

    Raises as `Record.statistics`. Source: {cite}`glorot2010understanding`.
    """
    with watch(model) as record:
        value = loss(model(x), y)
    return record.statistics(value, bins)


def _row(name: str, module: Module, output: Any, slope: Any,
         bins: int) -> LayerStatistics:
    y = backend.numpy(unwrap(output)).astype(np.float64)
    if not y.size:
        raise ValueError(f"{name or 'model'}: the output has no elements, {y.shape}; "
                         "pass a batch of at least one example")
    steepness = STEEPNESS.get(type(module))
    dead = None
    if isinstance(module, nn.ReLU) and y.ndim > 1:
        others = tuple(i for i in range(y.ndim) if i != 1)
        dead = float((y == 0).all(axis=others).mean())
    return LayerStatistics(
        name, type(module).__name__, y.shape, _summary(y, bins),
        None if slope is None else _summary(backend.numpy(slope), bins),
        None if steepness is None else float((steepness(y) < FLAT).mean()), dead)


def _summary(values: np.ndarray, bins: int) -> Summary:
    v = values.astype(np.float64).ravel()
    counts, edges = np.histogram(v[np.isfinite(v)], bins)
    with np.errstate(invalid="ignore", over="ignore"):  # exploded: inf or nan say so
        mean, std = float(v.mean()), float(v.std())
    return Summary(mean, std, float((v == 0).mean()), counts, edges)
