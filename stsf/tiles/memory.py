"""Little memory: what is free goes back to the system.

The C library keeps freed memory for later, in a heap of its own for every thread: after a hundred
tiles that is more than a tile takes. Where it is not glibc (macOS, Windows) nothing is done.
"""

from __future__ import annotations

import ctypes
import sys

ARENA_MAX = -8  # glibc's number for the most heaps of a process (malloc.h)


def one_heap() -> None:
    """One heap for all threads that begin from now on."""
    _glibc("mallopt", ARENA_MAX, 1)


def give_back() -> None:
    """Give what is free back to the system."""
    _glibc("malloc_trim", 0)


def _glibc(name: str, *values: int) -> None:
    found = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if found is not None:
        found(*values)
