"""The assessment of rasters and polygons: known scenes, strata, reliability, regions, blocks of rows."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import ogr

from ada_mapper.core.accuracy import (
    BY_AREA,
    BY_RATE,
    NOT_COUNTED,
    RIGHT,
    UNKNOWN,
    AssessmentData,
    AssessmentOptions,
    Confusion,
    ProbabilityCounts,
    assess,
    confusion,
    figures,
    measuring,
    pixel_scores,
    write_accuracy_csv,
    write_accuracy_report,
)
from ada_mapper.core.accuracy import ground as judged_ground
from ada_mapper.core.accuracy.assessment import FALSE_ALARM, HIT, MISS
from ada_mapper.core.accuracy.figures import CLASSICAL, DOWNHILL, Column, bootstrap_intervals, empty_counts, scores_of
from ada_mapper.core.accuracy.ground import Regions, grid_around, require_one_place
from ada_mapper.core.accuracy.strata import BY_ASPECT, BY_SENSITIVITY
from ada_mapper.core.areas import AreaRules
from ada_mapper.core.errors import CancelledError, InputError, OutputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import Window
from ada_mapper.core.satellite import Viewing
from ada_mapper.core.vectors import Burner, Outlines
from balanced_html import Balanced
from examples import examples
from small_rasters import CRS, square_grid, write

GRID = square_grid(400, 300)


def boxes(*rectangles: tuple[float, float, float, float]) -> Outlines:
    """Rectangles (first row, last row, first column, last column) in pixels of GRID."""
    x, dx, _, y, _, dy = GRID.transform
    polygons = []
    for top, bottom, left, right in rectangles:
        xs, ys = (x + left * dx, x + right * dx), (y + top * dy, y + bottom * dy)
        corners = [(xs[0], ys[0]), (xs[1], ys[0]), (xs[1], ys[1]), (xs[0], ys[1]), (xs[0], ys[0])]
        text = ", ".join(f"{px} {py}" for px, py in corners)
        polygons.append(bytes(ogr.CreateGeometryFromWkt(f"POLYGON (({text}))").ExportToWkb()))
    return Outlines(tuple(polygons), CRS)


TRUE = boxes((10, 20, 10, 20), (100, 140, 100, 120), (300, 304, 200, 204))
FOUND = boxes((10, 20, 10, 18), (200, 210, 50, 60), (350, 360, 250, 260))
IGNORED = boxes((355, 370, 255, 280))


@pytest.fixture
def data(tmp_path: Path) -> AssessmentData:
    """One hit, two misses, one false alarm, one found area on ignored ground, over a plane that falls to the east."""
    probability = np.full((400, 300), 0.05, np.float32)
    probability[390:] = np.nan
    rate = np.random.default_rng(1).normal(0, 0.5, (400, 300)).astype(np.float32)
    rate[10:20, 10:20] = -15.0
    rate[100:140, 100:120] = 60.0
    dem = 5000 - 30 * np.tan(np.radians(30)) * np.arange(300, dtype=np.float32)[None, :] * np.ones((400, 1), np.float32)
    return AssessmentData(
        true=TRUE,
        found=FOUND,
        ignored=IGNORED,
        probability=write(tmp_path / "probability.tif", probability, "probability", "1"),
        los_rate=write(tmp_path / "los_rate.tif", rate, "los_rate", "mm/yr", SIGN="toward"),
        dem=write(tmp_path / "dem.tif", dem, "dem", "m"),
    )


def test_pixels_and_areas_of_a_known_scene(data: AssessmentData) -> None:
    scores = assess(data).found.scores
    true, found, shared = 100 + 800 + 16, 80 + 100 + 75, 80
    # The found area on ignored ground reaches over it by 25 of its 100 pixels, and the rest isn't compared.
    ignored = 15 * 25
    total = 390 * 300 - ignored
    assert scores.confusion == Confusion(shared, found - shared, true - shared, total - true - found + shared)
    assert scores.mapped_km2 == pytest.approx(total * 900 / 1e6)
    assert (scores.objects.true_count, scores.objects.matched_true) == (3, 1)
    assert (scores.objects.found_count, scores.objects.matched_found) == (2, 1)
    assert scores.figures["false_alarms"].value == pytest.approx(100 / scores.mapped_km2)


def test_each_area_tells_what_became_of_it(data: AssessmentData) -> None:
    areas = assess(data).found.areas
    assert [area.result for area in areas] == [HIT, MISS, MISS, RIGHT, FALSE_ALARM, NOT_COUNTED]
    assert areas[0].iou == pytest.approx(0.8, rel=1e-3)
    hit = areas[0].properties
    assert hit.area_km2 == pytest.approx(0.09, rel=2e-3)
    assert hit.los_rate == pytest.approx(15)
    assert hit.aspect == pytest.approx(90, abs=0.01)
    assert hit.place == pytest.approx((15, 15))


def test_the_classical_detector_is_judged_on_the_same_ground(data: AssessmentData) -> None:
    assessment = assess(data)
    assert assessment.classical is not None
    mine, classical = assessment.found.scores, assessment.classical.scores
    assert classical.mapped_km2 == mine.mapped_km2
    counts = classical.confusion
    assert counts.true_positive + counts.false_negative == 916
    assert classical.objects.true_count == 3 and classical.objects.matched_true >= 1
    assert assess(replace(data, los_rate=None)).classical is None
    assert any("classical" in note for note in assess(replace(data, los_rate=None)).notes)


def test_the_better_classical_detector_is_named_and_both_are_judged(data: AssessmentData, tmp_path: Path) -> None:
    """Of the true areas that move, one goes away and one comes nearer; only one of them can move downhill."""
    plain = assess(data).classical
    assert plain is not None
    results = {}
    for share in (-0.5, 0.5):
        # The smaller one, of −15 mm/yr, always moves downhill; the larger one only where it is seen with this sign.
        seen = np.full((400, 300), share, np.float32)
        seen[:50] = -0.5
        path = write(tmp_path / f"seen{share}.tif", seen, "los_sensitivity", "1")
        results[share] = assess(replace(data, los_sensitivity=path))
    for share, assessment in results.items():
        names = [judgement.scores.name for judgement in assessment.judgements]
        assert names == ["areas found", CLASSICAL, DOWNHILL]
        assert assessment.judgements[1].scores == plain.scores
        downhill = assessment.judgements[2].scores
        assert downhill.objects.matched_true == (2 if share > 0 else 1)
        counts = downhill.confusion
        assert counts.true_positive + counts.false_negative == 916
        ious = [judgement.scores.figures["iou"].value for judgement in assessment.judgements[1:]]
        assert assessment.classical.scores.figures["iou"].value == max(ious)
    assert results[-0.5].classical.scores.name == CLASSICAL
    write_accuracy_report(tmp_path / "report.html", results[0.5])
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Classical detector of downhill motion" in page and "That of downhill motion" in page
    write_accuracy_csv(tmp_path / "figures.csv", results[0.5])
    assert DOWNHILL in (tmp_path / "figures.csv").read_text("utf-8")
    assert any("LOS sensitivity" in note for note in assess(data).notes)


def test_a_sensitivity_from_elsewhere_leaves_the_plain_detector(data: AssessmentData, tmp_path: Path) -> None:
    elsewhere = replace(GRID, transform=(800_000.0, 30.0, 0.0, 3_500_000.0, 0.0, -30.0))
    path = write(tmp_path / "v.tif", np.full((400, 300), 0.5, np.float32), "los_sensitivity", "1", elsewhere)
    assessment = assess(replace(data, los_sensitivity=path))
    assert [judgement.scores.name for judgement in assessment.judgements] == ["areas found", CLASSICAL]
    assert any("of downhill motion can't stand beside" in note for note in assessment.notes)


def test_areas_by_rate_size_and_orientation(data: AssessmentData) -> None:
    strata = {(s.classes.key, s.label): s.objects for s in assess(data).found.strata}
    assert strata["los_rate", "10–20"].recall == 1
    assert (strata["los_rate", "above 50"].true_count, strata["los_rate", "above 50"].matched_true) == (1, 0)
    assert strata["los_rate", "below 5"].found_count == 1  # the false alarm
    assert strata["area_km2", "below 0.02"].true_count == 1
    assert strata["area_km2", "above 0.2"].true_count == 1
    assert strata["aspect", "east"].true_count == 3
    assert not any(key == BY_SENSITIVITY.key for key, _ in strata)
    for key in ("los_rate", "area_km2", "aspect"):
        assert sum(objects.true_count for (own, _), objects in strata.items() if own == key) == 3
        assert sum(objects.found_count for (own, _), objects in strata.items() if own == key) == 2


def test_orientation_follows_the_line_of_sight(data: AssessmentData, tmp_path: Path) -> None:
    # A descending satellite flying south looks west: on a slope that falls to the east it sees motion come toward it.
    viewing = Viewing(180.0, 40.0)
    seen = assess(replace(data, viewing=viewing)).found.areas[0].properties.los_sensitivity
    descent = np.array([math.cos(math.radians(30)), 0.0, -math.sin(math.radians(30))])
    assert seen == pytest.approx(float(descent @ np.array(viewing.to_satellite)), abs=1e-4)
    given = write(tmp_path / "sensitivity.tif", np.full((400, 300), -0.6, np.float32), "los_sensitivity", "1")
    strata = assess(replace(data, viewing=viewing, los_sensitivity=given)).found.strata
    assert {s.label for s in strata if s.classes is BY_SENSITIVITY and s.objects.true_count} == {"0.5–0.75"}
    assert not any(s.classes is BY_ASPECT for s in strata)


def test_classes_hold_their_lower_limit() -> None:
    class Measured:
        los_rate, area_km2, los_sensitivity, aspect = 10.0, 0.2, -0.75, 337.4

    assert BY_RATE.of(Measured) == "10–20"
    assert BY_AREA.of(Measured) == "above 0.2"
    assert BY_SENSITIVITY.of(Measured) == "above 0.75"
    assert BY_ASPECT.of(Measured) == "north-west"
    Measured.aspect, Measured.los_rate = 337.6, math.nan
    assert BY_ASPECT.of(Measured) == "north"
    assert BY_RATE.of(Measured) == UNKNOWN


def test_blocks_of_rows_give_what_the_whole_gives(data: AssessmentData, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = assess(data)
    monkeypatch.setattr(judged_ground, "rows_per_block", lambda grid: 37)
    monkeypatch.setattr(measuring, "_BLOCK_PIXELS", 37)
    blocks = assess(data)
    assert blocks.found.scores.confusion == whole.found.scores.confusion
    assert blocks.found.scores.objects == whole.found.scores.objects
    assert blocks.found.scores.mapped_km2 == pytest.approx(whole.found.scores.mapped_km2, rel=1e-12)
    assert blocks.found.scores.figures["iou"] == whole.found.scores.figures["iou"]
    # NaN equals itself in this form.
    assert repr(blocks.found.areas) == repr(whole.found.areas)
    assert blocks.reliability.pixels == whole.reliability.pixels
    assert blocks.reliability.brier == pytest.approx(whole.reliability.brier, rel=1e-12)
    assert repr(blocks.curve) == repr(whole.curve)


def test_an_inventory_dissolved_to_one_polygon_is_told(data: AssessmentData) -> None:
    parts = ogr.Geometry(ogr.wkbMultiPolygon)
    for polygon in boxes(*((row, row + 10, 10, 20) for row in range(10, 110, 20))).polygons:
        parts.AddGeometry(ogr.CreateGeometryFromWkb(polygon))
    notes = assess(replace(data, true=Outlines((bytes(parts.ExportToWkb()),), CRS))).notes
    assert any("Multipart to singleparts" in note and "5" in note for note in notes)
    assert not any("Multipart" in note for note in assess(data).notes)


def test_areas_come_from_the_probability_where_none_are_given(data: AssessmentData, tmp_path: Path) -> None:
    values = np.full((400, 300), 0.05, np.float32)
    values[10:20, 10:20] = 0.9
    path = write(tmp_path / "other.tif", values, "probability", "1", THRESHOLD="0.8", LOW_THRESHOLD="0.7", MIN_AREA="0")
    assessment = assess(replace(data, found=None, probability=path))
    assert assessment.threshold == 0.8
    assert assessment.found.scores.objects.matched_true == 1
    assert assessment.found.scores.figures["precision"].value == 1
    strict = assess(replace(data, found=None, probability=path), AssessmentOptions(AreaRules(0.95, 0.95, 0)))
    assert strict.found.scores.objects.found_count == 0
    assert math.isnan(strict.found.scores.figures["precision"].value)


def test_only_the_mapped_extent_counts(data: AssessmentData) -> None:
    assessment = assess(replace(data, extent=boxes((0, 150, 0, 300))))
    assert assessment.found.scores.mapped_km2 == pytest.approx(150 * 300 * 900 / 1e6)
    results = [area.result for area in assessment.found.areas]
    assert results == [HIT, MISS, NOT_COUNTED, RIGHT, NOT_COUNTED, NOT_COUNTED]
    assert any("1 true areas" in note for note in assessment.notes)


def test_polygons_alone_are_compared() -> None:
    assessment = assess(AssessmentData(true=TRUE, found=FOUND))
    scores = assessment.found.scores
    assert scores.figures["iou"].value == pytest.approx(80 / (916 + 280 - 80), rel=0.01)
    assert scores.objects.recall == pytest.approx(1 / 3)
    assert math.isnan(scores.figures["false_alarms"].value)
    assert assessment.reliability is None and assessment.curve is None
    known = assess(AssessmentData(true=TRUE, found=FOUND, extent=boxes((0, 400, 0, 300))))
    assert known.found.scores.mapped_km2 == pytest.approx(400 * 300 * 900 / 1e6, rel=2e-3)


def test_inputs_that_cannot_be_judged(data: AssessmentData, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to judge"):
        AssessmentData(true=TRUE)
    with pytest.raises(InputError, match="No ground can be judged"):
        assess(replace(data, extent=boxes((1000, 1100, 0, 300))))
    with pytest.raises(InputError, match="can't be used as probability: its unit is “mm/yr”"):
        assess(replace(data, probability=data.los_rate))
    with pytest.raises(InputError, match="true areas holds no polygons"):
        AssessmentData(true=Outlines((), CRS), found=FOUND)
    with pytest.raises(InputError, match="seed -1 is negative"):
        AssessmentOptions(seed=-1)
    for side in (0.0, -5.0, math.nan, math.inf):
        with pytest.raises(InputError, match="are impossible"):
            AssessmentOptions(region_metres=side)
    with pytest.raises(InputError, match="between 0 and 1"):
        AssessmentOptions(min_iou=0)
    with pytest.raises(CancelledError):
        assess(data, progress=Progress(is_cancelled=lambda: True))


def test_no_true_area_on_the_mapped_ground_is_warned_of_and_gives_no_iou(data: AssessmentData) -> None:
    warnings: list[str] = []
    extent = boxes((0, 200, 0, 300))
    true = boxes((300, 310, 100, 110))
    judged = assess(replace(data, true=true, extent=extent), progress=Progress(on_warning=warnings.append))
    values = judged.found.scores.figures
    for key in ("iou", "recall", "f1", "object_recall"):
        assert math.isnan(values[key].value)
    assert values["object_precision"].value == 0
    assert "No true area lies on the mapped ground: recall and IoU can't be told." in warnings
    assert all(warning in judged.notes for warning in warnings)


def moved(outlines: Outlines, east: float, north: float) -> Outlines:
    """The outlines somewhere else, in metres of their CRS."""
    polygons = []
    for polygon in outlines.polygons:
        geometry = ogr.CreateGeometryFromWkb(polygon)
        points = ", ".join(f"{x + east} {y + north}" for x, y, *_ in geometry.GetGeometryRef(0).GetPoints())
        polygons.append(bytes(ogr.CreateGeometryFromWkt(f"POLYGON (({points}))").ExportToWkb()))
    return Outlines(tuple(polygons), outlines.crs)


@pytest.mark.parametrize(("east", "north"), [(1e6, 0.0), (0.0, -2e6), (3e5, 3e5)])
def test_areas_far_from_the_true_ones_are_refused(east: float, north: float) -> None:
    """On one grid they would be judged on nothing but empty ground."""
    with pytest.raises(InputError, match=r"The true areas lie \d+ km from the areas found") as caught:
        assess(AssessmentData(true=TRUE, found=moved(FOUND, east, north)))
    said = float(str(caught.value).split(" lie ")[1].split(" km")[0])
    assert said == pytest.approx(math.hypot(east, north) / 1000, rel=0.08)


def test_areas_on_both_sides_of_the_date_line_are_one_place() -> None:
    box = "POLYGON(({0} 10, {1} 10, {1} 10.1, {0} 10.1, {0} 10))"
    west, east = (
        Outlines((bytes(ogr.CreateGeometryFromWkt(box.format(*sides)).ExportToWkb()),), "EPSG:4326")
        for sides in ((179.9, 179.95), (-179.99, -179.95))
    )
    require_one_place(west, east)
    with pytest.raises(InputError, match="km from"):
        require_one_place(west, moved(east, 10.0, 0.0))


@pytest.mark.parametrize("name", ["true", "found"])
def test_a_layer_of_another_place_than_the_rasters_is_refused(data: AssessmentData, name: str) -> None:
    elsewhere = moved(getattr(data, name), 50_000.0, 0.0)
    said = "true areas" if name == "true" else "areas found"
    with pytest.raises(InputError, match=rf"None of the {said} \({len(elsewhere.polygons)}\) lies on the ground"):
        assess(replace(data, **{name: elsewhere}))


def test_ignored_ground_elsewhere_is_warned_of(data: AssessmentData) -> None:
    warnings: list[str] = []
    ignored = moved(IGNORED, 0.0, 90_000.0)
    judged = assess(replace(data, ignored=ignored), progress=Progress(on_warning=warnings.append))
    assert "None of the ignored ground lies on the ground that was mapped: nothing is ignored for it." in warnings
    assert judged.found.scores.objects == assess(replace(data, ignored=None)).found.scores.objects


def test_areas_that_never_touch_are_warned_of() -> None:
    warnings: list[str] = []
    progress = Progress(on_warning=warnings.append)
    assert assess(AssessmentData(true=TRUE, found=boxes((50, 60, 50, 60))), progress=progress).found
    assert [
        text for text in warnings if text.startswith("None of the areas found (1) touches any of the true areas (3)")
    ]
    warnings.clear()
    nothing = assess(AssessmentData(true=TRUE, found=Outlines((), CRS)), progress=progress)
    assert nothing.found.scores.figures["object_recall"].value == 0
    assert "There are no areas found: all true areas count as missed." in warnings


def test_outlines_that_cover_nothing_are_left_out() -> None:
    line = bytes(ogr.CreateGeometryFromWkt("POLYGON ((500000 3000000, 500100 3000100, 500000 3000000))").ExportToWkb())
    warnings: list[str] = []
    true = Outlines((*TRUE.polygons, line), CRS)
    judged = assess(AssessmentData(true=true, found=FOUND), progress=Progress(on_warning=warnings.append))
    plain = assess(AssessmentData(true=TRUE, found=FOUND)).found.scores
    assert (judged.found.scores.confusion, judged.found.scores.objects) == (plain.confusion, plain.objects)
    assert warnings == ["Of the true areas, 1 cover no ground and are left out."]
    with pytest.raises(InputError, match=r"None of the|no polygons"):
        assess(AssessmentData(true=Outlines((line,), CRS), found=FOUND))


def test_regions_are_never_too_many_to_count_with() -> None:
    warnings: list[str] = []
    options = AssessmentOptions(region_metres=0.001)
    judged = assess(AssessmentData(true=TRUE, found=FOUND), options, Progress(on_warning=warnings.append))
    assert judged.found.scores.regions <= judged_ground.MOST_REGIONS
    assert warnings[0].startswith("Regions of 1e-06 km would be too many on this ground: they are ")
    plain = assess(AssessmentData(true=TRUE, found=FOUND))
    assert judged.found.scores.confusion == plain.found.scores.confusion


def test_intervals_stop_when_they_are_cancelled() -> None:
    counts = np.ones((1000, len(Column)))
    asked: list[int] = []
    progress = Progress(is_cancelled=lambda: len(asked) == 3 or asked.append(1) is not None)
    with pytest.raises(CancelledError):
        bootstrap_intervals(counts, 1, progress)
    assert len(asked) == 3


def test_intervals_of_many_regions_are_those_of_one_draw_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.random.default_rng(2).integers(0, 50, (40, len(Column))).astype(float)
    whole = bootstrap_intervals(counts, 7)
    monkeypatch.setattr(figures, "_WEIGHTS_AT_ONCE", 1)
    for key, ends in bootstrap_intervals(counts, 7).items():
        assert ends == pytest.approx(whole[key], rel=1e-12)


def test_the_report_is_whole_and_the_table_holds_its_figures(data: AssessmentData, tmp_path: Path) -> None:
    assessment = assess(replace(data, viewing=Viewing(190, 39)))
    write_accuracy_report(tmp_path / "report.html", assessment, {"True areas": "<inventory>"})
    page = (tmp_path / "report.html").read_text("utf-8")
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert parser.seen.count("path") >= 6 and "image" in parser.seen
    assert "&lt;inventory&gt;" in page and "nan" not in "".join(parser.text)
    assert page.count("<h2>") == page.count("</h2>") == 9
    write_accuracy_csv(tmp_path / "figures.csv", assessment)
    rows = list(csv.DictReader((tmp_path / "figures.csv").read_text("utf-8").splitlines()))
    figures = {(r["detector"], r["figure"]): r["value"] for r in rows if r["section"] == "figures"}
    assert float(figures["areas found", "iou"]) == pytest.approx(80 / (916 + 255 - 80), rel=1e-5)
    assert figures["areas found", "true_positive"] == "80"
    assert ("classical detector", "iou") in figures
    with pytest.raises(OutputError):
        write_accuracy_report(tmp_path / "absent" / "report.html", assessment)
    assert sorted(path.name for path in tmp_path.glob("*.part")) == []


# The parts


def test_perfectly_calibrated_probabilities_lie_on_the_diagonal() -> None:
    random = np.random.default_rng(5)
    probability = random.random((1000, 1000), np.float32)
    truth = random.random((1000, 1000)) < probability
    counts = ProbabilityCounts()
    for rows in np.array_split(np.arange(1000), 7):
        counts.add(probability[rows], truth[rows], np.ones((len(rows), 1000), bool))
    reliability = counts.reliability()
    assert reliability.observed == pytest.approx(reliability.mean_probability, abs=0.006)
    assert reliability.calibration_error < 0.003
    # The expected squared difference is that of p(1 − p) over uniform p.
    assert reliability.brier == pytest.approx(1 / 6, abs=0.001)
    # IoU at threshold t is (1 − t²)/2 over (1 + (1 − t)²)/2 … , highest below 0.5.
    expected = [(1 - t**2) / (1 + (1 - t) ** 2) for t in counts.curve().thresholds]
    assert [score.iou for score in counts.curve().scores] == pytest.approx(expected, abs=0.005)
    assert counts.curve().best == pytest.approx(counts.curve().thresholds[int(np.argmax(expected))], abs=0.03)


def test_overconfident_probabilities_are_told() -> None:
    counts = ProbabilityCounts()
    truth = np.arange(1000).reshape(10, 100) % 2 == 0
    counts.add(np.where(truth, 0.95, 0.95).astype(np.float32), truth, np.ones((10, 100), bool))
    reliability = counts.reliability()
    assert reliability.calibration_error == pytest.approx(0.45)
    assert reliability.brier == pytest.approx((0.05**2 + 0.95**2) / 2)
    assert math.isnan(reliability.observed[0]) and reliability.pixels[9] == 1000
    assert ProbabilityCounts().reliability() is None


@pytest.mark.parametrize("threshold", [0.01, 0.29, 0.3, 0.57, 0.99])
def test_curve_is_what_thresholding_gives(threshold: float) -> None:
    random = np.random.default_rng(6)
    probability = random.random((50, 60)).astype(np.float32).round(2)
    truth, counted = random.random((2, 50, 60)) < 0.4
    counts = ProbabilityCounts()
    counts.add(probability, truth, counted)
    direct = pixel_scores(confusion(probability >= np.float32(threshold), truth, counted))
    assert counts.curve().at(threshold) == direct


def region_counts(*pixels: tuple[int, int, int]) -> np.ndarray:
    """Counts of regions by (true positive, false positive, false negative) pixels, each with 1 km²."""
    counts = empty_counts(len(pixels))
    counts[:, :3] = pixels
    counts[:, Column.MAPPED_KM2] = 1
    return counts


def test_equal_regions_leave_no_doubt_and_one_region_leaves_all() -> None:
    figures = scores_of("x", region_counts(*[(60, 20, 20)] * 12)).figures
    assert (figures["iou"].low, figures["iou"].value, figures["iou"].high) == pytest.approx((0.6, 0.6, 0.6))
    alone = scores_of("x", region_counts((60, 20, 20))).figures["iou"]
    assert alone.value == 0.6 and math.isnan(alone.low) and math.isnan(alone.high)


@examples(15)
@given(st.lists(st.tuples(*[st.integers(1, 200)] * 3), min_size=5, max_size=30), st.integers(0, 5))
def test_intervals_hold_the_figure_and_repeat_by_seed(pixels: list[tuple[int, int, int]], seed: int) -> None:
    counts = region_counts(*pixels)
    first, again = scores_of("x", counts, seed), scores_of("x", counts, seed)
    assert repr(first) == repr(again)  # NaN equals itself in this form
    for key in ("iou", "precision", "recall", "f1"):
        value, low, high = first.figures[key]
        assert 0 <= low <= high <= 1
        each = [scores_of("y", counts[index : index + 1]).figures[key].value for index in range(len(counts))]
        assert min(each) - 1e-9 <= low and high <= max(each) + 1e-9
        assert min(each) - 1e-9 <= value <= max(each) + 1e-9


def test_interval_of_a_mean_has_the_width_that_theory_gives() -> None:
    random = np.random.default_rng(7)
    hits = random.binomial(100, 0.7, 200)
    counts = region_counts(*[(int(hit), 0, int(100 - hit)) for hit in hits])
    value, low, high = scores_of("x", counts).figures["recall"]
    expected = 2 * 1.96 * np.std(hits / 100) / math.sqrt(200)
    assert high - low == pytest.approx(expected, rel=0.1)
    assert low < value < high


def test_no_false_alarm_is_not_certainty() -> None:
    figure = scores_of("x", region_counts(*[(9, 1, 1)] * 20)).figures["false_alarms"]
    # 3.69 is the mean of which a Poisson count is 0 in 2.5 % of the cases.
    assert (figure.value, figure.low) == (0, 0)
    assert figure.high == pytest.approx(100 * 3.689 / 20, rel=1e-3)


def test_a_figure_that_few_regions_tell_about_has_no_interval() -> None:
    counts = region_counts((5, 0, 5), *[(0, 3, 0)] * 9)
    low, high = bootstrap_intervals(counts, 1)["recall"]
    assert math.isnan(low) and math.isnan(high)


def test_regions_cover_each_pixel_once() -> None:
    regions = Regions(GRID, 5000.0)
    assert regions.shape == (3, 2)
    everything = regions.sums(np.ones((400, 300), bool), 0)
    assert everything.sum() == 400 * 300
    assert everything[0] == 167 * 167
    assert regions.at(0, 0) == 0 and regions.at(399, 299) == 5 and regions.at(-4, 1000) == 1
    parts = sum(regions.sums(np.ones((100, 300), bool), first) for first in range(0, 400, 100))
    assert parts.tolist() == everything.tolist()
    weighted = regions.sums(np.ones((400, 300), bool), 0, np.full(400, 0.5))
    assert weighted.sum() == 60000


def test_polygons_are_burned_by_pixel_centres_in_any_window() -> None:
    burner = Burner(boxes((10.4, 20.6, 5, 15), (300, 310, 290, 400)), GRID)
    whole = burner.mask(Window(0, 0, 300, 400))
    assert whole.sum() == 11 * 10 + 10 * 10
    assert whole[10, 5] and not whole[9, 5] and whole[20, 14] and not whole[21, 14]
    assert np.array_equal(burner.mask(Window(3, 8, 20, 30)), whole[8:38, 3:23])
    assert burner.window(1) == Window(290, 300, 10, 10)


def test_a_grid_around_polygons_holds_them_all() -> None:
    grid = grid_around([TRUE, FOUND])
    assert grid.pixel_size == pytest.approx(10)
    assert Burner(TRUE, grid).mask(Window(0, 0, grid.width, grid.height)).sum() == pytest.approx(916 * 9, rel=0.01)
    assert grid_around([Outlines((), CRS)]) is None
