// Read-out: the values under the pointer in images and charts, and which bands the images show.
"use strict";

class Readout {
  constructor(viewer) { this.viewer = viewer; }

  // What an image shows at a pixel, in its own unit.
  ofImage(i, [y, x]) {
    const { data, pictures } = this.viewer, at = data.look.at(y, x), shown = pictures[i];
    if (!shown || at < 0) return "";
    const digits = (v) => (Number.isFinite(v) ? v.toPrecision(3) : "no data");
    if (shown.channels) return ` · shown: ${shown.channels.map((c) => digits(c[at])).join(" / ")}`;
    if (!shown.values) return "";
    return ` · shown: ${digits(shown.values[at])}${shown.unit === "°" ? "°" : ""}`;
  }

  // The curve nearest to the pointer in a chart, at the nearest of its bands.
  ofChart(chart, x, y) {
    const { curves, data } = this.viewer, plot = curves.model(`chart-${chart}`), { x_range, y_range } = plot;
    const across = plot.inner_width / (x_range.end - x_range.start), up = plot.inner_height / (y_range.end - y_range.start);
    let best = null;
    for (const line of curves.last?.[chart].named ?? [])
      line.x.forEach((nm, b) => {
        const value = line.y[b], far = Math.hypot((nm - x) * across, (value - y) * up);
        if (Number.isFinite(far) && (!best || far < best.far)) best = { far, nm, value, ...line };
      });
    const place = `${x.toFixed(0)} nm, ${y.toFixed(3)}`;
    if (!best || best.far > 40) return place;
    const sigma = chart === "t2" && best.key === "hrhs_t2" && best.sigma;
    const band = sigma ? ` ± ${(NINETY * sigma[best.x.indexOf(best.nm)]).toFixed(4)} (90 %)` : "";
    return `${best.nm.toFixed(0)} nm: ${best.value.toFixed(4)}${band} · ${data.by[best.key].label}${best.name ? ` · ${best.name}` : ""} (pointer at ${place})`;
  }

  // Dashed lines at the bands of the images: red, green and blue, or one.
  mark() {
    const { state, data, curves } = this.viewer;
    const wanted = state.preset === "single band" ? [state.nm] : data.presets[state.preset];
    for (const chart of ["t1", "t2", "difference"])
      for (let k = 0; k < 3; k++) {
        const line = curves.model(`${chart}-mark${k}`);
        line.setv({ visible: k < wanted.length, location: wanted[k] ?? 0 });
      }
  }
}
