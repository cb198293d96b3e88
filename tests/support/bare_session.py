"""A QGIS in which Python packages are missing runs every tool of the plugin; tells what each did or said.

python bare_session.py FOLDER PACKAGE …: FOLDER holds what RUNS name. The answer is one line of JSON.
"""

from __future__ import annotations

import importlib.abc
import json
import os
import sys
from typing import Any

from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback, QgsProject, QgsVectorLayer

# In this order, for later ones take what earlier ones made: text that begins with / lies in the folder.
RUNS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("slope", {"INPUT": "/dem.tif", "OUTPUT": "/slope.tif"}),
    ("extractareas", {"PROBABILITY": "/probability.tif", "DEM": "/dem.tif", "AREAS": "/areas.gpkg"}),
    ("mergeorbits", {"ASCENDING": "/areas.gpkg", "DESCENDING": "/areas.gpkg", "AREAS": "/merged.gpkg"}),
    ("labelsfromreview", {"AREAS": "/reviewed.gpkg", "LABELS": "/labels.gpkg"}),
    ("samplesites", {"AREAS": "/areas.gpkg", "COUNT": 2, "SITES": "/sites.gpkg"}),
    ("surveypackage", {"SITES": "/sites.gpkg", "AREAS": "/areas.gpkg", "DEM": "/dem.tif", "OUTPUT_FOLDER": "/package"}),
    (
        "mergesurvey",
        {"MASTER": "/package/survey.gpkg|layername=sites", "COPIES": ["/package"], "SITES": "/returned.gpkg"},
    ),
    ("assesssurvey", {"SITES": "/visited.gpkg", "REPORT": "/survey.html"}),
    ("surveymaps", {"AREAS": "/areas.gpkg", "SITES": "/sites.gpkg", "DPI": 50, "OUTPUT": "/sheets.pdf"}),
    (
        "createsamples",
        {
            "PHASE_RATE": "/rate.tif",
            "DEM": "/dem.tif",
            "LABELS": "/areas.gpkg",
            "PIXEL_SIZE": 30,
            "OUTPUT_FOLDER": "/samples",
        },
    ),
    ("assessaccuracy", {"AREAS": "/areas.gpkg", "TRUE_AREAS": "/areas.gpkg", "REPORT": "/accuracy.html"}),
    ("exportmodel", {"STORAGE": "float16", "OUTPUT": "/exported.onnx"}),
    ("importmodel", {"INPUT": "/network.onnx", "OUTPUT": "/imported.onnx"}),
    ("lossensitivity", {"INPUT": "/dem.tif", "ORBIT": "descending", "OUTPUT": "/sensitivity.tif"}),
    ("buildcomposite", {"PHASE_RATE": "/rate.tif", "DEM": "/dem.tif", "OUTPUT": "/composite.tif"}),
    ("detectareas", {"PHASE_RATE": "/rate.tif", "DEM": "/dem.tif", "PROBABILITY": "/detected.tif"}),
    ("classicaldetector", {"LOS_RATE": "/los_rate.tif", "AREAS": "/classical.gpkg"}),
    ("simulatescene", {"SEED": 1, "SIZE": 128, "DATES": 4, "OUTPUT_FOLDER": "/simulated"}),
    ("stackinterferograms", {"INPUT_FOLDER": "/scene", "PHASE_RATE": "/stacked.tif", "LOS_RATE": "/stacked_los.tif"}),
    (
        "mapactiveareas",
        {
            "INPUT_FOLDER": "/scene",
            "DEM": "/scene/dem.tif",
            "PHASE_RATE": "/phase.tif",
            "LOS_RATE": "/los.tif",
            "SLOPE": "/steep.tif",
            "PROBABILITY": "/likely.tif",
            "AREAS": "/mapped.gpkg",
        },
    ),
    ("comparechannels", {"SAMPLES": "/samples", "ROLE": "training", "REPORT": "/comparison.html"}),
    ("trainmodel", {"SAMPLES": "/samples", "STEPS": 1, "MINUTES": 1, "MODEL": "/trained.onnx"}),
)


class Missing(importlib.abc.MetaPathFinder):
    """Says of some packages that they are not installed."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        self.packages = packages

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.split(".")[0] in self.packages:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


class Listening(QgsProcessingFeedback):
    """Keeps what is said as an error."""

    def __init__(self) -> None:
        super().__init__(False)
        self.errors: list[str] = []

    def reportError(self, error: str, fatalError: bool = False) -> None:
        self.errors.append(error)


def main(folder: str, *packages: str) -> None:
    """Run all, print."""
    sys.meta_path.insert(0, Missing(packages))
    application = QgsApplication([], True)
    application.initQgis()
    sys.path.insert(0, f"{QgsApplication.pkgDataPath()}/python/plugins")
    from processing.core.Processing import Processing

    from ada_mapper.plugin import AdaMapperPlugin

    Processing.initialize()
    plugin = AdaMapperPlugin(None)
    plugin.initProcessing()
    assert not set(packages) & set(sys.modules)
    seen = {}
    for name, given in RUNS:
        feedback, context = Listening(), QgsProcessingContext()
        context.setProject(QgsProject.instance())
        tool = QgsApplication.processingRegistry().algorithmById(f"adamapper:{name}").create()
        _, is_done = tool.run({key: _placed(value, folder) for key, value in given.items()}, context, feedback)
        seen[name] = {"is_done": is_done, "errors": feedback.errors}
        if name == "extractareas" and is_done:
            _with_answers(folder, "areas", "reviewed", "review", "accepted")
        elif name == "samplesites" and is_done:
            _with_answers(folder, "sites", "visited", "result", "confirmed")
    sys.stdout.write(f"ANSWER{json.dumps(seen)}\n")
    sys.stdout.flush()
    os._exit(0)


def _placed(value: Any, folder: str) -> Any:
    if isinstance(value, list):
        return [_placed(entry, folder) for entry in value]
    return folder + value if isinstance(value, str) and value.startswith("/") else value


def _with_answers(folder: str, name: str, copy: str, field: str, answer: str) -> None:
    """A copy of a layer in which each feature has the answer."""
    import shutil

    shutil.copy(f"{folder}/{name}.gpkg", f"{folder}/{copy}.gpkg")
    layer = QgsVectorLayer(f"{folder}/{copy}.gpkg")
    layer.startEditing()
    if layer.fields().indexOf(field) < 0:
        from qgis.core import QgsField
        from qgis.PyQt.QtCore import QVariant

        layer.addAttribute(QgsField(field, QVariant.String))
    index = layer.fields().indexOf(field)
    for feature in layer.getFeatures():
        layer.changeAttributeValue(feature.id(), index, answer)
    assert layer.commitChanges(), layer.commitErrors()


if __name__ == "__main__":
    main(sys.argv[1], *sys.argv[2:])
