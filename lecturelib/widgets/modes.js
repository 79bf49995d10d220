// The matrices that are left in both modes, and the multiplications they have cost.

export default explorable((stage) => {
  const modes = [["Forward", "orange", "", "right"], ["Reverse", "blue", "6 4", "left"]];
  const picture = svg("svg", { viewBox: "0 0 340 250", role: "img",
    "aria-label": "The matrices that are left, in forward and in reverse mode" });
  picture.style.maxWidth = "425px";
  stage.put({ element: make("div", { class: "ex-panel" }, picture) });
  const plot = stage.plot({ title: "Multiplications so far",
    x: { label: "step", range: [0, 4] }, y: { range: [0, 10], decades: true } });
  const lines = modes.map(([mode, color, dash]) =>
    plot.line({ color, dash, label: mode.toLowerCase() }));
  const dots = modes.map(([, color]) => plot.dots({ color, size: 9 }));
  const steps = series(5);

  /** A rectangle that grows with the logarithms of the sizes; its name above, these below it. */
  function matrix(x, y, rows, columns, name, color) {
    const [width, height] = [columns, rows].map((size) => 5 + 17 * Math.log10(size));
    const text = (dy, words) => svg("text", { x, y: y + dy, "text-anchor": "middle" }, words);
    return [svg("rect", { x: x - width / 2, y: y - height / 2, width, height,
      fill: color ? ink(color) : "none", "fill-opacity": 0.6, stroke: "currentColor" }),
    text(-33, name), text(42, `${rows}×${columns}`)];
  }

  return (state, { costs, chain }) => {
    const shapes = [], k = state.step;
    modes.forEach(([mode, color, , side], i) => {
      shapes.push(svg("text", { x: 0, y: 14 + 125 * i, class: "ex-title" },
        `${mode} mode, from the ${side}`));
      for (let j = 0; j < 5; j++) {
        const rows = chain.rows[5 * i + j], columns = chain.columns[5 * i + j];
        const look = j === (i ? k : 4 - k) ? ["", color] : [`J${"₄₃₂₁"[j - i]}`, ""];
        const at = [34 + 68 * j, 64 + 125 * i];
        if (rows > 0) shapes.push(...matrix(...at, rows, columns, ...look));
      }
      const total = costs.log_total.subarray(5 * i, 5 * i + 5);
      lines[i].set(steps, total);
      dots[i].set([k], [total[k]]);
    });
    picture.replaceChildren(...shapes);
    const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
    const columns = count(state.inputs, "column"), rows = count(state.outputs, "row");
    if (!k) {
      return `Forward mode starts with ${columns}, one for each input; reverse mode with ${rows}, `
        + "one for each output.";
    }
    const so = `Forward mode has carried ${columns} through ${count(k, "Jacobian")} with `
      + `${show(chain.total[0])} multiplications, reverse mode ${rows} with `
      + `${show(chain.total[1])}.`;
    if (k < 4) return so;
    const ratio = costs.ratio[0], dear = ratio > 1 ? "forward" : "reverse";
    return so + (ratio === 1 ? " Both cost the same."
      : ` In the end ${dear} mode costs ${show(Math.max(ratio, 1 / ratio))} times as much.`);
  };
});
