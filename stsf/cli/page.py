"""The report of `stsf fuse` as one HTML page: no network, nothing beside the file itself."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from stsf import __version__
from stsf.files.atomic import replacing
from stsf.files.imagefile import Image, ImageFile
from stsf.plots.colour import BLUE, GREY, ORANGE, RED, rgb, stretch_limits
from stsf.sensing.bands import Sensor

LOOK = 420  # pixels of a quick-look along its longer side
GAP = 40.0  # nm from band to band: more means that some are missing
PLACES = ("most changed", "least changed", "brightest", "darkest")


@dataclass(frozen=True)
class Inputs:
    """What the page says of the three images.

    Attributes:
        paths: of Y1, M1 and M2.
        hs: sensor of Y1.
        ms: sensor of M1 and M2.
        dates: of the three, or None.
        looks: M1 and M2 at the pixels of `picked`, (C, h, w) each.
    """

    paths: tuple[str, str, str]
    hs: Sensor
    ms: Sensor
    dates: tuple[str, ...] | None
    looks: tuple[np.ndarray, np.ndarray]


def write_page(
    page: Path,
    inputs: Inputs,
    products: Mapping[str, Path],
    report: Mapping[str, Any],
    explained: np.ndarray | None,
) -> None:
    """Write the page.

    Args:
        page: file to write.
        inputs: see there.
        products: GeoTIFFs by name: "x2", and "x1", "sigma" where they were written.
        report: of `stsf fuse`.
        explained: (L,) share of each band's variance that the MS explains at t1.
    """
    with ImageFile(products["x2"]) as file:
        look = file.image(shape=inputs.looks[0].shape[1:])
    marked = places(*inputs.looks, np.isfinite(look.cube).all(axis=0))
    fits = report["consistency"]
    outside = [(x, *(f"{v:.2%}" for v in what.values())) for x, what in report["outside"].items()]
    what = "HS at t1 (Y1)", "MS at t1 (M1)", "MS at t2 (M2)"
    sensors, dates = (inputs.hs, inputs.ms, inputs.ms), inputs.dates or ("not known",) * 3
    text = Template(files("stsf.cli").joinpath("page.html").read_text("utf-8")).substitute(
        title=escape(f"Fused: {products['x2'].name}"),
        summary=escape(_summary(products["x2"], report)),
        inputs=table(
            ("image", "file", "sensor", "bands", "date"),
            [
                (name, path, s.name, f"{len(s)}, {s.centre[0]:.0f}-{s.centre[-1]:.0f} nm", when)
                for name, path, s, when in zip(what, inputs.paths, sensors, dates)
            ],
        ),
        found=listed(report["found"] or ["Nothing: the sensors were trusted (--calibrate none)."]),
        ties=_ties(report.get("registration", {}).get("tie_points", {})),
        images=png(_quick_looks(inputs, look, marked)),
        spectra=png(_spectra(inputs, products, marked)),
        explained=png(_explained(inputs.hs, inputs.ms, explained)),
        consistency=table(("residual", "over noise"), [(n, f"{v:.2f}") for n, v in fits.items()])
        + table(("values that are no reflectance", "below 0", "above 1"), outside),
        masks=table(
            ("image", "share of pixels"),
            [
                (name, ", ".join(f"{why} {share:.1%}" for why, share in of.items()))
                for name, of in report.get("masks", {}).items()
            ],
        ),
        doubts=listed(report["warnings"] or ["Nothing."]),
        version=__version__,
    )
    with replacing(page) as temporary:
        temporary.write_text(text, encoding="utf-8")


def picked(size: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of an image (H, W) that a quick-look shows.

    Example:
        >>> [len(axis) for axis in picked((2000, 1000))]
        [420, 210]
        >>> picked((4, 1260))[1][:2]
        array([1, 4])
    """
    factor = max(1.0, max(size) / LOOK)
    counts = [max(1, int(n / factor)) for n in size]
    return tuple(((np.arange(k) + 0.5) * n / k).astype(int) for k, n in zip(counts, size))  # type: ignore[return-value]


def places(m1: np.ndarray, m2: np.ndarray, valid: np.ndarray) -> list[tuple[int, int]]:
    """One place (y, x) for each of `PLACES`, at most; fewer where hardly anything has data."""
    known = valid & np.isfinite(m1).all(axis=0) & np.isfinite(m2).all(axis=0)
    change, light = np.sqrt(np.square(m2 - m1).mean(axis=0)), m2.mean(axis=0)
    chosen = []
    for values in (change, -change, light, -light):
        if known.any():
            y, x = np.unravel_index(np.where(known, values, -np.inf).argmax(), known.shape)
            chosen.append((int(y), int(x)))
            known[max(0, y - 9) : y + 10, max(0, x - 9) : x + 10] = False  # each its own
    return chosen


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """An HTML table."""
    cells = ["".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows]
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    return f"<table><tr>{top}</tr>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def listed(lines: Iterable[str]) -> str:
    """An HTML list."""
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def png(figure: Figure) -> str:
    """A figure as a picture in the page."""
    stream = BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def _summary(product: Path, report: Mapping[str, Any]) -> str:
    with ImageFile(product) as file:
        bands, height, width = file.shape
    return (
        f"{height} x {width} pixels in {bands} bands, by the method {report['method']}, "
        f"in {report['seconds']:.0f} s."
    )


