"""A part of a scene, fused by what was estimated on the whole, is that part of the product."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

import stsf
from stsf.alignment.align import align
from stsf.alignment.phase_correlation import shift_image
from stsf.evidence.components import prepare
from stsf.evidence.evidence import Evidence
from stsf.evidence.statistics import statistics

WINDOW = slice(0, 40), slice(12, 52)  # LR pixels of the sample: one side is the scene's own
INNER = slice(0, 24), slice(8, 32)  # of the window, away from the sides that are not


@pytest.fixture(scope="module")
def scene():
    return stsf.load_sample()


def fine(part, inner=INNER):
    return part[(..., *(slice(3 * s.start, 3 * s.stop) for s in inner))]


def whole(cube):
    return fine(fine(cube, WINDOW))


def test_x1_of_a_part(scene):
    network, window = stsf.network.shipped(), scene.crop(*WINDOW)
    x1 = network.first_date(window, estimated=statistics(scene))
    np.testing.assert_allclose(fine(x1), whole(network.first_date(scene)), atol=2e-4)
    # estimated on the part alone it is another
    assert np.abs(fine(network.first_date(window)) - whole(network.first_date(scene))).max() > 1e-3


def test_the_maps_of_a_part(scene):
    expected = prepare(scene)
    found = prepare(scene.crop(*WINDOW), estimated=statistics(scene))
    torch.testing.assert_close(found.basis, expected.basis, rtol=0, atol=0)
    for name in ("start", "guide", "missed", "base"):
        a, b = fine(getattr(found, name)), whole(getattr(expected, name))
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def test_the_pixels_of_a_part(scene):
    expected = Evidence(scene, scene.hrhs_t1)
    inner = tuple(slice(3 * s.start, 3 * s.stop) for s in INNER)
    found = expected.part(scene.crop(*WINDOW), whole(scene.hrhs_t1), inner)
    rows = torch.as_tensor(whole(np.arange(np.prod(scene.size)).reshape(scene.size)).ravel())
    for name, values in expected.all[rows].named().items():
        torch.testing.assert_close(getattr(found.all, name), values, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        found.surroundings, expected.surroundings[rows], rtol=1e-3, atol=1e-4
    )
    torch.testing.assert_close(found.detail, expected.detail[rows], rtol=1e-3, atol=1e-5)
    assert len(expected.all) == np.prod(scene.size)  # the whole was left alone


def test_an_alignment_applied_to_a_part(scene):
    moved = replace(scene, hrms_t1=shift_image(1.03 * scene.hrms_t1, 0.6, -0.4))
    aligned, found = align(moved)
    assert any(found.registration.applied)
    part = found.apply(moved.crop(*WINDOW))
    assert part.psf == aligned.psf
    for key in ("hrms_t1", "hrms_t2"):
        a, b = fine(getattr(part, key)), whole(getattr(aligned, key))
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_what_serves_for_parts_holds_no_pixels(scene):
    """It goes to every worker: no view of a row keeps all rows in memory."""
    bare = Evidence(scene, scene.D.upsample(scene.lrhs_t1), with_pixels=False)
    for kept in (bare.all, bare.surroundings, bare.detail):
        assert len(pickle.dumps(kept)) < 10_000
