"""The dialog of the choices of stacking: every parameter of the one list, in QGIS' own widgets, by group."""

from __future__ import annotations

import html
from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingParameterDefinition, QgsProject, QgsSettings
from qgis.gui import (
    QgsAbstractProcessingParameterWidgetWrapper,
    QgsGui,
    QgsProcessingGui,
    QgsProcessingParameterWidgetContext,
)
from qgis.PyQt.QtGui import QHideEvent
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QFrame,
    QLabel,
    QScrollArea,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ...core.errors import InputError
from ...processing.mapping import PAPER
from ...processing.qgis_versions import free_screen
from ...processing.texts import tr, words_of
from ..help import open_help
from ..project import (
    LIMITS,
    ProjectState,
    as_given,
    as_kept,
    asked_choices,
    differs,
    keep_stacking,
    limits_of,
    stacking_values,
)
from .stacking_texts import differences

_SETTINGS = "ada_mapper/stacking/geometry"
_SIZE = (620, 560)


class StackingDialog(QDialog):
    """Shows what a project chooses of stacking; OK keeps it there."""

    def __init__(self, state: ProjectState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Stacking"))
        self.setObjectName("AdaMapperStacking")
        self._state = state
        # The wrappers only point to the definitions.
        self._choices = asked_choices()
        self._definitions = {name: choice for group in self._choices.values() for name, choice in group.items()}
        self._context = QgsProcessingContext()
        self._context.setProject(QgsProject.instance())
        self.wrappers: dict[str, QgsAbstractProcessingParameterWidgetWrapper] = {}
        self._sets_limits = False
        self._lay_out()
        self._fill(stacking_values(state))
        self._connect()
        self._show_differences()
        self._restore()

    def values(self) -> dict[str, Any]:
        """What the widgets say and isn't the default, as it is kept."""
        kept = {name: as_kept(wrapper.parameterValue()) for name, wrapper in self.wrappers.items()}
        return {name: value for name, value in kept.items() if differs(self._definitions[name], value)}

    def accept(self) -> None:
        """Keep the choices in the project, unless they contradict each other."""
        try:
            limits_of(self.values())
        except InputError as error:
            self.differences.setText(words_of(error))
            return
        if self._sets_limits:
            for name in LIMITS:
                self._state.set(name, None)
        keep_stacking(self._state, self.values())
        super().accept()

    def restore_defaults(self) -> None:
        """Show the defaults."""
        self._sets_limits = False
        self._fill({})

    def set_as_in_paper(self) -> None:
        """Show what the paper has; what it doesn't tell stays. The limits of pairs, which it tells, follow with OK."""
        self._sets_limits = True
        self._fill({**self.values(), **{name: value for name, value in PAPER.items() if name in self.wrappers}})

    # Building

    def _lay_out(self) -> None:
        self.tabs = QTabWidget()
        for group, choices in self._choices.items():
            self.tabs.addTab(self._page(choices), group)
        self.differences = QLabel()
        self.differences.setWordWrap(True)
        standard = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(standard.Ok | standard.Cancel | standard.RestoreDefaults | standard.Help)
        self.paper = self.buttons.addButton(tr("As in the &paper"), QDialogButtonBox.ButtonRole.ActionRole)
        self.paper.setToolTip(_tool_tip(tr("Sets what Wu et al. (2024) say of stacking, with their limits of pairs.")))
        layout = QVBoxLayout(self)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.differences)
        layout.addWidget(self.buttons)

    def _page(self, choices: dict[str, QgsProcessingParameterDefinition]) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, choice in choices.items():
            wrapper = self._wrapper(choice)
            widget = wrapper.createWrappedWidget(self._context)
            # A run for each feature, and how features are read, belong to the dialog of a tool.
            for button in widget.findChildren(QToolButton):
                button.setHidden(not button.icon().isNull())
            label = wrapper.createWrappedLabel()
            for shown in (widget, label):
                if shown is not None:
                    shown.setToolTip(_tool_tip(choice.help()))
            form.addRow(widget) if label is None else form.addRow(label, widget)
            self.wrappers[name] = wrapper
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setWidget(page)
        return area

    def _wrapper(self, choice: QgsProcessingParameterDefinition) -> QgsAbstractProcessingParameterWidgetWrapper:
        registry = QgsGui.processingGuiRegistry()
        wrapper = registry.createParameterWidgetWrapper(choice, QgsProcessingGui.WidgetType.Standard)
        context = QgsProcessingParameterWidgetContext()
        context.setProject(QgsProject.instance())
        wrapper.setWidgetContext(context)
        return wrapper

    def _connect(self) -> None:
        for wrapper in self.wrappers.values():
            wrapper.widgetValueHasChanged.connect(lambda *_: self._show_differences())
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.buttons.helpRequested.connect(lambda: open_help("stacking"))
        self.buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults).clicked.connect(self.restore_defaults)
        self.paper.clicked.connect(self.set_as_in_paper)
        # What is shown belongs to the project that goes.
        QgsProject.instance().cleared.connect(self.reject)

    # Showing

    def _fill(self, values: dict[str, Any]) -> None:
        """Show the values, and defaults where there are none."""
        for name, wrapper in self.wrappers.items():
            value = values.get(name)
            default = self._definitions[name].defaultValue()
            wrapper.setParameterValue(default if value is None else as_given(value, self._state), self._context)

    def _show_differences(self) -> None:
        given = {name: as_given(value, self._state) for name, value in self.values().items()}
        self.differences.setText(differences(given, self._state))

    # Size

    def hideEvent(self, event: QHideEvent) -> None:
        QgsSettings().setValue(_SETTINGS, self.saveGeometry())
        super().hideEvent(event)

    def _restore(self) -> None:
        geometry = QgsSettings().value(_SETTINGS)
        if geometry is None or not self.restoreGeometry(geometry):
            free = free_screen(self)
            self.resize(min(_SIZE[0], free.width() - 40), min(_SIZE[1], free.height() - 60))


def _tool_tip(text: str) -> str:
    """A text as a tool tip that is broken into lines."""
    return f"<p>{html.escape(text)}</p>"
