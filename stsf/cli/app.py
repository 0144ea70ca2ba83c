"""The `stsf` command: simulate, prepare, fuse, evaluate, train, benchmark, explore, lessons.

Bad input ends with one sentence and exit code 2; Ctrl-C with exit code 130. Files appear whole or
not at all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from stsf.cli.benchmark import benchmark
from stsf.cli.evaluate import evaluate
from stsf.cli.explore import explore
from stsf.cli.fuse import fuse
from stsf.cli.lessons import lessons
from stsf.cli.prepare import prepare
from stsf.cli.simulate import simulate
from stsf.cli.train import train
from stsf.errors import InputError

EXAMPLES = (
    "stsf simulate --seed 7 --size 240 --out scene/",
    "stsf fuse --hs hs_t1.tif --ms1 ms_t1.tif --ms2 ms_t2.tif --out hs_t2.tif",
    "stsf evaluate --prediction hs_t2.tif --reference truth_t2.tif --ratio 3",
)


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
    before, sys.unraisablehook = sys.unraisablehook, _without_remarks
    try:
        yield
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "stsf"
        text = " ".join(error.format_message().split()).rstrip(".").replace(". Did", ", did")
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
    finally:
        sys.unraisablehook = before


def _without_remarks(raised: Any) -> None:
    """Drop what GDAL says of a damaged file in the broken text of that file: no log can read it."""
    if not isinstance(raised.exc_value, UnicodeDecodeError):
        sys.__unraisablehook__(raised)


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
    epilog="\b\nExample:\n  " + "\n  ".join(EXAMPLES),
)
@click.version_option(package_name="stsf")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Spatial-temporal-spectral fusion: HS at t1 + MS at t1 and t2 -> high-resolution HS at t2."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for command in (simulate, prepare, fuse, evaluate, train, benchmark, explore, lessons):
    main.add_command(command)

if __name__ == "__main__":
    sys.exit(main())
