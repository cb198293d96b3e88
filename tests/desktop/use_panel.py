"""Runs inside the QGIS desktop: maps areas from the panel by clicks, saves, reopens, reloads the plugin.

The environment variable ADA_MAPPER_TASK names a JSON file with "scene" (a folder of interferograms with dem.tif),
"pictures" (a folder for all files, pictures among them) and "timeout" (seconds). Writes "outcome.json" there.
"""

import json
import os
import traceback
from pathlib import Path

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QDockWidget, QPushButton, QToolBar, QWidget
from qgis.utils import iface, plugins, reloadPlugin

TASK = json.loads(Path(os.environ["ADA_MAPPER_TASK"]).read_text())
SCENE, FOLDER = Path(TASK["scene"]), Path(TASK["pictures"])
project = QgsProject.instance()
outcome = {"errors": []}


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
    while status()["state"] == "running":
        yield 500
    yield 3000
    iface.messageBar().clearWidgets()
    outcome["mapped"] = status()
    outcome["groups"] = groups()
    areas = state().layer("areas")
    outcome["abstract"] = areas.metadata().abstract()
    iface.setActiveLayer(areas)
    outcome["can_be_repeated"] = tool("AdaMapper_repeat").isEnabled()
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


def actions():
    return plugins["ada_mapper"].actions


def panel():
    return actions().panel


def step():
    return panel().current


def state():
    return actions().context.state


def status():
    """The chosen step and what the panel tells of it."""
    told = step().status()
    return {"step": step().NAME, "state": told.state, "there": told.there, "next": told.next_action}


def groups():
    found = {}
    for group in project.layerTreeRoot().findGroups():
        found[group.name()] = {node.layer().name(): node.isVisible() for node in group.findLayers()}
    return found


def tool(name):
    return next(action for action in actions().actions.values() if action.objectName() == name)


def click_tool(name):
    click(actions().toolbar.widgetForAction(tool(name)))


def choose(name):
    names = [each.NAME for each in panel().steps]
    click(panel()._bar.buttons[names.index(name)])


def click(widget: QWidget):
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def grab(name):
    """A picture of the whole screen."""
    QApplication.primaryScreen().grabWindow(0).save(str(FOLDER / f"{name}.png"))


def go_on(steps):
    """Do the next piece of the walk; any error ends the program, so that nothing hangs."""
    try:
        QTimer.singleShot(next(steps), lambda: go_on(steps))
    except StopIteration:
        finish()
    except Exception:
        outcome["errors"].append(traceback.format_exc())
        grab("error")
        finish()


def finish():
    (FOLDER / "outcome.json").write_text(json.dumps(outcome))
    project.clear()
    QApplication.instance().exit(0)


QTimer.singleShot(2500, lambda: go_on(walk()))
QTimer.singleShot(TASK["timeout"] * 1000, finish)
