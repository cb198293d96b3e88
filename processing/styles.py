"""How results look: colours, legends and units of the rasters and of the areas.

Diverging scales are symmetric about zero and readable with colour-vision deficiency; blue is motion toward the
satellite, red away from it, whatever the sign of the raster.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsColorRampShader,
    QgsFillSymbol,
    QgsMapLayer,
    QgsPalettedRasterRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsRasterShader,
    QgsRendererCategory,
    QgsSingleBandPseudoColorRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtXml import QDomDocument

from ..core.files import write_text
from .texts import tr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIVERGING = ("#8c1d18", "#d6604d", "#f4a582", "#fddbc7", "#f7f7f7", "#d1e5f0", "#92c5de", "#4393c3", "#174a7c")
SLOPE_COLOURS = ("#ffffff", "#fdf2c4", "#f9c97c", "#e58a55", "#b34a4a", "#6b2246", "#2b0f2e")
PROBABILITY = ("#ffffff00", "#fff3b24d", "#fdbb55b3", "#f0662ee6", "#a50f3aff")
CLOSURE = ("#f7f7f7", "#fee391", "#fe9929", "#cc4c02", "#662506")
SEQUENTIAL = ("#f7fcf5", "#c7e9c0", "#74c476", "#238b45", "#00441b")
FRINGE = ("#ffff66", "#66ff99", "#33ccff", "#6666ff", "#cc33ff", "#ff6699")
VISIBILITY = {
    1: ("#5aae61", "Seen well"),
    2: ("#fee08b", "Poorly seen"),
    3: ("#762a83", "Layover or shadow"),
    4: ("#f7f7f7", "Level ground"),
}
ORBIT_COLOURS = {"ascending": "#ff7f00", "descending": "#e31a1c", "both": "#7a1fa2", "unknown": "#e31a1c"}

_alive: set[LayerStyler] = set()


class LayerStyler(QgsProcessingLayerPostProcessorInterface):
    """Styles one output when QGIS loads it; keeps itself alive until then, because QGIS holds no reference."""

    def __init__(self, style: Callable[[Any], None]) -> None:
        super().__init__()
        self._style = style
        self.is_visible = True
        _alive.add(self)

    def postProcessLayer(
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        self._style(layer)
        layer.triggerRepaint()
        project = context.project()
        node = project.layerTreeRoot().findLayer(layer.id()) if project is not None else None
        if node is not None and not self.is_visible:
            node.setItemVisibilityChecked(False)
        _alive.discard(self)


def style_raster(layer: QgsRasterLayer, kind: str) -> None:
    """Give a raster the style of its kind; phase rates also get a second style, ``fringes``."""
    facts = _Facts.of(layer.source())
    if kind in ("los_rate", "phase_rate"):
        limit = facts.symmetric_limit
        colours = DIVERGING if facts.toward_is_positive else DIVERGING[::-1]
        _pseudo_colour(layer, colours, -limit, limit, facts.suffix)
        if kind == "phase_rate":
            _add_fringes(layer, limit)
    elif kind == "slope":
        _pseudo_colour(layer, SLOPE_COLOURS, 0, 60, "°")
    elif kind == "aspect":
        _pseudo_colour(layer, (*FRINGE, FRINGE[0]), 0, 360, "°")
    elif kind == "los_sensitivity":
        _pseudo_colour(layer, DIVERGING, -1, 1, "")
    elif kind == "visibility":
        _style_classes(layer)
    elif kind == "closure":
        _pseudo_colour(layer, CLOSURE, 0, 1, "")
    elif kind == "coherence":
        _pseudo_colour(layer, SEQUENTIAL, 0, 1, "")
    elif kind == "probability":
        _pseudo_colour(layer, PROBABILITY, 0, 1, "")
    else:
        _pseudo_colour(layer, SEQUENTIAL, 0, facts.largest, facts.suffix)


def style_areas(layer: QgsVectorLayer) -> None:
    """Outline areas by orbit: descending red, ascending orange (as in the paper's maps), seen from both purple."""
    field = "seen_from" if layer.fields().indexOf("seen_from") >= 0 else "orbit"
    labels = {
        "ascending": tr("Ascending orbit"),
        "descending": tr("Descending orbit"),
        "both": tr("Both orbits"),
        "unknown": tr("Active deformation area"),
    }
    present = layer.uniqueValues(layer.fields().indexOf(field))
    categories = [
        QgsRendererCategory(value, _area_symbol(colour), labels[value])
        for value, colour in ORBIT_COLOURS.items()
        if value in present or (not present and value == "unknown")
    ]
    layer.setRenderer(QgsCategorizedSymbolRenderer(field, categories))


def save_raster_style(path: str, kind: str) -> None:
    """Write a .qml beside the raster, which QGIS applies whenever the file is opened."""
    layer = QgsRasterLayer(path, Path(path).stem)
    try:
        if layer.isValid():
            style_raster(layer, kind)
            _save_style(layer, Path(path))
    finally:
        # QGIS computes statistics of a layer that has no style yet, and GDAL keeps them beside the file it closes.
        del layer
        Path(f"{path}.aux.xml").unlink(missing_ok=True)


def save_vector_style(layer: QgsVectorLayer | None, style: Callable[[Any], None]) -> None:
    """Write a .qml beside the file of a vector layer; memory layers have none."""
    if layer is None or layer.providerType() != "ogr":
        return
    style(layer)
    _save_style(layer, Path(layer.source().split("|")[0]))


def _save_style(layer: QgsMapLayer, path: Path) -> None:
    """Write the style as QGIS does, whole or not at all; OutputError when it can't be, of which QGIS is silent."""
    document = QDomDocument("qgis")
    layer.exportNamedStyle(document)
    write_text(path.with_suffix(".qml"), document.toString(2))


def _area_symbol(colour: str) -> QgsFillSymbol:
    fill = QColor(colour)
    fill.setAlpha(50)
    return QgsFillSymbol.createSimple(
        {"color": fill.name(QColor.NameFormat.HexArgb), "outline_color": colour, "outline_width": "0.5"}
    )


@dataclass(frozen=True)
class _Facts:
    """What the style needs to know of a band: its unit for the legend, its sign, and a sample of its values.

    Asked from GDAL, because QGIS exposes neither unit nor tags, and its statistics leave a file beside the raster.
    """

    suffix: str
    toward_is_positive: bool
    values: NDArray[np.float32]

    @classmethod
    def of(cls, path: str) -> _Facts:
        """The facts of a raster's first band."""
        import numpy as np

        from ..core.raster import BandReader

        with BandReader(path) as reader:
            tags = reader.tags
            values = reader.sample(500)
        unit = tags["unit"]
        suffix = "" if unit in ("", "1") else f" {unit}"
        return cls(suffix, tags.get("SIGN") != "away", values[np.isfinite(values)])

    @property
    def symmetric_limit(self) -> float:
        """A round number that holds 96 % of the values on both sides of zero."""
        import numpy as np

        from ..core.reports import round_up

        largest = float(np.abs(np.percentile(self.values, (2, 98))).max()) if self.values.size else 0.0
        if largest == 0:
            return 1.0
        return round_up(largest, (1, 1.5, 2, 3, 4, 5, 6, 8))

    @property
    def largest(self) -> float:
        """The largest value, above zero."""
        return max(float(self.values.max()), 1e-6) if self.values.size else 1.0


def _pseudo_colour(layer: QgsRasterLayer, colours: Sequence[str], low: float, high: float, suffix: str) -> None:
    step = (high - low) / (len(colours) - 1)
    items = []
    for index, colour in enumerate(colours):
        value = low + index * step
        items.append(QgsColorRampShader.ColorRampItem(value, _colour(colour), f"{value:.4g}{suffix}"))
    function = QgsColorRampShader(low, high, None, QgsColorRampShader.Type.Interpolated)
    function.setColorRampItemList(items)
    _use_suffix(function, suffix)
    shader = QgsRasterShader()
    shader.setRasterShaderFunction(function)
    renderer = QgsSingleBandPseudoColorRenderer(layer.dataProvider(), 1, shader)
    renderer.setClassificationMin(low)
    renderer.setClassificationMax(high)
    layer.setRenderer(renderer)


def _style_classes(layer: QgsRasterLayer) -> None:
    """The classes of visibility, each with its colour and name."""
    classes = [
        QgsPalettedRasterRenderer.Class(value, QColor(colour), tr(label))
        for value, (colour, label) in VISIBILITY.items()
    ]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes))


