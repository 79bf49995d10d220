// The front-end that all explorables share. A widget's own script follows this text in the same
// module and ends with   export default explorable((stage) => (state, frames) => "a sentence");
// The outer function builds panels once; the inner one draws a state and describes it in words.
// Everything here is drawing: the numbers are lecturelib's, from the table or from the kernel.

const NS = "http://www.w3.org/2000/svg";
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const make = (tag, attributes = {}, ...children) =>
  build(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  build(document.createElementNS(NS, tag), attributes, children);
/** 0, 1, 2, … as numbers of a plot, or what `at` makes of them. */
const series = (length, at = (i) => i) => Float64Array.from({ length }, (_, i) => at(i));
const ink = (color) => (color === "ink" ? "currentColor" : `var(--ex-${color})`);

/** A number as people write it: three digits, a real minus sign. */
function show(value, digits = 3) {
  if (Number.isNaN(value)) return "–";
  if (Math.abs(value) < 1e-12) return "0";
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-3 ? power(value) : String(+value.toPrecision(digits));
  return text.replaceAll("-", "−");
}

/** m·10ⁿ with the exponent raised; `decade` leaves out the factor. */
function power(value) {
  const [factor, exponent] = value.toExponential(1).split("e");
  return `${+factor}·${decade(+exponent)}`;
}
function decade(exponent) {
  const raised = { "-": "⁻", ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].map((c, i) => [i, c])) };
  return "10" + [...String(exponent)].map((c) => raised[c]).join("");
}

// ---- The table of frames: the counterpart of frames.py ----------------------------------------

const MISSING = 16383;  // nan, in frames.py

async function inflate(data) {
  const bytes = data instanceof DataView
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : data;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new DataView(await new Response(stream).arrayBuffer());
}

class Table {
  constructor(spec, view) {
    this.layout = spec.layout;
    this.view = view;
    this.controls = Object.fromEntries(spec.controls.map((c) => [c.name, c]));
    this.known = new Map();
  }

  /** The place of a part's frame, in frames: not whole where the page must interpolate. */
  place(part, positions) {
    return this.layout[part].over.map((name) => positions[name] / this.controls[name].every);
  }

  /** The frame at a place: {name: array or text}; between frames a mixture of both sides. */
  frame(part, place) {
    const loose = place.findIndex((p) => !Number.isInteger(p));
    if (loose < 0) return this.read(part, place);
    const side = (round) => this.frame(part, place.map((p, i) => (i === loose ? round(p) : p)));
    return mix(side(Math.floor), side(Math.ceil), place[loose] % 1);
  }

  read(part, place) {
    const { sizes, arrays, texts } = this.layout[part];
    const index = place.reduce((sum, p, axis) => sum * sizes[axis] + p, 0);
    const key = `${part} ${index}`;
    if (this.known.has(key)) return this.known.get(key);
    const count = sizes.reduce((a, b) => a * b, 1), frame = {};
    for (const [name, [shape, offset]] of Object.entries(arrays)) {
      const size = shape.reduce((a, b) => a * b, 1);
      const low = this.view.getFloat32(offset + 8 * index, true);
      const step = this.view.getFloat32(offset + 8 * index + 4, true);
      const start = offset + 8 * count + size * index;
      let q = 0;
      frame[name] = series(size, (i) => {
        const z = 256 * this.view.getUint8(start + i) + this.view.getUint8(start + size * count + i);
        q += z % 2 ? -(z + 1) / 2 : z / 2;
        return q === MISSING ? NaN : low + step * q;
      });
    }
    for (const [name, column] of Object.entries(texts)) frame[name] = column[index];
    this.known.set(key, frame);
    return frame;
  }
}

function mix(below, above, weight) {
  const frame = {};
  for (const [name, value] of Object.entries(below)) {
    frame[name] = value instanceof Float64Array
      ? value.map((v, i) => v + weight * (above[name][i] - v))
      : (weight < 0.5 ? below : above)[name];
  }
  return frame;
}

// ---- Controls: the browser's own, so that keyboard and screen reader work ---------------------

