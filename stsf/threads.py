"""Threads: few large parts side by side, each on one thread; the one place that says how many.

A laptop in class is never quiet. Where every small operation of torch or BLAS is shared out, its
threads wait for one another each time another program holds a core: what takes 3 s on a quiet
machine took a minute on a busy one. So every operation runs on one thread, and what is large
enough is cut into parts that run beside one another.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits

Part = TypeVar("Part")
Answer = TypeVar("Answer")

_alone = False  # set in processes that work beside others
_here = threading.local()  # `share`: the cores that a thread may use which has others beside it
# held for what no two threads may do at once: read GDAL's open files, filter warnings
one_at_a_time = threading.RLock()

torch.set_num_threads(1)
threadpool_limits(1)  # BLAS and OpenMP of numpy, scipy and scikit-learn


def cores() -> int:
    """How many cores this process, or this thread of several, may use."""
    if _alone:
        return 1
    if hasattr(_here, "share"):
        return int(_here.share)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_thread() -> None:
    """From now on all parts come one after the other: this process is one of several."""
    global _alone
    _alone = True


def in_parallel(function: Callable[[Part], Answer], parts: Iterable[Part]) -> list[Answer]:
    """Answers in the order of the parts, which run beside one another where no gradient is kept.

    Args:
        function: of one part; torch, numpy and scipy let go of Python's lock while they compute.
        parts: at best several times as many as there are cores, of like size.

    Example:
        >>> in_parallel(lambda part: part.sum().item(), torch.arange(6.0).split(2))
        [1.0, 5.0, 9.0]
    """
    if torch.is_grad_enabled():
        return [function(part) for part in parts]
    return list(side_by_side(function, parts))


def side_by_side(
    function: Callable[[Part], Answer], parts: Iterable[Part], at_once: int | None = None
) -> Iterator[Answer]:
    """The same as they come, without gradients; the parts share the cores among them.

    Args:
        function: of one part.
        parts: as many as there are.
        at_once: how many at most; as many as there are cores by default.

    Example:
        >>> next(side_by_side(abs, [-1, 2]))
        1
    """
    parts = list(parts)
    workers = min(len(parts), cores(), at_once or len(parts))
    share = cores() // max(workers, 1)

    def without_gradient(part: Part) -> Answer:
        with torch.no_grad():  # a thread's own setting
            return function(part)

    if workers < 2:
        yield from map(without_gradient, parts)
        return
    with ThreadPoolExecutor(workers, initializer=setattr, initargs=(_here, "share", share)) as pool:
        yield from pool.map(without_gradient, parts)
