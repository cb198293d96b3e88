"""From folders to stacks: grids that differ, doubled pairs, files that can't be used, and what is said about them."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

import interferogram_products as products
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.interferograms import Interferogram, Stack, find_stack
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import Band, BandReader, Grid
from interferogram_products import HEIGHT, METRES, WIDTH, coherences, phases, valid, write_text, write_tif

PAIRS = ("20180106_20180130", "20180130_20180211", "20180211_20180223")


def shifted(columns: int, rows: int, grid: Grid = METRES) -> Grid:
    x, dx, _, y, _, dy = grid.transform
    return replace(grid, transform=(x + columns * dx, dx, 0.0, y + rows * dy, 0.0, dy))


def write_pairs(folder: Path, grids: tuple[Grid, ...] = (METRES, METRES, METRES)) -> None:
    for i, (pair, grid) in enumerate(zip(PAIRS, grids)):
        write_tif(folder / f"{pair}.unw.tif", phases(i), grid)


def read(stack: Stack, i: int) -> np.ndarray:
    with BandReader(stack.interferograms[i].phase, stack.grid) as reader:
        return reader.read()


def noted(stack: Stack, *words: str) -> bool:
    return any(all(word in note for word in words) for note in stack.notes)


def test_nothing_to_say_about_a_complete_stack(tmp_path):
    products.hyp3(tmp_path)
    assert find_stack(tmp_path).notes == ()


def test_one_pair_is_a_stack(tmp_path):
    write_tif(tmp_path / f"{PAIRS[0]}.unw.tif", phases(0))
    assert [pair.name for pair in find_stack(tmp_path).interferograms] == [PAIRS[0]]


def test_what_is_missing_is_said_and_told_to_the_log(tmp_path):
    write_pairs(tmp_path)
    told: list[str] = []
    stack = find_stack(tmp_path, progress=Progress(on_warning=told.append))
    assert noted(stack, "wavelength", "Sentinel-1", "assumed")
    assert noted(stack, "No perpendicular baselines", "not applied")
    assert noted(stack, "No coherence")
    assert told == list(stack.notes)
    write_text(tmp_path / f"{PAIRS[1].replace('_', '-')}_bperp.par", products.bperp_table(1.0))
    write_tif(tmp_path / f"{PAIRS[1]}.cc.tif", coherences(0))
    stack = find_stack(tmp_path)
    assert noted(stack, "No perpendicular baseline was found for", PAIRS[0], PAIRS[2])
    assert noted(stack, "No coherence was found for", PAIRS[0], PAIRS[2])


@pytest.mark.parametrize("swapped", [False, True])
def test_grids_of_other_extent_are_shifted_exactly(tmp_path, swapped):
    large = replace(METRES, width=30, height=25)
    grids = [large, shifted(2, -1, large), shifted(-1, 1, replace(large, width=31))][:: -1 if swapped else 1]
    values = [np.random.default_rng(i).normal(size=(25, grid.width)).astype(np.float32) for i, grid in enumerate(grids)]
    for pair, grid, phase in zip(PAIRS, grids, values):
        write_tif(tmp_path / f"{pair}.unw.tif", phase, grid)
    stack = find_stack(tmp_path)
    assert stack.grid.same_as(shifted(-1, -1, replace(large, width=33, height=27)))
    assert noted(stack, "differ in extent")
    for i, (grid, phase) in enumerate(zip(grids, values)):
        column, row = stack.grid.offset_of(grid)
        expected = np.full((27, 33), np.nan, np.float32)
        expected[row : row + 25, column : column + grid.width] = phase
        np.testing.assert_array_equal(read(stack, i), expected)


def test_a_frame_far_away_does_not_make_the_grid_huge(tmp_path):
    write_pairs(tmp_path, (METRES, METRES, shifted(10_000, 0)))
    stack = find_stack(tmp_path)
    assert stack.grid.same_as(METRES)
    assert [pair.name for pair in stack.interferograms] == list(PAIRS[:2])
    assert noted(stack, "Left out", f"{PAIRS[2]}.unw.tif")


def test_another_crs_is_resampled_and_named(tmp_path):
    degrees = Grid("EPSG:4326", (98.999, 0.0005, 0.0, 31.635, 0.0, -0.0005), 12, 10)
    lonely = write_tif(tmp_path / f"{PAIRS[1]}.unw.tif", np.full((10, 12), 2.5, np.float32), degrees)
    x, y = 499_950.0, 3_499_950.0
    grid = Grid("EPSG:32647", (x, 40.0, 0.0, y, 0.0, -40.0), WIDTH, HEIGHT)
    write_tif(tmp_path / f"{PAIRS[0]}.unw.tif", phases(0), grid)
    write_tif(tmp_path / f"{PAIRS[2]}.unw.tif", phases(2), grid)
    stack = find_stack(tmp_path)
    assert stack.grid.same_as(grid)
    assert noted(stack, "Resampled", str(lonely))
    values = read(stack, 1)
    assert np.isfinite(values).any()
    np.testing.assert_allclose(values[np.isfinite(values)], 2.5)


def test_another_crs_elsewhere_is_left_out(tmp_path):
    write_pairs(tmp_path, (METRES, METRES, Grid("EPSG:4326", (10.0, 0.001, 0, 50.0, 0, -0.001), WIDTH, HEIGHT)))
    stack = find_stack(tmp_path)
    assert [pair.name for pair in stack.interferograms] == list(PAIRS[:2])
    assert noted(stack, "Left out", f"{PAIRS[2]}.unw.tif")


def test_a_file_without_a_place_in_the_crs_of_most_is_left_out(tmp_path):
    polar = Grid("EPSG:3031", (-40.0, 40.0, 0.0, 40.0, 0.0, -40.0), WIDTH, HEIGHT)
    mercator = Grid("EPSG:3857", (9_000_000.0, 40.0, 0.0, 3_500_000.0, 0.0, -40.0), WIDTH, HEIGHT)
    for k, grids in enumerate(((polar,), (mercator, mercator, METRES))):
        for i, grid in enumerate(grids):
            write_tif(tmp_path / f"{PAIRS[(k + i) % 3]}_{k}.unw.tif", phases(i), grid)
    stack = find_stack(tmp_path)
    assert stack.grid.same_as(mercator)
    assert noted(stack, "Left out", f"{PAIRS[0]}_0.unw.tif")


@pytest.mark.parametrize("newer", [0, 1])
def test_of_a_doubled_pair_the_newest_is_used_and_both_are_named(tmp_path, newer):
    files = [
        write_tif(tmp_path / "a" / f"{PAIRS[0]}.unw.tif", phases(0)),
        write_tif(tmp_path / "b" / "20180130_20180106.unw.tif", -phases(1)),
    ]
    os.utime(files[1 - newer], (1_600_000_000, 1_600_000_000))
    stack = find_stack(tmp_path)
    np.testing.assert_array_equal(read(stack, 0), valid(phases(newer)))
    assert noted(
        stack,
        "twice",
        f"{files[newer].relative_to(tmp_path)} is used, as it is the newer file",
        str(Path("a", f"{PAIRS[0]}.unw.tif")),
        str(Path("b", "20180130_20180106.unw.tif")),
    )


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("S1-GUNW-D-R-071-tops-20200130_20200124-135156-34956N_32979N-PP-913f-v{}.nc", "2_0_4", "2_0_10"),
        (
            "NISAR_L2_PR_GUNW_004_077_A_024_005_4000_SH_20251103T124615_20251103T124650_20251115T124615_"
            "20251115T124650_{}.h5",
            "P05023_N_F_J_002",
            "P05100_N_F_J_001",
        ),
    ],
    ids=["aria", "nisar"],
)
def test_the_version_in_the_name_of_a_doubled_pair_comes_before_the_time_of_the_file(tmp_path, name, old, new):
    for k, version in enumerate((new, old)):
        path = tmp_path / str(k) / name.format(version)
        if path.suffix == ".nc":
            products.write_gunw(path, phases(k), coherences(0), 1.0)
        else:
            products.write_nisar(path, {"frequencyA/HH": valid(phases(k))}, valid(coherences(0)), 1.0)
        os.utime(path, (1_600_000_000 + k,) * 2)
    stack = find_stack(tmp_path)
    np.testing.assert_array_equal(abs(read(stack, 0)), abs(valid(phases(0))))
    assert noted(stack, "twice", f"{new}")


def test_two_orbits_are_not_mixed(tmp_path):
    products.hyp3(tmp_path / "descending")
    name = "S1AA_20220105T170812_20220117T170812_VVP012_INT40_G_ueF_8CFB"
    write_tif(tmp_path / "ascending" / f"{name}_unw_phase.tif", phases(0))
    write_text(tmp_path / "ascending" / f"{name}.txt", "Baseline: 3.0\nHeading: -12.5\n")
    with pytest.raises(InputError, match=r"two orbits.*1 ascending .*8CFB_unw_phase\.tif.*3 descending"):
        find_stack(tmp_path)
    assert len(find_stack(tmp_path / "ascending").interferograms) == 1


def test_two_orbits_of_aria_are_told_by_their_names(tmp_path):
    products.aria(tmp_path)
    name = "S1-GUNW-A-R-064-tops-20200130_20200118-135156-34956N_32979N-PP-913f-v2_0_4.nc"
    products.write_gunw(tmp_path / name, phases(0), coherences(0), 1.0)
    with pytest.raises(InputError, match="two orbits"):
        find_stack(tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "empty", "text"])
def test_an_unreadable_file_is_left_out_and_named(tmp_path, damage):
    write_pairs(tmp_path)
    path = tmp_path / f"{PAIRS[1]}.unw.tif"
    content = path.read_bytes()
    path.write_bytes({"truncated": content[:-40], "empty": b"", "text": b"not a raster"}[damage])
    stack = find_stack(tmp_path)
    assert [pair.name for pair in stack.interferograms] == [PAIRS[0], PAIRS[2]]
    assert noted(stack, "Left out", path.name)
    for other in (PAIRS[0], PAIRS[2]):
        (tmp_path / f"{other}.unw.tif").unlink()
    with pytest.raises(InputError, match=rf"{PAIRS[1]}\.unw\.tif can't be read"):
        find_stack(tmp_path)


@pytest.mark.parametrize("build", [products.gamma, products.roipac, products.isce2, products.snap])
@pytest.mark.parametrize("bytes_left", [60, 100], ids=["half", "almost"])
def test_a_raw_file_cut_short_is_left_out_and_not_read_as_zeros(tmp_path, build, bytes_left):
    expected = build(tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.name.endswith((".unw", ".unw.geo", ".img"))]
    path = next(path for path in sorted(files) if "unw" in path.name.lower() and find_name(path, min(expected.pairs)))
    with path.open("r+b") as file:
        file.truncate(bytes_left)
    stack = find_stack(tmp_path)
    assert [pair.name for pair in stack.interferograms] == [max(expected.pairs)]
    assert noted(stack, "Left out", path.name, "cut short")


def find_name(path: Path, pair: str) -> bool:
    """True for the file that the reader uses for a pair."""
    from ada_mapper.core.interferograms.readers import PRODUCTS, product_of

    key = product_of(path)
    dates = PRODUCTS[key].dates(path) if key else None
    return dates is not None and f"{min(dates):%Y%m%d}_{max(dates):%Y%m%d}" == pair


def test_an_unreadable_coherence_does_not_cost_the_interferogram(tmp_path):
    write_pairs(tmp_path)
    (tmp_path / f"{PAIRS[0]}.cc.tif").write_bytes(b"")
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == 3
    assert noted(stack, "Coherence not used", f"{PAIRS[0]}.cc.tif")


def test_a_smaller_extent_is_said_too(tmp_path):
    write_pairs(tmp_path)
    write_tif(tmp_path / "20180223_20180307.unw.tif", phases(0)[:3], replace(METRES, height=3))
    assert noted(find_stack(tmp_path), "differ in extent")


def test_other_layers_of_a_product_are_not_interferograms(tmp_path):
    write_pairs(tmp_path)
    for name in ("unw_conncomp", "unw_mask", "wrapped", "cc", "los_unwind"):
        write_tif(tmp_path / f"{PAIRS[0]}_{name}.tif", coherences(4) if name == "cc" else phases(4))
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == 3
    assert not noted(stack, "twice")


def test_zero_is_coherence_where_another_nodata_is_declared(tmp_path):
    write_pairs(tmp_path)
    values = np.zeros((HEIGHT, WIDTH), np.float32)
    values[0] = -1
    write_tif(tmp_path / f"{PAIRS[0]}.cc.tif", values, nodata=-1)
    stack = find_stack(tmp_path)
    with BandReader(stack.interferograms[0].coherence, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), np.where(values == -1, np.float32(np.nan), values))


def test_coordinates_that_can_not_be_degrees_need_a_crs(tmp_path):
    products.roipac(tmp_path)
    for path in tmp_path.glob("*.unw.rsc"):
        path.write_text(path.read_text().replace("101.0", "500000.0").replace("31.0", "3500000.0"))
    with pytest.raises(InputError, match=r"unw has no coordinate reference system, and .* aren't longitude"):
        find_stack(tmp_path)


def test_a_file_without_a_crs_says_so(tmp_path):
    write_tif(tmp_path / f"{PAIRS[0]}.unw.tif", phases(0), replace(METRES, crs=""))
    with pytest.raises(InputError, match=r"unw\.tif has no coordinate reference system"):
        find_stack(tmp_path)


def test_a_folder_without_interferograms_says_what_was_looked_for(tmp_path):
    write_tif(tmp_path / "dem.tif", phases(0))
    write_tif(tmp_path / f"{PAIRS[0]}.cc.tif", coherences(0))
    with pytest.raises(InputError, match="hold no unwrapped interferograms") as error:
        find_stack(tmp_path)
    for word in ("_unw_phase.tif", "S1-GUNW", "unwrap_ll.grd", "CSV"):
        assert word in str(error.value)
    (tmp_path / "S1AA.zip").write_bytes(b"")
    with pytest.raises(InputError, match="1 archives: unpack"):
        find_stack(tmp_path)


def test_what_can_not_be_searched(tmp_path):
    with pytest.raises(InputError, match="isn't a folder"):
        find_stack(tmp_path / "nowhere")
    with pytest.raises(InputError, match="Choose the folder"):
        find_stack(None)
    with pytest.raises(InputError, match="modis isn't a product"):
        find_stack(tmp_path, "modis")
    products.hyp3(tmp_path)
    with pytest.raises(InputError, match=r"no interferograms of the product gamma.*3 of hyp3"):
        find_stack(tmp_path, "gamma")


def test_hidden_files_are_not_interferograms(tmp_path):
    write_pairs(tmp_path)
    (tmp_path / f"._{PAIRS[0]}.unw.tif").write_bytes(b"resource fork")
    write_tif(tmp_path / ".trash" / f"{PAIRS[0]}.unw.tif", phases(5))
    assert len(find_stack(tmp_path).interferograms) == 3
    assert not noted(find_stack(tmp_path), "Left out")


def test_a_pair_of_one_date_is_left_out(tmp_path):
    write_pairs(tmp_path)
    write_tif(tmp_path / "20180106_20180106.unw.tif", phases(4))
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == 3
    assert noted(stack, "20180106_20180106.unw.tif has the date 2018-01-06 twice")


def test_a_file_without_dates_is_left_out(tmp_path):
    write_pairs(tmp_path)
    write_tif(tmp_path / "mean_unw.tif", phases(4))
    assert noted(find_stack(tmp_path), "Left out", "mean_unw.tif has no two dates")


def test_two_wavelengths_are_two_sensors(tmp_path):
    for pair, wavelength in zip(PAIRS, ("0.0554", "0.0555", "0.2363")):
        write_tif(tmp_path / f"{pair}.unw.tif", phases(0), tags={"WAVELENGTH_METRES": wavelength})
    with pytest.raises(InputError, match=r"wavelength 0\.0554 m and .*0\.2363 m"):
        find_stack(tmp_path)


def test_the_listing_of_a_large_folder_can_be_cancelled(tmp_path):
    for number in range(9):
        (tmp_path / f"{number}.txt").touch()
    asked = []

    def is_cancelled() -> bool:
        asked.append(True)
        return len(asked) > 4

    with pytest.raises(CancelledError):
        find_stack(tmp_path, progress=Progress(is_cancelled=is_cancelled))
    assert len(asked) == 5


def test_a_search_can_be_cancelled(tmp_path):
    write_pairs(tmp_path)
    with pytest.raises(CancelledError):
        find_stack(tmp_path, progress=Progress(is_cancelled=lambda: True))


def test_interferograms_and_stacks_check_themselves():
    first, second = date(2018, 1, 6), date(2018, 1, 30)
    pair = Interferogram(Band("a.tif"), first, second, "geotiff")
    assert (pair.name, pair.days, pair.years) == (PAIRS[0], 24, 24 / 365.25)
    with pytest.raises(InputError, match="isn't before"):
        Interferogram(Band("a.tif"), second, first, "geotiff")
    with pytest.raises(InputError, match="wavelength"):
        Interferogram(Band("a.tif"), first, second, "geotiff", wavelength=-1.0)
    with pytest.raises(InputError, match="at least one"):
        Stack((), METRES, 0.0555)
    with pytest.raises(InputError, match="each pair once"):
        Stack((pair, pair), METRES, 0.0555)
    assert Stack((pair,), METRES, 0.0555).dates == (first, second)
