"""Runs inside the QGIS desktop: finds a tool in the toolbox, fills its dialog, clicks Run, takes screenshots.

The environment variable ADA_MAPPER_TASK names a JSON file with "search" (what is typed into the toolbox),
"algorithm" (its id), "parameters", "pictures" (folder) and "timeout" (seconds). Writes "outcome.json" into that folder.
"""

import json
import os
import traceback
from pathlib import Path

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QModelIndex, QTimer
from qgis.PyQt.QtWidgets import QApplication, QDockWidget
from qgis.utils import iface

TASK = json.loads(Path(os.environ["ADA_MAPPER_TASK"]).read_text())
PICTURES = Path(TASK["pictures"])
STEP = 500
outcome = {"errors": [], "layers": []}


def grab(name):
    """A picture of the whole screen."""
    QApplication.primaryScreen().grabWindow(0).save(str(PICTURES / f"{name}.png"))


def guarded(step):
    """Run a step; any error ends the program, so that nothing hangs."""

    def run():
        try:
            step()
        except Exception:
            outcome["errors"].append(traceback.format_exc())
            finish()

    return run


def later(step, milliseconds=STEP):
    QTimer.singleShot(milliseconds, guarded(step))


def toolbox():
    return iface.mainWindow().findChild(QDockWidget, "ProcessingToolbox")


def start():
    iface.mainWindow().setGeometry(QApplication.primaryScreen().geometry())
    iface.mainWindow().findChild(QDockWidget, "Browser").setVisible(False)
    iface.newProject()
    toolbox().setVisible(True)
    later(search, 1500)


def search():
    grab("toolbox_all")
    toolbox().searchBox.setText(TASK["search"])
    later(open_dialog, 1500)


def open_dialog():
    select(TASK["algorithm"])
    grab("toolbox")
    later(fill, 1500)
    toolbox().executeAlgorithm()


def select(algorithm_id):
    """Click the tool in the tree of the toolbox."""
    tree = toolbox().algorithmTree
    waiting = [QModelIndex()]
    while waiting:
        parent = waiting.pop()
        for row in range(tree.model().rowCount(parent)):
            index = tree.model().index(row, 0, parent)
            algorithm = tree.algorithmForIndex(index)
            if algorithm is not None and algorithm.id() == algorithm_id:
                tree.setCurrentIndex(index)
                return
            waiting.append(index)
    raise LookupError(algorithm_id)


def dialog():
    return next(
        w for w in QApplication.topLevelWidgets() if w.__class__.__name__ == "AlgorithmDialog" and w.isVisible()
    )


def fill():
    window = dialog()
    screen = QApplication.primaryScreen().geometry()
    window.setGeometry(screen.adjusted(200, 40, -200, -40))
    window.setParameters(TASK["parameters"])
    later(run, 1000)


def run():
    grab("dialog")
    window = dialog()
    window.runButton().click()
    later(wait, 1000)


def wait():
    window = dialog()
    if window.runButton().isEnabled() and not window.cancelButton().isEnabled():
        later(show, 1500)
    else:
        later(wait)


def show():
    window = dialog()
    grab("log")
    outcome["log"] = window.txtLog.toPlainText() if hasattr(window, "txtLog") else ""
    window.close()
    toolbox().setVisible(TASK.get("keep_toolbox", False))
    layers = QgsProject.instance().mapLayers().values()
    outcome["layers"] = [
        {
            "name": layer.name(),
            "source": layer.source(),
            "renderer": layer.renderer().type(),
            "styles": layer.styleManager().styles(),
            "visible": QgsProject.instance().layerTreeRoot().findLayer(layer.id()).isVisible(),
        }
        for layer in layers
    ]
    iface.zoomFull()
    later(end, 4000)


def end():
    grab("canvas")
    finish()


def finish():
    (PICTURES / "outcome.json").write_text(json.dumps(outcome))
    QgsProject.instance().clear()
    QApplication.instance().exit(0)


later(start, 2500)
QTimer.singleShot(TASK.get("timeout", 240) * 1000, finish)
