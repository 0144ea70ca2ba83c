"""`stsf train`, and `stsf fuse` with one's own model: what works, and one sentence otherwise."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from stsf.cli.app import main
from stsf.files.imagefile import read_image
from stsf.network import DCSTSF
from stsf.training import recipe
from stsf.training import run as training_run

MICRO = recipe.Recipe("tiny", scenes=(1, 1, 1), steps=(1, 2, 2), size=48)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name="stsf")


@pytest.fixture(autouse=True)
def micro(monkeypatch: pytest.MonkeyPatch) -> None:
    """`tiny` that takes seconds."""
    monkeypatch.setattr(recipe, "tiny", lambda seed=0: MICRO)
    monkeypatch.setattr(training_run, "VALIDATION", ())


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "a.safetensors"
    DCSTSF().save(path)
    return path


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    assert run("simulate", "--seed", 7, "--size", 36, "--out", folder).exit_code == 0
    return folder


def fuse(scene: Path, *more: object) -> Result:
    files = (
        "--hs",
        scene / "hs_t1.tif",
        "--ms1",
        scene / "ms_t1.tif",
        "--ms2",
        scene / "ms_t2.tif",
    )
    return run("fuse", *files, "--calibrate", "none", *more)


def test_train_writes_a_model_that_fuse_takes(tmp_path: Path, scene: Path) -> None:
    model = tmp_path / "m.safetensors"
    result = run("train", "--preset", "tiny", "--out", model, "--without", "context")
    assert result.exit_code == 0 and "parameters" in result.output
    assert DCSTSF.load(model).config.without == ("context",)
    out, error = tmp_path / "x2.tif", tmp_path / "error.tif"
    result = fuse(scene, "--method", "dcstsf", "--model", model, "--out", out, "--out-error", error)
    assert result.exit_code == 0, result.output
    estimate, sigma = read_image(out), read_image(error)
    assert estimate.cube.shape == sigma.cube.shape == (114, 36, 36)
    assert (sigma.cube > 0).all()
    np.testing.assert_allclose(sigma.wavelength, estimate.wavelength)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "m.tif"], "ending in .safetensors"),
        (["--out", "none/m.safetensors"], "existing folder"),
        (["--out", "m.safetensors", "--without", "gate"], "parts out of seu"),
        (["--out", "m.safetensors", "--preset", "huge"], "huge"),
    ],
)
def test_a_bad_wish_gets_one_sentence(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("train", *arguments)
    assert result.exit_code == 2 and message in result.output
    assert len(result.output.splitlines()) == 1 and not list(tmp_path.iterdir())


def test_a_broken_part_is_kept_and_named(tmp_path: Path) -> None:
    part = tmp_path / "m.safetensors.part"
    part.write_bytes(b"no tensors")
    result = run("train", "--out", tmp_path / "m.safetensors")
    assert result.exit_code == 2 and "delete it and start anew" in result.output
    assert part.read_bytes() == b"no tensors"


def test_ctrl_c_leaves_what_was_done_and_the_old_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "m.safetensors"
    out.write_bytes(b"old")
    original = training_run.loop

    def stop(*positional: object, stage: str, **named: object) -> None:
        if stage == "SFTN":
            raise KeyboardInterrupt
        original(*positional, stage=stage, **named)

    monkeypatch.setattr(training_run, "loop", stop)
    result = run("train", "--out", out, "--overwrite")
    assert result.exit_code == 130 and out.read_bytes() == b"old"
    monkeypatch.setattr(training_run, "loop", original)
    assert run("train", "--out", out, "--overwrite").exit_code == 0
    assert DCSTSF.load(out).provenance["recipe"]["name"] == "tiny"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--method", "dcstsf", "--model", "none.safetensors"], "found no none.safetensors"),
        (["--method", "projection", "--model", "MODEL"], "nothing to load"),
        (["--method", "projection", "--out-error", "e.tif"], "leave --out-error out"),
        (["--method", "magic"], "cascade, cnmf, copy"),
    ],
)
def test_fuse_refuses_a_model_that_does_not_fit(
    more: list[str],
    message: str,
    scene: Path,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    more = [str(model) if word == "MODEL" else word for word in more]
    result = fuse(scene, "--out", "x.tif", *more)
    assert result.exit_code == 2 and message in result.output, result.output
    assert len(result.output.splitlines()) == 1 and not list(tmp_path.iterdir())
