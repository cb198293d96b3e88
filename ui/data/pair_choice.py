"""Which pairs of the scanned folder are used: limits and exclusions of the project, applied to facts of the pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...core.interferograms import PairLimits
from ...processing.texts import sentence_of, tr, words_of
from ..project import (
    ALL_LIMITS,
    MOST_DAYS,
    MOST_METRES,
    MOST_SUSPECT,
    ProjectState,
    at_least,
    excluded_pairs,
    keep_limit,
    limit,
    masks_components,
    pair_limits,
)
from .pair_scan import PairScan, Scan

if TYPE_CHECKING:
    from ...core.interferograms import PairFacts


class PairChoice(QObject):
    """The scan of the project's folder, the limits, the exclusions, and the marked pair.

    ``scanned`` is sent when a scan began, ended or failed, ``judged`` when other pairs are used, ``marked`` with the
    name of the marked pair or None, ``progressed`` with the percent of a scan.
    """

    scanned = pyqtSignal()
    judged = pyqtSignal()
    marked = pyqtSignal(object)
    progressed = pyqtSignal(float)

    def __init__(self, state: ProjectState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._task: PairScan | None = None
        self._key: tuple[str, str, bool] = ("", "", False)
        self._values = dict(ALL_LIMITS)
        self._more_limits = PairLimits()
        self.excluded: frozenset[str] = frozenset()
        self.scan: Scan | None = None
        self.problem = ""
        self.reasons: Mapping[str, str] = {}
        self.rules: Mapping[str, tuple[str, ...]] = {}
        self._is_previewing = False
        self.chosen: str | None = None

    @property
    def is_scanning(self) -> bool:
        """True while a folder is being read."""
        return self._task is not None

    @property
    def pairs(self) -> tuple[PairFacts, ...]:
        """All pairs of the folder; none before it was read."""
        return self.scan.pairs if self.scan is not None else ()

    @property
    def used(self) -> list[PairFacts]:
        """The pairs that are used."""
        return [pair for pair in self.pairs if not self.reasons[pair.name]]

    def limit(self, name: str) -> float:
        """The largest temporal (MOST_DAYS) or perpendicular (MOST_METRES) baseline, or share in % (MOST_SUSPECT)."""
        return self._values[name]

    def limits(self) -> PairLimits:
        """The rules as core takes them."""
        days, metres, percent = (self._values[name] for name in (MOST_DAYS, MOST_METRES, MOST_SUSPECT))
        return replace(
            self._more_limits,
            max_temporal_baseline=days,
            max_perpendicular_baseline=metres,
            max_closure=percent / 100 if percent < ALL_LIMITS[MOST_SUSPECT] else None,
            excluded=self.excluded,
        )

    # What the user does

    def preview_limit(self, name: str, value: float) -> None:
        """Show what a limit would do, without keeping it."""
        value = at_least(name, value)
        self._is_previewing = value != limit(self._state, name)
        if value != self._values[name]:
            self._values[name] = value
            self._judge()

    def set_limit(self, name: str, value: float) -> None:
        """Keep a limit in the project."""
        self.preview_limit(name, value)
        self._is_previewing = False
        if self._values[name] != limit(self._state, name):
            keep_limit(self._state, name, self._values[name])

    def toggle(self, name: str) -> None:
        """Leave a pair out by hand, or take it back."""
        self.excluded = self.excluded ^ {name}
        self._judge()
        self._state.set("excluded_pairs", sorted(self.excluded))

    def take_all_back(self) -> None:
        """Leave no pair out by hand any more."""
        self.excluded = frozenset()
        self._judge()
        self._state.set("excluded_pairs", None)

    def mark(self, name: str | None) -> None:
        """Mark a pair wherever it is shown."""
        if name != self.chosen:
            self.chosen = name
            self.marked.emit(name)

    # The project and the folder

    def follow(self) -> None:
        """Take over what the project says; reads the folder in the background where it is another one."""
        state = self._state
        key = (state.get("folder", ""), state.get("product", "") or "auto", masks_components(state))
        # A limit that is being dragged stays where it is, whatever else changes in the project meanwhile.
        values = self._values if self._is_previewing else {name: limit(state, name) for name in ALL_LIMITS}
        excluded = excluded_pairs(state)
        more = pair_limits(state)
        is_other = (values, excluded, more) != (self._values, self.excluded, self._more_limits)
        self._values, self.excluded, self._more_limits = values, excluded, more
        if key != self._key:
            self._key = key
            self.read_again()
        elif is_other:
            self._judge()

    def read_again(self) -> None:
        """Read the folder, in place of what was read before."""
        self.stop()
        folder, product, masks = self._key
        self.scan, self.problem = None, ""
        self.mark(None)
        if folder and not Path(folder).is_dir():
            self.problem = tr("The folder {} is not there.").format(folder)
        elif folder:
            self._task = PairScan(self, folder, product, masks, self._on_scan, self._on_error)
            self._task.progressChanged.connect(self._on_progress)
            self._task.start()
        self._judge()
        self.scanned.emit()

    def cancel(self) -> None:
        """Stop reading; the folder stays chosen."""
        if self._task is not None:
            self.stop()
            self.problem = tr("Reading the interferograms was cancelled.")
            self.scanned.emit()

    def stop(self) -> None:
        """Stop reading and tell nobody."""
        task, self._task = self._task, None
        if task is not None:
            task.stop()

    def _on_progress(self, percent: float) -> None:
        if self._task is not None:
            self.progressed.emit(percent)

    def _on_scan(self, scan: Scan) -> None:
        self._task, self.scan = None, scan
        self._judge()
        self.scanned.emit()

    def _on_error(self, error: Exception) -> None:
        self._task = None
        self.problem = sentence_of(error, tr("The interferograms can't be read: {}"))
        self.scanned.emit()

    def _judge(self) -> None:
        """Apply the rules again."""
        from ...core.interferograms import reasons_against, rules_against

        # Models of Qt show a text, not what is a text of core's kind.
        against = reasons_against(self.pairs, self.limits())
        self.reasons = {name: words_of(reason) for name, reason in against.items()}
        self.rules = rules_against(self.pairs, self.limits())
        self.judged.emit()
