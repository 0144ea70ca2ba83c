"""Notebooks as stored: nbval compares only cells that hold an output, so look at the files too."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TAG = "nbval-check-output"
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:work|tmp|root|home|Users)/\w|[A-Z]:\\\\?Users\\")


def outputs(cell: dict) -> list[dict]:
    return cell.get("outputs", [])


def text(cell: dict) -> str:
    """What a cell printed or returned as text; an image's or widget's repr does not count."""
    parts = ["".join(o.get("text", "")) for o in outputs(cell) if o["output_type"] == "stream"]
    for output in outputs(cell):
        data = output.get("data", {})
        if set(data) <= {"text/plain", "text/html"}:
            parts.append("".join(data.get("text/plain", "")))
    return "".join(parts).strip()


def faults(notebook: dict) -> list[str]:
    """Say everything that is wrong with a stored notebook."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    checked = [cell for cell in code if TAG in cell["metadata"].get("tags", [])]
    found = []
    if len(checked) < 4:
        found.append(f"{len(checked)} cells tagged {TAG}, at least 4 wanted")
    found += [f"no text stored: {''.join(c['source'])[:40]}" for c in checked if not text(c)]
    if not any("image/png" in o.get("data", {}) for cell in code for o in outputs(cell)):
        found.append("no stored picture")
    if any(o["output_type"] == "error" for cell in code for o in outputs(cell)):
        found.append("a stored error")
    pictures = re.compile(r'"image/png": *"[^"]*"')
    paths = MACHINE_PATH.findall(pictures.sub("", json.dumps(notebook)))
    if paths:
        found.append(f"a path of one machine: {paths[0]}")
    return found


def test_there_are_notebooks() -> None:
    assert (ROOT / "notebooks" / "00_start_here.ipynb") in NOTEBOOKS


def test_the_readme_lists_the_notebooks_that_exist() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    listed = re.findall(r"\((notebooks/\w+\.ipynb)\)", readme)
    assert listed == [path.relative_to(ROOT).as_posix() for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path: Path) -> None:
    assert faults(json.loads(path.read_text("utf-8"))) == []
    assert path.stat().st_size <= 1_500_000


def cell(tags: list[str], *stored: dict) -> dict:
    return {
        "cell_type": "code",
        "source": ["print(1)"],
        "metadata": {"tags": tags},
        "outputs": list(stored),
    }


PRINTED = {"output_type": "stream", "name": "stdout", "text": ["42\n"]}
PICTURE = {
    "output_type": "display_data",
    "data": {"image/png": "iVBOR/home/w", "text/plain": "<Figure>"},
}


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([cell([TAG], PRINTED)] * 4 + [cell([], PICTURE)], None),
        ([cell([TAG], PRINTED)] * 3 + [cell([], PICTURE)], "3 cells"),
        ([cell([TAG], PRINTED)] * 4 + [cell([TAG], PICTURE)], "no text stored"),
        ([cell([TAG], PRINTED)] * 4 + [cell([TAG]), cell([], PICTURE)], "no text stored"),
        ([cell([TAG], PRINTED)] * 4, "no stored picture"),
        (
            [cell([TAG], PRINTED)] * 4 + [cell([], PICTURE, {"output_type": "error"})],
            "a stored error",
        ),
        (
            [cell([TAG], PRINTED)] * 4 + [cell([], PICTURE, {**PRINTED, "text": "at /home/ann/x"})],
            "a path of one machine",
        ),
    ],
)
def test_the_check_finds_each_fault(cells: list[dict], words: str | None) -> None:
    found = faults({"cells": cells})
    assert found == [] if words is None else len(found) == 1 and words in found[0]
