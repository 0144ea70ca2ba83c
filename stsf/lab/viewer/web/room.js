// Room: panes, charts and tools grow with the window and fit on one screen where they can.
"use strict";

const NARROW = 760;  // px; below, one column
const AROUND_PANE = 64, AROUND_CHART = [26, 26, 68], BESIDE_CHART = 72;  // px: selects, captions, titles, axes
const CHART_SHARE = [0.38, 0.38, 0.24], TOOLS = 130;  // px of the tools, at least

class Room {
  constructor(documents) {
    this.model = (name) => documents.get_model_by_name(name);
    const { frame_width, frame_height } = this.model("pane0");
    this.aspect = frame_height / frame_width;
  }

  fit() {
    const { style } = document.documentElement, narrow = innerWidth < NARROW;
    document.body.classList.toggle("narrow", narrow);
    const free = innerHeight - $("images").getBoundingClientRect().top - scrollY - $("footer").offsetHeight - 12;
    const inside = document.body.clientWidth - 24;
    const across = Math.floor(narrow ? inside - 6
      : Math.max(140, Math.min((free - 2 * AROUND_PANE - 4) / 2 / this.aspect, (0.5 * inside - 24) / 2)));
    const chart = Math.floor(narrow ? inside : inside - 2 * (across + 6) - 22);
    style.setProperty("--pane", `${across}px`);
    style.setProperty("--chart", `${chart}px`);
    for (let i = 0; i < 4; i++)
      this.model(`pane${i}`).setv({ frame_width: across, frame_height: Math.round(across * this.aspect) });
    const above = $("pointer").offsetHeight + $("legend").offsetHeight + $("tabs").offsetHeight + 14;
    const around = AROUND_CHART.reduce((a, b) => a + b);
    const room = narrow ? 420 : Math.max(150, Math.min(0.72 * (free - above - around), free - above - around - TOOLS));
    const heights = CHART_SHARE.map((share) => Math.round(share * room));
    ["t1", "t2", "difference"].forEach((name, i) => this.model(`chart-${name}`).setv({
      frame_width: chart - BESIDE_CHART, frame_height: heights[i] }));
    const tools = Math.max(TOOLS, free - above - around - heights.reduce((a, b) => a + b) - 4);
    style.setProperty("--tab", `${Math.floor(tools)}px`);
    this.model("chart-profile").setv({ frame_width: chart - BESIDE_CHART - 20, frame_height: Math.max(70, tools - 96) });
    this.model("chart-scatter").setv({ frame_width: Math.max(120, Math.min(chart - 360, 520)), frame_height: Math.max(90, tools - 60) });
  }
}
