"""Areas, sites and packages for tests of the field survey."""

from __future__ import annotations

from typing import Any

from osgeo import ogr

from ada_mapper.core.areas import Area

UTM = "EPSG:32648"


def square(x: float, y: float, side: float = 100.0) -> bytes:
    """A square with its lower left corner there, as WKB."""
    corners = ((x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y))
    text = ", ".join(f"{easting} {northing}" for easting, northing in corners)
    return bytes(ogr.CreateGeometryFromWkt(f"MULTIPOLYGON ((({text})))").ExportToWkb())


def areas(count: int, **columns: list[Any]) -> list[Area]:
    """Squares of 100 m, 1 km apart from south to north, with ids 1… and further attributes by column."""
    result = []
    for index in range(count):
        own = {name: values[index % len(values)] for name, values in columns.items()}
        result.append(Area(square(500_000, 3_500_000 + 1000 * index), {"id": index + 1, **own}))
    return result
