// The viewer: its state, pins and regions, and the first picture.
"use strict";

const SETTLED = 400;  // ms after the last click until all curves lie on one canvas again

class Viewer {
  constructor(data, documents) {
    const { pinned, panes, change } = data.start;
    this.data = data;
    this.documents = documents;
    this.items = [];
    this.fresh = [];  // pins of the last moment, drawn on top of the others
    this.number = 0;
    this.state = {
      preset: "true colour", nm: 850, stretch: "shared", window: 1, mode: "pan", panes,
      swipe: { key: "", share: 0.5 }, hidden: new Set(), continuum: false, chosen: null, change,
      formula: new Formula(Object.values(INDICES)[0]), line: null,
    };
    const { x_range, y_range } = documents.get_model_by_name("pane0");
    this.ranges = [x_range, y_range];
    this.home = this.ranges.map(({ start, end }) => ({ start, end }));
    for (const range of this.ranges) range.change.connect(() => this.soon("moved", () => this.moved()));
    this.images = new Images(data, this.state, documents);
    this.curves = new Curves(data, this.state, documents);
    this.panel = new Panel(data, this.state, {
      toggle: (key) => this.toggle(key), choose: (item) => this.choose(item),
      mute: (item) => { item.visible = !item.visible; this.refresh(); },
      remove: (item) => this.remove(item), renamed: () => this.tell(),
    });
    this.readout = new Readout(this);
    this.room = new Room(documents);
    this.tools = new Tools(this);
    this.exchange = new Exchange(this);
    this.print = new Print(this);
    for (const id of ["title", "subtitle", "footer"]) $(id).textContent = data[id];
    this.panel.legend();
    controls(this);
    keys(this);
    this.mode("pan");
    this.tools.tab("pins");
    this.room.fit();
    addEventListener("resize", () => this.soon("room", () => this.room.fit()));
    this.redraw();
    if (data.outlines) this.exchange.outlines(data.outlines);
    for (const [y, x] of pinned) this.pin(y, x);
    if (!pinned.length) this.refresh();
  }

  // At most once a frame, with the last state.
  soon(name, act) {
    this.waiting ??= new Set();
    if (this.waiting.has(name)) return;
    this.waiting.add(name);
    requestAnimationFrame(() => { this.waiting.delete(name); act(); });
  }

  mode(name) {
    this.state.mode = name;
    for (const button of document.querySelectorAll("[data-mode]"))
      button.classList.toggle("on", button.dataset.mode === name);
    for (let i = 0; i < this.state.panes.length; i++)
      for (const tool of this.documents.get_model_by_name(`pane${i}`).toolbar.tools)
        if (["pan", "box", "lasso"].includes(tool.name)) tool.active = tool.name === name;
  }
  reset() { this.ranges.forEach((range, i) => range.setv(this.home[i])); }

  // Rows and columns in view, first and behind last, with a margin for the next move.
  view(margin = 0) {
    const [xs, ys] = this.ranges, [height, width] = this.data.size;
    const edges = ({ start, end }, size) => {
      const low = Math.min(start, end) + 0.5, high = Math.max(start, end) + 0.5, more = margin * (high - low);
      const first = Math.max(0, Math.min(size - 1, Math.floor(low - more)));
      return [first, Math.max(first + 1, Math.min(size, Math.ceil(high + more)))];
    };
    const [[top, low], [left, right]] = [edges(ys, height), edges(xs, width)];
    return [top, left, low, right];
  }
  // Of a scene too large for the page: what it holds when the view leaves a look, then a closer one.
  moved() {
    const { data } = this;
    if (data.exact || !ask) return;
    if (!data.look.holds(this.view())) this.show(data.whole);
    clearTimeout(this.later);
    this.later = setTimeout(() => this.closer(), 150);
  }
  async closer() {
    const { data } = this, [top, left, low, right] = this.view(0.1);
    let step = 1;
    while (Math.floor((low - top) / step) * Math.floor((right - left) / step) > data.most) step *= 2;
    if (step >= data.whole.step) { this.show(data.whole); return; }
    if (data.look.holds(this.view()) && data.look.step <= step) return;
    const began = performance.now(), found = await ask({ part: [[top, left], [low, right]] });
    if (!found.look) return;
    const look = new Look(found.look, await openBlob(found.blob));
    if (look.holds(this.view())) this.show(look);
    this.looked = performance.now() - began;
  }
  show(look) {
    if (this.data.look === look) return;
    this.data.look = look;
    this.redraw();
    this.panel.change();
  }

  pixelAt(x, y) {
    const row = Math.round(y) + 0, column = Math.round(x) + 0, [height, width] = this.data.size;
    return row >= 0 && row < height && column >= 0 && column < width ? [row, column] : null;
  }
  frame(row, column) {  // corners of the window around a pixel, cut at the border
    const half = this.state.window / 2, [height, width] = this.data.size;
    const [left, right] = [Math.max(column - half, -0.5), Math.min(column + half, width - 0.5)];
    const [top, low] = [Math.max(row - half, -0.5), Math.min(row + half, height - 0.5)];
    return { x: [left, right, right, left, left], y: [top, top, low, low, top] };
  }

