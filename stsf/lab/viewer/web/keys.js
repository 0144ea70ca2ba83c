// The keyboard: what the mouse does can be done without one.
"use strict";

const STEP = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function keys(viewer) {
  const band = (by) => {  // the next band of the HS
    const { centre } = viewer.data.sensors.hs, now = viewer.data.nearest("lrhs_t1", viewer.state.nm) ?? 0;
    viewer.showBand(centre[Math.max(0, Math.min(centre.length - 1, now + by))]);
  };
  const acts = {
    v: () => viewer.mode("pan"), x: () => viewer.mode("box"), o: () => viewer.mode("lasso"),
    t: () => viewer.mode("line"), h: () => viewer.reset(), b: () => viewer.tools.blink(),
    p: () => viewer.tools.play(), n: () => viewer.tools.next("change"),
    ",": () => band(-1), ".": () => band(1),
    Enter: () => { const [top, left, low, right] = viewer.view(); viewer.pin(Math.floor((top + low) / 2), Math.floor((left + right) / 2)); },
    Delete: () => viewer.state.chosen && viewer.remove(viewer.state.chosen),
  };
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea")) return;
    if (key === "Enter" && target.closest("button")) return;
    if (STEP[key] && target.closest("[role=tablist]")) return;
    const moved = STEP[key] && viewer.state.chosen?.kind === "pin";
    if (!moved && !acts[key]) return;
    event.preventDefault();
    if (moved) viewer.move(viewer.state.chosen, ...STEP[key].map((v) => v * (event.shiftKey ? 10 : 1)));
    else acts[key]();
  });
  $("tabs").addEventListener("keydown", ({ key }) => {
    if (!STEP[key]) return;
    const tabs = [...document.querySelectorAll("[data-tab]")], now = tabs.findIndex((t) => t.dataset.tab === viewer.tools.open);
    const next = tabs[(now + (STEP[key][0] || STEP[key][1]) + tabs.length) % tabs.length];
    viewer.tools.tab(next.dataset.tab);
    next.focus();
  });
}
