// Tools: the index box, the profile along a line, the scatter with its brush, the next largest.
"use strict";

const APART = 6;  // pixels between two places that "next largest" pins
const CELLS = 128;  // of the scatter, along each side

class Tools {
  constructor(viewer) {
    this.viewer = viewer;
    this.model = (name) => viewer.documents.get_model_by_name(name);
  }

  tab(name) {
    for (const button of document.querySelectorAll("[data-tab]"))
      button.setAttribute("aria-selected", String(button.dataset.tab === name));
    for (const panel of document.querySelectorAll("[data-panel]")) panel.hidden = panel.dataset.panel !== name;
    this.open = name;
    if (name === "profile") this.profile();
    if (name === "scatter") this.scatter();
  }

  // A formula from the box; what cannot be read is said, and the old one stays.
  formula(source) {
    const { state } = this.viewer, said = $("formula-said");
    try {
      state.formula = new Formula(source);
    } catch (error) {
      said.textContent = error.message;
      said.className = "wrong";
      return;
    }
    $("formula").value = source;
    const lacks = this.viewer.data.sources.filter((s) => this.viewer.data.has(s.key) && s.key !== "sigma_t2")
      .map((s) => [s.label, state.formula.bands(this.viewer.data, s.key).lacks]).filter(([, l]) => l);
    said.className = "";
    said.textContent = lacks.length ? `not of ${lacks.map(([label, l]) => `${label} (${l})`).join("; ")}` : "of every image";
    this.viewer.redraw();
    this.viewer.panel.table(this.viewer.items);
    if (this.open === "profile") this.profile();
  }

  // Pin the next largest value of a map that lies apart from the places pinned before.
  next(name) {
    const { viewer } = this, { data, state } = viewer, { a, b, measure } = state.change;
    const values = { change: () => data.map(measure, a, b), error: () => data.map("magnitude", "hrhs_t2", "truth_t2"),
      sigma: () => viewer.images.sigma(data.look) }[name]();
    const taken = viewer.items.map((item) => item.centre);
    let best = -1;
    for (let i = 0; i < values.length; i++) {
      if (!Number.isFinite(values[i]) || (best >= 0 && values[i] <= values[best])) continue;
      const [y, x] = data.look.place(i);
      if (taken.every(([v, u]) => Math.hypot(v - y, u - x) >= APART * data.look.step)) best = i;
    }
    if (best < 0) return;
    const unit = name === "change" && measure === "angle" ? [1, "°"] : [3, ""];
    viewer.pin(...data.look.place(best).map((v) => Math.round(v)));
    viewer.items.at(-1).name = `${name} ${values[best].toFixed(unit[0])}${unit[1]}`;
    viewer.panel.table(viewer.items);
    viewer.tell();
  }

  // Pixels from one end of the line to the other, one a pixel of its length.
  onLine() {
    const { line } = this.viewer.state, { look } = this.viewer.data;
    if (!line) return [];
    const [[y0, x0], [y1, x1]] = line, steps = Math.max(1, Math.round(Math.hypot(y1 - y0, x1 - x0) / look.step));
    return Array.from({ length: steps + 1 }, (_, k) => {
      const share = k / steps, y = y0 + share * (y1 - y0), x = x0 + share * (x1 - x0);
      return { y, x, at: look.at(Math.round(y), Math.round(x)), far: share * Math.hypot(y1 - y0, x1 - x0) };
    }).filter(({ at }) => at >= 0);
  }
  // Values of one source along the line: the band of the slider, or the index; null without one.
  along(key, places) {
    const { data, state } = this.viewer, band = data.nearest(key, state.nm);
    const image = $("along").value === "index" ? data.index(state.formula, [key])
      : band === null ? null : data.channel(key, band);
    return image && places.map(({ at }) => image[at]);
  }
  profile() {
    const { data, state } = this.viewer, places = this.onLine(), metres = data.metres;
    const drawn = { xs: [], ys: [], colour: [], dash: [], width: [] };
    this.profiles = {};
    for (const source of places.length ? data.sources : []) {
      if (source.key === "sigma_t2" || !data.has(source.key) || state.hidden.has(source.key)) continue;
      const values = this.along(source.key, places);
      if (!values) continue;
      this.profiles[source.key] = values;
      drawn.xs.push(places.map(({ far }) => far * (metres ?? 1)));
      drawn.ys.push(values);
      drawn.colour.push(source.colour);
      drawn.dash.push(source.line === "none" ? "dotdash" : DASH[source.line]);
      drawn.width.push(source.line === "none" ? 1 : WIDTH[source.line]);
    }
    this.model("profile").data = drawn;
    const ends = state.line ? [state.line] : [];
    this.viewer.images.lines("line", ends.map((two) => two.map(([, x]) => x)), ends.map((two) => two.map(([y]) => y)));
    const plot = this.model("chart-profile"), all = drawn.ys.flat().filter(Number.isFinite);
    const [low, high] = [all.reduce((a, b) => Math.min(a, b), Infinity), all.reduce((a, b) => Math.max(a, b), -Infinity)];
    if (all.length) {
      plot.y_range.setv({ start: low - 0.05 * (high - low || 1), end: high + 0.05 * (high - low || 1) });
      plot.x_range.setv({ start: 0, end: drawn.xs[0].at(-1) || 1 });
    }
    plot.below[0].axis_label = metres ? "distance (m)" : "distance (pixels)";
    const what = $("along").value === "index" ? state.formula.source : `reflectance at ${state.nm} nm`;
    plot.left[0].axis_label = $("along").value === "index" ? "index" : "reflectance";
    $("line-said").textContent = places.length ? `${what}, colours as in the legend above`
      : "choose “line” above and drag over an image";
  }

