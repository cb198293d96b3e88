"""Which layer serves for what: files that tell, units, names, values, and what must not be guessed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsFeature, QgsMapLayer, QgsProject, QgsRasterLayer, QgsVectorLayer

from ada_mapper.processing.layers import ROLE_PROPERTY
from ada_mapper.ui.project import candidates, guesses
from ada_mapper.ui.project.layer_guess import guess_role
from small_rasters import write

Make = Callable[..., QgsRasterLayer]


@pytest.fixture
def make(tmp_path: Path, qgis_new_project: None) -> Make:
    """Writes a raster and adds it to the project as a layer."""

    def make_layer(name: str, low: float, high: float, band: str = "", unit: str = "", **tags: str) -> QgsRasterLayer:
        values = np.linspace(low, high, 40 * 50).reshape(40, 50)
        path = write(tmp_path / f"file{len(QgsProject.instance().mapLayers())}.tif", values, band, unit, **tags)
        layer = QgsRasterLayer(path, name)
        assert layer.isValid()
        QgsProject.instance().addMapLayer(layer)
        return layer

    return make_layer


def test_what_the_file_says_counts_more_than_the_name(make: Make) -> None:
    assert guess_role(make("elevation", -20, 20, "phase_rate", "rad/yr")) == "phase_rate"
    assert guess_role(make("LOS rate", 0, 9, "standard_error", "mm/yr")) == "standard_error"
    assert guess_role(make("coherence", 0, 1, "closure", "1")) == "closure"


@pytest.mark.parametrize(
    ("name", "low", "high", "unit", "role"),
    [
        ("result", -20, 20, "rad/yr", "phase_rate"),
        ("result", -80, 30, "mm/year", "los_rate"),
        ("phase_rate_2020", -80, 30, "mm/yr", "los_rate"),
        ("SRTM GL1 v3", 300, 4000, "", "dem"),
        ("Mountains", 300, 4000, "", "dem"),
        ("slope30m", 0, 60, "", "slope"),
        ("坡度", 0, 60, "", "slope"),
        ("terrain", 0, 62, "", "slope"),
        ("mean_coherence", 0, 1, "", "coherence"),
        ("LOS sensitivity", -1, 1, "1", "los_sensitivity"),
        ("LOS_velocity", -60, 40, "", "los_rate"),
        ("standard error of the LOS rate", 0, 9, "", "standard_error"),
        ("los_rate_standard_error", 0, 9, "mm/yr", "standard_error"),
        ("vstd", 0, 9, "mm/yr", "standard_error"),
        ("closure", 0, 1, "1", "closure"),
    ],
)
def test_by_unit_name_and_values(make: Make, name: str, low: float, high: float, unit: str, role: str) -> None:
    assert guess_role(make(name, low, high, unit=unit)) == role


@pytest.mark.parametrize(
    ("name", "low", "high", "unit"),
    [
        ("slope", 0, 5000, ""),
        ("hillshade of the DEM", 0, 255, ""),
        ("slope", 0, 80, "percent"),
        ("demography", 0, 3, ""),
        ("standard error of the LOS rate", -4, 9, "mm/yr"),
        ("closure", -3, 3, "rad"),
        ("picture", 0, 2, ""),
        ("elevation", 0, 0.5, "m"),
    ],
)
def test_what_must_not_be_guessed(make: Make, name: str, low: float, high: float, unit: str) -> None:
    assert guess_role(make(name, low, high, unit=unit)) is None


def test_a_scanned_map_is_not_decoded_to_be_guessed(make: Make, tmp_path: Path) -> None:
    """A file that is read from its first row on would hold up the windows."""
    path = str(tmp_path / "dem.png")
    gdal.Translate(path, make("grey", 0, 200).source(), format="PNG", outputType=gdal.GDT_Byte)
    layer = QgsRasterLayer(path, "elevation")
    assert layer.isValid() and guess_role(layer) is None


def test_other_results_of_ada_mapper_have_no_role(make: Make) -> None:
    assert guess_role(make("LOS rate", 0, 9, "count", "1")) is None
    assert guess_role(make("composite", -1, 1, "phase_rate", "1", CHANNEL_UNIT="rad/yr")) is None


def test_candidates_are_ordered_by_what_speaks_for_them(make: Make) -> None:
    by_values = make("Mountains", 300, 4000)
    by_name = make("dem", 300, 4000)
    by_file = make("a", 300, 4000, "dem", "m")
    made = make("b", 300, 4000)
    made.setCustomProperty(ROLE_PROPERTY, "dem")
    make("slope", 0, 60)
    assert candidates("dem") == [made, by_file, by_name, by_values]
    assert candidates("coherence") == []


def test_a_coherence_of_one_pair_comes_after_that_of_the_scene(make: Make) -> None:
    pair = make("20200101_20200113 coherence", 0, 1)
    scene = make("coherence", 0, 1)
    assert candidates("coherence") == [scene, pair]


def test_the_reason_is_told(make: Make) -> None:
    guess = guesses(make("velocity", -50, 50, unit="mm/yr"))["los_rate"]
    assert "mm/yr" in guess.reason and "name" in guess.reason


def test_a_file_that_vanished_or_broke_is_guessed_by_its_name(make: Make) -> None:
    layer = make("dem", 300, 4000)
    Path(layer.source()).write_bytes(b"not a raster")
    assert guess_role(layer) == "dem"
    Path(layer.source()).unlink()
    assert guess_role(layer) == "dem"


def _vector(fields: str, name: str = "layer") -> QgsVectorLayer:
    layer = QgsVectorLayer(f"Polygon?crs=EPSG:32648&{fields}", name, "memory")
    QgsProject.instance().addMapLayer(layer)
    return layer


def test_areas_classical_areas_and_sites_by_their_fields(qgis_new_project: None) -> None:
    areas = "&".join(f"field={name}:double" for name in ("area_km2", "probability_mean", "los_rate_mean"))
    assert guess_role(_vector(areas)) == "areas"
    classical = _vector(areas)
    feature = QgsFeature(classical.fields())
    feature.setAttributes([1.0, None, 3.0])
    classical.dataProvider().addFeature(feature)
    assert guess_role(classical) == "classical"
    assert guess_role(_vector("field=area_km2:double&field=seen_from:string")) == "areas"
    assert guess_role(_vector("field=uid:string&field=stratum:string&field=look_for:string")) == "sites"
    assert guess_role(_vector("field=name:string", "areas")) is None


def test_layers_without_a_file_have_no_role(qgis_new_project: None) -> None:
    layer: QgsMapLayer = QgsRasterLayer("type=xyz&url=https://example.org/{z}/{x}/{y}.png", "dem", "wms")
    assert guess_role(layer) is None
