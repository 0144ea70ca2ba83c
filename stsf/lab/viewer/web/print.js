// A figure to print: chosen images and charts with legend, colour bars, scale bar and place.
"use strict";

const DPI = 300, SCREEN = 96, GAP = 10, SMALL = 9.5;  // the last two in screen pixels
const FONT = "Helvetica, Arial, sans-serif";

class Print {
  constructor(viewer) {
    this.viewer = viewer;
    const parts = [0, 1, 2, 3].map((i) => [`pane${i}`, `image ${i + 1}`, true]).concat(
      [["chart-t1", "t1", true], ["chart-t2", "t2", true], ["chart-difference", "t2 − t1", false], ["chart-profile", "profile", false]]);
    $("figure-parts").innerHTML = parts.map(([key, label, on]) => `<label><input type="checkbox" data-part="${key}" ${on ? "checked" : ""}> ${label}</label> `).join("");
  }
  chosen() { return [...document.querySelectorAll("[data-part]:checked")].map((box) => box.dataset.part); }
  text(x, y, words, more = "") { return `<text x="${x}" y="${y}" font-size="${SMALL}" ${more}>${text(words)}</text>`; }

  // The part of an image that is in view, as a picture of its own pixels.
  pixels(i) {
    const { data, pictures, ranges } = this.viewer, { look } = data, [h, w] = look.shape;
    const canvas = Object.assign(document.createElement("canvas"), { width: w, height: h });
    canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pictures[i].image.slice().buffer), w, h), 0, 0);
    const [x0, x1] = [ranges[0].start, ranges[0].end], [y0, y1] = [ranges[1].end, ranges[1].start];
    return { url: canvas.toDataURL("image/png"), x0, y0, across: x1 - x0, down: y1 - y0, look };
  }
  pane(i, x, y, wide) {
    const { url, x0, y0, across, down, look } = this.pixels(i), high = wide * down / across, id = `view${i}`;
    const { items, state } = this.viewer, scale = wide / across;
    const u = (px) => (px - x0) * scale, v = (py) => (py - y0) * scale;
    const path = (xs, ys) => xs.map((px, k) => `${k ? "L" : "M"}${u(px).toFixed(2)} ${v(ys[k]).toFixed(2)}`).join("");
    const line = (d, colour) => `<path d="${d}" fill="none" stroke="white" stroke-width="2.4"/><path d="${d}" fill="none" stroke="${colour}" stroke-width="1.2"/>`;
    const vectors = this.viewer.documents.get_model_by_name("vectors").data;
    const marks = items.map((item) => {
      const [top, right] = [Math.min(...item.outline.y), Math.max(...item.outline.x)];
      return line(path(item.outline.x, item.outline.y), item.colour)
        + `<text x="${u(right) + 3}" y="${v(top) - 2}" font-size="${SMALL}" font-weight="bold" fill="${item.colour}" stroke="white" stroke-width="2.4" paint-order="stroke">${item.number}</text>`;
    }).join("") + vectors.xs.map((xs, k) => line(path(xs, vectors.ys[k]), "#B8860B")).join("")
      + (state.line ? line(path(state.line.map((p) => p[1]), state.line.map((p) => p[0])), "#B8860B") : "");
    const title = $(`source${i}`).selectedOptions[0].textContent;
    const picture = `<image href="${url}" x="${u(look.left - 0.5)}" y="${v(look.top - 0.5)}" width="${look.width * scale}" height="${look.height * scale}" preserveAspectRatio="none" style="image-rendering:pixelated"/>`;
    const body = this.text(x, y + 9, title, 'font-weight="bold"')
      + `<svg x="${x}" y="${y + 13}" width="${wide}" height="${high}" id="${id}"><rect width="100%" height="100%" fill="#808080"/>${picture}${marks}${this.bar(wide, high, scale)}</svg>`
      + this.caption(i, x, y + 13 + high + 11, wide);
    return { body, high: high + 13 + 26 };
  }
  bar(wide, high, scale) {  // a round length of at most a third of the image
    const { metres } = this.viewer.data;
    if (!metres) return "";
    const most = wide / 3 / scale * metres, power = 10 ** Math.floor(Math.log10(most));
    const length = power * [5, 2, 1].find((k) => k * power <= most), px = length / metres * scale;
    const words = length >= 1000 ? `${length / 1000} km` : `${length} m`;
    return `<g fill="white" stroke="black" stroke-width="2" paint-order="stroke"><rect x="6" y="${high - 9}" width="${px}" height="3"/><text x="6" y="${high - 12}" font-size="${SMALL}">${words}</text></g>`;
  }
  caption(i, x, y, wide) {
    const { caption, low, top, unit, kinds, below } = this.viewer.pictures[i];
    if (kinds) return kinds.map((k, n) => `<rect x="${x + (n % 4) * wide / 4}" y="${y - 8 + 11 * Math.floor(n / 4)}" width="8" height="8" fill="${k.colour}"/>${this.text(x + (n % 4) * wide / 4 + 10, y + 11 * Math.floor(n / 4), k.label)}`).join("");
    if (top === undefined) return caption.map((words, n) => this.text(x, y + 11 * n, n ? `stretch ${words}` : words)).join("");
    const digits = unit === "°" ? 1 : 3, { table } = this.viewer.data, steps = 32, span = wide * 0.4;
    const hex = (c) => `#${[c & 255, (c >> 8) & 255, (c >> 16) & 255].map((v) => v.toString(16).padStart(2, "0")).join("")}`;
    const cells = Array.from({ length: steps }, (_, k) => `<rect x="${x + 34 + k * span / steps}" y="${y - 8}" width="${span / steps + 0.5}" height="8" fill="${hex(table[Math.round(255 * k / (steps - 1))])}"/>`).join("");
    return this.text(x, y, low.toFixed(digits)) + cells + this.text(x + 38 + span, y, `${top.toFixed(digits)} ${unit}`)
      + (below === undefined ? "" : this.text(x, y + 11, `pale below ${below.toFixed(digits)}`));
  }
  chart(name, x, y, wide) {
    const plot = this.viewer.views[name], scale = wide / plot.bbox.width;
    const layer = this.viewer.views[name].export("svg"), { width, height } = this.viewer.views[name].bbox;
    const inner = layer.ctx.get_serialized_svg(true).replace(/^<\?xml[^>]*>/, ""), high = height * scale;
    const body = `<svg x="${x}" y="${y}" width="${wide}" height="${high}" viewBox="0 0 ${width} ${height}">${inner}</svg>`;
    if (!/-t[12]$/.test(name)) return { body, high };
    const { start, end } = plot.model.x_range, ticks = [500, 1000, 1500, 2000, 2500].filter((nm) => nm > start && nm < end);
    const numbers = ticks.map((nm) => this.text(x + plot.frame.x_scale.compute(nm) * scale, y + high + 6, `${nm} nm`, 'text-anchor="middle"'));
    return { body: body + numbers.join(""), high: high + 12 };
  }
  // Lines and pins in words, wrapped to the width.
  legend(x, y, wide) {
    const { data, state, items } = this.viewer, pen = document.createElement("canvas").getContext("2d");
    pen.font = `${SMALL}px ${FONT}`;
    const entries = data.sources.filter((s) => data.has(s.key) && s.key !== "sigma_t2" && !state.hidden.has(s.key)).map((s) => [
      s.line === "none" ? `<${s.marker === "s" ? 'rect x="8" y="-6" width="6" height="6"' : 'circle cx="11" cy="-3" r="3"'} fill="${items.length ? "#444" : s.colour}"/>`
        : `<line x1="0" x2="22" y1="-3" y2="-3" stroke="${items.length ? "#444" : s.colour}" stroke-width="1.6" stroke-dasharray="${{ "--": "4 3", ":": "1.5 2.5" }[s.line] ?? ""}"/>`, s.label]);
    if (data.covered.length) entries.push(['<rect x="0" y="-9" width="22" height="9" fill="#0072B2" fill-opacity="0.18"/>', "the MS has a band there at t2"]);
    if (data.has("sigma_t2")) entries.push(['<rect x="0" y="-9" width="22" height="9" fill="#888" fill-opacity="0.3"/>', "90 % of the errors of X̂2, as estimated"]);
    for (const item of items.filter((i) => i.visible)) entries.push([`<circle cx="11" cy="-3" r="4.5" fill="${item.colour}"/>`, `${item.number}: ${item.name}`]);
    let [across, down, body] = [0, 10, ""];
    for (const [mark, words] of entries) {
      const long = 30 + pen.measureText(words).width + 12;
      if (across + long > wide && across) { across = 0; down += 13; }
      body += `<g transform="translate(${x + across} ${y + down})">${mark}<text x="26" font-size="${SMALL}">${text(words)}</text></g>`;
      across += long;
    }
    return { body, high: down + 6 };
  }
  place() {
    const { data, panel } = this.viewer, [top, left, low, right] = this.viewer.view(), map = panel.place([(top + low - 1) / 2, (left + right - 1) / 2]);
    return map ? `centre of the images: ${map[0].toFixed(0)}, ${map[1].toFixed(0)} (${data.crs ?? "no reference system"})` : `rows ${top}–${low - 1}, columns ${left}–${right - 1}`;
  }

  svg() {
    const wide = Math.round(Number($("figure-width").value) / 25.4 * SCREEN), { data } = this.viewer;
    const chosen = this.chosen(), panes = chosen.filter((p) => p.startsWith("pane")), inside = wide - 2 * GAP;
    const columns = wide < 400 ? 1 : Math.min(2, panes.length), each = (inside - (columns - 1) * GAP) / (columns || 1);
    let y = 16, body = this.text(GAP, y, data.title, 'font-weight="bold"') + this.text(GAP, y + 12, `${data.subtitle} · ${this.place()}`);
    y += 20;
    panes.forEach((name, k) => {
      const drawn = this.pane(Number(name.at(-1)), GAP + (k % columns) * (each + GAP), y, each);
      body += drawn.body;
      if (k % columns === columns - 1 || k === panes.length - 1) y += drawn.high;
    });
    for (const name of chosen.filter((p) => p.startsWith("chart"))) {
      if (!this.viewer.views[name].bbox.width) continue;
      const drawn = this.chart(name, GAP, y, inside);
      body += drawn.body;
      y += drawn.high + 2;
    }
    const drawn = this.legend(GAP, y, inside);
    y += drawn.high + GAP;
    const mm = (v) => `${(v / SCREEN * 25.4).toFixed(2)}mm`;
    return { wide, high: y, body: `<svg xmlns="http://www.w3.org/2000/svg" width="${mm(wide)}" height="${mm(y)}" viewBox="0 0 ${wide} ${y}" font-family="${FONT}"><rect width="100%" height="100%" fill="white"/>${body}${drawn.body}</svg>` };
  }
  async png() {
    const { wide, high, body } = this.svg(), scale = DPI / SCREEN, image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(body)}`;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(wide * scale), height: Math.round(high * scale) });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    return new Blob([withResolution(new Uint8Array(await blob.arrayBuffer()), DPI)], { type: "image/png" });
  }
}

// A PNG with the chunk that says how many pixels a metre it is meant for.
function withResolution(png, dpi) {
  const chunk = new DataView(new ArrayBuffer(21)), metre = Math.round(dpi / 0.0254);
  chunk.setUint32(0, 9);
  [..."pHYs"].forEach((c, i) => chunk.setUint8(4 + i, c.charCodeAt(0)));
  chunk.setUint32(8, metre);
  chunk.setUint32(12, metre);
  chunk.setUint8(16, 1);
  let crc = 0xffffffff;
  for (let i = 4; i < 17; i++) {
    crc ^= chunk.getUint8(i);
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  chunk.setUint32(17, ~crc >>> 0);
  const head = 33, out = new Uint8Array(png.length + 21);  // behind the first chunk
  out.set(png.subarray(0, head));
  out.set(new Uint8Array(chunk.buffer), head);
  out.set(png.subarray(head), head + 21);
  return out;
}
