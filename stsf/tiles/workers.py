"""Processes that make tiles: each with one thread, its own open files, and nothing to wait for.

`concurrent.futures` of the standard library: the tiles of a scene are few, independent and of like
size, and each writes its own file, so that nothing travels back but a few sums.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process

from stsf.errors import InputError
from stsf.network import DCSTSF
from stsf.threads import one_thread
from stsf.tiles.folder import Folder
from stsf.tiles.grid import Tile
from stsf.tiles.observations import Observations
from stsf.tiles.tile import Sums, fuse_tile
from stsf.tiles.whole import Whole

ATTEMPTS = 3  # pools of processes, where the system ends one
CACHE = "64"  # MB of blocks that GDAL keeps in each process


@dataclass(frozen=True)
class Job:
    """All that a tile needs besides its place; it can be sent to another process.

    Attributes:
        observed: the files.
        network: trained.
        whole: what was estimated once.
        folder: where the tiles go.
        wanted: products, of `stsf.tiles.tile.PRODUCTS`.
    """

    observed: Observations
    network: DCSTSF
    whole: Whole
    folder: Folder
    wanted: tuple[str, ...]

    def make(self, tile: Tile) -> Sums:
        """Make one tile and write its file."""
        products, sums = fuse_tile(self.observed, tile, self.network, self.whole, self.wanted)
        self.folder.write(tile, products, sums)
        return sums

    def one_by_one(self, tiles: Sequence[Tile]) -> Iterator[tuple[Tile, Sums]]:
        """Make them in this process."""
        return ((tile, self.make(tile)) for tile in tiles)


_job: Job  # of this process, where it is one of several


def _begin(job: Job) -> None:
    global _job
    _job = job
    os.environ["GDAL_CACHEMAX"] = CACHE
    one_thread()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _make(tile: Tile) -> Sums:
    return _job.make(tile)


def in_processes(job: Job, tiles: Sequence[Tile], workers: int) -> Iterator[tuple[Tile, Sums]]:
    """Tiles in the order in which they are finished; a process that is killed costs its tile only.

    Raises:
        InputError: of a tile, or processes that are killed again and again.
    """
    left = list(tiles)
    for _ in range(ATTEMPTS):
        if not left:
            return
        pool = ProcessPoolExecutor(
            min(workers, len(left)), get_context("spawn"), initializer=_begin, initargs=(job,)
        )
        try:
            futures = {pool.submit(_make, tile): tile for tile in left}
            for future in as_completed(futures):
                tile, sums = futures[future], future.result()
                left.remove(tile)
                yield tile, sums
        except BrokenProcessPool:
            continue
        finally:
            pool.shutdown(cancel_futures=True)
    if left:
        raise InputError(
            f"expected {workers} processes that live, the system ended some of them {ATTEMPTS} "
            "times, for lack of memory most likely: take fewer --workers or a smaller --tile"
        )
