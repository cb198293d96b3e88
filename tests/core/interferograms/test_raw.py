"""Raw files of numbers: read in the byte order in which they make sense, or refused."""

from __future__ import annotations

import numpy as np
import pytest

import interferogram_products as products
from ada_mapper.core.errors import InputError
from ada_mapper.core.interferograms import find_stack
from ada_mapper.core.raster import BandReader, Grid
from interferogram_products import DEGREES, HEIGHT, METRES, WIDTH, coherences, dem_par, valid, write_text

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
@pytest.mark.parametrize(
    "values",
    [
        np.linspace(-20, 20, WIDTH * HEIGHT),
        np.where(np.arange(WIDTH * HEIGHT) < 20, np.nan, 3.25),
        np.where(np.arange(WIDTH * HEIGHT) < 29, 0, -2.0),
        np.full(WIDTH * HEIGHT, 5.0),
        np.arange(WIDTH * HEIGHT) * 1e-5,
        np.linspace(2000, 90_000, WIDTH * HEIGHT),
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


@pytest.mark.parametrize("build", ["gamma", "licsbas"])
def test_a_file_without_a_number_is_read_as_usual(tmp_path, build):
    folder = tmp_path / "GEOCml1" if build == "licsbas" else tmp_path
    place = folder / NAME if build == "licsbas" else folder
    place.mkdir(parents=True, exist_ok=True)
    np.zeros((HEIGHT, WIDTH), "f4").tofile(place / f"{NAME}.unw")
    write_text(folder / "EQA.dem_par", dem_par(DEGREES))
    stack = find_stack(tmp_path)
    assert stack.interferograms[0].product == build and not any("endian" in note for note in stack.notes)
    assert np.isnan(read(stack.interferograms[0].phase)).all()


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
