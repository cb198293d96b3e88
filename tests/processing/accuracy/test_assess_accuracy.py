"""adamapper:assessaccuracy through processing.run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import ogr, osr
from qgis.core import QgsProcessingException, QgsVectorLayer

from csv_tables import table_of
from recording_feedback import Feedback
from small_rasters import CRS, write

EDGE, TOP, PIXEL = 500000.0, 3500000.0, 30.0


def polygons(path: Path, boxes: list[tuple[int, int, int, int]]) -> str:
    """A GeoPackage of rectangles (first row, last row, first column, last column, in pixels)."""
    reference = osr.SpatialReference()
    reference.SetFromUserInput(CRS)
    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    layer = source.CreateLayer("areas", reference, ogr.wkbPolygon)
    for top, bottom, left, right in boxes:
        xs, ys = (EDGE + left * PIXEL, EDGE + right * PIXEL), (TOP - top * PIXEL, TOP - bottom * PIXEL)
        ring = ", ".join(
            f"{x} {y}" for x, y in zip((xs[0], xs[1], xs[1], xs[0], xs[0]), (*ys[:1] * 2, *ys[1:] * 2, ys[0]))
        )
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POLYGON (({ring}))"))
        layer.CreateFeature(feature)
    source = None
    return str(path)


@pytest.fixture
def scene(tmp_path):
    """One true area found, one missed, one found that is none; the rates stand out in the true ones."""
    probability = np.full((120, 100), 0.02, np.float32)
    probability[10:20, 30:40] = 0.9
    probability[80:90, 60:70] = 0.9
    rate = np.random.default_rng(0).normal(0, 1, (120, 100)).astype(np.float32)
    rate[10:20, 30:40] -= 40
    rate[50:60, 10:20] -= 30
    tags = {"THRESHOLD": "0.6", "LOW_THRESHOLD": "0.4", "MIN_AREA": "5000"}
    return {
        "PROBABILITY": write(tmp_path / "probability.tif", probability, "probability", "1", **tags),
        "LOS_RATE": write(tmp_path / "los_rate.tif", rate, "los_rate", "mm/yr", SIGN="toward"),
        "TRUE_AREAS": polygons(tmp_path / "true.gpkg", [(10, 20, 30, 40), (50, 60, 10, 20)]),
    }


def test_a_map_is_assessed_with_report_table_and_layer(run, tmp_path, scene):
    outputs = {"REPORT": str(tmp_path / "report.html"), "FIGURES": str(tmp_path / "figures.csv"),
               "JUDGED_AREAS": str(tmp_path / "judged.gpkg")}  # fmt: skip
    result = run("assessaccuracy", {**scene, **outputs})
    assert (result["AREA_RECALL"], result["AREA_PRECISION"]) == (0.5, 0.5)
    assert (result["IOU"], result["PRECISION"], result["RECALL"]) == pytest.approx((100 / 300, 0.5, 0.5))
    assert result["FALSE_ALARMS"] == pytest.approx(100 / (120 * 100 * 900 / 1e6))
    assert result["CLASSICAL_AREA_RECALL"] == 1
    layer = QgsVectorLayer(outputs["JUDGED_AREAS"])
    results = sorted(feature["result"] for feature in layer.getFeatures())
    assert results == ["false alarm", "hit", "hit as found", "miss"]
    assert layer.renderer().type() == "categorizedSymbol"
    assert layer.renderer().classAttribute() == "result"
    missed = next(feature for feature in layer.getFeatures() if feature["result"] == "miss")
    assert missed["los_rate"] == pytest.approx(30, abs=3)
    assert missed["area_km2"] == pytest.approx(0.09, rel=2e-3)
    rows = table_of(outputs["FIGURES"])
    chosen = [row for row in rows if (row["section"], row["figure"]) == ("threshold", "chosen")]
    assert [float(row["value"]) for row in chosen] == [0.6]
    assert "classical detector" in Path(outputs["REPORT"]).read_text("utf-8")


def test_polygons_alone_are_assessed_and_what_is_missing_is_said(run, tmp_path, scene):
    feedback = Feedback()
    found = polygons(tmp_path / "found.gpkg", [(11, 20, 30, 40)])
    result = run("assessaccuracy", {"AREAS": found, "TRUE_AREAS": scene["TRUE_AREAS"]}, feedback)
    assert (result["AREA_RECALL"], result["AREA_PRECISION"], result["FALSE_ALARMS"]) == (0.5, 1.0, None)
    assert result["IOU"] == pytest.approx(90 / 200, rel=0.01)
    assert result["BRIER_SCORE"] is None and result["CLASSICAL_IOU"] is None
    assert "LOS rate" in feedback.log and "How much ground" in feedback.log


def test_thresholds_of_the_user_win(run, scene):
    result = run("assessaccuracy", {**scene, "THRESHOLD": 0.95, "LOW_THRESHOLD": 0.95})
    assert (result["AREA_RECALL"], result["AREA_PRECISION"]) == (0, None)


def test_errors_say_what_to_do_and_leave_nothing(run, tmp_path, scene):
    report = tmp_path / "report.html"
    with pytest.raises(QgsProcessingException, match="nothing to judge"):
        run("assessaccuracy", {"TRUE_AREAS": scene["TRUE_AREAS"], "REPORT": str(report)})
    with pytest.raises(QgsProcessingException, match="without the heading"):
        run("assessaccuracy", {**scene, "INCIDENCE": 39, "REPORT": str(report)})
    with pytest.raises(QgsProcessingException, match="cancelled"):
        run("assessaccuracy", {**scene, "REPORT": str(report)}, Feedback(cancel_at=50))
    with pytest.raises(QgsProcessingException, match="be used as probability"):
        run("assessaccuracy", {**scene, "PROBABILITY": scene["LOS_RATE"], "REPORT": str(report)})
    assert not report.exists()
