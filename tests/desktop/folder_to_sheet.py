"""Runs inside the QGIS desktop: from an empty project to the printed sheet, through the panel, by clicks and keys.

The task names "scene" (a folder of interferograms with dem.tif), "orbit", and "theme" (a QGIS theme, "" for the usual
one). Where it names "only_data", the walk ends after the Data step.
"""

from pathlib import Path

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QLocale, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QDockWidget, QPushButton
from qgis.utils import iface

from walking import FOLDER, TASK, choose, click, click_tool, grab, outcome, panel, start, state, status, step, until

SCENE = Path(TASK["scene"])
project = QgsProject.instance()


def walk():
    """What the user does; each ``yield`` lets the desktop go on for so many milliseconds."""
    window = iface.mainWindow()
    window.setGeometry(QApplication.primaryScreen().geometry())
    if TASK["theme"]:
        QgsApplication.setUITheme(TASK["theme"])
    for name in ("Browser", "ProcessingToolbox"):
        window.findChild(QDockWidget, name).setVisible(False)
    iface.newProject()
    yield 1000
    click_tool("AdaMapper_panel")
    yield 1000
    yield from choose_data()
    if not TASK.get("only_data"):
        yield from map_areas()
        yield from choose_channels()
        yield from review()
        yield from prepare_field_work()
    outcome["number"] = QLocale().toString(1.5)
    project.write(str(FOLDER / "project.qgz"))
    outcome["layers"] = sorted(layer.name() for layer in project.mapLayers().values())


def choose_data():
    """The folder is scanned, the network of pairs looked at, a pair left out by hand."""
    choose("data")
    yield 800
    outcome["empty"] = status()
    grab("data_empty")
    if (SCENE / "dem.tif").exists():
        iface.addRasterLayer(str(SCENE / "dem.tif"), "Elevation")
    line = step().folder.lineEdit()
    line.setFocus()
    line.clear()
    QTest.keyClicks(line, str(SCENE))
    QTest.keyClick(line, Qt.Key.Key_Return)
    yield 500
    yield from until(lambda: status()["state"] != "running")
    step().orbit.setCurrentIndex(step().orbit.findData(TASK["orbit"]))
    step().orbit.activated.emit(step().orbit.currentIndex())
    yield 1500
    outcome["data"] = status()
    grab("data")
    click(step().pairs_button)
    yield 2500
    grab("pairs")
    window = step().window_of_pairs
    outcome["pairs"] = window.table.model().rowCount()
    window.close()
    yield 800


def map_areas():
    """Detect, from the folder."""
    choose("detect")
    step().save_in.setFilePath(str(FOLDER / "results"))
    yield 1000
    outcome["ready"] = status()
    grab("detect_ready")
    click(panel().findChild(QPushButton, "primary"))
    yield 1500
    grab("detect_running")
    yield from until(lambda: status()["state"] != "running")
    yield 3000
    iface.messageBar().clearWidgets()
    iface.setActiveLayer(state().layer("areas"))
    iface.zoomToActiveLayer()
    yield 3000
    outcome["mapped"] = status()
    grab("detect_done")


def choose_channels():
    """The dialog, with its preview."""
    choose("channels")
    yield 800
    outcome["channels"] = status()
    click(step().button)
    yield 2500
    dialog = step().dialog
    yield from until(lambda: not dialog.is_busy)
    yield 1000
    grab("channels_dialog")
    outcome["channels_problem"] = dialog.problem()
    dialog.accept()
    yield 1000
    outcome["channels_chosen"] = status()
    grab("channels")


def review():
    """Decide on the first areas with keys, with a note on one."""
    choose("review")
    iface.mainWindow().activateWindow()  # a virtual screen has nobody who does it
    QApplication.setActiveWindow(iface.mainWindow())
    yield 800
    click(panel().findChild(QPushButton, "primary"))
    yield 2500
    form = step().form
    for key in ("A", "A", "R"):
        QTest.keyClick(form.next, key)
        yield 2500
    QTest.keyClicks(form.note, "Scarp on the orthophoto?")
    QTest.keyClick(form.note, Qt.Key.Key_Return)
    form.next.setFocus()
    yield from until(lambda: not QgsApplication.taskManager().countActiveTasks())
    yield 2500
    outcome["review"] = status()
    areas = state().layer("areas")
    outcome["decisions"] = sorted(str(feature["review"]) for feature in areas.getFeatures())
    outcome["notes"] = [feature["review_note"] for feature in areas.getFeatures() if feature["review_note"]]
    grab("review")


def prepare_field_work():
    """Sites, map sheets and the package for the field, each through its dialog."""
    choose("field")
    yield 1000
    grab("field")
    yield from run_dialog("samplesites", {"COUNT": 4, "SITES": str(FOLDER / "sites.gpkg")})
    outcome["sites"] = state().layer("sites").featureCount()
    yield from run_dialog("surveymaps", {"OUTPUT": str(FOLDER / "sheets.pdf"), "PICTURES": str(FOLDER / "sheets"),
                                         "DPI": 100})  # fmt: skip
    yield from run_dialog("surveypackage", {"OUTPUT_FOLDER": str(FOLDER / "package")})
    yield 1500
    outcome["field"] = status()
    grab("field_done")


def run_dialog(name, more):
    """Open a tool from the Field step, add to what is filled in, run it, close it."""
    click(step().buttons[name])
    yield 2000
    dialog = step().dialog
    filled = dialog.createProcessingParameters()
    dialog.setParameters({**filled, **more})
    yield 1000
    grab(f"field_{name}")
    click(dialog.runButton())
    yield 500
    yield from until(lambda: dialog.runButton().isEnabled() and not dialog.cancelButton().isEnabled())
    yield 1000
    grab(f"field_{name}_log")
    outcome[name] = {key: str(value) for key, value in dialog.results().items()}
    dialog.close()
    yield 1500
    iface.messageBar().clearWidgets()


start(walk)
