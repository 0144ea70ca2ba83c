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
    LassoSelectTool,
    PanTool,
    Range1d,
    WheelZoomTool,
)
from bokeh.models.annotations import Span
from bokeh.plotting import figure
from bokeh.resources import Resources

from stsf.lab.viewer.charts import call, charts

PANES = 4
PANE = 280  # screen pixels across, until the page fits itself into its window (room.js)
SCRIPTS = (
    "math.js", "formula.js", "data.js", "images.js", "curves.js", "readout.js", "room.js",
    "panel.js", "tools.js", "geojson.js", "exchange.js", "print.js", "keys.js", "controls.js",
    "bokeh.js", "main.js",
)  # fmt: skip
ASPECTS = (0.45, 1.6)  # height to width of a pane, at least and at most


def page(meta: dict[str, Any], blob: str, *, ask: str = "", wire: str = "") -> str:
    """The whole page.

    Args:
        meta: what `stsf.lab.viewer.viewer` says of the scene; plain values.
        blob: base64 of the arrays that `meta` refers to.
        ask: how it asks Python for more: "" not at all, "http", "notebook".
        wire: in a notebook, the `name` of a `stsf.lab.viewer.wire.Wire`.
    """
    figures = {**_panes(meta["size"], meta["look"]["shape"], PANE), **charts(meta)}
    document = Document()
    with document.models.freeze():  # else every root has all models counted anew
        for model in figures.values():
            document.add_root(model)
    documents, (item,) = standalone_docs_json_and_render_items(list(figures.values()))
    places = item.to_json()["roots"]  # id of a figure -> id of the element that shall hold it
    roots = {name: places[model.id] for name, model in figures.items()}
    parts = {
        "TITLE": escape(meta["title"]),
        "STYLE": _file("style.css"),
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
    vectors = ColumnDataSource({"xs": [], "ys": []}, name="vectors")  # outlines of one's own
    line = ColumnDataSource({"xs": [], "ys": []}, name="line")  # of the profile
    panes: dict[str, Any] = {}
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
        for source, width in ((vectors, 1.5), (line, 2)):  # hidden until there are any
            pane.multi_line(
                "xs", "ys", source=source, line_color="#FFEB3B", line_width=width,
                name=f"{source.name}-lines", visible=False,
            )  # fmt: skip
        # on a canvas of its own, so that a pin or the pointer does not draw the image again
        for source, colour, width in (
            (outlines, "white", 4), (outlines, "colour", 2),
            (cursor, "black", 2.5), (cursor, "white", 1.2),
        ):  # fmt: skip
            pane.multi_line(
                "xs", "ys", source=source, line_color=colour, line_width=width, level="overlay"
            )
        pane.text(
            "x", "y", "text", source=numbers, text_color="white", text_font_size="12px",
            text_font_style="bold", x_offset=7, y_offset=-5, background_fill_color="colour",
            padding=2, border_radius=3, level="overlay",
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
            pane.js_on_event(click, call("tap(cb_obj.x, cb_obj.y)"))
        pane.js_on_event("mousemove", call(f"hover(cb_obj.x, cb_obj.y, {i})"))
        for phase in ("panstart", "pan", "panend"):
            pane.js_on_event(phase, call(f"tools.drag('{phase}', cb_obj.x, cb_obj.y)"))
        pane.js_on_event("mouseleave", call("leave()"))
        pane.js_on_event("selectiongeometry", call("region(cb_obj.geometry, cb_obj.final)"))
        panes[f"pane{i}"] = pane
    return panes
