"""A number box for a limit on pairs: follows what is dragged elsewhere, and keeps what is typed."""

from __future__ import annotations

from qgis.PyQt.QtCore import QLocale
from qgis.PyQt.QtWidgets import QDoubleSpinBox, QWidget

from ...processing.texts import tr
from ..project import MOST_DAYS
from .pair_choice import PairChoice


class LimitBox(QDoubleSpinBox):
    """The largest temporal (MOST_DAYS, in days) or perpendicular (MOST_METRES, in metres) baseline."""

    def __init__(self, choice: PairChoice, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice, self._name = choice, name
        self.setRange(1, 100_000)
        self.setDecimals(1)
        self.setSingleStep(1 if name == MOST_DAYS else 5)
        self.setKeyboardTracking(False)
        self.setSuffix(tr(" days") if name == MOST_DAYS else tr(" m"))
        self.setAccessibleName(tr("Longest pair") if name == MOST_DAYS else tr("Largest perpendicular baseline"))
        self.setToolTip(
            tr("Pairs that span more days are not used.")
            if name == MOST_DAYS
            else tr("Pairs whose perpendicular baseline is larger are not used; those of unknown baseline are.")
        )
        self.valueChanged.connect(lambda value: choice.set_limit(name, value))
        choice.judged.connect(self._follow)
        self._follow()

    def textFromValue(self, value: float) -> str:
        locale = QLocale(self.locale())
        locale.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
        return str(locale.toString(float(value), "f", 0 if value == int(value) else self.decimals()))

    def _follow(self) -> None:
        self.blockSignals(True)
        self.setValue(self._choice.limit(self._name))
        self.blockSignals(False)
