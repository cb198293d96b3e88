"""What the scripts that walk through the QGIS desktop share: the task, steps with pauses, pictures, the outcome.

QGIS runs such a script with its own folder on the path and the environment variable ADA_MAPPER_TASK, the path of a JSON
file with at least "pictures" (a folder for all files) and "timeout" (seconds). Where it says "brisk", a pause ends
after a third of its time if nothing is computed or drawn any more.
"""

import json
import os
import traceback
from pathlib import Path

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QModelIndex, Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QDockWidget
from qgis.utils import iface, plugins

TASK = json.loads(Path(os.environ["ADA_MAPPER_TASK"]).read_text())
FOLDER = Path(TASK["pictures"])
outcome = {"errors": []}


def start(walk):
    """Go through a generator that yields pauses in milliseconds, then write outcome.json and end the program."""
    _after(2500, lambda: _go_on(walk()))
    QTimer.singleShot(1000 * TASK["timeout"], _too_late)


def _go_on(steps):
    """Any error ends the program, so that nothing hangs."""
    try:
        pause = next(steps)
    except StopIteration:
        _finish()
    except Exception:
        outcome["errors"].append(traceback.format_exc())
        grab("error")
        _finish()
    else:
        _after(pause, lambda: _go_on(steps))


def _after(pause, go_on):
    """Go on after so many milliseconds, in a brisk walk earlier."""
    if not TASK.get("brisk"):
        QTimer.singleShot(pause, go_on)
        return
    rest = pause - pause // 3
    QTimer.singleShot(pause // 3, lambda: go_on() if _all_is_quiet() else QTimer.singleShot(rest, go_on))


def _all_is_quiet():
    return not QgsApplication.taskManager().countActiveTasks() and not iface.mapCanvas().isDrawing()


def _too_late():
    outcome["errors"].append("The time was up: " + "".join(traceback.format_stack()))
    grab("error")
    _finish()


def _finish():
    (FOLDER / "outcome.json").write_text(json.dumps(outcome))
    QgsProject.instance().clear()
    QApplication.instance().exit(0)


def grab(name):
    """A picture of the whole screen."""
    QApplication.primaryScreen().grabWindow(0).save(str(FOLDER / f"{name}.png"))


def until(condition, step=300):
    """Pauses until something holds."""
    while not condition():
        yield step


def click(widget):
    """A click with the left button."""
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def actions():
    """The plugin's actions, which own the panel."""
    return plugins["ada_mapper"].actions


def panel():
    """The dock of the plugin."""
    return actions().panel


def state():
    """What the panel knows of the project."""
    return actions().context.state


def step():
    """The chosen step."""
    return panel().current


def status():
    """The chosen step and what the panel tells of it."""
    told = step().status()
    return {"step": step().NAME, "state": told.state, "there": told.there, "next": told.next_action}


def choose(name):
    """Click a step in the panel's row."""
    names = [each.NAME for each in panel().steps]
    click(panel()._bar.buttons[names.index(name)])


def click_tool(name):
    """Click a button of the plugin's toolbar."""
    action = next(each for each in actions().actions.values() if each.objectName() == name)
    click(actions().toolbar.widgetForAction(action))


def toolbox():
    """The dock of the Processing toolbox."""
    return iface.mainWindow().findChild(QDockWidget, "ProcessingToolbox")


def select_tool(algorithm_id):
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


def tool_dialog():
    """The dialog of the tool that is open."""
    windows = QApplication.topLevelWidgets()
    return next(window for window in windows if type(window).__name__ == "AlgorithmDialog" and window.isVisible())


def tool_has_ended(dialog):
    """Whether a tool no longer runs in its dialog."""
    return dialog.runButton().isEnabled() and not dialog.cancelButton().isEnabled()
