"""The preview that follows the map: computed in the background, with what is said of the grid below."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from qgis.core import QgsMapLayer
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QFont
from qgis.PyQt.QtWidgets import QLabel, QPushButton, QTextBrowser, QVBoxLayout, QWidget

from ...processing.layer_sources import crs_text, opened_source
from ...processing.texts import number, rounded, tr, words_of
from ..runs import BackgroundCall
from .channel_preview import ChannelPreview
from .channel_rows import tint

if TYPE_CHECKING:
    from ...core.channels import ChannelKind
    from ...core.detection import Preview
    from ...core.models import ModelCard


DEBOUNCE = 300  # milliseconds


class LivePreview(QWidget):
    """Shows what a model sees of the layers it is given, over the extent of the map.

    ``failed`` is emitted with a sentence when the layers can't be put together, with "" when they can.
    """

    failed = pyqtSignal(str)

    def __init__(self, canvas: QgsMapCanvas | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._card: ModelCard | None = None
        self._layers: Mapping[ChannelKind, QgsMapLayer] = {}
        self._call: BackgroundCall | None = None
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(DEBOUNCE)
        self._delay.timeout.connect(self._start)
        self.pictures = ChannelPreview(self)
        self.caption = note(self)
        # Always two lines high, so that the pictures keep their size.
        self.caption.setFixedHeight(2 * self.fontMetrics().lineSpacing())
        self.caption.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.zoom = QPushButton(tr("&Zoom to the layers"), self)
        self.zoom.setAutoDefault(False)
        self.zoom.hide()
        self.zoom.clicked.connect(self._zoom)
        self.messages = QTextBrowser(self)
        self.messages.setAccessibleName(tr("Grid"))
        self.messages.setMinimumHeight(64)
        self.messages.setMaximumHeight(120)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 0, 0, 0)
        layout.addWidget(heading(tr("As the network sees it"), self))
        layout.addWidget(self.pictures, 1)
        layout.addWidget(self.caption)
        layout.addWidget(self.zoom, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(heading(tr("Grid"), self))
        layout.addWidget(self.messages)
        if canvas is not None:
            canvas.extentsChanged.connect(self._ask)

    @property
    def is_busy(self) -> bool:
        """True while a picture is waited for."""
        return self._delay.isActive() or self._call is not None

    def show_layers(self, card: ModelCard | None, layers: Mapping[ChannelKind, QgsMapLayer], problem: str) -> None:
        """Show these layers as the model sees them, soon; or the problem that keeps it from seeing anything."""
        self._card, self._layers = card, dict(layers)
        if card is None or problem:
            self.stop()
            self._show_nothing(problem)
        else:
            self._ask()

    def stop(self) -> None:
        """Stop what runs."""
        self._delay.stop()
        if self._call is not None:
            self._call.stop()
            self._call = None

    def close_for_good(self) -> None:
        """Stop, and follow the map no more."""
        self.stop()
        if self._canvas is not None:
            self._canvas.extentsChanged.disconnect(self._ask)
            self._canvas = None

    def _ask(self) -> None:
        if self._card is not None and self._layers:
            self.stop()
            self._delay.start()

    def _start(self) -> None:
        from ...core.detection import preview
        from ...core.progress import Progress

        card = self._card
        if card is None:
            return
        paths = {kind: opened_source(layer) for kind, layer in self._layers.items()}
        names = {paths[kind]: layer.name() for kind, layer in self._layers.items()}
        extent, crs = self._extent()
        self.caption.setText(tr("Computing…"))
        self.pictures.set_stale()

        def compute(is_cancelled: Callable[[], bool]) -> Preview:
            return preview(paths, card, extent, crs, progress=Progress(is_cancelled=is_cancelled))

        self._call = BackgroundCall(
            self,
            tr("Preview of the channels"),
            compute,
            lambda result: self._show(result, names),
            lambda error: self._show_error(error, names),
        ).start()

    def _extent(self) -> tuple[tuple[float, float, float, float] | None, str]:
        """The extent of the map and its CRS; None where there is no map."""
        if self._canvas is None or self._canvas.extent().isEmpty():
            return None, ""
        rectangle = self._canvas.extent()
        bounds = (rectangle.xMinimum(), rectangle.yMinimum(), rectangle.xMaximum(), rectangle.yMaximum())
        return bounds, crs_text(self._canvas.mapSettings().destinationCrs())

    def _show(self, result: Preview, names: Mapping[str, str]) -> None:
        self._call = None
        self.pictures.show_bands(result.bands)
        self.caption.setText(caption_of(result))
        self.zoom.hide()
        self.messages.setHtml(grid_html(result, names))
        self.failed.emit("")

    def _show_error(self, error: Exception, names: Mapping[str, str]) -> None:
        from ...core.detection import OutsideError

        self._call = None
        text = _named(words_of(error), names)
        self._show_nothing(text)
        is_elsewhere = isinstance(error, OutsideError)
        self.zoom.setVisible(is_elsewhere)
        self.failed.emit("" if is_elsewhere else text)

    def _show_nothing(self, text: str) -> None:
        self.pictures.show_sentence(text)
        self.caption.setText("")
        self.zoom.hide()
        self.messages.setHtml("")

    def _zoom(self) -> None:
        layer = next(iter(self._layers.values()), None)
        if layer is not None and self._canvas is not None:
            settings = self._canvas.mapSettings()
            self._canvas.setExtent(settings.layerExtentToOutputExtent(layer, layer.extent()))
            self._canvas.refresh()


def heading(text: str, parent: QWidget) -> QLabel:
    """A bold label above a part of a window."""
    label = QLabel(text, parent)
    font = QFont(label.font())
    font.setBold(True)
    label.setFont(font)
    return label


def note(parent: QWidget) -> QLabel:
    """A label for text that explains."""
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    tint(label, "info")
    return label


def _length(metres: float) -> str:
    if metres >= 1000:
        return tr("{} km").format(number(metres / 1000, 1))
    return tr("{} m").format(rounded(metres, 3))


def caption_of(result: Preview) -> str:
    """Which pixels the pictures show."""
    window, pixel = result.window, _length(result.pixel_size)
    size = tr("{} × {}").format(_length(window.width * result.pixel_size), _length(window.height * result.pixel_size))
    if result.step == 1 and not result.is_cut:
        return tr("{}, every pixel of {}. Hatched: no data.").format(size, pixel)
    thinned = tr("one of {} × {} pixels of {} is shown").format(result.step, result.step, pixel)
    if result.is_cut:
        return tr("Only the middle of the map, {}: {}. Zoom in for more detail.").format(size, thinned)
    return tr("{}: {}. Zoom in to see every pixel.").format(size, thinned)


def grid_html(result: Preview, names: Mapping[str, str]) -> str:
    """Which layer defines the grid, and what is done to the others; files by the names of their layers."""
    grid = tr("The {} defines the grid: {} × {} pixels of {}, {}.").format(
        words_of(result.base.label),
        number(result.grid.width),
        number(result.grid.height),
        _length(result.pixel_size),
        result.crs or tr("unknown CRS"),
    )
    lines = [html.escape(grid)]
    lines += [f"<b>{html.escape(_named(words_of(text), names))}</b>" for text in result.warnings]
    lines += [html.escape(_named(words_of(text), names)) for text in result.messages]
    return "".join(f'<p style="margin-top:0; margin-bottom:4px">{line}</p>' for line in lines)


def _named(text: str, names: Mapping[str, str]) -> str:
    for path, name in names.items():
        text = text.replace(path, name)
    return text
