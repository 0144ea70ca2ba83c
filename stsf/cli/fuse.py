"""`stsf fuse`: three images in, the high-resolution HS at t2 out."""

from __future__ import annotations

import sys
import time
import warnings
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stsf.cli.shared import as_text, check_targets, option, overwriting, reading_options, told
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
@reading_options
@option("--force", is_flag=True, help="Go on where the images contradict one another.")
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
    method: str,
    model: Path | None,
    calibrate: str,
    reading: Reading,
    force: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Predict the high-resolution HS image at t2."""
    targets = [path for path in (out, out_t1, out_error, out_quality) if path is not None]
    check_targets(targets, inputs=[hs, ms1, ms2], overwrite=overwrite)
    import numpy as np

    from stsf import fusion
    from stsf.files.scenes import image_of, read_scene

    if out_error is not None and method != "dcstsf":
        raise InputError(
            f"expected the method dcstsf with --out-error, got {method}, which does not say how "
            "sure it is: leave --out-error out"
        )
    start = time.perf_counter()
    with told() as doubts:
        scene = read_scene(hs, ms1, ms2, reading)
        fused = fusion.fuse(
            scene,
            method,
            model=model,
            calibrate=calibrate,  # type: ignore[arg-type]
            force=force,
            progress=sys.stderr.isatty(),
        )
        lost = 1.0 - fused.valid.mean()
        if lost:
            warnings.warn(
                f"{lost:.1%} of the product has no data: there the HS or an MS date has none",
                Doubt,
                2,
            )
    report = {**fused.report, "warnings": doubts, "seconds": round(time.perf_counter() - start, 2)}
    products = {out: image_of(fused.scene, "hrhs_t2", fused.hrhs_t2)}
    if out_t1 is not None:
        products[out_t1] = image_of(fused.scene, "hrhs_t1", fused.hrhs_t1)
    if out_error is not None and fused.sigma_t2 is not None:
        products[out_error] = image_of(fused.scene, "hrhs_t2", fused.sigma_t2)
    for image in products.values():
        image.cube[:, ~fused.valid] = np.nan
    reasons = {} if out_quality is None else {out_quality: image_of(fused.scene, "quality")}
    write(products, reasons, doubts)
    click.echo(as_text(report) if as_json else fusion.format_report(report))


def write(products: dict[Path, Image], reasons: dict[Path, Image], doubts: list[str]) -> None:
    """All files or none; the warnings go into the tags of the products."""
    from stsf.files.atomic import replacing
    from stsf.files.raster import write_geotiff

    notes = {"WARNINGS": "\n".join(doubts)} if doubts else {}
    with ExitStack() as complete:
        for path, image in products.items():
            write_geotiff(complete.enter_context(replacing(path)), replace(image, notes=notes))
        for path, image in reasons.items():
            write_geotiff(complete.enter_context(replacing(path)), image, "uint8")
