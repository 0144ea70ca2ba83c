// The panel: legend, table of pins and regions, library matches, change scores, export.
"use strict";

const $ = (id) => document.getElementById(id);
const text = (value) => String(value).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const short = (label) => label.match(/\(([^)]+)\)$/)?.[1] ?? label.split(",")[0];  // "fused HS, t2 (X̂2)" -> "X̂2"
const fixed = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : "–");

class Panel {
  constructor(data, state, act) {
    this.data = data;
    this.state = state;
    this.act = act;
    this.rows = new WeakMap();  // of the table, by item
  }

  options(select, choices, chosen, grouped = true) {
    const option = (c) => `<option value="${text(c.key)}" ${c.reason ? "disabled" : ""} ${
      c.key === chosen ? "selected" : ""}>${text(c.label)}${c.reason ? ` – ${text(c.reason)}` : ""}</option>`;
    const groups = grouped ? [...new Set(choices.map((c) => c.group))] : [null];
    select.innerHTML = groups.map((g) => (g
      ? `<optgroup label="${g}">${choices.filter((c) => c.group === g).map(option).join("")}</optgroup>`
      : choices.map(option).join(""))).join("");
  }

  legend() {
    const shape = (s) => {
      const dash = { "--": "5 3", ":": "2 3" }[s.line] ?? "";
      if (s.line !== "none")
        return `<line x1="1" x2="27" y1="6" y2="6" stroke="${s.colour}" stroke-width="2.2" stroke-dasharray="${dash}"/>`;
      const mark = s.marker === "s" ? `<rect x="10" y="2" width="8" height="8" fill="${s.colour}"/>`
        : `<circle cx="14" cy="6" r="4" fill="${s.colour}"/>`;
      return `<line x1="3" x2="25" y1="6" y2="6" stroke="${s.colour}"/>${mark}`;
    };
    const { data } = this, note = (words) => `<span class="note">${words}</span>`;
    const shares = '<b class="shade"></b>the MS has a band there at t2; elsewhere X2 is inferred'
      + (data.shares ? " · strip at t1: explained by the MS (at t1)" : "") + (data.has("sigma_t2") ? " · around X̂2: 90 % of its errors" : "");
    $("legend").innerHTML = data.sources.filter((s) => s.key !== "sigma_t2").map((s) => `
      <button class="source ${data.has(s.key) ? "" : "missing"} ${this.state.hidden.has(s.key) ? "off" : ""}"
        data-key="${s.key}" ${data.has(s.key) ? "" : "disabled"} aria-pressed="${!this.state.hidden.has(s.key)}"
        title="${text(s.label)}: ${text(s.reason || "show or hide")}">
        <svg width="28" height="12" aria-hidden="true">${shape(s)}</svg>${text(short(s.label))}</button>`).join("")
      + [...new Set(data.sources.map((s) => s.reason).filter(Boolean))].map((reason) => note(`${data.sources
        .filter((s) => s.reason === reason).map((s) => text(short(s.label))).join(", ")} (${text(reason)})`)).join("")
      + (data.covered.length ? note(shares) : "");
    for (const button of $("legend").querySelectorAll("button"))
      button.onclick = () => this.act.toggle(button.dataset.key);
  }

  // Which product stands for a date: fused, else the truth, else what was observed.
  best(spectra, date) {
    const keys = date === "t1" ? ["hrhs_t1", "truth_t1", "lrhs_t1"] : ["hrhs_t2", "truth_t2"];
    return keys.find((key) => spectra[key] && spectra[key].count);
  }

  describe(item) {
    const [a, b] = ["t1", "t2"].map((t) => this.best(item.spectra, t));
    const named = [a, b].map((key) => (key && this.data.library
      ? this.data.matches(item.spectra[key].mean) : []));
    const moved = a && b ? math.angle(item.spectra[a].mean, item.spectra[b].mean, this.data.sensors.hs.used) : NaN;
    const { codes } = item, { kinds } = this.data;
    const kind = !codes ? "" : codes.length === 1 ? kinds[codes[0]].label : "mixed";
    return { keys: [a, b], named, moved, kind };
  }
  // The index at both dates, of the best product; of the MS where there is none.
  index(item) {
    const { formula } = this.state;
    return ["t1", "t2"].map((date) => {
      const key = this.best(item.spectra, date) ?? (item.spectra[`hrms_${date}`]?.count ? `hrms_${date}` : null);
      return key ? fixed(formula.of(item.spectra[key].mean, this.data, key), 3) : "–";
    }).join(" → ");
  }

  place([y, x]) {  // pixel centre in map coordinates
    const t = this.data.transform;
    return t && [t[0] * (x + 0.5) + t[1] * (y + 0.5) + t[2], t[3] * (x + 0.5) + t[4] * (y + 0.5) + t[5]];
  }

