"""Runs inside the QGIS desktop: finds a tool in the toolbox, fills its dialog, clicks Run, takes pictures.

The task names "search" (what is typed into the toolbox), "algorithm" (its id) and "parameters".
"""

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication, QDockWidget
from qgis.utils import iface

from walking import TASK, grab, outcome, select_tool, start, tool_dialog, tool_has_ended, toolbox, until


def walk():
    """What the user does; each ``yield`` lets the desktop go on for so many milliseconds."""
    screen = QApplication.primaryScreen().geometry()
    iface.mainWindow().setGeometry(screen)
    iface.mainWindow().findChild(QDockWidget, "Browser").setVisible(False)
    iface.newProject()
    toolbox().setVisible(True)
    yield 1500
    grab("toolbox_all")
    toolbox().searchBox.setText(TASK["search"])
    yield 1500
    select_tool(TASK["algorithm"])
    grab("toolbox")
    QTimer.singleShot(0, toolbox().executeAlgorithm)  # returns only when the dialog is closed
    yield 1500
    window = tool_dialog()
    window.setGeometry(screen.adjusted(200, 40, -200, -40))
    window.setParameters(TASK["parameters"])
    yield 1000
    grab("dialog")
    window.runButton().click()
    yield 1000
    yield from until(lambda: tool_has_ended(window))
    yield 1500
    grab("log")
    window.close()
    toolbox().setVisible(False)
    outcome["layers"] = [described(layer) for layer in QgsProject.instance().mapLayers().values()]
    iface.zoomFull()
    yield 4000
    grab("canvas")


def described(layer):
    return {
        "name": layer.name(),
        "renderer": layer.renderer().type(),
        "styles": layer.styleManager().styles(),
        "visible": QgsProject.instance().layerTreeRoot().findLayer(layer.id()).isVisible(),
    }


start(walk)
