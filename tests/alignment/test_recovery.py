"""Everything wrong at once, as `fuse` meets it: what alignment finds, and what X2 loses by it.

    STSF_SEEDS=8 pytest -q -s tests/alignment/test_recovery.py

prints the table; without STSF_SEEDS it has two scenes. What is known of a scene here: both shifts,
the PSF of each detector, gain, offset and response of each MS band, the gain between the dates;
stripes in Y1 and ground that changed between Y1 and M1 stay.
"""

import os
import warnings
from dataclasses import dataclass, replace

import numpy as np
import pytest

from stsf import metrics
from stsf.alignment.phase_correlation import shift_image
from stsf.fusion import Fused, fuse
from stsf.scene import Scene
from stsf.sensing.bands import Sensor
from stsf.sensing.response import srf_matrix
from stsf.sensing.sensors import ahsi, sentinel2
from stsf.sensing.subspace import band_quality
from stsf.world.observation import Imperfections, jitter, observe
from stsf.world.simulation import simulate

SEEDS = range(int(os.environ.get("STSF_SEEDS", 2)))
SIZE = 120  # pixels


@dataclass(frozen=True)
class Recovery:
    """One scene: pixels, shares and decibels."""

    dates: float  # largest error of the shift of M1
    hs: float  # largest error of the shift of Y1
    response: float  # left-out error of the MS bands over the same as delivered, mean
    worst: float  # the same of the worst band
    known: float  # X2, global PSNR, everything known
    aligned: float  # the same as `fuse` finds it
    as_is: float  # the same without alignment
    exact: float  # what alignment costs a scene with nothing wrong

    def row(self, name: str) -> str:
        lost = self.known - self.aligned, self.known - self.as_is, self.exact
        return (
            f"| {name} | {self.dates:.3f} | {self.hs:.3f} | {self.response:.2f} ({self.worst:.2f}) "
            f"| {self.known:.2f} | {lost[0]:+.2f} | {lost[1]:+.2f} | {lost[2]:+.3f} |"
        )


def sensors() -> tuple[Sensor, Sensor]:
    hs = ahsi()
    return hs.select(band_quality(hs.centre) == "clean"), sentinel2("A")


def recover(seed: int) -> Recovery:
    hs, ms = sensors()
    wrong, world = Imperfections.draw(seed, hs, ms), simulate(seed, size=SIZE, split="test")
    scene = observe(world, hs, ms, imperfections=wrong, seed=seed)
    runs = [
        fuse(known(scene, wrong), calibrate="none", force=True),
        fuse(scene),
        fuse(scene, calibrate="none", force=True),
    ]
    good = np.logical_and.reduce([run.valid for run in runs])
    best, aligned, as_is = (score(run, scene, good) for run in runs)
    # what was found, against what was wrong
    found = runs[1].report["registration"]
    shift = np.array([found["ms"][k]["value"] for k in ("shift_y", "shift_x")])
    vnir = np.array([found["hs"][0][k]["value"] for k in ("shift_y", "shift_x")])
    true = np.subtract(wrong.shift_hs, wrong.shift_ms1) - found["ms_applied"]
    bands = runs[1].report["response"].values()
    left = np.array([band["after"] / band["before"] for band in bands])
    # and a scene with nothing wrong
    exact = observe(world, hs, ms, seed=seed)
    plain, touched = fuse(exact, calibrate="none"), fuse(exact)
    both = plain.valid & touched.valid
    return Recovery(
        float(np.abs(shift + wrong.shift_ms1).max()),
        float(np.abs(vnir - true).max()),
        float(left.mean()),
        float(left.max()),
        best,
        aligned,
        as_is,
        score(plain, exact, both) - score(touched, exact, both),
    )


def known(scene: Scene, wrong: Imperfections) -> Scene:
    """The same images with all that can be known of them."""
    gain, offset = (np.float32(np.reshape(v, (-1, 1, 1))) for v in (wrong.gain_ms, wrong.offset_ms))
    m1 = shift_image((scene.hrms_t1 - offset) / gain, *np.negative(wrong.shift_ms1))
    m2 = (scene.hrms_t2 - offset) / (gain * np.float32(wrong.gain_t2))
    inside = shift_image(scene.valid_hr[None], *np.negative(wrong.shift_ms1))[0]
    dy, dx = wrong.shift_hs
    psf = tuple(replace(p, shift_y=dy, shift_x=dx) for p in wrong.psf or ())
    R = srf_matrix(scene.hs, jitter(scene.ms, wrong.srf_shift, wrong.srf_width))[0]
    valid = scene.valid_hr & inside
    return replace(scene, hrms_t1=m1, hrms_t2=m2, psf=psf, response=R, valid_hr=valid)


def score(run: Fused, scene: Scene, good: np.ndarray) -> float:
    """Global PSNR of X2 where all that is compared has data, dB."""
    assert scene.hrhs_t2 is not None
    return metrics.psnr(run.hrhs_t2, scene.hrhs_t2, valid=good)


@pytest.mark.slow
def test_everything_wrong_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {str(seed): recover(seed) for seed in SEEDS}
    mean = Recovery(*np.mean([list(vars(r).values()) for r in found.values()], axis=0).tolist())
    with capsys.disabled():
        print(
            "\n| seed | M1 off, px | Y1 off, px | response (worst) | X2 known, dB | lost aligned "
            "| lost as is | lost exact |\n|---|---|---|---|---|---|---|---|"
        )
        print(*(r.row(name) for name, r in (found | {"mean": mean}).items()), sep="\n")
    for recovery in found.values():
        assert recovery.dates < 0.1 and recovery.hs < 0.1
        assert recovery.as_is < recovery.aligned
    assert mean.response < 0.5
    assert mean.known - mean.aligned < 1.0
    assert mean.exact < 0.05
