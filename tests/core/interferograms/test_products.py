"""Every product: recognised, and each number of it where and with the sign that it must have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import interferogram_products as products
from ada_mapper.core.errors import InputError
from ada_mapper.core.interferograms import find_stack
from ada_mapper.core.interferograms.readers import PRODUCTS
from ada_mapper.core.raster import BandReader
from interferogram_products import BUILDERS, coherences, phases, valid, write_text, write_tif


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("chosen", [False, True], ids=["recognised", "chosen"])
def test_a_product_is_read_as_described(tmp_path, build, chosen):
    expected = build(tmp_path)
    stack = find_stack(tmp_path, expected.key if chosen else "auto")
    assert {pair.product for pair in stack.interferograms} == {expected.key}
    assert [pair.name for pair in stack.interferograms] == sorted(expected.pairs)
    assert stack.grid.same_as(expected.grid)
    assert stack.wavelength == pytest.approx(expected.wavelength, rel=1e-7)
    for pair in stack.interferograms:
        wanted = expected.pairs[pair.name]
        with BandReader(pair.phase, stack.grid) as reader:
            assert not reader.is_resampled
            np.testing.assert_array_equal(reader.read(), wanted.phase)
        with BandReader(pair.coherence, stack.grid) as reader:
            np.testing.assert_allclose(reader.read(), wanted.coherence, rtol=1e-6)
        assert (pair.components is None) == (wanted.components is None)
        if pair.components is not None:
            with BandReader(pair.components, stack.grid) as reader:
                np.testing.assert_array_equal(reader.read(), wanted.components)
        assert pair.perpendicular_baseline == (
            None if wanted.baseline is None else pytest.approx(wanted.baseline, abs=1e-3)
        )
    first = stack.interferograms[0]
    assert first.heading == (None if expected.heading is None else pytest.approx(expected.heading))
    assert first.look_side == expected.look_side
    assert first.incidence == (None if expected.incidence is None else pytest.approx(expected.incidence, abs=1e-4))


def test_the_table_has_a_reader_for_every_product_and_a_test_for_every_reader():
    assert list(PRODUCTS) == [
        "hyp3",
        "licsar",
        "licsbas",
        "aria",
        "nisar",
        "isce2",
        "snap",
        "gmtsar",
        "gamma",
        "geotiff",
        "roipac",
    ]
    assert [build.__name__ for build in BUILDERS] == list(PRODUCTS)


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_two_products_in_one_folder_ask_for_a_choice(tmp_path, build):
    other = products.hyp3 if build is not products.hyp3 else products.licsar
    (tmp_path / "a").mkdir()
    first, second = build(tmp_path / "a"), other(tmp_path / "b")
    with pytest.raises(InputError, match="several products") as error:
        find_stack(tmp_path)
    assert first.key in str(error.value) and second.key in str(error.value)
    assert len(find_stack(tmp_path, first.key).interferograms) == len(first.pairs)


def test_clipped_hyp3_layers_belong_together(tmp_path):
    name = "S1BB_20190610T135156_20190622T135157_VVP012_INT80_G_ueF_F8BF"
    write_tif(tmp_path / f"{name}_unw_phase_clip.tif", phases(0))
    write_tif(tmp_path / f"{name}_corr_clip.tif", coherences(0))
    write_tif(tmp_path / f"{name}_corr.tif", coherences(1))
    write_text(tmp_path / f"{name}.txt", "Baseline: -3.5\n")
    (pair,) = find_stack(tmp_path).interferograms
    assert (pair.name, pair.perpendicular_baseline) == ("20190610_20190622", -3.5)
    with BandReader(pair.coherence) as reader:
        np.testing.assert_array_equal(reader.read(), valid(coherences(0)))


def test_the_older_table_of_licsar_baselines(tmp_path):
    products.licsar(tmp_path)
    write_text(
        tmp_path / "metadata" / "baselines",
        "1 20170302 20170314 -42.5 12.0 54.0 66.0 30.0 -12.5\n2 20170314 20170326 19.5 12.0 66.0 78.0 -12.5 7.0\n",
    )
    assert [pair.perpendicular_baseline for pair in find_stack(tmp_path).interferograms] == [-42.5, 19.5]


def test_metadata_beside_the_chosen_folder_is_found(tmp_path):
    products.licsar(tmp_path / "licsar")
    products.isce2(tmp_path / "isce")
    (tmp_path / "gmtsar").mkdir()
    products.gmtsar(tmp_path / "gmtsar")
    for folder in ("licsar/GEOC", "isce/merged/interferograms", "gmtsar/intf"):
        stack = find_stack(tmp_path / folder)
        assert all(pair.perpendicular_baseline is not None for pair in stack.interferograms)
        assert not stack.notes


def test_an_incidence_comes_from_the_unit_vector_where_the_frame_does_not_tell(tmp_path):
    products.licsar(tmp_path)
    write_text(tmp_path / "metadata" / "metadata.txt", "heading=-10.5\n")
    up = np.full((products.HEIGHT, products.WIDTH), np.cos(np.radians(36.0)), np.float32)
    write_tif(tmp_path / "metadata" / "099A_05416_131313.geo.U.tif", up, products.DEGREES)
    assert find_stack(tmp_path).interferograms[0].incidence == pytest.approx(36.0, abs=1e-4)


@pytest.mark.parametrize("reader", ["isce2", "roipac", "gmtsar"])
def test_radar_geometry_is_refused_with_what_to_do(tmp_path, reader):
    if reader == "isce2":
        products.write_isce(tmp_path / "20160927_20161009" / "filt_fine.unw", [phases(0), phases(1)], None)
    elif reader == "roipac":
        products.write_roipac(tmp_path / "060619-061002.unw", [phases(0), phases(1)])
        write_text(tmp_path / "060619-061002.unw.rsc", "WIDTH 6\nFILE_LENGTH 5\nWAVELENGTH 0.0562356424\n")
    else:
        products.write_grd(tmp_path / "2015059_2015083" / "unwrap.grd", phases(0))
    with pytest.raises(InputError, match=r"(unw|grd) is in radar geometry.*[Gg]eocode"):
        find_stack(tmp_path)


def test_isce_files_described_by_a_vrt_only(tmp_path):
    products.isce2(tmp_path)
    for path in tmp_path.rglob("*.geo"):
        xml = path.with_name(f"{path.name}.xml")
        bands = 2 if ".unw" in path.name else 1
        x, dx, _, y, _, dy = products.DEGREES.transform
        raw = "".join(
            f'<VRTRasterBand dataType="Float32" band="{i + 1}" subClass="VRTRawRasterBand">'
            f'<SourceFilename relativeToVRT="1">{path.name}</SourceFilename><ByteOrder>LSB</ByteOrder>'
            f"<ImageOffset>{i * 24}</ImageOffset>"
            f"<PixelOffset>4</PixelOffset><LineOffset>{bands * 24}</LineOffset></VRTRasterBand>"
            for i in range(bands)
        )
        write_text(
            path.with_name(f"{path.name}.vrt"),
            f'<VRTDataset rasterXSize="6" rasterYSize="5"><SRS>EPSG:4326</SRS><GeoTransform>{x},{dx},0,{y},0,{dy}'
            f"</GeoTransform>{raw}</VRTDataset>",
        )
        xml.unlink()
    stack = find_stack(tmp_path)
    with BandReader(stack.interferograms[1].phase, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), valid(phases(1)))


def test_snap_without_its_header_assumes_sentinel_1_and_says_so(tmp_path):
    expected = products.snap(tmp_path)
    for path in tmp_path.glob("*.dim"):
        path.unlink()
    stack = find_stack(tmp_path)
    assert [pair.name for pair in stack.interferograms] == sorted(expected.pairs)
    assert stack.wavelength == 0.055465763
    assert any("Sentinel-1" in note and "assumed" in note for note in stack.notes)
    assert any("No perpendicular baselines" in note for note in stack.notes)


def test_a_snap_pair_named_later_date_first(tmp_path):
    products.snap(tmp_path)
    data = tmp_path / "S1_20170317_20170410_Orb_Stack_Ifg_TC.data"
    for path in list(data.iterdir()):
        path.rename(path.with_name(path.name.replace("17Mar2017_10Apr2017", "10Apr2017_17Mar2017")))
    stack = find_stack(tmp_path)
    assert (stack.interferograms[0].name, stack.interferograms[0].perpendicular_baseline) == ("20170317_20170410", 61.5)
    with BandReader(stack.interferograms[0].phase, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), -valid(phases(0)))
    with BandReader(stack.interferograms[0].coherence, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), valid(coherences(0)))


def test_isce_coherence_of_another_name_but_not_of_another_geometry(tmp_path):
    products.isce2(tmp_path)
    for path in tmp_path.rglob("filt_fine.cor.geo*"):
        path.rename(path.with_name(path.name.replace("filt_fine", "topophase")))
    stack = find_stack(tmp_path)
    with BandReader(stack.interferograms[0].coherence, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), valid(coherences(0)))
    for path in tmp_path.rglob("topophase.cor.geo*"):
        path.unlink()
    stack = find_stack(tmp_path)
    assert all(pair.coherence is None for pair in stack.interferograms)
    assert any("No coherence was found" in note for note in stack.notes)


def test_gamma_files_in_degrees_and_without_a_grid(tmp_path):
    phases(0).astype(">f4").tofile(tmp_path / "061106-061211.unw")
    with pytest.raises(InputError, match=r"061106-061211\.unw .*no \*_dem\.par"):
        find_stack(tmp_path)
    write_text(tmp_path / "other_size_dem.par", products.dem_par(replace(products.DEGREES, width=4)))
    write_text(tmp_path / "20061106_utm_dem.par", products.dem_par(products.DEGREES))
    stack = find_stack(tmp_path)
    assert stack.grid.same_as(products.DEGREES)
    assert stack.interferograms[0].name == "20061106_20061211"


def test_a_gamma_projection_that_is_not_known(tmp_path):
    phases(0).astype(">f4").tofile(tmp_path / "061106-061211.unw")
    text = products.dem_par(products.METRES).replace("UTM", "OMCH")
    write_text(tmp_path / "x_dem.par", text)
    with pytest.raises(InputError, match=r"x_dem\.par.*OMCH"):
        find_stack(tmp_path)


def test_millimetres_toward_the_satellite_become_radians_away(tmp_path):
    write_tif(tmp_path / "20180106_20180130_unw.tif", phases(0), tags={"DATA_UNITS": "MILLIMETRES"})
    stack = find_stack(tmp_path)
    with BandReader(stack.interferograms[0].phase) as reader:
        expected = valid(phases(0)).astype(float) * 1e-3 * -4 * np.pi / 0.055465763
        np.testing.assert_allclose(reader.read(), expected, rtol=1e-6)
    assert any("is in MILLIMETRES" in note and "0.05547 m" in note for note in stack.notes)


def test_a_name_with_the_later_date_first_changes_the_sign(tmp_path):
    write_tif(tmp_path / "20180130_20180106.unw.tif", phases(0))
    write_text(tmp_path / "20180130-20180106_bperp.par", products.bperp_table(12.0))
    (pair,) = find_stack(tmp_path).interferograms
    assert (pair.name, pair.days, pair.perpendicular_baseline) == ("20180106_20180130", 24, -12.0)
    with BandReader(pair.phase) as reader:
        np.testing.assert_array_equal(reader.read(), -valid(phases(0)))


def test_a_baseline_of_the_other_order_changes_its_sign(tmp_path):
    write_tif(tmp_path / "20180106_20180130.unw.tif", phases(0))
    write_text(tmp_path / "20180130-20180106_bperp.par", products.bperp_table(12.0))
    assert find_stack(tmp_path).interferograms[0].perpendicular_baseline == -12.0


def test_zero_is_data_where_another_nodata_is_declared(tmp_path):
    values = phases(0)
    values[1, 1] = np.nan
    write_tif(tmp_path / "20180106_20180130.unw.tif", values, nodata=float("nan"))
    with BandReader(find_stack(tmp_path).interferograms[0].phase) as reader:
        np.testing.assert_array_equal(reader.read(), values)


@pytest.mark.parametrize("word", ["n/a", "--", "nan", "inf"])
@pytest.mark.parametrize("build", [products.licsar, products.gmtsar, products.snap], ids=lambda build: build.__name__)
def test_a_baseline_that_is_no_number_is_skipped_and_said(tmp_path, build, word):
    """The first pair's second date has none, so both pairs of a chain lack theirs; of SNAP only the first."""
    expected = build(tmp_path)
    (file,) = (
        path for name in ("baselines", "baseline_table.dat", "*20170410_Orb*.dim") for path in tmp_path.rglob(name)
    )
    text = file.read_text()
    for value in (" -12.5 ", " 50.0\n", ">61.5<"):
        text = text.replace(value, value[0] + word + value[-1])
    file.write_text(text)
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == len(expected.pairs)
    found = [pair.perpendicular_baseline for pair in stack.interferograms]
    assert found == ([None, -8.0] if build is products.snap else [None, None])
    (note,) = (note for note in stack.notes if "skipped" in note)
    assert str(file) in note and word in note and ", 1 in all" in note


