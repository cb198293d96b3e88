"""Areas: exact polygons of pixels, hysteresis, sizes, attributes, faults."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from osgeo import gdal, ogr, osr

from ada_mapper.core.areas import FIELDS, Area, AreaRules, components, extract_areas, rules_for
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandDescription, Grid, RasterWriter, write_array
from ada_mapper.core.vectors import polygonize, vector_memory
from examples import examples

UTM = Grid("EPSG:32648", (500_000.0, 30.0, 0.0, 3_000_000.0, 0.0, -30.0), 40, 30)
ALL = AreaRules(threshold=0.5, low_threshold=0.5, min_area=0)


def grid_for(values: np.ndarray, like: Grid = UTM) -> Grid:
    return replace(like, width=values.shape[1], height=values.shape[0])


def raster(path: Path, values: np.ndarray, like: Grid = UTM, name: str = "probability", unit: str = "1") -> Path:
    write_array(path, grid_for(values, like), values.astype(np.float32), BandDescription(name, unit))
    return path


def geometry(area: Area) -> ogr.Geometry:
    return ogr.CreateGeometryFromWkb(area.geometry)


def numbers(area: Area) -> dict[str, float]:
    return {name: value for name, value in area.attributes.items() if isinstance(value, (int, float))}


def pixels(values: np.ndarray, like: Grid = UTM) -> float:
    return float(values.sum()) * like.transform[1] * -like.transform[5]


def rasterized(areas: tuple[Area, ...], grid: Grid) -> np.ndarray:
    """The number of areas that cover each pixel's centre."""
    covered = np.zeros((grid.height, grid.width), int)
    for area in areas:
        target = gdal.GetDriverByName("MEM").Create("", grid.width, grid.height, 1, gdal.GDT_Byte)
        target.SetGeoTransform(grid.transform)
        source = vector_memory()
        layer = source.CreateLayer("area", None, ogr.wkbMultiPolygon)
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(geometry(area))
        layer.CreateFeature(feature)
        gdal.RasterizeLayer(target, [1], layer, burn_values=[1])
        covered += target.ReadAsArray()
    return covered


def extract(mask: np.ndarray, smooth: bool = False) -> tuple[Area, ...]:
    with tempfile.TemporaryDirectory() as folder:
        return extract_areas(raster(Path(folder) / "p.tif", mask), replace(ALL, smooth=smooth))


def check_polygons(mask: np.ndarray, areas: tuple[Area, ...]) -> None:
    for area in areas:
        assert geometry(area).GetGeometryName() == "MULTIPOLYGON"
        assert geometry(area).IsValid()
    assert sum(geometry(area).GetArea() for area in areas) == pytest.approx(pixels(mask), rel=1e-12)
    np.testing.assert_array_equal(rasterized(areas, grid_for(mask)), mask)


def test_ten_by_ten_pixels_have_the_area_of_a_hundred() -> None:
    mask = np.zeros((30, 40), bool)
    mask[5:15, 20:30] = True
    (area,) = extract(mask)
    assert geometry(area).GetArea() == 100 * 900
    assert geometry(area).GetEnvelope() == (500_600, 500_900, 2_999_550, 2_999_850)
    # The scale of UTM on its central meridian is 0.9996, so the ground is a little larger than the map.
    assert area.attributes["area_km2"] == pytest.approx(0.09 / 0.9996**2, rel=2e-5)
    assert area.attributes["elongation"] == pytest.approx(1.0, rel=1e-9)


def test_holes_are_kept_and_an_island_in_a_hole_is_its_own_area() -> None:
    mask = np.zeros((20, 20), bool)
    mask[2:18, 2:18] = True
    mask[5:15, 5:15] = False
    mask[8:12, 8:12] = True
    ring, island = extract(mask)
    check_polygons(mask, (ring, island))
    assert geometry(ring).GetArea() == 156 * 900
    polygon = geometry(ring)
    assert polygon.GetGeometryRef(0).GetGeometryCount() == 2
    assert geometry(island).GetArea() == 16 * 900
    assert (ring.attributes["id"], island.attributes["id"]) == (1, 2)


