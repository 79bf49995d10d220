// The image with its padding and the window on it; kernel, products, sum; the whole response.

export default explorable((stage) => {
  const image = stage.cells({ title: "Image" });
  const middle = { element: make("div", { class: "ex-panel ex-cells ex-stack" }) };
  stage.put(middle);
  const inside = (title) => {
    const cells = new Cells({ title, size: 40 });
    middle.element.append(cells.svg);
    return cells;
  };
  const kernel = inside("Kernel"), products = inside("Window × kernel");
  const response = stage.cells({ title: "Response", size: 28, digits: 2 });
  response.picked = (index) => stage.move("place", index);

  return (state, { picture, weights: chosen, windows }) => {
    const { stride, padding, dilation } = state, side = 10, padded = side + 2 * padding;
    const cols = Math.round(windows.size[1]), count = cols * cols;
    const own = state.kernel === "own";
    const weights = own ? state.own : chosen.w;
    stage.controls.own.element.hidden = !own;
    stage.limit("place", count - 1);
    const place = Math.min(state.at.place, count - 1);
    const row = Math.floor(place / cols), col = place % cols;

    const pixels = new Float64Array(padded * padded), faint = new Set();
    for (let i = 0; i < pixels.length; i++) {
      const y = Math.floor(i / padded) - padding, x = (i % padded) - padding;
      const border = y < 0 || x < 0 || y >= side || x >= side;
      pixels[i] = border ? 0 : picture.image[y * side + x];
      if (border) faint.add(i);
    }
    const marked = new Set(Array.from({ length: 9 }, (_, k) =>
      (row * stride + Math.floor(k / 3) * dilation) * padded + col * stride + (k % 3) * dilation));
    image.set(pixels, padded, padded, { strength: 9, marked, faint,
      title: padding ? `Image with ${padding} of padding` : "Image" });

    // A response is the sum of a window's numbers times the kernel's: what unfold is for.
    const all = windows.columns.length / 9;
    const sums = new Float64Array(count), terms = new Float64Array(9);
    for (let n = 0; n < count; n++) {
      for (let k = 0; k < 9; k++) sums[n] += weights[k] * windows.columns[k * all + n];
    }
    for (let k = 0; k < 9; k++) terms[k] = weights[k] * windows.columns[k * all + place];
    const largest = (values) => values.reduce((a, v) => Math.max(a, Math.abs(v)), 1);
    kernel.set(weights, 3, 3, { strength: largest(weights) });
    products.set(terms, 3, 3, { strength: 9 * largest(weights) });
    response.set(sums, cols, cols, { strength: largest(sums), marked: new Set([place]) });
    return `Window in row ${row + 1}, column ${col + 1} of ${cols} × ${cols}: the nine products `
      + `sum to ${show(sums[place])}.`;
  };
});
