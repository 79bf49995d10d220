// The losses over the score of the right class, and how each pulls at the three scores.

export default explorable((stage) => {
  const inks = [["squared", "blue", ""], ["hinge", "orange", "6 4"],
    ["cross-entropy", "green", "2 4"]];
  const left = stage.plot({ title: "Loss", height: 280,
    x: { label: "score of the right class, s₀", range: [-3, 4] }, y: { range: [0, 8] } });
  const right = stage.plot({ title: "Pull on each score (above 0: upwards)", height: 280,
    x: { label: "class (0 is right)", range: [-0.5, 2.5] }, y: { range: [-3, 3] } });
  const lines = inks.map(([label, color, dash]) => left.line({ color, dash, label }));
  const dots = inks.map(([, color]) => left.dots({ color, size: 9 }));
  const bars = inks.map(([, color]) => right.area({ color, opacity: 0.85 }));
  right.line({ color: "ink", width: 1 }).set([-0.5, 2.5], [0, 0]);
  const scores = series(71, (i) => i / 10 - 3);

  return (state, { curves, here }) => {
    const words = inks.map(([name], i) => {
      const pull = here.pull.subarray(3 * i, 3 * i + 3), middle = 0.24 * (i - 1), xs = [], ys = [];
      pull.forEach((p, c) => {
        for (const side of [-0.11, -0.11, 0.11, 0.11]) xs.push(c + middle + side);
        ys.push(0, p, p, 0);
      });
      bars[i].set(xs, ys);
      lines[i].set(scores, curves.loss.subarray(71 * i, 71 * i + 71));
      dots[i].set([state.score], [here.loss[i]]);
      const verdict = Math.abs(pull[0]) < 2e-3 ? "lets go of s₀"
        : `pulls s₀ ${pull[0] > 0 ? "up" : "down"} by ${show(Math.abs(pull[0]), 2)}`;
      return `${name} ${show(here.loss[i], 2)}, ${verdict}`;
    });
    return `Scores ${state.text.score}, ${state.text.rival} and 0: ${words.join("; ")}.`;
  };
});
