"""The true areas of a simulated scene as polygons in a GeoPackage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, ogr

from ..errors import OutputError
from ..models import IGNORED
from ..progress import Progress
from ..raster import BandDescription, Grid, RasterWriter, spatial_reference
from ..types import Array
from ..vectors import Ground, polygonize
from .landslides import Landslides
from .scene import OrbitView

_FIELDS = (
    ("id", ogr.OFTInteger),
    ("kind", ogr.OFTString),
    ("seen_from", ogr.OFTString),
    ("area_km2", ogr.OFTReal),
    ("los_rate_peak_ascending", ogr.OFTReal),
    ("los_rate_peak_descending", ogr.OFTReal),
    ("speed_max", ogr.OFTReal),
    ("slope_mean", ogr.OFTReal),
    ("elevation_min", ogr.OFTReal),
    ("elevation_max", ogr.OFTReal),
)


class Relief(Protocol):
    """Heights in metres and slopes in degrees, (h, w) each."""

    @property
    def dem(self) -> Array: ...
    @property
    def slope(self) -> Array: ...


class TrueScene(Protocol):
    """What of a scene is written as truth; numbers above ``landslides.count`` are other known motion, to be ignored."""

    @property
    def grid(self) -> Grid: ...
    @property
    def terrain(self) -> Relief: ...
    @property
    def landslides(self) -> Landslides: ...
    @property
    def bowl_rate(self) -> Array: ...
    @property
    def bowl_identity(self) -> NDArray[np.int32]: ...


@dataclass(frozen=True)
class _Layer:
    """A layer to write: the kind of its objects, and the number of each pixel's object (0 = none)."""

    name: str
    kind: str
    identity: NDArray[np.int32]


def write_truth(path: Path, scene: TrueScene, views: Sequence[OrbitView], progress: Progress) -> int:
    """Write the layers of truth and return the number of true areas.

    ``true_areas``: landslides by the label rule of at least one of the views; ``true_areas_ascending`` and
    ``true_areas_descending``: by each alone, where two were simulated; ``ignored``: landslides that are too
    slow or hidden in every view, and other known motion, neither right nor wrong to report; ``not_landslides``:
    subsidence bowls. Rates in mm/yr (positive toward), slopes in degrees, heights in metres.
    """
    identity = scene.landslides.identity
    seen = np.any([view.label == 1 for view in views], axis=0)
    weak = np.any([view.label == IGNORED for view in views], axis=0)
    weak &= ~np.isin(identity, np.unique(identity[seen]))
    layers = [_Layer("true_areas", "landslide", np.where(seen, identity, 0))]
    if len(views) > 1:
        layers += [
            _Layer(f"true_areas_{view.name}", "landslide", np.where(view.label == 1, identity, 0)) for view in views
        ]
    layers.append(_Layer("ignored", "landslide", np.where(weak, identity, 0)))
    layers.append(_Layer("not_landslides", "subsidence", scene.bowl_identity))
    previous = gdal.GetConfigOption("OGR_CURRENT_DATE")
    # GeoPackage stores the time of its last change, which would make every file differ.
    gdal.SetConfigOption("OGR_CURRENT_DATE", "2000-01-01T00:00:00.000Z")
    try:
        source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
        counts = [
            _write_layer(source, layer, path, scene, views, progress.part(i / len(layers), (i + 1) / len(layers)))
            for i, layer in enumerate(layers)
        ]
        source = None
    except RuntimeError as error:
        raise OutputError(
            "{path} can't be written ({error}). Check that the disk is not full.", path=path, error=error
        ) from None
    finally:
        gdal.SetConfigOption("OGR_CURRENT_DATE", previous)
    return counts[0]


def _write_layer(
    source: Any, layer: _Layer, path: Path, scene: TrueScene, views: Sequence[OrbitView], progress: Progress
) -> int:
    vectors = source.CreateLayer(layer.name, spatial_reference(scene.grid.crs), ogr.wkbMultiPolygon)
    for name, kind in _FIELDS:
        vectors.CreateField(ogr.FieldDefn(name, kind))
    numbers = np.unique(layer.identity[layer.identity > 0])
    if not len(numbers):
        return 0
    compact = np.searchsorted(numbers, layer.identity) + 1
    compact[layer.identity == 0] = 0
    labels = path.with_name("labels.tif")
    with RasterWriter(labels, scene.grid, [BandDescription("label")], dtype="int32", nodata=0) as writer:
        writer.write(compact.astype(np.int32))
    geometries = polygonize(labels, len(numbers), progress)
    labels.unlink()
    ground = Ground(scene.grid.crs)
    order = np.argsort(layer.identity, axis=None, kind="stable")
    bounds = np.searchsorted(layer.identity.ravel()[order], [*numbers, numbers[-1] + 1])
    for index, geometry in enumerate(geometries):
        pixels = order[bounds[index] : bounds[index + 1]]
        feature = ogr.Feature(vectors.GetLayerDefn())
        feature.SetGeometry(geometry)
        values = _attributes(layer, int(numbers[index]), pixels, scene, views)
        values["area_km2"] = ground.area(geometry) / 1e6
        for name, value in {"id": index + 1, **values}.items():
            if value is not None:
                feature.SetField(name, value)
        vectors.CreateFeature(feature)
    return len(numbers)


def _attributes(
    layer: _Layer, number: int, pixels: NDArray[np.intp], scene: TrueScene, views: Sequence[OrbitView]
) -> dict[str, Any]:
    """The attributes of one object from its pixels (flat indices)."""
    heights = scene.terrain.dem.ravel()[pixels]
    rates = scene.landslides.speed if layer.kind == "landslide" else np.abs(scene.bowl_rate)
    values: dict[str, Any] = {
        "kind": "known motion" if layer.name == "ignored" and number > scene.landslides.count else layer.kind,
        "speed_max": float(rates.ravel()[pixels].max()),
        "slope_mean": float(scene.terrain.slope.ravel()[pixels].mean()),
        "elevation_min": float(heights.min()),
        "elevation_max": float(heights.max()),
    }
    seen = []
    for view in views:
        rate = view.los_rate.ravel()[pixels]
        values[f"los_rate_peak_{view.name}"] = float(rate[np.argmax(np.abs(rate))])
        if layer.kind == "subsidence" or np.any(view.label.ravel()[pixels] == 1):
            seen.append(view.name)
    values["seen_from"] = "both" if len(seen) == 2 else "".join(seen)
    return values
