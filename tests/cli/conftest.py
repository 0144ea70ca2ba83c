"""A simulated scene, its products, and a folder with the products of an earlier run."""

from pathlib import Path

import pytest
from calls import INPUTS, SIZE, contents, run
from click.testing import Result


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scene; nobody writes into this folder."""
    folder = tmp_path_factory.mktemp("cli") / "scene"
    result = run("simulate", "--seed", 7, "--size", SIZE, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="session")
def fused(good: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    out = tmp_path_factory.mktemp("fused") / "new folder" / "hs_t2.tif"
    files = [part for key, file in INPUTS.items() for part in (f"--{key}", good / file)]
    return run("fuse", *files, "--out", out, "--out-t1", out.with_name("hs_t1.tif"), "--json"), out


@pytest.fixture
def old(tmp_path: Path) -> dict[str, bytes | None]:
    """A folder with both products of an earlier run."""
    for name in ("out.tif", "t1.tif"):
        (tmp_path / name).write_text(f"old {name}")
    return contents(tmp_path)
