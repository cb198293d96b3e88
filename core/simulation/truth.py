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
from ..fields import Field
from ..gdal_errors import gdal_raises
from ..models import IGNORED
from ..progress import Progress
from ..raster import BandDescription, Grid, RasterWriter
from ..types import Array
from ..vectors import GroundMeasures, polygonize, write_layer
from .landslides import Landslides
from .scene import OrbitView

_FIELDS = (
    Field("id", "int", "", "Number of the object in its layer"),
    Field("kind", "str", "", "landslide, subsidence or known motion"),
    Field("seen_from", "str", "", "Orbits from which it is a true area: ascending, descending, both or none"),
    Field("area_km2", "float", "km²", "Area of its pixels on the ellipsoid"),
    Field("los_rate_peak_ascending", "float", "mm/yr", "LOS rate of the largest magnitude, positive toward"),
    Field("los_rate_peak_descending", "float", "mm/yr", "LOS rate of the largest magnitude, positive toward"),
    Field("speed_max", "float", "mm/yr", "Largest speed"),
    Field("slope_mean", "float", "degree", "Mean slope"),
    Field("elevation_min", "float", "m", "Lowest elevation"),
    Field("elevation_max", "float", "m", "Highest elevation"),
)


class SceneRelief(Protocol):
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
    def terrain(self) -> SceneRelief: ...
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


@gdal_raises()
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
    previous = gdal.GetThreadLocalConfigOption("OGR_CURRENT_DATE")
    # GeoPackage stores the time of its last change, which would make every file differ.
    gdal.SetThreadLocalConfigOption("OGR_CURRENT_DATE", "2000-01-01T00:00:00.000Z")
    try:
        source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
        counts = []
        for index, layer in enumerate(layers):
            part = progress.part(index / len(layers), (index + 1) / len(layers))
            rows = _objects(layer, path.with_name("labels.tif"), scene, views, part)
            write_layer(source, layer.name, ogr.wkbMultiPolygon, _FIELDS, scene.grid.crs, rows)
            counts.append(len(rows))
        source = None
    except RuntimeError as error:
        raise OutputError(
            "{path} can't be written ({error}). Check that the disk is not full.", path=path, error=error
        ) from None
    finally:
        gdal.SetThreadLocalConfigOption("OGR_CURRENT_DATE", previous)
    return counts[0]


def _objects(
    layer: _Layer, labels: Path, scene: TrueScene, views: Sequence[OrbitView], progress: Progress
) -> list[tuple[ogr.Geometry, dict[str, Any]]]:
    """The outlines of a layer's objects and their attributes; ``labels`` is a file that is used in between."""
    numbers = np.unique(layer.identity[layer.identity > 0])
    if not len(numbers):
        return []
    compact = np.searchsorted(numbers, layer.identity) + 1
    compact[layer.identity == 0] = 0
    with RasterWriter(labels, scene.grid, [BandDescription("label")], dtype="int32", nodata=0) as writer:
        writer.write(compact.astype(np.int32))
    geometries = polygonize(labels, len(numbers), progress)
    labels.unlink()
    ground = GroundMeasures(scene.grid.crs)
    order = np.argsort(layer.identity, axis=None, kind="stable")
    bounds = np.searchsorted(layer.identity.ravel()[order], [*numbers, numbers[-1] + 1])
    rows = []
    for index, geometry in enumerate(geometries):
        pixels = order[bounds[index] : bounds[index + 1]]
        values = _attributes(layer, int(numbers[index]), pixels, scene, views)
        rows.append((geometry, {"id": index + 1, **values, "area_km2": ground.area(geometry) / 1e6}))
    return rows


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
