"""What core reads of a raster layer: its file, or the file as QGIS reads it where somebody changed that by hand."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsMapLayer,
    QgsPointXY,
    QgsProcessingUtils,
    QgsProject,
    QgsProviderRegistry,
    QgsRasterDataProvider,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)

from ..core.errors import InputError
from .texts import tr

if TYPE_CHECKING:
    from ..core.raster import Restatement, ValueRange

_made: dict[object, str] = {}


def crs_text(crs: QgsCoordinateReferenceSystem) -> str:
    """A CRS for core: WKT, or the authority's code where QGIS gives no WKT, as it may in a background thread."""
    return str(crs.toWkt() or crs.authid())


def raster_source(layer: QgsRasterLayer, tell: Callable[[str], None] = lambda sentence: None) -> str:
    """What GDAL opens to read a raster layer as QGIS does.

    That is the layer's source itself, unless it has open options, or its CRS or its values for no data were set by
    hand: then a virtual raster of this session, and ``tell`` hears what counts. InputError for a layer of another kind
    than a raster file.
    """
    if layer.providerType() != "gdal":
        message = tr("The layer {} is not a raster file. Save it as a GeoTIFF first (Export > Save as).")
        raise InputError(message.format(layer.name()))
    source = str(layer.source())
    told: list[str] = []
    path, restated = _as_in_qgis(layer, told)
    for sentence in told:
        tell(sentence)
    if restated.is_empty:
        return source
    key = (path, layer.name(), _age(path), repr(restated))
    made = _made.get(key)
    if made is None or not Path(made).exists():
        from ..core.raster import write_restated

        name = re.sub(r"[^\w\-. ]", "_", layer.name())[:60].strip() or "layer"
        folder = Path(QgsProcessingUtils.generateTempFilename(name)).parent
        made = _made[key] = str(write_restated(path, folder, name, restated))
    return made


def opened_source(layer: QgsMapLayer) -> str:
    """What is opened to read a layer: raster_source() of a raster file, else the layer's own source."""
    is_raster_file = isinstance(layer, QgsRasterLayer) and layer.providerType() == "gdal"
    return raster_source(layer) if is_raster_file else str(layer.source())


def is_as_stored(layer: QgsVectorLayer) -> bool:
    """True where a vector layer's source alone gives its CRS and its fields."""
    is_plain = not layer.vectorJoins() and all(
        layer.fields().fieldOrigin(index) == layer.fields().OriginProvider for index in range(layer.fields().count())
    )
    return is_plain and layer.crs() == layer.dataProvider().crs()


class MapTransformation:
    """From one CRS to another with the classes of QGIS; ``name`` is the layer for messages.

    InputError, naming both CRSs, where that can't be.
    """

    def __init__(self, source: QgsCoordinateReferenceSystem, target: QgsCoordinateReferenceSystem, name: str) -> None:
        self._transform = QgsCoordinateTransform(source, target, QgsProject())
        self._names = name, _crs_name(source), _crs_name(target)
        if not self._transform.isValid():
            raise self._error()

    def _error(self) -> InputError:
        message = tr(
            "{} can't be transformed from {} to {}. Check that its coordinates and its coordinate reference system are "
            "right."
        )
        return InputError(message.format(*self._names))

    def point(self, point: QgsPointXY) -> QgsPointXY:
        """A point in the other CRS."""
        try:
            there = self._transform.transform(point)
        except QgsCsException:
            raise self._error() from None
        if not (math.isfinite(there.x()) and math.isfinite(there.y())):
            raise self._error()
        return there

    def box(self, box: QgsRectangle) -> QgsRectangle:
        """The box in the other CRS that holds a box."""
        try:
            there = self._transform.transformBoundingBox(box)
        except QgsCsException:
            raise self._error() from None
        if not there.isFinite():
            raise self._error()
        return there

    def apply(self, geometry: QgsGeometry) -> None:
        """Transform a geometry in place."""
        try:
            geometry.transform(self._transform)
        except QgsCsException:
            raise self._error() from None
        if not geometry.isEmpty() and not geometry.boundingBox().isFinite():
            raise self._error()


def _crs_name(crs: QgsCoordinateReferenceSystem) -> str:
    names = [crs.description(), f"({crs.authid()})" if crs.authid() else ""]
    return " ".join(filter(None, names)) or tr("no coordinate reference system")


def _age(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


def _as_in_qgis(layer: QgsRasterLayer, told: list[str]) -> tuple[str, Restatement]:
    """The layer's file, and what counts in place of what it says."""
    from ..core.raster import Restatement

    parts = QgsProviderRegistry.instance().decodeUri("gdal", layer.source())
    options = tuple(parts.get("openOptions") or ())
    path = str(layer.source()).split("|")[0] if options else str(layer.source())
    if options:
        told.append(tr("The layer {} is opened with {}.").format(layer.name(), ", ".join(options)))
    provider = layer.dataProvider()
    crs = ""
    if layer.crs().isValid() and layer.crs() != provider.crs():
        crs = crs_text(layer.crs())
        names = [one.authid() or one.description() or tr("none") for one in (layer.crs(), provider.crs())]
        message = tr("The layer {} has the CRS {} in QGIS and {} in its file: that in QGIS counts.")
        told.append(message.format(layer.name(), *names))
    as_data, left_out = set(), {}
    for band in range(1, provider.bandCount() + 1):
        if provider.sourceHasNoDataValue(band) and not provider.useSourceNoDataValue(band):
            as_data.add(band)
            message = tr("Band {} of the layer {}: the value for no data that its file declares is data, as in QGIS.")
            told.append(message.format(band, layer.name()))
        ranges = _left_out(provider, band)
        if ranges:
            left_out[band] = ranges
            shown = ", ".join(_shown(one) for one in ranges)
            message = tr("Band {} of the layer {}: {} is left out as no data, as in QGIS.")
            told.append(message.format(band, layer.name(), shown))
    return path, Restatement(options, crs, frozenset(as_data), left_out)


def _shown(one: ValueRange) -> str:
    if math.isnan(one.high):
        return f"≥ {one.low:g}"
    return f"≤ {one.high:g}" if math.isnan(one.low) else " … ".join(dict.fromkeys([f"{one.low:g}", f"{one.high:g}"]))


def _left_out(provider: QgsRasterDataProvider, band: int) -> tuple[ValueRange, ...]:
    from ..core.raster import ValueRange

    found = []
    for one in provider.userNoDataValues(band):
        kinds = type(one).BoundsType
        bounds = one.bounds()
        has_low = bounds in (kinds.IncludeMinAndMax, kinds.IncludeMin)
        has_high = bounds in (kinds.IncludeMinAndMax, kinds.IncludeMax)
        found.append(ValueRange(one.min(), one.max(), has_low, has_high))
    return tuple(found)
