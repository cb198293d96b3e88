"""What the panel knows of the work in a project: kept in the project file, so that it reopens where it was."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from typing import Any, Callable

from qgis.core import QgsMapLayer, QgsProject
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...processing.layers import role_mark
from .layer_guess import guess_role

SCOPE = "ada_mapper"
LAYER_ROLES = (
    "phase_rate", "los_rate", "dem", "slope", "los_sensitivity", "standard_error", "coherence", "closure",
    "probability", "areas", "sites", "classical",
)  # fmt: skip


class ProjectState(QObject):
    """Values and chosen layers of the current project.

    Looking at a project leaves it unchanged: what is only noted, such as a guess or the step that is shown, is written
    into it when the user saves it or a run uses it. ``changed`` is emitted after every change of a value, after layers
    came or went, and when another project was read or cleared.
    """

    changed = pyqtSignal()

    def __init__(self, project: QgsProject | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project or QgsProject.instance()
        self._noted: dict[str, str] = {}
        connections: tuple[tuple[Any, Callable[..., None]], ...] = (
            (self._project.layersAdded, self._on_layers_added),
            (self._project.layersRemoved, self._on_layers_removed),
            (self._project.readProject, self._on_another_project),
            (self._project.cleared, self._on_another_project),
            (self._project.writeProject, self._on_saving),
        )
        self._connections = connections
        for signal, slot in connections:
            signal.connect(slot)
        self._adopt(self._project.mapLayers().values())

    def close(self) -> None:
        """Stop following the project."""
        for signal, slot in self._connections:
            with contextlib.suppress(TypeError, RuntimeError):
                signal.disconnect(slot)
        self._connections = ()

    def get(self, name: str, default: Any = None) -> Any:
        """The value under a name: text, number, truth value, list or dictionary; ``default`` where there is none.

        A value whose type is not that of ``default``, as in a project edited by hand, counts as none.
        """
        text = self._text(name)
        if text is None:
            return default
        try:
            value = json.loads(text)
        except ValueError:
            return default
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        return value if default is None or type(value) is type(default) else default

    def set(self, name: str, value: str | float | bool | list[str] | dict[str, Any] | None) -> None:
        """Keep a value under a name; None removes it."""
        if self._write(name, value):
            self.changed.emit()

    def note(self, name: str, value: str | float | bool | list[str]) -> None:
        """Keep a value under a name without a change to the project, until it is saved or keep_notes() is called."""
        if self._note(name, value):
            self.changed.emit()

    def keep_notes(self) -> None:
        """Write into the project what was only noted."""
        noted, self._noted = self._noted, {}
        for name, text in noted.items():
            self._project.writeEntry(SCOPE, name, text)

    def layer(self, role: str) -> QgsMapLayer | None:
        """The layer that serves a role (one of LAYER_ROLES); None where none was chosen or it is gone."""
        self._check(role)
        return self._project.mapLayer(self.get(_entry(role), ""))

    def set_layer(self, role: str, layer: QgsMapLayer | None) -> None:
        """Choose the layer of the project that serves a role; None: no layer."""
        self._check(role)
        self.set(_entry(role), None if layer is None else layer.id())

    def map_layer(self, identifier: str) -> QgsMapLayer | None:
        """The layer of the project with an id; None where there is none."""
        return self._project.mapLayer(identifier)

    def role_of(self, layer: QgsMapLayer) -> str | None:
        """What a layer holds: as the tool that made it wrote, else as its file, unit and name let guess."""
        role = role_mark(layer) or guess_role(layer)
        return role if role in LAYER_ROLES else None

    def _write(self, name: str, value: Any) -> bool:
        """Write an entry of the project; False where it held the same before."""
        was_noted = self._noted.pop(name, None) is not None
        before, found = self._project.readEntry(SCOPE, name, "")
        if value is None:
            return (found and bool(self._project.removeEntry(SCOPE, name))) or was_noted
        text = _as_text(value)
        if found and before == text:
            return was_noted
        return bool(self._project.writeEntry(SCOPE, name, text))

    def _note(self, name: str, value: Any) -> bool:
        """Note a value; False where it was the same before."""
        text = _as_text(value)
        if self._text(name) == text:
            return False
        self._noted[name] = text
        return True

    def _text(self, name: str) -> str | None:
        """A value as the project has it or will have it; None where there is none."""
        if name in self._noted:
            return self._noted[name]
        text, found = self._project.readEntry(SCOPE, name, "")
        return text if found else None

    def _adopt(self, layers: Iterable[QgsMapLayer]) -> None:
        """Let layers that were made in the toolbox serve the roles that have none."""
        for layer in layers:
            role = self.role_of(layer)
            if role is not None and not self.get(_entry(role), ""):
                self._note(_entry(role), layer.id())

    def _on_layers_added(self, layers: list[QgsMapLayer]) -> None:
        self._adopt(layers)
        self.changed.emit()

    def _on_layers_removed(self, identifiers: list[str]) -> None:
        for role in LAYER_ROLES:
            if self.get(_entry(role), "") in identifiers:
                self._write(_entry(role), None)
        self.changed.emit()

    def _on_another_project(self, *_: object) -> None:
        self._noted.clear()
        self._adopt(self._project.mapLayers().values())
        self.changed.emit()

    def _on_saving(self, *_: object) -> None:
        # QGIS writes the entries after this signal, and calls the project unchanged at the end.
        self.keep_notes()

    @staticmethod
    def _check(role: str) -> None:
        if role not in LAYER_ROLES:
            raise ValueError(f"There is no role “{role}”; known are {', '.join(LAYER_ROLES)}.")


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _entry(role: str) -> str:
    return f"layer_{role}"
