"""`stsf fuse`: three images in, the high-resolution HS at t2 out."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stsf.cli.shared import (
    as_text,
    check_target,
    check_targets,
    option,
    overwriting,
    reading_options,
    told,
)
from stsf.errors import Doubt, InputError

if TYPE_CHECKING:
    from stsf.files.imagefile import Image
    from stsf.files.reading import Reading

EXAMPLE = "\b\nExample:\n  stsf fuse --hs hs_t1.tif --ms1 ms_t1.tif --ms2 ms_t2.tif --out hs_t2.tif"


@click.command(epilog=EXAMPLE)
@option("--hs", type=click.Path(), required=True, help="Low-resolution HS at t1 (Y1).")
@option("--ms1", type=click.Path(), required=True, help="High-resolution MS at t1 (M1).")
@option("--ms2", type=click.Path(), required=True, help="High-resolution MS at t2 (M2).")
@option("--out", type=click.Path(path_type=Path), required=True, help="HS at t2 (.tif).")
@option("--out-t1", type=click.Path(path_type=Path), help="Also write the HS at t1.")
@option(
    "--out-error",
    type=click.Path(path_type=Path),
    help="Also write the standard error of each band.",
)
@option(
    "--out-quality",
    type=click.Path(path_type=Path),
    help="Also write why Y1, M1 and M2 have no data: 0 clear, 1 no data, 2 saturated, "
    "3 defective, 4 cloud, 5 cirrus, 6 cloud shadow, 7 haze.",
)
@option(
    "--report",
    type=click.Path(path_type=Path),
    help="Also write a page (.html) with what was estimated, masked, measured and inferred.",
)
@option(
    "--method", default="dcstsf", help="Any registered method, such as dcstsf, cascade, projection."
)
@option(
    "--model", type=click.Path(path_type=Path), help="Trained network; the kit's own without it."
)
@option(
    "--calibrate",
    type=click.Choice(["auto", "none"]),
    default="auto",
    help="Find shift, PSF and MS response from the images, or trust the sensors.",
)
@option(
    "--softness",
    help="How much softer than the MS the bands of each HS detector (VNIR, SWIR) are meant to be, "
    "as the spectrometer itself shows them: auto takes it from the images, else from the MTF in "
    "the sensor's table; or pixels, as 0,0.5. Without it all bands are as sharp as the MS.",
)
@reading_options
@option("--force", is_flag=True, help="Go on where the images contradict one another.")
@option(
    "--tile",
    type=click.IntRange(min=48),
    help="Work in tiles of so many pixels a side, whatever the size of the scene; a large scene "
    "is made in tiles of 288 anyway. Stopped half way, the same command goes on.",
)
@option("--workers", type=click.IntRange(1, 64), default=1, help="Processes that make tiles.")
@option("--scheduler", help="Let the workers of a dask scheduler at this address make the tiles.")
@overwriting
@option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def fuse(
    hs: str,
    ms1: str,
    ms2: str,
    out: Path,
    out_t1: Path | None,
    out_error: Path | None,
    out_quality: Path | None,
    report: Path | None,
    method: str,
    model: Path | None,
    calibrate: str,
    softness: str | None,
    reading: Reading,
    force: bool,
    tile: int | None,
    workers: int,
    scheduler: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Predict the high-resolution HS image at t2."""
    named = {"x2": out, "x1": out_t1, "sigma": out_error, "quality": out_quality}
    targets = {key: path for key, path in named.items() if path is not None}
    check_targets(list(targets.values()), inputs=[hs, ms1, ms2], overwrite=overwrite)
    if report is not None:
        check_page(report, overwrite)
    tiled = ("--tile", tile), ("--workers", workers), ("--scheduler", scheduler)
    for option_of, given in (("--out-error", out_error), ("--softness", softness), *tiled):
        if given not in (None, 1) and method != "dcstsf":
            raise InputError(
                f"expected the method dcstsf with {option_of}, got {method}, which has none: "
                f"leave {option_of} out"
            )
    from stsf.fusion import format_report
    from stsf.tiles.observations import is_large

    start, paths = time.perf_counter(), (hs, ms1, ms2)
    how: dict[str, Any] = {"model": model, "force": force, "progress": sys.stderr.isatty()}
    how["softness"] = as_softness(softness)
    many = tile or scheduler or workers > 1
    if method == "dcstsf" and (many or is_large(paths, reading.nodata)):
        how |= {"workers": workers, "scheduler": scheduler, "calibrate": calibrate == "auto"}
        figures, write_page = in_tiles(paths, targets, reading, tile, **how)
    else:
        figures, write_page = as_one(
            paths, targets, reading, method=method, calibrate=calibrate, **how
        )
    figures["seconds"] = round(time.perf_counter() - start, 2)
    if report is not None:
        write_page(report, figures)
    click.echo(as_text(figures) if as_json else format_report(figures))


