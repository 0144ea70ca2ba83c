// Spectra: the curves of every pin, region and the pixel under the pointer, by date.
"use strict";

const DASH = { "-": "solid", "--": "dashed", ":": "dotted" };
const NINETY = 1.645;  // standard errors to either side that hold 90 % of the errors
const WIDTH = { "-": 1.8, "--": 1.3, ":": 2.2 };

class Curves {
  constructor(data, state, documents) {
    this.data = data;
    this.state = state;
    this.model = (name) => documents.get_model_by_name(name);
    this.fixed = ["t1", "t2", "difference"].map((chart) => {
      const { y_range } = this.model(`chart-${chart}`);
      return [chart, y_range.start, y_range.end];
    });
    this.below = this.drawn([]);
  }

  // Everything known of an item: mean, spread and count by source.
  spectraOf(indices) {
    const found = {};
    for (const source of this.data.sources)
      if (this.data.has(source.key)) found[source.key] = this.data.spectra(source.key, indices);
    return found;
  }

  // Values as drawn, one per band; continuum removal works on HS curves only.
  shown(key, spectra) {
    const sensor = this.data.sensor(key);
    if (!this.state.continuum) return spectra.mean;
    if (this.data.by[key].sensor === "ms") return null;
    const masked = spectra.mean.map((v, b) => (sensor.usable[b] ? v : NaN));
    return math.continuumRemoved(sensor.centre, masked);
  }

  empty() {
    return {
      spread: { xs: [], ys: [], colour: [] },
      lines: { xs: [], ys: [], colour: [], dash: [], width: [], alpha: [] },
      points: { x: [], y: [], left: [], right: [], colour: [], marker: [] },
      bars: { x: [], low: [], high: [], colour: [] },
      labels: { x: [], y: [], text: [], colour: [] },
      named: [],  // for the read-out
    };
  }

  line(into, source, values, colour, label) {
    const sensor = this.data.sensors[source.sensor], at = (b) => (b < 0 ? NaN : values[b]);
    into.lines.xs.push(sensor.order.map((b) => (b < 0 ? NaN : sensor.centre[b])));
    into.lines.ys.push(sensor.order.map(at));
    into.lines.colour.push(colour);
    into.lines.dash.push(DASH[source.line]);
    into.lines.width.push(WIDTH[source.line]);
    into.lines.alpha.push(label ? 1 : 0.75);
    const last = sensor.order.filter((b) => b >= 0 && Number.isFinite(values[b])).at(-1);
    if (label && last !== undefined) {
      into.labels.x.push(sensor.centre[last]);
      into.labels.y.push(values[last]);
      into.labels.text.push(label);
      into.labels.colour.push(colour);
    }
  }

  points(into, source, values, spread, colour) {
    const sensor = this.data.sensors[source.sensor];
    sensor.centre.forEach((centre, b) => {
      if (!Number.isFinite(values[b])) return;
      into.points.x.push(centre);
      into.points.y.push(values[b]);
      into.points.left.push(centre - sensor.fwhm[b] / 2);
      into.points.right.push(centre + sensor.fwhm[b] / 2);
      into.points.colour.push(colour);
      into.points.marker.push(source.marker === "s" ? "square" : "circle");
      if (spread && spread[b] > 0) {
        into.bars.x.push(centre);
        into.bars.low.push(values[b] - spread[b]);
        into.bars.high.push(values[b] + spread[b]);
        into.bars.colour.push(colour);
      }
    });
  }

  // A filled band around a curve, cut where the pen is lifted.
  around(into, source, values, spread, colour) {
    const sensor = this.data.sensors[source.sensor];
    let run = [];
    for (const b of [...sensor.order, -1]) {
      if (b >= 0 && Number.isFinite(values[b])) { run.push(b); continue; }
      if (run.length > 1) {
        const back = run.slice().reverse();
        into.spread.xs.push([...run, ...back].map((i) => sensor.centre[i]));
        into.spread.ys.push([...run.map((i) => values[i] + spread[i]), ...back.map((i) => values[i] - spread[i])]);
        into.spread.colour.push(colour);
      }
      run = [];
    }
  }

  add(charts, spectra, item) {
    const sigma = spectra.sigma_t2;
    const drawn = {};
    for (const source of this.data.sources) {
      const { key } = source, own = spectra[key];
      if (!own || !own.count || key === "sigma_t2") continue;
      const values = this.shown(key, own);
      if (!values) continue;
      drawn[key] = values;
      if (this.state.hidden.has(key)) continue;
      const into = charts[source.date], colour = item ? item.colour : source.colour;
      into.named.push({ key, name: item?.name, x: this.data.sensors[source.sensor].centre, y: values, sigma: sigma?.mean });
      const spread = own.count > 1 && !this.state.continuum ? own.spread : null;
      const first = item && !into[`labelled ${item.number}`];
      if (source.line === "none") { this.points(into, source, values, spread, colour); continue; }
      if (source.line === "-" || !this.data.has(key.replace("truth", "hrhs")))
        if (spread) this.around(into, source, values, spread, colour);
      if (key === "hrhs_t2" && sigma && sigma.count && !this.state.continuum)
        this.around(into, source, values, sigma.mean.map((v) => NINETY * v), colour);
      const label = first && key !== "lrhs_t1" ? String(item.number) : "";
      if (label) into[`labelled ${item.number}`] = true;
      this.line(into, source, values, colour, label);
    }
    this.difference(charts.difference, drawn, item);
  }

