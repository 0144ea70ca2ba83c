"""The viewer: two dates, every sensor, the fused result and the truth on one pixel.

One page serves three uses: shown in JupyterLab, saved as a file to hand out, opened by
`stsf explore`. It holds its data, its code and its drawing library; nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps

from stsf.colour import CHANGE_COLOUR, PRESETS, REACH, SOURCE_STYLE
from stsf.errors import InputError
from stsf.lab.coding import Blob, Coded, code, count
from stsf.lab.facts import (
    axis_limits,
    covered_ranges,
    first_view,
    sensor_facts,
    titles,
    without_bad_bands,
)
from stsf.lab.inspection import materials, sources
from stsf.lab.page import page
from stsf.plots import Fused
from stsf.raster import replacing
from stsf.scene import KINDS, Scene

MOST_PIXELS = 600 * 600  # of a scene that a page can hold
SIGMA_BUDGET = 1e6  # bytes for the uncertainty
PIN_COLOURS = (
    "#C2185B",
    "#2E7D32",
    "#4527A0",
    "#B26A00",
    "#00838F",
    "#6D4C41",
    "#7B1FA2",
    "#546E7A",
)
REASONS = {
    "hrhs_t1": "no fused result given",
    "hrhs_t2": "no fused result given",
    "truth_t1": "the truth is not known",
    "truth_t2": "the truth is not known",
    "sigma_t2": "this result states no uncertainty",
}
DATE_OF = {"lrhs_t1": 0, "hrms_t1": 1, "hrhs_t1": 1, "truth_t1": 1}  # else M2's
FRAME_HEIGHT = 960  # screen pixels in a notebook


def explore(
    scene: Scene, fused: Fused | None = None, *, pixels: Sequence[tuple[int, int]] = ()
) -> Viewer:
    """Look at spectra and change: linked images, pins, regions, thresholds, library matches.

    In a notebook the last value of a cell shows it; `save_html` writes it as one file.

    Args:
        scene: observations, and the truth where it is known. What is missing is greyed out.
        fused: result of `stsf.fuse`; `hrhs_t1` or `hrhs_t2` may be None. Its `sigma` (L, H, W),
            if any, is drawn as the uncertainty of X2.
        pixels: (y, x) that carry a pin from the start.

    Raises:
        InputError: a fused result of another shape, a pixel outside, a scene too large for a page.

    Example:
        >>> import stsf
        >>> viewer = stsf.explore(stsf.load_sample().crop(slice(0, 10), slice(0, 12)))
        >>> viewer.size
        (30, 36)
    """
    return Viewer(scene, fused, pixels)


class Viewer:
    """The page of one scene; see `explore`.

    Attributes:
        size: (H, W) of the product grid.
        max_error: largest error of an HS value in the page against its cube, reflectance; the
            observations are kept to 16 bits.
        rms_error: root mean square of the same.
    """

    def __init__(
        self, scene: Scene, fused: Fused | None, pixels: Sequence[tuple[int, int]]
    ) -> None:
        _check(scene, fused, pixels)
        self.pixels = [tuple(p) for p in pixels]
        self.scene, self.fused = without_bad_bands(scene, fused)
        self._dropped = len(scene.hs) - len(self.scene.hs)
        self.size = scene.size
        self._blob, self._planes = Blob(), list[dict[str, Any]]()
        cubes = sources(self.scene, self.fused)
        planar = {key: cube for key, cube in cubes.items() if key.startswith(("hrhs", "truth"))}
        self._coded = code(planar) if planar else None
        if self._coded:
            self._add_plane(self._coded)
        self.max_error = self._coded.max_error if self._coded else 0.0
        self.rms_error = self._coded.rms_error if self._coded else 0.0
        self._sources = [self._source(key, cubes.get(key)) for key in SOURCE_STYLE]
        self._sources.append(self._sigma())
        self._meta = self._describe(cubes)
        self._text = self._blob.text()

    def page(self) -> str:
        """The whole page as text."""
        return page(self._meta, self._text)

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

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """A frame of its own in the notebook, so that neither disturbs the other."""
        inner = (
            page(self._meta, self._text, compact=True).replace("&", "&amp;").replace('"', "&quot;")
        )
        frame = (
            f'<iframe class="stsf-viewer" title="{escape(self._meta["title"])}" '
            f'style="width:100%;height:{FRAME_HEIGHT}px;border:0" srcdoc="{inner}"></iframe>'
        )
        return {"text/html": frame, "text/plain": f"Viewer of {self._meta['title']}"}

    def _source(self, key: str, cube: np.ndarray | None) -> dict[str, Any]:
        """One source: how it is drawn, and its data or the reason why there is none."""
        style = SOURCE_STYLE[key]
        dates = self.scene.dates
        about: dict[str, Any] = {
            "key": key, "label": style.label, "colour": style.colour, "line": style.line,
            "marker": style.marker, "date": key[-2:], "reason": "",
            "sensor": "ms" if key.startswith("hrms") else "hs",
            "day": dates[DATE_OF.get(key, 2)] if dates else "",
        }  # fmt: skip
        if cube is None:
            return about | {"reason": REASONS[key]}
        if self._coded and key in self._coded.counts:
            return about | self._coordinates(self._coded, key)
        counts, step = count(cube)
        ratio = self.size[0] // cube.shape[1]
        return about | {"counts": self._blob.add(counts), "step": step, "ratio": ratio}

    def _coordinates(self, coded: Coded, key: str) -> dict[str, Any]:
        axes = [self._blob.add(axis) for axis in coded.counts[key]]
        valid = self._blob.add(coded.valid[key].astype(np.uint8))
        return {"axes": axes, "valid": valid, "plane": len(self._planes) - 1}

    def _add_plane(self, coded: Coded) -> None:
        mean, basis = coded.mean.astype(np.float32), coded.basis.astype(np.float32)
        parts = {"mean": mean, "basis": basis, "step": coded.step}
        self._planes.append({name: self._blob.add(array) for name, array in parts.items()})

    def _sigma(self) -> dict[str, Any]:
        """The uncertainty of X2, where a result states one, on a small plane of its own."""
        about: dict[str, Any] = {
            "key": "sigma_t2", "label": "uncertainty of X2", "sensor": "hs", "date": "t2",
            "colour": SOURCE_STYLE["hrhs_t2"].colour, "line": "-", "marker": "none",
            "reason": REASONS["sigma_t2"], "day": "",
        }  # fmt: skip
        sigma = getattr(self.fused, "sigma", None)
        if sigma is None:
            return about
        valid = np.asarray(self.scene.valid_hr)
        coded = code({"sigma_t2": np.where(valid, sigma, np.nan)}, budget=SIGMA_BUDGET)
        self._add_plane(coded)
        return about | {"reason": ""} | self._coordinates(coded, "sigma_t2")

    def _describe(self, cubes: dict[str, np.ndarray]) -> dict[str, Any]:
        scene, change = self.scene, self.scene.change
        table = (colormaps["viridis"](np.arange(256))[:, :3] * 255).round().astype(np.uint32)
        found = materials(scene.hs)
        known = np.where(np.isfinite(found.spectra), found.spectra, 0.0)  # unknown bands are unused
        return {
            **titles(scene, self._dropped),
            "name": scene.name,
            "size": list(self.size),
            "sensors": {"hs": sensor_facts(scene.hs), "ms": sensor_facts(scene.ms)},
            "sources": self._sources,
            "planes": self._planes,
            "change": None if change is None else self._blob.add(change),
            "kinds": [{"label": kind, "colour": CHANGE_COLOUR[kind]} for kind in KINDS],
            "table": self._blob.add(
                np.uint32(0xFF000000) | table[:, 2] << 16 | table[:, 1] << 8 | table[:, 0]
            ),
            "library": {
                "names": found.names, "material": found.material, "used": found.used.tolist(),
                "spectra": self._blob.add(known),
            },
            "presets": PRESETS,
            "reach": REACH,
            "pins": PIN_COLOURS,
            "covered": covered_ranges(scene),
            "limits": axis_limits(scene, cubes),
            "crs": scene.crs and scene.crs.to_string(),
            "transform": scene.transform and [float(v) for v in scene.transform[:6]],
            "start": first_view(cubes, self.pixels),
            "footer": self._footer(),
        }  # fmt: skip

    def _footer(self) -> str:
        observed = "Observations are kept to 16 bits."
        if self._coded is None:
            return observed
        return (
            f"{observed} X1, X2 and the truth are kept as {len(self._coded.step)} coordinates a "
            f"pixel: an HS value here differs from its cube by at most {self.max_error:.4f}, "
            f"by {self.rms_error:.5f} RMS (reflectance)."
        )


def _check(scene: Scene, fused: Fused | None, pixels: Sequence[tuple[int, int]]) -> None:
    height, width = scene.size
    if height * width > MOST_PIXELS:
        raise InputError(
            f"expected at most {MOST_PIXELS} pixels for a page, got {height} x {width}: look at a "
            "part, scene.crop(...) or --part"
        )
    if fused is not None:
        want = (len(scene.hs), height, width)
        for name in ("hrhs_t1", "hrhs_t2"):
            cube = getattr(fused, name)
            got = np.shape(cube)
            if cube is not None and got != want:
                raise InputError(
                    f"{name} must have the shape {want} of the scene, got {got}: "
                    "explore a result together with the scene it was made from"
                )
    for pixel in pixels:
        if not (0 <= pixel[0] < height and 0 <= pixel[1] < width):
            raise InputError(f"pixel must be (y, x) within {scene.size}, got {pixel}: move it")
