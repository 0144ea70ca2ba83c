"""Large scenes measured: memory, speed, kills at random moments, a full disk.

    python tests/scale.py rate 999 --bands 114         # pixels of the product along one side
    python tests/scale.py kill 180 --times 5 --seed 0
    python tests/scale.py full 180                     # needs root: it mounts a small disk

The scene is the sample, mirrored as often as it takes, with noise of its own everywhere; more bands
than the sample has lie between its bands. `stsf fuse --tile` runs in processes of its own, whose
memory is added up ten times a second. `rate` says how much of the machine's matrix products that is
(torch, float32, one thread, in the same run): seconds depend on what else the machine does, CPU
seconds less so.
"""

import argparse
import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import stsf
from stsf.files.raster import writing_parts
from stsf.files.scenes import FILES, image_of

KEYS = {"lrhs_t1": 1, "hrms_t1": 3, "hrms_t2": 3}  # pixels of each along one HS pixel
STRIP = 120  # rows written at once
ROOM = (1.0, 2.2, 3.5)  # of the product: enough for some tiles, for all, for a plain file too


def make_scene(side: int, bands: int, folder: Path) -> Path:
    """Three files of a scene with side x side pixels; what is there already is kept."""
    scene, draw = stsf.load_sample(), np.random.default_rng(0)
    for key, r in KEYS.items():
        if (folder / FILES[key]).exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        cube, table = getattr(scene, key), replace(image_of(scene, key), notes={}, names=())
        noise = scene.noise_hs if r == 1 else scene.noise_ms
        if r == 1:
            at = np.linspace(0, len(cube) - 1, bands)  # numbers of bands, fractions too
            names = {"wavelength": table.wavelength, "fwhm": table.fwhm}
            steps = np.arange(len(cube))
            table = replace(
                table, sensor=None, **{k: np.interp(at, steps, v) for k, v in names.items()}
            )
            noise, low = np.interp(at, steps, noise), np.minimum(at.astype(int), len(cube) - 2)
            part = (at - low)[:, None, None].astype(np.float32)
            cube = cube[low] * (1 - part) + cube[low + 1] * part
        size = side // 3 * r
        rows, columns = (mirrored(size, n) for n in cube.shape[1:])
        table = replace(table, cube=cube)
        with writing_parts(folder / FILES[key], table, (size, size), "int16") as write:
            for top in range(0, size, STRIP):
                strip = cube[:, rows[top : top + STRIP]][:, :, columns]
                own = draw.standard_normal(strip.shape, dtype=np.float32)
                write(strip + 0.3 * noise[:, None, None].astype(np.float32) * own, top, 0)
    return folder


def mirrored(count: int, length: int) -> np.ndarray:
    """Indices 0 ... length - 1 and back, and so on."""
    index = np.arange(count) % (2 * length)
    return np.where(index < length, index, 2 * length - 1 - index)


def command(scene: Path, out: Path, options: list[str]) -> list[str]:
    """`stsf fuse` on it."""
    inputs = [a for name, key in zip(("--hs", "--ms1", "--ms2"), KEYS) for a in (name, FILES[key])]
    inputs = [str(scene / a) if a.endswith(".tif") else a for a in inputs]
    start = [sys.executable, "-c", "from stsf.cli import main; main()", "fuse"]
    return [*start, *inputs, "--out", str(out), *options]


def run(line: list[str], until: float = float("inf")) -> tuple[int, float, float, str]:
    """Exit status, seconds, largest memory of all its processes (GB), what it said.

    Args:
        line: the command.
        until: seconds after which it is killed, with all its processes.
    """
    start, most = time.monotonic(), 0.0
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            line, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
        )
        while process.poll() is None:
            if time.monotonic() - start > until:
                os.killpg(process.pid, signal.SIGKILL)
            most = max(most, sum(map(memory, family(process.pid))) / 1e9)
            time.sleep(0.1)
        said.seek(0)
        return process.returncode, time.monotonic() - start, most, said.read()