def test_a_ring_whose_centroid_lies_outside_gets_a_point_inside() -> None:
    mask = np.zeros((20, 20), bool)
    mask[2:18, 2:18] = True
    mask[4:16, 4:16] = False
    (ring,) = extract(mask)
    to_map = osr.CoordinateTransformation(*(_reference(code) for code in (4326, 32648)))
    x, y, _ = to_map.TransformPoint(ring.attributes["longitude"], ring.attributes["latitude"])
    assert geometry(ring).Contains(ogr.CreateGeometryFromWkt(f"POINT ({x} {y})"))


def _reference(code: int) -> osr.SpatialReference:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


CHECKERBOARD = np.indices((6, 7)).sum(axis=0) % 2 == 0
SELF_TOUCHING = np.array([[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0]], bool)
HOLES_THAT_TOUCH = np.array([[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]], bool)
OUTER_RING_THAT_TOUCHES_ITSELF = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], bool)


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize(
    "mask",
    [CHECKERBOARD, np.eye(9, dtype=bool), SELF_TOUCHING, HOLES_THAT_TOUCH, OUTER_RING_THAT_TOUCHES_ITSELF],
)
def test_pixels_that_touch_at_corners_are_one_valid_area(mask: np.ndarray, smooth: bool) -> None:
    areas = extract(mask, smooth)
    assert len(areas) == 1
    assert geometry(areas[0]).IsValid()
    if not smooth:
        check_polygons(mask, areas)


MASKS = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.booleans())


@examples(60)
@given(MASKS)
def test_polygons_rasterize_back_to_the_mask(mask: np.ndarray) -> None:
    check_polygons(mask, extract(mask))


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.6, 0.8])
def test_large_ragged_areas_are_valid(share: float, smooth: bool) -> None:
    mask = np.random.default_rng(7).random((150, 150)) < share
    areas = extract(mask, smooth)
    assert all(geometry(area).IsValid() for area in areas)
    total = sum(geometry(area).GetArea() for area in areas)
    assert total == pytest.approx(pixels(mask), rel=0.2 if smooth else 1e-12)


@examples(60)
@given(MASKS)
def test_smoothed_polygons_are_valid_do_not_overlap_and_cover_the_same_pixels(mask: np.ndarray) -> None:
    areas = extract(mask, smooth=True)
    np.testing.assert_array_equal(rasterized(areas, grid_for(mask)), mask)
    union = ogr.Geometry(ogr.wkbMultiPolygon)
    for area in areas:
        assert geometry(area).IsValid()
        for part in geometry(area):
            union.AddGeometry(part)
    assert union.IsValid()


def test_smoothing_keeps_the_area_and_rounds_the_corners() -> None:
    rows, columns = np.indices((60, 60))
    mask = np.hypot(rows - 30, columns - 30) < 20
    (exact,), (smooth,) = extract(mask), extract(mask, smooth=True)
    assert geometry(smooth).GetArea() == pytest.approx(geometry(exact).GetArea(), rel=1e-3)
    assert geometry(smooth).Boundary().Length() < 0.95 * geometry(exact).Boundary().Length()
    assert smooth.attributes == exact.attributes


def test_components_join_across_blocks_of_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    values = rng.random((600, 50)).astype(np.float32)
    path = raster(tmp_path / "p.tif", values)
    slope = raster(tmp_path / "s.tif", rng.random((600, 50)) * 40, name="slope", unit="degree")
    dem = raster(tmp_path / "d.tif", rng.random((600, 50)) * 900, name="dem", unit="m")
    rules = AreaRules(0.9, 0.62, 10_000)
    whole = extract_areas(path, rules, slope=slope, dem=dem)
    monkeypatch.setattr(components, "rows_per_block", lambda grid: 7)
    by_blocks = extract_areas(path, rules, slope=slope, dem=dem)
    assert len(whole) > 20
    assert sorted(area.geometry for area in by_blocks) == sorted(area.geometry for area in whole)
    for one, other in zip(whole, by_blocks):
        assert numbers(one) == pytest.approx(numbers(other), rel=1e-6)


