"""Which area of a layer is under review, in which order they come, and what was decided of them. No widgets."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from qgis.core import QgsApplication, QgsFeature, QgsFeatureRequest, QgsVectorLayer
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...core.errors import AdaMapperError
from ...processing.layers import (
    cannot_write,
    count_decisions,
    decide,
    decision_of,
    is_prepared_for_review,
    own_names,
    prepare_review,
    replace_outline,
    style_review,
    update_outlines,
    write_review,
)
from ...processing.texts import words_of

ORDERS = ("size", "rate", "probability", "unreviewed")
_ENDS = ("", "_ascending", "_descending")
_MEASURES = {
    "size": ("area_km2",),
    "rate": ("los_rate_extreme", "los_rate_mean"),
    "probability": ("area_probability", "probability_max", "probability_mean"),
    "unreviewed": ("area_km2",),
}


class ReviewSession(QObject):
    """Steps through the areas of one layer and saves decisions in it.

    ``moved``: another area is current, or none. ``saved``: a decision, a note or an outline was saved. ``edited``: an
    edit session of the layer began or ended. ``failed``: a sentence about what could not be saved. A layer that is
    removed meanwhile leaves the session empty.
    """

    moved = pyqtSignal()
    saved = pyqtSignal()
    edited = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layer: QgsVectorLayer | None = None
        self._order = ORDERS[0]
        self._features: list[int] = []
        self._index = 0
        self._counts: Counter[str] = Counter()
        self._redrawn: set[int] = set()
        self._is_saving = False
        self._began_editing = False

    # The layer

    @property
    def layer(self) -> QgsVectorLayer | None:
        """The layer under review."""
        return self._layer

    def set_layer(self, layer: QgsVectorLayer | None) -> None:
        """Review another layer, or none, from its first area on."""
        if layer is self._layer:
            return
        if self._layer is not None:
            for signal, slot in self._connections(self._layer):
                with contextlib.suppress(TypeError, RuntimeError):
                    signal.disconnect(slot)
        self._layer, self._index = layer, 0
        self._began_editing = False
        self._redrawn.clear()
        if layer is not None:
            for signal, slot in self._connections(layer):
                signal.connect(slot)
        self._sort()
        self.moved.emit()

    def _connections(self, layer: QgsVectorLayer) -> list[tuple[Any, Any]]:
        return [
            (layer.willBeDeleted, self._on_deleted),
            (layer.committedGeometriesChanges, self._on_redrawn),
            (layer.committedFeaturesAdded, self._on_changed),
            (layer.committedFeaturesRemoved, self._on_changed),
            (layer.committedAttributeValuesChanges, self._on_attributes),
            (layer.editingStarted, self._on_edited),
            (layer.editingStopped, self._on_edited),
        ]

    def _on_deleted(self) -> None:
        self._layer = None
        self._features, self._counts = [], Counter()
        self.moved.emit()

    def _on_changed(self, *_: object) -> None:
        """Areas came or went."""
        self._sort(self.feature_id)
        self.moved.emit()

    def _on_attributes(self, *_: object) -> None:
        if self._layer is not None and not self._is_saving:
            self._counts = count_decisions(self._layer)
            self.saved.emit()

    def _on_edited(self) -> None:
        if not self.is_editing:
            self._began_editing = False
        if not self._is_saving:
            self.edited.emit()

    def _on_redrawn(self, _layer_id: str, geometries: dict[int, Any]) -> None:
        """Outlines were saved, by this session or by any tool of QGIS: measure them when the saving is over."""
        if self._layer is None or not is_prepared_for_review(self._layer) or self._is_saving:
            return
        if not self._redrawn:
            QTimer.singleShot(0, self._measure)
        self._redrawn.update(geometries)

    def _measure(self) -> None:
        redrawn, self._redrawn = self._redrawn, set()
        if self._layer is not None and redrawn:
            self._save(lambda layer: update_outlines(layer, redrawn))
            self.moved.emit()

    # Where it is

    @property
    def count(self) -> int:
        """Number of areas."""
        return len(self._features)

    @property
    def index(self) -> int:
        """The current area's place in the order, from 0."""
        return self._index

    @property
    def counts(self) -> Counter[str]:
        """Areas by decision; "" for none."""
        return self._counts

    @property
    def reviewed(self) -> int:
        """How many areas have a decision."""
        return self.count - self._counts[""]

    @property
    def feature_id(self) -> int | None:
        """The current area, None without any."""
        return self._features[self._index] if self._features else None

    def feature(self) -> QgsFeature | None:
        """The current area as it is in the layer now."""
        if self._layer is None or self.feature_id is None:
            return None
        feature = self._layer.getFeature(self.feature_id)
        return feature if feature.isValid() else None

    @property
    def order(self) -> str:
        """How areas are ordered, one of ORDERS."""
        return self._order

    def set_order(self, order: str) -> None:
        """Order the areas anew; the walk starts over."""
        self._order = order if order in ORDERS else ORDERS[0]
        self._sort()
        self._index = 0
        self.moved.emit()

    def step(self, by: int) -> None:
        """Go on or back; past the last comes the first."""
        if self._features:
            self._index = (self._index + by) % len(self._features)
            self.moved.emit()

    def go_to(self, feature: int) -> None:
        """Go to an area."""
        if feature in self._features:
            self._index = self._features.index(feature)
            self.moved.emit()

    def go_to_unreviewed(self) -> bool:
        """Go to the next area without a decision, the current one included; False where all have one."""
        if self._layer is None:
            return False
        index = self._layer.fields().lookupField("review")
        ahead = self._features[self._index :] + self._features[: self._index]
        if index >= 0:
            request = QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.NoGeometry).setSubsetOfAttributes([index])
            done = {row.id() for row in self._layer.getFeatures(request) if decision_of(row[index])}
            ahead = [feature for feature in ahead if feature not in done]
        if not ahead:
            return False
        self.go_to(ahead[0])
        return True

    def _sort(self, keep: int | None = None) -> None:
        """Read the areas in their order; ``keep`` stays the current one where it is still there."""
        layer = self._layer
        if layer is None:
            self._features, self._counts = [], Counter()
            return
        request = QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.NoGeometry)
        names = own_names(layer.fields())
        keys = {row.id(): self._key(row, names) for row in layer.getFeatures(request)}
        self._features = sorted(keys, key=lambda feature: keys[feature])
        self._counts = count_decisions(layer)
        self._index = min(self._index, max(self.count - 1, 0))
        if keep is not None and keep in keys:
            self._index = self._features.index(keep)

    def _key(self, row: QgsFeature, names: Mapping[str, str]) -> tuple[bool, float, int]:
        """The largest first; what is not known comes last, and equals by their id."""
        is_done = "review" in names and decision_of(row[names["review"]]) is not None
        sizes = []
        for measure in _MEASURES[self._order]:
            for end in _ENDS:
                column = names.get(f"{measure}{end}")
                value: Any = None if column is None else row[column]
                with contextlib.suppress(TypeError, ValueError):
                    sizes.append(abs(float(value)))
            if sizes:
                break
        return is_done and self._order == "unreviewed", -max(sizes, default=0.0), row.id()

    # What is decided

    def start(self) -> bool:
        """Add what a review needs and the layer lacks, and go to the first area without a decision."""
        if self._layer is None or not self._save(prepare_review):
            return False
        style_review(self._layer)
        self.go_to_unreviewed()
        return True

    def decide(self, decision: str | None, note: str | None = None) -> bool:
        """Save the decision on the current area; False, after ``failed``, where that can't be."""
        feature = self.feature_id
        if feature is None or self._layer is None:
            return False
        reviewer = QgsApplication.userFullName() or QgsApplication.userLoginName()
        if not self._save(lambda layer: decide(layer, feature, decision, reviewer, note)):
            return False
        style_review(self._layer)
        self._layer.triggerRepaint()
        return True

    def save_note(self, text: str) -> bool:
        """Save the note on the current area."""
        feature = self.feature_id
        if feature is None:
            return False

        def write(layer: QgsVectorLayer) -> None:
            prepare_review(layer)
            write_review(layer, {feature: {"review_note": text.strip() or None}})

        return self._save(write)

    def replace_outline(self, geometry: Any) -> bool:
        """Give the current area another outline, in the layer's CRS."""
        feature = self.feature_id
        if feature is None:
            return False
        if not self._save(lambda layer: replace_outline(layer, feature, geometry)):
            return False
        self.moved.emit()
        return True

    @property
    def is_editing(self) -> bool:
        """True while the layer is in an edit session."""
        return self._layer is not None and self._layer.isEditable()

    @property
    def began_editing(self) -> bool:
        """True while the layer is in an edit session that start_editing() began; one of the user's is theirs to end."""
        return self.is_editing and self._began_editing

    def start_editing(self) -> bool:
        """Begin an edit session of the layer, for QGIS's own tools; False, after ``failed``, where that can't be."""
        if self._layer is None or not self._save(prepare_review):
            return False
        if self._layer.isEditable():
            return True
        self._began_editing = True
        if self._layer.startEditing():
            return True
        self._began_editing = False
        self.failed.emit(cannot_write(self._layer))
        return False

    def end_editing(self, keep: bool) -> None:
        """End the edit session that start_editing() began, and save or forget what was changed in it."""
        layer = self._layer
        if layer is None or not self.began_editing:
            return
        if not keep:
            layer.rollBack()
        elif not layer.commitChanges():
            self.failed.emit(cannot_write(layer, "; ".join(layer.commitErrors())))

    def _save(self, write: Any) -> bool:
        if self._layer is None:
            return False
        self._is_saving = True
        try:
            write(self._layer)
        except AdaMapperError as error:
            self.failed.emit(words_of(error))
            return False
        finally:
            self._is_saving = False
        if self._layer is not None:
            self._counts = count_decisions(self._layer)
        self.saved.emit()
        return True
