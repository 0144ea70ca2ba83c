"""The command line: what goes wrong on the way, and as the shell sees it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from calls import SIZE, contents, evaluate, fuse, run, sentence, simulate, truncated
from rasterio.errors import RasterioIOError

import stsf
from stsf.cli.app import _without_remarks


def both(good: Path, here: Path, calibrate: str = "none") -> list[str]:
    return fuse(good, here, "--out-t1", here / "t1.tif", "--calibrate", calibrate)


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException, call: int) -> list[int]:
    """Let the n-th file of a command fail while its bands are written."""
    import stsf.files.raster

    calls: list[int] = []
    write_bands = stsf.files.raster._write_bands

    def fail(target, image) -> None:
        calls.append(len(calls) + 1)
        if len(calls) == call:
            raise error
        write_bands(target, image)

    monkeypatch.setattr("stsf.files.raster._write_bands", fail)
    return calls


@pytest.mark.parametrize("call", [1, 2])
def test_a_writer_that_fails_half_way(good, tmp_path, old, monkeypatch, call) -> None:
    calls = failing(monkeypatch, RasterioIOError("the disk went away"), call)
    result = run(*both(good, tmp_path))
    assert result.exit_code == 2 and result.stdout == "" and len(calls) == call
    expected = ["out.tif", "t1.tif"][call - 1]
    assert re.match(rf"expected to write .*{expected}, the system says the disk went away: choose",
                    sentence(result.stderr))  # fmt: skip
    assert contents(tmp_path) == old


def test_ctrl_c_between_two_products(good, tmp_path, old, monkeypatch) -> None:
    calls = failing(monkeypatch, KeyboardInterrupt(), 2)
    result = run(*both(good, tmp_path))
    assert result.exit_code == 130 and result.stdout == "" and len(calls) == 2
    assert result.stderr == "Stopped: nothing was left half written.\n"
    assert contents(tmp_path) == old


@pytest.mark.parametrize("call", [1, 6])
def test_a_scene_is_replaced_as_a_whole_or_not_at_all(good, tmp_path, monkeypatch, call) -> None:
    shutil.copytree(good, tmp_path / "scene")
    calls = failing(monkeypatch, KeyboardInterrupt(), call)
    assert run(*simulate(tmp_path)).exit_code == 130 and len(calls) == call
    assert contents(tmp_path / "scene") == contents(good)
    assert run(*simulate(tmp_path)).exit_code == 0  # the writer works again
    assert sorted(contents(tmp_path / "scene")) == sorted(contents(good))
    assert contents(tmp_path / "scene") != contents(good)


@contextmanager
def little_disk(size: int) -> Iterator[None]:
    """No file of this process can grow beyond `size` bytes."""
    resource = pytest.importorskip("resource", reason="POSIX limits")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.97, 1.0])
def test_a_disk_that_fills_up(good, tmp_path, old, fused, share) -> None:
    """Also in the last bytes, where GDAL writes its directory and reports nothing."""
    size = fused[1].stat().st_size
    with little_disk(int(share * size) if share < 1 else size - 1):
        result = run(*both(good, tmp_path, "auto"))
    assert result.exit_code == 2, result.output
    assert "the system says File too large: choose a folder" in sentence(result.stderr)
    assert contents(tmp_path) == old


def test_a_disk_that_is_just_large_enough(good, tmp_path, fused) -> None:
    sizes = [path.stat().st_size for path in fused[1].parent.iterdir()]
    with little_disk(max(sizes)):
        result = run(*both(good, tmp_path, "auto"))
    assert result.exit_code == 0, result.stderr


def test_a_scene_on_a_full_disk(good, tmp_path) -> None:
    shutil.copytree(good, tmp_path / "scene")
    with little_disk(30_000):
        result = run(*simulate(tmp_path, "--size", SIZE))
    assert result.exit_code == 2
    assert "hs_t1.tif, the system says File too large" in sentence(result.stderr)
    assert contents(tmp_path / "scene") == contents(good)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, for whom nothing is read-only."""
    if os.name == "nt":
        pytest.skip("POSIX permissions")
    root = os.getuid() == 0
    if root:
        os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        if root:
            os.setresuid(0, 0, 0)


