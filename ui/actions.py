"""The menu and the toolbar ADA Mapper, and what its actions open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, cast

from qgis.core import QgsSettings
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QObject, Qt, QTimer
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QAction

from ..processing.algorithm import ICONS
from ..processing.texts import tr

if TYPE_CHECKING:
    from .channels import ChannelsStep
    from .panel import Panel
    from .step import StepContext


MENU = "ADA Mapper"
_PANEL_IS_OPEN = "ada_mapper/panel/is_open"


class Actions(QObject):
    """Makes the menu, the toolbar and, when it is first asked for, the panel; remove() takes all of it away."""

    def __init__(self, iface: QgisInterface) -> None:
        super().__init__(iface.mainWindow())
        self._iface = iface
        self._context: StepContext | None = None
        self._panel: Panel | None = None
        self._windows: list[Any] = []
        self.toolbar = iface.addToolBar(MENU)
        self.toolbar.setObjectName("AdaMapperToolBar")
        self.actions: dict[str, QAction] = {}
        self._add("panel", tr("ADA Mapper panel"), "panel.svg", self._toggle_panel).setCheckable(True)
        self._add("map", tr("Map active areas…"), "map_areas.svg", lambda: self.open_tool("adamapper:mapactiveareas"))
        self._add("channels", tr("Channels…"), "choose_channels.svg", self.open_channels)
        self._add("field", tr("Field maps…"), "field_maps.svg", lambda: self.show_step("field"))
        self._add("repeat", tr("Repeat the run of this layer…"), "repeat.svg", self.repeat, in_toolbar=False)
        self._add("help", tr("Guide"), "help.svg", lambda: self.open_guide("panel"))
        iface.currentLayerChanged.connect(self._on_current_layer)
        self._on_current_layer()
        # When QGIS starts, its window is still being put together.
        QTimer.singleShot(0, self._reopen_panel)

    @property
    def context(self) -> StepContext:
        """State and runner of the panel; made when first needed."""
        if self._context is None:
            from .project import ProjectState
            from .runs import Runner
            from .step import StepContext

            state = ProjectState()
            self._context = StepContext(state, Runner(state, self._iface), self._iface)
        return self._context

    @property
    def panel(self) -> Panel:
        """The dock panel; made when first needed, at the place that it had."""
        if self._panel is None:
            from .panel import Panel

            self._panel = Panel(self.context, self._iface.mainWindow())
            self._panel.visibilityChanged.connect(self._on_panel_visible)
            if not self._iface.mainWindow().restoreDockWidget(self._panel):
                self._iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self._panel)
        return self._panel

    def remove(self) -> None:
        """Take everything away again; runs that go on are cancelled."""
        from .help import close_help

        self._iface.currentLayerChanged.disconnect(self._on_current_layer)
        for window in self._windows:
            window.close()
        close_help()
        for action in self.actions.values():
            self._iface.removePluginMenu(MENU, action)
        if self._panel is not None:
            self._panel.visibilityChanged.disconnect(self._on_panel_visible)
            QgsSettings().setValue(_PANEL_IS_OPEN, not self._panel.isHidden())
            self._iface.removeDockWidget(self._panel)
            self._panel.deleteLater()
        if self._context is not None:
            self._context.runner.close()
            self._context.state.close()
        self._iface.mainWindow().removeToolBar(self.toolbar)
        self.toolbar.deleteLater()
        self.deleteLater()

    def show_step(self, name: str) -> None:
        """Open the panel at a step."""
        self.panel.setUserVisible(True)
        self.panel.choose(name)

    def open_tool(self, algorithm: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Open a tool's own dialog, filled in with parameters."""
        import processing

        dialog = processing.createAlgorithmDialog(algorithm, dict(parameters or {}))
        if dialog is not None:
            self._keep(dialog)
            dialog.show()

    def open_channels(self) -> None:
        """Open the panel at the Channels step, with its dialog."""
        self.show_step("channels")
        cast("ChannelsStep", self.panel.current).open_dialog()

    def repeat(self) -> None:
        """Open the tool that made the current layer, filled in as it was."""
        from ..processing.layers import run_of
        from .runs import inputs_of

        made = run_of(self._iface.activeLayer())
        if made is not None:
            self.open_tool(made["algorithm"], inputs_of(made))

    def open_guide(self, topic: str) -> None:
        """Open the guide at a topic."""
        from .help import open_help

        open_help(topic)

    def _add(
        self, name: str, text: str, icon: str, on_triggered: Callable[[], None], in_toolbar: bool = True
    ) -> QAction:
        action = QAction(QIcon(str(ICONS / icon)), text, self)
        action.setObjectName(f"AdaMapper_{name}")
        action.triggered.connect(lambda *_: on_triggered())
        self._iface.addPluginToMenu(MENU, action)
        if in_toolbar:
            self.toolbar.addAction(action)
        self.actions[name] = action
        return action

    def _keep(self, window: Any) -> None:
        """Hold a window that is not modal until it is closed."""
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._windows.append(window)
        window.destroyed.connect(lambda *_: self._windows.remove(window) if window in self._windows else None)

    def _toggle_panel(self) -> None:
        self.panel.setUserVisible(self.actions["panel"].isChecked())

    def _on_panel_visible(self, is_visible: bool) -> None:
        self.actions["panel"].setChecked(is_visible)
        QgsSettings().setValue(_PANEL_IS_OPEN, not self.panel.isHidden())

    def _reopen_panel(self) -> None:
        if QgsSettings().value(_PANEL_IS_OPEN, False, bool):
            self.panel.setUserVisible(True)

    def _on_current_layer(self, *_: object) -> None:
        from ..processing.layers import run_of

        self.actions["repeat"].setEnabled(run_of(self._iface.activeLayer()) is not None)
