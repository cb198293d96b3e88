"""The chain from interferograms to areas: which tools run, in which order, and what each gives to the next.

Inputs and results have the names of the parameters of Map active deformation areas. That tool, the panel and the model
that the plugin ships read this list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .stacking_choices import grouped_choices, more_rasters


@dataclass(frozen=True)
class ChainStep:
    """One tool of the chain.

    ``inputs`` and ``outputs`` give the names in the chain by the parameters of the tool; ``fixed`` are parameters that
    are the same in every run.
    """

    name: str
    tool: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def algorithm(self) -> str:
        """The id of the tool."""
        return f"adamapper:{self.tool}"

    def parameters(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of the tool, from values by their names in the chain.

        An input that is not known, None or empty is left to the tool, and so is an output that is not known; an output
        that is None is not wanted.
        """
        given = {parameter: known[name] for parameter, name in self.inputs.items() if known.get(name) not in (None, "")}
        wanted = {parameter: known[name] for parameter, name in self.outputs.items() if name in known}
        return {**self.fixed, **given, **wanted}

    def results(self, outcome: Mapping[str, Any]) -> dict[str, Any]:
        """What the tool made, by the names in the chain."""
        return {name: outcome[parameter] for parameter, name in self.outputs.items() if parameter in outcome}


def _own(*names: str) -> dict[str, str]:
    """Parameters whose names are those of the chain."""
    return {name: name for name in names}


STACK = ChainStep(
    "stack",
    "stackinterferograms",
    _own("INPUT_FOLDER", *(choice.name() for group in grouped_choices().values() for choice in group)),
    _own("PHASE_RATE", "LOS_RATE", *(raster.name() for raster in more_rasters()), "REPORT"),
)
SLOPE = ChainStep("slope", "slope", {"INPUT": "DEM"}, {"OUTPUT": "SLOPE"})
SENSITIVITY = ChainStep(
    "sensitivity",
    "lossensitivity",
    {"INPUT": "DEM", "RATE": "PHASE_RATE", "ORBIT": "ORBIT"},
    {"OUTPUT": "LOS_SENSITIVITY"},
    {"SKIP_UNKNOWN": True},
)
DETECT = ChainStep(
    "detect",
    "detectareas",
    _own(
        "PHASE_RATE",
        "LOS_RATE",
        "DEM",
        "SLOPE",
        "COHERENCE",
        "LOS_SENSITIVITY",
        "STANDARD_ERROR",
        "CLOSURE",
        "MODEL",
        "BACKEND",
    ),
    _own("PROBABILITY"),
)
EXTRACT = ChainStep(
    "extract",
    "extractareas",
    _own("PROBABILITY", "LOS_RATE", "SLOPE", "DEM", "ORBIT", "MIN_AREA"),
    _own("AREAS"),
)
CHAIN = (STACK, SLOPE, SENSITIVITY, DETECT, EXTRACT)


def only_for_model(model: str | Path) -> tuple[str, ...]:
    """What the chain makes beside rates and slope where the model of a file can see it, by the names in the chain.

    InputError for a file that is no model.
    """
    from ...core.channels import ChannelKind
    from ...core.models import read_card

    made = [name for step in (STACK, SENSITIVITY) for name in step.outputs.values()]
    seen = {kind.name for kind in read_card(model).layers if not kind.is_rate}
    return tuple(kind.name for kind in ChannelKind if kind.name in seen.intersection(made))
