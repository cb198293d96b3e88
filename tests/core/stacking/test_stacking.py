"""Stacks from files to files: known answers, outputs, faults."""

from __future__ import annotations

import errno
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from ada_mapper.core.errors import CancelledError, InputError, OutputError
from ada_mapper.core.files import unwritable
from ada_mapper.core.interferograms import Stack
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import Band, BandReader, Grid, RasterWriter, Window
from ada_mapper.core.stacking import (
    AtmosphereFilter,
    Corrections,
    ReaderPool,
    Reference,
    StackingOptions,
    StackOutputs,
    stack_to_files,
)
from ada_mapper.core.stacking import reading as stack_reader
from ada_mapper.core.stacking.reading import window_shape
from stacks import WAVELENGTH, equation_1, make_stack, network_days, read_raster, write_raster, years_of

DAYS = network_days(5)
MM = 1000 * WAVELENGTH / (4 * math.pi)


def outputs(folder: Path) -> StackOutputs:
    names = ("phase_rate", "los_rate", "standard_error", "count")
    return StackOutputs(*(folder / f"{name}.tif" for name in names))


EQUATION_1 = StackingOptions(estimator="eq1")


def phases_with_holes(shape: tuple[int, int] = (23, 31), holes: float = 0.2, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    phases = generator.normal(0, 4, (len(DAYS), *shape)).astype(np.float32)
    phases[generator.random(phases.shape) < holes] = np.nan
    return phases


@pytest.mark.parametrize(
    ("stored", "nodata", "declared"),
    [(np.nan, (), None), (0.0, (0.0,), None), (-9999.0, (), -9999.0), (np.nan, (0.0,), -9999.0)],
)
def test_no_data_never_counts_as_zero_phase(
    tmp_path: Path, stored: float, nodata: tuple[float, ...], declared: float | None
) -> None:
    phases = phases_with_holes()
    on_disk = np.where(np.isnan(phases), np.float32(stored), phases)
    stack = make_stack(tmp_path / "in", on_disk, DAYS, nodata=nodata, declared=declared)
    stack_to_files(stack, outputs(tmp_path), options=EQUATION_1)
    expected = equation_1(phases, DAYS)
    found = read_raster(tmp_path / "phase_rate.tif")
    np.testing.assert_allclose(found, expected, atol=1e-4, rtol=1e-6)
    np.testing.assert_array_equal(read_raster(tmp_path / "count.tif"), np.isfinite(phases).sum(axis=0))
    np.testing.assert_allclose(read_raster(tmp_path / "los_rate.tif"), -MM * expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("min_pairs", "valid_pairs", "said"),
    [(1, 0, "No pixel has any valid phase"), (2, 0, "No pixel has any valid"), (2, 1, "Lower the minimum number")],
)
def test_empty_rates_are_said_with_their_cause(tmp_path: Path, min_pairs: int, valid_pairs: int, said: str) -> None:
    phases = np.full((len(DAYS), 4, 5), np.nan)
    phases[:valid_pairs] = 1
    heard: list[str] = []
    stack = make_stack(tmp_path / "in", phases, DAYS)
    options = StackingOptions(min_pairs=min_pairs)
    stack_to_files(stack, outputs(tmp_path), options=options, progress=Progress(on_warning=heard.append))
    assert len(heard) == 1 and said in heard[0]


@pytest.mark.parametrize(("sign", "factor"), [("toward", -1), ("away", 1)])
@pytest.mark.parametrize(("unit", "per_metre"), [("mm/yr", 1000), ("m/yr", 1)])
def test_sign_and_unit_of_the_los_rate(tmp_path: Path, sign: str, factor: int, unit: str, per_metre: int) -> None:
    years = years_of(DAYS)
    stack = make_stack(tmp_path / "in", [np.full((3, 4), 6.0 * year) for year in years], DAYS)
    stack_to_files(stack, outputs(tmp_path), options=StackingOptions(sign=sign, unit=unit))
    expected = factor * per_metre * WAVELENGTH * 6 / (4 * math.pi)
    np.testing.assert_allclose(read_raster(tmp_path / "los_rate.tif"), expected, rtol=1e-6)
    np.testing.assert_allclose(read_raster(tmp_path / "phase_rate.tif"), 6, rtol=1e-6)


def test_results_are_described(tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "in", phases_with_holes(), DAYS)
    stack_to_files(stack, outputs(tmp_path), options=StackingOptions(sign="away", unit="m/yr"))
    expected = {"phase_rate": "rad/yr", "los_rate": "m/yr", "standard_error": "m/yr", "count": "1"}
    for name, unit in expected.items():
        dataset = gdal.Open(str(tmp_path / f"{name}.tif"))
        band = dataset.GetRasterBand(1)
        assert (band.GetDescription(), band.GetUnitType()) == (name, unit)
        tags = band.GetMetadata()
        assert tags.get("SIGN") == ("away" if name.endswith("rate") else None)
        shortest = min(second - first for first, second in DAYS)
        assert tags.get("SHORTEST_PAIR_DAYS") == (str(shortest) if name.endswith("rate") else None)
        if name != "count":
            assert float(tags["WAVELENGTH_METRES"]) == pytest.approx(WAVELENGTH)
            assert math.isnan(band.GetNoDataValue()) and band.DataType == gdal.GDT_Float32


def test_only_the_phase_rate_must_be_written(tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "in", phases_with_holes(), DAYS)
    result = stack_to_files(stack, StackOutputs(tmp_path / "phase_rate.tif"))
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["phase_rate.tif"]
    assert result.los_rate is None and result.pairs_used == len(DAYS)


def test_statistics_are_those_of_the_written_rates(tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "in", phases_with_holes(holes=0.8), DAYS)
    result = stack_to_files(stack, outputs(tmp_path))
    rates = read_raster(tmp_path / "los_rate.tif")
    rates = rates[np.isfinite(rates)].astype(np.float64)
    assert result.los_rate is not None
    assert (result.los_rate.pixels, result.los_rate.unit) == (rates.size, "mm/yr")
    assert result.los_rate.mean == pytest.approx(rates.mean(), rel=1e-5)
    assert (result.los_rate.minimum, result.los_rate.maximum) == (rates.min(), rates.max())
    np.testing.assert_allclose(result.los_rate.percentiles, np.percentile(rates, (2, 50, 98)), rtol=1e-5)


def test_los_rate_is_masked_by_mean_coherence_and_phase_rate_stays_dense(tmp_path: Path) -> None:
    phases = phases_with_holes(holes=0)
    mean = np.random.default_rng(4).random(phases.shape[1:]).astype(np.float32)
    coherence = [np.clip(mean + shift, 0, 1) for shift in np.linspace(-0.01, 0.01, len(DAYS))]
    coherence[0][5, 5:8] = np.nan
    for values in coherence:
        values[7, 7] = np.nan
    stack = make_stack(tmp_path / "in", phases, DAYS, coherence)
    stack_to_files(stack, outputs(tmp_path), options=StackingOptions(min_coherence=0.4))
    masked = np.isnan(read_raster(tmp_path / "los_rate.tif"))
    expected = np.nanmean(np.array(coherence)[:, :7], axis=0) < 0.4
    np.testing.assert_array_equal(masked[:7], expected)
    assert masked[7, 7]
    assert np.isfinite(read_raster(tmp_path / "phase_rate.tif")).all()
    assert np.isfinite(read_raster(tmp_path / "standard_error.tif")).all()


@pytest.mark.parametrize("min_coherence", [0.0, 0.4])
def test_the_mean_coherence_is_written_whether_or_not_it_masks(tmp_path: Path, min_coherence: float) -> None:
    random = np.random.default_rng(3)
    phases = random.normal(0, 1, (len(DAYS), 8, 9)).astype(np.float32)
    coherence = random.uniform(0.2, 0.7, phases.shape).astype(np.float32)
    coherence[0, 2] = np.nan
    coherence[:, 5, 5] = np.nan
    stack = make_stack(tmp_path / "in", phases, DAYS, coherence)
    written = replace(outputs(tmp_path), coherence=tmp_path / "coherence.tif")
    stack_to_files(stack, written, options=StackingOptions(min_coherence=min_coherence))
    found = read_raster(tmp_path / "coherence.tif")
    for index in np.ndindex(*found.shape):
        known = [float(value) for value in coherence[(slice(None), *index)] if np.isfinite(value)]
        expected = sum(known) / len(known) if known else np.nan
        assert found[index] == pytest.approx(expected, abs=1e-6, nan_ok=True)
    masked = ~(found >= min_coherence) if min_coherence else np.zeros(found.shape, bool)
    np.testing.assert_array_equal(np.isnan(read_raster(written.los_rate)), masked)  # type: ignore[arg-type]


def test_a_mean_coherence_that_nothing_tells_is_empty_and_said(tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "in", np.ones((len(DAYS), 6, 7), np.float32), DAYS)
    said: list[str] = []
    written = replace(outputs(tmp_path), coherence=tmp_path / "coherence.tif")
    stack_to_files(stack, written, progress=Progress(on_info=said.append))
    assert np.isnan(read_raster(tmp_path / "coherence.tif")).all()
    assert "The interferograms have no coherence, so its mean is empty." in said


def test_a_mask_without_coherence_is_said_and_not_made(tmp_path: Path) -> None:
    said: list[str] = []
    stack = make_stack(tmp_path / "in", phases_with_holes(holes=0), DAYS)
    options = StackingOptions(min_coherence=0.4)
    stack_to_files(stack, outputs(tmp_path), options=options, progress=Progress(on_info=said.append))
    assert any("no coherence" in message for message in said)
    assert np.isfinite(read_raster(tmp_path / "los_rate.tif")).all()


def test_coherence_weights(tmp_path: Path) -> None:
    phases = phases_with_holes(holes=0.1)
    coherence = np.random.default_rng(1).uniform(0.1, 0.95, phases.shape).astype(np.float32)
    stack = make_stack(tmp_path / "in", phases, DAYS, coherence)
    stack_to_files(stack, outputs(tmp_path), options=replace(EQUATION_1, coherence_weights=True))
    weight = np.where(np.isnan(phases), 0, coherence.astype(float) ** 2 / (1 - coherence.astype(float) ** 2))
    years = years_of(DAYS)[:, None, None]
    expected = (weight * years * np.nan_to_num(phases)).sum(axis=0) / (weight * years**2).sum(axis=0)
    np.testing.assert_allclose(read_raster(tmp_path / "phase_rate.tif"), expected, rtol=1e-4, atol=1e-4)


def test_coherence_weights_without_coherence_are_refused(tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "in", phases_with_holes(), DAYS)
    with pytest.raises(InputError, match="need the coherence of every pair"):
        stack_to_files(stack, outputs(tmp_path), options=StackingOptions(coherence_weights=True))


def test_unwrapping_errors_are_rejected_where_asked_for(tmp_path: Path) -> None:
    days = network_days(8, 3)
    generator = np.random.default_rng(0)
    truth = generator.normal(0, 10, (10, 12))
    phases = np.array([truth * year for year in years_of(days)]) + generator.normal(0, 0.1, (len(days), 10, 12))
    phases[4, :, :6] += 6 * np.pi
    stack = make_stack(tmp_path / "in", phases, days)
    result = stack_to_files(stack, outputs(tmp_path), options=StackingOptions(outlier_sigma=4.0))
    name = stack.interferograms[4].name
    share = 100 / len(days) / 2
    assert f"left out {share:.3g} % of the phases; the most, 60 pixels, of pair {name}." in " ".join(
        map(str, result.notes)
    )
    count = read_raster(tmp_path / "count.tif")
    assert (count[:, :6] == len(days) - 1).all() and (count[:, 6:] == len(days)).all()
    assert abs(read_raster(tmp_path / "phase_rate.tif") - truth).max() < 1.5


def test_one_pair_has_a_rate_no_error_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    stack = make_stack(tmp_path / "in", [np.full((4, 4), 0.5)], [(0, 12)])
    stack_to_files(stack, outputs(tmp_path), progress=Progress(on_info=said.append))
    np.testing.assert_allclose(read_raster(tmp_path / "phase_rate.tif"), 0.5 * 365.25 / 12, rtol=1e-6)
    assert np.isnan(read_raster(tmp_path / "standard_error.tif")).all()
    assert any("one pair" in message for message in said)


def test_leap_days_count(tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "in", [np.full((2, 2), 1.0)], [(0, 366)])
    stack_to_files(stack, outputs(tmp_path))
    np.testing.assert_allclose(read_raster(tmp_path / "phase_rate.tif"), 365.25 / 366, rtol=1e-6)


@pytest.mark.parametrize("options", [(), ("TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16"), ("BLOCKYSIZE=7",)])
@pytest.mark.parametrize("cube", [1, 3000, 2**24])
def test_result_is_the_same_whatever_the_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], cube: int
) -> None:
    phases = phases_with_holes((50, 61), 0.1)
    stack = make_stack(tmp_path / "in", phases, DAYS, options=options)
    monkeypatch.setattr(stack_reader, "_CUBE_BYTES", cube)
    monkeypatch.setattr("ada_mapper.core.stacking.blocks._CHUNK_VALUES", 700)
    stack_to_files(stack, outputs(tmp_path), options=EQUATION_1)
    np.testing.assert_allclose(read_raster(tmp_path / "phase_rate.tif"), equation_1(phases, DAYS), atol=1e-4)


