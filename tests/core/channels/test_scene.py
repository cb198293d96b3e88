"""The layers of a scene on one grid: each told of once, all on the base's pixels, files closed after a failure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from ada_mapper.core.channels import (
    CHANNEL_UNITS,
    MINMAX_CHANNELS,
    Channel,
    ChannelKind,
    Scaling,
    SceneLayers,
    read_layer,
)
from ada_mapper.core.errors import InputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandReader
from tiny_models import grid, write_layer

PHASE_RATE, LOS_RATE, DEM = ChannelKind.PHASE_RATE, ChannelKind.LOS_RATE, ChannelKind.DEM
WRAPPED = Channel(ChannelKind.PHASE_RATE_WRAPPED, "rad/yr", "away", Scaling("wrap", cycle=6.0))


@pytest.fixture
def files(tmp_path: Path) -> dict[ChannelKind, Path]:
    """A phase rate of 30 m and a DEM of 45 m below it, without units, a wavelength or declared nodata values."""
    rates = np.random.default_rng(1).normal(0, 5, (60, 60)).astype(np.float32)
    heights = np.full((40, 40), 1200, np.float32)
    rates[:3], heights[:2] = -9999, -9999
    paths = {
        PHASE_RATE: write_layer(tmp_path / "phase.tif", rates, unit=""),
        DEM: write_layer(tmp_path / "dem.tif", heights, grid(40, 40, 45), unit=""),
    }
    for path in paths.values():
        dataset = gdal.Open(str(path), gdal.GA_Update)
        dataset.GetRasterBand(1).DeleteNoDataValue()
        del dataset
    return paths


def test_everything_is_told_once_also_of_a_layer_that_serves_two_channels(files: dict[ChannelKind, Path]) -> None:
    told: list[str] = []
    progress = Progress(on_info=told.append, on_warning=told.append)
    with SceneLayers(files, [MINMAX_CHANNELS[PHASE_RATE], WRAPPED, MINMAX_CHANNELS[DEM]], progress):
        pass
    assert len(told) == len(set(told))
    for part, count in (("no data", 2), ("wavelength", 1), ("has no unit", 2), ("is resampled", 1)):
        assert sum(part in message for message in told) == count, part


@pytest.mark.parametrize(("unit", "rate"), [("mm/yr", 5.0), ("m/yr", 0.005), ("cm/yr", 0.5)])
def test_a_rate_of_lengths_as_phase_rate_is_toward_the_satellite_and_told(
    tmp_path: Path, unit: str, rate: float
) -> None:
    """5 mm/yr toward the satellite are -4π · 5 mm / 55.465763 mm = -1.13281 rad/yr."""
    path = write_layer(tmp_path / "phase.tif", np.full((60, 60), rate, np.float32), unit=unit, sign="")
    told: list[str] = []
    progress = Progress(on_warning=told.append)
    with SceneLayers({PHASE_RATE: path}, [MINMAX_CHANNELS[PHASE_RATE]], progress) as scene:
        np.testing.assert_allclose(scene.read(PHASE_RATE), -1.13281, rtol=1e-5)
    assert [line for line in told if f"phase.tif: the phase rate is in {unit}, so it was taken as a rate along" in line]


@pytest.mark.parametrize(("unit", "factor"), [("mm/yr", 1.0), ("m/yr", 1000.0), ("cm/yr", 10.0), ("", 1.0)])
def test_a_standard_error_is_read_in_the_unit_of_the_channel(tmp_path: Path, unit: str, factor: float) -> None:
    kind = ChannelKind.STANDARD_ERROR
    error = np.random.default_rng(1).uniform(0.3, 30, (60, 60)).astype(np.float32)
    path = write_layer(tmp_path / "error.tif", error / factor, name="standard_error", unit=unit, sign="")
    rate = write_layer(tmp_path / "rate.tif", error)
    channels = [MINMAX_CHANNELS[LOS_RATE], MINMAX_CHANNELS[kind]]
    with SceneLayers({LOS_RATE: rate, kind: path}, channels) as scene:
        np.testing.assert_allclose(scene.read(kind), error, rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [(ChannelKind.CLOSURE, 0.0, 3.0), (ChannelKind.CLOSURE, -0.5, 0.5), (ChannelKind.STANDARD_ERROR, -20.0, 20.0)],
)
def test_what_can_be_no_evidence_is_refused(tmp_path: Path, kind: ChannelKind, low: float, high: float) -> None:
    values = np.random.default_rng(1).uniform(low, high, (60, 60)).astype(np.float32)
    path = write_layer(tmp_path / "a.tif", values, name="", unit=CHANNEL_UNITS[kind][0], sign="")
    with (
        pytest.raises(InputError, match=f"can't be used as {kind.label}"),
        SceneLayers({kind: path}, [MINMAX_CHANNELS[kind]]),
    ):
        pass


def test_optional_evidence_without_data_is_left_out_and_any_other_layer_refused(tmp_path: Path) -> None:
    rate = write_layer(tmp_path / "rate.tif", np.ones((60, 60), np.float32))
    nothing = np.full((60, 60), np.nan, np.float32)
    empty = write_layer(tmp_path / "empty.tif", nothing, name="", unit="", sign="")
    for kind in (ChannelKind.CLOSURE, ChannelKind.COHERENCE, ChannelKind.STANDARD_ERROR, DEM):
        for optional in (True, False):
            channels = [MINMAX_CHANNELS[LOS_RATE], replace(MINMAX_CHANNELS[kind], optional=optional)]
            told: list[str] = []
            files = {LOS_RATE: rate, kind: empty}
            if optional and kind is not DEM:
                with SceneLayers(files, channels, Progress(on_info=told.append)) as scene:
                    assert kind not in scene and LOS_RATE in scene
                assert any(f"the {kind.label} holds no data at all, so it is left out" in text for text in told)
            else:
                with pytest.raises(InputError, match="holds no data at all"), SceneLayers(files, channels):
                    pass


def test_channels_without_a_file_are_left_out(files: dict[ChannelKind, Path]) -> None:
    with SceneLayers(files, MINMAX_CHANNELS.values()) as scene:
        assert [channel.kind for channel in scene.channels] == [PHASE_RATE, DEM]
        assert DEM in scene and LOS_RATE not in scene
        assert scene.base.kind is PHASE_RATE and scene.grid.same_as(grid(60, 60))


def test_the_grid_is_the_callers_choice(files: dict[ChannelKind, Path]) -> None:
    asked: list[tuple[ChannelKind, float]] = []
    coarse = grid(30, 30, 60)
    with SceneLayers(
        files, MINMAX_CHANNELS.values(), grid_for=lambda base, size: asked.append((base.kind, size)) or coarse
    ) as scene:
        assert scene.read(DEM).shape == scene.read(PHASE_RATE).shape == (30, 30)
        np.testing.assert_allclose(scene.read(DEM)[2:], 1200)
    assert asked == [(PHASE_RATE, pytest.approx(30, rel=1e-3))]


def test_one_layer_on_a_grid_is_what_the_scene_reads(files: dict[ChannelKind, Path]) -> None:
    with SceneLayers(files, MINMAX_CHANNELS.values()) as scene:
        np.testing.assert_array_equal(read_layer(DEM, files[DEM], scene.grid), scene.read(DEM))


def test_a_failure_closes_what_was_open(
    files: dict[ChannelKind, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[BandReader] = []
    enter = BandReader.__enter__
    monkeypatch.setattr(BandReader, "__enter__", lambda reader: opened.append(reader) or enter(reader))
    nothing = write_layer(tmp_path / "los.tif", np.full((60, 60), np.nan, np.float32))
    with pytest.raises(InputError, match=r"los\.tif: the LOS rate holds no data at all where the phase rate is"):
        SceneLayers({**files, LOS_RATE: nothing}, MINMAX_CHANNELS.values())
    assert opened and all(reader._dataset is None for reader in opened)
