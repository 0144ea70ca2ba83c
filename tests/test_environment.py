"""pyproject.toml, requirements.lock, environment.yml and the installed licences agree."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import stsf

ROOT = Path(__file__).resolve().parent.parent
CONDA_NAMES = {"pytorch": "torch"}
PERMISSIVE = re.compile(r"\b(MIT|BSD|0BSD|Apache|ISC|Zlib|PSF|Python Software Foundation|BSL)\b")
COPYLEFT = re.compile(r"\b[AL]?GPL|\bCeCILL|\bEUPL|General Public", re.IGNORECASE)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCK = dict(
    (canonicalize_name(name), version)
    for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
    for name, version in [line.split("==")]
)


def parse(lines: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


REQUIRED = parse(PROJECT["dependencies"])
EXTRAS = parse([line for lines in PROJECT["optional-dependencies"].values() for line in lines])


@pytest.mark.parametrize("requirement", [*REQUIRED.values(), *EXTRAS.values()], ids=str)
def test_lock_pins_each_requirement_within_its_range(requirement: Requirement) -> None:
    assert LOCK[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.skipif(sys.platform != "linux", reason="pip adds what only this platform needs")
def test_lock_is_closed() -> None:
    """Whatever a locked package needs here is locked too, in a version that serves it."""
    missing = []
    for name in LOCK:
        for requirement in map(Requirement, metadata.requires(name) or []):
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            if re.match("nvidia|cuda|triton", requirement.name):
                continue  # only the CUDA build of torch asks for these, with pins of its own
            pin = LOCK.get(canonicalize_name(requirement.name))
            if pin is None or not requirement.specifier.contains(pin, prereleases=True):
                missing.append(f"{name} needs {requirement}, the lock has {pin}")
    assert missing == []


def test_lock_holds_plain_pins_only() -> None:
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in LOCK.values())


def test_conda_file_holds_the_same_ranges() -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    by_pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    assert "-e ." in by_pip
    lines = [entry for entry in listed if isinstance(entry, str)]
    lines += [line for line in by_pip if not line.startswith("-")]
    conda = parse([re.sub(r"^[\w-]+", lambda m: CONDA_NAMES.get(m[0], m[0]), x) for x in lines])
    python = conda.pop(canonicalize_name("python"))
    assert str(python.specifier) == PROJECT["requires-python"]
    del conda[canonicalize_name("pip")], conda[canonicalize_name("hatchling")]
    wanted = {name: r.specifier for name, r in {**REQUIRED, **EXTRAS}.items()}
    assert {name: r.specifier for name, r in conda.items()} == wanted


def licence(name: str) -> str:
    """Return what a package's metadata says of its licence, shortest statement first."""
    about = metadata.metadata(name)
    classifiers = [c for c in about.get_all("Classifier", []) if c.startswith("License ::")]
    said = [about.get("License-Expression"), *classifiers, about.get("License")]
    return next((s for s in said if s), "")


@pytest.mark.parametrize("name", sorted({**REQUIRED, **EXTRAS}))
def test_direct_dependencies_are_permissive(name: str) -> None:
    said = licence(name)
    assert PERMISSIVE.search(said) and not COPYLEFT.search(said), said


def test_citation_and_version_agree() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == stsf.__version__ == metadata.version("stsf")
    assert citation["license"] == PROJECT["license"] == "MIT"
    assert citation["preferred-citation"]["doi"] == "10.1109/TGRS.2025.3565637"


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, stsf; print(*sorted(m.split('.')[0] for m in sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"torch", "numpy", "rasterio", "matplotlib", "holoviews", "panel", "bokeh"}
    assert "stsf" in loaded.stdout.split() and not heavy & set(loaded.stdout.split())


def test_public_names_are_found_and_others_are_not() -> None:
    assert callable(stsf.load_sample) and callable(stsf.fuse)
    assert {"load_sample", "fuse", "__version__"} <= set(dir(stsf))
    assert stsf.errors.InputError.__module__ == "stsf.errors"
    with pytest.raises(AttributeError, match="no attribute 'nothing_of_that_name'"):
        _ = stsf.nothing_of_that_name
