"""Losses against torch's own and against counts made by hand."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional

from ada_mapper.core.learning import dice_cross_entropy_loss
from ada_mapper.core.learning.losses import LOSSES, dice_loss
from ada_mapper.core.models import IGNORED


def random_case(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 2, 8, 8, generator=generator)
    labels = torch.randint(0, 2, (3, 8, 8), generator=generator)
    labels[:, :2] = IGNORED
    return logits, labels.to(torch.uint8)


def test_dice_of_a_certain_prediction_follows_from_its_counts() -> None:
    labels = torch.zeros(1, 4, 4, dtype=torch.uint8)
    labels[0, 0] = 1
    said = torch.zeros(1, 4, 4)
    said[0, 0, :3] = 1
    said[0, 1, 0] = 1
    logits = torch.stack([-50 * said, 50 * said - 25], dim=1)
    # 3 hits among 4 called and 4 true; one smoothing pixel above and below
    assert float(dice_loss(logits, labels)) == pytest.approx(1 - (2 * 3 + 1) / (4 + 4 + 1), abs=1e-6)


def test_a_perfect_prediction_costs_nothing_even_without_areas() -> None:
    for labels in (torch.zeros(1, 4, 4, dtype=torch.uint8), torch.ones(1, 4, 4, dtype=torch.uint8)):
        logits = torch.stack([60 * (1.0 - labels), 60.0 * labels], dim=1)
        for loss in LOSSES.values():
            assert float(loss(logits, labels)) == pytest.approx(0, abs=1e-6)


def test_the_added_cross_entropy_is_torchs_own() -> None:
    logits, labels = random_case()
    own = dice_cross_entropy_loss(logits, labels) - dice_loss(logits, labels)
    torchs = functional.cross_entropy(logits, labels.long(), ignore_index=IGNORED)
    assert float(own) == pytest.approx(float(torchs), abs=1e-6)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_ignored_pixels_have_no_gradient_and_all_others_have(name: str) -> None:
    logits, labels = random_case()
    logits.requires_grad_()
    LOSSES[name](logits, labels).backward()
    gradient = logits.grad.abs().sum(dim=1).numpy()
    ignored = (labels == IGNORED).numpy()
    assert np.all(gradient[ignored] == 0)
    assert np.all(gradient[~ignored] > 0)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_batch_of_ignored_pixels_gives_a_finite_loss(name: str) -> None:
    logits = torch.zeros(1, 2, 4, 4)
    labels = torch.full((1, 4, 4), IGNORED, dtype=torch.uint8)
    assert np.isfinite(float(LOSSES[name](logits, labels)))
