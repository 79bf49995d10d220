// The gradients with the average that is used, and the steps that come of them.

export default explorable((stage) => {
  const seen = stage.plot({ title: "Gradients (dots) and the average used",
    x: { label: "step t", range: [0, 31] }, y: { range: [-3, 4] } });
  const zero = seen.line({ color: "gray", width: 1 });
  const average = seen.line(), dots = seen.dots({ color: "ink" });
  const steps = stage.plot({ title: "Steps, in units of the rate (dashed: ±1)",
    x: { label: "step t", range: [0, 31] }, y: { range: [-3, 8] } });
  const bounds = [1, -1].map((level) => [level, steps.line({ color: "gray", dash: "6 4" })]);
  const line = steps.line({ color: "orange" }), ends = steps.dots({ color: "orange" });
  const times = series(30, (i) => i + 1);
  const top = (values) => values.map((v) => Math.min(v, 4));
  zero.set([0, 31], [0, 0]);
  bounds.forEach(([level, bound]) => bound.set([0, 31], [level, level]));

  return (state, { given, run }) => {
    const k = state.step, shown = run.step.subarray(0, k);
    average.set(times, top(run.average), k);
    dots.set(times, top(given.g), k);
    line.set(times, run.step, k);
    ends.set(times, run.step, k);
    const longest = shown.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    return `In units of the rate: the first step is ${show(run.step[0], 2)}, the longest of ${k} `
      + `is ${longest > 7.99 ? "8 or more" : show(longest, 2)}, and all together move the `
      + `parameter by ${show(run.way[k - 1], 3)}.`;
  };
});
