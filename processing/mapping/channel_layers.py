"""The layer parameters that the tools with a network share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import QgsProcessingContext

from ..algorithm import Algorithm

if TYPE_CHECKING:
    from ...core.channels import ChannelKind


_LAYERS = {
    "PHASE_RATE": ("Phase rate", "rad/yr, positive for growing range, from Stack interferograms."),
    "LOS_RATE": ("LOS rate", "mm/yr or m/yr; unit and sign are read from the layer where it tells them."),
    "DEM": ("Digital elevation model", "Elevations in metres."),
    "SLOPE": ("Slope", "Degrees, from Slope."),
    "COHERENCE": ("Coherence", "Mean coherence, 0 to 1; only for models that use it."),
    "LOS_SENSITIVITY": ("LOS sensitivity", "-1 to 1, from LOS sensitivity; for the orbit of the rates."),
}


def add_layers(algorithm: Algorithm) -> None:
    """Add PHASE_RATE, LOS_RATE, DEM, SLOPE, COHERENCE and LOS_SENSITIVITY; the model decides which are needed."""
    for name, (title, text) in _LAYERS.items():
        algorithm.add_raster(name, title, text + " Needed where the model asks for it.")


def chosen_layers(
    algorithm: Algorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> dict[ChannelKind, str]:
    """The layers that were given, by the kind of channel that they serve."""
    from ...core.channels import ChannelKind

    paths = {name: algorithm.raster_path(parameters, name, context) for name in _LAYERS}
    return {ChannelKind[name]: path for name, path in paths.items() if path is not None}