def test_words_for_no_value_in_other_headers_are_no_error(tmp_path):
    products.isce2(tmp_path / "isce")
    for path in (tmp_path / "isce").rglob("*.txt"):
        write_text(path, "Bperp (average) : n/a\n")
    assert all(pair.perpendicular_baseline is None for pair in find_stack(tmp_path / "isce").interferograms)
    products.hyp3(tmp_path / "hyp3")
    for path in (tmp_path / "hyp3").rglob("*.txt"):
        write_text(path, "Baseline: --\nHeading: nan\n")
    assert all(pair.perpendicular_baseline is None for pair in find_stack(tmp_path / "hyp3").interferograms)


def test_a_broken_snap_header_is_as_none(tmp_path):
    products.snap(tmp_path)
    for path, text in zip(sorted(tmp_path.glob("*.dim")), ("<Dimap_Document><MDElem", "no XML")):
        path.write_text(text)
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == 2 and any("No perpendicular baselines" in note for note in stack.notes)


def test_a_gamma_file_in_a_folder_with_signs_of_xml_in_its_name(tmp_path):
    folder = tmp_path / 'Tom\'s <a> & "b"'
    folder.mkdir()
    expected = products.gamma(folder)
    stack = find_stack(folder)
    with BandReader(stack.interferograms[0].phase, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), expected.pairs[stack.interferograms[0].name].phase)
