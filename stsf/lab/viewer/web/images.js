// Image panes: which picture a pane shows, how it is coloured, and what lies on top of it.
"use strict";

const GREY = 0xff808080;  // ABGR: a pixel without data
const BRUSHED = 0xffff00ff;  // pixels of the box in the scatter
const colour32 = (r, g, b) => (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
const hex32 = (text) => colour32(...[1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16)));

class Images {
  constructor(data, state, documents) {
    this.data = data;
    this.state = state;
    this.model = (name) => documents.get_model_by_name(name);
  }

  // What can be shown: cubes, maps between products, the true change; `reason` where it cannot.
  choices() {
    const { data } = this, found = data.sources.filter((s) => s.key !== "sigma_t2").map((s) => ({
      key: s.key, label: s.label, group: "images", reason: s.reason }));
    const need = (...keys) => keys.filter((k) => !data.has(k)).map((k) => data.by[k].reason)[0];
    for (const t of ["t1", "t2"]) {
      const pair = [`hrhs_${t}`, `truth_${t}`], name = t === "t1" ? "X1" : "X2";
      for (const [measure, label] of [["magnitude", "error (RMSE)"], ["angle", "SAM"]])
        found.push({ key: [measure, ...pair].join(" "), label: `${label} of ${name} to truth`,
          group: "maps", reason: need(...pair) });
    }
    for (const s of data.sources.filter((s) => s.key !== "sigma_t2"))
      found.push({ key: `index ${s.key}`, label: `index of ${s.label}`, group: "index", reason: s.reason });
    for (const kind of ["hrms", "hrhs", "truth"]) {
      const pair = [`${kind}_t1`, `${kind}_t2`];
      found.push({ key: ["index", ...pair].join(" "), label: `index, t2 − t1, ${data.by[pair[1]].label}`,
        group: "index", reason: need(...pair) });
    }
    data.layers.forEach((layer, i) => found.push({ key: `layer ${i}`, label: layer.name, group: "own layers" }));
    found.push({ key: "change", label: "change map", group: "maps" });
    found.push({ key: "kinds", label: "true change", group: "maps",
      reason: data.whole.change ? "" : "no change map is known" });
    found.push({ key: "sigma", label: "uncertainty of X2", group: "maps",
      reason: data.by.sigma_t2.reason });
    return found;
  }

  // Bands (three, or one grey) of a source for the chosen colours; null where it has none there.
  bands(key) {
    const { preset, nm } = this.state;
    const wanted = preset === "single band" ? [nm] : this.data.presets[preset];
    const bands = wanted.map((w) => this.data.nearest(key, w));
    return bands.includes(null) ? null : bands;
  }

  // Darkest and brightest value a channel in the whole scene: of all shown panes, or of one.
  limits(keys) {
    const channels = [];
    for (const key of keys) {
      const bands = this.data.has(key) && this.bands(key);
      if (bands) bands.forEach((b, c) => (channels[c] ??= []).push(this.data.channel(key, b, this.data.whole)));
    }
    return channels.map((images) => {
      const all = new Float32Array(images.reduce((n, image) => n + image.length, 0));
      let at = 0;
      for (const image of images) { all.set(image, at); at += image.length; }
      return math.percentile(all, 0.02, 0.98);
    });
  }

