// The map with the direction of the cut, and the function along it beside its parabola.

export default explorable((stage) => {
  const plan = stage.plot({ title: "The map and the cut", height: 300,
    x: { range: [-1, 1] }, y: { range: [-1, 1] } });
  const heat = plan.heat(), track = plan.line({ color: "orange" });
  const middle = plan.dots({ color: "ink", size: 7 });
  const side = stage.plot({ title: "Along the cut (dashed: curvature only)", height: 300,
    x: { label: "distance t", range: [-1, 1] }, y: { range: [-2, 2] } });
  const values = side.line({ color: "orange" });
  const parabola = side.line({ color: "blue", dash: "6 4" });
  const here = side.dots({ color: "ink", size: 7 });
  const t = series(33, (i) => i / 16 - 1);

  return (state, { land, cut }) => {
    heat.set(land.z, 41, 41);
    track.set(cut.ends.subarray(0, 2), cut.ends.subarray(2));
    middle.set([0], [0]);
    values.set(t, cut.f);
    parabola.set(t, cut.parabola);
    here.set([0], [0]);
    const c = Math.abs(cut.curvature[0]) < 1e-3 ? 0 : cut.curvature[0];
    const verdict = c > 0 ? "uphill both ways, close to the point"
      : c < 0 ? "downhill both ways, close to the point"
      : "curvature says nothing here: look at the orange line";
    const [low, high] = land.eigenvalues;
    return `Eigenvalues ${show(low)} and ${show(high)}; direction ${state.text.angle}: `
      + `curvature ${show(c)}, ${verdict}.`;
  };
});
