"""Lesson 00: one pixel, and every spectrum there is of it."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import ipywidgets
import numpy as np
from contourpy import contour_generator
from IPython.display import display
from matplotlib import colormaps

from stsf.inspection import with_gaps
from stsf.metrics.figures import sam
from stsf.plots.colour import CHANGE_COLOUR, SOURCE_STYLE, rgb
from stsf.plots.figures import Fused, pixel_spectra
from stsf.scene import KINDS, Scene

SIDE = 260  # pixels of a screen: image and curves fit a laptop's
DASHES = {"-": "solid", "--": "dashed", ":": "dotted"}


class PixelExplorer:
    """Click a pixel of the image, see every spectrum there is of it.

    Args:
        scene: with truth and map of changes.
        fused: result of `stsf.fuse`.
        pixel: (y, x) shown first.
    """

    def __init__(self, scene: Scene, fused: Fused, pixel: tuple[int, int]) -> None:
        self.scene, self.fused, self.pixel = scene, fused, pixel
        self.backdrop = ipywidgets.ToggleButtons(
            options=["MS at t1", "MS at t2", "error at t2"], value="MS at t2"
        )
        self.backdrop.observe(self._other_image, names="value")
        self._pictures = self._draw()
        self._shown = hv.streams.Stream.define("Shown", shows=self.backdrop.value)()
        image = hv.DynamicMap(self._image, streams=[self._shown])
        self.tap = hv.streams.Tap(source=image, x=pixel[1], y=pixel[0])
        self.text = ipywidgets.HTML(self._say())
        marker = hv.DynamicMap(self._marker, streams=[self.tap])
        spectra = hv.DynamicMap(self._spectra, streams=[self.tap])
        outlines = hv.Overlay([self._outline(code) for code in np.unique(scene.true_change())[1:]])
        beside = image * outlines * marker + spectra
        self.view = beside.opts(shared_axes=False, toolbar=None)

    def _image(self, shows: str) -> hv.RGB:
        height, width = self.scene.size
        shown = self._pictures[shows]
        bounds = (-0.5, -0.5, width - 0.5, height - 0.5)
        return hv.RGB(shown[::-1], bounds=bounds).opts(  # row 0 on top, y counts rows
            invert_yaxis=True, tools=["tap"], frame_width=SIDE, frame_height=SIDE * height // width,
            title=f"{shows}: click a pixel", xlabel="x (pixels)", ylabel="y (pixels)",
        )  # fmt: skip

    def _draw(self) -> dict[str, np.ndarray]:
        """(H, W, 3) each of the images to choose from."""
        scene = self.scene
        error = np.sqrt(np.mean(np.square(self.fused.hrhs_t2 - scene.truth(2)), axis=0))
        cubes = {"MS at t1": scene.hrms_t1, "MS at t2": scene.hrms_t2}
        drawn = {name: rgb(cube, scene.ms.centre) for name, cube in cubes.items()}
        return drawn | {
            "error at t2": colormaps["viridis"](error / np.percentile(error, 98))[..., :3]
        }

    def _outline(self, code: int) -> hv.Contours:
        """Where one kind of change happened."""
        inside = np.pad(self.scene.true_change() == code, 1).astype(float)  # closed at the edge
        lines = contour_generator(z=inside).lines(0.5)
        colour = CHANGE_COLOUR[KINDS[code]]
        paths = hv.Contours([np.asarray(line) - 1 for line in lines], label=KINDS[code])
        return paths.opts(color=colour, line_width=1.5, show_legend=False)

    def _other_image(self, _: object) -> None:
        self._shown.event(shows=self.backdrop.value)

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
        spectra = pixel_spectra(self.scene, self.pixel, self.fused)
        curves = [self._curve(key, values) for key, values in spectra.items()]
        return hv.Overlay(curves).opts(
            frame_width=340, frame_height=SIDE, legend_position="right",
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
        display(self.backdrop, self.text, self.view)
