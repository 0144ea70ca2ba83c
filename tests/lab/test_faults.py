"""Deliberate faults: each must turn a checked cell of a lesson, or a test, red.

A lesson is run cell by cell in this process until a checked cell prints something other than what
is stored, as nbval would see it. `pytest tests/test_faults.py -rP` says which cell it was.
"""

import contextlib
import importlib
import io
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from nbformat import NotebookNode

import stsf
from stsf import degradation, tve, units
from stsf.lab.publish import handout
from stsf.sensing import response

ROOT = Path(__file__).resolve().parents[2]
LESSONS = handout.read_lessons()
MODULES = [  # all of them now: one that is imported under a fault would keep it
    importlib.import_module(found.name) for found in pkgutil.walk_packages(stsf.__path__, "stsf.")
]
Patch = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """No cache carries a scene, and its operators, into a fault or out of it."""
    forget()
    yield
    forget()


def forget() -> None:
    for part in (part for module in MODULES for part in vars(module).values()):
        getattr(part, "cache_clear", lambda: None)()


def printed(cell: NotebookNode) -> str:
    return "".join(o["text"] for o in cell.outputs if o["output_type"] == "stream")


def first_red(lesson: NotebookNode) -> str | None:
    """The first checked cell that prints something else, or cell that fails; None if all agree."""
    names: dict = {}
    for cell in (cell for cell in lesson.cells if cell.cell_type == "code"):
        if "optional" in handout.tags(cell):
            continue
        place = f"{cell.id} ({cell.source.strip().splitlines()[0]})"
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):
                exec(compile(cell.source, cell.id, "exec"), names)
        except Exception as error:
            return f"{place}: {type(error).__name__}: {error}"
        if "nbval-check-output" in handout.tags(cell) and said.getvalue() != printed(cell):
            return f"{place}: {said.getvalue()!r}"
    return None


def put(patch: pytest.MonkeyPatch, true: object, fault: object) -> None:
    """Put a fault in the place of a function wherever the package uses it."""
    for module in MODULES:
        for name, part in list(vars(module).items()):
            if part is true:
                patch.setattr(module, name, fault)


def wider_psf(patch: pytest.MonkeyPatch) -> None:
    """PSF of the wrong width: 30 % too wide."""
    true = degradation.blur_matrix
    put(patch, true, lambda n, r, sigma, shift=0.0: true(n, r, 1.3 * sigma, shift))


def shifted_phase(patch: pytest.MonkeyPatch) -> None:
    """Phase off by one pixel: a sample sits on the first pixel of its block of three."""
    true = degradation.blur_matrix
    put(patch, true, lambda n, r, sigma, shift=0.0: true(n, r, sigma, shift - 1.0))


def rows_not_normalised(patch: pytest.MonkeyPatch) -> None:
    """SRF rows that do not sum to 1: each is divided by its largest value instead."""
    true = response.srf_matrix

    def peaks(*given):
        R, coverage = true(*given)
        return R / R.max(axis=1, keepdims=True), coverage

    put(patch, true, peaks)


def final_consistency_dropped(patch: pytest.MonkeyPatch) -> None:
    """Final consistency dropped: the answer at t2 is not corrected to agree with M2."""
    never = property(lambda self: False, lambda self, wanted: None)
    for part in (tve.TemporalVariationEstimator, tve.SpectralFineTuningNetwork):
        patch.setattr(part, "consistency", never, raising=False)


def units_skipped(patch: pytest.MonkeyPatch) -> None:
    """SEU and ECU skipped: no detail is added, and every residual is believed as it is."""
    patch.setattr(
        units.SpatialEnhancementUnit, "forward",
        lambda self, z, proposals, texture, misfit, memory, context: (z, memory),
    )  # fmt: skip
    patch.setattr(
        units.ErrorCorrectionUnit, "forward",
        lambda self, residual, explained, trust, context: (residual, torch.ones_like(residual)),
    )  # fmt: skip


FAULTS: list[tuple[Patch, str]] = [
    (wider_psf, "02_degradation_model"),
    (shifted_phase, "02_degradation_model"),
    (rows_not_normalised, "02_degradation_model"),
    (rows_not_normalised, "00_start_here"),
]
IN_TESTS: list[tuple[Patch, str]] = [
    (units_skipped, "tests/test_ssje.py::test_untrained_it_beats_the_classical_start"),
    (
        units_skipped,
        "tests/test_ssje.py::test_changed_ground_is_taken_from_m1_only_with_the_correction_unit",
    ),
    (
        final_consistency_dropped,
        "tests/test_tve.py::test_the_answer_agrees_with_m2_and_without_consistency_does_not",
    ),
]


@pytest.mark.parametrize(
    ("fault", "lesson"), FAULTS, ids=lambda part: getattr(part, "__name__", part)
)
def test_a_fault_turns_a_lesson_red(fault: Patch, lesson: str, monkeypatch) -> None:
    fault(monkeypatch)
    found = first_red(LESSONS[lesson])
    print(f"{fault.__doc__} Red in {lesson}, {found}")
    assert found is not None


@pytest.mark.parametrize(
    ("fault", "test"),
    IN_TESTS,
    ids=[f"{fault.__name__}-{i}" for i, (fault, _) in enumerate(IN_TESTS)],
)
def test_a_fault_turns_a_test_red(fault: Patch, test: str) -> None:
    """In a process of its own, which ends with 1 if a test failed, and with more for a mishap."""
    code = f"""if True:
        import runpy, sys, pytest
        runpy.run_path({__file__!r})[{fault.__name__!r}](pytest.MonkeyPatch())
        sys.exit(pytest.main(["-qx", "-p", "no:cacheprovider", {test!r}]))"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    print(f"{fault.__doc__} Red: {test}")
    assert done.returncode == 1 and "1 failed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("lesson", sorted({lesson for _, lesson in FAULTS}))
def test_without_a_fault_nothing_is_red(lesson: str) -> None:
    assert first_red(LESSONS[lesson]) is None
