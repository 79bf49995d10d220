// Small gray pictures in rows of three and, where networks were asked, two bars for each class.

const GAP = 8, WHITE = 15;

/** Levels of gray as a picture of one pixel per number. */
function gray(levels, side) {
  const canvas = make("canvas", { width: side, height: side }), context = canvas.getContext("2d");
  const picture = context.createImageData(side, side);
  levels.forEach((level, i) => {
    const value = level * (255 / WHITE);
    picture.data.set([value, value, value, 255], 4 * i);
  });
  context.putImageData(picture, 0, 0);
  return canvas.toDataURL();
}

function addSheet(stage) {
  const [count, side] = stage.spec.layout.pictures.arrays.images[0];
  const columns = Math.min(3, count), size = columns > 1 ? 110 : 250;
  const images = Array.from({ length: count }, (_, i) => svg("image", {
    x: (i % columns) * (size + GAP), y: Math.floor(i / columns) * (size + GAP),
    width: size, height: size, style: "image-rendering:pixelated" }));
  const [width, height] = [columns, Math.ceil(count / columns)].map((n) => n * (size + GAP) - GAP);
  const sheet = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": "Pictures", style: `max-width:${width}px` }, ...images);
  stage.put({ element: make("div", { class: "ex-panel" }, sheet) });
  return (levels) => images.forEach((image, i) => {
    image.setAttribute("href", gray(levels.slice(i * side * side, (i + 1) * side * side), side));
  });
}

function addBars(stage) {
  const { networks: [networks], classes: [classes] } = stage.spec.layout.words.texts;
  const inks = ["blue", "orange"];
  const names = classes.map((name, c) =>
    svg("text", { x: 86, y: 43 + 24 * c, "text-anchor": "end" }, name));
  const bars = inks.map((color, i) => classes.map((_, c) =>
    svg("rect", { x: 92, y: 30 + 24 * c + 9 * i, height: 8, fill: ink(color) })));
  const title = "How likely is each class?";
  const chart = svg("svg", { viewBox: "0 0 340 274", role: "img", "aria-label": title,
    style: "max-width:425px" }, svg("text", { x: 0, y: 14, class: "ex-title" }, title),
    ...names, ...bars.flat());
  const legend = make("div", { class: "ex-legend" }, ...networks.map((name, i) =>
    make("span", {}, swatch(inks[i], ""), name)));
  stage.put({ element: make("div", { class: "ex-panel" }, chart, legend) });
  return ({ p, truth: [truth] }) => {
    const says = networks.map((network, i) => {
      const shares = p.slice(i * classes.length, (i + 1) * classes.length);
      bars[i].forEach((bar, c) => bar.setAttribute("width", (240 * shares[c] + 1).toFixed(1)));
      const best = shares.indexOf(Math.max(...shares));
      return `${network} says ${classes[best]} (${Math.round(100 * shares[best])} %)`;
    });
    return `This is class ${classes[truth]}: ${says.join(", ")}.`;
  };
}

export default explorable((stage) => {
  const draw = addSheet(stage), judge = stage.spec.layout.answers && addBars(stage);
  return (state, { pictures, answers }) => {
    draw(pictures.images);
    return judge ? judge(answers)
      : `Six draws of ${state.text.change} from one image, at strength ${state.text.strength} of 6.`;
  };
});
