"""TVE: the fine-tuning network and the weighing of candidates."""

import numpy as np
import pytest
import torch

from stsf import tve as module
from stsf.evidence import record as tests_passed
from stsf.evidence.candidates import CANDIDATES, CASCADE
from stsf.evidence.evidence import Evidence
from stsf.linear import pixels, rows
from stsf.sensing.sensors import S2_10, ahsi, enmap, sentinel2
from stsf.sensing.subspace import band_quality
from stsf.tve import TemporalVariationEstimator
from stsf.world.observation import observe
from stsf.world.simulation import simulate

COUNT = len(CANDIDATES)


def make(hs=None, bands=("B2", "B3", "B4", "B8"), ratio=3, size=36):
    hs = hs or ahsi()
    hs = hs.select(band_quality(hs.centre) == "clean")
    return observe(simulate(5, size=size), hs, sentinel2("A", bands), ratio, seed=5)


@pytest.fixture(scope="module")
def scene():
    return make()


@pytest.fixture(scope="module")
def evidence(scene):
    return Evidence(scene, scene.hrhs_t1)


def random_estimator(seed=0, **parts):
    """Weights as if trained on something, none of them zero."""
    torch.manual_seed(seed)
    network = TemporalVariationEstimator(**parts)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return network


@torch.no_grad()
def run(network, evidence):
    return network(evidence)


@torch.no_grad()
def test_untrained_it_is_half_fine_tuned_and_half_the_classical_blend(evidence, monkeypatch):
    monkeypatch.setattr(tests_passed, "BELIEVED", 1e9)  # untrained, it would be barred
    network = TemporalVariationEstimator()
    _, weights, _ = network.weigh(network.inputs(evidence, slice(None), network.record(evidence)))
    assert (weights.std(1) < 1e-6).all()  # all coordinates alike
    injection, fine_tuned = weights[:, 0, 0], weights[:, 0, -1]
    assert (0.4 < fine_tuned).all() and (
        fine_tuned < 0.5
    ).all()  # the rest has a little in any case
    cover = evidence.all.cover
    same, other = cover < 0.01, cover > 0.5
    assert same.any() and other.sum() > 10
    assert (injection[same] > 0.38).all() and (injection[other] < 0.12).all()
    assert (weights[:, 0, CASCADE] > injection)[other].all()  # its record is the better one


@torch.no_grad()
def test_turning_a_coordinate_round_turns_only_the_answer(evidence):
    """Exactly so where the signed inputs are cut off; of those the training turns signs."""
    network = random_estimator()
    network.of_pair.weight[:, : COUNT - 1] = 0.0
    given = network.inputs(evidence, slice(0, 50), network.record(evidence))
    turned = given.per_pair.clone()
    turned[:, : COUNT - 1] *= -1
    z, weights, _ = network.weigh(given)
    z_turned, weights_turned, _ = network.weigh(
        given._replace(candidates=-given.candidates, per_pair=turned)
    )
    assert torch.allclose(weights, weights_turned, atol=1e-6)
    assert torch.allclose(z, -z_turned, atol=1e-5)


def test_the_signed_inputs_are_the_ones_that_turn(evidence):
    network = random_estimator()
    with torch.no_grad():
        found, pair, *_ = network.inputs(evidence, slice(0, 200), network.record(evidence))
    apart = found - found[:, 1:2]
    kept = [j for j in range(COUNT) if j != 1]
    assert (torch.sign(pair[:, : COUNT - 1]) == torch.sign(apart[:, kept])).all()


def test_weights_are_shares_and_sigma_is_positive(evidence):
    found = run(random_estimator(), evidence)
    assert torch.allclose(found.weights.sum(-1), torch.ones(1), atol=1e-5)
    assert (found.sigma > 0).all() and ((0 <= found.kept) & (found.kept <= 1)).all()
    assert found.x2.shape == found.sigma.shape == evidence.all.x1.shape


def test_the_answer_agrees_with_m2_and_without_consistency_does_not(scene, evidence, monkeypatch):
    monkeypatch.setattr(tests_passed, "BELIEVED", 1e9)  # random weights would be barred

    def gap(**parts):
        x2 = run(random_estimator(**parts), evidence).x2
        return (x2 @ evidence.coordinates.R - evidence.all.m2).square().mean().sqrt()

    assert gap() < 4 * scene.noise_ms.mean() < gap(consistency=False)


def test_where_nothing_is_known_to_change_x1_survives_with_its_rare_features(scene, evidence):
    """What the coordinates cannot express passes through with the share that is kept."""
    network = TemporalVariationEstimator()
    with torch.no_grad():
        network.score.bias[0] = 50.0  # X1 kept, injected
    found = run(network, evidence)
    assert (found.kept > 0.999).all()
    wanted = (
        evidence.all.x1
        + (evidence.all.m2 - evidence.all.x1 @ evidence.coordinates.R) @ evidence.coordinates.G
    )
    assert (found.x2 - wanted).abs().mean() < 2e-3


