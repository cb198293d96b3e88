"""Reading a folder of interferograms in the background: what each pair is, once; the rules are applied to it later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from qgis.PyQt.QtCore import QObject

from ...processing.texts import tr
from ..runs import BackgroundCall

if TYPE_CHECKING:
    from ...core.interferograms import PairFacts, Stack


_LISTED = 0.3
"""Share of the time that listing the files takes; the rest goes into their coherence."""


@dataclass(frozen=True)
class Scan:
    """What a folder holds: its pairs in the order of their dates, and what was assumed or left out (``notes``).

    ``positions`` are perpendicular, in metres, by date; None where no pair has a baseline. ``product`` is a key of the
    products, ``orbit`` "ascending", "descending", or "unknown" where no file tells.
    """

    pairs: tuple[PairFacts, ...]
    positions: Mapping[date, float] | None
    product: str
    orbit: str
    notes: tuple[str, ...]

    @property
    def dates(self) -> int:
        """How many dates the pairs have."""
        return len({day for pair in self.pairs for day in (pair.first_date, pair.second_date)})


class PairScan(BackgroundCall):
    """Lists the interferograms below a folder and reads their coherence and closure; progressChanged tells percent.

    ``masks``: pixels outside connected components are no data.
    """

    def __init__(
        self,
        owner: QObject,
        folder: str,
        product: str,
        masks: bool,
        on_answer: Callable[[Scan], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._folder, self._product, self._masks = folder, product, masks
        super().__init__(owner, tr("Scan of the interferograms"), self._scan, on_answer, on_error)

    def _scan(self, is_cancelled: Callable[[], bool]) -> Scan:
        from ...core.interferograms import baseline_positions, find_stack, pair_facts, within_components
        from ...core.progress import Progress

        progress = Progress(
            on_fraction=lambda fraction: self.setProgress(100 * fraction),
            on_info=lambda message: None,
            on_warning=lambda message: None,
            is_cancelled=is_cancelled,
        )
        stack = find_stack(self._folder, self._product, progress=progress.part(0, _LISTED))
        if self._masks:
            stack = within_components(stack, progress)
        pairs = pair_facts(stack, progress.part(_LISTED, 1))
        product = stack.interferograms[0].product
        return Scan(pairs, baseline_positions(pairs), product, _orbit(stack), stack.notes)


def _orbit(stack: Stack) -> str:
    from ...core.satellite import orbit_of

    headings = [pair.heading for pair in stack.interferograms if pair.heading is not None]
    return orbit_of(headings[0]) if headings else "unknown"
