"""Tiles on many machines: the workers of a dask cluster that see the same files.

Each tile is a task by itself, at most a few more are handed out than there are workers, and a task
whose worker dies is given to another one. The result is that of one process, bit for bit.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from stsf.errors import InputError
from stsf.threads import one_thread
from stsf.tiles.grid import Tile
from stsf.tiles.tile import Sums
from stsf.tiles.workers import ATTEMPTS, Job

AHEAD = 2  # tiles handed out for each thread of the cluster
WAIT = 15.0  # s for the scheduler to answer
_alone = threading.Lock()  # a worker with several threads makes one tile at a time


def on_cluster(job: Job, tiles: Sequence[Tile], address: str) -> Iterator[tuple[Tile, Sums]]:
    """Tiles in the order in which they are finished.

    Args:
        job: all that a tile needs; its files and folder lie where every worker finds them.
        tiles: to be made.
        address: of a dask scheduler, such as tcp://10.0.0.1:8786.

    Raises:
        InputError: no package `distributed`, no scheduler, no worker, of a tile, or a tile whose
            workers die again and again.
    """
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError as error:
        raise InputError(
            "expected the package distributed with --scheduler, found none: "
            "pip install distributed, or take --workers on this machine"
        ) from error
    try:
        client = Client(address, timeout=WAIT)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise InputError(
            f"expected a dask scheduler at {address}, none answers: start `dask scheduler` there "
            "and `dask worker ADDRESS --nthreads 1` on every machine"
        ) from error
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise InputError(
                f"expected workers at {address}, found none: start `dask worker {address} "
                "--nthreads 1` on every machine"
            )
        there = client.scatter(job)
        tasks = (as_task(client, there, tile) for tile in tiles)
        finished = as_completed(islice(tasks, AHEAD * threads))
        try:
            for future in finished:
                yield future.result()
                finished.update(islice(tasks, 1))
        except KilledWorker as error:
            raise InputError(
                f"expected workers that live, a tile ended some of them at {address}, for lack of "
                "memory most likely: take a smaller --tile"
            ) from error


def as_task(client: Any, job: Any, tile: Tile) -> Any:
    """A tile, handed out; `job` lies on the cluster already."""
    return client.submit(_make, job, tile, pure=False, retries=ATTEMPTS - 1)


def _make(job: Job, tile: Tile) -> tuple[Tile, Sums]:
    """What a worker does: the same as a process of this machine."""
    with _alone:
        one_thread()
        return tile, job.make(tile)
