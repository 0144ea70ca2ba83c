"""Processes that make tiles: each with one thread, its own open files, and nothing to wait for.

Each is given its share of the tiles at the start and a pipe of its own: the tiles of a scene are
few, independent and of like size, and each is written to its own file, so that nothing travels back
but a few sums. Nothing is shared, so nobody waits for a process that the system has ended.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from stsf.errors import InputError
from stsf.network import DCSTSF
from stsf.threads import one_thread, side_by_side
from stsf.tiles.folder import Folder
from stsf.tiles.grid import Tile
from stsf.tiles.memory import give_back, one_heap
from stsf.tiles.observations import Observations
from stsf.tiles.tile import Sums, fuse_tile
from stsf.tiles.whole import Whole

ATTEMPTS = 3  # rounds of processes, where the system ends one
AT_ONCE = 2  # tiles in the memory of a process that has several cores
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
        del products
        give_back()
        return sums

    def make_all(self, tiles: Sequence[Tile]) -> Iterator[tuple[Tile, Sums]]:
        """Make them in this process, on all its cores."""
        return zip(tiles, side_by_side(self.make, tiles, AT_ONCE))


def _begin() -> None:
    os.environ["GDAL_CACHEMAX"] = CACHE
    one_heap()
    one_thread()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _make_all(job: Job, tiles: Sequence[Tile], out: Connection) -> None:
    """What a process does: its share, one by one."""
    _begin()
    try:
        for made in job.make_all(tiles):
            out.send(made)
    except InputError as error:
        out.send(error)


def in_processes(job: Job, tiles: Sequence[Tile], workers: int) -> Iterator[tuple[Tile, Sums]]:
    """Tiles in the order in which they are finished; a process that is killed costs its tile only.

    Raises:
        InputError: of a tile, or processes that are killed again and again.
    """
    open_tiles = list(tiles)
    for _ in range(ATTEMPTS):
        for tile, sums in _made(
            job, [open_tiles[k::workers] for k in range(min(workers, len(open_tiles)))]
        ):
            open_tiles.remove(tile)
            yield tile, sums
    if open_tiles:
        raise InputError(
            f"expected {workers} processes that live, the system ended some of them {ATTEMPTS} "
            "times, for lack of memory most likely: take fewer --workers or a smaller --tile"
        )


def _made(job: Job, shares: Sequence[Sequence[Tile]]) -> Iterator[tuple[Tile, Sums]]:
    """What one process for each share makes, until all have ended."""
    context, running = get_context("spawn"), dict[Connection, BaseProcess]()
    try:
        for share in shares:
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_make_all, args=(job, share, theirs), daemon=True)
            process.start()
            theirs.close()  # the process holds it alone: when it ends, however, so does the pipe
            running[ours] = process
        while running:
            ready = wait(list(running))
            for ours in [end for end in running if end in ready]:
                try:
                    answer = ours.recv()
                except (EOFError, OSError):  # all is made, or the process was ended
                    running.pop(ours).join()
                    continue
                if isinstance(answer, InputError):
                    raise answer
                yield answer
    finally:
        for left in running.values():
            left.kill()
