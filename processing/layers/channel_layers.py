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


OTHER = "OTHER_"
_OF_ONE_ORBIT = ("PHASE_RATE", "LOS_RATE", "COHERENCE", "LOS_SENSITIVITY", "STANDARD_ERROR", "CLOSURE")


def add_layers_of_other_orbit(algorithm: Algorithm) -> None:
    """Add the layers again that each orbit has of its own."""
    for name in _OF_ONE_ORBIT:
        title, text = _LAYERS[name]
        algorithm.add_raster(
            OTHER + name,
            tr("{}, other orbit").format(tr(title)),
            tr("For a second look from the other orbit. {}").format(tr(text)),
            advanced=True,
        )


def chosen_layers_of_other_orbit(
    algorithm: Algorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> dict[ChannelKind, str]:
    """The layers of the other orbit with the terrain, which both share; empty where none of its own was given.

    InputError where they aren't enough for a second look.
    """
    from ...core.channels import ChannelKind
    from ...core.errors import InputError

    paths = {name: algorithm.raster_path(parameters, OTHER + name, context) for name in _OF_ONE_ORBIT}
    own = {ChannelKind[name]: path for name, path in paths.items() if path is not None}
    if not own:
        return {}
    if not any(kind.is_rate for kind in own):
        raise InputError(
            tr("The other orbit has no rate. Give its phase rate or its LOS rate, or leave all of its layers out.")
        )
    first = chosen_layers(algorithm, parameters, context)
    for layers, orbit in ((first, tr("first")), (own, tr("other"))):
        if ChannelKind.LOS_SENSITIVITY not in layers:
            raise InputError(
                tr(
                    "A second look needs the LOS sensitivity of both orbits, and that of the {} orbit is missing. "
                    "Make it with LOS sensitivity from the elevation model and that orbit's rate."
                ).format(orbit)
            )
    return {**{kind: path for kind, path in first.items() if kind.name not in _OF_ONE_ORBIT}, **own}


def chosen_layers(
    algorithm: Algorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> dict[ChannelKind, str]:
    """The layers that were given, by the kind of channel that they serve."""
    from ...core.channels import ChannelKind

    paths = {name: algorithm.raster_path(parameters, name, context) for name in _LAYERS}
    return {ChannelKind[name]: path for name, path in paths.items() if path is not None}
