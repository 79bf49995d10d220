"""Draw the graph that the engine recorded: values on the way forward, gradients on the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from lecturelib.core import RELEASED, Tensor, gradients
from lecturelib.viz.style import COLORS

SYMBOLS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "negative": "−( )",
           "power": "power", "matrix_product": "@", "sigmoid": "σ"}


def draw_graph(output: Tensor, names: Mapping[str, Tensor] | None = None, *,
               show_gradients: bool = True) -> Figure:
    """Draw the computation of `output` from left to right; call it before `backward` uses it up.

    names: labels for tensors, {"x1": x1}. Each box holds a tensor that needs a gradient: its name
    or operation, its value and, in orange, the gradient of `output` with respect to it. For small
    graphs of scalars (or small arrays, whose shapes are shown instead of values).

    Raises RuntimeError after a `backward` that has released the graph.
    """
    label = {t.birth: name for name, t in (names or {}).items()}
    nodes = ancestors(output)
    flow = {}
    if show_gradients:
        flow = dict(zip((n.birth for n in nodes), gradients(output, nodes), strict=True))
    place = layout(nodes)

    width = max(x for x, _ in place.values()) + 1
    height = max(y for _, y in place.values()) + 1
    fig, ax = plt.subplots(figsize=(max(4.5, 1.5 * width), max(1.6, 1.2 * height)))
    for node in nodes:
        x, y = place[node.birth]
        for parent in inputs(node):
            px, py = place[parent.birth]
            ax.annotate("", (x - 0.4, y), (px + 0.4, py), zorder=1,
                        arrowprops={"arrowstyle": "-|>", "color": COLORS["gray"], "lw": 1.2})
        leaf = node.origin is None
        ax.text(x, y + 0.17, title(node, label), ha="center", va="center", weight="bold",
                color="black", zorder=3)
        ax.text(x, y - 0.03, _number(node.data), ha="center", va="center", size="small",
                color=COLORS["blue"], zorder=3)
        if flow:
            ax.text(x, y - 0.22, _number(flow[node.birth]), ha="center", va="center",
                    size="small", color=COLORS["orange"], zorder=3)
        ax.add_patch(plt.Rectangle((x - 0.4, y - 0.34), 0.8, 0.68, zorder=2, lw=1.2,
                                   fill=False, ec=COLORS["gray"], ls="--" if leaf else "-"))
    ax.set(xlim=(-0.5, width - 0.5), ylim=(-0.5, height - 0.5))
    ax.axis("off")
    return fig


def inputs(node: Tensor) -> list[Tensor]:
    if node.origin is None:
        return []
    if node.origin is RELEASED:
        raise RuntimeError("draw_graph: the graph was released by backward; draw it before, or "
                           "call backward(retain_graph=True)")
    return [x for x in node.origin[1] if isinstance(x, Tensor) and x.requires_grad]


def ancestors(output: Tensor) -> list[Tensor]:
    """`output` and everything it was computed from, oldest first."""
    found, todo = {output.birth: output}, [output]
    while todo:
        for x in inputs(todo.pop()):
            if x.birth not in found:
                found[x.birth] = x
                todo.append(x)
    return [found[birth] for birth in sorted(found)]


def layout(nodes: list[Tensor]) -> dict[int, tuple[float, float]]:
    """Columns by the longest path from a leaf; within a column, a node stands near its inputs."""
    depth: dict[int, int] = {}
    for node in nodes:
        depth[node.birth] = 1 + max((depth[x.birth] for x in inputs(node)), default=-1)
    columns = [[n for n in nodes if depth[n.birth] == d] for d in range(max(depth.values()) + 1)]
    tallest = max(map(len, columns))
    place: dict[int, tuple[float, float]] = {}

    def height(node: Tensor) -> float:
        rows = [place[x.birth][1] for x in inputs(node)]
        return -sum(rows) / len(rows) if rows else 0.0

    for x, column in enumerate(columns):
        top = (tallest + len(column)) / 2 - 1
        for i, node in enumerate(sorted(column, key=height)):
            place[node.birth] = float(x), top - i
    return place


def title(node: Tensor, label: Mapping[int, str]) -> str:
    operation = "" if node.origin is None else node.origin[0].name
    operation = SYMBOLS.get(operation, operation)
    name = label.get(node.birth, "")
    return f"{name} = {operation}" if name and operation else name or operation or "leaf"


def _number(x: Any) -> str:
    """Up to three numbers are written out; of larger arrays the shape is all that fits."""
    if x.size > 3:
        return f"shape {x.shape}"
    digits = 3 if x.size == 1 else 2
    return ", ".join(f"{v:.{digits}g}" for v in x.ravel()).replace("-", "−")
