"""The files that a source is made of, however it is written."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, ogr

from ada_mapper.core.sources import (
    files_of,
    files_that_are_read,
    identities,
    layers_in,
    linked_into,
    local_files,
    written_with,
)
from small_rasters import write


@pytest.fixture
def rate(tmp_path: Path) -> Path:
    return Path(write(tmp_path / "los rate.tif", np.ones((4, 4), np.float32), "los_rate", "mm/yr"))


@pytest.mark.parametrize(
    "source",
    [
        "{}",
        "{}|option:NUM_THREADS=1",
        "{}|layername=areas|subset=id > 3",
        "{}?crs=EPSG:32648",
        'NETCDF:"{}":los',
        "NETCDF:{}:los",
        'HDF5:"{}"://science/grids',
        "GTIFF_DIR:1:{}",
        "ogr:dbname='{}' table=\"areas\" (geom)",
        "dbname='{}' table=\"areas\" (geom) sql=",
        "vrt://{}?bands=1",
        '<VRTDataset><SourceFilename relativeToVRT="0">{}</SourceFilename></VRTDataset>',
    ],
)
def test_the_file_of_a_source_is_found(rate: Path, source: str) -> None:
    assert local_files(source.format(rate)) == [rate]


def test_a_url_and_an_archive_are_files(rate: Path, tmp_path: Path) -> None:
    assert local_files(rate.as_uri()) == [rate]
    assert local_files(f"{rate.as_uri()}?delimiter=,&xField=x") == [rate]
    archive = tmp_path / "pairs.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(rate, "inner/rate.tif")
    for source in (f"/vsizip/{archive}/inner/rate.tif", f"/vsizip/{{{archive}}}/inner/rate.tif"):
        assert local_files(source) == [archive]


@pytest.mark.parametrize(
    "source",
    [
        "",
        "memory:",
        "/vsimem/rate.tif",
        "/vsicurl/https://host/rate.tif",
        "dbname='survey' host=server port=5432",
        "type=xyz&url=https://host/{z}/{x}/{y}.png",
        "x" * 10_000,
        "a\0b",
    ],
)
def test_what_is_no_file_on_disk_has_none(source: str) -> None:
    assert local_files(source) == [] and files_of(source) == frozenset()


def test_a_vrt_of_vrts_is_made_of_all_their_files(rate: Path, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    inner, outer = tmp_path / "deep" / "inner.vrt", tmp_path / "outer.vrt"
    gdal.BuildVRT(str(inner), [str(rate)]).FlushCache()
    gdal.BuildVRT(str(outer), [str(inner)]).FlushCache()
    assert {rate, inner, outer} <= {path.resolve() for path in files_of(str(outer))}
    assert {rate, inner, outer} == {path.resolve() for path in files_that_are_read(str(outer))}
    vector = tmp_path / "areas.vrt"
    vector.write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource relativeToVRT="1">{rate.name}</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>"
    )
    assert rate in files_of(str(vector))


def test_a_vrt_of_itself_comes_to_an_end(tmp_path: Path) -> None:
    circle = tmp_path / "circle.vrt"
    circle.write_text('<VRTDataset><SourceFilename relativeToVRT="1">circle.vrt</SourceFilename></VRTDataset>')
    assert files_of(str(circle)) == {circle} == set(files_that_are_read(str(circle)))


def test_what_belongs_to_a_file_is_found_beside_it(rate: Path) -> None:
    beside = [rate.with_name(rate.name + ending) for ending in (".aux.xml", ".ovr", ".msk")]
    beside.append(rate.with_suffix(".qml"))
    for path in beside:
        path.write_text("")
    rate.with_name("other.qml").write_text("")
    assert files_of(str(rate)) == {rate, *beside}


def test_writing_a_layer_makes_the_files_of_its_format() -> None:
    names = {path.name for path in written_with(Path("areas.shp"), True)}
    assert {"areas.shp", "areas.shx", "areas.dbf", "areas.prj", "areas.qml"} <= names
    assert written_with(Path("report.html"), False) == (Path("report.html"),)


def test_the_layers_of_a_file_without_those_of_qgis(tmp_path: Path) -> None:
    file = tmp_path / "survey.gpkg"
    dataset = ogr.GetDriverByName("GPKG").CreateDataSource(str(file))
    for name in ("sites", "areas", "layer_styles"):
        dataset.CreateLayer(name, geom_type=ogr.wkbNone if name == "layer_styles" else ogr.wkbPoint)
    dataset = None
    assert set(layers_in(file)) == {"sites", "areas"}
    assert [path.name for path in tmp_path.iterdir()] == ["survey.gpkg"]
    file.write_text("no database")
    assert layers_in(file) == ()


def test_links_are_the_file_that_they_lead_to(rate: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pairs" / "deep"
    folder.mkdir(parents=True)
    assert linked_into(tmp_path / "pairs", rate) is None
    (folder / "circle").symlink_to(tmp_path / "pairs")
    (folder / "soft.tif").symlink_to(rate)
    assert linked_into(tmp_path / "pairs", rate) == folder / "soft.tif"
    (folder / "soft.tif").unlink()
    os.link(rate, folder / "hard.tif")
    assert linked_into(tmp_path / "pairs", rate) == folder / "hard.tif"
    assert identities([rate]).keys() == identities([folder / "hard.tif"]).keys()
