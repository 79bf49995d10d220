// The function and its slope over the inputs' density; how often each slope is met.

export default explorable((stage) => {
  const plot = stage.plot({ title: "Function and derivative",
    x: { label: "input x", range: [-6, 6] }, y: { range: [-1.25, 2.5] } });
  const density = plot.area();
  const value = plot.line({ label: "f(x)" });
  const slope = plot.line({ color: "orange", dash: "6 4", label: "f'(x)" });
  plot.legend.append(make("span", {}, swatch("gray", ""), "inputs (density, height 1)"));
  const met = stage.plot({ title: "Share of inputs with the derivative",
    x: { label: "f'(x)", range: [-0.2, 1.2] }, y: { range: [0, 1] } });
  const bars = met.bars({ color: "orange" }), stopped = met.bars({ color: "gray", opacity: 1 });
  const limit = met.line({ color: "gray", width: 1.2, dash: "3 3", label: "saturated: |f'| < 0.05" });
  limit.set([-0.05, -0.05, NaN, 0.05, 0.05], [0, 1, NaN, 0, 1]);
  const edges = series(29, (i) => -0.2 + 0.05 * i);

  return (state, { curve, inputs }) => {
    density.set(curve.x, inputs.density);
    value.set(curve.x, curve.y);
    slope.set(curve.x, curve.slope);
    const saturated = (i) => Math.abs(edges[i] + 0.025) < 0.05;
    bars.set(edges, inputs.share.map((share, i) => (saturated(i) ? 0 : share)));
    stopped.set(edges, inputs.share.map((share, i) => (saturated(i) ? share : 0)));
    return `${state.text.function}, inputs of standard deviation ${state.text.std}: `
      + `${show(100 * inputs.saturated[0])}\u00a0% are saturated; the mean of f'(x)² is `
      + `${show(inputs.passed[0])}.`;
  };
});
