"""Training and fine-tuning, with PyTorch.

Enters: samples and simulated tiles. Only the tools of training come in, and nothing is loaded before one runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .area_calibration import FoundAreas, calibration_error, fit_area_calibration, found_areas
    from .bundled import bundled_card
    from .devices import own_settings
    from .evaluation import (
        Judged,
        best_classical,
        choose_thresholds,
        judge,
        judge_classical,
        judged_tiles,
    )
    from .fine_tuning import count_areas
    from .input_bank import InputBank, fill_bank
    from .inputs import to_input
    from .losses import dice_cross_entropy_loss
    from .model_training import train_model
    from .quantisation import QuantisationOptions, composite_inputs, quantise, simulated_inputs
    from .recipe import SIMULATED_SHARE, Recipe, usual_options
    from .training import TrainingOptions, train
    from .training_report import write_training_report
    from .worlds import TEST_SEED, TRAINING_DENSITY, VALIDATION_SEED, Worlds, split_terrain
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "SIMULATED_SHARE",
    "TEST_SEED",
    "TRAINING_DENSITY",
    "VALIDATION_SEED",
    "FoundAreas",
    "InputBank",
    "Judged",
    "QuantisationOptions",
    "Recipe",
    "TrainingOptions",
    "Worlds",
    "best_classical",
    "bundled_card",
    "calibration_error",
    "choose_thresholds",
    "composite_inputs",
    "count_areas",
    "dice_cross_entropy_loss",
    "fill_bank",
    "fit_area_calibration",
    "found_areas",
    "judge",
    "judge_classical",
    "judged_tiles",
    "own_settings",
    "quantise",
    "simulated_inputs",
    "split_terrain",
    "to_input",
    "train",
    "train_model",
    "usual_options",
    "write_training_report",
]