@pytest.mark.parametrize("shape", [(10_000, 10_000), (20_000, 15_000), (60, 100), (1, 7)])
@pytest.mark.parametrize("block", [(256, 256), (512, 512), (15_000, 1), (128, 128), (100_000, 16)])
@pytest.mark.parametrize("pairs", [1, 30, 500])
@pytest.mark.parametrize("multiple", [1, 16])
def test_windows_are_bounded_and_hold_whole_blocks(
    shape: tuple[int, int], block: tuple[int, int], pairs: int, multiple: int
) -> None:
    pixels = 2**28 // (4 * pairs)
    rows, columns = window_shape(shape, block, pixels, multiple)
    assert rows * columns <= max(pixels, multiple * multiple)
    assert (rows % multiple == 0 or rows == shape[0]) and (columns % multiple == 0 or columns == shape[1])
    if block[0] * block[1] <= pixels / 4 and multiple == 1:
        assert rows % min(block[1], shape[0]) == 0
        assert columns % min(block[0], shape[1]) == 0 or columns == shape[1]


def test_few_files_are_open_at_once(tmp_path: Path) -> None:
    stack = make_stack(tmp_path, phases_with_holes(), DAYS)
    opened: set[int] = set()
    with ReaderPool(stack.grid, limit=3) as pool:
        for _ in range(3):
            for pair in stack.interferograms:
                with pool.reader(pair.phase) as reader, pool.reader(pair.phase) as other:
                    assert reader is not other
                    opened.add(id(reader))
                assert sum(len(readers) for readers in pool._idle.values()) <= 3


