// Two plots: the steps on the parabola, and the loss after each of them.

export default explorable((stage) => {
  const hill = stage.plot({ title: "Steps on f(w) = ½ λ w²",
    x: { label: "w", range: [-3, 3] }, y: { range: [0, 9] } });
  const curve = hill.line({ color: "gray" });
  const path = hill.line({ color: "orange", width: 1.2 });
  const places = hill.dots({ color: "orange" }), here = hill.dots({ color: "ink", size: 9 });
  const loss = stage.plot({ title: "Loss after each step",
    x: { label: "step", range: [0, 20] }, y: { range: [-6, 2], decades: true } });
  const line = loss.line(), dots = loss.dots(), now = loss.dots({ color: "ink", size: 9 });
  const steps = series(21);

  return (state, { run, curve: parabola }) => {
    const shown = state.step + 1, last = state.step;
    const f = run.w.map((w) => 0.5 * state.curvature * w * w);
    curve.set(parabola.w, parabola.f);
    path.set(run.w, f, shown);
    places.set(run.w, f, shown);
    here.set([run.w[last]], [f[last]]);
    line.set(steps, run.log_loss, shown);
    dots.set(steps, run.log_loss, shown);
    now.set([last], [run.log_loss[last]]);
    const q = run.factor[0], size = Math.abs(q);
    const verdict = size < 1e-3 ? "one step leads to the minimum"
      : Math.abs(size - 1) < 1e-3 ? "it swings for ever and comes no nearer"
      : size > 1 ? "it diverges"
      : q < 0 ? "it overshoots, but swings in"
      : q > 0.8 ? "it creeps towards the minimum" : "it goes down straight";
    return `Learning rate ${state.text.lr}, curvature ${state.text.curvature}: each step `
      + `multiplies w by ${show(q)}; ${verdict}.`;
  };
});