def as_softness(text: str | None) -> tuple[float, ...] | str | None:
    """Numbers where it is numbers, separated by commas."""
    try:
        return text and tuple(map(float, text.split(",")))
    except ValueError:
        return text


Done = tuple[dict[str, Any], Callable[[Path, dict[str, Any]], None]]  # report; writer of its page


def in_tiles(
    paths: tuple[str, str, str],
    targets: dict[str, Path],
    reading: Reading,
    side: int | None,
    **how: Any,
) -> Done:
    """A scene of any size; its tiles lie beside the product until it is whole."""
    from stsf.tiles.grid import TILE
    from stsf.tiles.run import make_tiles, put_together

    folder = targets["x2"].with_name(targets["x2"].name + ".tiles")
    with told() as doubts:
        made = make_tiles(paths, folder, tuple(targets), reading, side=side or TILE, **how)
    put_together(made, targets, notes(doubts), how["progress"])

    def page(path: Path, report: dict[str, Any]) -> None:
        from stsf.cli.page import Inputs, picked, write_page

        seen = made.observed
        looks = seen.picked(*picked(seen.size))
        inputs = Inputs(paths, seen.hs, seen.ms, seen.dates, looks)
        write_page(path, inputs, targets, report, made.explained)

    return made.report | {"warnings": doubts}, page


def as_one(
    paths: tuple[str, str, str], targets: dict[str, Path], reading: Reading, **how: Any
) -> Done:
    """A scene in memory."""
    import numpy as np

    from stsf.files.facts import REASONS, masked
    from stsf.files.scenes import image_of, read_scene
    from stsf.fusion import fuse

    with told() as doubts:
        scene = read_scene(*paths, reading=reading)
        fused = fuse(scene, **how)
        lost = 1.0 - fused.valid.mean()
        if lost:
            warnings.warn(
                f"{lost:.1%} of the product has no data: there the HS or an MS date has none",
                Doubt,
                2,
            )
    # the files, with nodata where an image has none
    cubes = {"x2": fused.hrhs_t2, "x1": fused.hrhs_t1, "sigma": fused.sigma_t2}
    keys = {"x2": "hrhs_t2", "x1": "hrhs_t1", "sigma": "hrhs_t2", "quality": "quality"}
    images = {
        path: image_of(fused.scene, keys[name], cubes.get(name)) for name, path in targets.items()
    }
    for name, path in targets.items():
        if name != "quality":
            images[path].cube[:, ~fused.valid] = float("nan")
    write(images, notes(doubts))

    def page(path: Path, report: dict[str, Any]) -> None:
        from stsf.cli.page import Inputs, picked, write_page

        rows, columns = picked(scene.size)
        seen = (image_of(fused.scene, key).cube for key in ("hrms_t1", "hrms_t2"))
        m1, m2 = (cube[:, rows][:, :, columns] for cube in seen)
        inputs = Inputs(paths, scene.hs, fused.scene.ms, scene.dates, (m1, m2))
        write_page(path, inputs, targets, report, fused.explained)

    assert fused.scene.quality is not None
    codes = [np.bincount(q.ravel(), minlength=len(REASONS)) for q in fused.scene.quality]
    masks = masked(dict(zip(("Y1", "M1", "M2"), codes)))
    return {**fused.report, "masks": masks, "warnings": doubts}, page


def check_page(page: Path, overwrite: bool) -> None:
    """Refuse before the work a page that could not be written."""
    if page.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"expected a page ending in .html, got {page}: rename it")
    check_target(page, overwrite=overwrite)


def notes(doubts: list[str]) -> dict[str, str]:
    """The warnings as tags of a product."""
    return {"WARNINGS": "\n".join(doubts)} if doubts else {}


def write(images: dict[Path, Image], notes: dict[str, str]) -> None:
    """All files or none."""
    from stsf.files.atomic import replacing
    from stsf.files.raster import write_geotiff

    with ExitStack() as complete:
        for path, image in images.items():
            temporary = complete.enter_context(replacing(path))
            if image.cube.dtype == "uint8":
                write_geotiff(temporary, image, "uint8")
            else:
                write_geotiff(temporary, replace(image, notes=notes))
