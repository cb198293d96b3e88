"""What fails in GDAL is told the same way however the process has its exceptions, and the process keeps its way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from osgeo import gdal, ogr, osr

from ada_mapper.core import gdal_errors
from ada_mapper.core.errors import InputError, OutputError
from ada_mapper.core.gdal_errors import gdal_raises, is_raising
from ada_mapper.core.raster import Band, BandDescription, BandReader, Grid, RasterWriter, open_raster, spatial_reference
from ada_mapper.core.vectors import read_polygons
from gdal_watch import switches

MODULES = (gdal, ogr, osr)
GRID = Grid("EPSG:32632", (500000, 30, 0, 5000000, 0, -30), 400, 300)


@pytest.fixture
def switched_off() -> Iterator[None]:
    """The process without exceptions, which newer QGIS has switched on when its Processing was imported before."""
    at_first = [module for module, is_on in zip(MODULES, switches()) if is_on]
    for module in reversed(at_first):
        module.DontUseExceptions()
    yield
    for module in at_first:
        module.UseExceptions()


@pytest.fixture(params=[(), (gdal,), (ogr, gdal), MODULES], ids=["none", "gdal", "ogr and gdal", "all"])
def switched_on(request, switched_off) -> Iterator[tuple[bool, ...]]:
    """The process with exceptions of some of the modules switched on, in this order, as another plugin may have it."""
    for module in request.param:
        module.UseExceptions()
    before = switches()
    yield before
    after = switches()
    for module in reversed(request.param):
        module.DontUseExceptions()
    assert after == before


def test_a_block_raises_and_leaves_the_process_as_it_was(switched_on):
    with gdal_raises():
        assert all(switches()) and is_raising()
        with pytest.raises(RuntimeError):
            gdal.Open("no such file.tif")
        with pytest.raises(RuntimeError):
            ogr.CreateGeometryFromWkt("POLYGON ((")
        with gdal_raises():
            pass
        with pytest.raises(RuntimeError):
            osr.SpatialReference().SetFromUserInput("no such CRS")
    assert switches() == switched_on and not is_raising()


def test_a_block_that_fails_leaves_the_process_as_it_was(switched_on):
    with pytest.raises(RuntimeError), gdal_raises():
        gdal.Open("no such file.tif")
    assert switches() == switched_on


def test_a_block_raises_though_somebody_switched_exceptions_off_meanwhile(switched_off):
    with gdal_raises():
        for module in reversed(MODULES):
            module.DontUseExceptions()
        with gdal_raises(), pytest.raises(RuntimeError):
            gdal.Open("no such file.tif")
    assert not any(switches())


def test_blocks_of_several_threads_end_with_the_last(switched_on):
    started, may_end = threading.Barrier(9), threading.Barrier(9)
    failures = []

    def work(turn: int) -> None:
        with gdal_raises():
            started.wait(10)
            try:
                gdal.Open(f"no such file {turn}.tif")
            except RuntimeError:
                failures.append(turn)
            may_end.wait(10)

    threads = [threading.Thread(target=work, args=(turn,)) for turn in range(8)]
    for thread in threads:
        thread.start()
    started.wait(10)
    may_end.wait(10)
    for thread in threads:
        thread.join()
    assert sorted(failures) == list(range(8)) and switches() == switched_on


def test_newer_gdal_turns_the_switch_of_the_thread():
    """GDAL 3.7 and later: its own managers, entered once, left after the pending error, which they would raise."""
    told = []

    def module(name: str) -> SimpleNamespace:
        manager = SimpleNamespace(
            __enter__=lambda: told.append(f"{name} on"), __exit__=lambda *_: told.append(f"{name} back")
        )
        return SimpleNamespace(ExceptionMgr=lambda: manager, ErrorReset=lambda: told.append("reset"))

    with pytest.raises(KeyError), gdal_errors._in_this_thread((module("gdal"), module("ogr"))):
        told.append("work")
        raise KeyError
    assert told == ["gdal on", "ogr on", "work", "reset", "ogr back", "gdal back"]


@pytest.fixture
def damaged(tmp_path) -> str:
    """A raster whose file was cut in half."""
    path = tmp_path / "damaged.tif"
    with RasterWriter(path, GRID, [BandDescription("rate")], compress=False) as writer:
        writer.write(np.random.default_rng(1).normal(size=(300, 400)).astype(np.float32))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return str(path)


def test_failures_of_reading_are_told(switched_on, damaged, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        open_raster("no such file.tif")
    with BandReader(damaged) as reader, pytest.raises(InputError, match="can't be read to its end"):
        reader.read()
    text = tmp_path / "text.gpkg"
    text.write_text("no vectors")
    with pytest.raises(InputError, match="can't be read as a vector file"):
        read_polygons(text)
    with pytest.raises(InputError, match="isn't known here"):
        spatial_reference("no such CRS")
    with pytest.raises(InputError, match="has no band 7"):
        BandReader(Band(damaged, 7))


def test_failures_of_writing_are_told(switched_on, tmp_path):
    with pytest.raises(OutputError, match="can't be written"):
        RasterWriter(tmp_path / "no folder" / "rate.tif", GRID, [BandDescription("rate")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_is_told(switched_on, tmp_path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with (
            pytest.raises(OutputError, match="can't be written"),
            RasterWriter(tmp_path / "rate.tif", GRID, [BandDescription("rate")], compress=False) as writer,
        ):
            writer.write(np.ones((300, 400), np.float32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_can_be_read_but_warns_is_read(switched_on, tmp_path):
    """Warnings of GDAL are no errors, in a block or not."""
    path = tmp_path / "rate.tif"
    with RasterWriter(path, GRID, [BandDescription("rate")]) as writer:
        writer.write(np.ones((300, 400), np.float32))
    with gdal_raises():
        gdal.Error(gdal.CE_Warning, 1, "a warning")
        assert open_raster(path).RasterCount == 1


def test_unprotected_calls_are_seen(watched_gdal):
    """The watch that all tests stand under."""
    spatial_reference("EPSG:32632")
    assert not watched_gdal
    spatial_reference.__wrapped__("EPSG:32632")
    assert {place.split(":")[0] for place in watched_gdal} == {"raster/crs.py"}
    watched_gdal.clear()
