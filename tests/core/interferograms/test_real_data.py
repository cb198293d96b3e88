"""Real stacks: GAMMA/PyRate GeoTIFF, raw GAMMA, ROI_PAC and SNAP."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from osgeo import gdal

from ada_mapper.core.errors import InputError
from ada_mapper.core.interferograms import PairLimits, find_stack, select_pairs
from ada_mapper.core.interferograms.readers.gamma import perpendicular_of_orbits, perpendicular_of_table
from ada_mapper.core.interferograms.readers.metadata import parameters_of, text_of
from ada_mapper.core.raster import BandReader
from shared_data import shared_data


@pytest.mark.parametrize("folder", ["stacks/mexico_city_s1", "stacks/mexico_city_s1/geotiffs"])
def test_mexico_city(folder):
    stack = find_stack(shared_data(folder))
    assert len(stack.interferograms) == 30
    assert len(stack.dates) == 13
    assert stack.wavelength == pytest.approx(0.0555041577, abs=1e-10)
    assert all(pair.coherence is not None for pair in stack.interferograms)
    assert not stack.notes
    selection = select_pairs(stack)
    assert len(selection.stack.interferograms) == 12
    assert len(selection.components) == 1
    assert 0.08 < min(selection.mean_coherence.values()) < max(selection.mean_coherence.values()) < 0.95


def test_baselines_from_orbits_agree_with_those_that_gamma_computed():
    folder = shared_data("stacks/mexico_city_s1")
    tables = sorted((folder / "geometry").glob("*_bperp.par"))
    assert len(tables) == 30
    for table in tables:
        base = parameters_of(table.with_name(table.name.replace("bperp", "base")))
        image = parameters_of(folder / "headers" / f"r{table.name[:8]}_VV_slc.par")
        # GAMMA's table has the baseline's change along the track too: up to about 0.2 m here.
        assert perpendicular_of_orbits(base, image) == pytest.approx(perpendicular_of_table(text_of(table)), abs=0.25)


def test_sydney_is_the_same_in_three_formats():
    folder = shared_data("stacks/sydney_envisat")
    stacks = [find_stack(folder, product) for product in ("geotiff", "gamma", "roipac")]
    assert [len(stack.interferograms) for stack in stacks] == [17, 17, 17]
    for i, pair in enumerate(stacks[0].interferograms):
        others = [stack.interferograms[i] for stack in stacks]
        assert {other.name for other in others} == {pair.name}
        arrays = []
        for other, stack in zip(others, stacks):
            with BandReader(other.phase, stack.grid) as reader:
                arrays.append(reader.read().view(np.uint32))
        assert (arrays[0] == arrays[1]).all() and (arrays[0] == arrays[2]).all()


def test_sydney_asks_which_of_its_three_products():
    with pytest.raises(InputError, match=r"17 of gamma .*17 of geotiff .*17 of roipac"):
        find_stack(shared_data("stacks/sydney_envisat"))


@pytest.mark.parametrize("folder", ["stacks/sydney_envisat", "stacks/sydney_envisat/gamma_obs"])
def test_sydney_coherence_beside_the_folder(folder):
    stack = find_stack(shared_data(folder), "gamma")
    coherence = shared_data("stacks/sydney_envisat/coherence")
    for pair in stack.interferograms:
        name = f"{pair.name.replace('_', '-')}_utm.unw.cc"
        expected = np.fromfile(coherence / name, ">f4").reshape(72, 47).astype(np.float32)
        with BandReader(pair.coherence, stack.grid) as reader:
            np.testing.assert_array_equal(reader.read(), np.where(expected == 0, np.float32(np.nan), expected))


def test_jharia_is_a_snap_product():
    folder = shared_data("stacks/jharia_snap")
    stack = find_stack(folder)
    (pair,) = stack.interferograms
    assert (pair.product, pair.first_date, pair.second_date) == ("snap", date(2017, 3, 17), date(2017, 4, 10))
    assert stack.wavelength == 0.055465763
    for band, name in (
        (pair.phase, "Unw_Phase_ifg_17Mar2017_10Apr2017_VV"),
        (pair.coherence, "coh_IW2_VV_17Mar2017_10Apr2017"),
    ):
        expected = np.fromfile(folder / f"{name}.img", ">f4").reshape(470, 769).astype(np.float32)
        with BandReader(band, stack.grid) as reader:
            np.testing.assert_array_equal(reader.read(), np.where(expected == 0, np.float32(np.nan), expected))
    assert stack.grid.centre_lonlat == pytest.approx((86.32970, 23.79972), abs=1e-4)


def test_west_texas():
    folder = shared_data("stacks/west_texas_s1")
    stack = find_stack(folder)
    assert len(stack.interferograms) == 16
    assert (stack.grid.width, stack.grid.height) == (357, 362)
    pair = stack.interferograms[0]
    expected = gdal.Open(str(folder / "20160708_20160801.unw.tif")).ReadAsArray()
    assert np.isnan(expected).any()
    with BandReader(pair.phase, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), expected)
    assert all(pair.coherence is None for pair in stack.interferograms)
    assert len(select_pairs(stack, PairLimits(max_temporal_baseline=48)).stack.interferograms) == 16