@pytest.mark.parametrize(
    "options",
    [{"min_pairs": 0}, {"min_coherence": 1.0}, {"sign": "up"}, {"unit": "cm/yr"}, {"outlier_sigma": 0.5}],
)
def test_options_check_themselves(options: dict[str, object]) -> None:
    with pytest.raises(InputError):
        StackingOptions(**options)  # type: ignore[arg-type]


def test_more_pairs_wanted_than_there_are(tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "in", phases_with_holes(), DAYS)
    with pytest.raises(InputError, match="has only"):
        stack_to_files(stack, outputs(tmp_path), options=StackingOptions(min_pairs=99))


def test_two_results_in_one_file_are_refused(tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "in", phases_with_holes(), DAYS)
    with pytest.raises(InputError, match="same file"):
        stack_to_files(stack, StackOutputs(tmp_path / "a.tif", tmp_path / "a.tif"))


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_file()]


def many_windows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setattr(stack_reader, "_CUBE_BYTES", 1)
    return make_stack(folder, phases_with_holes((200, 300)), DAYS, options=("BLOCKYSIZE=4",))


def test_a_truncated_interferogram_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = many_windows(tmp_path / "in", monkeypatch)
    damaged = Path(stack.interferograms[3].phase.path)
    damaged.write_bytes(damaged.read_bytes()[:120_000])
    with pytest.raises(InputError, match=damaged.name):
        stack_to_files(stack, outputs(tmp_path))
    assert left_over(tmp_path) == []