@pytest.mark.parametrize("command", ["fuse", "simulate"])
def test_a_read_only_folder_is_refused_before_the_work(good, command) -> None:
    folder = Path(tempfile.mkdtemp())  # beside pytest's own, which nobody else may enter
    try:
        inner = folder / "locked"
        inner.mkdir()
        folder.chmod(0o755)
        inner.chmod(0o555)
        with as_nobody():
            result = run(*(fuse(good, inner / "new") if command == "fuse" else simulate(inner)))
        assert result.exit_code == 2
        assert re.match("expected to write .*locked is read-only: choose a folder that can",
                        sentence(result.stderr))  # fmt: skip
        assert not list(inner.iterdir())
    finally:
        inner.chmod(0o755)
        shutil.rmtree(folder)


def test_too_little_memory(good, tmp_path, old, monkeypatch) -> None:
    def exhaust(*_, **__) -> None:
        raise MemoryError

    monkeypatch.setattr("stsf.fusion.fuse", exhaust)
    result = run(*both(good, tmp_path))
    assert result.exit_code == 2 and "take a smaller window" in sentence(result.stderr)
    assert contents(tmp_path) == old


def test_a_bug_is_not_dressed_up_as_bad_input(good, tmp_path, old, monkeypatch) -> None:
    def bug(*_, **__) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("stsf.fusion.fuse", bug)
    assert isinstance(run(*both(good, tmp_path)).exception, RuntimeError)
    assert contents(tmp_path) == old


# --------------------------------------------------------------------------- as the shell sees it


def shell(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)


def test_module_and_console_script() -> None:
    script = shutil.which("stsf", path=str(Path(sys.executable).parent))
    assert script, "the console script is not installed"
    for command in ([script], [sys.executable, "-m", "stsf.cli.app"]):
        done = shell(*command, "--version")
        assert (done.returncode, done.stderr) == (0, "") and stsf.__version__ in done.stdout
        done = shell(*command, "fuse", "--hs")
        assert (done.returncode, done.stdout) == (2, "")
        assert "'--hs' requires an argument" in sentence(done.stderr)


def test_a_damaged_file_in_a_process_of_its_own(good, tmp_path, old) -> None:
    """What the C libraries and `logging` say by themselves would show up here."""
    damaged = truncated(good, tmp_path, "ms_t2.tif", -1)
    done = shell(sys.executable, "-m", "stsf.cli.app", *fuse(good, tmp_path, ms2=damaged))
    assert (done.returncode, done.stdout) == (2, "")
    assert "its last part is missing" in sentence(done.stderr)
    damaged.unlink()
    assert contents(tmp_path) == old


def test_figures_go_to_stdout_alone(good) -> None:
    done = shell(sys.executable, "-m", "stsf.cli.app", *evaluate(good, "--json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)[0]["n_pixels"] == SIZE**2


WAITING = """
import os, pathlib, signal, time
import stsf.files.raster
from stsf.cli.app import main

write_bands, calls = stsf.files.raster._write_bands, []

def wait(target, image):
    calls.append(1)
    if len(calls) == 2:
        pathlib.Path(os.environ["READY"]).touch()
        time.sleep(60)
    write_bands(target, image)

stsf.files.raster._write_bands = wait
signal.signal(signal.SIGINT, signal.default_int_handler)
main(prog_name="stsf")
"""  # stops where the first of several files is complete and the second is not


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent otherwise on Windows")
@pytest.mark.parametrize("command", ["fuse", "simulate"])
def test_ctrl_c(good, tmp_path, command) -> None:
    here, ready = tmp_path / "scene", tmp_path / "ready"
    shutil.copytree(good, here)
    before = contents(here)
    arguments = both(good, here) if command == "fuse" else simulate(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, *arguments], env=os.environ | {"READY": str(ready)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert contents(here) != before, "it was to be stopped while it writes"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, output) == (130, "")
    assert errors == "Stopped: nothing was left half written.\n"
    assert contents(here) == before


def test_remarks_in_a_broken_encoding_are_dropped_and_other_errors_are_not(
    capsys, monkeypatch
) -> None:
    class Dying:
        def __init__(self, error: Exception) -> None:
            self.error = error

        def __del__(self) -> None:
            raise self.error

    monkeypatch.setattr(sys, "unraisablehook", _without_remarks)
    for error in (UnicodeDecodeError("utf-8", b"\xa6", 0, 1, "no start"), ValueError("seen")):
        dying = Dying(error)
        del dying
    said = capsys.readouterr().err
    assert "seen" in said and "no start" not in said
