"""Interferograms are what they are meant to be: phases in radians that can be, coherences of 0 to 1, or a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from ada_mapper.core.errors import InputError
from ada_mapper.core.interferograms import Stack, find_stack
from ada_mapper.core.interferograms.checking import looks_wrapped
from ada_mapper.core.raster import BandReader, Grid
from ada_mapper.core.types import Array
from interferogram_products import phases, write_envi, write_text, write_tif

HEIGHT, WIDTH = 60, 80
GRID = Grid("EPSG:32647", (500_000.0, 40.0, 0.0, 3_500_000.0, 0.0, -40.0), WIDTH, HEIGHT)
PAIRS = ("20200101_20200113", "20200113_20200125", "20200125_20200206")
PER_METRE = 4 * np.pi / 0.055465763
COLUMNS = np.tile(np.linspace(-1, 1, WIDTH, dtype=np.float32), (HEIGHT, 1))


def write_pairs(folder: Path, phase: np.ndarray, unit: str = "", tags: dict[str, str] | None = None) -> None:
    for pair in PAIRS:
        write_tif(folder / f"{pair}_unw_phase.tif", phase, GRID, tags=tags)
        if unit:
            dataset = gdal.Open(str(folder / f"{pair}_unw_phase.tif"), gdal.GA_Update)
            dataset.GetRasterBand(1).SetUnitType(unit)


def phase_of(stack: Stack, number: int = 0) -> Array:
    with BandReader(stack.interferograms[number].phase, stack.grid) as reader:
        return reader.read()


def coherence_of(stack: Stack, number: int = 0) -> Array:
    with BandReader(stack.interferograms[number].coherence, stack.grid) as reader:
        return reader.read()


@pytest.mark.parametrize(("unit", "metres"), [("m", 1.0), ("cm", 0.01), ("mm", 0.001)])
@pytest.mark.parametrize("place", ["unit of the band", "DATA_UNITS", "units"])
def test_a_displacement_becomes_the_phase_of_the_opposite_sign(tmp_path, unit, metres, place):
    motion = (COLUMNS + 2) * np.float32(0.01 / metres)
    tags = {} if place == "unit of the band" else {place: unit}
    write_pairs(tmp_path, motion, unit if not tags else "", tags)
    stack = find_stack(tmp_path)
    np.testing.assert_allclose(phase_of(stack), -PER_METRE * metres * motion, rtol=1e-5)
    assert [f"is in {unit}: it was taken as displacement" in note for note in stack.notes].count(True) == 1
    assert "The same goes for 2 more files." in next(note for note in stack.notes if "displacement" in note)


def test_a_displacement_away_from_the_satellite_has_the_sign_of_the_phase(tmp_path):
    write_pairs(tmp_path, COLUMNS * np.float32(0.01) + 1, "m", {"SIGN": "away"})
    np.testing.assert_allclose(phase_of(find_stack(tmp_path)), PER_METRE * (COLUMNS * 0.01 + 1), rtol=1e-5)


def test_what_was_found_in_a_file_is_forgotten_when_the_file_or_what_lies_beside_it_changes(tmp_path):
    write_pairs(tmp_path, COLUMNS)
    np.testing.assert_allclose(phase_of(find_stack(tmp_path)), COLUMNS, rtol=1e-5)
    first = tmp_path / f"{PAIRS[0]}_unw_phase.tif"
    unit = "<PAMDataset><PAMRasterBand band='1'><UnitType>cm</UnitType></PAMRasterBand></PAMDataset>"
    write_text(first.with_name(f"{first.name}.aux.xml"), unit)
    np.testing.assert_allclose(phase_of(find_stack(tmp_path)), -PER_METRE * 0.01 * COLUMNS, rtol=1e-5)
    first.with_name(f"{first.name}.aux.xml").unlink()
    write_tif(first, COLUMNS * np.float32(3), GRID)
    np.testing.assert_allclose(phase_of(find_stack(tmp_path)), COLUMNS * 3, rtol=1e-5)


def test_what_was_found_in_a_file_is_forgotten_when_its_header_changes(tmp_path):
    write_envi(tmp_path / "phase.img", phases(1))
    table = write_text(tmp_path / "pairs.csv", "file,date1,date2\nphase.img,2020-01-01,2020-01-13\n")
    find_stack(None, pairs_file=table)
    header = (tmp_path / "phase.hdr").read_text()
    write_text(tmp_path / "phase.hdr", header.replace("byte order = 1", "byte order = 0"))
    with pytest.raises(InputError, match=r"phase\.img"):
        find_stack(None, pairs_file=table)


def test_a_displacement_of_a_table_is_turned_by_its_name_and_other_displacements_are_refused(tmp_path):
    product = "S1AA_20200101T135156_20200113T135157_VVP012_INT80_G_ueF_F8BF_los_disp.tif"
    write_tif(tmp_path / product, COLUMNS * np.float32(0.01) + 1, GRID)
    write_tif(tmp_path / "S1_vert_disp.tif", COLUMNS, GRID)
    write_tif(tmp_path / "displacement.tif", COLUMNS, GRID)
    header = "file,date1,date2\n"
    table = write_text(tmp_path / "pairs.csv", f"{header}{product},2020-01-01,2020-01-13\n")
    np.testing.assert_allclose(
        phase_of(find_stack(None, pairs_file=table)), -PER_METRE * (COLUMNS * 0.01 + 1), rtol=1e-5
    )
    for name, words in (("S1_vert_disp", "vertical displacements"), ("displacement", ".* doesn't tell their unit")):
        table = write_text(tmp_path / "pairs.csv", f"{header}{name}.tif,2020-01-01,2020-01-13\n")
        with pytest.raises(InputError, match=rf"{name}\.tif holds {words}"):
            find_stack(None, pairs_file=table)


def test_a_phase_in_another_unit_is_refused(tmp_path):
    write_pairs(tmp_path, COLUMNS, "dB")
    stack = find_stack(tmp_path)
    assert any("unit “dB”" in note for note in stack.notes)
    write_pairs(tmp_path, COLUMNS, "m/yr")
    with pytest.raises(InputError, match="its unit is “m/yr”"):
        find_stack(tmp_path)


@pytest.mark.parametrize("cycles", [2, 7.5])
@pytest.mark.parametrize("start", [0, np.pi], ids=["from -π to π", "from 0 to 2π"])
@pytest.mark.parametrize("noise", [0, 0.5])
def test_wrapped_phases_are_refused(tmp_path, cycles, start, noise):
    phase = COLUMNS * cycles * np.pi + np.random.default_rng(0).normal(0, noise, (HEIGHT, WIDTH)) + 1e-3
    write_pairs(tmp_path, np.angle(np.exp(1j * phase)).astype(np.float32) + np.float32(start))
    with pytest.raises(InputError, match=rf"{PAIRS[0]}_unw_phase\.tif holds wrapped phases.*Unwrap it first"):
        find_stack(tmp_path)


@pytest.mark.parametrize("noise", [0.0, 0.3, 0.7, 1.0])
def test_unwrapped_phases_within_a_cycle_are_no_wrapped_ones(noise):
    phase = COLUMNS * 0.97 * np.pi + np.random.default_rng(0).normal(0, noise, (HEIGHT, WIDTH))
    assert not looks_wrapped(phase[None].astype(np.float32))
    small = np.random.default_rng(0).normal(0, noise, (9, 2, 4000))
    assert not looks_wrapped(small.astype(np.float32))


def test_unwrapped_phases_within_a_cycle_are_used(tmp_path):
    phase = (COLUMNS * np.float32(3.1)).copy()
    phase[20, 20], phase[20, 21] = -3.1, 3.1
    write_pairs(tmp_path, phase)
    np.testing.assert_array_equal(phase_of(find_stack(tmp_path)), phase)


def test_phases_that_no_ground_can_have_are_refused_and_hardly_possible_ones_warned_of(tmp_path):
    # 10 m and 0.1 m a day are 11.2 m in 12 days, 2537 rad; a tenth of that is warned of.
    write_pairs(tmp_path, COLUMNS * np.float32(2600))
    with pytest.raises(InputError, match=r"20200101_20200113_unw_phase\.tif can't be used as unwrapped phase.*-2600"):
        find_stack(tmp_path)
    write_pairs(tmp_path, COLUMNS * np.float32(400))
    notes = find_stack(tmp_path).notes
    assert any("unw_phase.tif: the unwrapped phase reaches 400 rad, which is hardly possible" in note for note in notes)
    write_pairs(tmp_path, COLUMNS * np.float32(100))
    assert not any("hardly" in note for note in find_stack(tmp_path).notes)


@pytest.mark.parametrize("marker", [-9999.0, 9999.0, -99999.0, -32768.0, 32767.0, -3.4e38, 1.7e38, 1e20])
def test_markers_in_phases_are_no_data_and_told_once(tmp_path, marker):
    phase = (COLUMNS * np.float32(30)).copy()
    phase[:15] = marker
    write_pairs(tmp_path, phase)
    stack = find_stack(tmp_path)
    found = phase_of(stack)
    assert np.isnan(found[:15]).all()
    np.testing.assert_array_equal(found[15:], phase[15:])
    (note,) = [note for note in stack.notes if "doesn't declare as no data" in note]
    assert "25.0% of the unwrapped phase" in note and "2 more files" in note


def write_coherences(folder: Path, tops: tuple[float, ...], kind: type = np.float32) -> list[np.ndarray]:
    write_pairs(folder, COLUMNS * np.float32(5))
    share = (COLUMNS + 1.5) / np.float32(2.5)
    written = [(share * top).astype(kind) for top in tops]
    for pair, values in zip(PAIRS, written):
        write_tif(folder / f"{pair}_coherence.tif", values, GRID)
    return written


@pytest.mark.parametrize("kind", [np.float32, np.uint8])
@pytest.mark.parametrize(
    ("tops", "full"), [((200, 240, 150), 255), ((70, 250, 90), 255), ((99, 95, 40), 100)], ids=["255", "mixed", "100"]
)
def test_coherences_are_scaled_alike_by_the_largest_of_all(tmp_path, kind, tops, full):
    written = write_coherences(tmp_path, tops, kind)
    stack = find_stack(tmp_path)
    for number, values in enumerate(written):
        np.testing.assert_allclose(coherence_of(stack, number), values / np.float32(full), rtol=1e-5)
    assert [f"taken as 0 to {full}" in note for note in stack.notes].count(True) == 1


def test_coherences_that_cannot_be_are_refused_or_left_out(tmp_path):
    write_coherences(tmp_path, (1000, 2000, 3000))
    with pytest.raises(
        InputError, match=r"_coherence\.tif can't be used as coherence: its numbers reach from 200 to 1000"
    ):
        find_stack(tmp_path)
    written = write_coherences(tmp_path, (200, 1000, 240))
    write_tif(tmp_path / f"{PAIRS[2]}_coherence.tif", np.full((HEIGHT, WIDTH), np.nan, np.float32), GRID)
    stack = find_stack(tmp_path)
    np.testing.assert_allclose(coherence_of(stack), written[0] / np.float32(255), rtol=1e-5)
    assert [pair.coherence is None for pair in stack.interferograms] == [False, True, True]
    unused = [note for note in stack.notes if note.startswith("Coherence not used")]
    assert f"{PAIRS[1]}_coherence.tif can't be used as coherence" in unused[0]
    assert f"{PAIRS[2]}_coherence.tif holds no data" in unused[1]


def test_what_is_no_interferogram_costs_its_pair_and_is_named(tmp_path):
    write_pairs(tmp_path, COLUMNS * np.float32(5))
    side = 2_000_000_000
    huge = (
        f'<VRTDataset rasterXSize="{side}" rasterYSize="{side}"><SRS>EPSG:32647</SRS>'
        '<GeoTransform>5e5,40,0,3.5e6,0,-40</GeoTransform><VRTRasterBand dataType="Float32" band="1"/></VRTDataset>'
    )
    write_text(tmp_path / f"{PAIRS[0]}_unw_phase.tif", huge)
    write_tif(tmp_path / f"{PAIRS[1]}_unw_phase.tif", np.zeros((HEIGHT, WIDTH), np.float32), GRID)
    stack = find_stack(tmp_path)
    assert [pair.name for pair in stack.interferograms] == [PAIRS[2]]
    left_out = [note for note in stack.notes if note.startswith("Left out")]
    assert len(left_out) == 2
    assert f"has {side} × {side} pixels" in left_out[0] and f"{PAIRS[1]}_unw_phase.tif holds no data" in left_out[1]


@pytest.mark.parametrize("share", [1.0, 0.1], ids=["whole", "with data in a tenth"])
def test_a_large_raster_is_judged_by_blocks_of_its_file(tmp_path, share):
    large = Grid(GRID.crs, GRID.transform, 900, 700)
    rows, columns = np.mgrid[:700, :900].astype(np.float32)
    phase = 0.05 * columns - 0.03 * rows + 0.01
    phase[: round(700 * (1 - share))] = 0
    coherence = np.where(phase == 0, 0, 40 + columns / 5).astype(np.float32)
    for pair in PAIRS:
        write_tif(tmp_path / f"{pair}_unw_phase.tif", phase, large)
        write_tif(tmp_path / f"{pair}_corr.tif", coherence, large)
    stack = find_stack(tmp_path)
    np.testing.assert_allclose(coherence_of(stack), np.where(phase == 0, np.nan, coherence / 255), rtol=1e-6)
    for pair in PAIRS:
        write_tif(tmp_path / f"{pair}_unw_phase.tif", np.angle(np.exp(1j * phase)).astype(np.float32), large)
    with pytest.raises(InputError, match="holds wrapped phases"):
        find_stack(tmp_path)