def test_cancelling_in_the_middle_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = many_windows(tmp_path / "in", monkeypatch)
    done: list[float] = []
    progress = Progress(on_fraction=done.append, is_cancelled=lambda: len(done) >= 5)
    with pytest.raises(CancelledError):
        stack_to_files(stack, outputs(tmp_path), progress=progress)
    assert 0 < done[-1] < 1 and left_over(tmp_path) == []


def test_progress_only_grows_and_ends_at_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = many_windows(tmp_path / "in", monkeypatch)
    done: list[float] = []
    stack_to_files(stack, outputs(tmp_path), progress=Progress(on_fraction=done.append))
    assert done == sorted(done) and done[-1] == 1


def test_a_folder_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "in", phases_with_holes(), DAYS)
    a_file = tmp_path / "file"
    a_file.write_text("no folder")
    with pytest.raises(OutputError, match="can't be written"):
        stack_to_files(stack, StackOutputs(tmp_path / "phase_rate.tif", a_file / "los_rate.tif"))
    assert left_over(tmp_path) == ["file"]


def test_a_full_disk_is_said_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = many_windows(tmp_path / "in", monkeypatch)
    write = RasterWriter.write

    def fail(self: RasterWriter, values: np.ndarray, row: int = 0, column: int = 0, band: int = 1) -> None:
        if row > 100:
            raise unwritable(self.path, OSError(errno.ENOSPC, "No space left on device"))
        write(self, values, row, column, band)

    monkeypatch.setattr(RasterWriter, "write", fail)
    with pytest.raises(OutputError, match="The disk is full"):
        stack_to_files(stack, outputs(tmp_path))
    assert left_over(tmp_path) == []


