"""Run every check of the kit and sum them up: what `python3 start.py test` does after set-up.

Each step runs in a process of its own and in plain sight, the later ones too where an early one
fails. The last line reads 'N passed, N failed, N skipped'.
"""

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2  # test processes side by side; each may hold a scene and a network in memory
STATIC = {
    "lint": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["mypy"],
}

Row = list[int]  # passed, failed, skipped


def counts(report: Path) -> dict[str, Row]:
    """Count a pytest JUnit report, tests and doctests (those live in stsf) apart."""
    rows = {"tests": [0, 0, 0], "doctests": [0, 0, 0]}
    for case in ElementTree.parse(report).iter("testcase"):
        kind = "doctests" if case.get("classname", "").split(".")[0] == "stsf" else "tests"
        tags = {child.tag for child in case}
        column = 1 if tags & {"failure", "error"} else 2 if "skipped" in tags else 0
        rows[kind][column] += 1
    return rows


def total(rows: dict[str, Row]) -> str:
    """Sum the rows of the table into its last line."""
    passed, failed, skipped = (sum(row[column] for row in rows.values()) for column in range(3))
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def run(title: str, arguments: list[str], environment: dict[str, str]) -> int:
    """Run one step and return its exit code."""
    print(f"\n== {title}", flush=True)
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, env=environment).returncode


def run_pytest(title: str, arguments: list[str], environment: dict[str, str]) -> dict[str, Row]:
    """Run one pytest step and count what it ran.

    A step that crashes, or finds nothing to run, counts as one failure: it has shown nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        common = ["pytest", "-q", "-rs", "--durations=5", "--continue-on-collection-errors"]
        common += [f"--junitxml={report}"]
        code = run(title, [*common, *arguments], environment)
        rows = counts(report) if report.exists() else {"tests": [0, 0, 0], "doctests": [0, 0, 0]}
    if code != 0 and not any(row[1] for row in rows.values()):
        rows["tests"][1] += 1
    return rows


def main() -> int:
    """Run all steps, print the table, return 1 if anything failed."""
    started = time.monotonic()
    plain = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"}  # notebooks draw inline
    # each worker has its share of the cores, or the workers' thread pools fight for them
    share = str(max(1, (os.cpu_count() or 1) // WORKERS))
    threads = {f"{library}_NUM_THREADS": share for library in ("OMP", "MKL", "OPENBLAS")}
    table: dict[str, Row] = {}

    unit = ["-m", "not browser", "-n", str(WORKERS), "tests", "stsf"]
    rows = run_pytest("Unit tests and doctests", unit, {**plain, **threads, "MPLBACKEND": "Agg"})
    table["unit tests"], table["doctests"] = rows["tests"], rows["doctests"]

    nbval = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=600"]
    nbval += ["--nbval-kernel-startup-timeout=120", "-o", "addopts="]
    nbval += ["-n", str(WORKERS), "--dist", "loadfile", "notebooks"]
    if not os.environ.get("STSF_DATA"):  # real data are not shipped, and tests download nothing
        nbval += ["--ignore=notebooks/cases"]
    table["notebook cells"] = run_pytest("Notebooks", nbval, {**plain, **threads})["tests"]

    browser = ["-m", "browser", "-n", str(WORKERS), "--dist", "loadfile", "tests"]
    table["browser tests"] = run_pytest("In the browser", browser, {**plain, **threads})["tests"]

    for name, arguments in STATIC.items():
        failed = int(run(name.capitalize(), arguments, plain) != 0)
        table[name] = [1 - failed, failed, 0]

    print(f"\n{'':16}passed  failed  skipped")
    for name, row in table.items():
        print(f"{name:16}{row[0]:6}  {row[1]:6}  {row[2]:7}")
    print(f"took {time.monotonic() - started:.0f} s")
    print(total(table))
    return 1 if any(row[1] for row in table.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
