"""The viewer: two dates, every sensor, the fused result and the truth on one pixel.

One page serves three uses: shown in JupyterLab, saved as a file to hand out, opened by
`stsf explore`. It holds its data, its code and its drawing library; nothing is fetched. The page
of a scene too large for that holds a look at it, and in the first and the last use it asks Python
for spectra and closer looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps

from stsf.errors import InputError
from stsf.files.atomic import replacing
from stsf.files.reading import Reading
from stsf.inspection import Pixels, materials, polygon_pixels, window_pixels
from stsf.lab.viewer.coding import Blob, Coded
from stsf.lab.viewer.facts import (
    axis_limits,
    covered_ranges,
    explained_ranges,
    first_view,
    lonlat,
    metres,
    sensor_facts,
    titles,
)
from stsf.lab.viewer.layers import Layers, Spectra, coarse_pixels, of_scene
from stsf.lab.viewer.look import LOOK_PIXELS, look_at, pack
from stsf.lab.viewer.opening import File, of_files, of_folder, own_layer, read_outlines
from stsf.lab.viewer.page import page
from stsf.plots.colour import CHANGE_COLOUR, PRESETS, REACH, SOURCE_STYLE, Style
from stsf.scene import KINDS, Scene

PIN_COLOURS = (
    "#C2185B #2E7D32 #4527A0 #B26A00 #00838F #6D4C41 #7B1FA2 #546E7A "
    "#D32F2F #1565C0 #827717 #AD1457 #004D40 #E65100 #311B92 #37474F"
).split()
REASONS = {
    "hrhs_t1": "no fused result given",
    "hrhs_t2": "no fused result given",
    "truth_t1": "the truth is not known",
    "truth_t2": "the truth is not known",
    "sigma_t2": "this result states no uncertainty",
}
SIGMA_STYLE = Style("uncertainty of X2", SOURCE_STYLE["hrhs_t2"].colour, "-", "none")
DATE_OF = {"lrhs_t1": 0, "hrms_t1": 1, "hrhs_t1": 1, "truth_t1": 1}  # else M2's
MATCH_ANGLE = 10.0  # degrees; a library spectrum farther off names nothing
FRAME_HEIGHT = 800  # screen pixels in a notebook


def explore(
    scene: Scene | File | Mapping[str, File],
    fused: Any = None,
    *,
    reading: Reading | None = None,
    pixels: Sequence[tuple[int, int]] = (),
    part: tuple[int, int, int] | None = None,
    layers: Mapping[str, np.ndarray | File] | None = None,
    outlines: File | None = None,
) -> Viewer:
    """Look at spectra and change: linked images, pins, regions, thresholds, library matches.

    In a notebook the last value of a cell shows it; `save_html` writes it as one file.

    Args:
        scene: observations, and the truth where it is known; or a folder that `write_scene` left,
            of which only what is shown is read; or files of any name by the keys of
            `stsf.files.FILES`. What is missing is greyed out.
        fused: result of `stsf.fuse`, or anything with some of its attributes `hrhs_t1`,
            `hrhs_t2`, `sigma_t2` (each a cube or a file) and `explained`; `sigma_t2` is drawn
            as the band that holds 90 % of the errors of X2, `explained` as a strip of its own.
        reading: what files do not say themselves.
        pixels: (y, x) that carry a pin from the start.
        part: only a square: first row, first column and side in MS pixels.
        layers: images of one's own by name, (H, W) or files on the product grid.
        outlines: a GeoJSON file of lines or polygons, drawn over the images.

    Raises:
        InputError: a fused result or a layer of another shape, a pixel or a part outside.

    Example:
        >>> import stsf
        >>> viewer = stsf.explore(stsf.load_sample().crop(slice(0, 10), slice(0, 12)))
        >>> viewer.size
        (30, 36)
    """
    if isinstance(scene, Scene):
        opened = of_scene(scene, fused)
    elif isinstance(scene, Mapping):
        opened = of_files(scene, fused, reading)
    else:
        opened = of_folder(scene, fused, reading)
    opened = replace(
        opened, own={n: own_layer(n, v, opened.size) for n, v in (layers or {}).items()}
    )
    if part is not None:
        opened = opened.crop(*coarse_pixels(opened.size, opened.ratio("lrhs_t1"), part))
    return Viewer(opened, pixels, None if outlines is None else read_outlines(outlines))


class Viewer:
    """The page of one scene; see `explore`.

    Attributes:
        layers: what it looks at.
        size: (H, W) of the product grid.
        pins: pins and regions as they stand in the page, where it can tell: each a dict with
            `number`, `kind`, `name`, `centre` (y, x), and `window` (pixels a side) or `corners`
            (y, x). Their spectra are `viewer.spectra(pin)`.
        max_error: largest error of an HS value in the page against its cube, reflectance; the
            observations of a small scene are kept to 16 bits.
        rms_error: root mean square of the same.
    """

    def __init__(
        self,
        layers: Layers,
        pixels: Sequence[tuple[int, int]] = (),
        outlines: dict[str, Any] | None = None,
    ) -> None:
        for pixel in pixels:
            if not all(0 <= p < n for p, n in zip(pixel, layers.size)):
                raise InputError(
                    f"pixel must be (y, x) within {layers.size}, got {tuple(pixel)}: move it"
                )
        self.layers, self.size, self._outlines = layers, layers.size, outlines
        self.pins: list[dict[str, Any]] = [
            {"number": n, "kind": "pin", "name": f"pin {n}", "centre": list(p), "window": 1}
            for n, p in enumerate(pixels, start=1)
        ]
        look, blob = look_at(layers), Blob()
        self.step = look.step
        packed, coded = pack(look, blob)
        self.max_error = coded.max_error if coded else 0.0
        self.rms_error = coded.rms_error if coded else 0.0
        self._meta = self._describe(look.cubes, blob) | {
            "look": packed,
            "start": first_view(look.cubes, [tuple(p) for p in pixels]),
            "footer": self._footer(coded),
        }
        self._text = blob.text()

    def page(self, ask: str = "") -> str:
        """The whole page as text.

        Args:
            ask: how it asks Python for more: "" not at all, "http" of `stsf explore`.
        """
        return page(self._meta, self._text, ask=ask)

    def save_html(self, path: str | Path) -> Path:
        """Write the page as one file that needs neither network nor kernel.

        Raises:
            InputError: a name that does not end in .html, a folder that cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise InputError(f"expected a file ending in .html, got {path}: rename it")
        with replacing(path) as temporary:
            temporary.write_text(self.page(), encoding="utf-8")
        return path

    def _ipython_display_(self) -> None:
        """A frame of its own in the notebook, so that neither disturbs the other."""
        from IPython.display import display

        from stsf.lab.viewer.wire import Wire

        wire = Wire(self.answer)
        text = page(self._meta, self._text, ask="notebook", wire=wire.name)
        inner = text.replace("&", "&amp;").replace('"', "&quot;")
        frame = (
            f'<iframe class="stsf-viewer" title="{escape(self._meta["title"])}" '
            f'style="width:100%;height:{FRAME_HEIGHT}px;border:0" srcdoc="{inner}"></iframe>'
        )
        display(wire)
        display({"text/html": frame, "text/plain": f"Viewer of {self._meta['title']}"}, raw=True)

    def spectra(self, pin: dict[str, Any]) -> Spectra:
        """Mean, spread and pixel count of every source over a pin or region.

        Args:
            pin: one of `pins`.

        Example:
            >>> import stsf
            >>> viewer = stsf.explore(stsf.load_sample(), pixels=[(5, 9)])
            >>> mean, spread, count = viewer.spectra(viewer.pins[0])["hrms_t2"]
            >>> mean.shape, count
            ((4,), 1)
        """
        return self.layers.spectra(self._pixels(pin))

    def _pixels(self, pin: dict[str, Any]) -> Pixels:
        if "window" in pin:
            return window_pixels(tuple(pin["centre"]), pin["window"], self.size)
        corners = np.array(pin["corners"], dtype=float)
        first = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, np.array(self.size) - 1)
        last = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, first + 1, self.size)
        rows, columns = polygon_pixels(corners - first, tuple(last - first))
        return rows + first[0], columns + first[1]

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """What the page asks for: spectra of a pin, a closer look, or to remember its pins."""
        if "pins" in question:
            self.pins = question["pins"]
            return {}
        if "part" in question:
            (top, left), (low, right) = question["part"]
            blob = Blob()
            packed, _ = pack(look_at(self.layers, (slice(top, low), slice(left, right))), blob)
            return {"look": packed, "blob": blob.text()}
        pixels = self._pixels(question["spectra"])
        if not len(pixels[0]):
            return {}
        spectra = {
            key: {"mean": _plain(mean), "spread": _plain(spread), "count": count}
            for key, (mean, spread, count) in self.layers.spectra(pixels).items()
        }
        codes = self.layers.codes(pixels)
        codes = None if codes is None else codes.astype(int).tolist()
        return {"spectra": spectra, "pixels": len(pixels[0]), "codes": codes}

    def _describe(self, cubes: dict[str, np.ndarray], blob: Blob) -> dict[str, Any]:
        layers = self.layers
        table = (colormaps["viridis"](np.arange(256))[:, :3] * 255).round().astype(np.uint32)
        known = materials(layers.hs)
        spectra = np.where(
            np.isfinite(known.spectra), known.spectra, 0.0
        )  # unknown bands are unused
        return {
            **titles(layers),
            "name": layers.name,
            "size": list(layers.size),
            "most": LOOK_PIXELS,
            "sensors": {"hs": sensor_facts(layers.hs), "ms": sensor_facts(layers.ms)},
            "sources": [self._source(key) for key in (*SOURCE_STYLE, "sigma_t2")],
            "kinds": [{"label": kind, "colour": CHANGE_COLOUR[kind]} for kind in KINDS],
            "table": blob.add(
                np.uint32(0xFF000000) | table[:, 2] << 16 | table[:, 1] << 8 | table[:, 0]
            ),
            "library": {
                "names": known.names,
                "material": known.material,
                "used": known.used.tolist(),
                "spectra": blob.add(spectra),
            },
            "presets": PRESETS,
            "reach": REACH,
            "pins": PIN_COLOURS,
            "covered": covered_ranges(layers),
            "explained": explained_ranges(layers),
            "shares": None if layers.explained is None else layers.explained.tolist(),
            "good": MATCH_ANGLE,
            "limits": axis_limits(layers, cubes),
            "layers": [{"name": name} for name in layers.own],
            "outlines": self._outlines,
            "metres": metres(layers),
            "lonlat": lonlat(layers),
            "crs": layers.crs and layers.crs.to_string(),
            "transform": layers.transform and [float(v) for v in layers.transform[:6]],
        }

    def _source(self, key: str) -> dict[str, Any]:
        """One source: how it is drawn, and the reason why there is none, if so."""
        style, dates = SOURCE_STYLE.get(key, SIGMA_STYLE), self.layers.dates
        return {
            "key": key,
            "label": style.label,
            "colour": style.colour,
            "line": style.line,
            "marker": style.marker,
            "date": key[-2:],
            "reason": "" if key in self.layers.cubes else REASONS[key],
            "sensor": "ms" if key.startswith("hrms") else "hs",
            "day": dates[DATE_OF.get(key, 2)] if dates else "",
        }

    def _footer(self, coded: Coded | None) -> str:
        """How exact the page is."""
        said = "Observations are kept to 16 bits."
        if self.step > 1:
            side = f"{self.step} × {self.step}"
            said = f"One pixel of this page is the mean of {side} pixels of the scene."
        if coded is None:
            return said
        what = "HS cubes" if self.step > 1 else "X1, X2 and the truth"
        return (
            f"{said} {what} are kept as {len(coded.step)} coordinates a "
            f"pixel: an HS value here differs from its cube by at most {self.max_error:.4f}, "
            f"by {self.rms_error:.5f} RMS (reflectance)."
        )


def _plain(values: np.ndarray) -> list[float | None]:
    """Numbers for JSON, which has no NaN."""
    return [float(v) if np.isfinite(v) else None for v in values]
