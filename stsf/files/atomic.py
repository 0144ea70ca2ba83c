"""A file appears whole or not at all: it is made beside its place and moved there at the end."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rasterio._err import CPLE_BaseError  # what `rasterio.shutil.copy` raises
from rasterio.errors import RasterioError
from safetensors import SafetensorError

from stsf.errors import InputError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The name of a temporary file beside `path`, which takes its place when the block ends well.

    The block makes the file; if it fails or is interrupted, nothing is left of it.

    Raises:
        InputError: the folder cannot be written or the disk is full.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except (OSError, RasterioError, CPLE_BaseError, SafetensorError) as error:
        raise InputError(
            f"expected to write {path}, the system says {reason(error)}: "
            "choose a folder that exists, can be written and has room"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def reason(error: BaseException) -> str:
    """The system's words, or the first line of the error that all others came from."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0].strip().rstrip(".")
