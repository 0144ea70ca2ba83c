"""The lessons' code: what a notebook names exists; a scene without truth is one sentence."""

import ast
import importlib
from pathlib import Path

import pytest

from stsf.errors import InputError
from stsf.lab.lessons import kit, lesson02, lesson06, lesson08
from stsf.lab.publish.handout import read_lessons
from stsf.scene import Scene

LESSONS = read_lessons()
HOUSE = Path(kit.__file__).parent


@pytest.mark.parametrize("name", LESSONS)
def test_what_a_notebook_takes_from_its_module_is_there(name):
    room = importlib.import_module(f"stsf.lab.lessons.lesson{name.partition('_')[0]}")
    rooms = {"lab": room, "kit": kit, "checks": room.checks}
    code = [cell.source for cell in LESSONS[name].cells if cell.cell_type == "code"]
    taken = [
        (node.value.id, node.attr)
        for source in code
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    ]
    missing = {f"{m}.{a}" for m, a in taken if m in rooms and not hasattr(rooms[m], a)}
    assert missing == set()


def test_files_and_functions_fit_a_screen_or_two():
    for path in HOUSE.rglob("*.py"):
        text = path.read_text("utf-8")
        assert len(text.splitlines()) <= 320, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 60, f"{path}: {node.name}"


def test_without_the_truth_there_is_one_sentence(scene):
    view = scene.crop(slice(0, 10), slice(0, 10))
    bare = Scene(view.lrhs_t1, view.hrms_t1, view.hrms_t2, view.hs, view.ms)
    with pytest.raises(InputError, match="true image X2, got one without: take a simulated"):
        lesson08.spoil(bare, "flat", 1.0)
    with pytest.raises(InputError, match="true image X2"):
        lesson06.error_by_kind(view.hrhs_t2, bare)
    with pytest.raises(InputError, match="map of changes, got one without"):
        lesson06.averages(view.hrms_t2[0], bare)
    with pytest.raises(InputError, match="true image X1"):
        lesson02.degradation_view(bare, (0, 0))