  hover(x, y, pane = 0) {
    this.pointer = this.pixelAt(x, y);
    this.pane = pane;
    this.soon("hover", () => this.follow());
  }
  over(chart, x, y) { this.soon("over", () => { $("pointer").textContent = this.readout.ofChart(chart, x, y); }); }
  // The band nearest to a wavelength, as the images.
  showBand(nm) {
    const { centre } = this.data.sensors.hs, band = centre.reduce((a, b) => (Math.abs(b - nm) < Math.abs(a - nm) ? b : a));
    this.band(Math.round(band));
  }
  band(nm) {
    this.state.nm = nm;
    $("nm").value = $("nm-number").value = nm;
    $("preset").value = this.state.preset = "single band";
    this.soon("redraw", () => { this.redraw(); if (this.tools.open === "profile") this.tools.profile(); });
  }
  leave() { this.pointer = null; this.soon("hover", () => this.follow()); }
  follow() {
    const at = this.pointer;
    this.images.point(at && this.frame(...at));
    this.live = at && this.curves.spectraOf(this.data.look.window(...at, this.state.window));
    $("pointer").textContent = at ? this.say(at) + this.readout.ofImage(this.pane ?? 0, at) : "move over an image, click to drop a pin";
    if (at && this.pinned === String(at)) this.live = null;  // its curves are already there
    else this.pinned = null;
    this.curves.onTop(this.fresh, this.live);
    if (this.live) this.precisely(at);
  }
  // The spectra themselves for the pixel under the pointer, where the page holds means only.
  async precisely(at) {
    if (this.data.exact || !ask || this.asking) return;
    this.asking = true;
    const found = await this.fromFile({ centre: at, window: this.state.window });
    this.asking = false;
    if (!this.live || !this.pointer) return;
    if (String(this.pointer) !== String(at)) { this.precisely(this.pointer); return; }
    if (!found.spectra) return;
    this.live = found.spectra;
    this.curves.onTop(this.fresh, this.live);
  }
  async fromFile(pin) {
    const found = await ask({ spectra: pin });
    const numbers = (list) => Float64Array.from(list, (v) => v ?? NaN);
    for (const own of Object.values(found.spectra ?? {}))
      Object.assign(own, { mean: numbers(own.mean), spread: numbers(own.spread) });
    return found;
  }
  say([y, x]) {
    const { look, kinds, transform, crs } = this.data, { change } = look, map = transform && this.panel.place([y, x]);
    const place = map ? ` · map ${map[0].toFixed(0)}, ${map[1].toFixed(0)}${crs ? ` (${crs})` : ""}` : "";
    const empty = this.data.sources.filter((s) => this.data.has(s.key) && !this.live[s.key].count).map((s) => s.label);
    return `pixel y ${y}, x ${x}${place}${change ? ` · ${kinds[change[look.at(y, x)]].label}` : ""}${
      empty.length ? ` · no data: ${empty.join(", ")}` : ""}`;
  }

