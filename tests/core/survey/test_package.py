"""The package's files: a GeoPackage that comes back as it went in, GPX, KML, base maps; and folders in the way."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, ogr

from ada_mapper.core.areas import FIELDS
from ada_mapper.core.errors import InputError, OutputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import Grid, spatial_reference
from ada_mapper.core.survey import (
    FORM_FIELDS,
    SITE_FIELDS,
    SamplingRules,
    Site,
    building,
    completed_sites,
    copy_photos,
    frame_around,
    package,
    sample_sites,
    write_geopackage,
    write_gpx,
    write_hillshade,
    write_image,
    write_kml,
)
from exchange_formats import check_gpx, check_kml
from small_rasters import square_grid, write
from survey_areas import UTM, areas


@pytest.fixture
def some():
    return areas(5, elevation_min=[1200.0], elevation_max=[1350.5], los_rate_extreme=[-31.0], orbit=["ascending"])


@pytest.fixture
def sites(some):
    return sample_sites(some, UTM, SamplingRules(4), UTM).sites


def test_the_geopackage_holds_four_layers_with_the_fields_of_the_form(tmp_path, some, sites):
    answered = Site(
        sites[0].x, sites[0].y, {**sites[0].attributes, "result": "confirmed", "scarp": True, "name": "滑坡一"}
    )
    path = tmp_path / "survey.gpkg"
    write_geopackage(path, [answered, *sites[1:]], UTM, some, FIELDS, UTM)
    dataset = gdal.OpenEx(str(path), gdal.OF_VECTOR)
    assert [dataset.GetLayer(i).GetName() for i in range(4)] == ["sites", "areas", "notes", "tracks"]
    layer = dataset.GetLayerByName("sites")
    definition = layer.GetLayerDefn()
    names = [definition.GetFieldDefn(i).GetName() for i in range(definition.GetFieldCount())]
    assert names == [field.name for field in (*SITE_FIELDS, *FORM_FIELDS)]
    scarp = definition.GetFieldDefn(names.index("scarp"))
    assert scarp.GetSubType() == ogr.OFSTBoolean
    assert definition.GetFieldDefn(names.index("visited_on")).GetType() == ogr.OFTDate
    features = list(layer)
    assert features[0]["name"] == "滑坡一" and features[0]["result"] == "confirmed" and features[0]["scarp"] == 1
    assert features[1]["result"] is None and features[1]["elevation"] == 1275.2
    assert dataset.GetLayerByName("areas").GetFeatureCount() == 5


def test_gpx_and_kml_are_valid(tmp_path, some, sites):
    sites = [Site(one.x, one.y, {**one.attributes, "name": f'{one.attributes["name"]} <滑坡> & "x"'}) for one in sites]
    write_gpx(tmp_path / "sites.gpx", sites)
    write_kml(tmp_path / "sites.kml", sites, some, UTM)
    names = [site.attributes["name"] for site in sites]
    assert check_gpx(tmp_path / "sites.gpx") == names
    assert check_kml(tmp_path / "sites.kml") == [f"Area {number}" for number in range(1, 6)] + names


@pytest.mark.parametrize(
    ("check", "name", "old", "new"),
    [
        (check_gpx, "sites.gpx", "<ele>", "<elevation/><ele>"),
        (check_gpx, "sites.gpx", 'version="1.1"', 'version="1.0"'),
        (check_gpx, "sites.gpx", "<name>", "<sym>x</sym><name>"),
        (check_kml, "sites.kml", "<Point>", "<name>x</name><Point>"),
        (check_kml, "sites.kml", "</coordinates>", " 1;2</coordinates>"),
    ],
)
def test_the_checks_of_gpx_and_kml_find_faults(tmp_path, some, sites, check, name, old, new):
    write_gpx(tmp_path / "sites.gpx", sites)
    write_kml(tmp_path / "sites.kml", sites, some, UTM)
    path = tmp_path / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(AssertionError):
        check(path)


def test_the_hillshade_covers_the_sites_and_is_bounded(tmp_path, some, sites):
    _, columns = np.mgrid[:600, :200]
    grid = Grid(UTM, (497_000.0, 30.0, 0.0, 3_512_000.0, 0.0, -30.0), 200, 600)
    dem = write(tmp_path / "dem.tif", 1000 + 10.0 * columns, "dem", "m", grid)
    frame = frame_around(sites, UTM, some, UTM, 1000)
    write_hillshade(tmp_path / "hillshade.tif", dem, frame, 100)
    shade = Grid.of(tmp_path / "hillshade.tif")
    assert max(shade.width, shade.height) <= 100 and shade.bounds[0] == pytest.approx(499_000)
    assert shade.bounds[2] >= 501_100 and shade.bounds[3] == pytest.approx(frame.bounds[3])
    values = gdal.Open(str(tmp_path / "hillshade.tif")).ReadAsArray()
    # A plane that rises to the east by a third faces away from the light in the north-west less than level ground.
    assert values.dtype == np.uint8 and values.min() > 0 and len(np.unique(values[1:-1, 1:-1])) == 1
    elsewhere = write(tmp_path / "other.tif", np.ones((20, 20)), "dem", "m", square_grid(20, 20, "EPSG:32612"))
    with pytest.raises(InputError, match="does not show the ground"):
        write_hillshade(tmp_path / "no.tif", elsewhere, frame)


def test_markers_in_a_dem_make_no_cliffs_in_its_hillshade(tmp_path, some, sites):
    heights = np.tile(1000 + 10.0 * np.arange(200), (600, 1))
    heights[330:350, 90:110] = -9999
    grid = Grid(UTM, (497_000.0, 30.0, 0.0, 3_512_000.0, 0.0, -30.0), 200, 600)
    dem = write(tmp_path / "dem.tif", heights, "dem", "m", grid)
    said = []
    frame = frame_around(sites, UTM, some, UTM, 1000)
    write_hillshade(tmp_path / "hillshade.tif", dem, frame, progress=Progress(on_info=said.append))
    values = gdal.Open(str(tmp_path / "hillshade.tif")).ReadAsArray()[1:-1, 1:-1]
    # The ground falls as little beside the gap as elsewhere; a cliff of 11 km would be black or white.
    assert set(np.unique(values)) - {0} <= set(range(180, 230)) and 0 < (values == 0).sum() <= 24 * 24
    assert any("is exactly -9999" in line for line in said)
    wave = np.exp(1j * heights)
    dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "wave.tif"), 200, 600, 1, gdal.GDT_CFloat32)
    dataset.SetGeoTransform(grid.transform)
    dataset.SetProjection(spatial_reference(UTM).ExportToWkt())
    dataset.GetRasterBand(1).WriteArray(wave)
    dataset = None
    with pytest.raises(InputError, match=r"wave\.tif holds complex numbers"):
        write_hillshade(tmp_path / "no.tif", str(tmp_path / "wave.tif"), frame)
    assert not (tmp_path / "no.tif").exists()


def test_a_frame_in_degrees_has_square_pixels(some):
    degrees = completed_sites([Site(104.0, 60.0, {})], "EPSG:4326")
    frame = frame_around(degrees, "EPSG:4326", some, UTM, 1000)
    grid = frame.grid(10)
    assert (grid.width, grid.height) == (200, 200)
    assert frame.bounds[2] - frame.bounds[0] == pytest.approx(2 * (frame.bounds[3] - frame.bounds[1]), rel=0.01)


def test_a_picture_keeps_its_colours(tmp_path):
    colours = np.full((40, 60, 3), (200, 30, 60), np.uint8)
    write_image(tmp_path / "base_map.tif", square_grid(40, 60), colours)
    dataset = gdal.Open(str(tmp_path / "base_map.tif"))
    assert dataset.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE") == "YCbCr JPEG"
    assert dataset.ReadAsArray()[:, 20, 30] == pytest.approx((200, 30, 60), abs=6)


def test_a_package_with_records_is_never_written_over(tmp_path, some, sites):
    target = tmp_path / "package"
    with building(target) as folder:
        answered = [Site(one.x, one.y, {**one.attributes, "result": "confirmed"}) for one in sites]
        write_geopackage(folder / package.GEOPACKAGE, answered, UTM, some, FIELDS, UTM)
    before = (target / package.GEOPACKAGE).read_bytes()
    with pytest.raises(OutputError, match="records of 4 visited sites"), building(target):
        pass
    assert (target / package.GEOPACKAGE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["package"]


def test_an_empty_folder_is_taken_and_a_failed_run_leaves_nothing(tmp_path):
    target = tmp_path / "empty"
    target.mkdir()
    with building(target) as folder:
        (folder / "a.txt").write_text("a")
    assert (target / "a.txt").exists()
    with pytest.raises(InputError), building(tmp_path / "other") as folder:
        (folder / "a.txt").write_text("a")
        raise InputError("stopped")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    with pytest.raises(OutputError, match="can't be written"), building(tmp_path / "no" / "such" / "folder"):
        pass


def test_points_of_any_layer_become_sites_with_lasting_keys():
    points = [Site(500_000.0 + 10 * number, 3_500_000.0, {"remark": "x"}) for number in range(3)]
    once, again = completed_sites(points, UTM), completed_sites(points, UTM)
    assert [site.attributes["name"] for site in once] == ["S01", "S02", "S03"]
    assert len({site.attributes["uid"] for site in once}) == 3 and once == again
    with pytest.raises(InputError, match="same uid"):
        completed_sites([once[0], once[0]], UTM)
    with pytest.raises(InputError, match="empty"):
        completed_sites([], UTM)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is a folder that nobody may write in")
def test_a_folder_that_nobody_may_write_in_is_told():
    with pytest.raises(OutputError, match="you may write there"), building("/proc/survey"):
        pass
    with pytest.raises(OutputError, match="can't be copied"):
        copy_photos([], Path("/proc/photos"))


@pytest.mark.parametrize(
    "written, called",
    [
        ("a\x01b\x00c", "abc"), ("a\r\nb\tc", "a b c"), ("x" * 300, "x" * 79 + "…"), ("😀 Ω", "😀 Ω"), ("\ud800s", "s"),
        ("../../etc", "../../etc"), ("<b>&\"']]>", "<b>&\"']]>"), ("CON", "CON"), ("\x02", "S01"),
    ],
)  # fmt: skip
def test_any_name_makes_files_that_others_can_read(tmp_path, written, called):
    site = Site(500_000.0, 3_500_000.0, {"name": written, "look_for": written, "uid": "u"})
    packed = completed_sites([site], UTM)
    assert packed[0].attributes["name"] == called
    write_gpx(tmp_path / "a.gpx", packed)
    write_kml(tmp_path / "a.kml", packed, areas(1), UTM)
    write_geopackage(tmp_path / "a.gpkg", packed, UTM, areas(1), FIELDS, UTM)
    assert check_gpx(tmp_path / "a.gpx") == [called] and check_kml(tmp_path / "a.kml") == [
        "Area 1",
        called.replace("]]>", "]] >"),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gpkg", "a.gpx", "a.kml"]
