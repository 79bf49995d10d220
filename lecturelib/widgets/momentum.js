// The map of spectral radii with our place on it, and the iterates beside it.

export default explorable((stage) => {
  const plan = stage.plot({ title: "Spectral radius (light: small)", height: 300,
    x: { label: "lr · λ (upwards: μ)", range: [-2, Math.log10(5.12)], decades: true },
    y: { range: [0, 1] } });
  const heat = plan.heat();
  const edges = [plan.line({ color: "ink", dash: "6 4", label: "critical damping" }),
    plan.line({ color: "ink", dash: "2 4", label: "upper end" }),
    plan.line({ color: "orange", label: "border of divergence" })];
  const here = plan.dots({ color: "ink", size: 12 });
  const path = stage.plot({ title: "Iterates (dashed: radius to the power k)", height: 300,
    x: { label: "step k", range: [0, 40] }, y: { range: [-1.5, 1.5] } });
  const above = path.line({ color: "gray", dash: "6 4" });
  const below = path.line({ color: "gray", dash: "6 4" });
  const line = path.line({ color: "orange", width: 1.4 }), dots = path.dots({ color: "orange" });
  const steps = series(41);

  return (state, { run, land }) => {
    heat.set(land.z, 41, 41);
    edges.forEach((edge, i) => edge.set(land.edges.subarray(41 * i, 41 * i + 41), land.mu));
    here.set([Math.log10(state.rate)], [state.momentum]);
    const shown = state.step + 1;
    above.set(steps, run.envelope);
    below.set(steps, run.envelope.map((v) => -v));
    line.set(steps, run.u, shown);
    dots.set(steps, run.u, shown);
    const radius = run.radius[0];
    const verdict = radius > 1.0005 ? "it diverges"
      : run.oscillates[0] ? "damped too little: it swings"
      : run.u[1] < -1e-3 ? "it jumps from side to side"
      : "damped enough: no swinging, it creeps";
    return `lr · λ = ${state.text.rate}, μ = ${state.text.momentum}: spectral radius `
      + `${show(radius)}; ${verdict}.`;
  };
});