def family(pid: int) -> list[int]:
    """A process and those that it started."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in listed for each in family(int(child)))]


def memory(pid: int) -> int:
    """Resident memory in bytes, the pages it shares with others by its part; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def matrix_rate() -> float:
    """GFLOP/s of float32 matrix products on one thread."""
    import torch

    torch.set_num_threads(1)
    a, best = torch.randn(1024, 1024), float("inf")
    for _ in range(8):
        start = time.process_time()
        a @ a
        best = min(best, time.process_time() - start)
    return 2 * len(a) ** 3 / best / 1e9


def rate(scene: Path, out: Path, options: list[str], side: int, bands: int) -> None:
    """One run from start to file, in figures."""
    status, seconds, most, said = run(command(scene, out, options))
    if status:
        raise SystemExit(said)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, values, speed = used.ru_utime + used.ru_stime, side * side * bands / 1e6, matrix_rate()
    print(
        f"{side} x {side} x {bands}: {seconds:.0f} s, {cpu:.0f} CPU s, peak memory {most:.2f} GB; "
        f"{values / seconds:.2f} Mpixel-bands/s, {values / cpu:.2f} per CPU second on a machine of "
        f"{speed:.0f} GFLOP/s a thread: one for every {speed * cpu / values:.0f} GFLOP of matrix "
        f"products; load {os.getloadavg()[0]:.1f}"
    )


def killed(scene: Path, out: Path, options: list[str], times: int, seed: int) -> None:
    """The same file, run undisturbed and killed again and again."""
    status, whole, _, said = run(command(scene, out, options))
    if status:
        raise SystemExit(said)
    expected, draw, same = digest(out), random.Random(seed), True
    out.unlink()
    for number in range(times):
        moment = draw.uniform(0.1, 0.9) * whole
        status = run(command(scene, out, options), until=moment)[0]
        there = len(list(out.parent.glob(f"{out.name}.tiles/0*.npz")))
        print(f"kill {number + 1} after {moment:.1f} s: exit {status}, {there} tiles are there")
        if out.exists():  # it came too late: the file must be whole, and the next run begins anew
            same &= digest(out) == expected
            out.unlink()
    status, _, _, said = run(command(scene, out, options))
    left = sorted(p.name for p in out.parent.iterdir())
    same &= not status and digest(out) == expected
    print(f"resumed: exit {status}, {'same' if same else 'OTHER'} bits, the folder holds {left}")
    raise SystemExit(not same)


def full(scene: Path, out: Path, options: list[str]) -> None:
    """Disks that fill up, then room is made: nothing is lost, and the file is the same."""
    status, _, _, said = run(command(scene, out, options))
    if status:
        raise SystemExit(said)
    expected, size, disk, good = digest(out), out.stat().st_size, out.parent / "disk", True
    out.unlink()
    disk.mkdir()
    for share in ROOM:
        room = f"size={int(share * size)}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", room, "none", disk], check=True)
        try:
            status, _, _, said = run(command(scene, disk / out.name, options))
            kept = len(list(disk.glob("*.tiles/0*.npz")))
            print(f"{share:g} times the product: exit {status}, {kept} tiles are there; {said}")
            good &= status == 2 and "Traceback" not in said
            room = f"remount,size={20 * size}"
            subprocess.run(["mount", "-o", room, "none", disk], check=True)
            status = run(command(scene, disk / out.name, options))[0]
            same = not status and digest(disk / out.name) == expected
            print(f"with room: exit {status}, {'same' if same else 'OTHER'} bits", flush=True)
            good &= same
        finally:
            subprocess.run(["umount", disk], check=True)
    raise SystemExit(not good)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["rate", "kill", "full"])
    parser.add_argument("side", type=int)
    parser.add_argument("--bands", type=int, default=114)
    parser.add_argument("--tile", default="288")
    parser.add_argument("--workers", default="1")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scene", type=Path, help="folder to keep the scene in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        there = make_scene(asked.side, asked.bands, asked.scene or Path(folder) / "scene")
        target, how = Path(folder) / "out" / "x2.tif", ["--tile", asked.tile]
        target.parent.mkdir()
        how += ["--workers", asked.workers]
        if asked.what == "rate":
            rate(there, target, how, asked.side, asked.bands)
        elif asked.what == "kill":
            killed(there, target, how, asked.times, asked.seed)
        else:
            full(there, target, how)