def test_hysteresis_keeps_low_pixels_only_beside_high_ones(tmp_path: Path) -> None:
    values = np.full((10, 20), 0.1, np.float32)
    values[2:6, 2:6] = 0.35
    values[3, 3] = 0.5
    values[2:6, 12:16] = 0.45
    (area,) = extract_areas(raster(tmp_path / "p.tif", values), AreaRules(0.5, 0.3, 0))
    assert geometry(area).GetArea() == 16 * 900
    assert area.attributes["probability_max"] == 0.5
    assert area.attributes["probability_mean"] == pytest.approx((15 * 0.35 + 0.5) / 16)


def test_nodata_belongs_to_no_area(tmp_path: Path) -> None:
    values = np.full((10, 10), np.nan, np.float32)
    values[2:5, 2:5] = 0.9
    (area,) = extract_areas(raster(tmp_path / "p.tif", values), ALL)
    assert geometry(area).GetArea() == 9 * 900


def test_small_areas_are_left_out_by_their_size_on_the_ground(tmp_path: Path) -> None:
    # On 60° north a pixel of Web Mercator is only half as long, and a quarter as large, as it claims.
    mercator = Grid("EPSG:3857", (0.0, 30.0, 0.0, 8_399_737.0, 0.0, -30.0), 1, 1)
    values = np.zeros((20, 20))
    values[5:15, 5:15] = 1
    path = raster(tmp_path / "p.tif", values, mercator)
    (area,) = extract_areas(path, AreaRules(min_area=22_000))
    assert area.attributes["area_km2"] == pytest.approx(0.0225, rel=0.01)
    assert extract_areas(path, AreaRules(min_area=23_000)) == ()


def test_a_cell_of_degrees_has_its_area_on_the_ellipsoid(tmp_path: Path) -> None:
    grid = Grid("EPSG:4326", (10.0, 0.01, 0.0, 45.05, 0.0, -0.01), 1, 1)
    (area,) = extract_areas(raster(tmp_path / "p.tif", np.ones((10, 10)), grid), ALL)
    # A tenth of a degree square around 45° north on WGS 84 (quad area by Snyder 1987, eq. 3-12).
    e = 0.0818191908426215
    sines = np.sin(np.radians([44.95, 45.05]))
    q = (1 - e**2) * (sines / (1 - e**2 * sines**2) - np.log((1 - e * sines) / (1 + e * sines)) / (2 * e))
    expected = 6378137.0**2 / 2 * np.radians(0.1) * (q[1] - q[0]) / 1e6
    assert area.attributes["area_km2"] == pytest.approx(expected, rel=1e-5)
    assert (area.attributes["longitude"], area.attributes["latitude"]) == pytest.approx((10.05, 45.0))


def test_attributes_of_known_layers(tmp_path: Path) -> None:
    rows, columns = np.indices((30, 40)).astype(np.float32)
    values = np.zeros((30, 40))
    values[10:20, 5:35] = 0.8
    rate = columns - 25
    rate[15, 20] = np.nan
    slope = np.where(rows == 12, 40.0, 20.0)
    # The ground falls to the south-east: 3 m a pixel eastward, 3 m a pixel southward.
    dem = 1000 - 3 * rows - 3 * columns
    (area,) = extract_areas(
        raster(tmp_path / "p.tif", values),
        orbit="ascending",
        los_rate=raster(tmp_path / "r.tif", rate, name="los_rate", unit="mm/yr"),
        slope=raster(tmp_path / "s.tif", slope, name="slope", unit="degree"),
        dem=raster(tmp_path / "d.tif", dem, name="dem", unit="m"),
    )
    inside = rate[10:20, 5:35]
    found = area.attributes
    assert list(found) == [field.name for field in FIELDS]
    assert (found["id"], found["orbit"]) == (1, "ascending")
    assert found["los_rate_mean"] == pytest.approx(np.nanmean(inside))
    assert found["los_rate_extreme"] == -20
    assert (found["slope_min"], found["slope_max"]) == (20, 40)
    assert found["slope_mean"] == pytest.approx(22)
    assert (found["elevation_min"], found["elevation_max"]) == (1000 - 57 - 102, 1000 - 30 - 15)
    assert found["elevation_range"] == 114
    assert found["aspect"] == pytest.approx(135, abs=0.01)
    assert found["elongation"] == pytest.approx(3)
    to_degrees = osr.CoordinateTransformation(_reference(32648), _reference(4326))
    expected = to_degrees.TransformPoint(500_000 + 20 * 30, 3_000_000 - 15 * 30)[:2]
    assert (found["longitude"], found["latitude"]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("east", "south", "aspect"), [(0, -5, 180), (0, 5, 0), (-5, 0, 90), (5, 0, 270)])
