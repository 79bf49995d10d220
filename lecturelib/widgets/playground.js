// What the network says of each place, the points it learns, and the loss on the way.

const SIDES = [[213, 94, 0], [0, 114, 178]];  // of class 0, of class 1

/** One pixel per place, as opaque as the network is sure: the browser blends them. */
function paint(confidence, side) {
  const canvas = make("canvas", { width: side, height: side }), context = canvas.getContext("2d");
  const picture = context.createImageData(side, side);
  confidence.forEach((c, i) => {
    const row = side - 1 - Math.floor(i / side), pixel = 4 * (row * side + (i % side));
    picture.data.set([...SIDES[Number(c > 0)], 150 * Math.abs(c)], pixel);
  });
  context.putImageData(picture, 0, 0);
  return canvas.toDataURL();
}

export default explorable((stage) => {
  const plane = stage.plot({ title: "What the network says of each place", width: 320, height: 332,
    x: { label: "x₁", range: [-1.5, 1.5] }, y: { range: [-1.5, 1.5] } });
  const image = plane.add("image", { x: plane.x.from, y: plane.y.to, class: "ex-heat",
    width: plane.x.to - plane.x.from, height: plane.y.from - plane.y.to,
    preserveAspectRatio: "none" });
  const classes = ["orange", "blue"].map((color) => plane.dots({ color, size: 5 }));
  const loss = stage.plot({ title: "Loss", x: { label: "step", range: [0, 800] },
    y: { range: [0, 0.8] } });
  const line = loss.line(), now = loss.dots({ color: "ink", size: 9 });
  const steps = Float64Array.from(stage.spec.controls.find((c) => c.name === "step").values);

  return (state, { data_points: points, surface, run }) => {
    const side = Math.sqrt(surface.confidence.length), last = state.at.step;
    image.setAttribute("href", paint(surface.confidence, side));
    const half = points.x.length / 2;
    classes.forEach((dots, c) => dots.set(points.x.slice(c * half, (c + 1) * half),
      points.y.slice(c * half, (c + 1) * half)));
    line.set(steps, run.loss, last + 1);
    now.set([steps[last]], [run.loss[last]]);
    return `After ${state.text.step} steps: loss ${show(run.loss[last])}, `
      + `${show(100 * run.right[last])} % of the points on the right side.`;
  };
});
