"""adamapper:exportmodel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import QgsProcessingContext, QgsProcessingParameterFileDestination
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.progress import Progress
from ..algorithm import Algorithm, given
from ..texts import tr

if TYPE_CHECKING:
    from ...core.models import ModelCard


STORAGE = ("float32", "float16", "int8", "weights")


class ExportModel(Algorithm):
    """A model → the same with its weights stored otherwise, or its weights alone, and its card as text."""

    NAME = "exportmodel"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Export a model")
    GROUP = "learning"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Writes a copy of a model: smaller, faster, or as weights for other programs; and its card, which tells what "
        "it was trained on and how its channels are scaled, as readable text. Needs the Python package onnx.",
    )

    def define(self) -> None:
        self.add_model()
        self.add_choice(
            "STORAGE",
            tr("Store as"),
            tr(
                "float32, float16: an ONNX file with such weights, equally fast. int8: a quantised ONNX file, a "
                "quarter of the size and two to three times as fast on a processor, which can't be trained further. "
                "weights: a .safetensors file for PyTorch, with the card in it."
            ),
            STORAGE,
            "float32",
        )
        self.add_raster(
            "CALIBRATION",
            tr("Composite to calibrate with"),
            tr(
                "For int8: a composite for this model from Build channel composite, of the kind of scene that the "
                "model will be used on. Empty: simulated tiles, which needs PyTorch."
            ),
        )
        self.add_number(
            "TILES", tr("Tiles to calibrate with"), tr("For int8."), 40, 1, 1000, integer=True, advanced=True
        )
        self.add(
            QgsProcessingParameterFileDestination(
                "OUTPUT", tr("Exported model"), tr("Models (*.onnx);;Weights (*.safetensors)")
            ),
            tr("A model is written with the extension .onnx, weights with .safetensors."),
        )
        self.add(
            QgsProcessingParameterFileDestination(
                "CARD", tr("Card"), tr("Text (*.json)"), optional=True, createByDefault=False
            ),
            tr("The model's card as a JSON file: channels, scaling, thresholds, training data, accuracy, limits."),
        )

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.files import write_file

        source = self.model_path(parameters, context)
        storage = self.parameterAsEnumString(parameters, "STORAGE", context)
        chosen = given(self.parameterAsFileOutput(parameters, "OUTPUT", context) or None, "OUTPUT")
        output = self.results.place(self._named(chosen, storage))
        card = self._export(parameters, context, source, output, storage, progress)
        text = self.file_output(parameters, "CARD", context)
        if text:
            write_file(text, json.dumps(json.loads(card.to_json()), indent=2, ensure_ascii=False).encode())
        progress.info("{name}: {size:.1f} MB.", name=output.name, size=output.stat().st_size / 1e6)
        return {"OUTPUT": str(output), "CARD": text}

    def result_path(self, name: str, destination: str, parameters: dict[str, Any]) -> str:
        storage = parameters.get("STORAGE", STORAGE[0])
        return self._named(destination, storage) if name == "OUTPUT" else destination

    @staticmethod
    def _named(destination: str, storage: str) -> str:
        """A file of the model's own kind, for one that is called as a model, as weights or as neither."""
        path = Path(destination)
        if destination.endswith(".") or path.suffix.lower() not in ("", ".onnx", ".safetensors"):
            return destination
        return str(path.with_suffix(".safetensors" if storage == "weights" else ".onnx"))

    def _export(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        source: Path,
        output: Path,
        storage: str,
        progress: Progress,
    ) -> ModelCard:
        from ...core.models import convert_storage, export_weights, read_card

        if storage == "weights":
            return export_weights(source, output, progress)
        if storage != "int8":
            return convert_storage(source, output, storage == "float16", progress)
        # This package of core is the door to PyTorch; opening it takes none.
        from ...core.learning import composite_inputs, quantise, simulated_inputs

        card = read_card(source)
        count = self.parameterAsInt(parameters, "TILES", context)
        composite = self.raster_path(parameters, "CALIBRATION", context)
        if composite is None:
            progress.info("Calibrated with {count} simulated tiles.", count=count)
            return quantise(source, simulated_inputs(card, count), output, progress=progress)
        return quantise(source, composite_inputs(composite, card, count, progress), output, progress=progress)
