"""Lesson 00: one pixel, and every spectrum there is of it."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import ipywidgets
import numpy as np
from IPython.display import display

from stsf.inspection import with_gaps
from stsf.metrics.figures import sam
from stsf.plots.colour import SOURCE_STYLE, rgb
from stsf.plots.figures import Fused, pixel_spectra
from stsf.scene import KINDS, Scene

DASHES = {"-": "solid", "--": "dashed", ":": "dotted"}


class PixelExplorer:
    """Click a pixel of the image, see every spectrum there is of it.

    Args:
        scene: observations, truth where known.
        fused: result of `stsf.fuse`.
        pixel: (y, x) shown first.
        preset: colours of the image, see `stsf.plots.colour.PRESETS`.
    """

    def __init__(
        self, scene: Scene, fused: Fused, pixel: tuple[int, int], preset: str = "true colour"
    ) -> None:
        self.scene, self.fused, self.pixel = scene, fused, pixel
        image = self._image(preset)
        self.tap = hv.streams.Tap(source=image, x=pixel[1], y=pixel[0])
        self.text = ipywidgets.HTML(self._say())
        marker = hv.DynamicMap(self._marker, streams=[self.tap])
        spectra = hv.DynamicMap(self._spectra, streams=[self.tap])
        self.view = (image * marker + spectra).opts(shared_axes=False, toolbar="above")

    def _image(self, preset: str) -> hv.RGB:
        height, width = self.scene.size
        shown = rgb(self.scene.hrms_t2, self.scene.ms.centre, preset)
        bounds = (-0.5, -0.5, width - 0.5, height - 0.5)
        return hv.RGB(shown[::-1], bounds=bounds).opts(  # row 0 on top, y counts rows
            invert_yaxis=True, tools=["tap"], frame_width=360, frame_height=360 * height // width,
            title=f"MS at t2, {preset}: click a pixel", xlabel="x (pixels)", ylabel="y (pixels)",
        )  # fmt: skip

    def _chosen(self, x: float | None, y: float | None) -> tuple[int, int]:
        """The clicked pixel; a click beside the image keeps the last one."""
        if x is not None and y is not None:
            row, column = round(y), round(x)
            if 0 <= row < self.scene.size[0] and 0 <= column < self.scene.size[1]:
                self.pixel = row, column
        return self.pixel

    def _marker(self, x: float | None, y: float | None) -> hv.Points:
        row, column = self._chosen(x, y)
        return hv.Points([(column, row)]).opts(
            marker="square", size=11, fill_alpha=0, line_color="cyan", line_width=2.5
        )

    def _spectra(self, x: float | None, y: float | None) -> hv.Overlay:
        self._chosen(x, y)
        self.text.value = self._say()
        found = pixel_spectra(self.scene, self.pixel, self.fused)
        curves = [self._curve(key, values) for key, values in found.items()]
        return hv.Overlay(curves).opts(
            frame_width=520, frame_height=360, legend_position="bottom", legend_cols=2,
            xlabel="wavelength (nm)", ylabel="reflectance (0-1)", title=self._title(),
        )  # fmt: skip

    def _curve(self, key: str, values: np.ndarray) -> Any:
        style = SOURCE_STYLE[key]
        if style.line == "none":
            points = hv.Scatter((self.scene.ms.centre, values), label=style.label)
            marker = {"o": "circle", "s": "square"}[style.marker]
            return points.opts(color=style.colour, size=8, marker=marker)
        curve = hv.Curve(with_gaps(self.scene.hs, values), label=style.label)
        return curve.opts(color=style.colour, line_dash=DASHES[style.line], line_width=2)

    def _title(self) -> str:
        row, column = self.pixel
        kind = "" if self.scene.change is None else f" ({KINDS[self.scene.change[self.pixel]]})"
        return f"pixel y = {row}, x = {column}{kind}"

    def _say(self) -> str:
        if self.scene.hrhs_t2 is None:
            return self._title()
        at = (slice(None), slice(self.pixel[0], self.pixel[0] + 1), self.pixel[1], None)
        angle = sam(self.fused.hrhs_t2[at], self.scene.hrhs_t2[at])
        return f"{self._title()}: fused and true spectrum at t2 differ by {angle:.2f}°"

    def _ipython_display_(self) -> None:
        display(self.view, self.text)
