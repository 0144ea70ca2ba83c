"""`stsf train`: a DC-STSF from nothing."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from stsf.cli.shared import check_target, option, overwriting
from stsf.errors import InputError


@click.command(epilog="\b\nExample:\n  stsf train --preset tiny --out model.safetensors")
@option(
    "--preset",
    type=click.Choice(["tiny", "full", "ssje"]),
    default="tiny",
    help="Five minutes, what the shipped model was made with, or the first half alone.",
)
@option("--out", type=click.Path(path_type=Path), required=True, help="Model (.safetensors).")
@option("--seed", type=click.IntRange(0), default=0, help="Of weights, scenes and batches.")
@option(
    "--without",
    multiple=True,
    help="Leave a part out: seu, ecu, back-projection, sftn, difference, consistency or context.",
)
@overwriting
def train(preset: str, out: Path, seed: int, without: tuple[str, ...], overwrite: bool) -> None:
    """Train the network on simulated scenes; a training that was stopped goes on."""
    if out.suffix != ".safetensors":
        raise InputError(f"expected a file ending in .safetensors, got {out}: rename it")
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise InputError(f"expected a file in an existing folder, got {out}: make the folder first")
    check_target(out, overwrite=overwrite)
    from stsf.files.atomic import alone
    from stsf.training import recipe, run
    from stsf.training.progress import Bars

    chosen = {"tiny": recipe.tiny, "full": recipe.full, "ssje": recipe.ssje}[preset](seed)
    chosen = replace(chosen, config=replace(chosen.config, without=without))
    with alone(out), Bars(disable=not sys.stderr.isatty()) as bars:
        network = run.train(chosen, out=out, callback=bars)
    count = sum(p.numel() for p in network.parameters())
    click.echo(f"wrote {out}: {count} parameters, {out.stat().st_size / 1e6:.2f} MB")
