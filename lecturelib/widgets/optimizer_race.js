// Paths on the surface and losses, one line for each optimizer whose box is ticked.

const RACERS = { sgd: ["SGD", "blue", ""], heavy_ball: ["momentum", "orange", ""],
  adagrad: ["AdaGrad", "pink", "2 4"], rmsprop: ["RMSProp", "amber", "9 3 2 3"],
  adam: ["Adam", "green", "8 4"] };

export default explorable((stage) => {
  const plan = stage.plot({ title: "Paths on the surface", height: 300 });
  const heat = plan.heat();
  const loss = stage.plot({ title: "Loss", height: 300,
    x: { label: "step", range: [0, 60] }, y: { range: [-5, 3], decades: true } });
  const racers = Object.entries(RACERS).map(([name, [label, color, dash]]) => {
    stage.key(name, color, dash);
    return { name, label, path: plan.line({ color, dash, width: 2.4 }),
      head: plan.dots({ color, size: 10 }), loss: loss.line({ color, dash }) };
  });
  const ends = plan.dots({ color: "ink", size: 7 });
  const steps = series(61);

  return (state, frames) => {
    const { z, domain, start, minima } = frames.landscape;
    plan.axes({ x: domain.slice(0, 2), y: domain.slice(2) });
    heat.set(z, 41, 41);
    ends.set([start[0], ...minima.subarray(0, 4)], [start[1], ...minima.subarray(4)]);
    const words = [];
    for (const { name, label, path, head, loss: curve } of racers) {
      if (!state[name]) { path.clear(); head.clear(); curve.clear(); continue; }
      const run = frames[name], shown = state.step + 1;
      const xs = run.path.subarray(0, 61), ys = run.path.subarray(61);
      path.set(xs, ys, shown);
      head.set([xs[state.step]], [ys[state.step]]);
      curve.set(steps, run.log_loss, shown);
      const reached = run.log_loss[state.step];
      words.push(Number.isNaN(reached) ? `${label} has left the map`
        : `${label} ${reached < -4.99 ? "below " : ""}${show(10 ** reached, 2)}`);
    }
    return `Loss after ${state.step} steps of size ${state.text.lr}: `
      + (words.join(", ") || "no optimizer is chosen") + ".";
  };
});