  drag(phase, x, y) {  // the line of the profile, by the mouse
    const { viewer } = this, { state } = viewer, at = state.mode === "line" && viewer.pixelAt(x, y);
    if (!at) return;
    if (phase === "panstart") state.line = [at, at];
    else if (state.line) state.line = [state.line[0], at];
    viewer.soon("profile", () => (this.open === "profile" ? this.profile() : this.tab("profile")));
  }
  alongLine(x) {  // the pixel of the line at a distance, marked in the images
    const { viewer } = this, { data } = viewer, places = this.onLine(), away = ({ far }) => Math.abs(far * (data.metres ?? 1) - x);
    if (!places.length) return;
    const near = places.reduce((a, b) => (away(b) < away(a) ? b : a)), k = places.indexOf(near);
    viewer.soon("hover", () => {
      viewer.images.point(viewer.frame(Math.round(near.y), Math.round(near.x)));
      $("pointer").textContent = `y ${near.y.toFixed(0)}, x ${near.x.toFixed(0)} · ${Object.entries(this.profiles)
        .map(([key, values]) => `${short(data.by[key].label)} ${fixed(values[k], 3)}`).join(" · ")}`;
    });
  }

  // How many pixels have which pair of values.
  scatter() {
    const { data } = this.viewer, key = $("scatter-of").value, axes = ["x", "y"];
    const said = $("brushed");
    try {
      const pair = axes.map((axis) => new Formula($(`scatter-${axis}`).value));
      const lacks = pair.map((f) => f.bands(data, key).lacks).find(Boolean);
      if (lacks) throw new Error(`${data.by[key].label}: ${lacks}`);
      this.pair = pair.map((f) => data.index(f, [key]));
    } catch (error) {
      said.textContent = error.message;
      said.className = "wrong";
      return;
    }
    said.className = "";
    if (!data.look.brushed) said.textContent = "drag a box here: its pixels light up in the images";
    const ranges = this.pair.map((values) => math.percentile(values, 0.001, 0.999));
    const spans = ranges.map(([low, high]) => (high > low ? high - low : 1));
    const counts = new Float32Array(CELLS * CELLS), [x, y] = this.pair;
    for (let i = 0; i < x.length; i++) {
      const c = Math.floor((x[i] - ranges[0][0]) / spans[0] * CELLS), r = Math.floor((y[i] - ranges[1][0]) / spans[1] * CELLS);
      if (c >= 0 && c < CELLS && r >= 0 && r < CELLS) counts[r * CELLS + c]++;
    }
    const top = Math.log1p(counts.reduce((a, b) => Math.max(a, b), 1)), image = new Uint32Array(CELLS * CELLS);
    counts.forEach((n, i) => { image[i] = n ? data.table[Math.round(255 * Math.log1p(n) / top)] : 0; });
    const plot = this.model("chart-scatter"), old = this.model("scatter").data.image[0];
    axes.forEach((axis, k) => {
      plot[`${axis}_range`].setv({ start: ranges[k][0], end: ranges[k][0] + spans[k] });
      (k ? plot.left : plot.below)[0].axis_label = $(`scatter-${axis}`).value;
    });
    this.model("scatter").data = { image: [new old.constructor(image, [CELLS, CELLS])],
      x: [ranges[0][0]], y: [ranges[1][0]], dw: [spans[0]], dh: [spans[1]] };
  }
  brush({ x0, x1, y0, y1 }, final) {
    if (!final || !this.pair) return;
    const { data } = this.viewer, [x, y] = this.pair, [left, right, low, high] = [Math.min(x0, x1), Math.max(x0, x1), Math.min(y0, y1), Math.max(y0, y1)];
    const inside = Uint8Array.from(x, (v, i) => v >= left && v <= right && y[i] >= low && y[i] <= high);
    data.look.brushed = inside;
    const n = inside.reduce((a, b) => a + b), changed = data.look.change && inside.reduce((a, v, i) => a + (v && data.look.change[i] !== 0), 0);
    $("brushed").textContent = `brushed: ${n} pixels (${(100 * n / x.length).toFixed(1)} %)${
      data.look.change && n ? `, ${(100 * changed / n).toFixed(0)} % of them truly changed` : ""}`;
    this.viewer.redraw();
  }
  unbrush() {
    this.viewer.data.look.brushed = null;
    this.scatter();
    this.viewer.redraw();
  }

  // The other of the two images of the first pane; playing, one after the other.
  blink() {
    const { state } = this.viewer;
    if (!state.swipe.key) $("swipe").value = state.swipe.key = state.panes[1] === state.panes[0] ? "" : state.panes[1];
    state.swipe.share = state.swipe.share >= 1 ? 0 : 1;
    $("share").value = 100 * state.swipe.share;
    this.viewer.redraw();
  }
  play() {
    clearInterval(this.playing);
    this.playing = this.playing ? null : setInterval(() => this.blink(), 700);
    $("play").setAttribute("aria-pressed", String(Boolean(this.playing)));
  }
}
