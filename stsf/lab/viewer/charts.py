"""The charts of the viewer's page: empty figures that the page fills."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import (
    BoxSelectTool,
    ColumnDataSource,
    CustomJS,
    PanTool,
    Range1d,
    WheelZoomTool,
)
from bokeh.models.annotations import BoxAnnotation, Span
from bokeh.plotting import figure

CHARTS = ("t1", "t2", "difference")


def call(code: str) -> CustomJS:
    """Call a method of the page's viewer."""
    return CustomJS(code=f"window.viewer && window.viewer.{code}")


def charts(meta: dict[str, Any]) -> dict[str, Any]:
    """Spectra at t1 and t2 and their difference over one wavelength axis; profile and scatter.

    Args:
        meta: what `stsf.lab.viewer.viewer` says of the scene.

    Returns:
        Figures by name; the page fills them and fits their size to its window.
    """
    low, high = meta["limits"]["wavelength"]
    x = Range1d(start=low, end=high)
    titles = {"t1": meta["headings"][0], "t2": meta["headings"][1], "difference": "t2 − t1"}
    plots: dict[str, Any] = {}
    for chart in CHARTS:
        span = meta["limits"]["difference" if chart == "difference" else "value"]
        plot: Any = figure(
            name=f"chart-{chart}", x_range=x, y_range=Range1d(start=span[0], end=span[1]),
            toolbar_location=None, tools=[], frame_height=120, frame_width=530,
            title=titles[chart], min_border_left=58, min_border_right=10, min_border_bottom=6,
        )  # fmt: skip
        for start, end, _ in meta["covered"] if chart != "t1" else ():  # the MS saw t2 there
            plot.add_layout(_shade(start, end, fill_alpha=0.13))
        for start, end, share in meta["explained"] if chart == "t1" else ():  # a strip at the foot
            strip = _shade(start, end, fill_alpha=0.8 * share**3, bottom=0, top=7)
            strip.bottom_units = strip.top_units = "screen"
            plot.add_layout(strip)
        for k, colour in enumerate(("#C62828", "#2E7D32", "#1565C0")):  # bands on the images
            plot.add_layout(Span(
                dimension="height", name=f"{chart}-mark{k}", visible=False, location=0,
                line_color=colour, line_width=1, line_dash="dashed", level="overlay",
            ))  # fmt: skip
        _curves(plot, chart, "glyph")
        _curves(plot, f"{chart}-top", "overlay")  # drawn again without those below
        plot.yaxis.axis_label = "difference" if chart == "difference" else "reflectance (0-1)"
        _plain(plot)
        if chart == CHARTS[-1]:
            plot.xaxis.axis_label = "wavelength (nm)"
        else:
            plot.xaxis.major_label_text_font_size = "0px"
        wheel = WheelZoomTool(name="wheel")
        plot.add_tools(PanTool(name="pan"), wheel)
        plot.js_on_event("mousemove", call(f"over('{chart}', cb_obj.x, cb_obj.y)"))
        plot.js_on_event("mouseleave", call("leave()"))
        plot.js_on_event("tap", call("showBand(cb_obj.x)"))
        plots[f"chart-{chart}"] = plot
    return plots | {"chart-profile": _profile(), "chart-scatter": _scatter()}


def _profile() -> Any:
    """Values along a line, one curve a source."""
    plot = _tool("chart-profile")
    columns: dict[str, list[Any]] = {"xs": [], "ys": [], "colour": [], "dash": [], "width": []}
    plot.multi_line(
        "xs", "ys", source=ColumnDataSource(columns, name="profile"), line_color="colour",
        line_dash="dash", line_width="width",
    )  # fmt: skip
    plot.js_on_event("mousemove", call("tools.alongLine(cb_obj.x)"))
    plot.js_on_event("mouseleave", call("leave()"))
    return plot


def _scatter() -> Any:
    """How many pixels have which pair of values; a box in it is a brush."""
    plot = _tool("chart-scatter")
    cells = {"image": [np.zeros((1, 1), np.uint32)], "x": [0], "y": [0], "dw": [1], "dh": [1]}
    source = ColumnDataSource(cells, name="scatter")
    drawn = plot.image_rgba("image", "x", "y", "dw", "dh", source=source)
    drawn.nonselection_glyph = drawn.selection_glyph = None
    box = BoxSelectTool(name="brush")
    plot.add_tools(box)
    plot.toolbar.active_drag = box
    plot.js_on_event("selectiongeometry", call("tools.brush(cb_obj.geometry, cb_obj.final)"))
    return plot


def _tool(name: str) -> Any:
    """An empty chart below the spectra; the page gives it its size, its ranges and its words."""
    plot: Any = figure(
        name=name, toolbar_location=None, tools=[], frame_height=100, frame_width=400,
        x_range=Range1d(start=0, end=1), y_range=Range1d(start=0, end=1),
        min_border_left=58, min_border_right=10,
    )  # fmt: skip
    _plain(plot)
    return plot


def _plain(plot: Any) -> None:
    """Light grid, small type."""
    plot.title.text_font_size = "12px"
    plot.grid.grid_line_color = "#e6e9ec"
    plot.axis.minor_tick_line_color = None
    plot.axis.axis_label_text_font_style = "normal"
    plot.axis.axis_label_text_font_size = "12px"
    plot.yaxis.ticker.desired_num_ticks = 4


def _shade(start: float, end: float, **look: Any) -> BoxAnnotation:
    return BoxAnnotation(left=start, right=end, fill_color="#0072B2", line_color=None, **look)


def _curves(plot: Any, name: str, level: str) -> None:
    """Empty glyphs that the page fills: bands of spread, lines, points and their widths."""
    columns = {
        "spread": ("xs", "ys", "colour"),
        "lines": ("xs", "ys", "colour", "dash", "width", "alpha"),
        "points": ("x", "y", "left", "right", "colour", "marker"),
        "bars": ("x", "low", "high", "colour"),
        "labels": ("x", "y", "text", "colour"),
    }
    source = {
        part: ColumnDataSource({column: [] for column in of}, name=f"{name}-{part}")
        for part, of in columns.items()
    }

    def on(part: str, **look: Any) -> dict[str, Any]:
        return {"source": source[part], "level": level, **look}

    plot.patches("xs", "ys", **on("spread", color="colour", fill_alpha=0.15, line_alpha=0))
    look = {"line_dash": "dash", "line_width": "width", "line_alpha": "alpha"}
    plot.multi_line("xs", "ys", **on("lines", line_color="colour", **look))
    plot.segment("left", "y", "right", "y", **on("points", line_color="colour"))
    plot.segment("x", "low", "x", "high", **on("bars", line_color="colour"))
    edge = {"size": 6, "line_color": "white", "line_width": 0.5}
    plot.scatter("x", "y", **on("points", marker="marker", color="colour", **edge))
    font = {"text_font_size": "11px", "text_font_style": "bold", "text_baseline": "middle"}
    plot.text("x", "y", "text", **on("labels", text_color="colour", x_offset=4, **font))
