"""A number box for a limit on pairs: follows what is dragged elsewhere, and keeps what is typed."""

from __future__ import annotations

from qgis.PyQt.QtCore import QLocale
from qgis.PyQt.QtWidgets import QDoubleSpinBox, QWidget

from ...processing.texts import tr
from ..project import ALL_LIMITS, MOST_DAYS, MOST_METRES, MOST_SUSPECT, at_least
from .pair_choice import PairChoice

_MOST, _STEPS = 100_000.0, {MOST_DAYS: 1.0, MOST_METRES: 5.0, MOST_SUSPECT: 1.0}


class LimitBox(QDoubleSpinBox):
    """The largest temporal (MOST_DAYS, in days) or perpendicular baseline (MOST_METRES, in metres), or share of suspect
    pixels (MOST_SUSPECT, in %)."""

    def __init__(self, choice: PairChoice, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice, self._name = choice, name
        self.setRange(at_least(name, 0), ALL_LIMITS[name] if name == MOST_SUSPECT else _MOST)
        self.setDecimals(1)
        self.setSingleStep(_STEPS[name])
        self.setKeyboardTracking(False)
        unit, title, hint = {
            MOST_DAYS: (tr(" days"), tr("Longest pair"), tr("Pairs that span more days are not used.")),
            MOST_METRES: (
                tr(" m"),
                tr("Largest perpendicular baseline"),
                tr("Pairs whose perpendicular baseline is larger are not used; those of unknown baseline are."),
            ),
            MOST_SUSPECT: (
                tr(" %"),
                tr("Most suspect pixels"),
                tr(
                    "Pairs of which more pixels are suspect of errors of unwrapping are not used; at 100 % there is no "
                    "such limit."
                ),
            ),
        }[name]
        self.setSuffix(unit)
        self.setAccessibleName(title)
        self.setToolTip(hint)
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
