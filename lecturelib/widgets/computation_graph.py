"""A small expression, forward and backward through the graph of the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lecturelib import ops
from lecturelib.core import Tensor, gradients
from lecturelib.viz.graph import ancestors, inputs, layout, title
from lecturelib.widgets import still
from lecturelib.widgets.controls import choice, slider
from lecturelib.widgets.explorable import Explorable, table

EXPRESSIONS = {
    "product": ("x₁·x₂ + sin x₂", lambda x1, x2: x1 * x2 + ops.sin(x2)),
    "neuron": ("σ(x₁·x₂ + 1)", lambda x1, x2: ops.sigmoid(x1 * x2 + 1.0)),
    "error": ("(x₁·x₂ − 2)²", lambda x1, x2: (x1 * x2 - 2.0) ** 2.0),
    "shared": ("(x₁ + x₂)·(x₂ + 1)", lambda x1, x2: (x1 + x2) * (x2 + 1.0)),
}
NODES, EDGES = 6, 7  # room for the largest of them
INPUTS = np.arange(-6, 7) / 2


class GraphExplorer(Explorable):
    """The graph of f(x₁, x₂), step by step: values forward, then gradients backward.

    Controls: expression, x1, x2, step. Part `graph`: titles of the nodes, oldest first;
    column and row of each, (6,); source and target, (7,), the nodes that an edge
    joins; operations, how many nodes are no leaves. Part `flow`: value and gradient of
    each node, (6,); sent, (7,): what the rule of the edge's target adds to the gradient
    of its source. nan stands where an expression has fewer nodes or edges. caption,
    alt, start: as `Explorable`.
    """

    controls = (
        choice("expression", "f", {k: text for k, (text, _) in EXPRESSIONS.items()}),
        slider("x1", "x₁", INPUTS, 2, text="{:.1f}"),
        slider("x2", "x₂", INPUTS, 3, text="{:.1f}"),
        slider("step", "step", range(8), 7, text="{:.0f}", play=7),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def graph(self, expression: str) -> dict[str, Any]:
        """The shape of the graph."""
        nodes, names = _record(expression, 1.0, 1.0)
        place, edges = layout(nodes), _edges(nodes)
        column, row = np.array([place[n.birth] for n in nodes]).T
        return {"titles": [title(n, names) for n in nodes],
                "column": _pad(column, NODES), "row": _pad(row, NODES),
                "source": _pad([source for source, _, _ in edges], EDGES),
                "target": _pad([target for _, target, _ in edges], EDGES),
                "operations": sum(n.origin is not None for n in nodes)}

    @table
    def flow(self, expression: str, x1: float, x2: float) -> dict[str, Any]:
        """Values and gradients, and what flows along each edge."""
        nodes, _ = _record(expression, x1, x2)
        found = gradients(nodes[-1], nodes)
        sent = []
        for _, target, i in _edges(nodes):
            rules, _, values, attrs = nodes[target].origin
            rule, out = list(rules)[i], nodes[target].data
            sent.append(float(rule(found[target], out, *values, **attrs)))
        return {"value": _pad([n.data for n in nodes], NODES),
                "gradient": _pad(found, NODES), "sent": _pad(sent, EDGES)}

    def still(self, frame: dict[str, Any]) -> str:
        """All nodes with values and gradients."""
        graph, flow = frame["graph"], frame["flow"]
        at = [(42 + 112 * column, 40 + 84 * row)
              for column, row in zip(graph["column"], graph["row"])]
        edges = np.stack([graph["source"], graph["target"]], axis=1)
        shapes = [f'<path d="M{at[s][0] + 36:g} {at[s][1]:g}L{at[t][0] - 36:g} '
                  f'{at[t][1]:g}" stroke="currentColor" opacity="0.5"/>'
                  for s, t in edges[~np.isnan(edges[:, 0])].astype(int)]
        for (x, y), *texts in zip(at, graph["titles"], flow["value"], flow["gradient"]):
            shapes.append(f'<rect x="{x - 36:g}" y="{y - 32:g}" width="72" height="64" '
                          'rx="6" class="ex-node" fill="none" stroke="currentColor"/>')
            title, value, gradient = texts
            for dy, style, text in ((-12, "title", title),
                                    (6, "value", still.number(value)),
                                    (24, "gradient", "∂ " + still.number(gradient))):
                shapes.append(f'<text x="{x:g}" y="{y + dy:g}" class="ex-{style}">'
                              f"{text}</text>")
        width = 84 + 112 * np.nanmax(graph["column"])
        height = 80 + 84 * np.nanmax(graph["row"])
        return still.panels(
            f'<svg class="ex-graph" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" style="max-width:{1.25 * width:g}px" '
            f'text-anchor="middle" aria-hidden="true">{"".join(shapes)}</svg>')


def _record(expression: str, x1: float, x2: float
            ) -> tuple[list[Tensor], dict[int, str]]:
    """The nodes of the expression, oldest first, and the names of some of them."""
    leaves = [Tensor(np.array(x), requires_grad=True) for x in (x1, x2)]
    f = EXPRESSIONS[expression][1](*leaves)
    named = zip((*leaves, f), ("x₁", "x₂", "f"))
    return ancestors(f), {node.birth: name for node, name in named}


def _edges(nodes: list[Tensor]) -> list[tuple[int, int, int]]:
    """(source, target, which argument), in the order in which `backward` uses them."""
    place = {n.birth: i for i, n in enumerate(nodes)}
    return [(place[x.birth], t, i) for t in range(len(nodes) - 1, -1, -1)
            if inputs(nodes[t]) for i, x in enumerate(nodes[t].origin[1])
            if isinstance(x, Tensor) and x.requires_grad]


def _pad(values: Any, size: int) -> np.ndarray:
    out = np.full(size, np.nan)
    out[:len(values)] = np.array(values, float)
    return out
