// The map with the gradient and one step, and the slope in all directions beside it.

export default explorable((stage) => {
  const plan = stage.plot({ title: "The gradient and a step h v", height: 352,
    x: { label: "x₁ (upwards: x₂)", range: [-2.5, 2.5] }, y: { range: [-2.5, 2.5] } });
  const heat = plan.heat(), ring = plan.line({ color: "gray", width: 1.2 });
  const arrow = plan.line({ color: "orange", width: 3, label: "0.3 · gradient" });
  const step = plan.line({ color: "blue", width: 2.5, label: "h v" });
  const end = plan.dots({ color: "blue", size: 9 }), place = plan.dots({ color: "ink", size: 8 });
  const side = stage.plot({ title: "Slope by direction", height: 352,
    x: { label: "direction (degrees)", range: [0, 360], ticks: [0, 90, 180, 270, 360] },
    y: { range: [-5.5, 5.5] } });
  const slope = side.line({ color: "orange", label: "∇f · v" });
  const quotient = side.line({ dash: "6 4", label: "(f(x + h v) − f(x)) / h" });
  const foretold = side.dots({ color: "orange", size: 9 }), found = side.dots({ size: 9 });
  const degrees = series(37, (i) => 10 * i);

  return (state, { land, compass, slopes, quotients }) => {
    const x = compass.v.subarray(0, 37).map((v) => state.x1 + state.h * v);
    const y = compass.v.subarray(37).map((v) => state.x2 + state.h * v);
    const k = state.at.angle, now = slopes.slope[k], length = slopes.length[0];
    heat.set(land.z, 41, 41);
    ring.set(x, y);
    arrow.set(slopes.arrow.subarray(0, 5), slopes.arrow.subarray(5));
    step.set([state.x1, x[k]], [state.x2, y[k]]);
    end.set([x[k]], [y[k]]);
    place.set([state.x1], [state.x2]);
    slope.set(degrees, slopes.slope);
    quotient.set(degrees, quotients.quotient);
    foretold.set([state.angle], [now]);
    found.set([state.angle], [quotients.quotient[k]]);
    if (length < 1e-3) return "The gradient is zero: no direction has a slope here.";
    const share = now / length;
    const verdict = share > 0.995 ? "steepest ascent" : share < -0.995 ? "steepest descent"
      : Math.abs(share) < 0.09 ? "nearly along the contour line"
      : share > 0 ? "uphill" : "downhill";
    return `The gradient has length ${show(length)}. Direction ${state.text.angle}: slope `
      + `${show(now)}, ${verdict}; a step of ${state.text.h} finds `
      + `${show(quotients.quotient[k])}.`;
  };
});
