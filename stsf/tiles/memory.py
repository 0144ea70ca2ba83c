"""Little memory: what is free goes back to the system, and GDAL keeps few blocks.

The C library keeps freed memory for later, in a heap of its own for every thread: after a hundred
tiles that is more than a tile takes. Where it is not glibc (macOS, Windows) nothing is done.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import rasterio

TILES, WRITING = 64, 256  # MB of blocks that GDAL keeps; overviews take ten times as long with 64
ARENA_MAX = -8  # glibc's number for the most heaps of a process (malloc.h)


@contextmanager
def little_memory(blocks: int = TILES) -> Iterator[None]:
    """For work on a whole scene: one heap for all threads, and a small cache of blocks (MB)."""
    _glibc("mallopt", ARENA_MAX, 1)
    with rasterio.Env(GDAL_CACHEMAX=blocks):
        yield
    give_back()


def give_back() -> None:
    """Give what is free back to the system."""
    _glibc("malloc_trim", 0)


def _glibc(name: str, *values: int) -> None:
    found = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if found is not None:
        found(*values)
