"""What `pip install` of the package gives, away from the clone."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that sees no clone, and no home of ours; return what it printed."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "STSF", "COV"))}
    env |= {"HOME": str(cwd.parent), "PYTHONUTF8": "1"}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_an_installed_wheel_works_in_an_empty_folder(tmp_path: Path) -> None:
    # the wheel, in an environment of its own
    work, environment = tmp_path / "empty folder", tmp_path / "bare"
    work.mkdir()
    pip = [sys.executable, "-m", "pip"]
    offline = ["--no-deps", "--no-index"]
    run(*pip, "wheel", *offline, "--no-build-isolation", "-w", tmp_path, ROOT, cwd=work)
    (wheel,) = tmp_path.glob("stsf-*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=work)
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    python, stsf = scripts / "python", scripts / "stsf"
    run(*pip, "--python", python, "install", *offline, wheel, cwd=work)

    # the installed packages beside it: a .pth file's folder is searched, its own .pth are not read
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(run(python, "-c", purelib, cwd=work).strip())
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")

    # the kit, from a folder where nothing else lies
    sample = "import stsf; print(stsf.__file__); print(stsf.load_sample().hrms_t2.shape)"
    where, shape = run(python, "-c", sample, cwd=work).splitlines()
    assert Path(where).is_relative_to(environment) and shape == "(4, 180, 180)"
    run(stsf, "simulate", "--seed", "7", "--size", "48", "--out", "scene", cwd=work)
    inputs = ["--hs", "hs_t1.tif", "--ms1", "ms_t1.tif", "--ms2", "ms_t2.tif"]
    run(stsf, "fuse", *inputs, "--out", "fused.tif", cwd=work / "scene")
    assert (work / "scene" / "fused.tif").stat().st_size > 48 * 48
    run(stsf, "explore", "scene", "--fused-t2", "scene/fused.tif", "--html", "page.html", cwd=work)
    assert "<html" in (work / "page.html").read_text("utf-8")
    run(stsf, "lessons", "--student", "--out", "handout", cwd=work)
    written = {path.name for path in (work / "handout").glob("*.ipynb")}
    assert written == {path.name for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
    lesson = json.loads((work / "handout" / "03_alternating_projection.ipynb").read_text("utf-8"))
    assert "BEGIN SOLUTION" not in str(lesson["cells"])
    tables = "from stsf.lab.lessons.kit import results; print(len(results('simulated')))"
    assert int(run(python, "-c", tables, cwd=work)) > 0
