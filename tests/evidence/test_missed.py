"""What the regression misses from place to place."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import stsf
from stsf.evidence.candidates import CANDIDATES
from stsf.evidence.evidence import Evidence
from stsf.evidence.missed import NOTHING, missed_around

HERE, SMOOTH = CANDIDATES.index("regression, here"), CANDIDATES.index("regression, smooth")


def test_one_error_alone_is_spread_like_a_gaussian():
    where = np.zeros((21, 21), bool)
    where[10, 10] = True
    found = missed_around(torch.tensor([[2.0, -1.0]]), where)
    bell = np.exp(-0.5 * np.arange(-10, 11) ** 2)
    bell /= bell[np.abs(np.arange(-10, 11)) <= 4].sum()  # scipy ends it at 4 σ
    weight = bell[10] * bell[8]  # two rows away
    assert found[0, 8, 10] == pytest.approx(2 * weight / (weight + NOTHING), rel=1e-3)
    np.testing.assert_allclose(found[1], -found[0] / 2, atol=1e-6)
    assert found[0, 10, 17] == 0.0  # beyond its reach


def test_pixels_without_data_have_no_say():
    where = np.ones((15, 15), bool)
    where[:, 8:] = False
    found = missed_around(torch.ones(int(where.sum()), 1), where)
    assert found[0, 7, 7] > 0.9  # at the border: not half of it
    assert found[0, 7, 14] == 0.0


def test_ground_that_differs_from_place_to_place_is_noticed():
    """Left and right differ by what no MS band sees: the regression cannot know, its place can."""
    scene = stsf.load_sample().crop(slice(0, 40), slice(0, 40))
    R = scene.R.R
    unseen = np.sin(np.arange(R.shape[1]) / 9.0)
    unseen -= np.linalg.pinv(R) @ (R @ unseen)
    side = np.where(np.arange(scene.size[1]) < scene.size[1] // 2, 0.03, -0.03)
    more = (unseen[:, None, None] * side * np.ones(scene.size)[None]).astype(np.float32)
    x1, x2 = scene.truth(1) + more, scene.truth(2) + more
    scene = replace(scene, lrhs_t1=scene.lrhs_t1 + scene.D.A(more), hrhs_t1=x1, hrhs_t2=x2)
    evidence = Evidence(scene, x1)
    maps, truth = evidence.coordinates, torch.as_tensor(x2.reshape(len(x2), -1).T)
    found = [maps.decode(evidence.all.candidates[:, i]) for i in (HERE, SMOOTH)]
    v = torch.as_tensor(unseen, dtype=torch.float32)
    left = torch.as_tensor((side > 0)[None].repeat(scene.size[0], 0).ravel())
    here, smooth = (float(((x - truth)[left] @ v).mean() / (v @ v)) for x in found)
    assert smooth < -0.02  # it says the same of both halves
    assert abs(here) < 0.3 * abs(smooth)
