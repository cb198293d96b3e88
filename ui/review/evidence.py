"""What speaks for an area: its profile and its time series, computed in the background while one steps through."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import QgsFeature, QgsFeatureRequest, QgsMapLayer, QgsVectorLayer
from qgis.PyQt.QtCore import QTimer, pyqtSignal
from qgis.PyQt.QtGui import QResizeEvent
from qgis.PyQt.QtWidgets import QBoxLayout, QLabel, QVBoxLayout, QWidget

from ...processing.layer_sources import crs_text, opened_source
from ...processing.layers import REJECTED, decision_of
from ...processing.texts import number, sentence_of, tr
from ..plots import ProfilePlot, SeriesPlot
from ..project import ProjectState, chosen_limits, excluded_pairs, masks_components
from ..runs import BackgroundCall

if TYPE_CHECKING:
    from ...core.evidence import Profile, TimeSeries
    from ...core.interferograms import Stack


# Below this many milliseconds at one area nothing is computed for it.
_PAUSE = 150
_KEPT = 30
_WIDE = 700
_Key = tuple[Any, ...]


@dataclass(frozen=True)
class AreaOutline:
    """What the background needs of an area: outlines as WKB, the CRS they are in, its aspect in degrees, its orbit."""

    outline: bytes
    crs: str
    aspect: float | None
    others: tuple[bytes, ...]
    orbit: str


class Evidence(QWidget):
    """The plots of the area that was shown last; side by side where there is room.

    ``profile_shown`` tells the profile (None while there is none), ``sample_hovered`` the sample below the mouse.
    """

    profile_shown = pyqtSignal(object)
    sample_hovered = pyqtSignal(object)

    def __init__(self, state: ProjectState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.profile, self.series = ProfilePlot(), SeriesPlot()
        self.profile.sample_hovered.connect(self.sample_hovered)
        self.caption = QLabel()
        self.caption.setWordWrap(True)
        self._box = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._box.addWidget(self.profile, 1)
        self._box.addWidget(self.series, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._box, 1)
        layout.addWidget(self.caption)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._compute)
        self._area: AreaOutline | None = None
        self._calls: dict[str, BackgroundCall] = {}
        self._answers: OrderedDict[_Key, Any] = OrderedDict()
        self._networks: dict[_Key, Stack | str] = {}

    def show_area(self, layer: QgsVectorLayer | None, feature: QgsFeature | None) -> None:
        """Show the evidence for another area soon; nothing without one."""
        self._stop("profile", "series")
        self._timer.stop()
        self._area = None if layer is None or feature is None else outline_of(layer, feature)
        if self._area is None:
            self.profile.set_message(tr("No area is shown."))
            self.series.set_message("")
            self.caption.setText("")
            self.profile_shown.emit(None)
            return
        self.caption.setText("")
        self.profile.set_message(tr("The profile is being read …"))
        self.series.set_message(tr("The time series is being read …"))
        self.profile_shown.emit(None)
        self._timer.start()

    def stop(self) -> None:
        """Compute nothing any more, and forget what was: files may be others when it is shown again."""
        self._timer.stop()
        self._stop("profile", "series", "network")
        self._answers.clear()
        self._networks.clear()

    def resizeEvent(self, event: QResizeEvent) -> None:
        is_wide = event.size().width() >= _WIDE
        directions = QBoxLayout.Direction
        self._box.setDirection(directions.LeftToRight if is_wide else directions.TopToBottom)
        super().resizeEvent(event)

    def _compute(self) -> None:
        if self._area is None:
            return
        self._compute_profile(self._area)
        self._compute_series(self._area)

    # The profile

    def _compute_profile(self, area: AreaOutline) -> None:
        rate, dem = raster_of(self._state.layer("los_rate")), raster_of(self._state.layer("dem"))
        if rate is None and dem is None:
            self.profile.set_message(tr("For a profile choose a LOS rate and a DEM in the Channels step."))
            return

        def compute(is_cancelled: Callable[[], bool]) -> Profile:
            from ...core.evidence import area_profile

            return area_profile(area.outline, area.crs, rate, dem, area.aspect, _progress(is_cancelled))

        self._answer(("profile", area, rate, dem), compute, self._show_profile, self.profile.set_message)

    def _show_profile(self, profile: Profile) -> None:
        self.profile.show_profile(profile)
        self.profile_shown.emit(profile)

    # The time series

    def _compute_series(self, area: AreaOutline) -> None:
        folder, product = self._state.get("folder", ""), self._state.get("product", "auto") or "auto"
        if not folder:
            self.series.set_message(tr("For a time series choose the folder of interferograms in the Data step."))
            return
        if not Path(folder).is_dir():
            message = tr("The folder of interferograms {} is not there, so there is no time series.")
            self.series.set_message(message.format(folder))
            return
        key = (folder, product, *self._choice_of_pairs(), raster_of(self._state.layer("los_rate")))
        network = self._networks.get(key)
        if isinstance(network, str):
            self.series.set_message(network)
        elif network is None:
            self._find_network(key)
        else:
            self._compute_series_of(network, key, area)

    def _find_network(self, key: _Key) -> None:
        """Read the folder once; whatever area is current then gets its series."""
        if "network" in self._calls:
            return
        folder, product, limits, excluded, masks, rate = key

        def compute(is_cancelled: Callable[[], bool]) -> Stack:
            from ...core.evidence import network_of

            return network_of(folder, product, limits, excluded, _progress(is_cancelled), rate, masks)

        self.series.set_message(tr("The interferograms are being listed …"))
        self._start("network", compute, lambda stack: self._on_network(key, stack),
                    lambda message: self._on_network(key, message))  # fmt: skip

    def _on_network(self, key: _Key, network: Stack | str) -> None:
        self._networks = {key: network}
        if self._area is not None and not self._timer.isActive():
            self._compute_series(self._area)

    def _compute_series_of(self, stack: Stack, key: _Key, area: AreaOutline) -> None:
        def compute(is_cancelled: Callable[[], bool]) -> Any:
            from ...core.evidence import area_time_series

            return area_time_series(stack, area.outline, area.crs, area.others, _progress(is_cancelled))

        self._answer(("series", area, key), compute, self._show_series, self.series.set_message)

    def _show_series(self, series: TimeSeries) -> None:
        self.series.show_series(series)
        self.caption.setText(" ".join(self._explained(series)))

    def _explained(self, series: TimeSeries) -> list[str]:
        """Against what the displacement is measured, and what to be careful with, in sentences."""
        near, far = (number(round(metres)) for metres in series.ring)
        text = tr("Displacement against the ground {} to {} m around the area ({} pairs).")
        sentences = [text.format(near, far, number(series.pairs))]
        if math.isnan(series.rate_error):
            sentences.append(tr("No pair checks another, so no error is known; pairs that close loops would tell it."))
        else:
            sentences.append(tr("Bars and ±: one standard error, from how the pairs close and how the dates scatter."))
        if series.rejected:
            text = tr("Left out, because they contradict the others (unwrapping errors): {}.")
            sentences.append(text.format(", ".join(series.rejected)))
        groups = int(series.component.max()) + 1
        if groups > 1:
            text = tr("The pairs fall into {} groups; how these lie to each other is not measured.")
            sentences.append(text.format(groups))
        seen, chosen = self._area.orbit if self._area is not None else "", self._state.get("orbit", "unknown")
        if {seen, chosen} == {"ascending", "descending"}:
            sentences.append(tr("The area was mapped from the other orbit than these interferograms."))
        return sentences

    def _choice_of_pairs(self) -> _Key:
        """The limits on pairs, those left out by hand, and the mask, as the Data step keeps them."""
        state = self._state
        return chosen_limits(state), tuple(sorted(excluded_pairs(state))), masks_components(state)

    # In the background

    def _answer(self, key: _Key, compute: Any, show: Callable[[Any], None], tell: Callable[[str], None]) -> None:
        """Show an answer that is known, or compute it; the last ones are kept."""
        if key in self._answers:
            self._answers.move_to_end(key)
            show(self._answers[key])
            return

        def keep(answer: Any) -> None:
            self._answers[key] = answer
            while len(self._answers) > _KEPT:
                self._answers.popitem(last=False)
            show(answer)

        self._start(key[0], compute, keep, tell)

    def _start(self, name: str, compute: Any, show: Callable[[Any], None], tell: Callable[[str], None]) -> None:
        """Run a function in the background, in place of the one of that name that still runs."""
        self._stop(name)

        def on_answer(answer: Any) -> None:
            self._calls.pop(name, None)
            show(answer)

        def on_error(error: Exception) -> None:
            self._calls.pop(name, None)
            tell(_plot_sentence(error))

        titles = {"profile": tr("Profile of an area"), "series": tr("Time series of an area")}
        title = titles.get(name, tr("Interferograms of the time series"))
        self._calls[name] = BackgroundCall(self, title, compute, on_answer, on_error).start()

    def _stop(self, *names: str) -> None:
        for name in names:
            call = self._calls.pop(name, None)
            if call is not None:
                call.stop()


def outline_of(layer: QgsVectorLayer, feature: QgsFeature) -> AreaOutline | None:
    """The area and the moving ground near it; None without an outline."""
    geometry = feature.geometry()
    if geometry.isEmpty():
        return None
    box = geometry.boundingBox()
    reach = max(box.width(), box.height()) + (0.01 if layer.crs().isGeographic() else 1000.0)
    request = QgsFeatureRequest().setFilterRect(box.buffered(reach))
    names = feature.fields()
    others = []
    for other in layer.getFeatures(request):
        is_stable = names.indexOf("review") >= 0 and decision_of(other["review"]) == REJECTED
        if other.id() != feature.id() and not is_stable and not other.geometry().isEmpty():
            others.append(bytes(other.geometry().asWkb()))
    aspect = next((feature[name] for name in _ASPECTS if names.indexOf(name) >= 0), None)
    orbit = next((feature[name] for name in ("seen_from", "orbit") if names.indexOf(name) >= 0), "")
    return AreaOutline(
        outline=bytes(geometry.asWkb()),
        crs=crs_text(layer.crs()),
        aspect=float(aspect) if isinstance(aspect, (int, float)) else None,
        others=tuple(others),
        orbit=orbit if isinstance(orbit, str) else "",
    )


_ASPECTS = ("aspect", "aspect_ascending", "aspect_descending")


def raster_of(layer: QgsMapLayer | None) -> str | None:
    """The file of a raster layer, None for any other."""
    return opened_source(layer) if layer is not None and layer.providerType() == "gdal" else None


def _plot_sentence(error: Exception) -> str:
    """What a plot says instead of its data."""
    return sentence_of(error, tr("It could not be computed: {}"))


def _progress(is_cancelled: Callable[[], bool]) -> Any:
    from ...core.progress import Progress

    return Progress(is_cancelled=is_cancelled)
