"""Lines through the most similar pixels: exact on a plane, sharp where kinds lie close, bounded."""

import pytest
import torch

from stsf.evidence.fourier import FourierRegression
from stsf.evidence.neighbours import BEYOND, NeighbourRegression


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_plane_is_continued_within_the_pairs() -> None:
    m, slope = draw(800, 4), torch.tensor([[1.0, -2.0], [0.5, 0.0], [0.0, 3.0], [2.0, 1.0]])
    inside = 0.3 + 0.4 * draw(50, 4, seed=1)
    found = NeighbourRegression(m, m @ slope)(inside)
    assert (found - inside @ slope).abs().max() < 0.15 * (m @ slope).std()


def test_one_answer_for_all_pairs_is_the_answer() -> None:
    f = NeighbourRegression(draw(40, 3), torch.full((40, 2), 7.0))
    assert torch.allclose(f(5 * draw(9, 3, seed=2)), torch.tensor(7.0))


def test_fewer_pairs_than_neighbours_do() -> None:
    m = torch.tensor([[0.0], [1.0], [2.0]])
    found = NeighbourRegression(m, 10 * m)(torch.tensor([[1.0]]))
    assert found.item() == pytest.approx(10.0, abs=0.01)


def test_no_answer_goes_far_beyond_the_pairs() -> None:
    m = draw(200, 1)
    low, high = NeighbourRegression(m, m)(torch.tensor([[-50.0], [50.0]])).flatten()
    span = m.max() - m.min()
    assert low == pytest.approx(float(m.min() - BEYOND * span), abs=1e-5)
    assert high == pytest.approx(float(m.max() + BEYOND * span), abs=1e-5)


def test_it_tells_apart_kinds_that_cosines_blur() -> None:
    """Forty kinds of ground, each a small cloud in the MS space with a spectrum of its own."""
    kinds, answers = 6 * draw(40, 4, seed=3), draw(40, 3, seed=4)
    kind = torch.arange(4000) % 40
    m = kinds[kind] + 0.02 * torch.randn(4000, 4, generator=torch.Generator().manual_seed(5))
    fit, new = slice(0, 3000), slice(3000, None)
    wanted = answers[kind]
    sharp = FourierRegression(m[fit], wanted[fit])(m[new])[1]
    near = NeighbourRegression(m[fit], wanted[fit])(m[new])
    assert (near - wanted[new]).square().mean() < 0.1 * (sharp - wanted[new]).square().mean()
