// What goes out of the page and comes back: the view as JSON, spectra as a library, outlines.
"use strict";

const VIEW = "stsf view 1";

class Exchange {
  constructor(viewer) {
    this.viewer = viewer;
    this.geo = new Geo(viewer.data);
  }

  // Everything that makes a figure again.
  view() {
    const { state, items, ranges, data } = this.viewer;
    const { preset, nm, stretch, window, mode, panes, swipe, continuum, change, line } = state;
    return { format: VIEW, scene: data.title, size: data.size, preset, nm, stretch, window, mode, panes, swipe, continuum,
      change, line, hidden: [...state.hidden], formula: state.formula.source, along: $("along").value,
      scatter: ["of", "x", "y"].map((part) => $(`scatter-${part}`).value),
      ranges: ranges.map(({ start, end }) => [start, end]),
      items: items.map(({ kind, name, centre, area }) => ({ kind, name, centre, ...area })) };
  }
  restore(view) {
    const { viewer } = this, { state, data } = viewer;
    if (view.format !== VIEW) throw new Error(`expected a view saved by this page (${VIEW}): take another file`);
    if (String(view.size) !== String(data.size))
      throw new Error(`expected a view of ${data.size.join(" × ")} pixels, got one of ${view.size.join(" × ")}: open it with the scene it was saved from`);
    viewer.clear();
    const panes = view.panes.map((key, i) => (this.known(`source${i}`, key) ? key : state.panes[i]));
    Object.assign(state, { preset: view.preset, nm: view.nm, stretch: view.stretch, window: view.window, panes,
      swipe: view.swipe, continuum: view.continuum, line: view.line, hidden: new Set(view.hidden) });
    Object.assign(state.change, view.change);
    panes.forEach((key, i) => { $(`source${i}`).value = key; });
    for (const [id, value] of [["preset", view.preset], ["nm", view.nm], ["nm-number", view.nm], ["stretch", view.stretch],
      ["window", view.window], ["swipe", view.swipe.key], ["share", 100 * view.swipe.share], ["along", view.along]]) $(id).value = value;
    $("continuum").checked = view.continuum;
    ["of", "x", "y"].forEach((part, i) => { $(`scatter-${part}`).value = view.scatter[i]; });
    view.ranges.forEach(([start, end], i) => viewer.ranges[i].setv({ start, end }));
    viewer.fillChange(view.change.threshold);
    viewer.mode(view.mode);
    for (const { kind, name, centre, corners, window } of view.items) {
      const before = viewer.items.length;
      state.window = window ?? view.window;
      if (kind === "pin") viewer.place(...centre);
      else viewer.region({ type: "poly", y: corners.map((c) => c[0]), x: corners.map((c) => c[1]) }, true);
      if (viewer.items.length > before) viewer.items.at(-1).name = name;
    }
    state.window = view.window;
    this.viewer.tools.formula(view.formula);
    viewer.panel.legend();
    viewer.tools.profile();
    viewer.refresh();
    viewer.redraw();
    viewer.tell();
  }
  known(select, key) { return [...$(select).options].some((o) => o.value === key && !o.disabled); }

  outlines(found) {
    this.drawn = this.geo.load(found);
    const closed = ({ x, y, closed: c }) => (c ? { x: [...x, x[0]], y: [...y, y[0]] } : { x, y });
    const lines = this.drawn.map(closed);
    this.viewer.images.lines("vectors", lines.map((l) => l.x), lines.map((l) => l.y));
    $("outlines-regions").disabled = !this.drawn.some((o) => o.closed);
    return `${this.drawn.length} outlines drawn in yellow`;
  }
  regions() {
    for (const { name, closed, y, x } of this.drawn ?? []) {
      const before = this.viewer.items.length;
      if (closed) this.viewer.region({ type: "poly", y, x }, true);
      if (name && this.viewer.items.length > before) this.viewer.items.at(-1).name = name;
    }
    this.viewer.refresh();
  }

  // The spectra of all pins and regions, one a date, as the best product of it.
  spectra() {
    const { panel, items } = this.viewer;
    return items.flatMap((item) => ["t1", "t2"].flatMap((date) => {
      const key = panel.best(item.spectra, date);
      return key ? [{ name: `${item.name} ${date}`, values: item.spectra[key].mean }] : [];
    }));
  }
  csv() {
    const found = this.spectra(), { centre } = this.viewer.data.sensors.hs, quote = (v) => `"${v.replaceAll('"', '""')}"`;
    const rows = [["wavelength_nm", ...found.map((s) => quote(s.name))], ...centre.map((nm, b) => [
      +nm.toFixed(3), ...found.map((s) => (Number.isFinite(s.values[b]) ? s.values[b].toFixed(5) : ""))])];
    return `${rows.map((row) => row.join(",")).join("\n")}\n`;
  }
  envi() {
    const found = this.spectra(), { centre } = this.viewer.data.sensors.hs, list = (values) => `{${values.join(", ")}}`;
    const header = ["ENVI", `samples = ${centre.length}`, `lines = ${found.length}`, "bands = 1", "header offset = 0",
      "file type = ENVI Spectral Library", "data type = 4", "interleave = bsq", "byte order = 0",
      "wavelength units = Nanometers", `spectra names = ${list(found.map((s) => s.name.replace(/[{},]/g, " ")))}`,
      `wavelength = ${list(centre.map((nm) => nm.toFixed(3)))}`].join("\n");
    return { header: `${header}\n`, values: Float32Array.from(found.flatMap((s) => [...s.values])) };
  }

