// The path on the map with a contour of the method's own model, and the loss beside it.

export default explorable((stage) => {
  const plan = stage.plot({ title: "The path, and a contour of the model", height: 280,
    x: { range: [-2, 2] }, y: { range: [-1.2, 1.2] } });
  const heat = plan.heat(), critical = plan.dots({ color: "gray", size: 7 });
  const contour = plan.line({ color: "blue", dash: "6 4", label: "model as high as here" });
  const path = plan.line({ color: "orange", label: "path" });
  const places = plan.dots({ color: "orange" });
  const centre = plan.dots({ color: "blue", size: 9 });
  const plot = stage.plot({ title: "Loss", height: 280,
    x: { label: "step", range: [0, 6] }, y: { range: [0, 1.4] } });
  const loss = plot.line({ color: "orange" }), marks = plot.dots({ color: "orange" });
  const steps = series(7);

  return (state, { land, run, model }) => {
    heat.set(land.z, 41, 41);
    critical.set([-1, 0, 1], [0, 0, 0]);
    contour.set(model.contour.subarray(0, 49), model.contour.subarray(49));
    centre.set(model.centre.subarray(0, 1), model.centre.subarray(1));
    const shown = state.step + 1, x = run.path.subarray(0, 7), y = run.path.subarray(7);
    path.set(x, y, shown);
    places.set(x, y, shown);
    loss.set(steps, run.loss, shown);
    marks.set(steps, run.loss, shown);
    const [low, high] = model.curvatures;
    const verdict = low > 0 ? "it has a minimum"
      : high > 0 ? "it is a saddle, and its flat place no minimum"
      : "it is a hill, and its flat place the top";
    const height = Number.isFinite(run.loss[state.step])
      ? `loss ${show(run.loss[state.step])}` : "far outside";
    return `Step ${state.text.step}: ${height}. The model has curvatures ${show(low)} and `
      + `${show(high)}: ${verdict}.`;
  };
});
