"""From a scene's layers to a probability: composite, tiles, preview.

Enters: layers and a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .both_orbits import FusionRule, OrbitResult, fuse_to_file, fused_probability, require_two_orbits
    from .channel_preview import LayerFacts, OutsideError, Preview, PreviewBand, inspect_layer, preview
    from .composite import Composite
    from .inference import DEFAULT_OVERLAP, detect
    from .tiling import TiledAxis, mirrored, plan_axis
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "DEFAULT_OVERLAP",
    "Composite",
    "FusionRule",
    "LayerFacts",
    "OrbitResult",
    "OutsideError",
    "Preview",
    "PreviewBand",
    "TiledAxis",
    "detect",
    "fuse_to_file",
    "fused_probability",
    "inspect_layer",
    "mirrored",
    "plan_axis",
    "preview",
    "require_two_orbits",
]
