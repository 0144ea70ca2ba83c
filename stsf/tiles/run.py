"""A whole scene from three files: learn once, make the tiles, put them together.

Each tile is a file of its own, there when it is whole. A run that was stopped, by whatever, goes on
with the tiles that are missing when it is started again, and ends in the same bits.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

from stsf import __version__
from stsf.errors import Doubt, InputError
from stsf.files.atomic import replacing
from stsf.files.reading import Reading
from stsf.network import DCSTSF, shipped
from stsf.tiles.assembly import assemble
from stsf.tiles.cluster import on_cluster
from stsf.tiles.folder import Folder, fingerprint
from stsf.tiles.grid import SAMPLE, TILE, Tile, tiles_of
from stsf.tiles.memory import give_back, one_heap
from stsf.tiles.observations import Observations, observe
from stsf.tiles.tile import Sums, reported
from stsf.tiles.whole import learn, moved_images
from stsf.tiles.workers import Job, in_processes


@dataclass(frozen=True)
class Made:
    """Finished tiles, ready to be put together.

    Attributes:
        observed: the files.
        folder: where the tiles lie.
        tiles: all of them.
        report: as `stsf.fusion.fuse` makes it.
        explained: (L,) share of each band's variance that the MS explains at t1.
    """

    observed: Observations
    folder: Folder
    tiles: list[Tile]
    report: dict[str, Any]
    explained: np.ndarray


def make_tiles(
    paths: Sequence[str | Path],
    folder: Path,
    wanted: Sequence[str] = ("x2",),
    reading: Reading | None = None,
    *,
    model: DCSTSF | str | Path | None = None,
    calibrate: bool = True,
    softness: Sequence[float] | Literal["auto"] | None = None,
    force: bool = False,
    side: int = TILE,
    workers: int = 1,
    scheduler: str | None = None,
    progress: bool = False,
) -> Made:
    """Fuse three files or products tile by tile; memory is that of a sample and a tile.

    Args:
        paths: of Y1, M1 and M2.
        folder: for the tiles; those of an earlier run with the same settings and inputs count.
        wanted: products, of `stsf.tiles.tile.PRODUCTS`.
        reading: what the files do not say themselves.
        model: a trained network or its file; the one that comes with the kit without it.
        calibrate: find shifts, PSF and MS response from the images.
        softness: of the product, see `stsf.fusion.fuse`.
        force: go on where the images contradict one another.
        side: of a tile, pixels of the product.
        workers: processes that make tiles; a single one is this process, on all its cores.
        scheduler: address of a dask scheduler whose workers make the tiles instead; they must find
            the files and the folder at the same paths.
        progress: show a progress bar with the time left.

    Raises:
        InputError: input that cannot be used, a full disk, or workers that do not live. What was
            finished is kept, and the sentence says where.
    """
    if scheduler is not None:  # its workers may stand in other folders
        paths = [Path(p).absolute() if Path(p).exists() else p for p in paths]
        folder = folder.absolute()
    one_heap()
    reading = reading or Reading()
    network = model if isinstance(model, DCSTSF) else DCSTSF.load(model) if model else shipped()
    # what is learnt once, for all tiles
    observed = observe(paths, reading)
    whole = learn(observed, network, calibrate=calibrate, softness=softness, force=force)
    observed = moved_images(observed, whole.alignment)
    give_back()
    # what is there of an earlier run with the same settings
    settings = {"version": __version__, "reading": asdict(reading), "calibrate": calibrate}
    settings |= {"softness": softness, "force": force, "side": side, "products": sorted(wanted)}
    mark = json.dumps(settings | {"inputs and weights": fingerprint(paths, network)}, indent=1)
    place = Folder.open(folder, mark)
    tiles = tiles_of(observed.shape, observed.ratio, side)
    done = place.finished(tiles)
    open_tiles = [tile for tile in tiles if tile.name not in done]
    # the tiles that are missing
    job = Job(observed, network, whole, place, tuple(wanted))
    bar = tqdm(total=len(tiles), initial=len(done), desc="tiles", unit="tile", disable=not progress)
    with bar, kept(place, tiles):
        for tile, sums in _making(job, open_tiles, workers, scheduler):
            done[tile.name] = sums
            bar.update()
    # what all tiles say together
    report: dict[str, Any] = {"method": "dcstsf", "calibrate": "auto" if calibrate else "none"}
    report["found"] = [_told(observed, tiles)]
    if whole.alignment is not None:
        report |= whole.alignment.as_dict()
        report["found"] += whole.alignment.summary()
    if whole.softness is not None:
        report |= whole.softness.as_dict()
        report["found"] += whole.softness.summary()
    report |= reported(done[tile.name] for tile in tiles)
    if lost := report.pop("lost"):
        warnings.warn(
            f"{lost:.1%} of the product has no data: there the HS or an MS date has none",
            Doubt,
            2,
        )
    return Made(observed, place, tiles, report, whole.explained)


def _making(
    job: Job, tiles: Sequence[Tile], workers: int, scheduler: str | None
) -> Iterator[tuple[Tile, Sums]]:
    if scheduler is not None:
        return on_cluster(job, tiles, scheduler)
    return in_processes(job, tiles, workers) if workers > 1 else job.make_all(tiles)


def put_together(
    made: Made,
    outputs: Mapping[str, Path],
    notes: Mapping[str, str] | None = None,
    progress: bool = False,
) -> None:
    """One GeoTIFF of each product, all or none; then the folder of the tiles is removed.

    Args:
        made: the tiles.
        outputs: file of each product.
        notes: tags of the files.
        progress: show a progress bar.

    Raises:
        InputError: a broken tile, or a full disk; the tiles are kept.
    """
    with kept(made.folder, made.tiles), ExitStack() as complete:
        for key, path in outputs.items():
            whole = assemble(made.observed, made.folder, made.tiles, key, notes or {}, progress)
            shutil.move(whole, complete.enter_context(replacing(path)))
    shutil.rmtree(made.folder.path)


@contextmanager
def kept(folder: Folder, tiles: Sequence[Tile]) -> Iterator[None]:
    """What goes wrong, with what is not lost by it."""
    try:
        yield
    except InputError as error:
        done = sum(folder.file(tile).is_file() for tile in tiles)
        raise InputError(
            f"{error}; {done} of {len(tiles)} tiles are finished and kept in {folder.path}, the "
            "same command goes on from there"
        ) from error


def _told(observed: Observations, tiles: Sequence[Tile]) -> str:
    h, w = observed.shape
    by = "all HS pixels" if h * w <= SAMPLE**2 else f"{SAMPLE**2} of {h * w} HS pixels"
    return f"made in {len(tiles)} tiles; what is one for the whole scene was estimated on {by}"
