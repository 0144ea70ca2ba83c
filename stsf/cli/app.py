"""The `stsf` command: simulate, fuse, evaluate, train, benchmark, explore, lessons.

Bad input ends with one sentence and exit code 2; Ctrl-C with exit code 130. Files appear whole or
not at all.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from stsf.cli.benchmark import benchmark
from stsf.cli.explore import explore
from stsf.cli.lessons import lessons
from stsf.cli.train import train
from stsf.errors import InputError

option = partial(click.option, show_default=True)
EXAMPLES = {
    "simulate": "stsf simulate --seed 7 --size 240 --out scene/",
    "fuse": "stsf fuse --hs hs_t1.tif --ms1 ms_t1.tif --ms2 ms_t2.tif --out hs_t2.tif",
    "evaluate": "stsf evaluate --prediction hs_t2.tif --reference truth_t2.tif --ratio 3",
}


class Refused(click.ClickException):
    """Bad input: click shows "Error: " and the sentence, and ends with this exit code."""

    exit_code = 2


class Stopped(click.ClickException):
    """Ctrl-C."""

    exit_code = 130

    def show(self, file: Any = None) -> None:
        """Not an error: no "Error: " before the sentence."""
        click.echo(self.message, err=True)


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Whatever the user can cause and mend ends in one sentence, without a traceback."""
    try:
        yield
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "stsf"
        text = " ".join(error.format_message().split()).rstrip(".")
        text = text.removesuffix(" range")  # click: "not a valid integer range"
        raise Refused(f"{text}: see {command} --help") from error
    except InputError as error:
        raise Refused(str(error)) from error
    except MemoryError as error:
        raise Refused(
            "expected enough memory for the whole scene, the system has no more: "
            "take a smaller window of all images"
        ) from error
    except (KeyboardInterrupt, click.Abort) as error:
        raise Stopped("Stopped: nothing was left half written.") from error


class Command(click.Group):
    """A group whose commands turn bad input into one sentence and exit code 2."""

    def make_context(self, *args: Any, **named: Any) -> click.Context:
        """Read the options before the command; see the class."""
        with _one_sentence():
            return super().make_context(*args, **named)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; see the class."""
        with _one_sentence():
            return super().invoke(ctx)


@click.group(
    cls=Command,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExample:\n  " + "\n  ".join(EXAMPLES.values()),
)
@click.version_option(package_name="stsf")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Spatial-temporal-spectral fusion: HS at t1 + MS at t1 and t2 -> high-resolution HS at t2."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _example(name: str) -> str:
    return f"\b\nExample:\n  {EXAMPLES[name]}"


def _finite(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Refuse nan and inf, which click takes for numbers."""
    if not all(map(math.isfinite, value if isinstance(value, tuple) else (value,))):
        raise click.BadParameter("expected finite numbers", ctx, parameter)
    return value


@main.command(epilog=_example("simulate"))
@option("--seed", type=click.IntRange(0), required=True, help="The same seed, the same scene.")
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
@option("--ratio", type=click.IntRange(2, 10), default=3, help="HS to MS pixel size.")
@option("--hs-sensor", default="AHSI", help="Hyperspectral sensor.")
@option("--ms-sensor", default="Sentinel-2A", help="Multispectral sensor.")
@option("--snr-hs", type=click.FloatRange(0), default=35.0, callback=_finite, help="dB.")
@option("--snr-ms", type=click.FloatRange(0), default=40.0, callback=_finite, help="dB.")
@option(
    "--shift",
    type=(float, float),
    default=(0.0, 0.0),
    callback=_finite,
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

    from stsf.files.checks import check_order
    from stsf.scene import FILES
    from stsf.sensing.sensors import get_sensor
    from stsf.sensing.subspace import band_quality
    from stsf.world import simulation as world
    from stsf.world.observation import Imperfections, observe

    _check_targets([out / file for file in FILES.values()])
    hs, ms = get_sensor(hs_sensor), get_sensor(ms_sensor)
    hs = hs.select(band_quality(hs.centre) == "clean")
    check_order(len(hs), len(ms))
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
@option("--method", default="dcstsf", help="Fusion method: dcstsf or projection.")
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
    as_json: bool,
) -> None:
    """Predict the high-resolution HS image at t2."""
    targets = [path for path in (out, out_t1, out_error) if path is not None]
    _check_targets(targets, inputs=[hs, ms1, ms2])
    from stsf import fusion
    from stsf.files.atomic import replacing
    from stsf.files.raster import write_geotiff
    from stsf.scene import Scene

    if out_error is not None and method != "dcstsf":
        raise InputError(
            f"expected the method dcstsf with --out-error, got {method}, which does not say how "
            "sure it is: leave --out-error out"
        )
    scene = Scene.read(hs, ms1, ms2, hs_sensor=hs_sensor, ms_sensor=ms_sensor)
    start = time.perf_counter()
    progress = sys.stderr.isatty()
    fused = fusion.fuse(
        scene,
        method,
        model=model,
        calibrate=calibrate,  # type: ignore[arg-type]
        progress=progress,
    )
    report = {**fused.report, "seconds": round(time.perf_counter() - start, 2)}
    products = {out: fused.scene.image("hrhs_t2", fused.hrhs_t2)}
    if out_t1 is not None:
        products[out_t1] = fused.scene.image("hrhs_t1", fused.hrhs_t1)
    if out_error is not None and fused.sigma_t2 is not None:
        products[out_error] = fused.scene.image("hrhs_t2", fused.sigma_t2)
    with ExitStack() as complete:  # all files or none
        for path, image in products.items():
            write_geotiff(complete.enter_context(replacing(path)), image)
    click.echo(_json(report) if as_json else fusion.format_report(report))


