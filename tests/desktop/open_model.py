"""Runs inside the QGIS desktop: opens the shipped model in the model designer and takes a picture of it.

The task names "model", the id of the algorithm.
"""

from processing.modeler.ModelerDialog import ModelerDialog
from qgis.core import QgsApplication
from qgis.PyQt.QtWidgets import QApplication

from walking import TASK, grab, outcome, start


def walk():
    """What the user does; each ``yield`` lets the desktop go on for so many milliseconds."""
    model = QgsApplication.processingRegistry().algorithmById(TASK["model"])
    outcome["children"] = sorted(model.childAlgorithms())
    window = ModelerDialog.create()
    window.loadModel(model.sourceFilePath())
    window.setGeometry(QApplication.primaryScreen().geometry())
    window.show()
    outcome["opened"] = window.model().displayName()
    yield 1500
    if hasattr(window, "zoomFull"):
        window.zoomFull()
    yield 1000
    grab("designer")


start(walk)
