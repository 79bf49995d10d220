// The two secants at a step h, and the errors of both for all steps.

export default explorable((stage) => {
  const hill = stage.plot({ title: "Function and secants", x: { label: "x" } });
  const curve = hill.line({ color: "gray", label: "f" });
  const secants = [hill.line({ label: "forward" }),
    hill.line({ color: "orange", dash: "7 4", label: "central" })];
  const points = hill.dots({ color: "ink", size: 7 });
  const plot = stage.plot({ title: "Error of the derivative",
    x: { label: "step h", range: [-15, 0], decades: true }, y: { range: [-16, 0], decades: true } });
  const term = (color, label) => plot.line({ color, width: 1.2, dash: "2 4", label });
  const terms = { rounding: term("gray", "ε|f|/h"), long_forward: term("blue", "h|f''|/2"),
    long_central: term("orange", "h²|f'''|/6") };
  const lines = { forward: plot.line(), central: plot.line({ color: "orange", dash: "7 4" }) };
  const cursor = plot.line({ color: "ink", width: 1, opacity: 0.5 });
  const marks = { forward: plot.dots({ size: 9 }), central: plot.dots({ color: "orange", size: 9 }) };
  const logs = series(46, (i) => (i - 45) / 3);

  return (state, { errors, curve: near }) => {
    const { x, h } = state, i = state.at.h, [value] = near.value;
    const low = Math.min(...near.f), high = Math.max(...near.f), room = 0.1 * (high - low);
    hill.axes({ x: [x - 1.5, x + 1.5], y: [low - room, high + room] });
    curve.set(near.t, near.f);
    secants[0].set([x, x + h], [value, near.above[i]]);
    secants[1].set([x - h, x + h], [near.below[i], near.above[i]]);
    points.set([x - h, x, x + h], [near.below[i], value, near.above[i]]);
    for (const [name, line] of Object.entries({ ...terms, ...lines })) line.set(logs, errors[name]);
    cursor.set([logs[i], logs[i]], [-16, 0]);
    for (const [name, mark] of Object.entries(marks)) mark.set([logs[i]], [errors[name][i]]);
    const size = (name) => (errors[name][i] < -15.99 ? "below " : "") + power(10 ** errors[name][i]);
    return `h = ${power(h)}: the forward difference is wrong by ${size("forward")}, the central `
      + `one by ${size("central")}; the derivative is ${show(errors.slope[0], 4)}.`;
  };
});