  difference(into, drawn, item) {
    for (const kind of ["hrhs", "truth", "hrms"]) {
      const [a, b] = [drawn[`${kind}_t1`], drawn[`${kind}_t2`]], source = this.data.by[`${kind}_t2`];
      if (!a || !b || this.state.hidden.has(`${kind}_t2`)) continue;
      const values = b.map((v, i) => v - a[i]), colour = item ? item.colour : source.colour;
      into.named.push({ key: source.key, name: item?.name, x: this.data.sensors[source.sensor].centre, y: values });
      if (source.line === "none") this.points(into, source, values, null, colour);
      else this.line(into, source, values, colour, item && kind === "hrhs" ? String(item.number) : "");
    }
  }

  drawn(items) {
    const charts = { t1: this.empty(), t2: this.empty(), difference: this.empty() };
    for (const item of items) if (item.visible) this.add(charts, item.spectra, item);
    return charts;
  }
  values({ lines, points }) { return [...lines.ys.flat(), ...points.y].filter(Number.isFinite); }
  // Where the curve under the pointer leaves its axis, the title says so.
  offScale(charts) {
    for (const [chart] of this.fixed) {
      const { y_range, title } = this.model(`chart-${chart}`);
      this.titles ??= {};
      this.titles[chart] ??= title.text;
      const off = this.values(charts[chart]).filter((v) => v < y_range.start || v > y_range.end);
      const least = off.reduce((a, b) => Math.min(a, b), Infinity), most = off.reduce((a, b) => Math.max(a, b), -Infinity);
      const said = off.length ? ` · off scale: ${off.length} values, ${least.toFixed(3)} to ${most.toFixed(3)}` : "";
      if (title.text !== this.titles[chart] + said) title.text = this.titles[chart] + said;
    }
  }

  // All curves anew.
  draw(items, live) {
    this.below = this.drawn(items);
    this.lay("", this.below);
    this.onTop([], live);
  }
  // New pins and the pixel under the pointer, on a canvas of their own: those below are not drawn again.
  onTop(fresh, live) {
    const pins = this.drawn(fresh), top = this.drawn(fresh);
    if (live) this.add(top, live, null);
    this.lay("-top", top);
    this.pinned = this.together(this.below, pins);
    this.last = live ? this.together(this.below, top) : this.pinned;
    this.offScale(this.last);
  }
  lay(layer, charts) {
    for (const [chart, parts] of Object.entries(charts))
      for (const key of ["spread", "lines", "points", "bars", "labels"])
        this.fill(this.model(`${chart}${layer}-${key}`), parts[key]);
  }
  together(below, top) {
    const joined = (a, b) => (Array.isArray(a) ? [...a, ...b] : typeof a !== "object" ? a
      : Object.fromEntries(Object.keys(a).map((key) => [key, key in b ? joined(a[key], b[key]) : a[key]])));
    return joined(below, top);
  }

  fill(source, columns) {  // an empty glyph that stays empty needs no drawing
    const filled = (data) => Object.values(data)[0].length > 0;
    if (filled(columns) || filled(source.data)) source.data = columns;
  }

  // Axes stay where they are while the pointer moves; pinned curves widen them, t1 and t2 alike,
  // unless the reader has zoomed in: then only the button brings the whole back.
  axes(whole = false) {
    const [first, last] = this.data.limits.wavelength, { x_range } = this.model("chart-t1");
    if (!whole && (x_range.start !== first || x_range.end !== last)) return;
    const removed = this.state.continuum, charts = this.pinned;
    const both = ["t1", "t2"].flatMap((chart) => this.values(charts[chart]));
    for (const [chart, start, end] of this.fixed) {
      const plot = this.model(`chart-${chart}`), change = chart === "difference";
      const [low, high] = !removed ? [start, end] : change ? [-0.5, 0.5] : [0, 1.08];
      const values = change ? this.values(charts.difference) : both;
      const least = values.reduce((a, b) => Math.min(a, b), low), most = values.reduce((a, b) => Math.max(a, b), high);
      const room = 0.04 * (most - least);
      plot.y_range.setv({ start: least < low ? least - room : low, end: most > high ? most + room : high });
      const value = removed ? "continuum removed" : "reflectance (0-1)";
      plot.left[0].axis_label = chart === "difference" ? "difference" : value;
    }
    x_range.setv({ start: first, end: last });
  }
}
