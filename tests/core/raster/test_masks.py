"""Masks, alpha bands, declared values that were rounded, and what is no measure at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from ada_mapper.core.errors import InputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import (
    HEIGHTS,
    Band,
    BandReader,
    Grid,
    Restatement,
    ValueRange,
    checked_band,
    open_raster,
    write_restated,
)

HEIGHT, WIDTH = 40, 50
HIDDEN = np.zeros((HEIGHT, WIDTH), bool)
HIDDEN[10:20, 10:25] = True
GRID = Grid("EPSG:32632", (500000.0, 30.0, 0.0, 5000000.0, 0.0, -30.0), WIDTH, HEIGHT)
MOVED = Grid(GRID.crs, (500010.0, 30.0, 0.0, 4999990.0, 0.0, -30.0), WIDTH - 1, HEIGHT - 1)


def stored(path: Path, values: np.ndarray, kind: int, nodata: float | None = None, hidden_by: str = "") -> None:
    """A GeoTIFF whose HIDDEN pixels are hidden by nothing, by an "alpha" band, or by a mask "inside" or "beside"."""
    alpha = hidden_by == "alpha"
    options = ["ALPHA=YES"] if alpha else []
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), WIDTH, HEIGHT, 2 if alpha else 1, kind, options)
    dataset.SetGeoTransform(GRID.transform)
    dataset.SetProjection(GRID.crs)
    band = dataset.GetRasterBand(1)
    if nodata is not None:
        band.SetNoDataValue(nodata)
    band.WriteArray(values)
    shown = np.where(HIDDEN, 0, 255).astype(np.uint8)
    if alpha:
        dataset.GetRasterBand(2).WriteArray(shown)
    elif hidden_by:
        gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES" if hidden_by == "inside" else "NO")
        dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
        gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", None)
        band.GetMaskBand().WriteArray(shown)


@pytest.mark.parametrize("kind", [gdal.GDT_Float32, gdal.GDT_UInt16], ids=["float32", "uint16"])
@pytest.mark.parametrize("how", ["inside", "beside", "alpha"])
def test_what_a_mask_hides_is_no_data(tmp_path: Path, how: str, kind: int) -> None:
    values = np.where(HIDDEN, 900, 7).astype(np.float32)
    values[30] = 1
    stored(tmp_path / "dem.tif", values, kind, nodata=1, hidden_by=how)
    assert (tmp_path / "dem.tif.msk").exists() == (how == "beside")
    expected = np.where(HIDDEN, np.nan, 7)
    expected[30] = np.nan
    with BandReader(tmp_path / "dem.tif") as reader:
        np.testing.assert_array_equal(reader.read(), expected)
        assert set(np.unique(reader.sample(20)[np.isfinite(reader.sample(20))])) == {7}
    with BandReader(tmp_path / "dem.tif", MOVED) as reader:
        assert reader.is_resampled
        # A pixel whose middle is hidden has no value; the others have that of the ground around.
        resampled = reader.read()
    np.testing.assert_array_equal(np.isnan(resampled[:-1, :-1]), np.isnan(expected[:-2, :-2]))
    assert set(np.unique(resampled[np.isfinite(resampled)])) == {7}


def test_an_alpha_band_is_no_measure(tmp_path: Path) -> None:
    stored(tmp_path / "dem.tif", np.ones((HEIGHT, WIDTH)), gdal.GDT_Float32, hidden_by="alpha")
    with pytest.raises(InputError, match=r"dem\.tif: the chosen band is an alpha band"):
        BandReader(Band(str(tmp_path / "dem.tif"), 2))


@pytest.mark.parametrize("declared", [-3.4e38, -3.40282e38, -3.40282306074e38, -1.7976931348623157e308])
def test_a_rounded_value_for_no_data_is_the_one_that_is_meant(tmp_path: Path, declared: float) -> None:
    values = np.where(HIDDEN, np.finfo(np.float32).min, 7)
    stored(tmp_path / "dem.tif", values, gdal.GDT_Float32, nodata=declared)
    for grid in (None, MOVED):
        with BandReader(tmp_path / "dem.tif", grid) as reader:
            found = reader.read()
            assert np.isnan(found).sum() == HIDDEN.sum() and set(np.unique(found[np.isfinite(found)])) == {7}


def test_numbers_near_a_declared_one_are_data(tmp_path: Path) -> None:
    values = np.where(HIDDEN, -9999.3, 7)
    stored(tmp_path / "dem.tif", values, gdal.GDT_Float32, nodata=-9999)
    with BandReader(tmp_path / "dem.tif") as reader:
        assert np.isfinite(reader.read()).all()


def test_a_hundred_quintillion_is_what_float32_makes_of_it(tmp_path: Path) -> None:
    stored(tmp_path / "dem.tif", np.where(HIDDEN, 1e20, 7), gdal.GDT_Float32, nodata=1e20)
    with BandReader(tmp_path / "dem.tif") as reader:
        assert np.isnan(reader.read()).sum() == HIDDEN.sum()


@pytest.mark.parametrize("kind", [gdal.GDT_Float32, gdal.GDT_Float64])
def test_infinities_are_no_data(tmp_path: Path, kind: int) -> None:
    values = np.where(HIDDEN, np.inf, 7.0)
    values[0] = -np.inf
    values[1] = np.nan
    stored(tmp_path / "dem.tif", values, kind)
    with BandReader(tmp_path / "dem.tif") as reader:
        assert np.isnan(reader.read()).sum() == HIDDEN.sum() + 2 * WIDTH


@pytest.mark.parametrize("kind", [gdal.GDT_CFloat32, gdal.GDT_CInt16, gdal.GDT_CFloat64])
def test_complex_numbers_are_refused(tmp_path: Path, kind: int) -> None:
    stored(tmp_path / "filt.int.tif", np.ones((HEIGHT, WIDTH)), kind)
    with pytest.raises(InputError, match=r"filt\.int\.tif holds complex numbers, .* the unwrapped phase"):
        BandReader(tmp_path / "filt.int.tif")


def test_values_that_a_layer_leaves_out_make_no_numbers_of_complex_ones(tmp_path: Path) -> None:
    stored(tmp_path / "filt.int.tif", np.ones((HEIGHT, WIDTH)), gdal.GDT_CFloat32)
    restated = Restatement(left_out={1: (ValueRange(5, 6),)})
    with pytest.raises(InputError, match="interferogram holds complex numbers"):
        write_restated(tmp_path / "filt.int.tif", tmp_path / "session", "interferogram", restated)


def test_a_raster_larger_than_the_earth_is_refused_at_once(tmp_path: Path) -> None:
    side = 2**31 - 1
    (tmp_path / "huge.vrt").write_text(
        f'<VRTDataset rasterXSize="{side}" rasterYSize="{side}"><VRTRasterBand dataType="Byte" band="1"/></VRTDataset>'
    )
    with pytest.raises(InputError, match=rf"huge\.vrt has {side} × {side} pixels"):
        open_raster(tmp_path / "huge.vrt")


@pytest.mark.parametrize("declared", [-3.4e38, -3.40282e38, 1.7e38])
def test_a_rounded_value_for_no_data_counts_as_declared(tmp_path: Path, declared: float) -> None:
    stored_value = np.float32(declared) if declared > 0 else np.finfo(np.float32).min
    stored(tmp_path / "dem.tif", np.where(HIDDEN, stored_value, 700), gdal.GDT_Float32, nodata=declared)
    said: list[str] = []
    checked_band(tmp_path / "dem.tif", HEIGHTS, Progress(on_info=said.append))
    assert not [line for line in said if "no unit in the file" not in line]


def what_is_said(path: Path) -> str:
    with pytest.raises(InputError) as raised, BandReader(path) as reader:
        reader.read()
    return str(raised.value)


def test_what_cannot_be_read_is_said_in_plain_words(tmp_path: Path) -> None:
    stored(tmp_path / "dem.tif", np.full((HEIGHT, WIDTH), 7), gdal.GDT_Float32)
    whole = (tmp_path / "dem.tif").read_bytes()
    gdal.Translate(str(tmp_path / "of it.vrt"), str(tmp_path / "dem.tif"), format="VRT")
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "start.tif").write_bytes(whole[:7])
    (tmp_path / "empty.tif").touch()
    (tmp_path / "text.tif").write_text("Heights of 2020")
    (tmp_path / "folder.tif").mkdir()
    (tmp_path / "dem.tif").unlink()
    expected = {
        "dem.tif": "{} can't be read as a raster: it doesn't exist. Choose another file.",
        "cut.tif": "{} can't be read to its end: it is cut short or damaged. Copy or download it again.",
        "start.tif": "{} can't be read as a raster: it is damaged or incomplete. Copy or download it again.",
        "empty.tif": "{} can't be read as a raster: it is empty. Copy or download it again.",
        "text.tif": "{} can't be read as a raster: it is of no known format, or not a raster. Choose a GeoTIFF or "
        "another raster.",
        "folder.tif": "{} can't be read as a raster: it is a folder. Choose a file.",
        "of it.vrt": f"{{}} can't be read, because {tmp_path / 'dem.tif'}, which it refers to, isn't there. Put it "
        "back, or make the file anew.",
    }
    for name, sentence in expected.items():
        assert what_is_said(tmp_path / name) == sentence.format(tmp_path / name)
