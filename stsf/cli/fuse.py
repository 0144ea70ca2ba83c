"""`stsf fuse`: three images in, the high-resolution HS at t2 out."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path

import click

from stsf.cli.shared import as_text, check_targets, option, told
from stsf.errors import InputError

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
    "--method", default="dcstsf", help="Any registered method, such as dcstsf, cascade, projection."
)
@option(
    "--model", type=click.Path(path_type=Path), help="Trained network; the kit's own without it."
)
@option(
    "--calibrate",
    type=click.Choice(["auto", "none"]),
    default="auto",
    help="Find shift and PSF from the images, or trust the sensors.",
)
@option("--hs-sensor", help="HS sensor, where the file does not say.")
@option("--ms-sensor", help="MS sensor, where the files do not say.")
@option("--force", is_flag=True, help="Go on where the images contradict one another.")
@option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def fuse(
    hs: str,
    ms1: str,
    ms2: str,
    out: Path,
    out_t1: Path | None,
    out_error: Path | None,
    method: str,
    model: Path | None,
    calibrate: str,
    hs_sensor: str | None,
    ms_sensor: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Predict the high-resolution HS image at t2."""
    targets = [path for path in (out, out_t1, out_error) if path is not None]
    check_targets(targets, inputs=[hs, ms1, ms2])
    from stsf import fusion
    from stsf.files.atomic import replacing
    from stsf.files.raster import write_geotiff
    from stsf.files.scenes import image_of, read_scene

    if out_error is not None and method != "dcstsf":
        raise InputError(
            f"expected the method dcstsf with --out-error, got {method}, which does not say how "
            "sure it is: leave --out-error out"
        )
    with told() as doubts:
        scene = read_scene(hs, ms1, ms2, hs_sensor=hs_sensor, ms_sensor=ms_sensor)
    start = time.perf_counter()
    progress = sys.stderr.isatty()
    fused = fusion.fuse(
        scene,
        method,
        model=model,
        calibrate=calibrate,  # type: ignore[arg-type]
        force=force,
        progress=progress,
    )
    report = {**fused.report, "warnings": doubts, "seconds": round(time.perf_counter() - start, 2)}
    products = {out: image_of(fused.scene, "hrhs_t2", fused.hrhs_t2)}
    if out_t1 is not None:
        products[out_t1] = image_of(fused.scene, "hrhs_t1", fused.hrhs_t1)
    if out_error is not None and fused.sigma_t2 is not None:
        products[out_error] = image_of(fused.scene, "hrhs_t2", fused.sigma_t2)
    with ExitStack() as complete:  # all files or none
        for path, image in products.items():
            write_geotiff(complete.enter_context(replacing(path)), image)
    click.echo(as_text(report) if as_json else fusion.format_report(report))
