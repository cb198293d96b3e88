"""Which combinations a model serves, why not, and what it scored: of shipped and of own models, and of none."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from ada_mapper.core.channels import COMBINATIONS, MINMAX_CHANNELS, ChannelKind
from ada_mapper.core.models import ModelCard, combination_name, presets_of, read_card, unusable_reason

KIND = ChannelKind
MODELS = Path(__file__).resolve().parents[3] / "models"


def _card(*kinds: KIND, optional: tuple[KIND, ...] = (), **training: object) -> ModelCard:
    channels = tuple(replace(MINMAX_CHANNELS[kind], optional=kind in optional) for kind in kinds)
    return ModelCard("own", "1", "", channels, training=training)


def test_the_shipped_model_serves_all_and_tells_what_it_scored() -> None:
    card = read_card(MODELS / "compact.onnx")
    presets = presets_of(card)
    everything = "phase_rate+los_rate+dem+slope+los_sensitivity"
    assert [preset.name for preset in presets.all] == [*COMBINATIONS, everything]
    assert all(preset.problem == "" and preset.scores.is_known for preset in presets.all)
    told = card.training["judged"]
    assert presets.of("phase_rate+dem").scores.iou == told["phase_rate+dem"]["iou"]
    assert presets.of(everything).scores.object_recall == told[everything]["object_recall"]
    assert presets.classical.object_precision == told["classical detector"]["object_precision"]
    assert "not validated on field data" in presets.data and presets.tiles == 240 and "generated" in presets.terrain


def test_why_a_model_does_not_serve_a_combination() -> None:
    card = _card(KIND.PHASE_RATE, KIND.DEM, KIND.SLOPE, optional=(KIND.SLOPE,))
    problems = {preset.name: preset.problem for preset in presets_of(card).all}
    assert problems["phase_rate+dem"] == problems["phase_rate+dem+slope"] == ""
    assert "doesn't use the LOS rate" in problems["phase_rate+los_rate"]
    both = presets_of(card).of("phase_rate+los_rate")
    assert (both.unused, both.lacking) == ((KIND.LOS_RATE,), (KIND.DEM,))
    assert "the DEM is missing" in problems["phase_rate"]
    assert (
        "doesn't use the LOS rate and the LOS sensitivity" in problems["phase_rate+los_rate+dem+slope+los_sensitivity"]
    )


def test_two_optional_rates_are_not_both_dispensable() -> None:
    card = _card(KIND.PHASE_RATE, KIND.LOS_RATE, KIND.DEM, optional=(KIND.PHASE_RATE, KIND.LOS_RATE))
    assert "without a rate no motion" in unusable_reason(card, (KIND.DEM,))
    assert unusable_reason(card, (KIND.LOS_RATE, KIND.DEM)) == ""


def test_a_model_of_other_layers_gets_its_own_combination_and_scores() -> None:
    judged = {
        "own test tiles": {"model": {"iou": 0.5, "object_recall": 0.7}, "classical detector": {"iou": 0.2}},
        "simulated test tiles": {"model": {"iou": 0.9}, "classical detector": {"iou": 0.1}},
    }
    presets = presets_of(_card(KIND.COHERENCE, KIND.PHASE_RATE, judged=judged, data="own samples"))
    own = presets.all[-1]
    assert own.name == "phase_rate+coherence" == combination_name(own.kinds)
    assert own.scores.iou == 0.5 and math.isnan(own.scores.object_precision)
    assert presets.classical.iou == 0.2 and presets.data == "own samples"


def test_a_card_without_or_with_odd_scores_has_none() -> None:
    for training in ({}, {"judged": 3}, {"judged": {"phase_rate": "good"}}, {"judged": {"phase_rate": {"iou": "x"}}}):
        presets = presets_of(_card(KIND.PHASE_RATE, terrain=[], judged_tiles="many", **training))
        assert not any(preset.scores.is_known for preset in presets.all)
        assert presets.tiles == 0 and presets.terrain == ()
