"""The cascade: sizes, files, what comes out."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import stsf
from stsf import threads
from stsf.errors import InputError
from stsf.evidence.candidates import CANDIDATES
from stsf.evidence.components import prepare
from stsf.evidence.evidence import Evidence
from stsf.files.weights import read_weights, write_weights
from stsf.linear import moved
from stsf.network import DCSTSF, FORMAT, PARTS, SHIPPED, Config, explained_share, shipped


@pytest.fixture(scope="module")
def scene():
    return stsf.load_sample().crop(slice(0, 16), slice(0, 16))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return DCSTSF().eval()


def test_one_pass_gives_both_dates_and_the_error(scene, network):
    found = network(scene)
    for cube in (found.x1, found.x2, found.sigma):
        assert cube.shape == scene.hrhs_t2.shape and np.isfinite(cube).all()
    assert (found.sigma > 0).all() and found.steps == {}


def test_every_step_has_a_name_and_the_last_ones_are_the_result(scene, network):
    found = network(scene, return_steps=True)
    plain = network(scene)
    np.testing.assert_allclose(found.x2, plain.x2, atol=1e-5)
    assert {"start", "candidates", "weights", "kept"} <= set(found.steps)
    assert found.steps["candidates"].shape == (len(CANDIDATES), *found.x2.shape)
    np.testing.assert_allclose(found.steps["weights"].sum(0), 1.0, atol=1e-4)
    np.testing.assert_allclose(list(found.steps.values())[-4], found.x1, atol=1e-5)


def test_x1_may_be_a_view_of_an_array(scene, network):
    turned = np.ascontiguousarray(scene.hrhs_t1[:, ::-1])[:, ::-1]
    turned.flags.writeable = False
    expected = network.second_date(scene, scene.hrhs_t1)
    np.testing.assert_array_equal(network.second_date(scene, turned).x2, expected.x2)


def test_a_file_gives_the_network_back(scene, network, tmp_path):
    network.provenance = {"seed": 7}
    network.save(tmp_path / "a.safetensors")
    again = DCSTSF.load(tmp_path / "a.safetensors")
    assert again.provenance == {"seed": 7} and again.config == network.config
    np.testing.assert_array_equal(again(scene).x2, network(scene).x2)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_can_be_left_out(scene, part, tmp_path):
    network = DCSTSF(Config(without=(part,))).eval()
    assert np.isfinite(network(scene).x2).all()
    network.save(tmp_path / "a.safetensors")
    assert DCSTSF.load(tmp_path / "a.safetensors").config.without == (part,)


def test_a_missing_a_cut_and_a_foreign_file_get_one_sentence(network, tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(InputError, match=r"found no .*train one with"):
        DCSTSF.load(path)
    network.save(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"could not read .*copy it again"):
        DCSTSF.load(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="model of this kit"):
        DCSTSF.load(path)


def test_weights_that_do_not_fit_their_own_description(network, tmp_path):
    about = {"format": FORMAT, "config": json.dumps({"tve_width": 8}), "provenance": "{}"}
    save_file(network.state_dict(), tmp_path / "a.safetensors", about)
    with pytest.raises(InputError, match="holds others"):
        DCSTSF.load(tmp_path / "a.safetensors")


def test_weights_of_an_earlier_version_are_refused(network, tmp_path):
    """Its candidates were others: the same numbers would mean something else."""
    network.save(tmp_path / "a.safetensors")
    tensors, about = read_weights(tmp_path / "a.safetensors", mend="")
    write_weights(tmp_path / "a.safetensors", tensors, about | {"format": "stsf DC-STSF 1"})
    with pytest.raises(InputError, match=r"got stsf DC-STSF 1 .*stsf train"):
        DCSTSF.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"without": ("gate",)}, "parts out of seu"),
        ({"stages": 0}, "stages to be a whole number"),
        ({"tve_width": 3.5}, "tve_width"),
    ],
)
def test_a_wrong_config_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Config(**wrong)


@pytest.mark.parametrize("device", ["cpu", *["cuda"] * torch.cuda.is_available()])
def test_the_network_computes_where_its_weights_are(scene, device):
    expected, there = shipped()(scene), DCSTSF.load().to(device)
    found = there(scene, return_steps=True)
    assert there.device.type == device
    for name in ("x1", "x2", "sigma"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-4)
    assert all(isinstance(step, np.ndarray) for step in found.steps.values())


def test_all_of_the_tve_can_be_carried_to_another_device(scene):
    """On "meta", which knows shapes only; a tensor left behind could not be combined."""
    tve, evidence = DCSTSF().to("meta").tve, Evidence(scene, scene.hrhs_t1)
    with torch.no_grad():
        answer = tve(moved(evidence, "meta"))
        with pytest.raises(RuntimeError, match="device"):
            tve(evidence)
    assert answer.x2.is_meta and answer.x2.shape == (48 * 48, len(scene.hs))


def test_ssje_and_tve_make_no_tensor_elsewhere_than_their_inputs(scene, network, monkeypatch):
    """A tensor made without saying where lands on the default device, and cannot be used."""
    monkeypatch.setattr(threads, "_alone", True)  # the default device is that of one thread
    prepared, evidence = prepare(scene), Evidence(scene, scene.hrhs_t1)
    with torch.no_grad(), torch.device("meta"):
        z, answer = network.ssje(prepared), network.tve(evidence)
        with pytest.raises((RuntimeError, NotImplementedError)):
            (z + torch.ones(len(z), 1, 1)).numpy()  # the law would notice
    with torch.no_grad():
        assert torch.equal(z, network.ssje(prepared))
        assert torch.equal(answer.x2, network.tve(evidence).x2)


def test_what_the_ms_measures(scene):
    share = explained_share(scene)
    red = np.abs(scene.hs.centre - 665).argmin()
    swir = np.abs(scene.hs.centre - 2200).argmin()
    assert share[red] > 0.95 and share[swir] < share[red]
    blind = replace(scene, snr_ms=-40.0)
    assert explained_share(blind).max() < 0.5


def test_another_model_takes_the_place_of_the_shipped_one(tmp_path, monkeypatch):
    DCSTSF(Config(stages=1)).save(tmp_path / "own.safetensors")
    monkeypatch.setenv("STSF_MODEL", str(tmp_path / "own.safetensors"))
    shipped.cache_clear()
    try:
        assert shipped().config.stages == 1
    finally:
        shipped.cache_clear()


@pytest.mark.skipif(not SHIPPED.exists(), reason="no shipped model")
def test_the_shipped_network_is_small_knows_where_it_is_from_and_beats_the_projection(scene):
    assert SHIPPED.stat().st_size < 2_000_000
    network = shipped()
    assert network.provenance["recipe"]["name"] == "full" and network.provenance["commit"]
    whole = stsf.load_sample()
    ours, theirs = (stsf.fuse(whole, method) for method in ("dcstsf", "projection"))
    psnr = stsf.metrics.psnr
    assert psnr(ours.hrhs_t2, whole.hrhs_t2) > psnr(theirs.hrhs_t2, whole.hrhs_t2) + 1.0
    error = np.abs(ours.hrhs_t2 - whole.hrhs_t2)
    assert 0.8 < (error < 1.645 * ours.sigma_t2).mean() < 0.98
