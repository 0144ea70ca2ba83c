"""A file appears whole or not at all: it is made beside its place and moved there at the end."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout
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


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Only one program at a time may be making this file; it may take hours.

    The lock lies among the system's temporary files and ends with the program, however it ends.

    Raises:
        InputError: another one is.
    """
    name = sha256(str(path.absolute()).encode()).hexdigest()[:24]
    lock = FileLock(Path(tempfile.gettempdir()) / f"stsf-{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"another program is making {path}: wait for it, or choose another --out"
        ) from None
    try:
        yield
    finally:
        lock.release()


def reason(error: BaseException) -> str:
    """The system's words, or the first line of the error that all others came from."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0].strip().rstrip(".")
