"""start.py and run_all.py: their decisions, without building an environment."""

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


start = load("start.py")
run_all = load("tests/run_all.py")

AS_SOURCE = {"threadpoolctl"}  # of the lock file, as on a machine for which no wheel is there
UNBUILT = """\
  Preparing metadata (pyproject.toml): started
ERROR: Exception:
Traceback (most recent call last):
  File ".venv/lib/python3.11/site-packages/pip/_internal/cli/base_command.py", line 107, in _run
    status = _inner_run()
  File ".venv/lib/python3.11/site-packages/pip/_vendor/pyproject_hooks/_impl.py", line 402
    raise BackendUnavailable(
ModuleNotFoundError: No module named 'hatchling'
"""
CAPTURED = """\
  error: subprocess-exited-with-error
  \u2502 exit code: 1
  \u2570\u2500> [2 lines of output]
      Traceback (most recent call last):
      pip._vendor.pyproject_hooks._impl.BackendUnavailable: Cannot import 'hatchling.build'
      [end of output]
ERROR: Failed to build 'threadpoolctl' when getting requirements to build wheel
"""


def test_an_old_python_can_still_read_the_file_and_is_told_so() -> None:
    tree = ast.parse((ROOT / "start.py").read_text("utf-8"), feature_version=(3, 7))
    assert not [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    with pytest.raises(SyntaxError):  # the check above can fail
        ast.parse("if (n := 1): pass", feature_version=(3, 7))
    assert "Python 3.11 or newer and this is 3.9" in start.python_problem((3, 9, 2))
    assert start.python_problem((3, 11, 0)) is None
    assert start.python_problem((3, 14, 1)) is None


def test_only_the_standard_library_is_imported() -> None:
    tree = ast.parse((ROOT / "start.py").read_text("utf-8"))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert names and {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_a_missing_module_names_the_package_that_brings_it() -> None:
    assert start.module_problem() is None
    sentence = start.module_problem(("venv", "no_such_module"))
    assert "'no_such_module'" in sentence and "python3-venv" in sentence


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (("Linux", "x86_64", ""), None),
        (("Windows", "AMD64", ""), None),
        (("Darwin", "arm64", "14.5"), None),
        (("Darwin", "arm64", "13.6.1"), "needs macOS 14 and this is 13.6.1"),
        (("Darwin", "x86_64", "14.5"), "Intel Macs"),
    ],
)
def test_machines_without_a_torch_build(machine: tuple[str, str, str], words: str | None) -> None:
    problem = start.machine_problem(*machine)
    assert problem is None if words is None else words in problem


def test_pins_skip_comments_and_compare_spellings() -> None:
    assert start.pins("# top\n\nJupyter_Server==2.1\nzope.x==3 # why\n") == {
        "jupyter-server": "2.1",
        "zope-x": "3",
    }


def test_fingerprint_changes_with_each_of_its_parts() -> None:
    base = start.fingerprint("a==1", "[project]", (3, 11, 2))
    assert base == start.fingerprint("a==1", "[project]", (3, 11, 9))
    assert base != start.fingerprint("a==2", "[project]", (3, 11, 2))
    assert base != start.fingerprint("a==1", "[project] ", (3, 11, 2))
    assert base != start.fingerprint("a==1", "[project]", (3, 12, 2))


def test_fault_in_names_what_is_wrong(tmp_path: Path) -> None:
    wanted = {"torch": "2.13.0", "ruamel-yaml": "1.0"}
    whole = {
        "python": [3, 11],
        "stsf": str(tmp_path / "stsf" / "__init__.py"),
        "versions": {"torch": "2.13.0+cpu", "ruamel.yaml": "1.0", "other": "9"},
    }

    def fault(**changes: object) -> str | None:
        return start.fault_in({**whole, **changes}, wanted, tmp_path, (3, 11, 7))

    assert fault() is None
    assert "does not start" in start.fault_in(None, wanted, tmp_path, (3, 11, 7))
    assert "Python 3.12" in fault(python=[3, 12])
    assert "another copy" in fault(stsf="/elsewhere/stsf/__init__.py")
    assert "torch is not at" in fault(versions={"torch": "2.12.0", "ruamel.yaml": "1.0"})
    assert "ruamel-yaml is not at" in fault(versions={"torch": "2.13.0"})