def _use_suffix(function: QgsColorRampShader, suffix: str) -> None:
    settings = function.legendSettings()
    settings.setSuffix(suffix)
    settings.setUseContinuousLegend(True)


def _colour(text: str) -> QColor:
    """A colour from #rrggbb or #rrggbbaa."""
    colour = QColor(text[:7])
    if len(text) == 9:
        colour.setAlpha(int(text[7:], 16))
    return colour


def _add_fringes(layer: QgsRasterLayer, limit: float) -> None:
    """A second style that shows the phase rate as wrapped fringes, one colour cycle for 2π rad/yr."""
    cycles = math.ceil(min(limit, 40 * math.pi) / (2 * math.pi))
    step = 2 * math.pi / len(FRINGE)
    items = []
    for index in range(-cycles * len(FRINGE), cycles * len(FRINGE) + 1):
        value = index * step
        items.append(
            QgsColorRampShader.ColorRampItem(value, QColor(FRINGE[index % len(FRINGE)]), f"{value:.2f} rad/yr")
        )
    manager = layer.styleManager()
    rate_style = tr("rate")
    manager.renameStyle(manager.currentStyle(), rate_style)
    manager.addStyleFromLayer(tr("fringes"))
    manager.setCurrentStyle(tr("fringes"))
    function = QgsColorRampShader(items[0].value, items[-1].value, None, QgsColorRampShader.Type.Interpolated)
    function.setColorRampItemList(items)
    shader = QgsRasterShader()
    shader.setRasterShaderFunction(function)
    layer.setRenderer(QgsSingleBandPseudoColorRenderer(layer.dataProvider(), 1, shader))
    manager.setCurrentStyle(rate_style)
