"""`stsf benchmark`: run a suite, or print a table of stored results."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from stsf.cli.shared import check_target, option, overwriting
from stsf.errors import InputError

COLUMNS = {"target", "region", "bands", "label", "psnr"}  # of a table of methods


@click.command(
    epilog="\b\nExamples:\n  stsf benchmark --suite simulated --seeds 1000:1008 --out table.csv"
    "\n  stsf benchmark --show data/results/simulated.csv"
)
@option(
    "--suite",
    type=click.Choice(
        ["simulated", "imperfect", "ten-bands", "sensitivity", "real", "worlds", "worlds-ten-bands"]
    ),
    help="Scenes to run on; real data are fetched, or read from STSF_DATA.",
)
@option("--methods", help="Names, separated by commas; all without it.")
@option("--seeds", default="1000:1008", help="First and past-the-end seed of simulated scenes.")
@option("--out", type=click.Path(path_type=Path), help="CSV file; a stopped run continues.")
@option("--workers", type=click.IntRange(1), default=2, help="Processes, one thread each.")
@overwriting
@option("--show", type=click.Path(path_type=Path), help="Print the table of a stored CSV instead.")
@option("--json", "as_json", is_flag=True, help="Print the means as JSON, by target and method.")
def benchmark(
    suite: str | None,
    methods: str | None,
    seeds: str,
    out: Path | None,
    workers: int,
    overwrite: bool,
    show: Path | None,
    as_json: bool,
) -> None:
    """Compare methods on many scenes: one tidy CSV, and a table of means."""
    import pandas as pd

    from stsf.benchmark import runs as runner
    from stsf.benchmark import worlds
    from stsf.files.atomic import alone

    if show is not None:
        try:
            table = pd.read_csv(show)
        except (OSError, ValueError) as error:
            raise InputError(
                f"expected a table written by stsf benchmark, could not read {show}: check the path"
            ) from error
        if "world" not in table and not COLUMNS <= set(table.columns):
            raise InputError(
                f"expected a table written by stsf benchmark, {show} lacks its columns: "
                "choose another file"
            )
    elif suite is None or out is None:
        raise InputError("expected --suite and --out, or --show with a stored table: add them")
    elif suite in worlds.SENSORS:
        check_target(out, overwrite=overwrite)
        with alone(out):
            table = worlds.run(suite, out)
    else:
        chosen = None if methods is None else [name.strip() for name in methods.split(",")]
        check_target(out, overwrite=overwrite)
        todo = runner.tasks(suite, chosen, _range(seeds))
        with alone(out):
            table = runner.run(todo, out, workers=workers)
    if "world" in table:
        summary = worlds.summary(table)
        click.echo(summary.to_json(orient="index", indent=1) if as_json else worlds.markdown(table))
        return
    targets = [target for target in ("x1", "x2") if (table.target == target).any()]
    if as_json:
        means = {target: runner.summary(table, target) for target in targets}
        rows = {target: json.loads(m.to_json(orient="index")) for target, m in means.items()}
        click.echo(json.dumps(rows, indent=1))  # one document; NaN has become null
        return
    for target in targets:
        click.echo(f"{target.upper()}\n{runner.markdown(table, target)}\n")


def _range(seeds: str) -> range:
    match = re.fullmatch(r"(\d+):(\d+)", seeds)
    if not match or int(match[1]) >= int(match[2]):
        raise InputError(
            f"expected seeds as FIRST:END with FIRST below END, got {seeds!r}: 1000:1008 is eight"
        )
    return range(int(match[1]), int(match[2]))