  // Spectra to match against, from a CSV table or the two files of an ENVI library.
  async library(files) {
    const { data, items, panel } = this.viewer, header = files.find((f) => /\.hdr$/i.test(f.name));
    const values = files.find((f) => /\.sli$/i.test(f.name));
    if (Boolean(header) !== Boolean(values)) throw new Error("expected both files of an ENVI library, .hdr and .sli: choose the two together");
    const found = header ? readEnvi(await header.text(), await values.arrayBuffer()) : readTable(await files[0].text());
    const { centre, used } = data.sensors.hs, bands = centre.length;
    const inside = centre.map((c, b) => used[b] && c >= found.nm[0] && c <= found.nm.at(-1));
    if (inside.filter(Boolean).length < 3) throw new Error(`expected spectra over ${centre[0].toFixed(0)}–${centre.at(-1).toFixed(0)} nm, got ${found.nm[0]}–${found.nm.at(-1)} nm: take another library`);
    const spectra = new Float64Array(found.names.length * bands);
    found.spectra.forEach((own, i) => centre.forEach((c, b) => { spectra[i * bands + b] = inside[b] ? math.between(found.nm, own, c) : 0; }));
    data.library = { names: found.names, material: found.names, used: inside, spectra };
    for (const item of items) item.about = null;
    panel.table(items);
    return `${found.names.length} spectra, ${found.nm.length} wavelengths`;
  }
}

function readTable(content) {
  const lines = content.replace(/^\uFEFF/, "").split(/\r?\n/).filter((l) => l.trim());
  const mark = [";", "\t", ","].find((m) => lines[0]?.includes(m));
  if (!mark) throw new Error("expected a table of wavelengths and spectra with a head line, separated by commas: take another file");
  const cells = (line) => line.match(new RegExp(`("([^"]|"")*"|[^${mark}]*)(${mark}|$)`, "g")).map((c) => c.replace(new RegExp(`${mark}$`), "").replace(/^"|"$/g, "").trim());
  const names = cells(lines[0]).slice(1).filter(Boolean);
  const rows = lines.slice(1).map((l) => cells(l).map((c) => (c === "" ? NaN : Number(mark === ";" ? c.replace(",", ".") : c))));
  return ordered(names, rows.map((r) => r[0]), names.map((_, i) => rows.map((r) => r[i + 1])));
}
function readEnvi(header, buffer) {
  const field = (name) => header.match(new RegExp(`^\\s*${name}\\s*=\\s*(\\{[^}]*\\}|[^\\n]*)`, "im"))?.[1].trim();
  const list = (name) => (field(name) ?? "").replace(/[{}]/g, "").split(",").map((v) => v.trim());
  const [samples, lines] = ["samples", "lines"].map((n) => Number(field(n))), kind = field("data type");
  const size = { 4: 4, 5: 8 }[kind], start = Number(field("header offset") ?? 0), little = (field("byte order") ?? "0") === "0";
  if (!size || buffer.byteLength < start + samples * lines * size) throw new Error("expected an ENVI library of floating-point values as long as its header says: take another file");
  const view = new DataView(buffer), read = size === 4 ? "getFloat32" : "getFloat64";
  const spectra = Array.from({ length: lines }, (_, i) => Array.from({ length: samples }, (__, b) => view[read](start + (i * samples + b) * size, little)));
  const names = field("spectra names") ? list("spectra names") : spectra.map((_, i) => `spectrum ${i + 1}`);
  return ordered(names, list("wavelength").map(Number), spectra);
}
// Nanometres that rise, reflectance from 0 to 1.
function ordered(names, wavelength, spectra) {
  if (!names.length || !wavelength.length || !wavelength.every(Number.isFinite)) throw new Error("expected a wavelength in each row: take another file");
  const unit = Math.max(...wavelength) < 100 ? 1000 : 1, order = [...wavelength.keys()].sort((a, b) => wavelength[a] - wavelength[b]);
  const most = spectra.flat().reduce((a, b) => (b > a ? b : a), 0), scale = most > 150 ? 1e-4 : most > 1.5 ? 0.01 : 1;
  return { names, nm: order.map((i) => unit * wavelength[i]), spectra: spectra.map((s) => order.map((i) => scale * s[i])) };
}
