"""`stsf simulate`: a scene at two dates with its truth."""

from __future__ import annotations

from pathlib import Path

import click

from stsf.cli.shared import check_targets, finite, option, overwriting


@click.command(epilog="\b\nExample:\n  stsf simulate --seed 7 --size 240 --out scene/")
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
@option("--snr-hs", type=click.FloatRange(0), default=35.0, callback=finite, help="dB.")
@option("--snr-ms", type=click.FloatRange(0), default=40.0, callback=finite, help="dB.")
@option(
    "--shift",
    type=(float, float),
    default=(0.0, 0.0),
    callback=finite,
    help="Displacement of the HS against both MS images (down, right), MS pixels.",
)
@option("--imperfect", is_flag=True, help="Add shifts, gains, PSF and response errors.")
@overwriting
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
    overwrite: bool,
) -> None:
    """Simulate a scene at two dates: hs_t1, ms_t1, ms_t2, the truth and the change map."""
    from dataclasses import replace

    from stsf.files.scenes import FILES, write_scene
    from stsf.scene import check_order
    from stsf.sensing.sensors import get_sensor
    from stsf.sensing.subspace import band_quality
    from stsf.world import simulation as world
    from stsf.world.observation import Imperfections, observe

    check_targets([out / file for file in FILES.values()], overwrite=overwrite or _own(out))
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
    write_scene(scene, out)
    click.echo(f"wrote {out}: {len(hs)} HS and {len(ms)} MS bands, {size} x {size} pixels")


def _own(out: Path) -> bool:
    """Whether an earlier simulation wrote the folder: it holds the notes of one, and the truth."""
    return (out / "scene.json").exists() and (out / "truth_t2.tif").exists()
