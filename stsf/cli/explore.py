"""`stsf explore`: the viewer for people without notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Timer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from stsf.cli.shared import check_target, overwriting, reading_options, told
from stsf.errors import InputError

if TYPE_CHECKING:
    from stsf.files.reading import Reading
    from stsf.lab.viewer.viewer import Viewer

EXAMPLE = """\b
Examples:
  stsf explore scene/ --fused-t2 hs_t2.tif --html look.html
  stsf explore --hs y.tif --ms1 a.tif --ms2 b.tif --hs-sensor AHSI"""
FILE = click.Path(path_type=Path)
OBSERVED = {"hs": "lrhs_t1", "ms1": "hrms_t1", "ms2": "hrms_t2"}
KNOWN = {"truth_t1": "hrhs_t1", "truth_t2": "hrhs_t2", "change": "change"}


@click.command(epilog=EXAMPLE)
@click.argument("folder", type=FILE, required=False)
@click.option("--hs", type=FILE, help="Low-resolution HS at t1 (Y1), in place of FOLDER.")
@click.option("--ms1", type=FILE, help="High-resolution MS at t1 (M1).")
@click.option("--ms2", type=FILE, help="High-resolution MS at t2 (M2).")
@click.option("--truth-t1", type=FILE, help="What is known of the high-resolution HS at t1.")
@click.option("--truth-t2", type=FILE, help="The same at t2.")
@click.option("--change", type=FILE, help="Map of what changed: 0 and 1, or the kit's codes.")
@click.option("--fused-t1", type=FILE, help="Fused HS at t1, on the grid of the MS.")
@click.option("--fused-t2", type=FILE, help="Fused HS at t2, on the grid of the MS.")
@click.option("--sigma", type=FILE, help="Standard error of the fused HS at t2.")
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="NAME=FILE",
    help="An image of one's own on the grid of the MS, to show beside the others; repeatable.",
)
@click.option("--outlines", type=FILE, help="GeoJSON with lines or polygons to draw on the images.")
@reading_options
@click.option(
    "--fuse",
    is_flag=True,
    help="Fuse the scene first, with the default method; this needs it in memory.",
)
@click.option(
    "--part",
    type=(click.IntRange(0), click.IntRange(0), click.IntRange(1)),
    help="Only a square: first row, first column and side, MS pixels.",
)
@click.option("--html", type=FILE, help="Write one self-contained page and stop.")
@overwriting
@click.option("--browser/--no-browser", default=True, help="Open the browser, or only say where.")
def explore(
    folder: Path | None,
    fuse: bool,
    part: tuple[int, int, int] | None,
    html: Path | None,
    overwrite: bool,
    browser: bool,
    layers: tuple[str, ...],
    outlines: Path | None,
    reading: Reading,
    **given: Any,
) -> None:
    """Look at a scene: images, spectra and change of both dates.

    FOLDER holds hs_t1.tif, ms_t1.tif and ms_t2.tif, and what is known of the truth, as
    `stsf simulate` writes them; files of other names are given by --hs, --ms1 and --ms2. The page
    is served on this machine only, until Ctrl-C.
    """
    if html is not None:
        check_target(html, overwrite=overwrite)
    observed = {key: given[option] for option, key in OBSERVED.items() if given[option]}
    if (folder is None) != (len(observed) == len(OBSERVED)) or (folder and observed):
        raise InputError(
            "expected a folder, or --hs, --ms1 and --ms2 together: name the one or the other"
        )
    own = {"layers": _named(layers), "outlines": outlines, "part": part}
    import_module("stsf.lab.viewer.viewer")  # what takes time from here on are the files
    with told(), _patience("looking at the files; large ones without overviews take a while"):
        viewer = _viewer(folder, observed, fuse, reading, given, own)
    if html is not None:
        click.echo(f"wrote {viewer.save_html(html)}: {html.stat().st_size / 1e6:.1f} MB")
        return
    from stsf.lab.viewer.serve import serve_page

    serve_page(
        viewer.page(ask="http"),
        viewer.answer,
        lambda address: click.echo(f"{address}\nCtrl-C stops"),
        browser=browser,
    )


def _named(layers: tuple[str, ...]) -> dict[str, Path]:
    """Names and files of layers."""
    for layer in layers:
        name, _, file = layer.partition("=")
        if not name or not file:
            raise InputError(
                f"expected --layer NAME=FILE, got {layer!r}: such as --layer slope=a.tif"
            )
    return {name: Path(file) for name, _, file in (layer.partition("=") for layer in layers)}


@contextmanager
def _patience(words: str) -> Iterator[None]:
    """Say what is going on, if it takes longer than two seconds."""
    timer = Timer(2.0, lambda: click.echo(f"{words} ...", err=True))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _viewer(
    folder: Path | None,
    observed: dict[str, Any],
    fuse: bool,
    reading: Reading,
    given: dict[str, Any],
    own: dict[str, Any],
) -> Viewer:
    """The viewer of a folder or of files, of which only what is shown is read.

    Args:
        folder: a scene as `stsf simulate` writes it, or None.
        observed: files in place of it.
        fuse: fuse the scene first.
        reading: what the files do not say.
        given: options that name truth and results.
        own: layers, outlines and part, as `stsf.explore` takes them.
    """
    import stsf

    results = {"fused_t1": "hrhs_t1", "fused_t2": "hrhs_t2", "sigma": "sigma_t2"}
    fused = SimpleNamespace(**{key: given[option] for option, key in results.items()})
    known = {key: given[option] for option, key in KNOWN.items() if given[option]}
    if fuse:
        if any(vars(fused).values()):
            raise InputError("expected either --fuse or files with a fused result: drop one")
        return _fused(folder, observed, known, reading, own)
    if folder is None:
        return stsf.explore(observed | known, fused, reading=reading, **own)
    if known:
        raise InputError(
            "expected truth and change map in the folder itself, got options for them: name all "
            "files by options, --hs, --ms1 and --ms2 too"
        )
    return stsf.explore(folder, fused, reading=reading, **own)


def _fused(
    folder: Path | None,
    observed: dict[str, Any],
    known: dict[str, Any],
    reading: Reading,
    own: dict[str, Any],
) -> Viewer:
    """The viewer of a scene that is fused first."""
    import stsf
    from stsf.files.scenes import open_scene, read_scene
    from stsf.lab.viewer.layers import coarse_pixels

    if folder is not None:
        scene = open_scene(folder, reading)
    else:
        y1, m1, m2 = (observed[key] for key in OBSERVED.values())
        truth: dict[str, Any] = {option: known.get(key) for option, key in KNOWN.items()}
        scene = read_scene(y1, m1, m2, reading, **truth)
    part = own.pop("part")
    if part is not None:
        if own["layers"]:
            raise InputError("expected --layer without --part where --fuse is given: drop one")
        scene = scene.crop(*coarse_pixels(scene.size, scene.ratio, part))
    return stsf.explore(scene, stsf.fuse(scene), **own)
