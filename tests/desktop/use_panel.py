"""Runs inside the QGIS desktop: maps areas from the panel by clicks, saves, reopens, reloads the plugin.

The task names "scene" (a folder of interferograms with dem.tif).
"""

from pathlib import Path

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtWidgets import QApplication, QDockWidget, QPushButton, QToolBar
from qgis.utils import iface, reloadPlugin

from walking import (
    FOLDER,
    TASK,
    actions,
    choose,
    click,
    click_tool,
    grab,
    outcome,
    panel,
    start,
    state,
    status,
    step,
    until,
)

SCENE = Path(TASK["scene"])
project = QgsProject.instance()


def walk():
    """What the user does; each ``yield`` lets the desktop go on for so many milliseconds."""
    window = iface.mainWindow()
    window.setGeometry(QApplication.primaryScreen().geometry())
    for name in ("Browser", "ProcessingToolbox"):
        window.findChild(QDockWidget, name).setVisible(False)
    iface.newProject()
    yield 1000
    click_tool("AdaMapper_panel")
    yield 1000
    outcome["first"] = status()
    grab("empty")
    iface.addRasterLayer(str(SCENE / "dem.tif"), "Elevation")
    state().set("folder", str(SCENE))
    state().set("orbit", "descending")
    choose("detect")
    step().save_in.setFilePath(str(FOLDER / "results"))
    yield 1500
    outcome["ready"] = status()
    grab("ready")
    yield from map_areas()
    yield from reopen()
    yield from reload_plugin()
    QgsApplication.setUITheme("Night Mapping")
    yield 1500
    grab("dark")
    choose("detect")
    click(panel()._status.help)
    yield 1500
    grab("guide")


def map_areas():
    click(panel().findChild(QPushButton, "primary"))
    yield 600
    outcome["running"] = status()
    outcome["tasks"] = [task.description() for task in QgsApplication.taskManager().activeTasks()]
    grab("running")
    yield from until(lambda: status()["state"] != "running")
    yield 3000
    iface.messageBar().clearWidgets()
    outcome["mapped"] = status()
    outcome["groups"] = groups()
    areas = state().layer("areas")
    outcome["abstract"] = areas.metadata().abstract()
    iface.setActiveLayer(areas)
    outcome["can_be_repeated"] = actions().actions["repeat"].isEnabled()
    grab("mapped")


def reopen():
    """Save the project, begin another, open the first again."""
    project.write(str(FOLDER / "project.qgz"))
    iface.newProject()
    yield 1000
    outcome["new"] = status()
    iface.addProject(str(FOLDER / "project.qgz"))
    yield 2000
    outcome["reopened"] = status()


def reload_plugin():
    reloadPlugin("ada_mapper")
    yield 2000
    window = iface.mainWindow()
    names = [bar.objectName() for bar in window.findChildren(QToolBar)]
    outcome["toolbars"] = names.count("AdaMapperToolBar")
    outcome["panels"] = len([dock for dock in window.findChildren(QDockWidget, "AdaMapperPanel") if dock.isVisible()])
    outcome["after_reload"] = status()


def groups():
    found = {}
    for group in project.layerTreeRoot().findGroups():
        found[group.name()] = {node.layer().name(): node.isVisible() for node in group.findLayers()}
    return found


start(walk)
