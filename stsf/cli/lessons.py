"""`stsf lessons`: notebooks to hand out."""

from __future__ import annotations

from pathlib import Path

import click

EXAMPLES = (
    "\b\nExamples:\n  stsf lessons --student --out handout/"
    "\n  stsf lessons --student --plan 90 --out lab/"
)


@click.command(epilog=EXAMPLES)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--student", is_flag=True, help="Replace the solutions of the exercises.")
@click.option(
    "--plan",
    type=click.IntRange(1),
    metavar="MINUTES",
    help="One notebook for a lab of so many minutes (90), instead of all lessons.",
)
def lessons(out: Path, student: bool, plan: int | None) -> None:
    """Write the lessons without outputs into a folder, and a zip of them beside.

    With --student, each solution is replaced by a skeleton to fill in. The zip lies in the same
    folder and holds the same notebooks. A notebook there that somebody changed is not overwritten.
    """
    from stsf.lab.publish.handout import write_handout

    *notebooks, packed = write_handout(out, student=student, minutes=plan)
    click.echo(f"wrote {out}: {len(notebooks)} notebook(s), and all in {packed.name}")