def test_an_empty_stack_result_is_warned_about(tmp_path: Path) -> None:
    said: list[str] = []
    stack = make_stack(tmp_path / "in", [np.zeros((3, 3))] * len(DAYS), DAYS)
    result = stack_to_files(stack, outputs(tmp_path), progress=Progress(on_warning=said.append))
    assert result.phase_rate.pixels == 0 and any("empty" in message for message in said)


def raw_file(path: Path, values: np.ndarray) -> str:
    """A file of bare numbers, and the text of the virtual raster that describes it."""
    values.astype("<f4").tofile(path)
    height, width = values.shape
    return (
        f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS>EPSG:32632</SRS>'
        "<GeoTransform>500000, 100, 0, 5000000, 0, -100</GeoTransform>"
        '<VRTRasterBand dataType="Float32" band="1" subClass="VRTRawRasterBand">'
        f'<SourceFilename relativeToVRT="0">{path}</SourceFilename><ImageOffset>0</ImageOffset>'
        f"<PixelOffset>4</PixelOffset><LineOffset>{4 * width}</LineOffset><ByteOrder>LSB</ByteOrder>"
        "</VRTRasterBand></VRTDataset>"
    )


def test_threads_do_not_get_each_others_rows_of_a_virtual_raster(tmp_path: Path) -> None:
    """GDAL opens the file behind virtual rasters once for all that one thread opens."""
    rows = np.arange(1.0, 2001.0)[:, None] + np.zeros(47)
    stack = make_stack(tmp_path, [rows], [(0, 12)])
    band = Band(raw_file(tmp_path / "raw", rows))

    def wrong_reads(seed: int) -> int:
        wrong = 0
        for row in np.random.default_rng(seed).integers(0, 1990, 3000).tolist():
            with pool.reader(band) as reader:
                wrong += not np.array_equal(reader.read(Window(0, row, 47, 9)), rows[row : row + 9])
        return wrong

    with ReaderPool(stack.grid) as pool, ThreadPoolExecutor(2) as threads:
        with pool.reader(band), pool.reader(band):
            pass
        assert list(threads.map(wrong_reads, range(2))) == [0, 0]


