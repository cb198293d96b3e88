"""A QGIS of its own that loads the plugin, runs tools and unloads it; tells at each moment what the process is like.

python loading_session.py FOLDER [tool …]: FOLDER holds dem.tif, probability.tif, rate.tif and text.tif. SWITCHED_ON in
the environment names the modules of GDAL whose exceptions somebody else has switched on, and no others. The answer is
one line of JSON.
"""

from __future__ import annotations

import json
import locale
import logging
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

from qgis.core import (
    QgsApplication,
    QgsCoordinateTransformContext,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsSettings,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QLocale
from qgis.PyQt.QtWidgets import QMainWindow

MODULES = ("gdal", "ogr", "osr")
OPTIONS = ("OGR_CURRENT_DATE", "GDAL_VRT_RAWRASTERBAND_ALLOWED_SOURCE", "GDAL_NUM_THREADS", "CPL_DEBUG")
TOOLS: dict[str, tuple[str, dict[str, Any]]] = {
    "slope": ("slope", {"INPUT": "dem.tif", "OUTPUT": "slope.tif"}),
    "slope of text": ("slope", {"INPUT": "text.tif", "OUTPUT": "none.tif"}),
    "slope cancelled": ("slope", {"INPUT": "dem.tif", "OUTPUT": "stopped.tif"}),
    "areas": ("extractareas", {"PROBABILITY": "probability.tif", "AREAS": "areas.gpkg"}),
    "areas of text": ("extractareas", {"PROBABILITY": "text.tif", "AREAS": "none.gpkg"}),
    "areas cancelled": ("extractareas", {"PROBABILITY": "probability.tif", "AREAS": "stopped.gpkg"}),
    "detector": ("classicaldetector", {"LOS_RATE": "rate.tif", "AREAS": "found.gpkg"}),
    "detector cancelled": ("classicaldetector", {"LOS_RATE": "rate.tif", "AREAS": "stopped.gpkg"}),
    "scene": ("simulatescene", {"SEED": 1, "SIZE": 128, "DATES": 5, "OUTPUT_FOLDER": "scene"}),
    "scene cancelled": ("simulatescene", {"SEED": 1, "SIZE": 128, "DATES": 5, "OUTPUT_FOLDER": "stopped"}),
}


class Impatient(QgsProcessingFeedback):
    """A user who cancels as soon as the run has come anywhere."""

    def __init__(self) -> None:
        super().__init__(False)
        self.progressChanged.connect(self.cancel)


class Session:
    """A QGIS without a window on the screen, with its Processing plugin."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.seen: dict[str, dict[str, Any]] = {}
        self.application = QgsApplication([], True)
        self.application.initQgis()
        sys.path.insert(0, f"{QgsApplication.pkgDataPath()}/python/plugins")
        from processing.core.Processing import Processing

        Processing.initialize()
        self.registry = QgsApplication.processingRegistry()
        self.window = QMainWindow()
        self.iface = MagicMock()
        self.iface.mainWindow.return_value = self.window
        self.iface.addToolBar = lambda title: self.window.addToolBar(title)
        self.iface.activeLayer.return_value = None

    def look(self, moment: str) -> None:
        """Note what the process is like; GDAL is looked at only once somebody has loaded it."""
        loggers = (logging.root, logging.getLogger("ada_mapper"))
        state: dict[str, Any] = {
            "modules": sorted(sys.modules),
            "environment": dict(os.environ),
            "path": list(sys.path),
            "locale": [locale.setlocale(locale.LC_ALL), QLocale().name()],
            "warnings": [repr(entry) for entry in warnings.filters],
            "logging": [repr((logger.handlers, logger.level)) for logger in loggers],
            "hooks": [repr(hook) for hook in (sys.excepthook, sys.displayhook, threading.excepthook)],
            "providers": sorted(provider.id() for provider in self.registry.providers()),
            "models": sorted(model.id() for model in self.registry.providerById("model").algorithms()),
            "settings": sorted(key for key in QgsSettings().allKeys() if not key.startswith("ada_mapper/")),
            "folder": str(Path.cwd()),
            "window": sorted(type(child).__name__ for child in self.window.children()),
        }
        if "osgeo" in sys.modules:
            from osgeo import gdal, ogr, osr

            state["switches"] = [bool(module.GetUseExceptions()) for module in (gdal, ogr, osr)]
            state["cache"] = gdal.GetCacheMax()
            state["options"] = [gdal.GetConfigOption(name) for name in OPTIONS]
        if "numpy" in sys.modules:
            state["numpy"] = sys.modules["numpy"].geterr()
        self.seen[moment] = state

    def run(self, name: str) -> None:
        """Run one of TOOLS and note whether it came to a result."""
        algorithm, given = TOOLS[name]
        parameters = {
            key: str(Path(self.folder) / value) if key.isupper() and isinstance(value, str) else value
            for key, value in given.items()
        }
        feedback = Impatient() if "cancelled" in name else QgsProcessingFeedback(False)
        tool = self.registry.algorithmById(f"adamapper:{algorithm}").create()
        _, is_done = tool.run(parameters, QgsProcessingContext(), feedback)
        self.look(name)
        self.seen[name]["is_done"] = is_done


def write_a_layer(folder: str) -> None:
    """As any tool of QGIS does, after which the locale of numbers is C."""
    layer = QgsVectorLayer("Polygon", "empty", "memory")
    options = QgsVectorFileWriter.SaveVectorOptions()
    QgsVectorFileWriter.writeAsVectorFormatV3(layer, f"{folder}/empty.gpkg", QgsCoordinateTransformContext(), options)


def main(folder: str, *tools: str) -> None:
    """Load, run, unload, print."""
    session = Session(folder)
    session.look("before")
    import ada_mapper

    plugin = ada_mapper.classFactory(session.iface)
    plugin.initGui()
    session.application.processEvents()
    session.look("loaded")
    if tools:
        import scipy.ndimage
        from osgeo import gdal, ogr, osr

        assert scipy.ndimage is not None
        write_a_layer(folder)
        modules = dict(zip(MODULES, (gdal, ogr, osr)))
        # Newer QGIS has switched on all three.
        for module in reversed(modules.values()):
            module.DontUseExceptions()
        for name in os.environ.get("SWITCHED_ON", "").split():
            modules[name].UseExceptions()
        session.look("ready")
    for tool in tools:
        session.run(tool)
    plugin.unload()
    session.application.processEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    session.look("unloaded")
    sys.stdout.write(f"ANSWER{json.dumps(session.seen)}\n")
    sys.stdout.flush()
    # What QGIS does when it ends is not looked at.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
