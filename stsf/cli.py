"""The `stsf` command: simulate, fuse, evaluate.

Bad input ends with one sentence and exit code 2; Ctrl-C with exit code 130. Files appear whole or
not at all.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from stsf.errors import InputError

option = partial(click.option, show_default=True)
EXAMPLES = {
    "simulate": "stsf simulate --seed 7 --size 240 --out scene/",
    "fuse": "stsf fuse --hs hs_t1.tif --ms1 ms_t1.tif --ms2 ms_t2.tif --out hs_t2.tif",
    "evaluate": "stsf evaluate --prediction hs_t2.tif --reference truth_t2.tif --ratio 3",
}


class Command(click.Group):
    """A group whose commands turn bad input into one sentence and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; see the class."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(2)
        except (KeyboardInterrupt, click.Abort):
            click.echo("Stopped: nothing was left half written.", err=True)
            ctx.exit(130)


@click.group(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="stsf")
def main() -> None:
    """Spatial-temporal-spectral fusion: HS at t1 + MS at t1 and t2 -> high-resolution HS at t2."""


def _example(name: str) -> str:
    return f"\b\nExample:\n  {EXAMPLES[name]}"


@main.command(epilog=_example("simulate"))
@option("--seed", type=int, required=True, help="The same seed, the same scene.")
@option("--size", type=click.IntRange(24), default=240, help="Pixels a side.")
@option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@option(
    "--kind",
    type=click.Choice(["parcels", "dead-leaves"]),
    default="parcels",
    help="Farmland and village, or a patchwork of mixtures.",
)
@option(
    "--split",
    type=click.Choice(["train", "test"]),
    default="test",
    help="Half of the spectral library the materials come from.",
)
@option("--ratio", type=int, default=3, help="HS to MS pixel size, 2-10.")
@option("--hs-sensor", default="AHSI", help="Hyperspectral sensor.")
@option("--ms-sensor", default="Sentinel-2A-4", help="Multispectral sensor.")
@option("--snr-hs", type=float, default=35.0, help="dB.")
@option("--snr-ms", type=float, default=40.0, help="dB.")
@option(
    "--shift",
    type=(float, float),
    default=(0.0, 0.0),
    help="Displacement of the HS against both MS images (down, right), MS pixels.",
)
@option("--imperfect", is_flag=True, help="Add shifts, gains, PSF and response errors.")
def simulate(
    seed: int,
    size: int,
    out: Path,
    kind: str,
    split: str,
    ratio: int,
    hs_sensor: str,
    ms_sensor: str,
    snr_hs: float,
    snr_ms: float,
    shift: tuple[float, float],
    imperfect: bool,
) -> None:
    """Simulate a scene at two dates: hs_t1, ms_t1, ms_t2, the truth and the change map."""
    from dataclasses import replace

    from stsf import simulate as world
    from stsf.observe import Imperfections, observe
    from stsf.sensors import get_sensor
    from stsf.subspace import band_quality

    hs, ms = get_sensor(hs_sensor), get_sensor(ms_sensor)
    hs = hs.select(band_quality(hs.centre) == "clean")
    wrong = Imperfections.draw(seed, hs, ms, ratio) if imperfect else Imperfections()
    if shift != (0.0, 0.0):
        wrong = replace(wrong, shift_hs=shift)
    landscape = world.simulate(seed, size=size, split=split, kind=kind)  # type: ignore[arg-type]
    scene = observe(
        landscape, hs, ms, ratio, snr_hs=snr_hs, snr_ms=snr_ms, imperfections=wrong, seed=seed
    )
    scene.write(out)
    click.echo(f"wrote {out}: {len(hs)} HS and {len(ms)} MS bands, {size} x {size} pixels")


