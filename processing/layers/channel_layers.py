"""The layer parameters that the tools with a network, and that of the samples for one, share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import QgsProcessingContext
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ..algorithm import Algorithm
from ..texts import tr

if TYPE_CHECKING:
    from ...core.channels import ChannelKind


_LAYERS = {
    "PHASE_RATE": (
        QT_TRANSLATE_NOOP("AdaMapper", "Phase rate"),
        QT_TRANSLATE_NOOP("AdaMapper", "rad/yr, positive for growing range, from Stack interferograms."),
    ),
    "LOS_RATE": (
        QT_TRANSLATE_NOOP("AdaMapper", "LOS rate"),
        QT_TRANSLATE_NOOP("AdaMapper", "mm/yr or m/yr; unit and sign are read from the layer where it tells them."),
    ),
    "DEM": (
        QT_TRANSLATE_NOOP("AdaMapper", "Digital elevation model"),
        QT_TRANSLATE_NOOP("AdaMapper", "Elevations in metres."),
    ),
    "SLOPE": (QT_TRANSLATE_NOOP("AdaMapper", "Slope"), QT_TRANSLATE_NOOP("AdaMapper", "Degrees, from Slope.")),
    "COHERENCE": (
        QT_TRANSLATE_NOOP("AdaMapper", "Coherence"),
        QT_TRANSLATE_NOOP("AdaMapper", "Mean coherence, 0 to 1."),
    ),
    "LOS_SENSITIVITY": (
        QT_TRANSLATE_NOOP("AdaMapper", "LOS sensitivity"),
        QT_TRANSLATE_NOOP("AdaMapper", "-1 to 1, from LOS sensitivity; for the orbit of the rates."),
    ),
    "STANDARD_ERROR": (
        QT_TRANSLATE_NOOP("AdaMapper", "Standard error"),
        QT_TRANSLATE_NOOP("AdaMapper", "Of the LOS rate, mm/yr or m/yr, from Stack interferograms."),
    ),
    "CLOSURE": (
        QT_TRANSLATE_NOOP("AdaMapper", "Closure"),
        QT_TRANSLATE_NOOP("AdaMapper", "Share of triplets that do not close, 0 to 1, from Stack interferograms."),
    ),
}


def add_layers(algorithm: Algorithm, is_for_model: bool = True) -> None:
    """Add a parameter for each layer that a channel can be made of.

    ``is_for_model``: the model decides which are needed, and the help says so.
    """
    for name, (title, text) in _LAYERS.items():
        help_text = f"{tr(text)} " + tr("Needed where the model asks for it.") if is_for_model else tr(text)
        algorithm.add_raster(name, tr(title), help_text)


def chosen_layers(
    algorithm: Algorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> dict[ChannelKind, str]:
    """The layers that were given, by the kind of channel that they serve."""
    from ...core.channels import ChannelKind

    paths = {name: algorithm.raster_path(parameters, name, context) for name in _LAYERS}
    return {ChannelKind[name]: path for name, path in paths.items() if path is not None}
