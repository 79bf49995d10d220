// Boxes and arrows; a step forward fills in one value, a step backward sends gradients on.

export default explorable((stage) => {
  const picture = svg("svg", { class: "ex-graph", role: "img", "aria-label": "Computation graph" });
  const element = make("div", { class: "ex-panel" }, picture,
    make("div", { class: "ex-legend" }, make("span", {}, swatch("blue", ""), "value"),
      make("span", {}, swatch("orange", ""), "∂: gradient of f with respect to it")));
  stage.put({ element });
  const place = (graph, i) => [42 + 112 * graph.column[i], 40 + 84 * graph.row[i]];
  const text = (x, y, words, more = {}) => svg("text", { x, y, "text-anchor": "middle", ...more }, words);

  function arrow([x1, y1], [x2, y2], backward, label) {
    const from = [x1 + 36, y1], to = [x2 - 36, y2], color = ink(backward ? "orange" : "gray");
    const tip = backward ? from : to, sign = backward ? 1 : -1;
    const angle = (Math.atan2(to[1] - from[1], to[0] - from[0]) * 180) / Math.PI;
    const group = svg("g", {},
      svg("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], stroke: color,
        "stroke-width": backward ? 2.5 : 1.4 }),
      svg("path", { d: `M0 0L${sign * 8} 4.5V-4.5Z`, fill: color,
        transform: `translate(${tip[0]} ${tip[1]}) rotate(${angle})` }));
    if (label) {
      group.append(text((from[0] + to[0]) / 2, (from[1] + to[1]) / 2 - 7, label,
        { class: "ex-gradient ex-halo" }));
    }
    return group;
  }

  return (state, { graph, flow }) => {
    const nodes = graph.titles.length, operations = graph.operations[0];
    const leaves = nodes - operations, last = 2 * operations + 1;
    stage.limit("step", last);
    const step = Math.min(state.step, last);
    const computed = leaves + Math.min(step, operations);  // nodes that have a value
    const sending = 2 * operations + 1 - step + leaves;     // this node and younger ones have sent
    const backward = step > operations;
    const gradient = new Array(nodes).fill(0), received = new Array(nodes).fill(false);
    if (backward) { gradient[nodes - 1] = 1; received[nodes - 1] = true; }

    const shapes = [], sent = [];
    for (let e = 0; e < graph.source.length && graph.source[e] >= 0; e++) {
      const source = graph.source[e], target = graph.target[e];
      const active = backward && target === sending;
      if (backward && target >= sending) {
        gradient[source] += flow.sent[e];
        received[source] = true;
      }
      if (active) sent.push(`${show(flow.sent[e])} to ${graph.titles[source]}`);
      shapes.push(arrow(place(graph, source), place(graph, target), active,
        active ? show(flow.sent[e]) : ""));
    }
    const current = backward ? (sending >= nodes ? nodes - 1 : sending) : computed - 1;
    for (let i = 0; i < nodes; i++) {
      const [x, y] = place(graph, i);
      const box = { x: x - 36, y: y - 32, width: 72, height: 64, rx: 6, class: "ex-node" };
      if (step && i === current) box.class += backward ? " ex-back" : " ex-forward";
      shapes.push(svg("rect", box), text(x, y - 12, graph.titles[i], { class: "ex-title" }));
      if (i < computed) shapes.push(text(x, y + 6, show(flow.value[i]), { class: "ex-value" }));
      if (received[i]) {
        shapes.push(text(x, y + 24, "∂ " + show(gradient[i]), { class: "ex-gradient" }));
      }
    }
    const width = 84 + 112 * Math.max(...graph.column.slice(0, nodes));
    const height = 80 + 84 * Math.max(...graph.row.slice(0, nodes));
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.style.maxWidth = `${1.25 * width}px`;
    picture.replaceChildren(...shapes);

    const title = graph.titles[current].split(" = ").at(-1);
    if (step === 0) return "The inputs are given; nothing is computed yet.";
    if (!backward) return `Forward: ${title} gives ${show(flow.value[current])}.`;
    if (!sent.length) return "Backward: the gradient of the result with respect to itself is 1.";
    const end = step === last ? " The gradients of the inputs are complete." : "";
    return `Backward: ${title} has gradient ${show(gradient[current])} and sends `
      + `${sent.join(" and ")}.${end}`;
  };
});