@main.command(epilog=_example("fuse"))
@option("--hs", type=click.Path(), required=True, help="Low-resolution HS at t1.")
@option("--ms1", type=click.Path(), required=True, help="High-resolution MS at t1.")
@option("--ms2", type=click.Path(), required=True, help="High-resolution MS at t2.")
@option("--out", type=click.Path(path_type=Path), required=True, help="HS at t2 (.tif).")
@option("--out-t1", type=click.Path(path_type=Path), help="Also write the HS at t1.")
@option("--method", default="projection", help="Fusion method.")
@option(
    "--calibrate",
    type=click.Choice(["auto", "none"]),
    default="auto",
    help="Find shift and PSF from the images, or trust the sensors.",
)
@option("--hs-sensor", help="HS sensor, where the file does not say.")
@option("--ms-sensor", help="MS sensor, where the files do not say.")
@option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def fuse(
    hs: str,
    ms1: str,
    ms2: str,
    out: Path,
    out_t1: Path | None,
    method: str,
    calibrate: str,
    hs_sensor: str | None,
    ms_sensor: str | None,
    as_json: bool,
) -> None:
    """Predict the high-resolution HS image at t2."""
    from stsf import fusion
    from stsf.raster import write_image
    from stsf.scene import Scene

    _check_targets([out, out_t1], inputs=[hs, ms1, ms2])
    scene = Scene.read(hs, ms1, ms2, hs_sensor=hs_sensor, ms_sensor=ms_sensor)
    start = time.perf_counter()
    fused = fusion.fuse(scene, method, calibrate=calibrate, progress=True)  # type: ignore[arg-type]
    report = {**fused.report, "seconds": round(time.perf_counter() - start, 2)}
    if out_t1 is not None:
        write_image(out_t1, fused.scene.image("hrhs_t1", fused.hrhs_t1))
    write_image(out, fused.scene.image("hrhs_t2", fused.hrhs_t2))
    click.echo(json.dumps(report, indent=1) if as_json else fusion.format_report(report))


def _check_targets(targets: Sequence[Path | None], inputs: Sequence[str]) -> None:
    """Refuse before the work, not after it, what could not be written."""
    for target in filter(None, targets):
        if target.suffix.lower() not in (".tif", ".tiff"):
            raise InputError(f"expected an output file ending in .tif, got {target}: rename it")
        if target.resolve() in [Path(source).resolve() for source in inputs]:
            raise InputError(f"{target} is also an input: choose another output file")
        if target.is_dir():
            raise InputError(f"expected a file to write, {target} is a folder: add a file name")


@main.command(epilog=_example("evaluate"))
@option("--prediction", type=click.Path(), required=True, help="Estimate.")
@option("--reference", type=click.Path(), required=True, help="Truth, on the same grid.")
@option("--ratio", type=float, required=True, help="HS to MS pixel size (enters ERGAS).")
@option("--change", type=click.Path(), help="Change map: scores changed pixels apart.")
@option(
    "--ms-sensor",
    default="Sentinel-2A-4",
    help="MS sensor, which sets the band groups.",
)
@option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def evaluate(
    prediction: str, reference: str, ratio: float, change: str | None, ms_sensor: str, as_json: bool
) -> None:
    """Compare a prediction with the truth: PSNR, SAM, ERGAS, SSIM, correlation, RMSE."""
    from stsf import metrics
    from stsf.raster import read_image
    from stsf.scene import sensor_of
    from stsf.sensors import get_sensor
    from stsf.subspace import band_quality

    a, b = read_image(prediction), read_image(reference)
    bands = {}
    if b.wavelength is not None:
        quality = band_quality(b.wavelength)
        bands = {name: quality == name for name in ("clean", "vapour") if (quality == name).any()}
        bands |= metrics.band_groups(sensor_of(b, None, "--hs-sensor"), get_sensor(ms_sensor))
    codes = None if change is None else read_image(change).cube[0].astype("uint8")
    rows = metrics.evaluate(a.cube, b.cube, ratio=ratio, change=codes, bands=bands)
    click.echo(json.dumps(list(rows), indent=1) if as_json else metrics.format_table(rows))


if __name__ == "__main__":
    sys.exit(main())
