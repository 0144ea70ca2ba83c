"""`stsf prepare`: three images as they come, cropped or warped onto one grid."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from affine import Affine

from stsf.cli.shared import (
    check_target,
    check_targets,
    option,
    overwriting,
    reading_options,
    told,
)

if TYPE_CHECKING:
    from stsf.files.imagefile import Image
    from stsf.files.reading import Reading
    from stsf.sensing.bands import Sensor

EXAMPLE = (
    "\b\nExample:\n  stsf prepare --hs hs.zip --ms1 a.vrt --ms2 b.jp2 --ms-bands B2,B3,B4,B8 "
    "--out scene/"
)
TABLES = ("hs_bands.csv", "ms_bands.csv")


@click.command(epilog=EXAMPLE)
@option("--hs", type=click.Path(), required=True, help="Low-resolution HS at t1 (Y1).")
@option("--ms1", type=click.Path(), required=True, help="High-resolution MS at t1 (M1).")
@option("--ms2", type=click.Path(), required=True, help="High-resolution MS at t2 (M2).")
@option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@reading_options
@overwriting
def prepare(hs: str, ms1: str, ms2: str, out: Path, reading: Reading, overwrite: bool) -> None:
    """Write a folder for `stsf fuse` and `stsf explore`: three images on the grid of the second MS.

    The images may differ in projection, extent, pixel size and orientation. What can be cropped is
    not resampled. They are read and written by windows, whatever their size. Two band tables lie
    beside them, with what a GeoTIFF has no place for: measured responses, detectors, MTF.
    """
    from stsf.alignment.common_grid import common_grid
    from stsf.files.atomic import replacing
    from stsf.files.checks import check_days
    from stsf.files.reading import placed
    from stsf.files.scenes import FILES
    from stsf.files.windows import open_files, write_windows
    from stsf.sensing.sensors import to_csv
    from stsf.tiles.memory import one_heap

    targets = [out / FILES[key] for key in ("lrhs_t1", "hrms_t1", "hrms_t2")]
    tables = [out / name for name in TABLES]
    check_targets(targets, inputs=[hs, ms1, ms2], overwrite=overwrite)
    for table in tables:
        check_target(table, overwrite=overwrite)
    one_heap()
    with ExitStack() as held, ExitStack() as complete:  # all files or none
        with told():
            files = open_files((hs, ms1, ms2), reading, held)
            check_days([image.date for image in files[:3]])
        common = common_grid(*map(placed, files[:3]))
        cubes = common.lrhs_t1, common.hrms_t1, common.hrms_t2
        for target, image, cube, bands in zip(
            targets, files[:3], cubes, (files.hs, files.ms, files.ms)
        ):
            scale = common.ratio if cube is common.lrhs_t1 else 1
            place = common.transform and common.transform @ Affine.scale(scale)
            there = replace(image, cube=cube, crs=common.crs, control=None, transform=place)
            temporary = complete.enter_context(replacing(target))
            write_windows(temporary, _told(there, bands), target.name)
        for table, bands in zip(tables, (files.hs, files.ms)):
            to_csv(bands, complete.enter_context(replacing(table)))
    for line in common.done:
        click.echo(line)
    options = "--hs", "--ms1", "--ms2", "--hs-sensor", "--ms-sensor"
    words = [word for pair in zip(options, map(str, [*targets, *tables])) for word in pair]
    click.echo(f"wrote {out}: go on with stsf fuse {shlex.join(words)}")


def _told(image: Image, bands: Sensor) -> Image:
    """The image with the names and wavelengths by which its bands were told."""
    return replace(
        image, names=bands.band_names, wavelength=bands.centre, fwhm=bands.fwhm, sensor=bands.name
    )
