"""Runs inside the QGIS desktop: opens a saved project, looks at every step of the panel, and changes nothing.

The task names "scene" (a folder of interferograms with dem.tif and true_areas.gpkg).
"""

import json
from pathlib import Path

from qgis.core import QgsProject
from qgis.utils import iface

from walking import FOLDER, TASK, actions, choose, click_tool, grab, outcome, panel, start, state, until

SCENE = Path(TASK["scene"])
project = QgsProject.instance()


def walk():
    """What the user does; each ``yield`` lets the desktop go on for so many milliseconds."""
    iface.newProject()
    yield 500
    iface.addRasterLayer(str(SCENE / "dem.tif"), "Elevation")
    iface.addVectorLayer(f"{SCENE / 'true_areas.gpkg'}|layername=true_areas", "Areas", "ogr")
    project.writeEntry("ada_mapper", "folder", json.dumps(str(SCENE)))
    project.write(str(FOLDER / "project.qgz"))
    iface.newProject()
    yield 500
    iface.addProject(str(FOLDER / "project.qgz"))
    yield 1500
    outcome["is_dirty"] = {"opened": project.isDirty()}
    click_tool("AdaMapper_panel")
    yield from until(lambda: not panel().steps[0].choice.is_scanning)
    outcome["is_dirty"]["panel"] = project.isDirty()
    for name in ("channels", "detect", "review", "field", "data"):
        choose(name)
        yield 1500
        outcome["is_dirty"][name] = project.isDirty()
    actions().open_channels()
    yield 1500
    panel().current.dialog.reject()
    yield 500
    outcome["is_dirty"]["channels dialog"] = project.isDirty()
    panel().setUserVisible(False)
    yield 500
    outcome["is_dirty"]["closed"] = project.isDirty()
    outcome["dem"] = state().layer("dem").name()
    grab("looked")


start(walk)
