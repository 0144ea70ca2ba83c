"""The cases on real data as stored; `run_all.py` runs them where STSF_DATA names the data."""

import ast
import importlib
import json
from pathlib import Path

import pytest
from test_notebooks import MACHINE_PATH, TAG, outputs, text

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted((ROOT / "notebooks" / "cases").glob("*.ipynb"))


def code_of(path: Path) -> list[dict]:
    return [c for c in json.loads(path.read_text("utf-8"))["cells"] if c["cell_type"] == "code"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_is_stored_whole(path: Path) -> None:
    code = code_of(path)
    assert [c["execution_count"] for c in code] == list(range(1, len(code) + 1))
    load, *others = code  # the first gets the data, and says whose they are on the screen only
    assert not outputs(load) and all(outputs(c) for c in others)
    printed = [c for c in others if text(c)]
    assert len(printed) >= 4 and all(TAG in c["metadata"]["tags"] for c in printed)
    kinds = [o["output_type"] for c in code for o in outputs(c)]
    assert "error" not in kinds
    assert sum("image/png" in o.get("data", {}) for c in code for o in outputs(c)) >= 2
    stored = json.dumps([o for c in code for o in outputs(c) if "text" in o])
    assert not MACHINE_PATH.search(stored)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_a_case_imports_is_there(path: Path) -> None:
    for cell in code_of(path):
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stsf"):
                module = importlib.import_module(node.module)
                for name in node.names:
                    assert hasattr(module, name.name) or importlib.import_module(
                        f"{node.module}.{name.name}"
                    )


def test_there_are_two_cases() -> None:
    assert [path.stem for path in CASES] == ["a_real_pair_of_years", "an_enmap_window"]