  tap(x, y) {
    const at = this.pixelAt(x, y);
    if (at) this.pin(...at);
  }
  pin(row, column) {
    const again = this.pinned === String([row, column]);
    if (again && performance.now() - this.pinnedAt < 400) return;  // a double click is one pin
    this.pinnedAt = performance.now();
    this.pinned = String([row, column]);
    this.place(row, column);
  }
  place(row, column) {
    const side = this.state.window;
    this.add("pin", [row, column], this.frame(row, column), this.data.look.window(row, column, side), { window: side });
  }
  // A pin some rows and columns on; it keeps its number, name and window.
  move(item, down, right) {
    const [height, width] = this.data.size, { look } = this.data, before = this.state.window;
    const clamp = (v, size) => Math.max(0, Math.min(size - 1, Math.round(v)));
    const centre = [clamp(item.centre[0] + down, height), clamp(item.centre[1] + right, width)];
    this.state.window = item.area.window;
    const outline = this.frame(...centre), indices = look.window(...centre, item.area.window);
    this.state.window = before;
    Object.assign(item, { centre, outline, indices, pixels: indices.length, step: look.step, codes: look.codes(indices),
      spectra: this.curves.spectraOf(indices), about: null });
    this.refresh();
    this.tell();
    $("pointer").textContent = `${item.name}: y ${centre[0]}, x ${centre[1]}`;
    if (!this.data.exact && ask) this.refine(item, performance.now());
  }
  region(geometry, final) {
    if (!final) return;
    const { x0, x1, y0, y1 } = geometry, box = geometry.type === "rect", { look } = this.data;
    const xs = box ? [x0, x1, x1, x0] : [...geometry.x], ys = box ? [y0, y0, y1, y1] : [...geometry.y];
    let indices = xs.length > 2 ? look.polygon(ys, xs) : [];
    const middle = (list) => (Math.min(...list) + Math.max(...list)) / 2;
    if (!indices.length && look.step > 1) indices = [look.at(middle(ys), middle(xs))].filter((i) => i >= 0);
    if (!indices.length) return;
    const places = indices.map((i) => look.place(i));
    const centre = [0, 1].map((axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length);
    this.add("region", centre, { x: [...xs, xs[0]], y: [...ys, ys[0]] }, indices, { corners: ys.map((y, i) => [y, xs[i]]) });
  }
  add(kind, centre, outline, indices, area) {
    const began = performance.now(), number = ++this.number, { pins, look } = this.data;
    const item = { kind, centre, outline, indices, area, number, name: `${kind} ${number}`, visible: true,
      pixels: indices.length, step: look.step, codes: look.codes(indices),
      colour: pins[(number - 1) % pins.length], spectra: this.curves.spectraOf(indices) };
    this.items.push(item);
    this.state.chosen = item;
    this.live = null;
    this.fresh.push(item);
    this.images.mark(this.items);
    this.curves.onTop(this.fresh, null);
    this.curves.axes();
    this.panel.table(this.items);
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.refresh(), SETTLED);
    this.tell();
    this.clicked = performance.now() - began;
    requestAnimationFrame(() => setTimeout(() => { this.drawn = performance.now() - began; }));
    if (!this.data.exact && ask) this.refine(item, began);
  }
  // The spectra themselves in place of those of the look, unless the region is too large for that.
  async refine(item, began) {
    const { x, y } = item.outline, side = (list) => Math.max(...list) - Math.min(...list) + 1;
    if (side(x) * side(y) > this.data.most) return;
    const found = await this.fromFile({ centre: item.centre, ...item.area });
    if (!found.spectra) return;
    Object.assign(item, { ...found, step: 1, about: null });
    this.refresh();
    this.refined = performance.now() - began;
  }
  // What Python knows as `viewer.pins`.
  tell() {
    if (ask) ask({ pins: this.items.map(({ number, kind, name, centre, area }) => ({ number, kind, name, centre, ...area })) });
  }
  clear() {
    this.pinned = null;
    this.items = [];
    this.number = 0;
    this.state.chosen = null;
    this.refresh();
    this.tell();
  }
  choose(item) { this.state.chosen = item; this.panel.table(this.items); }
  remove(item) {
    this.items = this.items.filter((other) => other !== item);
    if (this.state.chosen === item) this.state.chosen = this.items.at(-1) ?? null;
    this.refresh();
    this.tell();
  }
  toggle(key) {
    const { hidden } = this.state;
    if (!hidden.delete(key)) hidden.add(key);
    this.panel.legend();
    this.curves.draw(this.items, this.live);
  }
  refresh() {
    clearTimeout(this.settling);
    this.fresh = [];
    this.images.mark(this.items);
    this.curves.draw(this.items, this.live);
    this.curves.axes();
    this.panel.table(this.items);
  }
  redraw() {
    this.pictures = this.images.draw();
    this.pictures.forEach((shown, i) => {
      $(`caption${i}`).innerHTML = this.caption(shown);
      $(`caption${i}`).title = $(`caption${i}`).textContent;
      $(`source${i}`).closest("figure").querySelector("[role=img]").setAttribute("aria-label", `image ${i + 1}: ${$(`source${i}`).selectedOptions[0].textContent}, ${$(`caption${i}`).textContent}`);
    });
    this.readout.mark();
    const { swipe } = this.state, line = this.documents.get_model_by_name("swipe");
    $("share").disabled = !swipe.key;
    line.setv({ visible: Boolean(swipe.key), location: this.images.edge() - 0.5 });
    const name = (select) => text($(select).selectedOptions[0].textContent);
    if (!swipe.key) return;
    const lacks = this.data.has(swipe.key) && !this.images.bands(swipe.key) ? `: ${text(this.images.without(swipe.key))}` : "";
    $("caption0").innerHTML = `left ${name("source0")}${this.pictures[0].caption?.[0]?.startsWith("no band") ? `: ${text(this.pictures[0].caption[0])}` : ""}<br>right ${name("swipe")}${lacks}`;
  }
  caption({ caption, low, top, unit, kinds, below }) {
    if (kinds)
      return kinds.map((k) => `<b class="shade" style="background:${k.colour}"></b>${text(k.label)}`).join(" ");
    if (top === undefined) return caption.map(text).join("<br>");
    const digits = unit === "°" ? 1 : 3, limit = below === undefined ? "" : `<br>pale below ${below.toFixed(digits)}`;
    return `${low ? low.toFixed(digits) : 0} <span class="scale"></span> ${top.toFixed(digits)} ${text(unit)}${limit}`;
  }
}

async function start() {
  const json = (id) => JSON.parse($(id).textContent);
  const data = new Data(json("meta"), await openBlob($("blob").textContent.trim()));
  const items = json("documents-items"), roots = json("documents-roots");
  for (const [name, element] of Object.entries(roots)) $(`place-${name}`).id = element;
  const managers = await Bokeh.embed.embed_items(json("documents"), items);
  const viewer = new Viewer(data, remembering(Bokeh.documents.at(-1)));
  viewer.views = tuned(managers);
  window.viewer = viewer;
  requestAnimationFrame(() => setTimeout(() => {
    viewer.first = performance.now();
    document.body.dataset.ready = "yes";
  }));
}
start().catch((error) => { document.body.dataset.failed = String(error); throw error; });
