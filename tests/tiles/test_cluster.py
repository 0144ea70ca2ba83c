"""Tiles on the workers of a dask cluster: the bits of one process; workers that die; none."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from distributed import Client, LocalCluster

import stsf
from stsf.cli.app import main
from stsf.files.imagefile import read_image
from stsf.files.scenes import FILES, write_scene
from stsf.tiles import cluster, make_tiles, put_together

SIDE = 54  # pixels of a tile: two of them make the scene
KEYS = ("lrhs_t1", "hrms_t1", "hrms_t2")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Port .* is already in use:UserWarning"),
]


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> list[str]:
    scene = stsf.load_sample().crop(slice(0, 36), slice(12, 30))
    folder = write_scene(scene, tmp_path_factory.mktemp("cluster") / "scene")
    return [str(folder / FILES[key]) for key in KEYS]


@pytest.fixture(scope="module")
def address():
    """Two workers, each a process with one thread; one that dies is started anew."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as made:
        yield made.scheduler_address


@pytest.fixture(scope="module")
def alone(paths, tmp_path_factory) -> np.ndarray:
    """X2 as one process makes it."""
    here = tmp_path_factory.mktemp("alone")
    put_together(make_tiles(paths, here / "run", side=SIDE), {"x2": here / "x2.tif"})
    return read_image(here / "x2.tif").cube


def fuse(paths, out: Path, *more: object):
    named = [p for pair in zip(("--hs", "--ms1", "--ms2"), paths) for p in pair]
    given = ["fuse", *named, "--out", str(out), "--tile", str(SIDE), *map(str, more)]
    return CliRunner().invoke(main, given, prog_name="stsf")


def test_the_bits_of_one_process(paths, address, alone, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(Path(paths[0]).parent)  # the workers stand elsewhere
    done = fuse([Path(p).name for p in paths], tmp_path / "x2.tif", "--scheduler", address)
    assert done.exit_code == 0, done.output
    np.testing.assert_array_equal(read_image(tmp_path / "x2.tif").cube, alone)


def test_a_worker_killed_half_way_costs_its_tile_only(
    paths, address, alone, tmp_path, monkeypatch
) -> None:
    handed_out = cluster.as_task

    def and_kill(client, *task):
        future = handed_out(client, *task)
        if not killed:
            pids = client.run(os.getpid)
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)
        return future

    killed: list[int] = []
    monkeypatch.setattr(cluster, "as_task", and_kill)
    made = make_tiles(paths, tmp_path / "run", side=SIDE, scheduler=address)
    put_together(made, {"x2": tmp_path / "x2.tif"})
    assert killed
    np.testing.assert_array_equal(read_image(tmp_path / "x2.tif").cube, alone)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("tcp://127.0.0.1:9", "expected a dask scheduler at tcp://127.0.0.1:9, none answers"),
        ("nowhere at all", "expected a dask scheduler at nowhere at all, none answers"),
    ],
)
def test_no_scheduler_is_said_in_a_sentence(paths, tmp_path, monkeypatch, at, words) -> None:
    monkeypatch.setattr(cluster, "WAIT", 0.5)
    done = fuse(paths, tmp_path / "x2.tif", "--scheduler", at)
    assert done.exit_code == 2 and words in done.stderr, done.output
    assert not (tmp_path / "x2.tif").exists()


def test_a_scheduler_without_workers_is_said_in_a_sentence(paths, tmp_path) -> None:
    with LocalCluster(n_workers=0, dashboard_address=None) as empty, Client(empty):
        done = fuse(paths, tmp_path / "x2.tif", "--scheduler", empty.scheduler_address)
    assert done.exit_code == 2 and "expected workers at tcp" in done.stderr, done.output
