"""What several commands share: options, targets that can be written, JSON."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from stsf.errors import Doubt, InputError

option = partial(click.option, show_default=True)


def finite(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Refuse nan and inf, which click takes for numbers."""
    if not all(map(math.isfinite, value if isinstance(value, tuple) else (value,))):
        raise click.BadParameter("expected finite numbers", ctx, parameter)
    return value


def check_targets(targets: Sequence[Path], inputs: Sequence[str] = ()) -> None:
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
    """Warnings of the kit: on the screen, and in a list for the report."""
    doubts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", Doubt)
        try:
            yield doubts
        finally:
            doubts += [str(w.message) for w in caught if issubclass(w.category, Doubt)]
            for doubt in doubts:
                click.echo(f"Warning: {doubt}", err=True)
