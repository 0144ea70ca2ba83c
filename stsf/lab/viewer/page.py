"""The viewer's page: one HTML file that holds its data, its code and bokeh, and asks no network."""

from __future__ import annotations

import json
from functools import cache
from html import escape
from importlib import resources
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.embed.util import standalone_docs_json_and_render_items
from bokeh.models import (
    BoxSelectTool,
    ColumnDataSource,
    CustomJS,
    LassoSelectTool,
    PanTool,
    Range1d,
    WheelZoomTool,
)
from bokeh.models.annotations import BoxAnnotation, Span
from bokeh.plotting import figure
from bokeh.resources import Resources

PANES = 4
WIDTHS = {False: (296, 610), True: (224, 486)}  # screen pixels of a pane, of a chart; by compact
CHARTS = ("t1", "t2", "difference")
HEIGHTS = {  # of the charts
    False: {"t1": 205, "t2": 205, "difference": 150},
    True: {"t1": 168, "t2": 168, "difference": 125},
}
SCRIPTS = ("math.js", "data.js", "images.js", "curves.js", "panel.js", "controls.js", "main.js")
ASPECTS = (0.45, 1.6)  # height to width of a pane, at least and at most


def page(
    meta: dict[str, Any], blob: str, compact: bool = False, *, ask: str = "", wire: str = ""
) -> str:
    """The whole page.

    Args:
        meta: what `stsf.lab.viewer.viewer` says of the scene; plain values.
        blob: base64 of the arrays that `meta` refers to.
        compact: narrow enough for a notebook.
        ask: how it asks Python for more: "" not at all, "http", "notebook".
        wire: in a notebook, the `name` of a `stsf.lab.viewer.wire.Wire`.
    """
    pane, chart = WIDTHS[compact]
    figures = {
        **_panes(meta["size"], meta["look"]["shape"], pane),
        **_charts(meta, chart, HEIGHTS[compact]),
    }
    document = Document()
    with document.models.freeze():  # else every root has all models counted anew
        for model in figures.values():
            document.add_root(model)
    documents, (item,) = standalone_docs_json_and_render_items(list(figures.values()))
    places = item.to_json()["roots"]  # id of a figure -> id of the element that shall hold it
    roots = {name: places[model.id] for name, model in figures.items()}
    parts = {
        "TITLE": escape(meta["title"]),
        "STYLE": f":root {{ --pane: {pane}px; --chart: {chart}px; }}\n{_file('style.css')}",
        "BOKEH": _bokeh(),
        "META": _json(meta),
        "DOCUMENTS": _json(documents),
        "ITEMS": _json([item.to_json()]),
        "ROOTS": _json(roots),
        "BLOB": blob,
        "ASK": _file(f"ask_{ask}.js").replace("WIRE", wire) if ask else "const ask = null;",
        "SCRIPT": "\n".join(_file(name) for name in SCRIPTS),
    }
    text = _file("page.html")
    pieces = text.split("@@")  # every second piece is the name of a part
    return "".join(parts[p] if i % 2 else p for i, p in enumerate(pieces))