def test_aspect_is_the_downhill_direction(tmp_path: Path, east: float, south: float, aspect: float) -> None:
    rows, columns = np.indices((12, 12))
    dem = raster(tmp_path / "d.tif", 500 + east * columns + south * rows, name="dem", unit="m")
    (area,) = extract_areas(raster(tmp_path / "p.tif", np.ones((12, 12))), ALL, dem=dem)
    difference = (area.attributes["aspect"] - aspect + 180) % 360 - 180
    # True north lies up to 0.001° off the columns so near the zone's meridian.
    assert difference == pytest.approx(0, abs=2e-3)


def test_flat_ground_faces_nowhere_and_missing_layers_give_none(tmp_path: Path) -> None:
    path = raster(tmp_path / "p.tif", np.ones((12, 12)))
    flat = raster(tmp_path / "d.tif", np.full((12, 12), 7.0), name="dem", unit="m")
    empty = raster(tmp_path / "s.tif", np.full((12, 12), np.nan), name="slope", unit="degree")
    (area,) = extract_areas(path, ALL, slope=empty, dem=flat)
    assert area.attributes["aspect"] is None
    assert area.attributes["elevation_range"] == 0
    assert area.attributes["slope_mean"] is None
    assert area.attributes["los_rate_mean"] is None
    assert area.attributes["los_rate_extreme"] is None


@pytest.mark.parametrize(
    ("unit", "factor"), [("mm/yr", 1), ("m/yr", 1000), ("", 1), ("cm/year", 10), ("m/a", 1000), ("mm/day", 365.25)]
)
def test_rates_are_told_in_millimetres(tmp_path: Path, unit: str, factor: float) -> None:
    rate = raster(tmp_path / "r.tif", np.full((9, 9), -0.5), name="los_rate", unit=unit)
    (area,) = extract_areas(raster(tmp_path / "p.tif", np.ones((9, 9))), ALL, los_rate=rate)
    assert area.attributes["los_rate_extreme"] == pytest.approx(-0.5 * factor)


def test_an_unknown_unit_of_rates_is_taken_as_millimetres_and_told(tmp_path: Path) -> None:
    rate = raster(tmp_path / "r.tif", np.full((9, 9), -0.5), name="los_rate", unit="furlong/day")
    said: list[str] = []
    progress = Progress(on_warning=said.append)
    (area,) = extract_areas(raster(tmp_path / "p.tif", np.ones((9, 9))), ALL, los_rate=rate, progress=progress)
    assert area.attributes["los_rate_mean"] == -0.5
    assert len(said) == 1 and "r.tif" in said[0] and "furlong/day" in said[0]


def undeclared(path: Path, values: np.ndarray) -> Path:
    """A raster that says nothing about nodata."""
    with RasterWriter(path, grid_for(values), [BandDescription("layer")], nodata=None) as writer:
        writer.write(values.astype(np.float32))
    return path


def test_undeclared_nodata_is_in_no_attribute_and_told(tmp_path: Path) -> None:
    heights, rates = np.full((9, 9), 500.0), np.full((9, 9), -20.0)
    heights[0, 0], rates[4:], rates[0, 0] = -32768, 0, -9999
    said: list[str] = []
    (area,) = extract_areas(
        raster(tmp_path / "p.tif", np.ones((9, 9))),
        ALL,
        los_rate=undeclared(tmp_path / "r.tif", rates),
        dem=undeclared(tmp_path / "d.tif", heights),
        progress=Progress(on_info=said.append),
    )
    assert area.attributes["elevation_min"] == 500
    assert area.attributes["los_rate_mean"] == area.attributes["los_rate_extreme"] == -20
    assert sum("doesn't declare as no data" in message for message in said) == 3


