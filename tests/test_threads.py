"""Threads share the cores among them: nested work does not multiply, order and errors are kept."""

import threading
import time

import pytest
import torch

from stsf import threads
from stsf.threads import in_parallel, side_by_side


@pytest.fixture(params=[2, 6])
def cores(request, monkeypatch) -> int:
    there = set(range(request.param))
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: there, raising=False)
    return request.param


class Watch:
    """How many parts run at one time."""

    def __init__(self) -> None:
        self.now, self.most, self.lock = 0, 0, threading.Lock()

    def __call__(self, part: int) -> int:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.02)
        with self.lock:
            self.now -= 1
        return -part


def test_answers_come_in_order_and_no_more_at_a_time_than_asked_for(cores: int) -> None:
    for at_once, expected in ((None, cores), (2, 2), (1, 1)):
        watch = Watch()
        assert list(side_by_side(watch, range(12), at_once)) == [-k for k in range(12)]
        assert watch.most == expected


def test_parts_of_parts_share_the_cores(cores: int) -> None:
    watch = Watch()

    def outer(_: int) -> int:
        assert not torch.is_grad_enabled()
        return len(in_parallel(watch, range(8)))

    assert list(side_by_side(outer, range(4), at_once=2)) == [8] * 4
    assert watch.most == cores
    watch = Watch()
    assert list(side_by_side(outer, range(1), at_once=2)) == [8]  # alone, it has them all
    assert watch.most == cores


def test_where_a_gradient_is_kept_one_part_follows_the_other(cores: int) -> None:
    watch = Watch()
    assert in_parallel(watch, range(3)) == [0, -1, -2] and watch.most == 1


def test_an_error_ends_the_rest(cores: int) -> None:
    made = []

    def fail(part: int) -> None:
        time.sleep(0.01)
        made.append(part)
        if part == 1:
            raise ValueError("of part 1")

    with pytest.raises(ValueError, match="of part 1"):
        list(side_by_side(fail, range(100)))
    assert len(made) < 30
