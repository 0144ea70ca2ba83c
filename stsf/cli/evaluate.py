"""`stsf evaluate`: a prediction against the truth."""

from __future__ import annotations

import click

from stsf.cli.shared import as_text, option

EXAMPLE = "\b\nExample:\n  stsf evaluate --prediction hs_t2.tif --reference truth_t2.tif --ratio 3"


@click.command(epilog=EXAMPLE)
@option("--prediction", type=click.Path(), required=True, help="Estimate.")
@option("--reference", type=click.Path(), required=True, help="Truth, on the same grid.")
@option("--ratio", type=float, required=True, help="HS to MS pixel size (enters ERGAS).")
@option("--change", type=click.Path(), help="Change map: scores changed pixels apart.")
@option(
    "--ms-sensor",
    default="Sentinel-2A",
    help="MS sensor, which sets the band groups.",
)
@option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def evaluate(
    prediction: str, reference: str, ratio: float, change: str | None, ms_sensor: str, as_json: bool
) -> None:
    """Compare a prediction with the truth: PSNR, SAM, ERGAS, SSIM, correlation, RMSE."""
    from stsf import metrics
    from stsf.files.checks import check_place, check_same_bands
    from stsf.files.identify import sensor_of
    from stsf.files.imagefile import read_image
    from stsf.files.scenes import change_codes
    from stsf.scene import check_reflectance, check_values
    from stsf.sensing.sensors import get_sensor
    from stsf.sensing.subspace import band_quality

    a, b = read_image(prediction), read_image(reference)
    check_reflectance(prediction, a.cube)
    check_values(reference, b.cube)
    check_same_bands(prediction, a, reference, b)
    check_place(prediction, a, reference, b, "pixels", "take the truth of this prediction")
    # where something changed, which bands belong together
    codes = None
    if change is not None:
        image = read_image(change)
        codes = change_codes(change, image)
        check_place(change, image, reference, b, "pixels", "take the change map of this truth")
    bands = {}
    if b.wavelength is not None:
        quality = band_quality(b.wavelength)
        bands = {name: quality == name for name in ("clean", "vapour") if (quality == name).any()}
        bands |= metrics.band_groups(sensor_of(b, None, "--hs-sensor"), get_sensor(ms_sensor))
    rows = metrics.evaluate(a.cube, b.cube, ratio=ratio, change=codes, bands=bands)
    click.echo(as_text(rows) if as_json else metrics.format_table(rows))