def _check_targets(targets: Sequence[Path], inputs: Sequence[str] = ()) -> None:
    """Refuse before the work, not after it, what could not be written."""
    places = [os.path.realpath(target) for target in targets]
    if len(set(places)) < len(places):
        raise InputError(f"expected two output files, got {targets[0]} twice: rename one")
    for target, place in zip(targets, places):
        if target.suffix.lower() not in (".tif", ".tiff"):
            raise InputError(f"expected an output file ending in .tif, got {target}: rename it")
        if place in map(os.path.realpath, inputs):
            raise InputError(f"{target} is also an input: choose another output file")
        if os.path.isdir(target):
            raise InputError(f"expected a file to write, {target} is a folder: add a file name")
        nearest = next(folder for folder in target.absolute().parents if os.path.exists(folder))
        if not nearest.is_dir():
            raise InputError(
                f"expected to write {target}, {nearest} is a file and no folder: "
                "choose another folder"
            )
        if not os.access(nearest, os.W_OK):
            raise InputError(
                f"expected to write {target}, {nearest} is read-only: "
                "choose a folder that can be written"
            )


def _json(value: Any) -> str:
    """JSON as the standard has it: null for what is undefined or infinite."""

    def plain(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: plain(item) for key, item in part.items()}
        if isinstance(part, (list, tuple)):
            return [plain(item) for item in part]
        return None if isinstance(part, float) and not math.isfinite(part) else part

    return json.dumps(plain(value), indent=1, allow_nan=False)


@main.command(epilog=_example("evaluate"))
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
    from stsf.files.checks import check_place, check_reflectance, check_same_bands, check_values
    from stsf.files.identify import sensor_of
    from stsf.files.imagefile import read_image
    from stsf.scene import change_codes
    from stsf.sensing.sensors import get_sensor
    from stsf.sensing.subspace import band_quality

    a, b = read_image(prediction), read_image(reference)
    check_reflectance(prediction, a.cube)
    check_values(reference, b.cube)
    check_same_bands(prediction, a, reference, b)
    check_place(prediction, a, reference, b, "pixels")
    codes = None
    if change is not None:
        image = read_image(change)
        codes = change_codes(change, image)
        check_place(change, image, reference, b, "pixels")
    bands = {}
    if b.wavelength is not None:
        quality = band_quality(b.wavelength)
        bands = {name: quality == name for name in ("clean", "vapour") if (quality == name).any()}
        bands |= metrics.band_groups(sensor_of(b, None, "--hs-sensor"), get_sensor(ms_sensor))
    rows = metrics.evaluate(a.cube, b.cube, ratio=ratio, change=codes, bands=bands)
    click.echo(_json(rows) if as_json else metrics.format_table(rows))


main.add_command(benchmark)
main.add_command(explore)
main.add_command(lessons)
main.add_command(train)

if __name__ == "__main__":
    sys.exit(main())