function makeControl(spec, move) {
  const name = make("span", { class: "ex-name" }, spec.label);
  if (spec.kind === "check") {
    const input = make("input", { type: "checkbox" });
    input.addEventListener("change", () => move(Number(input.checked)));
    const element = make("label", { class: "ex-check" }, input, name);
    return { element, name, show: (p) => { input.checked = Boolean(p); } };
  }
  if (spec.kind === "choice") {
    const options = spec.texts.map((text, i) => make("option", { value: i }, text));
    const input = make("select", {}, ...options);
    input.addEventListener("change", () => move(input.selectedIndex));
    const element = make("label", { class: "ex-choice" }, name, input);
    return { element, name, show: (p) => { input.selectedIndex = p; } };
  }
  return spec.kind === "slider" ? makeSlider(spec, name, move) : makeNumbers(spec, move);
}

function makeSlider(spec, name, move) {
  const last = spec.values.length - 1;
  const input = make("input", { type: "range", min: 0, max: last, step: 1 });
  const output = make("output", { "aria-hidden": "true" });
  output.style.minWidth = `${Math.max(...spec.texts.map((t) => t.length))}ch`;
  const label = make("label", { class: "ex-slider" }, name, input, output);
  const control = {
    name, element: label, stop() {},
    show(p) {
      const reached = Math.min(p, input.max);
      input.value = reached;
      input.setAttribute("aria-valuetext", output.textContent = spec.texts[reached]);
    },
    limit(max, p) { input.max = max; control.show(p); },
  };
  input.addEventListener("input", () => { control.stop(); move(Number(input.value)); });
  if (spec.play) addPlayer(spec, control, input, move);
  return control;
}

/** A button that runs through the slider; where motion is unwelcome, it makes one step. */
function addPlayer(spec, control, input, move) {
  const button = make("button", { type: "button", class: "ex-play" });
  const label = (running) => {
    const word = running ? "Pause" : calm() ? "Step" : "Play";
    button.textContent = { Play: "▶", Pause: "❚❚", Step: "❯" }[word] + " " + word;
    control.element.dispatchEvent(new CustomEvent("ex-playing", { bubbles: true, detail: running }));
  };
  let request = 0;
  control.stop = () => {
    if (request) { cancelAnimationFrame(request); request = 0; label(false); }
  };
  button.addEventListener("click", () => {
    if (request) return control.stop();
    const last = Number(input.max), from = Number(input.value) >= last ? 0 : Number(input.value);
    if (calm()) return move(Number(input.value) >= last ? 0 : from + 1);
    const begin = performance.now() - (from / last) * spec.play * 1000;
    const tick = (now) => {
      const p = Math.max(from, Math.floor(((now - begin) / 1000 / spec.play) * last));
      if (p !== Number(input.value)) move(Math.min(p, last));
      if (p >= last) control.stop(); else request = requestAnimationFrame(tick);
    };
    label(true);
    request = requestAnimationFrame(tick);
  });
  label(false);
  control.element = make("div", { class: "ex-player" }, button, control.element);
}

function makeNumbers(spec, move) {
  const inputs = spec.values.map((_, i) => make("input",
    { type: "number", step: "any", "aria-label": `${spec.label}, number ${i + 1}` }));
  const side = Math.ceil(Math.sqrt(inputs.length));
  const grid = make("div", { class: "ex-numbers" }, ...inputs);
  grid.style.gridTemplateColumns = `repeat(${side}, 4rem)`;
  grid.addEventListener("input", () => {
    const typed = inputs.map((input) => input.valueAsNumber);
    if (typed.every(Number.isFinite)) move(typed);  // not while a number is half typed
  });
  const element = make("fieldset", { class: "ex-grid" }, make("legend", {}, spec.label), grid);
  const show = (p) => inputs.forEach((input, i) => {
    if (input.valueAsNumber !== p[i]) input.value = p[i];
  });
  return { element, show };
}

// ---- Panels -----------------------------------------------------------------------------------

