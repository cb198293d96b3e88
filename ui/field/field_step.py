"""The Field step: from areas to sites, map sheets, a package for the phone, and back to what was confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from qgis.core import (
    QgsApplication,
    QgsFeatureRequest,
    QgsMapLayer,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from ...processing.layers import decision_of
from ...processing.texts import number, tr
from ..step import Step, StepContext, StepStatus

_COUNTED_AT_ONCE = 5000
_LINE = QgsWkbTypes.GeometryType.LineGeometry


@dataclass(frozen=True)
class Task:
    """One tool of the field survey: its id, its button, what it is for, and its parameters from the project."""

    algorithm: str
    button: str
    explanation: str
    parameters: Callable[[], dict[str, Any]]


class FieldStep(Step):
    """Leads through the field survey; each button opens a tool with what the project has filled in."""

    NAME = "field"

    def __init__(self, context: StepContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.dialog: QWidget | None = None
        self._counts: dict[str, Any] = {}
        self._followed: list[QgsVectorLayer] = []
        self.buttons: dict[str, QPushButton] = {}
        self._lay_out()
        self.refresh()

    def title(self) -> str:
        return tr("Field")

    def status(self) -> StepStatus:
        areas, sites = self._layer("areas"), self._layer("sites")
        if areas is None and sites is None:
            return StepStatus(
                "empty",
                tr("No areas and no sites yet."),
                tr("Map or load active deformation areas first."),
                tr("Detect"),
            )
        if sites is None:
            return StepStatus("ready", self._areas_text(), tr("No sites were drawn yet."), tr("Draw sites…"))
        if self._visited:
            return StepStatus("done", self._sites_text(), next_action=tr("Assess the survey…"))
        return StepStatus("ready", self._sites_text(), next_action=tr("Print map sheets…"))

    def do_next(self) -> None:
        if self._layer("areas") is None and self._layer("sites") is None:
            self.context.state.note("step", "detect")
        elif self._layer("sites") is None:
            self.open("samplesites")
        else:
            self.open("assesssurvey" if self._visited else "surveymaps")

    def refresh(self) -> None:
        """Count again and enable what can be done."""
        self._follow([layer for layer in (self._layer("areas"), self._layer("sites")) if layer is not None])
        self._count()

    def open(self, name: str) -> None:
        """Open a tool's dialog, filled in from the project."""
        import processing

        task = next(task for task in self._tasks() if task.algorithm == name)
        parameters = {key: value for key, value in task.parameters().items() if value not in (None, "")}
        self.dialog = processing.createAlgorithmDialog(f"adamapper:{name}", parameters)
        if self.dialog is not None:
            self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self.dialog.destroyed.connect(self._on_dialog_closed)
            # The dialog's tool goes with the plugin.
            self.destroyed.connect(self.dialog.close)
            self.dialog.show()

    def _on_dialog_closed(self) -> None:
        self.dialog = None

    def _tasks(self) -> tuple[Task, ...]:
        return (
            Task(
                "samplesites",
                tr("Draw sites…"),
                tr("Areas at random, with coordinates and what to look for"),
                lambda: {"AREAS": self._id("areas"), "ROADS": self._roads(), "SIGN": self._sign()},
            ),
            Task(
                "surveymaps",
                tr("Print map sheets…"),
                tr("PDF or pictures: an overview and a sheet for each site"),
                lambda: {
                    "AREAS": self._id("areas"),
                    "SITES": self._id("sites"),
                    "DEM": self._id("dem"),
                    "LOS_RATE": self._id("los_rate"),
                    "ROADS": self._roads(),
                    "TITLE": self._title(),
                },
            ),
            Task(
                "surveypackage",
                tr("Make a field package…"),
                tr("A folder for phone or tablet, with form, maps and waypoints"),
                lambda: {
                    "AREAS": self._id("areas"),
                    "SITES": self._id("sites"),
                    "DEM": self._id("dem"),
                    "TITLE": self._title(),
                },
            ),
            Task(
                "mergesurvey",
                tr("Merge what came back…"),
                tr("Edited copies into one layer of sites; conflicts are told"),
                lambda: {"MASTER": self._id("sites")},
            ),
            Task(
                "assesssurvey",
                tr("Assess the survey…"),
                tr("How many areas were confirmed, with an interval and a report"),
                lambda: {"SITES": self._id("sites"), "AREAS": self._id("areas"), "DEM": self._id("dem")},
            ),
        )

    def _lay_out(self) -> None:
        self.areas_label, self.sites_label = QLabel(), QLabel()
        box = QFrame()
        box.setFrameShape(QFrame.Shape.StyledPanel)
        inner = QVBoxLayout(box)
        for label in (self.areas_label, self.sites_label):
            label.setWordWrap(True)
            inner.addWidget(label)
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setVerticalSpacing(4)
        for place, task in enumerate(self._tasks(), 1):
            button = QPushButton(task.button)
            button.setObjectName(task.algorithm)
            button.setToolTip(task.explanation)
            button.clicked.connect(lambda _=False, name=task.algorithm: self.open(name))
            explanation = QLabel(task.explanation)
            explanation.setWordWrap(True)
            explanation.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            font = explanation.font()
            font.setPointSizeF(0.9 * font.pointSizeF())
            explanation.setFont(font)
            grid.addWidget(QLabel(f"{place}"), 2 * place, 0, Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(button, 2 * place, 1)
            grid.addWidget(explanation, 2 * place + 1, 1)
            self.buttons[task.algorithm] = button
        layout = QVBoxLayout(self)
        layout.addWidget(box)
        layout.addLayout(grid)
        layout.addStretch(1)

    def _count(self) -> None:
        """How many areas, accepted areas, sites and visited sites there are."""
        areas, sites = self._layer("areas"), self._layer("sites")
        self._counts = {
            "areas": 0 if areas is None else max(0, areas.featureCount()),
            "accepted": _count_where(areas, "review", decision_of, "accepted"),
            "sites": 0 if sites is None else max(0, sites.featureCount()),
            "visited": _count_where(sites, "result", _result, None),
            "confirmed": _count_where(sites, "result", _result, "confirmed"),
        }
        self.areas_label.setText(self._areas_text())
        self.sites_label.setText(self._sites_text())
        registry = QgsApplication.processingRegistry()
        needs = {"samplesites": "areas", "surveymaps": "sites", "surveypackage": "sites", "assesssurvey": "sites"}
        for name, button in self.buttons.items():
            role = needs.get(name)
            is_there = registry.algorithmById(f"adamapper:{name}") is not None
            button.setEnabled(is_there and (role is None or self._layer(role) is not None))

    @property
    def _visited(self) -> int:
        return int(self._counts.get("visited") or 0)

    def _areas_text(self) -> str:
        if self._layer("areas") is None:
            return tr("No layer of areas.")
        text = tr("{} areas").format(number(self._counts["areas"]))
        accepted = self._counts["accepted"]
        return text if accepted is None else text + ", " + tr("{} accepted").format(number(accepted))

    def _sites_text(self) -> str:
        if self._layer("sites") is None:
            return tr("No layer of sites.")
        text = tr("{} sites").format(number(self._counts["sites"]))
        if not self._visited:
            return text
        parts = (text, tr("{} with a result").format(number(self._visited)))
        return ", ".join((*parts, tr("{} confirmed").format(number(self._counts["confirmed"]))))

    def _layer(self, role: str) -> QgsMapLayer | None:
        layer = self.context.state.layer(role)
        return layer if layer is not None and layer.isValid() else None

    def _id(self, role: str) -> str | None:
        layer = self._layer(role)
        return None if layer is None else layer.id()

    def _roads(self) -> str | None:
        """A layer of lines whose name says that it holds roads."""
        words = ("road", "street", "highway", "道路", "公路")
        for layer in QgsProject.instance().mapLayers().values():
            is_line = isinstance(layer, QgsVectorLayer) and layer.geometryType() == _LINE
            if is_line and any(word in layer.name().lower() for word in words):
                return str(layer.id())
        return None

    def _title(self) -> str:
        return str(QgsProject.instance().title())

    def _sign(self) -> str | None:
        """What the file of the rate says of its sign."""
        layer = self._layer("los_rate")
        if not isinstance(layer, QgsRasterLayer) or layer.providerType() != "gdal":
            return None
        from ...core.errors import AdaMapperError
        from ...core.raster import BandReader

        try:
            with BandReader(layer.source()) as reader:
                sign = reader.tags.get("SIGN")
        except AdaMapperError:
            return None
        return sign if sign in ("toward", "away") else None

    def _follow(self, layers: list[QgsVectorLayer]) -> None:
        """Count again when decisions or results in these layers change."""
        for layer in self._followed:
            try:
                layer.afterCommitChanges.disconnect(self._on_edited)
            except (TypeError, RuntimeError):
                continue
        self._followed = [layer for layer in layers if isinstance(layer, QgsVectorLayer)]
        for layer in self._followed:
            layer.afterCommitChanges.connect(self._on_edited)

    def _on_edited(self) -> None:
        self._count()
        self.changed.emit()


def _count_where(
    layer: QgsMapLayer | None, field: str, meaning: Callable[[Any], str | None], value: str | None
) -> int | None:
    """How many features mean a value (any value for None) in a field; None without the field.

    Only the first few thousand are counted, so that a panel stays quick.
    """
    if not isinstance(layer, QgsVectorLayer) or layer.fields().indexOf(field) < 0:
        return None
    request = QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.NoGeometry).setLimit(_COUNTED_AT_ONCE)
    request.setSubsetOfAttributes([field], layer.fields())
    request.setFilterExpression(f'"{field}" IS NOT NULL')
    meant = [meaning(feature[field]) for feature in layer.getFeatures(request)]
    return sum(one is not None if value is None else one == value for one in meant)


def _result(value: Any) -> str | None:
    from ...core.survey import result_of

    return result_of(value)[0]
