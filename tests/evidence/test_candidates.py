"""What the scene says about t2."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stsf.evidence.candidates import CANDIDATES, KEEPING
from stsf.evidence.coordinates import working_plane
from stsf.evidence.evidence import Evidence
from stsf.evidence.fourier import FourierRegression
from stsf.sensing.sensors import ahsi, sentinel2
from stsf.sensing.subspace import band_quality
from stsf.world.observation import observe
from stsf.world.simulation import simulate


@pytest.fixture(scope="module")
def scene():
    hs = ahsi()
    hs = hs.select(band_quality(hs.centre) == "clean")
    return observe(simulate(5, size=48), hs, sentinel2("A"), seed=5)


@pytest.fixture(scope="module")
def evidence(scene):
    return Evidence(scene, scene.hrhs_t1)


def coordinates(evidence, cube):
    return evidence.coordinates.encode(torch.as_tensor(cube.reshape(len(cube), -1).T.copy()))


def test_names_and_shapes(evidence):
    assert evidence.all.candidates.shape == (48 * 48, len(CANDIDATES) - 1, 16)
    assert len(evidence.to_known.pairs) == len(evidence.to_known.answers)
    assert all("regression" not in CANDIDATES[i] for i in KEEPING)


def test_where_nothing_changed_the_kept_spectrum_is_right(scene):
    still = replace(scene, hrms_t2=scene.hrms_t1, hrhs_t2=scene.hrhs_t1)
    evidence = Evidence(still, still.hrhs_t1)
    truth = coordinates(evidence, still.hrhs_t1)
    error = (evidence.all.candidates - truth[:, None]).square().mean((0, 2))
    assert error[0] < 0.05 * error[2]  # X1 kept, against the regression on M2 alone
    assert evidence.all.change.max() == 0


def test_a_change_of_brightness_is_no_change_of_cover(evidence):
    every = evidence.all
    pixels = evidence.pair(every.x1, every.m1, 1.3 * every.m1, every.missed, evidence.regression)
    assert pixels.brightness.median() == pytest.approx(1.3, abs=1e-3)
    assert pixels.cover.max() < 1e-4 < pixels.change.median()


def test_every_candidate_agrees_with_m2_within_the_noise(evidence, scene):
    found = evidence.all.candidates
    for j in range(found.shape[1]):
        gap = evidence.coordinates.to_ms(found[:, j]) - evidence.all.m2
        assert gap.square().mean().sqrt() < 5 * scene.noise_ms.mean()


def test_the_regression_of_a_pseudo_change_has_not_seen_its_answer(scene):
    """Had it, noise planted at low resolution would be predicted."""
    rng = np.random.default_rng(0)
    noisy = replace(scene, lrhs_t1=rng.uniform(0.1, 0.5, scene.lrhs_t1.shape).astype(np.float32))
    evidence = Evidence(noisy, noisy.D.upsample(noisy.lrhs_t1))
    error = (evidence.to_known.pairs.candidates[:, 3] - evidence.to_known.answers).square().mean()
    assert error > 0.7 * evidence.to_known.answers.var(0).mean()


def test_fourier_regression_learns_a_curve_and_stays_in_range():
    m = torch.linspace(0, 1, 400)[:, None]
    z = torch.sin(6 * m)
    fit = FourierRegression(m, z)
    _, sharp, _ = fit(m)
    assert (sharp - z).abs().max() < 0.05
    far = torch.cat(fit(torch.tensor([[40.0], [-40.0]])))
    assert far.abs().max() <= 3.01  # the range of the pairs, and as much again on either side
    assert fit.novelty(torch.tensor([[5.0]])) > 5 * fit.novelty(m).mean()


def test_the_working_plane_can_express_what_the_scene_has_never_seen(scene):
    from stsf.sensing.spectra import library

    water = library("train")
    water = water.select(water.material == "water").at(scene.hs)[:50].T[:, None].astype(np.float32)
    dull = replace(
        scene,
        lrhs_t1=scene.lrhs_t1.mean((1, 2), keepdims=True)
        * np.linspace(0.9, 1.1, scene.lrhs_t1[0].size, dtype=np.float32).reshape(
            1, *scene.lrhs_t1.shape[1:]
        ),
    )
    plane = working_plane(dull)
    lost = plane.decode(plane.encode(water)) - water
    assert np.sqrt(np.mean(lost**2)) < 0.02


def test_bands_outside_the_library_follow_the_scene(scene):
    from stsf.sensing.bands import Sensor

    hs = scene.hs
    centre = np.append(hs.centre, 2480.0)
    wider = Sensor(
        "wider",
        (*hs.band_names, "far"),
        centre,
        np.append(hs.fwhm, hs.fwhm[-1]),
        hs.gsd,
        np.append(hs.detector, hs.detector[-1]),
        hs.mtf,
    )
    far = {
        key: np.concatenate([cube, cube[-1:]])
        for key, cube in (
            ("lrhs_t1", scene.lrhs_t1),
            ("hrhs_t1", scene.hrhs_t1),
            ("hrhs_t2", scene.hrhs_t2),
        )
    }
    evidence = Evidence(replace(scene, hs=wider, psf=None, **far), far["hrhs_t1"])
    bands = evidence.coordinates.from_canonical(torch.randn(20, 16) * 0.3)
    assert (bands[:, -1] - bands[:, -2]).abs().max() < 0.05


def test_the_same_seed_gives_the_same_evidence(scene, evidence):
    again = Evidence(scene, scene.hrhs_t1)
    assert torch.equal(again.to_known.answers, evidence.to_known.answers)
    assert torch.equal(again.all.candidates, evidence.all.candidates)


def test_explained_shares_are_shares(evidence):
    assert ((evidence.explained >= 0) & (evidence.explained <= 1)).all()
    assert evidence.explained[0] > 0.9  # overall brightness is what any MS sees


def test_products_of_bands_go_on_where_no_pair_lies():
    m = torch.rand(500, 2, generator=torch.Generator().manual_seed(0))
    z = m.prod(1, keepdim=True)
    new = torch.tensor([[1.1, 1.05]])  # outside all pairs
    polynomial = FourierRegression(m, 3 * z)(new)[2].item() / 3
    assert polynomial == pytest.approx(1.155, abs=0.05)


def test_of_ground_that_hardly_changes_x1_kept_knows_most(evidence):
    error = (evidence.calm.pairs.candidates - evidence.calm.answers[:, None]).square()
    risk = (error * evidence.coordinates.energy).sum(2).mean(0)
    assert risk[0] < 0.5 * risk[2]  # injection against the smooth regression
    assert evidence.calm.pairs.change.mean() < 0.5 * evidence.to_known.pairs.change.mean()


def test_the_cascade_keeps_what_did_not_change(scene):
    still = replace(scene, hrms_t2=scene.hrms_t1, hrhs_t2=scene.hrhs_t1)
    evidence = Evidence(still, still.hrhs_t1)
    cascade = evidence.all.candidates[:, CANDIDATES.index("cascade")]
    assert (cascade - evidence.all.candidates[:, 4]).abs().max() < 1e-4  # as all kept detail