WHOLE = '{"fingerprint": "x", "census": "y"}'


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"fingerprint": "x"}', WHOLE])
def test_only_a_complete_stamp_counts(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "STAMP", tmp_path / "stamp.json")
    if content is not None:
        start.STAMP.write_text(content)
    assert start.stamped() == (json.loads(WHOLE) if content == WHOLE else {})


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A copy of the tree's two inputs, with the slow steps replaced by notes of their calls."""
    calls: list[str] = []
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.setattr(start, "ROOT", tmp_path)
    monkeypatch.setattr(start, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(start, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(start, "STAMP", tmp_path / ".venv" / "stamp.json")
    monkeypatch.setattr(start, "LOG", tmp_path / ".venv" / "setup.log")
    monkeypatch.setattr(start, "build", lambda: calls.append("build"))
    monkeypatch.setattr(start, "install", lambda: calls.append("install"))
    monkeypatch.setattr(start, "ask", lambda *args: "True\n")
    monkeypatch.setattr(start, "fault", lambda: None)
    return calls


def test_a_first_run_builds_and_a_second_does_nothing(workshop: list[str]) -> None:
    start.prepare()
    start.prepare()
    assert workshop == ["build"]
    overrides = start.VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert json.loads(overrides.read_text("utf-8")) == start.OVERRIDES


def test_a_changed_lock_installs_in_place(workshop: list[str]) -> None:
    start.prepare()
    start.LOCK.write_text(start.LOCK.read_text("utf-8") + "one-more==1.0\n", "utf-8")
    start.prepare()
    assert workshop == ["build", "install"]


def test_files_that_differ_are_tried_once(
    workshop: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start.prepare()
    monkeypatch.setattr(start, "fault", lambda: workshop.append("tried"))
    (start.VENV / "lib" / "package" / "__pycache__").mkdir(parents=True)
    (start.VENV / "lib" / "package" / "__pycache__" / "a.pyc").touch()
    start.prepare()
    assert workshop == ["build"]  # what Python writes by itself does not count
    (start.VENV / "lib" / "package" / "a.py").touch()
    start.prepare()
    start.prepare()
    assert workshop == ["build", "tried"]


def test_an_interrupted_set_up_is_taken_up_again(
    workshop: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        start.VENV.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(start, "build", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start.prepare()
    assert not start.stamped()
    start.prepare()
    assert workshop == ["install"] and start.stamped()


def test_an_interrupted_update_does_not_look_finished(
    workshop: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    start.prepare()
    start.LOCK.write_text(start.LOCK.read_text("utf-8") + "one-more==1.0\n", "utf-8")
    monkeypatch.setattr(start, "install", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start.prepare()
    assert not start.stamped()


def test_where_pip_cannot_mend_a_new_environment_does(
    workshop: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise start.set_up_problem("packages", "ERROR: Cannot uninstall x, no RECORD file.\n")

    start.VENV.mkdir()
    monkeypatch.setattr(start, "install", fail)
    start.prepare()
    assert workshop == ["build"] and start.stamped()


def test_damage_is_noticed_and_what_cannot_be_mended_is_rebuilt(
    workshop: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start.prepare()
    monkeypatch.setattr(start, "fault", lambda: None if workshop.count("build") == 2 else "broken")
    start.prepare()
    assert workshop == ["build"]  # not a file differs: nothing is tried again
    (start.VENV / "lib").mkdir()
    (start.VENV / "lib" / "torch.so").write_text("half a file", "utf-8")
    start.prepare()
    assert workshop == ["build", "install", "build"] and start.stamped()


def test_a_venv_whose_python_does_not_run_is_rebuilt(
    workshop: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start.VENV.mkdir()
    monkeypatch.setattr(start, "ask", lambda *args: None)
    start.prepare()
    assert workshop == ["build"]


def test_without_network_nothing_is_torn_down(
    workshop: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline() -> None:
        raise start.set_up_problem("packages", "WARNING: Retrying ... NameResolutionError(...)\n")

    start.VENV.mkdir()
    monkeypatch.setattr(start, "install", offline)
    with pytest.raises(start.Stop, match="no network"):
        start.prepare()
    assert workshop == []


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("Failed to establish a new connection: [Errno -3]", "no network"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: first\nERROR: No matching distribution found for x==9.\n", "No matching"),
        ("", "the whole log is in .venv"),
        (UNBUILT, "pip says: ModuleNotFoundError: No module named 'hatchling'; "),
        (CAPTURED, "pip says: BackendUnavailable: Cannot import 'hatchling.build'; "),
        (
            "ERROR: numpy-0.8.0.whl is not a supported wheel on this platform.\n",
            "not a supported",
        ),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n", "DO NOT MATCH THE HASHES"),
    ],
)
def test_each_failed_step_is_one_sentence(log: str, words: str) -> None:
    sentence = str(start.set_up_problem("packages", log))
    assert words in sentence and "\n" not in sentence and sentence.endswith(".")


@pytest.mark.slow
def test_what_comes_as_source_builds_where_nothing_was_built_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The arguments that start.py gives pip, in a bare environment without cache or home."""
    for option in ("index-url", "extra-index-url", "find-links", "cert", "proxy", "trusted-host"):
        command = [sys.executable, "-m", "pip", "config", "get", f"global.{option}"]
        reach = subprocess.run(command, capture_output=True, text=True).stdout.strip()
        name = f"PIP_{option.replace('-', '_').upper()}"
        if reach and name not in os.environ:
            monkeypatch.setenv(name, reach)
    monkeypatch.setattr(start, "ROOT", tmp_path)
    monkeypatch.setattr(start, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(start, "LOG", tmp_path / "setup.log")
    for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "PIP_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "empty"))
    wanted = start.pins(start.LOCK.read_text("utf-8"))
    only = tmp_path / "only.lock"
    only.write_text("".join(f"{name}=={wanted[name]}\n" for name in AS_SOURCE), "utf-8")
    arguments = start.locked()
    arguments[arguments.index("-r") + 1] = str(only)
    add = [str(start.venv_python()), "-m", "pip", "install"]
    start.step("environment", [sys.executable, "-m", "venv", str(start.VENV)])
    try:
        start.step("installer", [*add, f"pip=={wanted['pip']}"])
    except start.Stop as stop:
        if "no network" not in str(stop):
            raise
        pytest.skip(f"no package index answers: {stop}")
    start.step("packages", [*add, "--no-deps", "--no-binary", ":all:", *arguments])
    listed = subprocess.run(
        [str(start.venv_python()), "-m", "pip", "list", "--format=json"], capture_output=True
    )
    found = {start.canonical(package["name"]) for package in json.loads(listed.stdout)}
    assert found - {"setuptools"} == {"pip", *AS_SOURCE}  # the build tools stayed outside


def test_main_turns_a_stop_into_exit_code_2(
    workshop: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop() -> None:
        raise start.Stop("One sentence.")

    monkeypatch.setattr(start, "prepare", stop)
    assert start.main(["test"]) == 2
    assert capsys.readouterr().err.strip() == "One sentence."
    assert start.main(["test", "--fast"]) == 2
    assert "no further arguments" in capsys.readouterr().err


def test_a_server_that_refuses_does_not_answer() -> None:
    assert not start.answers("http://127.0.0.1:9/", seconds=3)  # nobody listens there


def test_a_name_look_up_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    leave, left = threading.Event(), threading.Event()

    def hang(url: str, timeout: float) -> None:
        leave.wait(20)
        left.set()
        raise OSError

    monkeypatch.setattr(start.urllib.request, "urlopen", hang)
    assert not start.answers("http://localhost/", seconds=0.05)
    assert not left.is_set()
    leave.set()


def test_counts_and_total(tmp_path: Path) -> None:
    suite = tmp_path / "test_three.py"
    suite.write_text(
        "import pytest\n"
        "def test_a(): pass\n"
        "def test_b(): assert False\n"
        "def test_c(): pytest.skip('why')\n"
        "@pytest.fixture\n"
        "def broken(): raise OSError\n"
        "def test_d(broken): pass\n"
    )
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(suite)]
    bare = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [*command, f"--junitxml={report}"]
    subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True)
    rows = run_all.counts(report)
    assert rows == {"tests": [1, 2, 1], "doctests": [0, 0, 0]}
    assert run_all.total({**rows, "lint": [1, 0, 0]}) == "2 passed, 2 failed, 1 skipped"
    report.write_text('<s><testcase classname="stsf.errors"/><testcase classname="tests.x"/></s>')
    assert run_all.counts(report) == {"tests": [1, 0, 0], "doctests": [1, 0, 0]}


@pytest.mark.browser
def test_jupyterlab_opens_without_the_news_prompt(browser, start_lab, tmp_path: Path) -> None:
    start.hide_news(tmp_path / "hidden")
    shown: dict[str, float] = {}
    for settings in ("default", "hidden"):
        private = [
            f"--LabApp.{d}_dir={tmp_path / settings / d}" for d in ("user_settings", "workspaces")
        ]
        address = start_lab(tmp_path, f"--LabApp.app_settings_dir={tmp_path / settings}", *private)
        page = browser.new_page()
        page.goto(address)
        page.wait_for_function("window.jupyterapp && window.jupyterapp.restored.then(() => true)")
        began = time.monotonic()
        prompt = page.get_by_text("official Jupyter news")
        wait = 60 if settings == "default" else 3 * shown["default"] + 3
        while not prompt.count() and time.monotonic() - began < wait:
            page.wait_for_timeout(100)
        if prompt.count():
            shown[settings] = time.monotonic() - began
        page.close()
    assert list(shown) == ["default"]  # the prompt does come where nothing hides it