def test_undeclared_nodata_of_a_probability_is_no_area(tmp_path: Path) -> None:
    values = np.full((9, 9), -9999.0)
    values[2:5, 2:5] = 0.9
    (area,) = extract_areas(undeclared(tmp_path / "p.tif", values), ALL)
    assert area.attributes["probability_mean"] == pytest.approx(0.9)


@pytest.mark.parametrize("elsewhere", ["EPSG:32648", "EPSG:32610"])
def test_a_layer_of_another_place_is_told(tmp_path: Path, elsewhere: str) -> None:
    far = replace(UTM, crs=elsewhere, transform=(700_000.0, 30.0, 0.0, 4_000_000.0, 0.0, -30.0))
    dem = raster(tmp_path / "d.tif", np.ones((9, 9)), like=far, name="dem", unit="m")
    said: list[str] = []
    (area,) = extract_areas(
        raster(tmp_path / "p.tif", np.ones((9, 9))), ALL, dem=dem, progress=Progress(on_warning=said.append)
    )
    assert area.attributes["elevation_min"] is None
    assert len(said) == 1 and "d.tif: the DEM has no data below any area" in said[0]


def test_elevations_in_feet_are_told_in_metres(tmp_path: Path) -> None:
    dem = raster(tmp_path / "d.tif", np.full((9, 9), 1000.0), name="dem", unit="ft")
    (area,) = extract_areas(raster(tmp_path / "p.tif", np.ones((9, 9))), ALL, dem=dem)
    assert area.attributes["elevation_max"] == pytest.approx(304.8)


def test_a_layer_in_radians_is_no_los_rate(tmp_path: Path) -> None:
    rate = raster(tmp_path / "r.tif", np.ones((9, 9)), name="phase_rate", unit="rad/yr")
    with pytest.raises(InputError, match=r"r\.tif can't be used as LOS rate: its unit is “rad/yr”"):
        extract_areas(raster(tmp_path / "p.tif", np.ones((9, 9))), ALL, los_rate=rate)


def test_layers_of_another_grid_and_crs_are_read_on_the_probability_grid(tmp_path: Path) -> None:
    values = np.zeros((40, 40))
    values[10:20, 10:20] = 1
    corner = osr.CoordinateTransformation(_reference(32648), _reference(4326)).TransformPoint(500_000, 3_000_000)
    step = 0.0001
    degrees = Grid("EPSG:4326", (corner[0] - 0.002, step, 0.0, corner[1] + 0.002, 0.0, -step), 1, 1)
    # A rate that grows by 1000 mm/yr a degree of longitude; one degree there is about 99.4 km.
    longitude = degrees.transform[0] + (np.arange(200) + 0.5) * step
    rate = np.tile((longitude - corner[0]) * 1000, (200, 1))
    path = raster(tmp_path / "r.tif", rate, degrees, "los_rate", "mm/yr")
    (area,) = extract_areas(raster(tmp_path / "p.tif", values), ALL, los_rate=path)
    expected = (area.attributes["longitude"] - corner[0]) * 1000
    assert area.attributes["los_rate_mean"] == pytest.approx(expected, abs=0.02)


def test_elongation_follows_an_oblique_strip(tmp_path: Path) -> None:
    rows, columns = np.indices((300, 300))
    along, across = (rows + columns - 299) / np.sqrt(2), (rows - columns) / np.sqrt(2)
    strip = (abs(along) < 120) & (abs(across) < 30)
    (area,) = extract(strip)
    assert area.attributes["elongation"] == pytest.approx(4, rel=0.02)


def test_no_area_is_a_result(tmp_path: Path) -> None:
    assert extract_areas(raster(tmp_path / "p.tif", np.full((9, 9), 0.2))) == ()
    assert extract_areas(raster(tmp_path / "q.tif", np.ones((2, 2))), AreaRules(min_area=1e6)) == ()


