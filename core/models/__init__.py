"""Networks as files: cards, presets, import and export, and what runs them (ONNX Runtime or PyTorch).

Enters: model files and tiles. PyTorch and ONNX Runtime are loaded when a network is, and nowhere before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .backend import Backend
    from .backends import open_backend
    from .card import LARGEST_TILE, QUANTISED, ModelCard, read_card
    from .contents import require_harmless
    from .export import export_onnx, load_network
    from .files import convert_storage, export_weights, load_model, onnx_package, refuse_quantised, save_model
    from .importing import ChannelRequest, ImportOptions, import_model
    from .networks import COMPACT_WIDTHS, NETWORKS, Network, build_network, parameter_count
    from .presets import Preset, Presets, Scores, combination_name, presets_of, unusable_reason
    from .tiles import IGNORED, FirstTiles, LabelledTile, Labels, TileSource, measured_pixels, network_input, tile_layer
    from .weights import import_weights, require_safe_loading
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "COMPACT_WIDTHS",
    "IGNORED",
    "LARGEST_TILE",
    "NETWORKS",
    "QUANTISED",
    "Backend",
    "ChannelRequest",
    "FirstTiles",
    "ImportOptions",
    "LabelledTile",
    "Labels",
    "ModelCard",
    "Network",
    "Preset",
    "Presets",
    "Scores",
    "TileSource",
    "build_network",
    "combination_name",
    "convert_storage",
    "export_onnx",
    "export_weights",
    "import_model",
    "import_weights",
    "load_model",
    "load_network",
    "measured_pixels",
    "network_input",
    "onnx_package",
    "open_backend",
    "parameter_count",
    "presets_of",
    "read_card",
    "refuse_quantised",
    "require_harmless",
    "require_safe_loading",
    "save_model",
    "tile_layer",
    "unusable_reason",
]
