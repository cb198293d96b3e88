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


def area_layer(count: int, name: str = "滑坡区") -> Any:
    """The areas as a QGIS layer in memory; number 5 is rejected by a review."""
    from qgis.core import QgsFeature, QgsGeometry, QgsVectorLayer

    fields = "".join(
        f"&field={field}"
        for field in ("id:integer", "orbit:string", "los_rate_extreme:double", "slope_mean:double", "review:string")
    )
    layer = QgsVectorLayer(f"MultiPolygon?crs={UTM}{fields}", name, "memory")
    features = []
    for area in areas(count):
        feature = QgsFeature(layer.fields())
        geometry = QgsGeometry()
        geometry.fromWkb(area.geometry)
        feature.setGeometry(geometry)
        number = area.attributes["id"]
        review = "rejected" if number == 5 else None
        feature.setAttributes([number, "ascending" if number % 3 else "descending", -12.5, 25.0, review])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer
