"""Archives: the files of a product out of a zip or tar, in a folder that goes with the product."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any

from stsf.errors import InputError

PACKED = (".zip", ".tar.gz", ".tgz", ".tar")
PREFIX = "stsf-product-"
DEPTH = 3  # archives within archives: EnMAP comes as a tar.gz in a tar.gz
SUFFIXES = (".xml", ".txt", ".tif", ".tiff", ".jp2", ".he5", ".raw", ".hdr", ".dat", *PACKED)
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, OSError, EOFError, RuntimeError)


def is_packed(path: Path) -> bool:
    """Whether the name is that of an archive."""
    return path.is_file() and path.name.lower().endswith(PACKED)


def unpacked_in(file: Path) -> Path:
    """The folder into which `files_of` unpacked the archive that held this file."""
    return next(folder for folder in file.parents if folder.name.startswith(PREFIX))


def files_of(path: Path, held: ExitStack) -> list[Path]:
    """All files of a product folder, of an archive, or of the folder of a metadata file.

    Args:
        path: folder, archive or metadata file.
        held: closes with the product; unpacked files are removed then.

    Raises:
        InputError: nothing there, or an archive that is damaged or not to be trusted.
    """
    if not path.exists():
        raise InputError(f"expected a product, found nothing at {path}: check the path")
    if is_packed(path):
        folder = Path(held.enter_context(TemporaryDirectory(prefix=PREFIX)))
        _unpack(path, folder, DEPTH)
        return sorted(p for p in folder.rglob("*") if p.is_file())
    folder = path if path.is_dir() else path.parent
    if path.is_dir():
        inside = list(folder.iterdir())
        if len(inside) == 1 and is_packed(inside[0]):  # the folder of an order
            return files_of(inside[0], held)
    return sorted(p for p in folder.rglob("*") if p.is_file())


def _unpack(archive: Path, folder: Path, depth: int) -> None:
    try:
        for name, size, stream in _members(archive):
            inside = PurePosixPath(name.replace("\\", "/"))
            if inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0]:
                raise InputError(
                    f"expected the members of {archive} to stay in their folder, got {name!r}, "
                    "which climbs out of it: get the product from its agency again"
                )
            if not inside.name.lower().endswith(SUFFIXES):
                continue
            free = shutil.disk_usage(folder).free
            if size > 0.9 * free:
                raise InputError(
                    f"expected room for {inside.name} of {archive}, it unpacks to {size / 1e9:.1f} "
                    f"GB and {free / 1e9:.1f} GB are free: set TMPDIR to a larger disk or unpack it"
                )
            target = folder.joinpath(*inside.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(stream, file, 1 << 20)
            if is_packed(target) and depth > 1:
                _unpack(target, target.parent, depth - 1)
                target.unlink()
    except BROKEN as error:
        raise InputError(
            f"expected a complete archive, could not unpack {archive} ({error}): download it again"
        ) from error


def _members(archive: Path) -> Iterator[tuple[str, int, IO[Any]]]:
    """Name, size and content of every file; links and devices are passed over."""
    if archive.suffix.lower() == ".zip":
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                if not entry.is_dir():
                    with packed.open(entry) as stream:
                        yield entry.filename, entry.file_size, stream
        return
    with tarfile.open(archive) as packed_tar:
        for member in packed_tar:
            if member.isfile() and (content := packed_tar.extractfile(member)):
                yield member.name, member.size, content