def _quick_looks(inputs: Inputs, look: Image, marked: list[tuple[int, int]]) -> Figure:
    m1, m2 = inputs.looks
    assert look.wavelength is not None
    panes = {"M1, observed": (m1, inputs.ms.centre), "M2, observed": (m2, inputs.ms.centre)}
    panes["X2, fused"] = (look.cube, look.wavelength)
    stretch = stretch_limits(panes.values())
    height, width = look.cube.shape[1:]
    figure = Figure(figsize=(11, 11 * height / width / 3 + 0.5), layout="constrained")
    for ax, (title, (cube, nm)) in zip(figure.subplots(1, 3), panes.items()):
        ax.imshow(rgb(cube, nm, stretch=stretch), interpolation="nearest")
        ax.set(title=title, xticks=[], yticks=[])
        for number, (y, x) in enumerate(marked, 1):
            disc = {"boxstyle": "circle,pad=0.2", "fc": "white", "ec": "black"}
            ax.annotate(str(number), (x, y), ha="center", va="center", fontsize=8, bbox=disc)
    return figure


def _ties(found: Mapping[str, Any]) -> str:
    """Residual vectors of the tie points, before and after the field; nothing where there are none.

    Args:
        found: `stsf.alignment.tie_points.Ties.as_dict`.
    """
    surveys = {"M1": found.get("ms"), "Y1": found.get("hs")}
    told = {name: of for name, of in surveys.items() if of}
    if not told:
        return ""
    figure = Figure(figsize=(11, 5.0 * len(told)), layout="constrained")
    for axes, (name, of) in zip(figure.subplots(len(told), 2, squeeze=False), told.items()):
        at, *left = np.hsplit(np.array(of["vectors"]), 3)
        wide = np.ptp(at, axis=0).max() / 8  # as long as the radius before is drawn
        panes = zip(axes, left, ("ce90_one_shift", "ce90"), ("one shift", "the field"))
        for ax, vectors, key, by in panes:
            if by == "the field" and not of["order"]:
                ax.set_axis_off()
                continue
            length = wide / max(of["ce90_one_shift"], 0.01)
            ax.quiver(
                *at.T[::-1], *vectors.T[::-1], color=BLUE, angles="xy", scale_units="xy",
                scale=1 / length, width=0.004,
            )  # fmt: skip
            ax.set(title=f"{name}: {by} leaves {of[key]:.2f} px (CE90)", aspect="equal")
            ax.set(xlabel=f"column; one pixel is drawn {length:.0f} long", ylabel="row")
            ax.margins(0.15)
            ax.invert_yaxis()
    words = "Residual vectors of the tie points on the grid of M2, and the radius of 90 % of them"
    return f'<img alt="{words}" src="{png(figure)}"><p class="note">{words}.</p>'


def _spectra(inputs: Inputs, products: Mapping[str, Path], marked: list[tuple[int, int]]) -> Figure:
    figure = Figure(figsize=(11, 6.4), layout="constrained")
    curves = {key: _at(path, marked) for key, path in products.items() if key != "quality"}
    for n, (ax, (y, x)) in enumerate(zip(figure.subplots(2, 2, sharex=True).flat, marked)):
        x2 = curves["x2"][n]
        if "sigma" in curves:
            wide = 1.645 * curves["sigma"][n]
            (nm, low), (_, high) = (with_gaps(inputs.hs, x2 + s * wide) for s in (-1, 1))
            ax.fill_between(nm, low, high, color=RED, alpha=0.2, lw=0)
        if "x1" in curves:
            ax.plot(*with_gaps(inputs.hs, curves["x1"][n]), color=BLUE, label="X1, fused")
        ax.plot(*with_gaps(inputs.hs, x2), color=RED, label="X2, fused (90 % shaded, if told)")
        ax.plot(inputs.ms.centre, inputs.looks[1][:, y, x], "s", color=ORANGE, label="M2, observed")
        ax.set_title(f"{n + 1}: {PLACES[n]}", fontsize="medium")
        ax.set(xlabel="wavelength (nm)", ylabel="reflectance")
        ax.grid(alpha=0.3)
        ax.legend(frameon=False, fontsize="small")
    return figure


def _at(path: Path, marked: list[tuple[int, int]]) -> list[np.ndarray]:
    """(L,) spectra of a product at places of its quick-look."""
    with ImageFile(path) as file:
        rows, columns = picked(file.shape[1:])
        pixels = [(int(rows[y]), int(columns[x])) for y, x in marked]
        return [file.read((slice(y, y + 1), slice(x, x + 1)))[:, 0, 0] for y, x in pixels]


def with_gaps(hs: Sensor, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A curve that breaks where bands are missing: wavelengths and values."""
    missing = np.flatnonzero(np.diff(hs.centre) > GAP) + 1
    return np.insert(hs.centre, missing, np.nan), np.insert(values, missing, np.nan)


def _explained(hs: Sensor, ms: Sensor, explained: np.ndarray | None) -> Figure:
    figure = Figure(figsize=(11, 2.6), layout="constrained")
    ax = figure.subplots()
    if explained is None:
        ax.text(0.5, 0.5, "this method does not say", ha="center", transform=ax.transAxes)
    else:
        ax.plot(hs.centre, explained, ".", color=GREY)
    for centre, width in zip(ms.centre, ms.fwhm):
        ax.axvspan(centre - width / 2, centre + width / 2, color=ORANGE, alpha=0.3, lw=0)
    ax.set(xlabel="wavelength (nm); the bands of the MS shaded", ylabel="explained", ylim=(0, 1.02))
    return figure
