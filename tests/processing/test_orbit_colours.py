"""The colours of orbits on all maps: those of the paper."""

from __future__ import annotations

import pytest
from qgis.core import QgsFeature, QgsVectorLayer


@pytest.mark.parametrize("field", ["orbit", "seen_from"])
def test_descending_areas_are_red_and_ascending_ones_orange(qgis_app, field):
    from ada_mapper.processing.styles import style_areas

    layer = QgsVectorLayer(f"Polygon?crs=EPSG:32632&field={field}:string", "areas", "memory")
    for orbit in ("ascending", "descending", "both"):
        feature = QgsFeature(layer.fields())
        feature[field] = orbit
        layer.dataProvider().addFeature(feature)
    style_areas(layer)
    colours = {
        category.value(): category.symbol().symbolLayer(0).strokeColor() for category in layer.renderer().categories()
    }
    # Hues of 0 to 10° are red, of 20 to 40° orange.
    assert colours["descending"].hue() in (*range(11), *range(350, 360))
    assert colours["ascending"].hue() in range(20, 41)
    assert len({colour.name() for colour in colours.values()}) == 3