  // Pixels of a picture as ABGR, and the line below it.
  picture(key, limits) {
    if (key === "change") return this.changeMap();
    if (key === "kinds") return this.kinds();
    if (key === "sigma") return this.scale(this.sigma(this.data.look), this.sigma(this.data.whole), "reflectance, RMS over all bands");
    if (key.startsWith("index ")) return this.index(key.split(" ").slice(1));
    if (key.startsWith("layer ")) return this.layer(Number(key.split(" ")[1]));
    if (key.includes(" ")) {
      const [measure, a, b] = key.split(" ");
      return this.measured(measure, a, b);
    }
    const bands = this.bands(key), image = new Uint32Array(this.data.look.total).fill(GREY);
    if (!bands) return { image, caption: [this.without(key)] };
    const [low, high] = [0, 1].map((end) => limits.map((l) => l[end]));
    const channels = bands.map((b) => this.data.channel(key, b));
    for (let i = 0; i < image.length; i++) {
      const rgb = channels.map((c, k) =>
        255 * Math.min(1, Math.max(0, (c[i] - low[k]) / (high[k] > low[k] ? high[k] - low[k] : 1))));
      if (rgb.every(Number.isFinite)) image[i] = colour32(...(rgb.length === 3 ? rgb : [rgb[0], rgb[0], rgb[0]]));
    }
    const sensor = this.data.sensor(key);
    const named = bands.map((b) => sensor.centre[b].toFixed(0)).join(" / ");
    const span = limits.map((l) => `${l[0].toFixed(2)}–${l[1].toFixed(2)}`).join(" / ");
    return { image, caption: [`${named} nm`, span], channels, limits, nm: bands.map((b) => sensor.centre[b]) };
  }
  index(keys) {
    const { formula } = this.state, { data } = this, values = data.index(formula, keys);
    if (!values) {
      const lacks = keys.map((key) => formula.bands(data, key).lacks).find(Boolean);
      return { image: new Uint32Array(data.look.total).fill(GREY), caption: [lacks] };
    }
    const [low, high] = math.percentile(data.index(formula, keys, data.whole), 0.02, 0.98);
    return this.scale(values, null, formula.source, low, high);
  }
  layer(i) {
    const { look, whole } = this.data, [low, high] = math.percentile(whole.layers[i], 0.02, 0.98);
    return this.scale(look.layers[i], null, this.data.layers[i].name, low, high);
  }
  without(key) {
    const { preset, nm } = this.state, { reach } = this.data;
    const wanted = preset === "single band" ? [nm] : this.data.presets[preset];
    const missing = wanted.filter((w) => this.data.nearest(key, w) === null);
    return `no band within ${reach} nm of ${missing.join(", ")} nm`;
  }
  sigma(look) {  // RMS over all bands that count; kept
    if (!look.maps.has("sigma")) {
      const { used } = this.data.sensors.hs, nothing = new Float64Array(used.length), cube = look.cubes.sigma_t2;
      look.maps.set("sigma", Float32Array.from({ length: look.total },
        (_, i) => math.magnitude(nothing, cube.pixel(i), used)));
    }
    return look.maps.get("sigma");
  }
  measured(measure, a, b) {
    const of = (look) => this.data.map(measure, a, b, look);
    return this.scale(of(this.data.look), of(this.data.whole), measure === "angle" ? "°" : "reflectance");
  }
  // Colours from low to high; by default from 0 to what 98 % of the whole scene stay below.
  scale(values, whole, unit, low = 0, high = math.percentile(whole, 0.98)[0] || 1) {
    const { table } = this.data, span = high > low ? high - low : 1;
    const image = Uint32Array.from(values, (v) => (Number.isFinite(v)
      ? table[Math.min(255, Math.max(0, Math.round(255 * (v - low) / span)))] : GREY));
    return { image, low, top: high, unit, values };
  }
  kinds() {
    const colours = this.data.kinds.map((k) => hex32(k.colour)), { change } = this.data.look;
    const image = Uint32Array.from(change, (code) => colours[code]);
    return { image, kinds: this.data.kinds };
  }
  // What lies below the threshold fades to pale grey.
  changeMap() {
    const { a, b, measure, threshold } = this.state.change;
    const values = this.data.map(measure, a, b), shown = this.measured(measure, a, b);
    for (let i = 0; i < values.length; i++) if (values[i] < threshold) shown.image[i] = 0xffe4e0dc;
    return { ...shown, below: threshold };
  }

  // Left of the swipe line the pane's own picture, right of it the other one.
  draw() {
    const { state, data } = this, keys = state.panes.concat(state.swipe.key || []);
    const cubes = keys.filter((k) => data.has(k) && k !== "sigma_t2");
    const shared = state.stretch === "shared" ? this.limits(new Set(cubes)) : null;
    const of = (key) => this.picture(key, shared ?? (data.has(key) ? this.limits([key]) : []));
    return state.panes.map((key, i) => {
      const shown = of(key);
      let { image } = shown;
      if (i === 0 && state.swipe.key) {
        const other = of(state.swipe.key).image, { look } = data, [, width] = look.shape;
        const edge = (this.edge() - look.left) / look.scale[1];
        image = image.map((v, at) => (at % width >= edge ? other[at] : v));
      }
      if (data.look.brushed) image = image.map((v, at) => (data.look.brushed[at] ? BRUSHED : v));
      this.show(this.model(`image${i}`), image);
      return { ...shown, image };
    });
  }

  edge() { return Math.round(this.state.swipe.share * this.data.size[1]); }  // first column right of the line
  show(source, pixels) {
    const { look } = this.data, [old] = source.data.image, { shape, top, left, width, height } = look;
    if (this.shown?.get(source) === look) {
      old.set(pixels);
      source.change.emit();
      return;
    }
    (this.shown ??= new Map()).set(source, look);
    const image = new old.constructor(pixels, [...shape]);
    source.data = { image: [image], x: [left - 0.5], y: [top - 0.5], dw: [width], dh: [height] };
  }

  // Outlines and numbers of pins and regions, the same in all panes.
  mark(items) {
    const outlines = { xs: [], ys: [], colour: [] }, numbers = { x: [], y: [], text: [], colour: [] };
    for (const item of items) {
      outlines.xs.push(item.outline.x);
      outlines.ys.push(item.outline.y);
      outlines.colour.push(item.colour);
      numbers.x.push(Math.max(...item.outline.x));
      numbers.y.push(Math.min(...item.outline.y));
      numbers.text.push(String(item.number));
      numbers.colour.push(item.colour);
    }
    this.model("outlines").data = outlines;
    this.model("numbers").data = numbers;
  }
  // Lines over all panes by the name of their source: outlines of one's own, the line of the profile.
  lines(name, xs, ys) {
    this.model(name).data = { xs, ys };
    for (let i = 0; i < 4; i++)
      for (const renderer of this.model(`pane${i}`).renderers) if (renderer.name === `${name}-lines`) renderer.visible = xs.length > 0;
  }
  point(outline) {
    this.model("cursor").data = outline ? { xs: [outline.x], ys: [outline.y] } : { xs: [], ys: [] };
  }
}
