"""The menu and the toolbar; the plugin comes and goes without a trace."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from qgis.core import QgsApplication, QgsSettings, QgsVectorLayer
from qgis.PyQt.QtWidgets import QApplication, QDialog, QToolBar

from ada_mapper.plugin import AdaMapperPlugin
from ada_mapper.processing.layers import RUN_PROPERTY
from ada_mapper.ui.panel import Panel


@pytest.fixture
def loaded(provider, qgis_iface, project):
    """The plugin as the desktop loads it, in place of the one of the session."""
    provider.unload()
    instance = AdaMapperPlugin(qgis_iface)
    instance.initGui()
    yield instance
    if instance.actions is not None:
        instance.unload()
    provider.initProcessing()


def test_few_clear_actions_with_icons(loaded):
    actions = loaded.actions.actions
    assert list(actions) == ["panel", "map", "channels", "field", "repeat", "help"]
    assert len(loaded.actions.toolbar.actions()) == 5
    for action in actions.values():
        assert action.text() and not action.icon().pixmap(16, 16).isNull()
    assert not actions["repeat"].isEnabled(), "there is no layer that could be repeated"


def test_the_panel_opens_closes_and_remembers(loaded, qgis_iface):
    action = loaded.actions.actions["panel"]
    assert loaded.actions._panel is None, "nothing of it is made before it is asked for"
    qgis_iface.mainWindow().show()
    action.trigger()
    assert loaded.actions.panel.isVisible() and action.isChecked()
    assert QgsSettings().value("ada_mapper/panel/is_open", False, bool)
    action.trigger()
    assert not loaded.actions.panel.isVisible() and not action.isChecked()
    assert not QgsSettings().value("ada_mapper/panel/is_open", True, bool)
    qgis_iface.mainWindow().hide()


def test_actions_open_windows_that_go_with_the_plugin(loaded, qgis_iface, monkeypatch):
    import processing

    opened = []

    def make(algorithm, parameters):
        opened.append((algorithm, QDialog(), parameters))
        return opened[-1][1]

    monkeypatch.setattr(processing, "createAlgorithmDialog", make)
    for name in ("map", "channels", "help"):
        loaded.actions.actions[name].trigger()
    assert opened[0][0] == "adamapper:mapactiveareas" and opened[0][1].isVisible()
    windows = {type(window).__name__ for window in QApplication.topLevelWidgets() if window.isVisible()}
    assert {"ChannelsDialog", "HelpWindow"} <= windows
    assert loaded.actions.panel.current.NAME == "channels"
    loaded.actions.panel.current.button.click()
    assert [type(window).__name__ for window in QApplication.topLevelWidgets()].count("ChannelsDialog") == 1
    layer = QgsVectorLayer("Point", "made by a run", "memory")
    parameters = {"INPUT": "dem.tif", "OUTPUT": "slope.tif"}
    layer.setCustomProperty(RUN_PROPERTY, json.dumps({"algorithm": "adamapper:slope", "parameters": parameters}))
    monkeypatch.setattr(qgis_iface, "activeLayer", lambda: layer)
    loaded.actions.repeat()
    assert opened[1][0] == "adamapper:slope" and opened[1][2] == {"INPUT": "dem.tif"}
    loaded.actions.show_step("field")
    loaded.actions.panel.current.open("mergesurvey")
    assert opened[2][0] == "adamapper:mergesurvey" and all(dialog.isVisible() for _, dialog, _ in opened)
    loaded.unload()
    QApplication.sendPostedEvents(None, 52)  # DeferredDelete
    gone = {"ChannelsDialog", "HelpWindow", "QDialog"}
    left = [window for window in QApplication.topLevelWidgets() if window.isVisible()]
    assert not [window for window in left if type(window).__name__ in gone]


def test_the_plugin_can_be_reloaded(loaded, qgis_iface):
    window = qgis_iface.mainWindow()
    window.show()
    loaded.actions.actions["panel"].trigger()
    assert window.findChildren(Panel)
    for _ in range(2):
        loaded.unload()
        QApplication.sendPostedEvents(None, 52)  # DeferredDelete
        assert not window.findChildren(Panel)
        assert not [bar for bar in window.findChildren(QToolBar) if bar.objectName() == "AdaMapperToolBar"]
        assert QgsApplication.processingRegistry().providerById("adamapper") is None
        loaded.initGui()
        assert QgsApplication.processingRegistry().providerById("adamapper") is not None
    QApplication.processEvents()
    assert loaded.actions.panel.isVisible(), "a reload brings the panel back"
    window.hide()


def test_without_a_window_no_window_is_loaded():
    code = (
        "import sys; from qgis.core import QgsApplication; app = QgsApplication([], False); app.initQgis();"
        "from ada_mapper.plugin import AdaMapperPlugin; plugin = AdaMapperPlugin(None); plugin.initProcessing();"
        "print([name for name in sys.modules if name.startswith('ada_mapper.ui')]);"
        "plugin.unload(); app.exitQgis()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
