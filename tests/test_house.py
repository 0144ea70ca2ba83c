"""The house: who may import whom. A new arrow upward fails here."""

import ast
from pathlib import Path

import pytest

import stsf

PACKAGE = Path(stsf.__file__).parent

STORY = (
    "errors",
    "linear",
    "degradation",
    "scene",
    "projection",
    "units",
    "ssje",
    "sftn",
    "confidence",
    "tve",
)
# a room or a file of the story -> what it may import; itself is always allowed
MAY: dict[str, set[str]] = {
    "errors": set(),
    "threads": set(),
    "linear": {"errors"},
    "sensing": {"errors", "linear"},
    "degradation": {"errors", "linear", "sensing"},
    "scene": {"errors", "linear", "degradation", "sensing"},
    "projection": {"errors", "linear", "degradation", "scene"},
    "units": set(),
    "files": {"errors", "linear", "degradation", "scene", "sensing", "alignment"},
    "alignment": {"errors", "linear", "degradation", "scene", "sensing"},
    "evidence": {"errors", "linear", "degradation", "scene", "projection", "sensing"},
    "world": {"errors", "linear", "degradation", "scene", "sensing"},
    "metrics": {"errors", "linear", "degradation", "scene", "sensing"},
    "ssje": {"errors", "linear", "evidence", "units"},
    "sftn": {"linear", "evidence"},
    "confidence": set(),
    "tve": {"errors", "linear", "evidence", "sftn", "confidence"},
    "inspection": {"errors", "linear", "metrics", "sensing"},
    "network": {*STORY, "evidence", "files"},
    "plots": {"errors", "scene", "sensing", "metrics", "inspection"},
    "training": {*STORY, "sensing", "evidence", "world", "files", "network"},
    "baselines": {*STORY, "sensing", "evidence", "world", "network"},
    "fusion": {*STORY, "sensing", "alignment", "baselines", "metrics", "network"},
    "tiles": {
        "errors",
        "linear",
        "degradation",
        "scene",
        "sensing",
        "files",
        "alignment",
        "evidence",
        "metrics",
        "network",
        "fusion",
    },
}
STORY_AND_ROOMS = {*MAY, "benchmark"}
MAY["benchmark"] = set(MAY) - {"plots"}
MAY["lab"] = STORY_AND_ROOMS | {"lab"}
MAY["cli"] = STORY_AND_ROOMS | {"lab", "cli"}
WITHOUT_NETWORK = {"lab.viewer": {"network", "tve", "ssje", "training"}}


def modules() -> dict[str, ast.Module]:
    """Dotted name below stsf -> its parsed source."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = ast.parse(path.read_text("utf-8"))
    return found


def imports(tree: ast.Module, known: set[str]) -> set[str]:
    """The modules below stsf that a file imports, in functions and for type checks too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "stsf":
            base = (node.module or "").removeprefix("stsf").lstrip(".")
            for alias in node.names:
                full = f"{base}.{alias.name}".lstrip(".")
                found.add(full if full in known else base)
        elif isinstance(node, ast.Import):
            found |= {a.name[5:] for a in node.names if a.name.startswith("stsf.")}
    return found - {""}


def forbidden(name: str, wanted: set[str]) -> list[str]:
    """Those of the imported modules that a module of this name may not import."""
    room = name.split(".")[0]
    allowed = MAY[room] | {room, "threads"}
    for part, never in WITHOUT_NETWORK.items():
        if name.startswith(part):
            allowed = allowed - never
    return sorted(other for other in wanted if other.split(".")[0] not in allowed)


TREES = modules()


@pytest.mark.parametrize("name", sorted(set(TREES) - {"__init__"}))
def test_imports_point_down(name: str) -> None:
    assert forbidden(name, imports(TREES[name], set(TREES))) == []


def test_an_arrow_upward_is_noticed() -> None:
    known = set(TREES)
    upward = ast.parse("def f():\n    from stsf.network import DCSTSF\n")
    assert forbidden("evidence.local", imports(upward, known)) == ["network"]
    assert forbidden("lab.viewer.page", imports(upward, known)) == ["network"]
    assert forbidden("training.recipe", imports(upward, known)) == []
    assert forbidden("world.shapes", imports(ast.parse("from stsf import lab"), known)) == ["lab"]


def test_no_circle() -> None:
    """No module imports itself by way of others."""
    arrows = {name: imports(tree, set(TREES)) for name, tree in TREES.items()}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join([*above, name])
        if name not in done:
            for other in arrows.get(name, ()):
                visit(other, (*above, name))
            done.add(name)

    for name in set(arrows) - {"__init__"}:
        visit(name, ())


def below(name: str, arrows: dict[str, set[str]], known: set[str]) -> int:
    """How many files, one upon the other, have to be read before a module by who knows some."""
    new = arrows[name] - known
    return max((1 + below(other, arrows, known) for other in new), default=0)


@pytest.mark.parametrize(("name", "most"), [("network", 6), ("ssje", 3)])
def test_the_way_to_the_network_is_short(name: str, most: int) -> None:
    """From what the lessons before it have told: sensors, scene, projection, units."""
    arrows = {name: imports(tree, set(TREES)) for name, tree in TREES.items()}
    told = {"errors", "threads", "linear", "degradation", "scene", "projection", "units", "files"}
    known = {name for name in TREES if name.split(".")[0] in told | {"sensing"}}
    assert 2 <= below(name, arrows, known) <= most


def test_the_top_level_is_the_story() -> None:
    top = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert top == {*STORY, "network", "fusion", "inspection", "threads"}


def lengths() -> dict[str, int]:
    """Lines of every function of the package, its docstring apart."""
    found = {}
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.end_lineno:
                text = ast.get_docstring(node, clean=False)
                lines = node.end_lineno - node.lineno + 1 - (text.count("\n") + 1 if text else 0)
                found[f"{name}.{node.name}:{node.lineno}"] = lines
    return found


def test_a_file_shows_one_subject_and_a_function_fits_a_slide() -> None:
    files = {p: p.read_text("utf-8").count("\n") for p in PACKAGE.rglob("*.py")}
    files |= {p: p.read_text("utf-8").count("\n") for p in PACKAGE.rglob("web/*.js")}
    assert {str(p): n for p, n in files.items() if n > 320} == {}
    assert {name: n for name, n in lengths().items() if n > 60} == {}