def test_bands_that_can_not_be_opened_take_no_place_in_the_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five failures a pool of three closed what it should keep open, and read each file anew each time."""
    stack = make_stack(tmp_path, np.ones((3, 4, 5)), DAYS[:3])
    opened: list[Band] = []

    class Counted(BandReader):
        def __init__(self, band: Band, *rest: object) -> None:
            super().__init__(band, *rest)
            opened.append(band)

    monkeypatch.setattr("ada_mapper.core.stacking.reading.BandReader", Counted)
    with ReaderPool(stack.grid, limit=3) as pool:
        for number in range(5):
            with pytest.raises(InputError), pool.reader(tmp_path / f"absent{number}.tif"):
                pass
        for _ in range(2):
            for pair in stack.interferograms:
                with pool.reader(pair.phase) as reader:
                    reader.read()
    assert opened == [pair.phase for pair in stack.interferograms]


def test_a_pass_opens_only_the_files_again_that_have_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(1.0, 7.0)[:, None, None] + np.zeros((6, 4, 5))
    stack = make_stack(tmp_path, values, DAYS[:6])
    made: list[str] = []
    woken: list[str] = []

    class Counted(BandReader):
        def __init__(self, band: Band, *rest: object) -> None:
            super().__init__(band, *rest)
            made.append(band.path)

        def wake(self) -> None:
            if self._dataset is None:
                woken.append(self.source.path)
            super().wake()

    monkeypatch.setattr("ada_mapper.core.stacking.reading.BandReader", Counted)
    pairs, passes = len(stack.interferograms), 10
    with ReaderPool(stack.grid, limit=4) as pool:
        for _ in range(passes):
            for pair, known in zip(stack.interferograms, values):
                with pool.reader(pair.phase) as reader:
                    np.testing.assert_array_equal(reader.read(), known)
    assert made == [pair.phase.path for pair in stack.interferograms]
    assert len(woken) <= (passes - 1) * (pairs - 4 + 1) < (passes - 1) * pairs


def test_files_that_changed_while_they_were_closed_are_refused(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", np.ones((4, 5)))
    with BandReader(path) as reader:
        assert reader.rest()
        write_raster(tmp_path / "a.tif", np.ones((4, 6)))
        with pytest.raises(InputError, match=r"a\.tif"):
            reader.wake()


def test_readers_that_hold_more_than_a_file_do_not_rest(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", np.ones((4, 5)))
    other = Grid.of(write_raster(tmp_path / "b.tif", np.ones((4, 5)), 70.0))
    with BandReader(path, other) as reader:
        before = reader.read()
        assert not reader.rest()
        reader.wake()
        np.testing.assert_array_equal(reader.read(), before)


def test_threads_begin_with_different_pairs(tmp_path: Path) -> None:
    stack = make_stack(tmp_path, np.ones((1, 4, 5)), DAYS[:1])
    with ReaderPool(stack.grid) as pool, ThreadPoolExecutor(1) as other:
        here = [list(pool.in_turn(10)) for _ in range(2)]
        there = other.submit(lambda: list(pool.in_turn(10))).result()
    assert here[0] == here[1] == list(range(10))
    assert sorted(there) == here[0] and 3 <= there[0] <= 7


@pytest.mark.parametrize(
    "options",
    [
        StackingOptions(estimator="eq1"),
        StackingOptions(estimator="network"),
        StackingOptions(estimator="network", outlier_sigma=3.0),
    ],
)
def test_results_do_not_depend_on_the_number_of_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: StackingOptions
) -> None:
    stack = many_windows(tmp_path / "in", monkeypatch)
    found = []
    for cores in (1, 2, 6):
        monkeypatch.setattr("ada_mapper.core.parallel.processors", lambda cores=cores: cores)
        written = outputs(tmp_path)
        corrections = Corrections(Reference("median"), atmosphere=AtmosphereFilter(30, 200))
        stack_to_files(stack, written, corrections, options)
        found.append([read_raster(path) for path in vars(written).values() if path is not None])
    for others in found[1:]:
        for one, other in zip(found[0], others):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("virtual", [True, False])
def test_readers_of_virtual_rasters_stay_with_their_thread(tmp_path: Path, virtual: bool) -> None:
    stack = make_stack(tmp_path, [np.ones((4, 5))], [(0, 12)])
    band = Band(raw_file(tmp_path / "raw", np.ones((4, 5)))) if virtual else stack.interferograms[0].phase

    def reader_of(pool: ReaderPool) -> int:
        with pool.reader(band) as reader:
            return id(reader)

    with ReaderPool(stack.grid) as pool, ThreadPoolExecutor(1) as other:
        here, there = reader_of(pool), other.submit(reader_of, pool).result()
        assert (here == there) == (not virtual)
        assert (reader_of(pool), other.submit(reader_of, pool).result()) == (here, there)
