"""SSJE: a classical method before training, and blind to bands, bases and counts."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stsf import metrics
from stsf.baselines.spatial_spectral import local_regression
from stsf.evidence.components import prepare
from stsf.sensing.sensors import S2_10, ahsi, enmap, sentinel2
from stsf.sensing.subspace import band_quality
from stsf.ssje import SSJE, ssje_loss
from stsf.world.observation import observe
from stsf.world.simulation import simulate

B4 = ("B2", "B3", "B4", "B8")


def make(hs=None, bands=B4, ratio=3, size=60, **settings):
    hs = hs or ahsi()
    hs = hs.select(band_quality(hs.centre) == "clean")
    return observe(simulate(5, size=size), hs, sentinel2("A", bands), ratio, seed=5, **settings)


def filled(seed=0, **settings):
    """Weights as if trained on something, none of them zero, and small as those that are."""
    torch.manual_seed(seed)
    net, draw = SSJE(2, **settings), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=draw))
    return net


@pytest.fixture(scope="module")
def small():
    return make()


@pytest.fixture(scope="module")
def prepared(small):
    return prepare(small)


def test_untrained_it_beats_the_classical_start(small, prepared):
    with torch.no_grad():
        _, steps = SSJE()(prepared, return_steps=True)
    scores = {k: metrics.psnr(prepared.decode(s).numpy(), small.hrhs_t1) for k, s in steps.items()}
    assert scores["consistency"] > scores["back-projection 0"] > scores["start"]
    assert scores["consistency"] > metrics.psnr(local_regression(small), small.hrhs_t1)


def test_every_step_has_a_name_and_is_a_set_of_maps(prepared):
    z, steps = filled()(prepared, return_steps=True)
    assert list(steps) == [
        "start",
        "back-projection 0",
        "seu 1",
        "back-projection 1",
        "ecu 1",
        "seu 2",
        "back-projection 2",
        "ecu 2",
        "consistency",
    ]
    assert all(step.shape == prepared.start.shape for step in steps.values())
    torch.testing.assert_close(steps["consistency"], z)
    torch.testing.assert_close(filled()(prepared), z)


@pytest.mark.parametrize(
    "part, gone", [("seu", "seu 1"), ("ecu", "ecu 1"), ("back_projection", "back-projection 1")]
)
def test_a_part_left_out_leaves_no_step_and_no_weight(prepared, part, gone):
    whole, less = SSJE(1), SSJE(1, **{part: False})
    _, steps = less(prepared, return_steps=True)
    assert gone not in steps and gone in whole(prepared, return_steps=True)[1]
    if part != "back_projection":
        assert len(less.state_dict()) < len(whole.state_dict())


def test_the_order_of_the_maps_does_not_matter(prepared):
    order = torch.cat([torch.where(prepared.detector == d)[0].flip(0) for d in (0, 1)])
    names = ("y", "noise", "start", "detector", "group", "sharpness")
    some = {name: getattr(prepared, name)[order] for name in names}
    turned = replace(prepared, **some, seen=prepared.seen[:, order], basis=prepared.basis[:, order])
    net = filled()
    torch.testing.assert_close(net(turned), net(prepared)[order], rtol=1e-3, atol=1e-3)


def test_untrained_the_sign_of_a_map_does_not_matter(prepared):
    sign = torch.where(torch.arange(len(prepared)) % 2 == 0, 1.0, -1.0)
    maps = sign[:, None, None]
    turned = replace(
        prepared, y=prepared.y * maps, start=prepared.start * maps, seen=prepared.seen * sign
    )
    torch.testing.assert_close(SSJE()(turned), SSJE()(prepared) * maps, rtol=1e-3, atol=1e-3)


def test_the_bands_are_not_known_to_the_network(small):
    """Every second band left out: the maps span nearly the same, and so does X1 on those bands."""
    half = np.arange(0, len(small.hs), 2)
    fewer = replace(
        small,
        hs=small.hs.select(half),
        lrhs_t1=small.lrhs_t1[half],
        hrhs_t1=small.hrhs_t1[half],
        hrhs_t2=None,
    )
    net = filled()
    with torch.no_grad():
        few, all_ = (p.decode(net(p)).numpy() for p in map(prepare, (fewer, small)))
    assert metrics.psnr(few, all_[half]) > 40
    assert few.shape[0] == len(half)


@pytest.mark.parametrize("ratio", [2, 3, 4, 5, 6])
def test_one_set_of_weights_works_at_every_ratio(ratio):
    scene = make(ratio=ratio)
    found = prepare(scene)
    with torch.no_grad():
        x = found.decode(filled()(found)).numpy()
    assert x.shape == scene.hrhs_t1.shape and np.isfinite(x).all()


@pytest.mark.parametrize("bands", [("B4", "B8"), S2_10], ids=["two", "ten"])
def test_one_set_of_weights_works_with_every_ms(bands):
    scene = make(enmap(), bands)
    found = prepare(scene)
    with torch.no_grad():
        x = found.decode(SSJE()(found)).numpy()
    base = metrics.psnr(scene.D.upsample(scene.lrhs_t1), scene.hrhs_t1)
    assert metrics.psnr(x, scene.hrhs_t1) > base + 3


def test_pixels_without_data_are_bridged(small):
    holes, dark = small.lrhs_t1.copy(), small.hrms_t1.copy()
    holes[:, 8:10, 8:11] = np.nan
    dark[:, 40:44, 10:14] = np.nan
    found = prepare(replace(small, lrhs_t1=holes, hrms_t1=dark))
    with torch.no_grad():
        x = found.decode(SSJE()(found)).numpy()
    assert np.isfinite(x).all()
    hole = np.s_[:, 24:30, 24:33]
    assert metrics.psnr(x[hole], small.hrhs_t1[hole]) > 20


def test_changed_ground_is_taken_from_m1_only_with_the_correction_unit(small):
    """Y1 shows other ground in a patch; the truth, as everywhere in the kit, is that of M1."""
    changed = small.lrhs_t1.copy()
    changed[:, 6:10, 6:10] = small.lrhs_t1[:, 14:18, 12:16] * 1.4 + 0.05
    found = prepare(replace(small, lrhs_t1=changed))
    patch = np.s_[:, 18:30, 18:30]
    with torch.no_grad():
        with_ecu, without = (
            metrics.psnr(found.decode(SSJE(ecu=e)(found)).numpy()[patch], small.hrhs_t1[patch])
            for e in (True, False)
        )
    assert with_ecu > without + 3


def test_gradients_are_finite_and_reach_every_weight(small, prepared):
    net = filled()
    truth = prepared.encode(torch.from_numpy(small.hrhs_t1))
    patch, inner = prepared.crop(4, 4, 10)
    wanted = truth[:, 6:48, 6:48]
    ssje_loss(net(patch), wanted, patch.weight, inner).backward()
    idle = {n for n, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)
    assert not idle


def test_a_few_steps_of_training_lower_the_loss(small, prepared):
    torch.manual_seed(0)
    net = SSJE(1)
    truth = prepared.encode(torch.from_numpy(small.hrhs_t1))
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        loss = ssje_loss(net(prepared), truth, prepared.weight)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.985 * losses[0]


def test_less_is_believed_of_a_noisier_image():
    quiet, loud = (prepare(make(snr_hs=snr)) for snr in (45.0, 25.0))
    assert len(loud) < len(quiet)  # maps that are noise only are not made
    strong = slice(0, 1)
    assert loud.noise[strong].mean() > quiet.noise[strong].mean()
