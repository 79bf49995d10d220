// The links between two rows of units, and the matrix that tells which weight lies on each.

export default explorable((stage) => {
  const picture = svg("svg", { viewBox: "0 0 330 180", role: "img",
    "aria-label": "Links from inputs to outputs" });
  stage.put({ element: make("div", { class: "ex-panel" }, picture) });
  const matrix = stage.cells({ title: "Weight on each link", size: 25 });
  const inputs = 8, pens = ["blue", "orange", "green", "pink", "amber"];
  matrix.picked = (index) => stage.move("output", Math.floor(index / inputs));
  const x = (place) => 22 + 26 * (place + 2);
  const dot = (place, y) => svg("circle", { cx: x(place), cy: y, r: 6, fill: "currentColor" });

  return (state, { layer }) => {
    const [outputs, links, weights] = layer.counts;
    stage.limit("output", outputs - 1);
    const chosen = Math.min(state.at.output, outputs - 1), shared = state.wiring === "shared";
    const lines = [], marked = new Set(), seen = [];
    for (let n = 0; n < outputs * inputs; n++) {
      const i = Math.floor(n / inputs), j = n % inputs, number = layer.which[n];
      if (Number.isNaN(number)) continue;
      if (i === chosen) {
        marked.add(n);
        seen.push(j + 1);
      }
      lines.push(svg("line", { x1: x(j), y1: 150, x2: x(layer.place[i]), y2: 40,
        stroke: ink(shared ? pens[number - 1] : "gray"),
        ...(i === chosen ? { "stroke-width": 2.5 } : { opacity: 0.45 }) }));
    }
    const dots = Array.from({ length: inputs }, (_, j) => dot(j, 150));
    for (let i = 0; i < outputs; i++) dots.push(dot(layer.place[i], 40));
    const borders = Array.from({ length: state.padding }, (_, k) => [-1 - k, inputs + k]).flat();
    const zeros = borders.map((place) => svg("text", { x: x(place), y: 154,
      "text-anchor": "middle", opacity: 0.6 }, "0"));
    picture.replaceChildren(svg("text", { x: 0, y: 14, class: "ex-title" },
      "Outputs above, inputs below"), ...lines, ...dots, ...zeros);
    matrix.set(layer.which.subarray(0, outputs * inputs), outputs, inputs,
      { strength: weights, marked });
    const rule = !shared ? "" : state.stride === 1
      ? " Each diagonal of the matrix holds one weight."
      : ` Each row of the matrix is the one above, moved by ${state.stride}.`;
    return `${outputs} outputs, ${links} links, ${weights} different `
      + `weight${weights === 1 ? "" : "s"}. Output ${chosen + 1} sees `
      + (seen.length ? `input${seen.length === 1 ? "" : "s"} ${seen.join(", ")}.` : "only padding.")
      + rule;
  };
});
