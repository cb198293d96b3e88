"""Connected components: read with the products, and what masking by them leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import interferogram_products as products
from ada_mapper.core.interferograms import Stack, find_stack, note_components, select_pairs, within_components
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import Band, BandReader, Grid, Mosaic, MosaicPart, Window, reader_of_any
from ada_mapper.core.stacking import StackOutputs, stack_to_files
from ada_mapper.core.stacking.reading import ReaderPool, read_phases
from interferogram_products import METRES, components, phases, valid, write_text, write_tif
from stacks import read_raster


@pytest.mark.parametrize("build", [products.hyp3, products.aria, products.isce2])
def test_pixels_outside_components_are_no_data_where_that_is_asked_for(build, tmp_path: Path) -> None:
    expected = build(tmp_path)
    told: list[str] = []
    stack = within_components(find_stack(tmp_path), Progress(on_info=told.append))
    known = [pair for pair in stack.interferograms if pair.components is not None]
    assert len(known) >= 2 and f"of {len(known)} of {len(stack.interferograms)} interferograms are no data" in told[0]
    for pair in stack.interferograms:
        wanted = expected.pairs[pair.name]
        outside = np.isnan(wanted.components) if wanted.components is not None else np.zeros(wanted.phase.shape, bool)
        with BandReader(pair.phase, stack.grid) as reader:
            np.testing.assert_array_equal(reader.read(), np.where(outside, np.nan, wanted.phase))
            out = np.zeros((2, 3), np.float32)
            assert reader.read(Window(1, 1, 3, 2), out) is out
            np.testing.assert_array_equal(out, np.where(outside, np.nan, wanted.phase)[1:3, 1:4])


def hyp3_pair(
    folder: Path, labels: np.ndarray | None, name: str = "S1_136231_IW1_20170411_20170517_VV_INT80_8E81"
) -> None:
    write_tif(folder / f"{name}_unw_phase.tif", phases(1))
    write_text(folder / f"{name}.txt", "Baseline: 1\n")
    if labels is not None:
        write_tif(folder / f"{name}_conncomp.tif", labels)


def test_without_asking_they_are_told_and_phases_stay(tmp_path: Path) -> None:
    hyp3_pair(tmp_path, components(2))
    told: list[str] = []
    stack = find_stack(tmp_path)
    note_components(stack, Progress(on_info=told.append))
    assert told == [
        "1 of 1 interferograms have connected components. Phases outside of them are used, too; they can be left out."
    ]
    with BandReader(stack.interferograms[0].phase, stack.grid) as reader:
        np.testing.assert_array_equal(reader.read(), valid(phases(1)))
    assert any(path.endswith("_conncomp.tif") for path in stack.sources)


def test_a_stack_without_components_says_so_and_stays_as_it_is(tmp_path: Path) -> None:
    hyp3_pair(tmp_path, None)
    told: list[str] = []
    stack = find_stack(tmp_path)
    assert within_components(stack, Progress(on_warning=told.append)) == stack
    assert told == ["No interferogram has connected components, so no pixel is left out by them."]
    note_components(stack, Progress(on_info=told.append))
    assert len(told) == 1


@pytest.mark.parametrize("damage", ["empty", "cut"])
def test_components_that_cannot_be_used_are_told_and_leave_the_pair(tmp_path: Path, damage: str) -> None:
    hyp3_pair(tmp_path, np.zeros((products.HEIGHT, products.WIDTH), np.uint8))
    if damage == "cut":
        next(tmp_path.glob("*_conncomp.tif")).write_bytes(b"II*\0")
    stack = find_stack(tmp_path)
    assert stack.interferograms[0].components is None
    assert any(note.startswith("Connected components not used:") for note in stack.notes)


def test_each_file_of_a_mosaic_has_components_of_its_own(tmp_path: Path) -> None:
    grid = Grid(METRES.crs, METRES.transform, 9, 5)
    right = Grid(METRES.crs, (METRES.transform[0] + 3 * 40, 40, 0, METRES.transform[3], 0, -40), 6, 5)
    bands, labels = [], []
    for number, own in enumerate((METRES, right)):
        bands.append(Band(str(write_tif(tmp_path / f"p{number}.tif", np.full((5, 6), 1.0 + number, np.float32), own))))
        mask = np.ones((5, 6), np.uint8)
        mask[number] = 0
        labels.append(Band(str(write_tif(tmp_path / f"c{number}.tif", mask, own)), nodata=(0.0,)))
    windows = (Window(0, 0, 6, 5), Window(3, 0, 6, 5))
    hyp3_pair(tmp_path / "pair", None)
    (pair,) = find_stack(tmp_path / "pair").interferograms
    pair = replace(
        pair,
        phase=Mosaic(tuple(map(MosaicPart, bands, windows)), grid),
        components=Mosaic(tuple(MosaicPart(b, w, 1000.0 * n) for n, (b, w) in enumerate(zip(labels, windows))), grid),
    )
    (masked,) = within_components(Stack((pair,), grid, 0.0555)).interferograms
    with reader_of_any(masked.phase, grid) as reader:
        values = reader.read()
    expected = np.full((5, 9), 1.5)
    expected[:, :3], expected[:, 6:] = 1, 2
    expected[0, :3], expected[1, 6:] = np.nan, np.nan
    # Where one of two files has none, the other one's phase is left.
    expected[0, 3:6], expected[1, 3:6] = 2, 1
    np.testing.assert_array_equal(values, expected)
    with reader_of_any(pair.components, grid) as reader:
        assert set(np.unique(reader.read()[2:])) == {1, 501, 1001}


def test_rates_and_samples_are_those_of_masked_phases(tmp_path: Path) -> None:
    for name, labels in (("20170411_20170517", components(0)), ("20170411_20170423", components(3))):
        hyp3_pair(tmp_path, labels, f"S1_136231_IW1_{name}_VV_INT80_8E81")
    stack = within_components(find_stack(tmp_path))
    (tmp_path / "rate").mkdir()
    stack_to_files(stack, StackOutputs(tmp_path / "rate" / "p.tif", count=tmp_path / "rate" / "n.tif"))
    outside = [components(seed) == 0 for seed in (3, 0)]
    expected = sum(np.isfinite(valid(phases(1))) & ~mask for mask in outside)
    np.testing.assert_array_equal(read_raster(tmp_path / "rate" / "n.tif"), expected)
    assert len(select_pairs(stack).stack.interferograms) == 2
    # A pool that may keep one file open only gives the same, again and again.
    with ReaderPool(stack.grid, limit=1) as pool:
        window = Window(0, 0, stack.grid.width, stack.grid.height)
        for _ in range(3):
            found = np.isfinite(read_phases(stack, pool, window)).sum(axis=0)
            np.testing.assert_array_equal(found, expected)


def test_a_mask_on_another_grid_is_taken_from_the_nearest_pixel(tmp_path: Path) -> None:
    coarse = Grid(METRES.crs, (METRES.transform[0], 80, 0, METRES.transform[3], 0, -80), 2, 2)
    mask = Band(str(write_tif(tmp_path / "mask.tif", np.array([[1, 0], [0, 2]], np.uint8), coarse)))
    band = Band(str(write_tif(tmp_path / "band.tif", np.arange(1, 31, dtype=np.float32).reshape(5, 6))), mask=mask)
    with BandReader(band) as reader:
        values = reader.read()
    kept = np.zeros((5, 6), bool)
    kept[:2, :2] = kept[2:4, 2:4] = True
    np.testing.assert_array_equal(np.isfinite(values), kept)