def _json(value: Any) -> str:
    """JSON that is safe inside a script element."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _file(name: str) -> str:
    return (resources.files("stsf.lab.viewer") / "web" / name).read_text(encoding="utf-8")


@cache
def _bokeh() -> str:
    (code,) = Resources(mode="inline", components=["bokeh"], log_level="error").js_raw[:1]
    return code.replace("</script", "<\\/script")


def _call(code: str) -> CustomJS:
    return CustomJS(code=f"window.viewer && window.viewer.{code}")


def _ranges(size: tuple[int, int], across: int) -> tuple[Range1d, Range1d, int]:
    """Ranges that show a whole scene with square pixels, and the height of the pane for it."""
    height, width = size
    down = round(across * float(np.clip(height / width, *ASPECTS)))
    scale = max(width / across, height / down)  # scene pixels a screen pixel
    x, y = (width - 1) / 2, (height - 1) / 2
    right, low = x + across * scale / 2, y + down * scale / 2
    # row 0 on top
    return Range1d(start=2 * x - right, end=right), Range1d(start=low, end=2 * y - low), down


def _panes(size: tuple[int, int], shape: tuple[int, int], across: int) -> dict[str, Any]:
    """Image panes with one range, one cursor and one set of outlines."""
    x, y, down = _ranges(size, across)
    outlines = ColumnDataSource({"xs": [], "ys": [], "colour": []}, name="outlines")
    numbers = ColumnDataSource({"x": [], "y": [], "text": [], "colour": []}, name="numbers")
    cursor = ColumnDataSource({"xs": [], "ys": []}, name="cursor")
    found: dict[str, Any] = {}
    for i in range(PANES):
        pane: Any = figure(
            name=f"pane{i}", x_range=x, y_range=y, toolbar_location=None, tools=[],
            frame_width=across, frame_height=down, x_axis_location=None, y_axis_location=None,
            min_border=2, outline_line_color="#9aa3ad",
        )  # fmt: skip
        pane.grid.visible = False
        pane.background_fill_color = "#808080"
        place = {"x": [-0.5], "y": [-0.5], "dw": [size[1]], "dh": [size[0]]}
        image = ColumnDataSource({"image": [np.zeros(shape, np.uint32)], **place}, name=f"image{i}")
        pane.image_rgba("image", "x", "y", "dw", "dh", source=image, anchor="bottom_left")
        pane.multi_line("xs", "ys", source=outlines, line_color="white", line_width=4)
        pane.multi_line("xs", "ys", source=outlines, line_color="colour", line_width=2)
        pane.multi_line("xs", "ys", source=cursor, line_color="black", line_width=2.5)
        pane.multi_line("xs", "ys", source=cursor, line_color="white", line_width=1.2)
        pane.text(
            "x", "y", "text", source=numbers, text_color="white", text_font_size="12px",
            text_font_style="bold", x_offset=7, y_offset=-5, background_fill_color="colour",
            padding=2, border_radius=3,
        )  # fmt: skip
        if i == 0:
            pane.add_layout(Span(
                dimension="height", name="swipe", visible=False, location=0,
                line_color="white", line_width=1.5,
            ))  # fmt: skip
        for renderer in pane.renderers:
            renderer.nonselection_glyph = None
            renderer.selection_glyph = None
        wheel = WheelZoomTool(name="wheel")
        pane.add_tools(
            PanTool(name="pan"), wheel, BoxSelectTool(name="box"), LassoSelectTool(name="lasso")
        )
        pane.toolbar.active_scroll = wheel
        for click in ("tap", "doubletap"):  # also one soon after another
            pane.js_on_event(click, _call("tap(cb_obj.x, cb_obj.y)"))
        pane.js_on_event("mousemove", _call("hover(cb_obj.x, cb_obj.y)"))
        pane.js_on_event("mouseleave", _call("leave()"))
        pane.js_on_event("selectiongeometry", _call("region(cb_obj.geometry, cb_obj.final)"))
        found[f"pane{i}"] = pane
    return found


def _charts(meta: dict[str, Any], across: int, heights: dict[str, int]) -> dict[str, Any]:
    """Spectra at t1 and t2 and their difference, over one wavelength axis."""
    low, high = meta["limits"]["wavelength"]
    x = Range1d(start=low, end=high)
    titles = {"t1": meta["headings"][0], "t2": meta["headings"][1], "difference": "t2 − t1"}
    found: dict[str, Any] = {}
    for chart in CHARTS:
        span = meta["limits"]["difference" if chart == "difference" else "value"]
        plot: Any = figure(
            name=f"chart-{chart}", x_range=x, y_range=Range1d(start=span[0], end=span[1]),
            toolbar_location=None,
            tools=[], frame_height=heights[chart], frame_width=across - 70,
            title=titles[chart],
            min_border_left=58, min_border_right=10, min_border_bottom=6,
        )  # fmt: skip
        for start, end, _ in meta["covered"] if chart != "t1" else ():  # the MS saw t2 there
            plot.add_layout(_shade(start, end, fill_alpha=0.13))
        for start, end, share in meta["explained"] if chart == "t1" else ():  # a strip at the foot
            strip = _shade(start, end, fill_alpha=0.8 * share**3, bottom=0, top=7)
            strip.bottom_units = strip.top_units = "screen"
            plot.add_layout(strip)
        _curves(plot, chart)
        plot.yaxis.axis_label = "difference" if chart == "difference" else "reflectance (0-1)"
        plot.title.text_font_size = "12px"
        plot.grid.grid_line_color = "#e6e9ec"
        plot.axis.minor_tick_line_color = None
        plot.axis.axis_label_text_font_style = "normal"
        plot.axis.axis_label_text_font_size = "12px"
        plot.yaxis.ticker.desired_num_ticks = 5
        if chart == CHARTS[-1]:
            plot.xaxis.axis_label = "wavelength (nm)"
        else:
            plot.xaxis.major_label_text_font_size = "0px"
        wheel = WheelZoomTool(name="wheel")
        plot.add_tools(PanTool(name="pan"), wheel)
        found[f"chart-{chart}"] = plot
    return found


def _shade(start: float, end: float, **look: Any) -> BoxAnnotation:
    return BoxAnnotation(left=start, right=end, fill_color="#0072B2", line_color=None, **look)


def _curves(plot: Any, chart: str) -> None:
    """Empty glyphs that the page fills: bands of spread, lines, points and their widths."""
    columns = {
        "spread": ("xs", "ys", "colour"),
        "lines": ("xs", "ys", "colour", "dash", "width", "alpha"),
        "points": ("x", "y", "left", "right", "colour", "marker"),
        "bars": ("x", "low", "high", "colour"),
        "labels": ("x", "y", "text", "colour"),
    }
    source = {
        part: ColumnDataSource({name: [] for name in names}, name=f"{chart}-{part}")
        for part, names in columns.items()
    }
    plot.patches("xs", "ys", source=source["spread"], color="colour", fill_alpha=0.15, line_alpha=0)
    plot.multi_line(
        "xs", "ys", source=source["lines"], line_color="colour", line_dash="dash",
        line_width="width", line_alpha="alpha",
    )  # fmt: skip
    plot.segment("left", "y", "right", "y", source=source["points"], line_color="colour")
    plot.segment("x", "low", "x", "high", source=source["bars"], line_color="colour")
    plot.scatter(
        "x", "y", source=source["points"], marker="marker", color="colour", size=6,
        line_color="white", line_width=0.5,
    )  # fmt: skip
    plot.text(
        "x", "y", "text", source=source["labels"], text_color="colour", text_font_size="11px",
        text_font_style="bold", x_offset=4, text_baseline="middle",
    )  # fmt: skip
