"""The folder of a run: one file a tile, and a mark: the settings and inputs that they are of."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stsf.errors import Doubt, InputError
from stsf.files.atomic import replacing
from stsf.network import DCSTSF
from stsf.tiles.grid import Tile
from stsf.tiles.tile import Sums

MARK = "run.json"
BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


def fingerprint(paths: Sequence[str | Path], network: DCSTSF) -> str:
    """A hash of what a tile is made of: files, by size and time, and weights."""
    digest = hashlib.sha256()
    for path in map(Path, paths):
        digest.update(str(path.absolute()).encode())
        for file in _files(path):
            stat = file.stat()
            digest.update(f"{file.name} {stat.st_size} {stat.st_mtime_ns}".encode())
    for name, values in network.state_dict().items():
        digest.update(name.encode() + values.numpy().tobytes())
    return digest.hexdigest()[:16]


def _files(path: Path) -> list[Path]:
    """All of a product's folder; a file and those of its name beside it (header, world file)."""
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    siblings = path.parent.glob("*") if path.parent.is_dir() else []
    return sorted(file for file in siblings if file.stem == path.stem and file.is_file())


@dataclass(frozen=True)
class Folder:
    """Where the tiles of one run lie."""

    path: Path

    @classmethod
    def open(cls, path: Path, mark: str) -> Folder:
        """Make it, or go on in it; tiles of other settings or inputs are discarded, and it is said.

        Raises:
            InputError: a folder of that name which is none of ours, or that cannot be written.
        """
        there, folder = path / MARK, cls(path)
        if path.exists() and not there.is_file() and any(path.iterdir()):
            raise InputError(
                f"expected to keep tiles in {path}, something else lies there: "
                "move it, or choose another output file"
            )
        if there.is_file() and there.read_text("utf-8") != mark:
            warnings.warn(
                f"the tiles in {path} are of other settings or inputs: they are made anew", Doubt, 3
            )
            shutil.rmtree(path)
        if not there.is_file():
            with replacing(there) as temporary:
                temporary.write_text(mark, "utf-8")
        for rest in path.glob(".*"):  # of a run that was killed while it wrote
            shutil.rmtree(rest) if rest.is_dir() else rest.unlink()
        return folder

    def file(self, tile: Tile) -> Path:
        """Of a tile."""
        return self.path / f"{tile.name}.npz"

    def write(self, tile: Tile, products: Mapping[str, np.ndarray], sums: Sums) -> None:
        """Write a finished tile, whole or not at all."""
        with replacing(self.file(tile)) as temporary, open(temporary, "wb") as stream:
            np.savez(stream, sums=np.array(json.dumps(sums)), **products)  # type: ignore[arg-type]

    def finished(self, tiles: Sequence[Tile]) -> dict[str, Sums]:
        """Tiles of an earlier run that are whole, and what they add to the report."""
        sums = {}
        for tile in tiles:
            if self.file(tile).is_file():
                try:
                    with np.load(self.file(tile)) as stored:
                        if stored.zip.testzip() is None:
                            sums[tile.name] = json.loads(str(stored["sums"]))
                except BROKEN:
                    self.file(tile).unlink()
        return sums

    def read(self, tile: Tile, key: str) -> np.ndarray:
        """One product of a finished tile.

        Raises:
            InputError: its file was damaged after it had been written; it is removed.
        """
        try:
            with np.load(self.file(tile)) as stored:
                return np.asarray(stored[key])
        except BROKEN as error:
            self.file(tile).unlink(missing_ok=True)
            raise InputError(
                f"expected tile {tile.name} as it was written, its file is broken and was removed: "
                "run the same command again, it makes this tile anew"
            ) from error
