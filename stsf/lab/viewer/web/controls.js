// What each control of the page does.
"use strict";

function controls(viewer) {
  const { state, data } = viewer, on = (id, event, act) => $(id).addEventListener(event, act);
  const option = (v) => `<option>${v}</option>`;
  $("preset").innerHTML = [...Object.keys(data.presets), "single band"].map(option).join("");
  on("preset", "change", () => { state.preset = $("preset").value; viewer.redraw(); });
  const { centre } = data.sensors.hs;
  for (const id of ["nm", "nm-number"])
    Object.assign($(id), { min: Math.floor(centre[0]), max: Math.ceil(centre.at(-1)), step: 1, value: state.nm });
  on("nm", "input", () => viewer.band(Number($("nm").value)));
  on("nm-number", "change", () => viewer.showBand(Number($("nm-number").value)));
  on("stretch", "change", () => { state.stretch = $("stretch").value; viewer.redraw(); });
  on("window", "change", () => { state.window = Number($("window").value); });
  for (const button of document.querySelectorAll("[data-mode]"))
    button.onclick = () => viewer.mode(button.dataset.mode);
  on("reset", "click", () => viewer.reset());
  const choices = viewer.images.choices();
  state.panes.forEach((key, i) => {
    viewer.panel.options($(`source${i}`), choices, key);
    on(`source${i}`, "change", () => { state.panes[i] = $(`source${i}`).value; viewer.redraw(); });
  });
  const swipe = choices.map((c) => ({ ...c }));
  viewer.panel.options($("swipe"), swipe, "");
  $("swipe").insertAdjacentHTML("afterbegin", '<option value="" selected>nothing</option>');
  on("swipe", "change", () => { state.swipe.key = $("swipe").value; viewer.redraw(); });
  on("share", "input", () => {
    state.swipe.share = Number($("share").value) / 100;
    viewer.soon("redraw", () => viewer.redraw());
  });
  on("continuum", "change", () => {
    state.continuum = $("continuum").checked;
    viewer.refresh();
    viewer.curves.axes(true);
  });
  on("axes", "click", () => viewer.curves.axes(true));
  on("clear", "click", () => viewer.clear());
  on("csv", "click", () => viewer.panel.save(
    new Blob([viewer.panel.csv(viewer.items)], { type: "text/csv" }), `${data.name || "scene"}-spectra.csv`));
  changeControls(viewer);
  toolControls(viewer, on);
  fileControls(viewer, on);
}

function toolControls(viewer, on) {
  const { state, data, tools } = viewer;
  for (const button of document.querySelectorAll("[data-tab]")) button.onclick = () => tools.tab(button.dataset.tab);
  for (const button of document.querySelectorAll("[data-next]")) {
    const { next } = button.dataset, needs = { change: [], error: ["hrhs_t2", "truth_t2"], sigma: ["sigma_t2"] }[next];
    const lacks = needs.find((key) => !data.has(key));
    Object.assign(button, { disabled: Boolean(lacks), title: lacks ? data.by[lacks].reason : "", onclick: () => tools.next(next) });
  }
  $("indices").innerHTML = [...Object.keys(INDICES), "own formula"].map((name) => `<option>${text(name)}</option>`).join("");
  on("indices", "change", () => tools.formula(INDICES[$("indices").value] ?? $("formula").value));
  on("formula", "input", () => { $("indices").value = "own formula"; tools.formula($("formula").value); });
  on("along", "change", () => tools.profile());
  viewer.panel.options($("scatter-of"), data.sources.filter((s) => s.key !== "sigma_t2").map((s) => ({ ...s })),
    data.has("hrhs_t2") ? "hrhs_t2" : "hrms_t2", false);
  for (const id of ["scatter-of", "scatter-x", "scatter-y"]) on(id, "change", () => tools.unbrush());
  on("unbrush", "click", () => tools.unbrush());
  on("blink", "click", () => tools.blink());
  on("play", "click", () => tools.play());
  $("formula").value = state.formula.source;
}

function fileControls(viewer, on) {
  const { exchange, panel, data, print } = viewer, name = data.name || "scene";
  const give = (content, type, end) => panel.save(new Blob([content], { type }), `${name}-${end}`);
  const said = (words, wrong = false) => { $("files-said").textContent = words; $("files-said").className = wrong ? "wrong" : ""; };
  const load = (id, act) => on(id, "change", async () => {
    const files = [...$(id).files];
    try {
      if (files.length) said((await act(files)) ?? "loaded");
    } catch (error) {
      said(error instanceof SyntaxError ? `${files[0].name}: expected JSON: take another file` : error.message, true);
    }
    $(id).value = "";
  });
  on("view-save", "click", () => give(JSON.stringify(exchange.view(), null, 1), "application/json", "view.json"));
  load("view-load", async ([file]) => exchange.restore(JSON.parse(await file.text())));
  Object.assign($("geojson-save"), { disabled: !data.lonlat, title: data.lonlat ? "" : "this scene has no map coordinates" });
  on("geojson-save", "click", () => give(exchange.geo.save(viewer.items), "application/geo+json", "regions.geojson"));
  load("geojson-load", async ([file]) => exchange.outlines(JSON.parse(await file.text())));
  on("outlines-regions", "click", () => exchange.regions());
  on("library-save", "click", () => give(exchange.csv(), "text/csv", "library.csv"));
  on("library-envi", "click", () => {
    const { header, values } = exchange.envi();
    give(header, "text/plain", "library.hdr");
    give(values.buffer, "application/octet-stream", "library.sli");
  });
  load("library-load", async (files) => { $("library-said").textContent = await exchange.library(files); });
  on("svg", "click", () => give(print.svg().body, "image/svg+xml", "view.svg"));
  on("png", "click", async () => panel.save(await print.png(), `${name}-view.png`));
}

function changeControls(viewer) {
  const { state, data } = viewer, pairs = data.sources.filter((s) => s.key !== "sigma_t2");
  const choices = pairs.map((s) => ({ key: s.key, label: s.label, reason: s.reason }));
  const fill = (wanted) => {
    const { a, b } = state.change, same = data.by[a].sensor;
    viewer.panel.options($("change-a"), choices, a, false);
    viewer.panel.options($("change-b"), choices.map((c) => ({
      ...c, reason: c.reason || (data.by[c.key].sensor === same ? "" : "other bands") })), b, false);
    $("measure").value = state.change.measure;
    const top = math.percentile(data.map(state.change.measure, a, b, data.whole), 0.995)[0] || 1;
    Object.assign($("threshold"), { min: 0, max: top, step: top / 200 });
    $("threshold").value = state.change.threshold = wanted ?? Number((top * 0.25).toPrecision(2));
    viewer.panel.change();
  };
  const changed = (field) => (event) => {
    state.change[field] = event.target.value;
    const { a, b } = state.change;
    if (data.by[a].sensor !== data.by[b].sensor)
      state.change.b = pairs.find((s) => data.has(s.key) && s.key !== a && s.sensor === data.by[a].sensor)?.key ?? a;
    fill();
    viewer.redraw();
  };
  $("change-a").onchange = changed("a");
  $("change-b").onchange = changed("b");
  $("measure").onchange = changed("measure");
  $("threshold").oninput = () => {
    state.change.threshold = Number($("threshold").value);
    viewer.panel.change();
    viewer.soon("redraw", () => viewer.redraw());
  };
  viewer.fillChange = fill;
  fill();
}