  table(items) {
    $("empty").hidden = items.length > 0;
    $("items").hidden = !items.length;
    $("index-head").title = this.state.formula.source;
    const body = $("rows");
    items.forEach((item, i) => {  // rows that say the same stay: nothing is laid out anew for them
      const row = this.row(item);
      row.classList.toggle("chosen", item === this.state.chosen);
      if (body.children[i] !== row) body.insertBefore(row, body.children[i] ?? null);
    });
    while (body.children.length > items.length) body.lastElementChild.remove();
    this.matches(this.state.chosen);
  }
  row(item) {
    const about = (item.about ??= this.describe(item)), map = this.place(item.centre);
    const first = about.named.map((found) => this.named(found[0]));
    const cells = `
      <td><button class="chip ${item.visible ? "" : "off"}" style="background:${item.colour}" aria-pressed="${item.visible}" title="show or hide its curves">${item.number}</button></td>
      <td><input class="name" value="${text(item.name)}" aria-label="name"></td>
      <td title="${map ? `map x ${map[0].toFixed(1)}, y ${map[1].toFixed(1)} ${text(this.data.crs ?? "")}` : ""}">${
        item.centre.map((v) => Math.round(v)).join(", ")}</td>
      <td>${item.pixels}${item.step > 1 ? ` of ${item.step}×${item.step}` : ""}</td><td>${text(about.kind || "–")}</td><td>${fixed(about.moved, 1)}</td>
      <td class="index">${this.index(item)}</td><td>${first[0]} → ${first[1]}</td>
      <td><button class="delete" title="delete" aria-label="delete ${text(item.name)}">×</button></td>`;
    const before = this.rows.get(item);
    if (before?.cells === cells) return before.row;
    const row = document.createElement("tr");
    row.dataset.number = item.number;
    row.innerHTML = cells;
    row.onclick = (event) => event.target.closest("input, button") || this.act.choose(item);
    row.querySelector(".name").onchange = (event) => { item.name = event.target.value; this.act.renamed(); };
    row.querySelector(".chip").onclick = () => this.act.mute(item);
    row.querySelector(".delete").onclick = () => this.act.remove(item);
    this.rows.set(item, { cells, row });
    return row;
  }

  named(match) {  // the angle beside the name; beyond a limit there is no name
    if (!match) return "–";
    return match.angle > this.data.good ? `no good match (${match.angle.toFixed(1)}°)`
      : `${text(match.material)} ${match.angle.toFixed(1)}°`;
  }

  matches(item) {
    $("matches").hidden = !item || !this.data.library;
    if ($("matches").hidden) return;
    const { keys, named } = item.about;
    $("matches").innerHTML = `<h3>Library spectra closest to <b class="chip" style="background:${item.colour}">${item.number}</b> (spectral angle)</h3><div class="dates">`
      + named.map((found, d) => `<div><h4>${d ? "t2" : "t1"} <small>${keys[d] ? text(this.data.by[keys[d]].label) : "no product"}</small></h4><ol>${
        found.map((m) => `<li><span>${m.material === m.name ? "" : `${text(m.material)} · `}${text(m.name)}</span><em>${m.angle.toFixed(1)}°</em></li>`).join("")}</ol></div>`).join("") + "</div>";
  }

  change() {
    const { a, b, measure, threshold } = this.state.change, { data } = this;
    const { look } = data, values = data.map(measure, a, b), unit = measure === "angle" ? "°" : "";
    const found = math.scores(values, threshold, look.change);
    const percent = (v) => (Number.isFinite(v) ? `${(100 * v).toFixed(1)} %` : "–");
    $("threshold-value").textContent = `${threshold.toFixed(measure === "angle" ? 1 : 3)}${unit}`;
    $("scores").innerHTML = `changed: <b>${percent(found.share)}</b>`
      + (look.change ? ` · precision <b>${percent(found.precision)}</b> · recall <b>${percent(found.recall)}</b>`
        : " · precision and recall need a true change map")
      + (look === data.whole ? "" : " · of the part in view")
      + (look.step > 1 ? ` · each pixel the mean of ${look.step} × ${look.step}` : "");
    this.scores = found;
  }

  csv(items) {
    const head = ["item", "kind", "name", "y_pixel", "x_pixel", "x_map", "y_map", "crs", "source",
      "sensor", "date", "band", "wavelength_nm", "fwhm_nm", "explained_by_ms_at_t1", "value", "spread", "pixels", "step"];
    const cell = (v) => (/[",\n]/.test(String(v)) ? `"${String(v).replaceAll('"', '""')}"` : v);
    const lines = [head.join(",")];
    for (const item of items) {
      const map = this.place(item.centre) ?? ["", ""];
      for (const source of this.data.sources) {
        const own = item.spectra[source.key], sensor = this.data.sensors[source.sensor];
        if (!own) continue;
        sensor.centre.forEach((centre, b) => lines.push([
          item.number, item.kind, item.name, ...item.centre.map((v) => +v.toFixed(2)), ...map,
          this.data.crs ?? "", source.label, sensor.name, source.day || source.date, sensor.names[b],
          +centre.toFixed(3), +sensor.fwhm[b].toFixed(3),
          source.sensor === "hs" && this.data.shares ? +this.data.shares[b].toFixed(4) : "",
          Number.isFinite(own.mean[b]) ? own.mean[b].toFixed(5) : "",
          Number.isFinite(own.spread[b]) ? own.spread[b].toFixed(5) : "", own.count, item.step,
        ].map(cell).join(",")));
      }
    }
    return lines.join("\n") + "\n";
  }

  save(content, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
}
