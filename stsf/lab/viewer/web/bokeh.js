// What the page asks of Bokeh beyond its interface, so that strokes and clicks are quick.
"use strict";

// A document whose models are searched for once, not at every stroke.
function remembering(shown) {
  const models = new Map();
  return { get_model_by_name: (name) =>
    models.get(name) ?? models.set(name, shown.get_model_by_name(name)).get(name) };
}

// The views of the figures by name, tuned.
function tuned(managers) {
  const all = managers.flatMap((manager) => [...manager]);
  const views = Object.fromEntries(all.map((view) => [view.model.name, view]));
  // hold, then drag, is a drag: the gesture "press", not used here, would swallow it
  all[0].canvas_view.ui_event_bus.ui_gestures.constructor.press_threshold = 2 ** 31 - 1;
  // no style sheet says the colour and width of a stroke: not asked for every one of them
  let visual = views.pane0.visuals.background_fill;
  while (visual && !Object.hasOwn(visual, "_get_css_value")) visual = Object.getPrototypeOf(visual);
  if (visual) visual._get_css_value = () => "";
  // the type of the page keeps its size: no need to lay out the page to ask for it
  for (const view of all) Object.defineProperty(view, "base_font_size", { value: view.base_font_size });
  // what is selected or muted looks like all else: one glyph for all, which is given new curves once
  const given = { set_base() {}, set_visuals() {}, after_visuals() {}, map_data() {}, remove() {},
    set_data: async () => {}, after_lazy_visuals: async () => {} };
  for (const { model, computed_renderer_views: parts = [] } of all)
    for (const part of parts)
      if (part.glyph && model.name !== "chart-scatter")
        for (const kind of ["selection_glyph", "nonselection_glyph", "muted_glyph", "decimated_glyph"])
          part[kind] = Object.assign(Object.create(part.glyph), given);
  // what lies on top is cut at the frame, as what lies below it
  for (const { computed_renderer_views: parts = [] } of all)
    for (const part of parts)
      if (part.model.level === "overlay") Object.defineProperty(part, "needs_clip", { value: true });
  return views;
}
