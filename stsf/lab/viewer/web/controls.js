// What each control of the page does.
"use strict";

function controls(viewer) {
  const { state, data } = viewer, on = (id, event, act) => $(id).addEventListener(event, act);
  const option = (v) => `<option>${v}</option>`;
  $("preset").innerHTML = [...Object.keys(data.presets), "single band"].map(option).join("");
  on("preset", "change", () => { state.preset = $("preset").value; viewer.redraw(); });
  const { centre } = data.sensors.hs;
  Object.assign($("nm"), { min: Math.floor(centre[0]), max: Math.ceil(centre.at(-1)), step: 1, value: state.nm });
  on("nm", "input", () => {
    state.nm = Number($("nm").value);
    $("preset").value = state.preset = "single band";
    viewer.soon("redraw", () => viewer.redraw());
  });
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
  });
  on("axes", "click", () => viewer.curves.axes(viewer.items));
  on("clear", "click", () => viewer.clear());
  on("csv", "click", () => viewer.panel.save(
    new Blob([viewer.panel.csv(viewer.items)], { type: "text/csv" }), `${data.name || "scene"}-spectra.csv`));
  on("png", "click", () => viewer.png().then((blob) => viewer.panel.save(blob, `${data.name || "scene"}-view.png`)));
  changeControls(viewer);
}

function changeControls(viewer) {
  const { state, data } = viewer, pairs = data.sources.filter((s) => s.key !== "sigma_t2");
  const choices = pairs.map((s) => ({ key: s.key, label: s.label, reason: s.reason }));
  const fill = () => {
    const { a, b } = state.change, same = data.by[a].sensor;
    viewer.panel.options($("change-a"), choices, a, false);
    viewer.panel.options($("change-b"), choices.map((c) => ({
      ...c, reason: c.reason || (data.by[c.key].sensor === same ? "" : "other bands") })), b, false);
    $("measure").value = state.change.measure;
    const top = math.percentile(data.map(state.change.measure, a, b, data.whole), 0.995)[0] || 1;
    Object.assign($("threshold"), { min: 0, max: top, step: top / 200 });
    $("threshold").value = state.change.threshold = Number((top * 0.25).toPrecision(2));
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
  fill();
}
