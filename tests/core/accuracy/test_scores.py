"""Accuracy: the paper's own numbers, known sets of polygons, intervals."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from osgeo import gdal, ogr, osr
from scipy.special import ndtri

from ada_mapper.core.accuracy import (
    Confusion,
    ObjectScores,
    confusion,
    f1_score,
    match_areas,
    pixel_scores,
    tile_scores,
    wilson_interval,
)
from ada_mapper.core.accuracy.matching import MATCH_IOU, matched_areas
from ada_mapper.core.accuracy.tile_scores import tile_objects
from ada_mapper.core.areas import Area, outlines_of
from ada_mapper.core.errors import InputError
from ada_mapper.core.raster import EQUAL_AREA_CRS
from ada_mapper.core.vectors import read_polygons
from examples import examples

# Wu et al. 2024, Tables 5 and 6: IoU, precision, recall, F1 in percent.
PUBLISHED = [
    (54.61, 82.57, 61.73, 70.65),
    (90.25, 95.55, 94.21, 94.88),
    (93.88, 97.43, 96.27, 96.85),
    (93.63, 97.39, 96.04, 96.71),
    (94.03, 97.26, 96.58, 96.92),
    (94.23, 97.34, 96.72, 97.03),
    (94.49, 97.41, 96.93, 97.41),
    (51.04, 80.82, 58.08, 67.59),
    (71.82, 84.84, 82.40, 83.60),
    (75.17, 88.54, 83.28, 85.83),
    (75.20, 87.36, 84.38, 85.84),
    (75.84, 88.96, 83.72, 86.26),
    (76.75, 88.20, 85.53, 86.84),
    (84.59, 93.09, 90.26, 91.65),
]
WITH_A_WRONG_F1 = 6


def _implied_iou(precision: float, recall: float) -> float:
    """The intersection over union that precision and recall of the same pixels imply; 0 where both are 0."""
    return precision * recall / (precision + recall - precision * recall or 1)


@pytest.mark.parametrize("row", range(len(PUBLISHED)))
def test_published_scores_follow_from_precision_and_recall(row: int) -> None:
    iou, precision, recall, f1 = PUBLISHED[row]
    # Both rounded to 0.01 %, so what follows from them is sure to about as much.
    assert 100 * _implied_iou(precision / 100, recall / 100) == pytest.approx(iou, abs=0.02)
    computed = 100 * f1_score(precision / 100, recall / 100)
    if row == WITH_A_WRONG_F1:
        assert computed == pytest.approx(97.17, abs=0.01)
        assert abs(computed - f1) > 0.2
    else:
        assert computed == pytest.approx(f1, abs=0.011)


def test_scores_of_a_small_matrix() -> None:
    truth = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], bool)
    predicted = np.array([1, 1, 1, 0, 1, 1, 0, 0, 0, 0], bool)
    counts = confusion(predicted, truth)
    assert counts == Confusion(3, 2, 1, 4)
    scores = pixel_scores(counts)
    assert (scores.iou, scores.precision, scores.recall) == (3 / 6, 3 / 5, 3 / 4)
    assert scores.f1 == pytest.approx(2 / 3)
    assert confusion(predicted, truth, counted=np.arange(10) < 4) == Confusion(3, 0, 1, 0)


def test_pooling_adds_pixels_and_does_not_average_scores() -> None:
    pooled = Confusion(1, 0, 0, 9) + Confusion(0, 9, 0, 1)
    assert pooled == Confusion(1, 9, 0, 10)
    assert pixel_scores(pooled).precision == 0.1


@given(arrays(bool, 30), arrays(bool, 30))
def test_scores_agree_with_each_other(predicted: np.ndarray, truth: np.ndarray) -> None:
    counts = confusion(predicted, truth)
    assert counts.true_positive + counts.false_positive + counts.false_negative + counts.true_negative == 30
    scores = pixel_scores(counts)
    if counts.true_positive:
        assert scores.iou == pytest.approx(_implied_iou(scores.precision, scores.recall))
        assert scores.f1 == pytest.approx(f1_score(scores.precision, scores.recall))


def test_scores_of_nothing_are_unknown() -> None:
    assert math.isnan(pixel_scores(Confusion(0, 0, 3, 1)).precision)
    assert pixel_scores(Confusion(0, 0, 3, 1)).recall == 0
    assert math.isnan(pixel_scores(Confusion(0, 0, 0, 4)).iou)
    assert f1_score(0, 0) == 0


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Confusion(-1, 0, 0, 0)


def test_interval_of_the_field_check() -> None:
    # 52 of 56 areas were confirmed.
    low, high = wilson_interval(52, 56)
    assert (round(100 * low, 1), round(100 * high, 1)) == (83.0, 97.2)
    assert round(100 * 52 / 56, 1) == 92.9


@given(st.integers(0, 100), st.integers(1, 100), st.floats(0.5, 0.999))
def test_interval_solves_its_equation(successes: int, failures: int, confidence: float) -> None:
    trials = successes + failures
    share = successes / trials
    z = ndtri((1 + confidence) / 2)
    for end in wilson_interval(successes, trials, confidence):
        # Wilson's ends are the shares from which the observed one is exactly z standard errors away.
        assert abs(share - end) == pytest.approx(z * math.sqrt(end * (1 - end) / trials), abs=1e-9)


def test_interval_of_extreme_and_impossible_samples() -> None:
    assert wilson_interval(0, 10)[0] == 0
    assert wilson_interval(10, 10)[1] == 1
    assert wilson_interval(0, 0) == (0, 1)
    with pytest.raises(ValueError, match="impossible"):
        wilson_interval(5, 4)


def square(x: float, y: float, width: float = 10, height: float = 10) -> ogr.Geometry:
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
    return ogr.CreateGeometryFromWkt(f"POLYGON (({', '.join(f'{px} {py}' for px, py in corners)}))")


def test_objects_match_by_intersection_over_union() -> None:
    true = [square(0, 0), square(100, 0), square(200, 0), square(300, 0)]
    found = [
        square(0, 0, 6),  # most of the first,
        square(7, 0, 3),  # and the rest of it
        square(109, 0),  # a corner of the second: 10 of 190
        square(205, 0),  # half of the third: 50 of 150
        square(500, 500),
    ]
    scores = match_areas(found, true, 0.1)
    assert scores == ObjectScores(true_count=4, found_count=5, matched_true=2, matched_found=3)
    assert (scores.recall, scores.precision) == (0.5, 0.6)
    assert scores.f1 == pytest.approx(2 * 0.5 * 0.6 / 1.1)
    assert match_areas(found, true, 0.05).matched_true == 3
    assert match_areas(found, true, 1 / 3).matched_true == 2
    assert match_areas(found, true, 0.35).matched_true == 1


def test_areas_too_weak_to_be_judged_are_not_counted():
    found = [square(0, 0), square(50, 50), square(100, 100)]
    scores = match_areas(found, [square(0, 0)], ignored=[square(51, 51), square(1, 1)])
    assert (scores.found_count, scores.matched_found, scores.matched_true) == (2, 1, 1)
    assert scores.precision == 0.5


def test_matches_tell_of_each_area() -> None:
    found = [square(0, 0), square(109, 0), square(200, 0, 5), square(50, 50)]
    true = [square(0, 0, 10, 8), square(100, 0), square(200, 0), square(300, 0)]
    matches = matched_areas(found, true, 0.3, ignored=[square(52, 52)])
    assert matches.found_right == (True, False, True, False)
    assert matches.found_counted == (True, True, True, False)
    assert matches.true_found == (True, False, True, False)
    assert matches.found_iou == pytest.approx((0.8, 10 / 190, 0.5, 0))
    assert matches.true_iou == pytest.approx((0.8, 10 / 190, 0.5, 0))
    assert matches.scores == match_areas(found, true, ignored=[square(52, 52)])
    assert MATCH_IOU == 0.3


@examples(30)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6),
)
def test_matching_is_the_same_both_ways(found: list[tuple[int, int]], true: list[tuple[int, int]]) -> None:
    found_squares, true_squares = [square(*place) for place in found], [square(*place) for place in true]
    ahead, back = matched_areas(found_squares, true_squares), matched_areas(true_squares, found_squares)
    assert (ahead.found_right, ahead.true_found) == (back.true_found, back.found_right)
    assert ahead.found_iou == pytest.approx(back.true_iou)
    for (x, y), iou in zip(found, ahead.found_iou):
        shared = [max(0, 10 - abs(x - other)) * max(0, 10 - abs(y - own)) for other, own in true]
        assert iou == pytest.approx(max((part / (200 - part) for part in shared), default=0))


def test_nothing_found_or_nothing_there() -> None:
    nothing_found = match_areas([], [square(0, 0)])
    assert nothing_found.recall == 0
    assert math.isnan(nothing_found.precision)
    assert math.isnan(match_areas([square(0, 0)], []).recall)
    assert match_areas([square(0, 0)], [square(50, 50)]).f1 == 0
    with pytest.raises(InputError):
        match_areas([], [], 0)
    with pytest.raises(ValueError, match="More areas"):
        ObjectScores(1, 1, 2, 0)


def write_layer(path: Path, wkt: list[str], epsg: int | None = 32648, name: str = "areas") -> Path:
    reference = None
    if epsg is not None:
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(epsg)
    existing = path.exists()
    dataset = (
        gdal.OpenEx(str(path), gdal.OF_VECTOR | gdal.OF_UPDATE)
        if existing
        else gdal.GetDriverByName("GPKG").Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
    )
    layer = dataset.CreateLayer(name, reference, ogr.wkbUnknown)
    for text in wkt:
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromWkt(text))
        layer.CreateFeature(feature)
    return path


SQUARE = "POLYGON ((500000 3000000, 501000 3000000, 501000 3001000, 500000 3001000, 500000 3000000))"
BOW_TIE = "POLYGON ((500000 3000000, 501000 3001000, 501000 3000000, 500000 3001000, 500000 3000000))"


def test_areas_are_read_in_an_equal_area_crs_and_made_valid(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "true.gpkg", [SQUARE, BOW_TIE])
    whole, half = read_polygons(path)
    assert whole.GetGeometryName() == "MULTIPOLYGON"
    assert whole.GetArea() == pytest.approx(1e6 / 0.9996**2, rel=1e-4)
    assert half.IsValid()
    assert half.GetArea() == pytest.approx(whole.GetArea() / 2, rel=1e-4)
    area = Area(bytes(ogr.CreateGeometryFromWkt(SQUARE).ExportToWkb()), {})
    assert match_areas(outlines_of([area], "EPSG:32648").geometries(EQUAL_AREA_CRS), [whole], 0.999).recall == 1


def test_a_layer_is_chosen_by_name(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "two.gpkg", [SQUARE])
    write_layer(path, [SQUARE, SQUARE], name="more")
    assert len(read_polygons(path)) == 1
    assert len(read_polygons(path, layer="more")) == 2
    with pytest.raises(InputError, match="no layer absent"):
        read_polygons(path, layer="absent")


def test_an_empty_layer_has_no_areas(tmp_path: Path) -> None:
    assert read_polygons(write_layer(tmp_path / "empty.gpkg", [])) == []


def test_files_that_are_no_areas(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.gpkg can't be read"):
        read_polygons(tmp_path / "absent.gpkg")
    points = write_layer(tmp_path / "points.gpkg", ["POINT (1 2)"])
    with pytest.raises(InputError, match=r"points\.gpkg holds points or lines"):
        read_polygons(points)
    shapes = tmp_path / "nowhere.shp"
    dataset = gdal.GetDriverByName("ESRI Shapefile").Create(str(shapes), 0, 0, 0, gdal.GDT_Unknown)
    dataset.CreateLayer("nowhere", None, ogr.wkbPolygon)
    dataset = None
    with pytest.raises(InputError, match=r"nowhere\.shp has no coordinate reference system"):
        read_polygons(shapes)


def test_areas_of_a_tile_match_alike_in_a_table_and_in_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where both numbers of areas are large, a table of all pairs would not fit into memory."""
    random = np.random.default_rng(5)
    for share in (0.02, 0.2, 0.5):
        found, label = random.random((64, 64)) < share, (random.random((64, 64)) < share).astype(np.uint8)
        label[10:20, 10:20], found[11:20, 10:21] = 1, True
        counted = random.random((64, 64)) < 0.9
        monkeypatch.setattr(tile_scores, "_FEW_PAIRS", 4_000_000)
        table = tile_objects(found, label, counted, 2)
        monkeypatch.setattr(tile_scores, "_FEW_PAIRS", 0)
        assert tile_objects(found, label, counted, 2) == table
        assert table.matched_true > 0
