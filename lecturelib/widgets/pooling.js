// The image with a marked window, what pooling makes of it, and where the gradient goes.

export default explorable((stage) => {
  const image = stage.cells({ title: "Image", size: 28 });
  const pooled = stage.cells({ title: "Pooled", size: 28 });
  const gradient = stage.cells({ title: "Gradient of each pixel", size: 28, digits: 2 });
  pooled.picked = (index) => stage.move("place", index);
  const side = 8;

  return ({ size, stride, shift, at }, { picture, pooled: { response, routed, counts } }) => {
    const [rows, changed] = counts, count = rows * rows;
    stage.limit("place", count - 1);
    const place = Math.min(at.place, count - 1);
    const row = Math.floor(place / rows), col = place % rows, reach = stride * (rows - 1) + size;

    const marked = new Set(), faint = new Set();  // faint: in no window
    for (let i = 0; i < side * side; i++) {
      const y = Math.floor(i / side), x = i % side, down = y - stride * row, right = x - stride * col;
      if (down >= 0 && down < size && right >= 0 && right < size) marked.add(i);
      if (y >= reach || x >= reach || y % stride >= size || x % stride >= size) faint.add(i);
    }
    image.set(picture.image, side, side, { strength: 9, marked, faint });
    pooled.set(response.subarray(0, count), rows, rows,
      { strength: 9, marked: new Set([place]), title: `Pooled, ${rows} × ${rows}` });
    const hundredths = routed.map((v) => Math.round(100 * v) / 100);  // more digits do not fit
    gradient.set(hundredths, side, side, { strength: Math.max(...routed), marked, faint });
    const unseen = faint.size ? ` ${faint.size} pixels lie in no window.` : "";
    const moved = shift ? ` The shift by ${shift} has changed ${changed} of the `
      + `${count} outputs.` : "";
    return `Row ${row + 1}, column ${col + 1} of the result: ${show(response[place])}.`
      + moved + unseen;
  };
});
