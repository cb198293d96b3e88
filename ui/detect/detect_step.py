"""The Detect step: from a folder of interferograms or from layers to areas, in the background."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsMapLayer,
    QgsMapLayerProxyModel,
    QgsProject,
    QgsReferencedRectangle,
    QgsSettings,
    QgsVectorLayer,
)
from qgis.gui import QgsFileWidget, QgsMapLayerComboBox
from qgis.PyQt.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ...processing.choices import ORBIT_CHOICES
from ...processing.mapping import DETECT, EXTRACT
from ...processing.texts import number, tr
from ..runs import free_place
from ..step import Step, StepContext, StepStatus
from . import detect_plan as plan
from .underlay import put_under

_SETTINGS = "ada_mapper/detect"


class DetectStep(Step):
    """Maps active deformation areas with the model, and merges those of two orbits."""

    NAME = "detect"

    def __init__(self, context: StepContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._running = ""
        self._orbits: dict[str, Any] = {}
        self._count = 0
        self._is_refreshing = False
        self._make_widgets()
        self._lay_out()
        self._connect()
        self.refresh()

    def title(self) -> str:
        return tr("Detect")

    def status(self) -> StepStatus:
        if self._running:
            return StepStatus("running", tr("{} is being mapped.").format(self._running))
        there = tr("No areas were mapped yet.") if self._areas is None else self._describe_areas()
        if self._can_merge and not self._is_merged:
            return StepStatus("done", tr("Areas of both orbits are there."), next_action=tr("Merge both orbits"))
        if self._areas is not None and self._count:
            return StepStatus("done", there, next_action=tr("Review the areas"))
        missing, where = plan.missing_for(self.context.state, self._source)
        actions = {"data": tr("Choose interferograms"), "channels": tr("Choose channels"), "": tr("Map active areas")}
        state = "done" if self._areas is not None else "empty" if missing else "ready"
        return StepStatus(state, there, missing, actions.get(where, ""))

    def do_next(self) -> None:
        if self._running:
            return
        if self._can_merge and not self._is_merged:
            self.merge()
        elif self._areas is not None and self._count:
            self.context.state.note("step", "review")
        else:
            self._map_or_complete()

    def _map_or_complete(self) -> None:
        """Start the run, or go to the step where what it lacks is chosen."""
        _, where = plan.missing_for(self.context.state, self._source)
        if where in ("data", "channels"):
            self.context.state.note("step", where)
        elif not where:
            self.map_areas()

    def _describe_areas(self) -> str:
        areas = self._areas
        if areas is None or not self._count:
            return tr("No active deformation area was found.")
        count = number(self._count)
        name = str(areas.name())
        return tr("{}: {} areas").format(name, count) if self._count > 1 else name

    def refresh(self) -> None:
        state = self.context.state
        self._is_refreshing = True
        is_folder = self._source == plan.FROM_FOLDER
        self.from_folder.setChecked(is_folder)
        self.from_layers.setChecked(not is_folder)
        self._show_inputs(is_folder)
        self.dem.setLayer(state.layer("dem"))
        self.orbit.setCurrentIndex(max(0, self.orbit.findData(state.get("orbit", "unknown"))))
        if self.model.filePath() != state.get("model", ""):
            self.model.setFilePath(state.get("model", ""))
        if not self.name.isModified():
            self.name.setText(_default_name(state.get("orbit", "unknown")))
        self._show_outlook()
        self._orbits = plan.areas_by_orbit(state, QgsProject.instance())
        self._is_merged = self._can_merge and plan.are_merged(self._orbits, QgsProject.instance())
        areas = self._areas
        self._count = max(0, areas.featureCount()) if isinstance(areas, QgsVectorLayer) else 0
        self.merge_button.setVisible(self._can_merge)
        # The panel's button leads on once areas are there.
        self.run_button.setVisible(self._count > 0 or self._can_merge)
        self.run_button.setEnabled(not self._running)
        self._is_refreshing = False

    def map_areas(self) -> None:
        """Start the run that the step shows."""
        state = self.context.state
        name, folder = self._free_place(self.name.text().strip() or _default_name(""))
        if self._source == plan.FROM_FOLDER:
            parameters, algorithm = plan.folder_parameters(state, folder), plan.MAP_AREAS
            self._start(algorithm, parameters, name, lambda success, _: self._end(success, name))
        else:
            extraction = plan.extraction_parameters(state, folder)
            parameters = plan.detection_parameters(state, folder)

            def extract(success: bool, results: dict[str, Any]) -> None:
                self._extract(success, results, name, extraction)

            self._start(DETECT.algorithm, parameters, name, extract)

    def merge(self) -> None:
        """Join the areas of both orbits in a layer of their own."""
        name, folder = self._free_place(tr("Areas of both orbits"))
        parameters = plan.merge_parameters(self._orbits, folder)
        self._start(plan.MERGE, parameters, name, lambda success, _: self._end(success, name, is_merge=True))

    def _extract(self, success: bool, results: dict[str, Any], name: str, extraction: dict[str, Any]) -> None:
        if not success:
            self._end(False, name)
            return
        parameters = {**DETECT.results(results), **extraction}
        self._start(EXTRACT.algorithm, parameters, name, lambda done, _: self._end(done, name))

    def _start(self, algorithm: str, parameters: dict[str, Any], name: str, on_finished: Any) -> None:
        self._running = name
        if self.context.runner.run(algorithm, parameters, name, on_finished, group=name) is None:
            self._running = ""
        for button in (self.run_button, self.merge_button):
            button.setEnabled(not self._running)
        self.changed.emit()

    def _end(self, success: bool, name: str, is_merge: bool = False) -> None:
        self._running = ""
        self.merge_button.setEnabled(True)
        state, project = self.context.state, QgsProject.instance()
        if success and not is_merge:
            dem = state.layer("dem") if self.hillshade.isChecked() else None
            slope = state.layer("slope") if self.slope.isChecked() else None
            put_under(project, name, dem, slope)
        if success:
            self._show_on_map()
        self.name.setModified(False)
        self.refresh()
        self.changed.emit()

    def _show_on_map(self) -> None:
        """Move the map to the areas where it shows another place."""
        layer = self.context.state.layer("areas")
        canvas = self.context.iface.mapCanvas()
        if layer is None or layer.extent().isEmpty():
            return
        extent = canvas.mapSettings().layerExtentToOutputExtent(layer, layer.extent())
        if not canvas.extent().intersects(extent):
            canvas.setReferencedExtent(QgsReferencedRectangle(layer.extent().buffered(0), layer.crs()))
            canvas.refresh()

    def _free_place(self, name: str) -> tuple[str, Path | None]:
        """A name that no group, run or folder has, and the folder for the results."""
        return free_place(self.context.runner, self.save_in.filePath(), name)

    @property
    def _areas(self) -> QgsMapLayer | None:
        """The layer of areas; asked for each time, for it may be gone before this step follows the project."""
        return self.context.state.layer("areas")

    @property
    def _source(self) -> str:
        return plan.source_of(self.context.state)

    @property
    def _can_merge(self) -> bool:
        return len(self._orbits) == 2

    def _make_widgets(self) -> None:
        self.from_folder = QRadioButton(tr("the folder of interferograms"))
        self.from_layers = QRadioButton(tr("the layers chosen as channels"))
        group = QButtonGroup(self)
        group.addButton(self.from_folder)
        group.addButton(self.from_layers)
        self.inputs = QLabel()
        self.inputs.setWordWrap(True)
        self.inputs.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.dem = QgsMapLayerComboBox()
        self.dem.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
        self.dem.setAllowEmptyLayer(True)
        self.orbit = QComboBox()
        for orbit, text in zip(ORBIT_CHOICES, (tr("unknown"), tr("ascending"), tr("descending"))):
            self.orbit.addItem(text, orbit)
        self.model = _file_widget(QgsFileWidget.StorageMode.GetFile, tr("shipped model"))
        self.model.setFilter(tr("Models") + " (*.onnx)")
        self.name = QLineEdit()
        self.save_in = _file_widget(QgsFileWidget.StorageMode.GetDirectory, tr("temporary files"))
        self.save_in.setToolTip(tr("Each run gets a folder of its own in it. Temporary files go when QGIS closes."))
        self.hillshade = QCheckBox(tr("hillshade"))
        self.slope = QCheckBox(tr("slope"))
        self.outlook = QLabel()
        self.outlook.setWordWrap(True)
        self.run_button = QPushButton(tr("Map active areas"))
        self.merge_button = QPushButton(tr("Merge both orbits"))
        self.merge_button.setToolTip(tr("Areas that overlap become one, marked as seen from both orbits."))
        settings = QgsSettings()
        self.hillshade.setChecked(settings.value(f"{_SETTINGS}/hillshade", True, bool))
        self.slope.setChecked(settings.value(f"{_SETTINGS}/slope", False, bool))
        self.save_in.setFilePath(settings.value(f"{_SETTINGS}/save_in", "", str))

    def _lay_out(self) -> None:
        self._form = QFormLayout()
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.addRow(tr("Map from"), _stacked(self.from_folder, self.from_layers))
        self._form.addRow(tr("Interferograms"), self.inputs)
        self._form.addRow(tr("Elevation (DEM)"), self.dem)
        self._form.addRow(tr("Orbit"), self.orbit)
        self._form.addRow(tr("Model"), self.model)
        self._form.addRow(tr("Name"), self.name)
        self._form.addRow(tr("Save in"), self.save_in)
        self._form.addRow(tr("Underneath"), _beside(self.hillshade, self.slope))
        box = QFrame()
        box.setFrameShape(QFrame.Shape.StyledPanel)
        inner = QVBoxLayout(box)
        inner.addWidget(self.outlook)
        layout = QVBoxLayout(self)
        layout.addLayout(self._form)
        layout.addWidget(box)
        layout.addWidget(self.run_button)
        layout.addWidget(self.merge_button)
        layout.addStretch(1)

    def _connect(self) -> None:
        state = self.context.state
        self.from_folder.toggled.connect(self._on_source)
        self.dem.layerChanged.connect(lambda layer: self._unless_refreshing(lambda: state.set_layer("dem", layer)))
        self.orbit.activated.connect(lambda _: state.set("orbit", self.orbit.currentData()))
        self.model.fileChanged.connect(lambda path: self._unless_refreshing(lambda: state.set("model", path)))
        for name, box in (("hillshade", self.hillshade), ("slope", self.slope)):
            box.toggled.connect(lambda checked, name=name: QgsSettings().setValue(f"{_SETTINGS}/{name}", checked))
        self.save_in.fileChanged.connect(lambda path: QgsSettings().setValue(f"{_SETTINGS}/save_in", path))
        self.run_button.clicked.connect(self._map_or_complete)
        self.merge_button.clicked.connect(self.merge)

    def _on_source(self, is_folder: bool) -> None:
        source = plan.FROM_FOLDER if is_folder else plan.FROM_LAYERS
        self._unless_refreshing(lambda: self.context.state.set("detect_from", source))

    def _unless_refreshing(self, change: Any) -> None:
        """Do what the user chose; nothing while the widgets only follow the state."""
        if not self._is_refreshing:
            change()

    def _show_inputs(self, is_folder: bool) -> None:
        """The folder and the elevation model, or the layers that the network is given."""
        state = self.context.state
        folder = state.get("folder", "")
        names = [layer.name() for layer in map(state.layer, plan.given_roles(state)) if layer is not None]
        text = (Path(folder).name if is_folder else ", ".join(names)) or tr("none chosen")
        self.inputs.setText(text.replace("&", "&amp;").replace("<", "&lt;"))
        self.inputs.setToolTip(folder if is_folder else ", ".join(names))
        self._form.labelForField(self.inputs).setText(tr("Interferograms") if is_folder else tr("Layers"))
        for widget in (self.dem, self._form.labelForField(self.dem)):
            widget.setVisible(is_folder)

    def _show_outlook(self) -> None:
        lines = "".join(f"<li>{line}</li>" for line in plan.outlook(self.context.state, self._source))
        self.outlook.setText(f"<b>{tr('What will be run')}</b><ol style='margin:4px 0 0 -22px'>{lines}</ol>")


def _default_name(orbit: str) -> str:
    names = {"ascending": tr("Areas, ascending"), "descending": tr("Areas, descending")}
    return names.get(orbit, tr("Active areas"))


def _file_widget(mode: QgsFileWidget.StorageMode, placeholder: str) -> QgsFileWidget:
    widget = QgsFileWidget()
    widget.setStorageMode(mode)
    widget.lineEdit().setPlaceholderText(placeholder)
    return widget


def _stacked(*widgets: QWidget) -> QWidget:
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    for widget in widgets:
        layout.addWidget(widget)
    return column


def _beside(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch(1)
    return row
