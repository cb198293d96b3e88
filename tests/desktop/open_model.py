"""Runs inside the QGIS desktop: opens the shipped model in the model designer and takes a picture of it.

The environment variable ADA_MAPPER_TASK names a JSON file with "model" and "pictures" (folder). Writes "outcome.json"
into that folder.
"""

import json
import os
import traceback
from pathlib import Path

from processing.modeler.ModelerDialog import ModelerDialog
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication

TASK = json.loads(Path(os.environ["ADA_MAPPER_TASK"]).read_text())
PICTURES = Path(TASK["pictures"])
outcome = {"errors": []}


def guarded(step):
    """Run a step; any error ends the program, so that nothing hangs."""

    def run():
        try:
            step()
        except Exception:
            outcome["errors"].append(traceback.format_exc())
            finish()

    return run


def start():
    model = QgsApplication.processingRegistry().algorithmById(TASK["model"])
    outcome["children"] = sorted(model.childAlgorithms())
    window = ModelerDialog.create()
    window.loadModel(model.sourceFilePath())
    window.setGeometry(QApplication.primaryScreen().geometry())
    window.show()
    outcome["opened"] = window.model().displayName()
    start.window = window
    QTimer.singleShot(1500, guarded(grab))


def grab():
    start.window.zoomFull() if hasattr(start.window, "zoomFull") else None
    QApplication.processEvents()
    QTimer.singleShot(1000, guarded(end))


def end():
    QApplication.primaryScreen().grabWindow(0).save(str(PICTURES / "designer.png"))
    finish()


def finish():
    (PICTURES / "outcome.json").write_text(json.dumps(outcome))
    QApplication.instance().exit(0)


QTimer.singleShot(2500, guarded(start))
QTimer.singleShot(60000, finish)
