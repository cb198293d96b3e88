"""The Review step: areas one by one on the map, with their evidence; accepted, rejected, unsure, redrawn."""

from __future__ import annotations

from typing import Any

from qgis.core import Qgis, QgsMapLayer, QgsSettings, QgsVectorLayer, QgsWkbTypes
from qgis.PyQt.QtGui import QHideEvent, QShowEvent
from qgis.PyQt.QtWidgets import QVBoxLayout, QWidget

from ...processing.layers import ACCEPTED, DECISIONS, decision_of, named_attributes
from ...processing.texts import number, tr
from ..runs import show_message
from ..step import Step, StepContext, StepStatus
from .evidence import Evidence
from .facts import area_facts, review_facts
from .form import ReviewForm
from .map_view import ReviewMap
from .samples import make_labels
from .session import ReviewSession

_ADVANCE, _ORDER = "ada_mapper/review/advance", "ada_mapper/review/order"
_SOURCES = ("folder", "product", "orbit", "max_temporal_baseline", "max_perpendicular_baseline", "excluded_pairs")


class ReviewStep(Step):
    """Steps through the areas of a layer and saves what is decided of each in it."""

    NAME = "review"

    def __init__(self, context: StepContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.session = ReviewSession(self)
        self.map = ReviewMap(context.iface, self)
        self.evidence = Evidence(context.state)
        self.form = ReviewForm(self.evidence)
        self._is_choosing = False
        self._sources: tuple[Any, ...] = ()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.addWidget(self.form)
        settings = QgsSettings()
        self.session.set_order(str(settings.value(_ORDER, "size")))
        self.form.order.setCurrentIndex(max(self.form.order.findData(self.session.order), 0))
        self.form.advance.setChecked(settings.value(_ADVANCE, True, type=bool))
        self._connect()
        self.refresh()
        self._show()

    def _connect(self) -> None:
        form, session = self.form, self.session
        form.areas.layerChanged.connect(self._on_areas_chosen)
        form.order.activated.connect(self._on_order_chosen)
        form.advance.toggled.connect(lambda is_on: QgsSettings().setValue(_ADVANCE, is_on))
        form.moved.connect(self.go)
        form.decided.connect(self.decide)
        form.noted.connect(self._save_note)
        form.labels.clicked.connect(self.use_as_labels)
        form.edit_vertices.triggered.connect(self.edit_vertices)
        form.draw_anew.triggered.connect(self.draw_anew)
        form.save_outline.clicked.connect(lambda: self._end_editing(True))
        form.discard_outline.clicked.connect(lambda: self._end_editing(False))
        session.moved.connect(self._show)
        session.saved.connect(self._show_saved)
        session.edited.connect(self._show_editing)
        session.failed.connect(self._on_failed)
        self.map.outline_drawn.connect(session.replace_outline)
        self.map.drawing_ended.connect(self._show_editing)
        self.evidence.profile_shown.connect(self.map.show_profile)
        self.evidence.sample_hovered.connect(self.map.mark_sample)

    # What the panel asks

    def title(self) -> str:
        return tr("Review")

    def status(self) -> StepStatus:
        session = self.session
        if session.layer is None:
            return StepStatus("empty", tr("No areas to review."), tr("Map active areas, or choose a layer of areas."))
        if not session.count:
            return StepStatus("empty", tr("The layer {} has no areas.").format(session.layer.name()))
        if not session.reviewed:
            there = tr("{} areas, none of them reviewed.").format(number(session.count))
            return StepStatus("ready", there, next_action=tr("Start the review"))
        if session.reviewed < session.count:
            return StepStatus("ready", self._tally(), next_action=tr("Next undecided area"))
        action = tr("Use as labels") if session.counts[ACCEPTED] else ""
        return StepStatus("done", self._tally(), next_action=action)

    def do_next(self) -> None:
        session = self.session
        if not session.count:
            return
        if session.reviewed == session.count:
            self.use_as_labels()
        elif session.start():
            self._show_on_map()
        self.form.next.setFocus()

    def refresh(self) -> None:
        layer = self.context.state.layer("areas")
        is_fit = isinstance(layer, QgsVectorLayer) and layer.geometryType() == QgsWkbTypes.GeometryType.PolygonGeometry
        self.session.set_layer(layer if is_fit else None)
        self._is_choosing = True
        if self.session.layer is None:
            # With setLayer(None) the box would be blank.
            self.form.areas.setCurrentIndex(0)
        else:
            self.form.areas.setLayer(self.session.layer)
        self._is_choosing = False
        state = self.context.state
        rasters = (state.layer(role) for role in ("los_rate", "dem"))
        sources = (
            *(str(state.get(name)) for name in _SOURCES),
            *("" if raster is None else raster.id() for raster in rasters),
        )
        if sources != self._sources:
            self._sources = sources
            self._show_evidence()

    # What the user does

    def go(self, by: int) -> None:
        """To the next area (1) or back (-1)."""
        self.form.save_note()
        self.session.step(by)
        self._show_on_map()

    def decide(self, decision: str | None) -> None:
        """Save a decision with the note, None takes it back; then go on to the next area where that is wanted."""
        note = self.form.note.text() if self.form.note.isModified() else None
        if not self.session.decide(decision, note):
            return
        self.form.note.setModified(False)
        if decision is None:
            return
        if self.form.advance.isChecked() and self.session.reviewed < self.session.count:
            self.session.step(1)
            self._show_on_map()

    def _save_note(self, text: str) -> None:
        # What could not be saved stays in the field.
        if self.session.save_note(text):
            self.form.note.setModified(False)

    def use_as_labels(self) -> None:
        """Make labels of the decisions, and open Create samples with them."""
        self.form.save_note()
        if self.session.layer is not None:
            make_labels(self.context, self.session.layer)

    def edit_vertices(self) -> None:
        """Let QGIS's vertex tool change the outline, in an edit session of the layer."""
        if self.session.start_editing() and self.session.layer is not None:
            self._show_on_map()
            self.map.start_vertex_tool(self.session.layer)

    def draw_anew(self) -> None:
        """Let another outline be drawn for the current area."""
        if self.session.layer is not None and self.session.feature_id is not None:
            self._show_on_map()
            self.map.start_drawing(self.session.layer)
            self._show_editing()

    def _end_editing(self, keep: bool) -> None:
        if self.map.is_drawing:
            self.map.finish_drawing() if keep else self.map.stop_drawing()
        else:
            self.session.end_editing(keep)

    # What is shown

    def _show(self) -> None:
        """Another area is current, or its outline another one."""
        self.map.stop_drawing()
        self.form.note.setModified(False)
        self._show_saved()
        self._show_editing()
        self._show_evidence()

    def _show_saved(self) -> None:
        """Show what is in the layer now."""
        session = self.session
        feature = session.feature()
        attributes = {} if feature is None else named_attributes(feature)
        known = area_facts(attributes) + review_facts(attributes)
        self.form.show_area(self._heading(attributes), known, feature is not None)
        note = attributes.get("review_note")
        self.form.show_decision(decision_of(attributes.get("review")), note if isinstance(note, str) else "")
        self.form.show_tally(self._tally() if session.count else "", session.reviewed, session.count)
        self.form.labels.setEnabled(session.counts[ACCEPTED] > 0)
        self.changed.emit()

    def _show_editing(self) -> None:
        text, can_end = "", self.map.is_drawing or self.session.began_editing
        if self.map.is_drawing:
            text = tr("Click the corners of the new outline on the map; a right click ends it, Esc gives up.")
        elif can_end:
            text = tr("The layer is being edited: move, add or delete vertices on the map, then save.")
        elif self.session.is_editing:
            text = tr(
                "You are editing this layer: save or discard outlines with QGIS's own buttons. Decisions and notes are "
                "saved at once."
            )
        self.form.show_editing(text, can_end)

    def _show_evidence(self) -> None:
        if self.isVisible():
            self.evidence.show_area(self.session.layer, self.session.feature())

    def _show_on_map(self) -> None:
        feature = self.session.feature()
        if feature is not None and self.session.layer is not None:
            self.map.zoom_to(self.session.layer, feature)

    def _heading(self, attributes: dict[str, Any]) -> str:
        if not self.session.count:
            return tr("No area")
        area = attributes.get("id")
        name = tr("Area {}").format(area) if isinstance(area, int) else tr("Area")
        place = tr("{} of {}").format(number(self.session.index + 1), number(self.session.count))
        return f"<b>{name}</b> ({place})"

    def _tally(self) -> str:
        session = self.session
        numbers = (session.reviewed, session.count, *(session.counts[name] for name in DECISIONS))
        text = tr("{} of {} reviewed: {} accepted, {} rejected, {} unsure")
        return text.format(*(number(count) for count in numbers))

    def _on_failed(self, message: str) -> None:
        show_message(self.context.iface.messageBar(), tr("Review"), message, Qgis.MessageLevel.Warning)
        self._show_saved()

    def _on_areas_chosen(self, layer: QgsMapLayer | None) -> None:
        if not self._is_choosing:
            self.context.state.set_layer("areas", layer)
            self.refresh()

    def _on_order_chosen(self) -> None:
        order = self.form.order.currentData()
        QgsSettings().setValue(_ORDER, order)
        self.session.set_order(order)
        self._show_on_map()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_evidence()

    def hideEvent(self, event: QHideEvent) -> None:
        self.form.save_note()
        self.evidence.stop()
        self.map.stop_drawing()
        self.map.clear()
        super().hideEvent(event)
