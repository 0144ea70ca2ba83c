"""The scene as maps, and the local regressions it is made with."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stsf import metrics
from stsf.errors import InputError
from stsf.evidence.components import prepare
from stsf.evidence.local import LocalRegression, local_wiener
from stsf.evidence.maps import Prepared, trust
from stsf.evidence.statistics import disagreement
from stsf.projection import BackProjection
from stsf.sensing.sensors import ahsi, sentinel2
from stsf.sensing.subspace import band_quality
from stsf.world.observation import observe
from stsf.world.simulation import simulate


@pytest.fixture(scope="module")
def small():
    hs = ahsi()
    hs = hs.select(band_quality(hs.centre) == "clean")
    return observe(simulate(5, size=60), hs, sentinel2("A"), seed=5)


@pytest.fixture(scope="module")
def prepared(small) -> Prepared:
    return prepare(small)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_maps_hold_almost_all_of_the_truth(small, prepared):
    again = prepared.decode(prepared.encode(torch.from_numpy(small.hrhs_t1)))
    start = metrics.psnr(prepared.decode(prepared.start).numpy(), small.hrhs_t1)
    assert metrics.psnr(again.numpy(), small.hrhs_t1) > start + 8


def test_encode_undoes_decode(prepared):
    z = random(len(prepared), *prepared.start.shape[1:])
    torch.testing.assert_close(prepared.encode(prepared.decode(z)), z, rtol=1e-3, atol=1e-3)


def test_d_on_the_maps_is_d_on_the_cube(small, prepared):
    z = random(len(prepared), *prepared.start.shape[1:])
    cube = torch.einsum("ln,nhw->lhw", prepared.basis, z)
    lowered = torch.einsum("ln,nhw->lhw", prepared.basis, prepared.degrade(z))
    torch.testing.assert_close(lowered, small.D.A(cube), rtol=1e-3, atol=1e-4)


def test_back_projection_is_that_of_the_kit(small, prepared):
    residual = random(len(prepared), *prepared.y.shape[1:])
    damping = prepared.noise + 0.1
    D = small.D.at(prepared.detector.numpy())
    expected = BackProjection(D, damping.double().numpy())(residual.double())
    found = prepared.back_project(residual, damping)
    torch.testing.assert_close(found.double(), expected, rtol=1e-3, atol=1e-3)


def test_maps_have_unit_variance_and_state_their_noise(small, prepared):
    np.testing.assert_allclose(prepared.y.numpy().var(axis=(1, 2)), 1.0, atol=0.1)
    white = prepared.basis.numpy() / small.noise_hs[:, None]  # of noise with variance 1
    drawn = np.random.default_rng(0).standard_normal(small.lrhs_t1.shape)
    seen = np.tensordot(np.linalg.pinv(white), drawn, 1).var(axis=(1, 2))
    np.testing.assert_allclose(seen, prepared.noise.numpy(), rtol=0.3)


def test_changed_ground_is_doubted_and_nothing_else(small):
    elsewhere = small.lrhs_t1.copy()
    elsewhere[:, 3:6, 4:8] = small.lrhs_t1[:, 12:15, 10:14] * 1.5 + 0.05
    doubt = disagreement(replace(small, lrhs_t1=elsewhere))
    patch = np.zeros(doubt.shape, bool)
    patch[3:6, 4:8] = True
    weight = trust(torch.from_numpy(doubt)).numpy()
    assert weight[patch].max() < 0.5 < weight[~patch].min()


def test_a_changed_patch_does_not_spoil_the_rest(small, prepared):
    elsewhere = small.lrhs_t1.copy()
    elsewhere[:, 3:6, 4:8] = 0.9
    spoiled = prepare(replace(small, lrhs_t1=elsewhere))
    far = np.s_[:, 24:, 30:]
    before, after = (p.decode(p.start).numpy()[far] for p in (prepared, spoiled))
    truth = small.hrhs_t1[far]
    assert metrics.psnr(after, truth) > metrics.psnr(before, truth) - 0.5


def test_missing_pixels_are_not_looked_at(small):
    holes = small.lrhs_t1.copy()
    holes[:, 8:10, 8:11] = np.nan
    with_holes = replace(small, lrhs_t1=holes)
    found = prepare(with_holes)
    assert not found.valid[8:10, 8:11].any() and found.valid.sum() == found.valid.numel() - 6
    assert not found.trust[8:10, 8:11].any()
    filled = with_holes.lrhs_t1.copy()
    filled[:, 8:10, 8:11] = 1.3 * small.lrhs_t1[:, 2:4, 2:5]  # whatever stands there
    other = prepare(replace(with_holes, lrhs_t1=filled))
    torch.testing.assert_close(found.base[:, :20, :20], other.base[:, :20, :20], rtol=0, atol=3e-3)


def test_softness_softens_only_its_detector(small, prepared):
    soft = prepare(small, softness=(0.0, 0.8))
    vnir, swir = (small.hs.detector == k for k in (0, 1))

    def edges(p, bands):
        return p.base[torch.from_numpy(bands)].diff(dim=-1).abs().mean()

    torch.testing.assert_close(edges(soft, vnir), edges(prepared, vnir), rtol=1e-4, atol=0)
    assert edges(soft, swir) < 0.9 * edges(prepared, swir)
    assert len(soft.guide) == 2 and len(prepared.guide) == 1


@pytest.mark.parametrize("softness", [(0.1,), (0.0, -0.5)])
def test_wrong_softness_is_refused(small, softness):
    with pytest.raises(InputError, match="expected 2 values of softness"):
        prepare(small, softness=softness)


def test_a_window_is_the_same_scene(prepared):
    window, inner = prepared.crop(6, 5, 8, margin=3)
    z = prepared.start
    cut = np.s_[:, 9 : 3 * 17, 6 : 3 * 16]
    torch.testing.assert_close(window.start, z[cut])
    inside = window.degrade(window.start)
    torch.testing.assert_close(inside, prepared.degrade(z)[:, 6:14, 5:13], rtol=1e-2, atol=5e-3)
    assert window.start[(slice(None), *inner)].shape[1:] == (24, 24)
    torch.testing.assert_close(window.start[(slice(None), *inner)], z[:, 18:42, 15:39])


def test_explaining_brings_the_maps_nearer_to_m1(prepared):
    z = 100 * random(len(prepared), *prepared.start.shape[1:])

    def misses(z):
        missed = prepared.missed - torch.einsum("cn,nhw->chw", prepared.seen, z)
        return (missed / prepared.noise_ms[:, None, None]).square().mean()

    assert misses(z + prepared.explain(z, 1e4)) < 0.2 * misses(z)


def direct_regression(guide, z, ratio, blocks):
    """Window by window, ordinary least squares: slow, and written from the definition."""
    g, H, W = guide.shape
    total, count = np.zeros(z.shape), np.zeros(z.shape)
    for top in range(-(blocks // 2), H // ratio):
        for left in range(-(blocks // 2), W // ratio):
            rows = slice(max(top, 0) * ratio, min(top + blocks, H // ratio) * ratio)
            columns = slice(max(left, 0) * ratio, min(left + blocks, W // ratio) * ratio)
            inside = blocks // 2 if blocks % 2 else 0
            if rows.stop <= rows.start or columns.stop <= columns.start:
                continue
            if not (0 <= top + inside < H // ratio or blocks % 2 == 0):
                continue
            if not (0 <= left + inside < W // ratio or blocks % 2 == 0):
                continue
            m = guide[:, rows, columns].reshape(g, -1).T
            t = z[rows, columns].ravel()
            centred, mean = m - m.mean(0), t.mean()
            slope = np.linalg.solve(
                centred.T @ centred / len(t) + 3e-3 * np.eye(g), centred.T @ (t - mean) / len(t)
            )
            total[rows, columns] += (mean + centred @ slope).reshape(total[rows, columns].shape)
            count[rows, columns] += 1
    return total / count


def test_local_regression_is_least_squares_in_every_window():
    guide, z = random(2, 12, 15).double(), random(1, 12, 15, seed=1).double()
    follow, _ = LocalRegression(guide, 3, windows=(2,))(z)
    expected = direct_regression(guide.numpy(), z[0].numpy(), 3, 2)
    np.testing.assert_allclose(follow[0, 0].numpy(), expected, atol=1e-6)
    follow, _ = LocalRegression(guide, 3, windows=(3,))(z)
    expected = direct_regression(guide.numpy(), z[0].numpy(), 3, 3)
    np.testing.assert_allclose(follow[0, 0, 3:-3, 3:-3].numpy(), expected[3:-3, 3:-3], atol=1e-6)


def test_misfit_is_the_variance_that_the_guide_does_not_explain():
    guide, noise = random(3, 60, 60), random(1, 60, 60, seed=2)
    _, misfit = LocalRegression(guide, 3)(guide[:1] - guide[1:2] + 0.5 * noise)
    # 81 pixels a window, 4 of them taken up by the regression
    assert misfit.mean().item() == pytest.approx(0.25 * 77 / 81, rel=0.1)


def test_local_wiener_removes_noise_and_keeps_edges():
    rng = np.random.default_rng(0)
    clean = np.ones((3, 40, 40)) * np.array([0.1, 0.2, 0.3])[:, None, None]
    clean[:, :, 20:] += 0.2
    noisy = clean + 0.01 * rng.standard_normal(clean.shape)
    found = local_wiener(noisy, np.full(3, 0.01))
    assert np.std(found - clean) < 0.6 * 0.01
    assert np.std((found - clean)[:, :, 18:22]) < 0.012  # the step is not smeared
    np.testing.assert_allclose(local_wiener(noisy, np.full(3, 1e-5)), noisy, atol=1e-4)
