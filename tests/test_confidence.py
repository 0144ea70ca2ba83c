"""How sure the network is: what is known before it is taught, and what it must learn."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

import stsf
from stsf.confidence import UNSHARP, Confidence
from stsf.evidence import Evidence
from stsf.evidence.doubt import NUMBERS, detail_of
from stsf.training.sure import SHOWN, SureSample, teach
from stsf.tve import TemporalVariationEstimator


def test_untaught_it_adds_the_doubted_detail_and_nothing_else():
    sigma, numbers = torch.full((4, 2), 3.0), torch.randn(4, NUMBERS)
    detail = torch.full((4, 2), 4.0 / np.exp(UNSHARP))
    detector = torch.tensor([0, 1])
    found = Confidence(NUMBERS)(numbers, sigma, detail, detector)
    torch.testing.assert_close(found, torch.full((4, 2), 5.0))  # 3, 4, 5
    assert torch.equal(Confidence(NUMBERS)(numbers, sigma, 0 * detail, detector), sigma)


def test_no_single_number_decides_beyond_three_deviations():
    confidence = Confidence(NUMBERS)
    torch.nn.init.normal_(confidence.last.weight)
    sigma, none = torch.ones(1, 1), torch.zeros(1, 1)
    far = [
        confidence(torch.full((1, NUMBERS), v), sigma, none, torch.zeros(1).long())
        for v in (3, 300)
    ]
    assert torch.equal(*far)


def test_the_estimator_says_what_it_made_sigma_of():
    scene = stsf.load_sample().crop(slice(0, 20), slice(0, 20))
    evidence = Evidence(scene, scene.D.upsample(scene.lrhs_t1))
    tve = TemporalVariationEstimator()
    with torch.no_grad():
        answer = tve.estimate(evidence, slice(0, 50), tve.record(evidence))
        detail = detail_of(evidence, slice(0, 50))
        again = tve.confidence(answer.numbers, answer.untaught, detail, evidence.detector)
    assert answer.numbers.shape == (50, NUMBERS) and bool(torch.isfinite(answer.numbers).all())
    assert torch.equal(answer.sigma, again)
    assert bool((answer.sigma >= answer.untaught).all())  # untaught: detail is added


def test_detail_is_nought_where_the_images_are_flat():
    scene = stsf.load_sample().crop(slice(0, 20), slice(0, 20))
    evidence = Evidence(scene, scene.D.upsample(scene.lrhs_t1))
    evidence.all.m1[:] = evidence.all.m1.mean(0)
    evidence.look_around()
    assert float(evidence.detail[:, 0].max()) < 1e-8 < float(evidence.detail[:, 1].mean())


@pytest.fixture(scope="module")
def taught():
    """Scenes whose errors grow with one of the numbers, of which sigma knows nothing."""
    torch.manual_seed(0)
    samples = []
    for _ in range(6):
        numbers = torch.randn(400, NUMBERS)
        error = (torch.exp(0.8 * numbers[:, :1]) * torch.randn(400, SHOWN)).abs()
        none = torch.zeros(400, SHOWN)
        about = torch.zeros(SHOWN).long(), error, torch.arange(400) % 4 == 0, torch.ones(1)
        samples.append(SureSample(numbers, torch.full((400, SHOWN), 0.3), none, *about))
    confidence = Confidence(NUMBERS)
    teach(confidence, samples[:-1], 0, lambda progress: None, steps=300)
    return confidence, samples[-1]


def test_taught_it_ranks_errors_and_holds_nine_in_ten(taught):
    confidence, left = taught
    with torch.no_grad():
        sigma = confidence(left.numbers, left.sigma, left.detail, left.detector)
    assert float((left.truth <= 1.645 * left.sigma).float().mean()) < 0.5  # before
    assert float((left.truth <= 1.645 * sigma).float().mean()) == pytest.approx(0.9, abs=0.04)
    assert spearmanr(left.truth.square().mean(1), sigma[:, 0]).statistic > 0.8
