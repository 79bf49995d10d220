// One run on the map of the valley; the mean loss of many runs, and the floor that noise sets.

export default explorable((stage) => {
  const plan = stage.plot({ title: "One run in the valley",
    x: { range: [-1.4, 1.6] }, y: { range: [-1.4, 1.6] } });
  const heat = plan.heat(), path = plan.line({ color: "orange", width: 1.2 });
  const head = plan.dots({ color: "orange", size: 9 }), goal = plan.dots({ color: "ink", size: 7 });
  const loss = stage.plot({ title: "Loss",
    x: { label: "step", range: [0, 100] }, y: { range: [-3, 2], decades: true } });
  const mean = loss.line({ label: "mean of 200 runs" });
  const floor = loss.line({ color: "gray", dash: "6 4", label: "floor at the present rate" });
  const steps = series(101);
  goal.set([0], [0]);

  return (state, { run, surface }) => {
    const k = state.step, xs = run.path.subarray(0, 101), ys = run.path.subarray(101);
    heat.set(surface.z, 41, 41);
    path.set(xs, ys, k + 1);
    head.set([xs[k]], [ys[k]]);
    mean.set(steps, run.log_loss, k + 1);
    floor.set(steps, run.log_floor, k + 1);
    const [reached, low] = [run.log_loss[k], run.log_floor[k]].map((v) => 10 ** v);
    const verdict = low < 1.01e-3 ? "the noise hardly counts"
      : reached < 1.4 * low ? "the noise holds it there: only a smaller rate or a larger batch helps"
      : "it is still on its way down";
    return `After ${k} steps the mean loss is ${show(reached, 2)}, the floor at the present rate `
      + `${low < 1.01e-3 ? "below 0.001" : show(low, 2)}: ${verdict}.`;
  };
});
