"""Raw files of numbers: read in the byte order in which they make sense, or refused."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from osgeo import gdal

import interferogram_products as products
from ada_mapper.core.errors import InputError
from ada_mapper.core.interferograms import find_stack
from ada_mapper.core.raster import BandReader, Grid, spatial_reference
from interferogram_products import DEGREES, HEIGHT, METRES, WIDTH, coherences, dem_par, phases, valid, write_text

NAME = "20180106_20180118"


def read(band):
    with BandReader(band) as reader:
        return reader.read()


def swap(path):
    """The file with the bytes of each number the other way round."""
    np.fromfile(path, ">f4").astype("<f4").tofile(path)


@pytest.mark.parametrize("build", [products.gamma, products.roipac, products.licsbas], ids=lambda build: build.__name__)
def test_the_other_byte_order_is_found_and_told(tmp_path, build):
    expected = build(tmp_path)
    assert not any("endian" in note for note in find_stack(tmp_path).notes)
    for path in [*tmp_path.rglob("*.unw"), *tmp_path.rglob("*.cor"), *tmp_path.glob("*.cc")]:
        swap(path)
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == len(expected.pairs)
    for pair in stack.interferograms:
        np.testing.assert_array_equal(read(pair.phase), expected.pairs[pair.name].phase)
        np.testing.assert_allclose(read(pair.coherence), expected.pairs[pair.name].coherence, rtol=1e-6)
    (note,) = (note for note in stack.notes if "endian" in note)
    order = "little-endian" if build is products.gamma else "big-endian"
    assert f"make sense as {order} ones only" in note and "same goes for 1 more files" in note


@pytest.mark.parametrize("order", ["<f4", ">f4"])
@pytest.mark.parametrize("marker", [1e20, -3.4028234663852886e38, 1.7e38, -9999.0, np.inf])
def test_a_marker_of_no_data_says_nothing_of_the_byte_order(tmp_path, marker, order):
    values = np.where(np.arange(WIDTH * HEIGHT) % 4, marker, np.linspace(-3, 3, WIDTH * HEIGHT)).astype("f4")
    values.astype(order).tofile(tmp_path / f"{NAME}.unw")
    write_text(tmp_path / "grid_dem.par", dem_par(METRES))
    stack = find_stack(tmp_path)
    assert any("endian" in note for note in stack.notes) == (order == "<f4")
    found = read(stack.interferograms[0].phase).ravel()[::4]
    np.testing.assert_array_equal(found, values[::4])


@pytest.mark.parametrize("order", ["<f4", ">f4"])
@pytest.mark.parametrize(
    "values",
    [
        np.linspace(-20, 20, WIDTH * HEIGHT),
        np.where(np.arange(WIDTH * HEIGHT) < 20, np.nan, 3.25),
        np.where(np.arange(WIDTH * HEIGHT) < 29, 0, -2.0),
        np.full(WIDTH * HEIGHT, 5.0),
        np.arange(WIDTH * HEIGHT) * 1e-5,
        np.linspace(200, 2000, WIDTH * HEIGHT),
        np.random.default_rng(1).normal(0, 1e-3, WIDTH * HEIGHT),
    ],
    ids=["ramp", "mostly-nan", "mostly-zero", "constant", "tiny", "large", "noise"],
)
def test_phases_of_any_size_are_read_in_their_byte_order(tmp_path, values, order):
    values = values.astype("f4").reshape(HEIGHT, WIDTH)
    values.astype(order).tofile(tmp_path / f"{NAME}.unw")
    write_text(tmp_path / "grid_dem.par", dem_par(METRES))
    (pair,) = find_stack(tmp_path).interferograms
    np.testing.assert_array_equal(read(pair.phase), np.where(values == 0, np.float32(np.nan), values))


def test_where_both_byte_orders_could_be_the_smoother_one_is_taken(tmp_path):
    """Numbers whose four bytes are alike in size both ways: 0x41PQ…41 is about 8 to 32 in both orders."""
    rng = np.random.default_rng(3)
    grid = Grid(METRES.crs, METRES.transform, 64, 48)
    rows, columns = np.mgrid[0:48, 0:64]
    smooth = (10 + rows * 0.05 + columns * 0.03).astype(">f4").view(np.uint8).reshape(48, 64, 4).copy()
    smooth[..., 3] = 0x41
    smooth[..., 2] = rng.integers(0, 256, (48, 64))
    expected = smooth.view(">f4")[..., 0].astype(np.float32)
    smooth.tofile(tmp_path / f"{NAME}.unw")
    write_text(tmp_path / "grid_dem.par", dem_par(grid))
    (pair,) = find_stack(tmp_path).interferograms
    np.testing.assert_array_equal(read(pair.phase), expected)
    smooth[..., ::-1].tofile(tmp_path / f"{NAME}.unw")
    (pair,) = find_stack(tmp_path).interferograms
    np.testing.assert_array_equal(read(pair.phase), expected)


@pytest.mark.parametrize("value", [0.7, 0.5, 0.35])
@pytest.mark.parametrize("order", ["<f4", ">f4"])
def test_a_coherence_that_is_one_number_is_read_as_one_of_usual_size(tmp_path, order, value):
    """0.7 is 4.2e-8 and 0.5 is 8.8e-44 with their bytes the other way round."""
    np.linspace(-3, 3, WIDTH * HEIGHT).astype(order).tofile(tmp_path / f"{NAME}.unw")
    np.full(WIDTH * HEIGHT, value).astype(order).tofile(tmp_path / f"{NAME}.cc")
    write_text(tmp_path / "grid_dem.par", dem_par(METRES))
    (pair,) = find_stack(tmp_path).interferograms
    assert pair.coherence is not None
    np.testing.assert_array_equal(read(pair.coherence), np.float32(value))


@pytest.mark.parametrize("build", ["gamma", "licsbas"])
def test_a_file_without_a_number_is_said(tmp_path, build):
    folder = tmp_path / "GEOCml1" if build == "licsbas" else tmp_path
    place = folder / NAME if build == "licsbas" else folder
    place.mkdir(parents=True, exist_ok=True)
    np.zeros((HEIGHT, WIDTH), "f4").tofile(place / f"{NAME}.unw")
    write_text(folder / "EQA.dem_par", dem_par(DEGREES))
    with pytest.raises(InputError, match=rf"{NAME}\.unw holds no data at all"):
        find_stack(tmp_path)


def test_what_can_be_no_phase_in_either_byte_order_is_refused(tmp_path):
    np.full(WIDTH * HEIGHT, 7, np.int32).tofile(tmp_path / f"{NAME}.unw")
    write_text(tmp_path / "grid_dem.par", dem_par(METRES))
    with pytest.raises(InputError, match=rf"{NAME}\.unw holds numbers that can be phases or coherence in neither"):
        find_stack(tmp_path)


@pytest.mark.parametrize("folder", ["GEOCml1", "GEOCml10mask", "GEOCml1GACOSclip", "anything"])
def test_licsbas_folders_of_any_step(tmp_path, folder):
    expected = products.licsbas(tmp_path)
    (tmp_path / "GEOCml1").rename(tmp_path / folder)
    write_text(tmp_path / folder / "info" / "02_ml_prep.txt", "x")
    for chosen in (tmp_path, tmp_path / folder, tmp_path / folder / "20170302_20170314"):
        stack = find_stack(chosen)
        assert {pair.product for pair in stack.interferograms} == {"licsbas"}
        assert stack.grid.same_as(DEGREES) and not stack.notes
        for pair in stack.interferograms:
            np.testing.assert_array_equal(read(pair.phase), expected.pairs[pair.name].phase)
            assert pair.perpendicular_baseline == expected.pairs[pair.name].baseline


def test_of_several_licsbas_folders_one_must_be_chosen(tmp_path):
    products.licsbas(tmp_path)
    (tmp_path / "GEOCml1").rename(tmp_path / "GEOCml1mask")
    products.licsbas(tmp_path)
    with pytest.raises(InputError, match=r"holds 2 working folders of LiCSBAS: GEOCml1, GEOCml1mask\..* Choose one"):
        find_stack(tmp_path)
    assert len(find_stack(tmp_path / "GEOCml1mask").interferograms) == 2


def test_a_licsbas_folder_without_its_grid_or_of_another_size(tmp_path):
    products.licsbas(tmp_path)
    grid = tmp_path / "GEOCml1" / "EQA.dem_par"
    grid.write_text(grid.read_text().replace("width: 6", "width: 7"))
    with pytest.raises(InputError, match=r"\.unw has 120 bytes where EQA\.dem_par describes 140"):
        find_stack(tmp_path)
    grid.unlink()
    with pytest.raises(InputError, match=r"GEOCml1 is a working folder of LiCSBAS without EQA\.dem_par"):
        find_stack(tmp_path)


def test_a_licsbas_pair_in_a_table(tmp_path):
    expected = products.licsbas(tmp_path)
    pair = "20170302_20170314"
    table = write_text(
        tmp_path / "pairs.csv",
        f"file,date1,date2,coherence_file\nGEOCml1/{pair}/{pair}.unw,2017-03-02,2017-03-14,GEOCml1/{pair}/{pair}.cc\n",
    )
    (found,) = find_stack(None, pairs_file=table).interferograms
    np.testing.assert_array_equal(read(found.phase), expected.pairs[pair].phase)
    np.testing.assert_allclose(read(found.coherence), expected.pairs[pair].coherence, rtol=1e-6)


def test_coherence_of_licsbas_in_another_size_is_not_used(tmp_path):
    products.licsbas(tmp_path)
    file = next(tmp_path.rglob("20170302_20170314.cc"))
    file.write_bytes(bytes(17))
    stack = find_stack(tmp_path)
    assert stack.interferograms[0].coherence is None and stack.interferograms[1].coherence is not None
    assert any("Coherence not used" in note and file.name in note for note in stack.notes)
    np.testing.assert_array_equal(valid(coherences(1)), read(stack.interferograms[1].coherence))


@pytest.mark.parametrize("order", ["<f4", ">f4"])
def test_an_envi_header_without_its_byte_order(tmp_path, order):
    expected = products.snap(tmp_path)
    for path in tmp_path.rglob("*.hdr"):
        path.write_text(path.read_text().replace("byte order = 1\n", ""))
        image = path.with_suffix(".img")
        np.fromfile(image, ">f4").astype(order).tofile(image)
    stack = find_stack(tmp_path)
    for pair in stack.interferograms:
        np.testing.assert_array_equal(read(pair.phase), expected.pairs[pair.name].phase)
        np.testing.assert_allclose(read(pair.coherence), expected.pairs[pair.name].coherence, rtol=1e-6)


def test_an_envi_header_that_tells_its_byte_order_is_followed(tmp_path):
    expected = products.snap(tmp_path)
    for path in tmp_path.rglob("*.hdr"):
        path.write_text(path.read_text().replace("byte order = 1", "byte order = 0"))
        swap(path.with_suffix(".img"))
    pair = find_stack(tmp_path).interferograms[0]
    np.testing.assert_array_equal(read(pair.phase), expected.pairs[pair.name].phase)


def test_a_geotiff_of_amplitude_and_phase_asks_which_band_it_is(tmp_path):
    path = tmp_path / f"{NAME}_unw.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), WIDTH, HEIGHT, 2, gdal.GDT_Float32)
    dataset.SetGeoTransform(METRES.transform)
    dataset.SetProjection(spatial_reference(METRES.crs).ExportToWkt())
    dataset.GetRasterBand(1).WriteArray(np.full((HEIGHT, WIDTH), 7.0))
    dataset.GetRasterBand(2).WriteArray(phases(0))
    dataset = None
    with pytest.raises(InputError, match=rf"has 2 bands.*CSV of pairs, as {NAME}_unw\.tif:2\."):
        find_stack(tmp_path)
    table = write_text(tmp_path / "pairs.csv", f"file,date1,date2\n{path.name}:2,2018-01-06,2018-01-18\n")
    np.testing.assert_array_equal(read(find_stack(None, pairs_file=table).interferograms[0].phase), valid(phases(0)))


def test_real_keys_of_a_hyp3_text_file(tmp_path):
    name = "S1_064_000000s1n00-136231s2n02-000000s3n00_IW_20250406_20250418_VV_INT80_77F1"
    products.write_tif(tmp_path / name / f"{name}_unw_phase.tif", phases(0), nodata=0.0)
    products.write_tif(tmp_path / name / f"{name}_corr.tif", coherences(0), nodata=0.0)
    write_text(
        tmp_path / name / f"{name}.txt",
        "Reference Granule: S1A_IW_SLC__1SDV_20250406T022008_20250406T022035_058630_07421F_93A7\n"
        "Secondary Granule: S1A_IW_SLC__1SDV_20250418T022008_20250418T022035_058805_074946_C7D4\n"
        "Reference Pass Direction: ASCENDING\nReference Orbit Number: 58630\nSecondary Pass Direction: ASCENDING\n"
        "Secondary Orbit Number: 58805\nBaseline: -129.02564735771583\nUTC time: 8409.44936\n"
        "Heading: -15.3974576912639\nSpacecraft height: 693000.0\nSlant range near: 800421.8\nRange looks: 4\n"
        "INSAR phase filter: yes\nPhase filter parameter: 0.5\nDEM source: GLO_30\nWater mask: no\n",
    )
    (pair,) = find_stack(tmp_path).interferograms
    assert (pair.perpendicular_baseline, pair.heading) == (-129.02564735771583, -15.3974576912639)
    np.testing.assert_array_equal(read(pair.phase), valid(phases(0)))


def test_a_product_whose_name_lost_its_dates_says_what_to_do(tmp_path):
    products.write_tif(tmp_path / "insar_unw_phase.tif", phases(0), nodata=0.0)
    products.write_tif(tmp_path / "insar_corr.tif", coherences(0), nodata=0.0)
    with pytest.raises(InputError, match=r"insar_unw_phase\.tif has no two dates in its name\. List it"):
        find_stack(tmp_path)
    table = write_text(
        tmp_path / "pairs.csv",
        "file,date1,date2,coherence_file\ninsar_unw_phase.tif,2019-06-10,2019-06-22,insar_corr.tif\n",
    )
    (pair,) = find_stack(None, pairs_file=table).interferograms
    np.testing.assert_array_equal(read(pair.phase), valid(phases(0)))
    np.testing.assert_array_equal(read(pair.coherence), valid(coherences(0)))


def test_licsbas_folders_of_two_frames_are_not_two_of_one(tmp_path):
    products.licsbas(tmp_path / "124D_04854_171313")
    shutil.copytree(tmp_path / "124D_04854_171313", tmp_path / "124D_04600_171313")
    assert {pair.name for pair in find_stack(tmp_path).interferograms} == {"20170302_20170314", "20170314_20170326"}