def test_without_sftn_it_has_no_say(evidence):
    assert run(random_estimator(sftn=False), evidence).weights[..., -1].max() < 1e-6


def test_without_the_difference_image_the_numbers_of_change_are_not_seen(scene, evidence):
    blind = random_estimator(difference=False)
    features = blind.inputs(evidence, slice(0, 50), blind.record(evidence)).per_pixel
    assert (features[:, -10:] == 0).all()
    seeing = random_estimator()
    features = seeing.inputs(evidence, slice(0, 50), seeing.record(evidence)).per_pixel
    assert (features[:, -10:].std(0) > 0).all()


def test_the_difference_image_is_no_linear_function_of_the_other_inputs(evidence):
    change, m1, m2 = evidence.all.cover, evidence.all.m1, evidence.all.m2
    design = torch.cat(
        [torch.ones(len(m1), 1), m1, m2, evidence.coordinates.encode(evidence.all.x1)], 1
    )
    left = change - design @ torch.linalg.lstsq(design, change[:, None]).solution[:, 0]
    assert left.var() > 0.1 * change.var()


def test_pixels_in_pieces_give_the_same(evidence, monkeypatch):
    network = random_estimator()
    whole = run(network, evidence)
    monkeypatch.setattr(module, "CHUNK", 500)
    pieces = run(network, evidence)
    for name, values in whole._asdict().items():
        assert torch.allclose(values, getattr(pieces, name), atol=1e-4), name


@pytest.mark.parametrize(
    ("bands", "ratio"), [(S2_10, 2), (("B3", "B8"), 4), (("B2", "B3", "B4", "B8", "B11"), 6)]
)
def test_one_network_for_any_multispectral_sensor_and_ratio(bands, ratio):
    scene = make(bands=bands, ratio=ratio, size=48)
    evidence = Evidence(scene, scene.hrhs_t1)
    found = run(random_estimator(), evidence)
    assert torch.isfinite(found.x2).all()


def test_one_network_for_any_hyperspectral_sensor():
    scene = make(enmap())
    found = run(random_estimator(), Evidence(scene, scene.hrhs_t1))
    assert found.x2.shape == (36 * 36, len(scene.hs))


def test_the_order_of_the_ms_bands_does_not_matter(scene):
    from dataclasses import replace

    order = [2, 0, 3, 1]
    other = replace(
        scene,
        ms=scene.ms.select(np.array(order)),
        hrms_t1=scene.hrms_t1[order],
        hrms_t2=scene.hrms_t2[order],
    )
    a, b = (Evidence(s, s.hrhs_t1) for s in (scene, other))
    for name in ("brightness", "cover", "change"):
        assert torch.allclose(getattr(a.all, name), getattr(b.all, name), atol=1e-5)
    assert torch.allclose(a.all.candidates[:, :2], b.all.candidates[:, :2], atol=1e-3)


def test_sftn_starts_from_the_scene_and_ends_at_m2(evidence):
    sftn = TemporalVariationEstimator().sftn
    with torch.no_grad():
        curves = sftn.inputs(evidence.coordinates, evidence.all)
        found = sftn(curves)
    mean, maps = curves.candidates.mean(1), evidence.coordinates
    wanted = mean + (evidence.all.m2 - maps.canonical_to_ms(mean)) @ maps.canonical_G
    assert torch.allclose(found, wanted, atol=1e-3)


def test_a_worse_record_is_seen(evidence):
    """Answers of another scene make every candidate's record worse."""
    network = TemporalVariationEstimator()
    with torch.no_grad():
        good = network.record(evidence).mean
        asked = evidence.to_known
        evidence.to_known = asked._replace(answers=asked.answers.flip(0))
        bad = network.record(evidence).mean
        evidence.to_known = asked
    assert (bad @ evidence.coordinates.energy > 2 * (good @ evidence.coordinates.energy)).all()


def test_rows_keep_the_order_of_the_image(scene, evidence):
    assert torch.equal(evidence.all.x1, rows(pixels(scene.hrhs_t1)))


def test_a_learnt_answer_worse_than_the_scene_made_ones_loses_its_say(evidence):
    network = random_estimator()
    with torch.no_grad():
        record, energy = network.record(evidence), evidence.coordinates.energy

        def behind(factor):  # the fine-tuned candidate's errors, as multiples of the best one's
            parts = (record.mean, record.calm)
            best = (p[(p[:-1] @ evidence.coordinates.energy).argmin()] for p in parts)
            made = [torch.cat([p[:-1], factor * b[None]]) for p, b in zip(parts, best)]
            return record._replace(mean=made[0], calm=made[1])

        good, bad = behind(1.25), behind(100.0)  # 1 dB and 20 dB worse
        assert tests_passed.veto(good, energy) == 0
        assert tests_passed.veto(bad, energy) == pytest.approx(
            tests_passed.STRICT * (20 - tests_passed.BELIEVED), abs=1e-2
        )
        before = [network.inputs(evidence, slice(0, 50), r).before[:, -1] for r in (good, bad)]
    assert (before[0] - before[1] > 10).all()