/** Axes with a title; what is drawn in them is clipped to them. `decades` marks log10 data. */
class Plot {
  constructor({ title, x = {}, y = {}, width = 340, height = 250 }) {
    this.x = { ...x, from: 46, to: width - 10 };
    this.y = { ...y, from: height - 40, to: 28 };
    this.grid = svg("g", { class: "ex-axes" });
    const box = { x: 41, y: 23, width: width - 46, height: height - 58 };  // room for dots
    this.inner = svg("svg", { ...box, viewBox: Object.values(box).join(" "), overflow: "hidden" });
    const label = svg("text", { x: (36 + width) / 2, y: height - 5, "text-anchor": "middle" },
      x.label ?? "");
    this.svg = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title },
      svg("text", { x: 0, y: 14, class: "ex-title" }, title), this.grid, this.inner, label);
    this.svg.style.maxWidth = `${width * 1.25}px`;
    this.legend = make("div", { class: "ex-legend" });
    this.element = make("div", { class: "ex-panel" }, this.svg, this.legend);
    this.axes({});
  }

  /** Other ranges, {x: [low, high], y: [low, high]}: what is drawn must be set again. */
  axes(ranges) {
    for (const name of ["x", "y"]) this[name].range = ranges[name] ?? this[name].range ?? [0, 1];
    const key = JSON.stringify([this.x.range, this.y.range]);
    if (key === this.drawn) return;
    this.drawn = key;
    this.grid.replaceChildren();
    const { from: left, to: right } = this.x, { from: bottom, to: top } = this.y;
    for (const v of ticks(this.x)) {
      const x = this.px(v);
      this.grid.append(svg("line", { x1: x, x2: x, y1: bottom, y2: top }),
        svg("text", { x, y: bottom + 16, "text-anchor": "middle" }, tickText(this.x, v)));
    }
    for (const v of ticks(this.y)) {
      const y = this.py(v);
      this.grid.append(svg("line", { x1: left, x2: right, y1: y, y2: y }),
        svg("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, tickText(this.y, v)));
    }
    this.grid.append(svg("path", { d: `M${left} ${top}V${bottom}H${right}` }));
  }

  px(v) { return scale(this.x, v); }
  py(v) { return scale(this.y, v); }

  /** A line, with `label` in the legend; `set(xs, ys, count)` draws its first `count` points. */
  line({ color = "blue", width = 2, dash = "", label = "", opacity = 1 } = {}) {
    const path = this.add("path", { fill: "none", stroke: ink(color), "stroke-width": width,
      "stroke-dasharray": dash, "stroke-linejoin": "round", "stroke-linecap": "round", opacity });
    if (label) this.legend.append(make("span", {}, swatch(color, dash), label));
    return this.shape(path, (xs, ys, count = xs.length) => this.trace(xs, ys, count));
  }

  /** Dots, all one path: a segment without length under a round pen. */
  dots({ color = "blue", size = 6 } = {}) {
    const path = this.add("path", { stroke: ink(color), "stroke-width": size,
      "stroke-linecap": "round" });
    return this.shape(path, (xs, ys, count = xs.length) => {
      let d = "";
      for (let i = 0; i < count; i++) {
        if (Number.isFinite(xs[i]) && Number.isFinite(ys[i])) d += `M${this.at(xs[i], ys[i])}h0`;
      }
      return d;
    });
  }

  /** The area between a curve and y = 0. */
  area({ color = "gray", opacity = 0.25 } = {}) {
    const path = this.add("path", { fill: ink(color), opacity });
    return this.shape(path, (xs, ys) => {
      const ends = [this.at(xs.at(-1), 0), this.at(xs[0], 0)];
      return `${this.trace(xs, ys, xs.length)}L${ends[0]}L${ends[1]}Z`;
    });
  }

  /** Bars on y = 0, from edges[i] to edges[i + 1]. */
  bars({ color = "blue", opacity = 0.85 } = {}) {
    const path = this.add("path", { fill: ink(color), opacity });
    return this.shape(path, (edges, heights) => Array.from(heights, (h, i) =>
      !(h > 0) ? "" : `M${this.at(edges[i], 0)}L${this.at(edges[i], h)}`
        + `H${(this.px(edges[i + 1]) - 0.7).toFixed(1)}V${this.py(0).toFixed(1)}Z`).join(""));
  }

  /** A surface z (rows from the lowest y up) over the whole plot, in bands with contour lines. */
  heat(bands = 14) {
    const width = this.x.to - this.x.from, height = this.y.from - this.y.to;
    const image = this.add("image", { x: this.x.from, y: this.y.to, width, height,
      preserveAspectRatio: "none", class: "ex-heat" });
    return { set: (z, rows, cols) => {
      if (image.surface === z) return;
      image.surface = z;
      image.setAttribute("href", bandPicture(z, rows, cols, 1.5 * width, 1.5 * height, bands));
    } };
  }

  add(tag, attributes) {
    const element = svg(tag, attributes);
    this.inner.append(element);
    return element;
  }

  shape(path, draw) {
    return {
      set: (...data) => path.setAttribute("d", draw(...data)),
      clear: () => path.setAttribute("d", ""),
    };
  }

  at(x, y) { return `${this.px(x).toFixed(1)} ${this.py(y).toFixed(1)}`; }

  trace(xs, ys, count) {
    let d = "", pen = "M";
    for (let i = 0; i < count; i++) {
      if (Number.isFinite(xs[i]) && Number.isFinite(ys[i])) {
        d += pen + this.at(xs[i], ys[i]);
        pen = "L";
      } else pen = "M";  // nan: the pen is lifted
    }
    return d;
  }
}

function scale({ range: [low, high], from, to }, v) {
  const p = from + ((v - low) / (high - low)) * (to - from);
  return Math.max(-4e3, Math.min(4e3, p));  // far outside is far enough
}

/** About five round numbers in a range: whole exponents for decades. */
function ticks({ range: [low, high], decades, ticks: given }) {
  if (given) return given;
  const rough = (high - low) / 5, unit = 10 ** Math.floor(Math.log10(rough));
  let step = unit * [1, 2, 5, 10].find((m) => m * unit >= rough * 0.999);
  if (decades) step = Math.max(1, Math.ceil(rough));
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}
const tickText = ({ decades }, v) => (decades ? decade(Math.round(v)) : show(v));

function swatch(color, dash) {
  return svg("svg", { width: 26, height: 10, viewBox: "0 0 26 10", "aria-hidden": "true" },
    svg("line", { x1: 2, x2: 24, y1: 5, y2: 5, stroke: ink(color), "stroke-width": 3,
      "stroke-dasharray": dash }));
}

/** A picture of z in bands of equal height, a line between two bands, for an <image>. */
function bandPicture(z, rows, cols, width, height, bands) {
  const canvas = make("canvas", { width: Math.round(width), height: Math.round(height) });
  const context = canvas.getContext("2d"), { width: w, height: h } = canvas;
  const picture = context.createImageData(w, h), band = new Uint8Array(w * h);
  const low = z.reduce((a, b) => Math.min(a, b)), high = z.reduce((a, b) => Math.max(a, b));
  for (let j = 0; j < h; j++) {
    const v = ((h - 1 - j) / (h - 1)) * (rows - 1), r = Math.min(Math.floor(v), rows - 2);
    for (let i = 0; i < w; i++) {
      const u = (i / (w - 1)) * (cols - 1), c = Math.min(Math.floor(u), cols - 2);
      const k = r * cols + c, s = u - c, t = v - r;
      const value = (1 - t) * ((1 - s) * z[k] + s * z[k + 1])
        + t * ((1 - s) * z[k + cols] + s * z[k + cols + 1]);
      const n = j * w + i;
      band[n] = Math.min(bands - 1, Math.floor(((value - low) / (high - low)) * bands));
      const edge = (i && band[n] !== band[n - 1]) || (j && band[n] !== band[n - w]);
      picture.data[4 * n + 1] = 114;
      picture.data[4 * n + 2] = 178;
      picture.data[4 * n + 3] = (edge ? 60 : 12) + (band[n] / bands) * 130;
    }
  }
  context.putImageData(picture, 0, 0);
  return canvas.toDataURL();
}

/** A grid of cells with numbers, tinted: blue above zero, orange below. */
class Cells {
  constructor({ title, size = 21, digits = 3 }) {
    Object.assign(this, { size, digits, items: [], made: {}, shape: "" });
    this.heading = svg("text", { x: 0, y: 14, class: "ex-title" }, title);
    this.group = svg("g", { transform: "translate(1 24)" });
    this.svg = svg("svg", { role: "img", "aria-label": title }, this.heading, this.group);
    this.element = make("div", { class: "ex-panel ex-cells" }, this.svg);
    this.group.addEventListener("click", (event) => {
      const index = this.items.findIndex(({ rect }) => rect === event.target);
      if (index >= 0) this.picked?.(index);
    });
  }

  /** values by rows; strength: the value that gets the full tint; marked: indices in bold frames;
      title: another title. */
  set(values, rows, cols, { strength = 1, marked = new Set(), faint = new Set(), title } = {}) {
    if (title) this.heading.textContent = title;
    if (this.shape !== `${rows} ${cols}`) this.reshape(rows, cols);
    this.items.forEach((item, i) => {
      const v = values[i], tint = Math.min(1, Math.abs(v) / strength) * 0.6 || 0;
      const look = `${v} ${tint} ${marked.has(i)} ${faint.has(i)}`;
      if (item.look === look) return;  // most cells stay as they are
      item.look = look;
      item.rect.setAttribute("fill", ink(v < 0 ? "orange" : "blue"));
      item.rect.setAttribute("fill-opacity", tint.toFixed(3));
      item.rect.setAttribute("class", marked.has(i) ? "ex-marked" : "");
      item.text.textContent = Number.isNaN(v) ? "" : show(v, this.digits);
      item.text.setAttribute("opacity", faint.has(i) ? 0.45 : 1);
    });
  }

  /** Other numbers of rows and columns: a cell that was made for a place stays there. */
  reshape(rows, cols) {
    const s = this.size, width = Math.max(cols * s + 2, 120), height = rows * s + 28;
    this.shape = `${rows} ${cols}`;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("width", width);
    const places = Array.from({ length: rows * cols }, (_, i) => [Math.floor(i / cols), i % cols]);
    const items = places.map(([row, col]) => this.made[`${row} ${col}`] ??= this.cell(row, col));
    const kept = new Set(items);
    this.items.forEach((item) => kept.has(item) || item.group.remove());
    items.forEach(({ group }, i) => {
      const here = this.group.children[i] ?? null;
      if (here !== group) this.group.insertBefore(group, here);
    });
    this.items = items;
  }

  cell(row, col) {
    const s = this.size, x = col * s, y = row * s;
    const rect = svg("rect", { x, y, width: s, height: s });
    const text = svg("text", { x: x + s / 2, y: y + s / 2 + 4, "text-anchor": "middle" });
    return { group: svg("g", {}, rect, text), rect, text };
  }
}

// ---- The stage: controls, panels, a sentence; and where the numbers come from -----------------

class Stage {
  constructor(model, table) {
    this.model = model;
    this.table = table;
    this.spec = model.get("spec");
    this.controls = {};
    this.exact = {};  // part: {key, frame} as a kernel has computed it
    this.asked = {};
    const bar = make("div", { class: "ex-controls" });
    const checks = make("div", { class: "ex-checks" });
    for (const spec of this.spec.controls) {
      this.controls[spec.name] = makeControl(spec, (p) => this.move(spec.name, p));
      (spec.kind === "check" ? checks : bar).append(this.controls[spec.name].element);
    }
    if (checks.children.length) bar.append(checks);
    this.bar = bar;
    this.panels = make("div", { class: "ex-panels" });
    this.status = make("p", { class: "ex-status", "aria-live": "polite" });
    bar.addEventListener("ex-playing", (event) => {  // no flood of words while it runs
      this.status.setAttribute("aria-live", event.detail ? "off" : "polite");
    });
  }

  plot(options) { return this.put(new Plot(options)); }
  cells(options) { return this.put(new Cells(options)); }
  put(panel) { this.panels.append(panel.element); return panel; }

  /** A line in front of a control's name: the legend is where one switches. */
  key(name, color, dash = "") { this.controls[name].name.prepend(swatch(color, dash)); }

  move(name, position) {
    this.model.set("positions", { ...this.model.get("positions"), [name]: position });
    this.model.save_changes();
  }

  /** Let a slider run only to `last`, while other controls are as they are. */
  limit(name, last) { this.controls[name].limit(last, this.model.get("positions")[name]); }

  draw() {
    const positions = this.model.get("positions"), state = { at: positions, text: {} }, frames = {};
    for (const control of this.spec.controls) {
      const p = positions[control.name];
      this.controls[control.name].show(p);
      state[control.name] = control.kind === "numbers" ? p : control.values[p];
      state.text[control.name] = control.texts[p];
    }
    for (const part of Object.keys(this.table.layout)) {
      const place = this.table.place(part, positions), key = String(place);
      const loose = !place.every(Number.isInteger);
      if (loose && this.exact[part]?.key === key) frames[part] = this.exact[part].frame;
      else {
        frames[part] = this.table.frame(part, place);
        if (loose && this.model.send) this.ask(part, key, positions);
      }
    }
    const sentence = this.paint(state, frames);
    if (this.status.textContent !== sentence) this.status.textContent = sentence;
  }

  /** Ask the kernel for a frame between those of the table, one question at a time. */
  ask(part, key, positions) {
    if (this.asked[part]) return;
    this.asked[part] = true;
    this.model.send({ part, key, positions });
  }

  answer(message, buffers) {
    if (!message?.part) return;
    const frame = { ...message.texts };
    Object.keys(message.arrays).forEach((name, i) => {
      const { buffer, byteOffset, byteLength } = buffers[i];
      frame[name] = new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
    });
    this.exact[message.part] = { key: message.key, frame };
    this.asked[message.part] = false;
    this.draw();
  }
}

function explorable(setup) {
  async function start(model, body) {
    const spec = model.get("spec");
    const stage = new Stage(model, new Table(spec, await inflate(model.get("data"))));
    stage.paint = setup(stage);
    stage.draw();
    model.on("change:positions", () => stage.draw());
    model.on("msg:custom", (message, buffers) => stage.answer(message, buffers));
    body.replaceChildren(stage.bar, stage.panels, stage.status);
    followTheme(body);
  }

  /** In Jupyter, by anywidget: `model` is connected to the kernel. */
  async function render({ model, el }) {
    const spec = model.get("spec");
    const body = make("div", { class: "ex-body", role: "group", "aria-label": spec.alt });
    el.append(make("figure", { class: "explorable" }, body, make("figcaption", {}, spec.caption)));
    keepKeys(body);
    await start(model, body);
  }

  /** In a page without kernel: the still picture stays until all is ready to take its place. */
  async function mount(host, payload) {
    const still = host.querySelector(".ex-body"), body = still.cloneNode(false);
    body.setAttribute("role", "group");
    await start(pageModel(payload), body);
    still.replaceWith(body);
    host.dataset.ready = "";
  }
  return { render, mount };
}

/** What a widget needs of anywidget's model, for a page without a kernel. */
function pageModel({ spec, positions, data }) {
  const state = { spec, positions, data: Uint8Array.from(atob(data), (c) => c.charCodeAt(0)) };
  const listeners = {};
  return {
    get: (name) => state[name],
    set(name, value) {
      state[name] = value;
      listeners[`change:${name}`]?.forEach((listener) => listener());
    },
    on: (event, listener) => { (listeners[event] ??= []).push(listener); },
    save_changes() {},
  };
}

/** JupyterLab takes arrow keys and letters for its cells, unless the control in focus forbids it;
    with Ctrl or Shift they stay Lab's: save, run the cell. */
function keepKeys(body) {
  const keep = ({ target, ctrlKey, metaKey, shiftKey }) =>
    target.toggleAttribute("data-lm-suppress-shortcuts", !(ctrlKey || metaKey || shiftKey));
  for (const event of ["focusin", "keydown", "keyup"]) body.addEventListener(event, keep);
}

/** Dark inks where the text is light, whoever decides that: a theme, an editor, the system. */
function followTheme(body) {
  const look = () => {
    const [r, g, b] = getComputedStyle(body).color.match(/[\d.]+/g).map(Number);
    body.toggleAttribute("data-dark", 0.3 * r + 0.6 * g + 0.1 * b > 128);
  };
  const observer = new MutationObserver(look);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", look);
  requestAnimationFrame(look);
}
