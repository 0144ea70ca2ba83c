"""What several commands share: options, targets that can be written, JSON."""

from __future__ import annotations

import gc
import json
import math
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import click

from stsf.errors import Doubt, InputError

option = partial(click.option, show_default=True)
overwriting = option("--overwrite", is_flag=True, help="Replace files that are there already.")


@contextmanager
def importing() -> Iterator[None]:
    """Modules are no garbage: not looked through while they load, nor ever again, nor at the end.

    There are so many that a short command shows it. Only where they are not loaded yet: what a
    notebook or test has lying about may be garbage.
    """
    if "torch" in sys.modules:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def finite(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Refuse nan and inf, which click takes for numbers."""
    if not all(map(math.isfinite, value if isinstance(value, tuple) else (value,))):
        raise click.BadParameter("expected finite numbers", ctx, parameter)
    return value


def three(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[float, ...]:
    """One number for Y1, M1 and M2, or three separated by commas."""
    try:
        values = tuple(float(part) for part in value.split(","))
    except ValueError:
        values = ()
    if len(values) not in (1, 3) or not all(map(math.isfinite, values)):
        raise click.BadParameter("expected one number, or three as 1,0.0001,0.0001", ctx, parameter)
    return values if len(values) == 3 else values * 3


def reading_options(command: Any) -> Any:
    """The options that say what files do not; they arrive as one `reading`."""

    @wraps(command)
    def read(**named: Any) -> Any:
        with importing():
            from stsf.files.reading import Reading

        given = {field: named.pop(field) for field in Reading.__dataclass_fields__}
        return command(reading=Reading(**given), **named)

    for add in reversed([
        option("--hs-sensor", help="HS sensor or band table (CSV), where the file does not say."),
        option("--ms-sensor", help="The same for the MS."),
        option("--hs-bands", help="HS bands to use: names, numbers (1-60) or 450-900nm."),
        option("--ms-bands", help="MS bands to use, likewise, such as B2,B3,B4,B8."),
        option("--scale", default="1", callback=three, metavar="HS,MS1,MS2",
               help="What values are multiplied by to become reflectance, one number or three."),
        option("--offset", default="0", callback=three, metavar="HS,MS1,MS2",
               help="What is added to them then."),
        option("--nodata", type=float, help="A value in the files that is no measurement."),
    ]):  # fmt: skip
        read = add(read)
    return read


def check_targets(targets: Sequence[Path], inputs: Sequence[str] = (), *, overwrite: bool) -> None:
    """Refuse before the work, not after it, what could not be written.

    Args:
        targets: GeoTIFFs that will be written.
        inputs: files that may not be among them.
        overwrite: whether files may be there already.
    """
    places = [os.path.realpath(target) for target in targets]
    if len(set(places)) < len(places):
        raise InputError(f"expected two output files, got {targets[0]} twice: rename one")
    for target, place in zip(targets, places):
        if target.suffix.lower() not in (".tif", ".tiff"):
            raise InputError(f"expected an output file ending in .tif, got {target}: rename it")
        if place in map(os.path.realpath, inputs):
            raise InputError(f"{target} is also an input: choose another output file")
        check_target(target, overwrite=overwrite)


def check_target(target: Path, *, overwrite: bool) -> None:
    """Refuse a file that could not be written, whatever its kind, and one that is there already."""
    if os.path.isdir(target):
        raise InputError(f"expected a file to write, {target} is a folder: add a file name")
    nearest = next(folder for folder in target.absolute().parents if os.path.exists(folder))
    if not nearest.is_dir():
        raise InputError(
            f"expected to write {target}, {nearest} is a file and no folder: choose another folder"
        )
    if not writable(nearest):
        raise InputError(
            f"expected to write {target}, {nearest} is read-only: "
            "choose a folder that can be written"
        )
    if not overwrite and target.exists():
        raise InputError(
            f"expected no {target.name} in {target.parent}, it may be somebody's own: choose "
            "another name, or add --overwrite"
        )


def writable(folder: Path) -> bool:
    """Whether a file can be made there; asked by making one, for root may and /proc may not."""
    try:
        with TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def as_text(value: Any) -> str:
    """JSON as the standard has it: null for what is undefined or infinite."""

    def plain(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: plain(item) for key, item in part.items()}
        if isinstance(part, (list, tuple)):
            return [plain(item) for item in part]
        return None if isinstance(part, float) and not math.isfinite(part) else part

    return json.dumps(plain(value), indent=1, allow_nan=False)


@contextmanager
def told() -> Iterator[list[str]]:
    """Warnings of the kit, each once: on the screen, and in a list for the report."""
    doubts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", Doubt)
        try:
            yield doubts
        finally:
            said = (str(w.message) for w in caught if issubclass(w.category, Doubt))
            doubts += dict.fromkeys(said)
            for doubt in doubts:
                click.echo(f"Warning: {doubt}", err=True)