def test_values_that_are_no_probability(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"p\.tif can't be used as probability: its numbers reach from 1 to 70"):
        extract_areas(raster(tmp_path / "p.tif", np.array([[1.0, 70.0]])))
    with pytest.raises(InputError, match=r"can't be used as probability: its numbers reach from -0[.]5"):
        extract_areas(raster(tmp_path / "q.tif", np.array([[-0.5, 0.5]])))


def test_a_raster_without_any_data(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"p\.tif holds no data"):
        extract_areas(raster(tmp_path / "p.tif", np.full((9, 9), np.nan)))


def test_a_raster_without_crs(tmp_path: Path) -> None:
    path = raster(tmp_path / "p.tif", np.ones((9, 9)), replace(UTM, crs=""))
    with pytest.raises(InputError, match=r"p\.tif has no coordinate reference system"):
        extract_areas(path)


@pytest.mark.parametrize("numbers", [(0.3, 0.5, 0), (1.5, 0.3, 0), (0.5, 0.0, 0), (0.5, 0.3, -1)])
def test_impossible_rules(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(InputError):
        AreaRules(*numbers)


def test_rules_come_from_the_user_then_the_model_then_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "p.tif"
    description = BandDescription("probability", "1", (("THRESHOLD", "0.7"), ("MIN_AREA", "900")))
    with RasterWriter(path, grid_for(np.ones((4, 4))), [description]) as writer:
        writer.write(np.ones((4, 4), np.float32))
    assert rules_for(path) == AreaRules(0.7, 0.3, 900)
    assert rules_for(path, threshold=0.2, min_area=0, smooth=True) == AreaRules(0.2, 0.2, 0, True)
    assert rules_for(raster(tmp_path / "q.tif", np.ones((4, 4)))) == AreaRules()


@pytest.mark.parametrize("after", range(0, 16, 3))
def test_cancelling_leaves_no_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    path = raster(tmp_path / "p.tif", np.random.default_rng(0).random((64, 64)))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(components, "rows_per_block", lambda grid: 16)
    asked = 0

    def is_cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(CancelledError):
        extract_areas(path, ALL, progress=Progress(is_cancelled=is_cancelled))
    assert list(scratch.iterdir()) == []


def test_progress_rises_to_the_end(tmp_path: Path) -> None:
    fractions: list[float] = []
    path = raster(tmp_path / "p.tif", np.random.default_rng(0).random((64, 64)))
    extract_areas(path, ALL, progress=Progress(on_fraction=fractions.append))
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


@pytest.mark.parametrize("fault", ["cancelled", "failed"])
def test_the_labels_are_closed_when_polygons_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of memory")

    mask = raster(tmp_path / "labels.tif", np.ones((4, 5)))
    if fault == "failed":
        monkeypatch.setattr(gdal, "Polygonize", fail)
    stops = Progress(is_cancelled=lambda: fault == "cancelled")
    with pytest.raises((RuntimeError, CancelledError)) as caught:
        polygonize(mask, 1, stops)
    held = [value for entry in caught.traceback for value in entry.frame.f_locals.values()]
    assert held and not any(isinstance(value, (gdal.Band, gdal.Dataset)) and value.GetDescription() for value in held)


@given(st.integers(0, 10_000), st.sampled_from([1, 3, 20]))
def test_areas_of_an_array_are_those_of_the_raster(seed: int, least: int) -> None:
    """The same pixels count: 8-connected, with a seed, large enough."""
    values = np.random.default_rng(seed).random((40, 30))
    candidates, seeds = values > 0.6, values > 0.9

    class Whole:
        grid = grid_for(values)

        def read(self, first: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
            return candidates[first : first + rows], seeds[first : first + rows]

    found = components.find_components(Whole(), least, Progress())
    expected = np.concatenate([labels for _, labels in found.blocks()]) > 0
    np.testing.assert_array_equal(components.counting_pixels(candidates, seeds, least), expected)
    _, count = components.labelled(expected)
    assert count == found.count
