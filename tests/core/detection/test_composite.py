"""Units, signs, grids, gaps and halos of the composite, by known answers; a sentence for each fault."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from osgeo import gdal

from ada_mapper.core.channels import MINMAX_CHANNELS, Channel, ChannelKind, Scaling
from ada_mapper.core.detection import Composite
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandReader, Grid, Window, lattice_origin
from ada_mapper.core.satellite import SENTINEL1_WAVELENGTH
from ada_mapper.core.types import Array
from tiny_models import card_of, grid, write_layer

PHASE_RATE, LOS_RATE, DEM, SLOPE = (
    ChannelKind.PHASE_RATE,
    ChannelKind.LOS_RATE,
    ChannelKind.DEM,
    ChannelKind.SLOPE,
)
NAN = math.nan
WHOLE = Scaling("minmax", low=-1e6, high=1e6)


def _channel(kind: ChannelKind, unit: str = "", sign: str | None = None, **options: object) -> Channel:
    usual = MINMAX_CHANNELS[kind]
    arguments = {"scaling": WHOLE, **options}
    return Channel(kind, unit or usual.unit, usual.sign if sign is None else sign, **arguments)


class _Log:
    """Collects what the user is told."""

    def __init__(self) -> None:
        self.infos: list[str] = []
        self.warnings: list[str] = []
        self.progress = Progress(on_info=self.infos.append, on_warning=self.warnings.append)

    def said(self, *parts: str) -> bool:
        return any(all(part in message for part in parts) for message in [*self.infos, *self.warnings])


def _rates(height: int = 50, width: int = 60, seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(0, 20, (height, width)).astype(np.float32)


def _values(scaled: Array) -> Array:
    """Undo WHOLE."""
    return scaled * 2e6 - 1e6


def _read_one(path: Path, channel: Channel, log: _Log | None = None) -> Array:
    with Composite({channel.kind: path}, card_of(channel), (log or _Log()).progress) as composite:
        return composite.read(Window(0, 0, composite.grid.width, composite.grid.height))[0]


def _valid(composite: Composite) -> NDArray[np.bool_]:
    """Where a scene can be judged; that the bands are those of ``read``, with gaps filled, is checked by the way."""
    bands = composite.read(Window(0, 0, composite.grid.width, composite.grid.height))
    filled = np.empty_like(bands)
    valid = composite.rows().read_filled(filled, [7.0 + band for band in range(len(bands))])
    for band, (found, expected) in enumerate(zip(filled, bands)):
        np.testing.assert_allclose(found, np.where(np.isnan(expected), 7.0 + band, expected), atol=2e-6)
    return valid


def test_bands_are_scaled_in_the_cards_order(tmp_path: Path) -> None:
    rate, slope = _rates(), np.abs(_rates(seed=2))
    rate[3, 4] = NAN
    layers = {
        SLOPE: write_layer(tmp_path / "s.tif", slope, name="slope", unit="degree", sign=""),
        LOS_RATE: write_layer(tmp_path / "r.tif", rate),
    }
    los = Channel(LOS_RATE, "mm/yr", "toward", Scaling("asinh", scale=10))
    card = card_of(los, Channel(SLOPE, "degree", "", Scaling("minmax", low=0, high=60)))
    with Composite(layers, card) as composite:
        bands = composite.read(Window(10, 20, 15, 5))
        np.testing.assert_allclose(bands[0], np.arcsinh(rate[20:25, 10:25] / 10), rtol=1e-5)
        np.testing.assert_allclose(bands[1], np.clip(slope[20:25, 10:25] / 60, 0, 1), rtol=1e-5)
        valid = _valid(composite)
    np.testing.assert_array_equal(valid, np.isfinite(rate))


@pytest.mark.parametrize(
    ("unit", "sign", "factor"),
    [
        ("mm/yr", "toward", 1.0),
        ("mm/yr", "away", -1.0),
        ("m/yr", "toward", 1000.0),
        ("cm/yr", "away", -10.0),
        ("m/a", "away", -1000.0),
        ("rad/yr", "away", -SENTINEL1_WAVELENGTH / (4 * math.pi) * 1000),
    ],
)
def test_units_and_signs_are_converted_to_the_channels(tmp_path: Path, unit: str, sign: str, factor: float) -> None:
    values = _rates() / 1000
    path = write_layer(tmp_path / "rate.tif", values, unit=unit, sign=sign)
    channel = _channel(LOS_RATE, scaling=Scaling("clip", scale=1e3))
    np.testing.assert_allclose(_read_one(path, channel) * 1e3, values * factor, rtol=1e-5)


def test_phase_rate_to_millimetres_takes_the_files_wavelength(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "p.tif", _rates() / 10, name="phase_rate", unit="rad/yr", sign="away")
    channel = _channel(PHASE_RATE, "mm/yr", "away", scaling=Scaling("clip", scale=1e3))
    log = _Log()
    sentinel = _read_one(path, channel, log)
    assert log.said("Sentinel-1", "assumed")
    dataset = gdal.Open(str(path), gdal.GA_Update)
    dataset.GetRasterBand(1).SetMetadataItem("WAVELENGTH_METRES", "0.2362")
    dataset = None
    log = _Log()
    np.testing.assert_allclose(_read_one(path, channel, log), sentinel * 0.2362 / SENTINEL1_WAVELENGTH, rtol=1e-5)
    assert not log.said("assumed")


@pytest.mark.parametrize(("wavelength", "factor"), [(0.2424, 0.2424 / SENTINEL1_WAVELENGTH), (0.0555, 1.0)])
def test_radians_of_another_wavelength_become_those_of_sentinel1(
    tmp_path: Path, wavelength: float, factor: float
) -> None:
    values = _rates() / 10
    path = write_layer(tmp_path / "p.tif", values, name="phase_rate", unit="rad/yr", sign="away")
    dataset = gdal.Open(str(path), gdal.GA_Update)
    dataset.GetRasterBand(1).SetMetadataItem("WAVELENGTH_METRES", str(wavelength))
    dataset = None
    log = _Log()
    read = _read_one(path, _channel(PHASE_RATE, scaling=Scaling("clip", scale=1e3)), log)
    np.testing.assert_allclose(read * 1e3, values * factor, rtol=1e-5)
    assert log.said("24.24 cm", "multiplied by 4.37") == (factor != 1)


def test_millimetres_become_radians_of_sentinel1_whatever_the_wavelength(tmp_path: Path) -> None:
    values = _rates()
    path = write_layer(tmp_path / "r.tif", values, name="los_rate", unit="mm/yr", sign="away")
    dataset = gdal.Open(str(path), gdal.GA_Update)
    dataset.GetRasterBand(1).SetMetadataItem("WAVELENGTH_METRES", "0.2424")
    dataset = None
    channel = _channel(LOS_RATE, "rad/yr", "away", scaling=Scaling("clip", scale=1e3))
    expected = values / 1000 * 4 * math.pi / SENTINEL1_WAVELENGTH
    np.testing.assert_allclose(_read_one(path, channel) * 1e3, expected, rtol=1e-5)


def test_missing_unit_and_sign_are_assumed_and_said(tmp_path: Path) -> None:
    log = _Log()
    values = _rates()
    path = write_layer(tmp_path / "rate.tif", values, name="", unit="", sign="")
    read = _read_one(path, _channel(LOS_RATE, scaling=Scaling("clip", scale=1e3)), log)
    np.testing.assert_allclose(read * 1e3, values, rtol=1e-5)
    assert log.said("mm/yr is assumed") and log.said("toward the satellite is assumed")


def test_implausible_numbers_are_warned_of(tmp_path: Path) -> None:
    log = _Log()
    _read_one(write_layer(tmp_path / "a.tif", _rates(), unit="m/yr"), _channel(LOS_RATE), log)
    assert log.said("m/yr", "hardly possible")
    log = _Log()
    _read_one(write_layer(tmp_path / "b.tif", _rates() / 1000, unit=""), _channel(LOS_RATE), log)
    assert log.said("isn't in m/yr")
    log = _Log()
    _read_one(write_layer(tmp_path / "c.tif", _rates()), _channel(LOS_RATE), log)
    assert not log.warnings


def test_a_raster_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "dem.tif", _rates(), unit="m", sign="")
    with pytest.raises(InputError, match="can't be used as LOS rate: its unit is “m”"):
        _read_one(path, _channel(LOS_RATE))
    path = write_layer(tmp_path / "slope.tif", _rates(), unit="%", sign="")
    with (
        pytest.raises(InputError, match=r"slope\.tif can't be used as slope: its unit is “%”"),
        Composite(
            {LOS_RATE: write_layer(tmp_path / "r.tif", _rates()), SLOPE: path},
            card_of(_channel(LOS_RATE), _channel(SLOPE)),
        ),
    ):
        pass


def test_the_band_named_like_the_channel_is_taken(tmp_path: Path) -> None:
    first, second = _rates(), _rates(seed=3)
    paths = [
        str(write_layer(tmp_path / f"{i}.tif", values, name=name))
        for i, (values, name) in enumerate([(first, "count"), (second, "los_rate")])
    ]
    stacked = tmp_path / "two.vrt"
    gdal.BuildVRT(str(stacked), paths, separate=True).FlushCache()
    dataset = gdal.Open(str(stacked), gdal.GA_Update)
    dataset.GetRasterBand(2).SetDescription("los_rate")
    dataset = None
    read = _read_one(stacked, _channel(LOS_RATE, scaling=Scaling("clip", scale=1e3)))
    np.testing.assert_allclose(read * 1e3, second, rtol=1e-5)


def _rewrite(path: Path, values: Array, nodata: float | None) -> Path:
    on = grid(values.shape[1], values.shape[0])
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), on.width, on.height, 1, gdal.GDT_Float32)
    dataset.SetGeoTransform(on.transform)
    dataset.SetProjection(_wkt())
    band = dataset.GetRasterBand(1)
    if nodata is not None:
        band.SetNoDataValue(nodata)
    band.SetUnitType("mm/yr")
    band.WriteArray(values)
    return path


def _wkt() -> str:
    from ada_mapper.core.raster import spatial_reference

    return spatial_reference("EPSG:32614").ExportToWkt()


@pytest.mark.parametrize(
    ("stored", "declared", "is_gap"),
    [
        (NAN, NAN, True),
        (NAN, None, True),
        (-9999.0, -9999.0, True),
        (-9999.0, None, True),
        (-32768.0, None, True),
        (0.0, 0.0, True),
        (0.0, None, True),
        (0.0, NAN, False),
        (math.inf, None, True),
        (-3.4e38, None, True),
        (77.0, 77.0, True),
        (77.0, None, False),
    ],
)
def test_gaps_however_they_are_stored(tmp_path: Path, stored: float, declared: float | None, is_gap: bool) -> None:
    values = _rates()
    gap = np.zeros(values.shape, bool)
    gap[10:20, 30:40] = True
    values[gap] = stored
    read = _read_one(_rewrite(tmp_path / "rate.tif", values, declared), _channel(LOS_RATE))
    np.testing.assert_array_equal(np.isnan(read), gap & is_gap)


def test_a_single_zero_rate_is_the_reference_point_and_no_gap(tmp_path: Path) -> None:
    values = _rates()
    values[25, 30] = 0
    assert np.isfinite(_read_one(_rewrite(tmp_path / "rate.tif", values, None), _channel(LOS_RATE))).all()


def test_a_missing_optional_channel_is_nan_and_said(tmp_path: Path) -> None:
    log = _Log()
    card = card_of(_channel(LOS_RATE), _channel(DEM, optional=True))
    with Composite({LOS_RATE: write_layer(tmp_path / "r.tif", _rates())}, card, log.progress) as composite:
        bands = composite.read(Window(0, 0, 60, 50))
        assert _valid(composite).all()
    assert np.isfinite(bands[0]).all() and np.isnan(bands[1]).all()
    assert log.said("DEM", "works without")


def test_a_pixel_is_valid_where_any_given_rate_is(tmp_path: Path) -> None:
    phase, los, height = _rates(), _rates(seed=2), _rates(seed=3)
    phase[:20], los[10:30], height[40:] = NAN, NAN, NAN
    layers = {
        DEM: write_layer(tmp_path / "d.tif", height, name="dem", unit="m", sign=""),
        PHASE_RATE: write_layer(tmp_path / "p.tif", phase, name="phase_rate", unit="rad/yr", sign="away"),
        LOS_RATE: write_layer(tmp_path / "r.tif", los),
    }
    card = card_of(_channel(DEM), _channel(PHASE_RATE, optional=True), _channel(LOS_RATE, optional=True))
    for given, gap in (((DEM, PHASE_RATE, LOS_RATE), slice(10, 20)), ((DEM, LOS_RATE), slice(10, 30))):
        with Composite({kind: layers[kind] for kind in given}, card) as composite:
            valid = _valid(composite)
        expected = np.ones((50, 60), bool)
        expected[gap] = False
        np.testing.assert_array_equal(valid, expected)


def test_a_model_without_rates_judges_where_any_layer_is(tmp_path: Path) -> None:
    height = _rates()
    height[:7] = NAN
    path = write_layer(tmp_path / "d.tif", height, name="dem", unit="m", sign="")
    with Composite({DEM: path}, card_of(_channel(DEM))) as composite:
        valid = _valid(composite)
    np.testing.assert_array_equal(valid, np.isfinite(height))


@pytest.mark.parametrize(("pixel", "coarseness"), [(15.0, 1.0), (30.0, 1.0), (150.0, 5.0)])
def test_how_much_coarser_the_data_are_is_known(tmp_path: Path, pixel: float, coarseness: float) -> None:
    path = write_layer(tmp_path / "r.tif", _rates(), grid(60, 50, pixel))
    with Composite({LOS_RATE: path}, card_of(_channel(LOS_RATE))) as composite:
        assert composite.coarseness == pytest.approx(coarseness)


def test_a_scene_much_coarser_than_the_model_is_warned_of(tmp_path: Path) -> None:
    for size, warned in ((55.0, False), (65.0, True)):
        log = _Log()
        path = write_layer(tmp_path / "r.tif", _rates(), grid(60, 50, size))
        _read_one(path, _channel(LOS_RATE), log)
        assert any("coarser" in message for message in log.warnings) is warned


def test_a_missing_required_channel_is_an_error(tmp_path: Path) -> None:
    card = card_of(_channel(LOS_RATE), _channel(DEM))
    with pytest.raises(InputError, match="the DEM is missing"):
        Composite({LOS_RATE: write_layer(tmp_path / "r.tif", _rates())}, card)


def test_a_layer_that_the_model_has_no_use_for_is_left_out(tmp_path: Path) -> None:
    log = _Log()
    layers = {LOS_RATE: write_layer(tmp_path / "r.tif", _rates()), DEM: tmp_path / "not-even-there.tif"}
    with Composite(layers, card_of(_channel(LOS_RATE)), log.progress):
        assert log.said("doesn't use the DEM")


def test_layers_elsewhere_empty_or_broken_are_errors(tmp_path: Path) -> None:
    rate = write_layer(tmp_path / "rate.tif", _rates())
    card = card_of(_channel(LOS_RATE), _channel(DEM))

    def refused(dem: Path) -> str:
        with pytest.raises(InputError) as error:
            Composite({LOS_RATE: rate, DEM: dem}, card)
        assert str(dem) in str(error.value)
        return str(error.value)

    height = np.abs(_rates())
    elsewhere = write_layer(tmp_path / "a.tif", height, grid(60, 50, x=5e5), "dem", "m", "")
    assert "doesn't overlap the LOS rate" in refused(elsewhere)
    other_crs = grid(60, 50, 0.001, "EPSG:4326", 10.0, 50.0)
    assert "doesn't overlap" in refused(write_layer(tmp_path / "b.tif", height, other_crs, "dem", "m", ""))
    empty = write_layer(tmp_path / "c.tif", np.full((50, 60), NAN), name="dem", unit="m", sign="")
    assert "no data at all" in refused(empty)
    assert "can't be read" in refused(tmp_path / "none.tif")
    beside = np.full((50, 120), NAN, np.float32)
    beside[:, 70:] = 5
    gap = write_layer(tmp_path / "d.tif", beside, name="dem", unit="m", sign="")
    assert "no data at all where the LOS rate is" in refused(gap)


def test_data_in_a_single_pixel_is_found(tmp_path: Path) -> None:
    values = np.full((700, 900), NAN, np.float32)
    values[137, 861] = 5
    read = _read_one(write_layer(tmp_path / "r.tif", values), _channel(LOS_RATE))
    assert np.isfinite(read).sum() == 1


def test_a_grid_without_crs_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "rate.tif", _rates(), replace(grid(60, 50), crs=""))
    with pytest.raises(InputError, match=r"rate\.tif has no coordinate reference system"):
        Composite({LOS_RATE: path}, card_of(_channel(LOS_RATE)))


def test_the_phase_rates_grid_leads_and_others_are_resampled_onto_it(tmp_path: Path) -> None:
    log = _Log()
    height = 100 + np.add.outer(np.arange(80), np.arange(90)).astype(np.float32)
    layers = {
        DEM: write_layer(tmp_path / "d.tif", height, grid(90, 80, x=4e5 - 75, y=2.2e6 + 75), "dem", "m", ""),
        LOS_RATE: write_layer(tmp_path / "r.tif", _rates(200, 200), grid(200, 200, 15, x=4e5 - 7)),
        PHASE_RATE: write_layer(tmp_path / "p.tif", _rates(), name="phase_rate", unit="rad/yr", sign="away"),
    }
    card = card_of(_channel(LOS_RATE), _channel(PHASE_RATE), _channel(DEM, scaling=Scaling("clip", scale=1e3)))
    with Composite(layers, card, log.progress) as composite:
        assert composite.grid.same_as(grid(60, 50))
        bands = composite.read(Window(0, 0, 60, 50))
    # The DEM is a plane, shifted by 2.5 pixels: bilinear resampling finds its values exactly.
    expected = 100 + np.add.outer(np.arange(50) + 2.5, np.arange(60) + 2.5)
    np.testing.assert_allclose(bands[2] * 1e3, expected, rtol=1e-5)
    assert log.said("LOS rate lies on other pixels", "15 m") and log.said("DEM lies on other pixels")


def test_a_layer_in_degrees_is_put_on_the_scenes_grid(tmp_path: Path) -> None:
    log = _Log()
    longitude, latitude = grid(60, 50).centre_lonlat
    degrees = grid(400, 400, 0.0001, "EPSG:4326", longitude - 0.02, latitude + 0.02)
    layers = {
        DEM: write_layer(tmp_path / "d.tif", np.full((400, 400), 250.0), degrees, "dem", "m", ""),
        LOS_RATE: write_layer(tmp_path / "r.tif", _rates()),
    }
    card = card_of(_channel(LOS_RATE), _channel(DEM, scaling=Scaling("clip", scale=1e3)))
    with Composite(layers, card, log.progress) as composite:
        dem = composite.read(Window(0, 0, 60, 50))[1]
    np.testing.assert_allclose(dem, 0.25, rtol=1e-5)
    assert log.said("DEM is in WGS 84 and the scene in WGS 84 / UTM zone 14N")


@pytest.mark.parametrize(("size", "resampled"), [(25.1, False), (35.9, False), (24.9, True), (40.0, True)])
def test_the_scene_is_resampled_beyond_a_fifth_of_the_models_pixel(
    tmp_path: Path, size: float, resampled: bool
) -> None:
    log = _Log()
    path = write_layer(tmp_path / "r.tif", np.full((100, 100), 7.0), grid(100, 100, size))
    card = card_of(_channel(LOS_RATE, scaling=Scaling("clip", scale=1e3)))
    with Composite({LOS_RATE: path}, card, log.progress) as composite:
        assert composite.pixel_size == pytest.approx(30 if resampled else size, rel=1e-3)
        assert composite.grid.same_as(grid(100, 100, size)) is not resampled
        inner = composite.read(Window(20, 20, 20, 20))
    np.testing.assert_allclose(inner * 1e3, 7, rtol=1e-5)
    assert log.said("resampled to 30 m") is resampled


@pytest.mark.parametrize("cells", [None, 2])
@pytest.mark.parametrize("holes", [0.0, 0.2])
def test_relief_is_the_same_in_whatever_window_it_is_read(tmp_path: Path, holes: float, cells: int | None) -> None:
    height = 2000 + 100 * _rates(120, 150)
    height[np.random.default_rng(5).random(height.shape) < holes] = NAN
    scaling = Scaling("clip", scale=1e5, local_radius=450, local_cells=cells)
    layers = {
        LOS_RATE: write_layer(tmp_path / "r.tif", _rates(120, 150)),
        DEM: write_layer(tmp_path / "d.tif", height, name="dem", unit="m", sign=""),
    }
    with Composite(layers, card_of(_channel(LOS_RATE), _channel(DEM, scaling=scaling))) as composite:
        whole = composite.read(Window(0, 0, 150, 120))
        np.testing.assert_allclose(whole[1], scaling.apply(height, 30, lattice_origin(composite.grid)), atol=1e-7)
        for window in (Window(0, 0, 10, 10), Window(37, 51, 20, 9), Window(140, 110, 10, 10)):
            part = composite.read(window)
            rows, columns = slice(window.row, window.row + window.height), slice(window.column, None)
            np.testing.assert_allclose(part, whole[:, rows, columns][:, :, : window.width], atol=1e-7)


@pytest.mark.parametrize("holes", [0.0, 0.2])
@pytest.mark.parametrize("counts", [(120,), (1, 119), (50, 50, 20), (7,) * 17 + (1,)])
def test_rows_read_in_order_equal_windows(tmp_path: Path, holes: float, counts: tuple[int, ...]) -> None:
    height = 2000 + 100 * _rates(120, 150)
    height[np.random.default_rng(5).random(height.shape) < holes] = NAN
    layers = {
        PHASE_RATE: write_layer(tmp_path / "p.tif", _rates(120, 150), name="phase_rate", unit="rad/yr", sign="away"),
        DEM: write_layer(tmp_path / "d.tif", height, name="dem", unit="m", sign=""),
    }
    card = card_of(
        Channel(ChannelKind.PHASE_RATE_WRAPPED, "rad/yr", "away", Scaling("wrap", cycle=6.0, local_radius=600)),
        _channel(DEM, scaling=Scaling("asinh", scale=50, local_radius=960)),
        _channel(PHASE_RATE, scaling=Scaling("asinh", scale=2, local_radius=900, local_cells=3)),
        _channel(SLOPE, optional=True),
    )
    with Composite(layers, card) as composite:
        rows = composite.rows()
        read = np.concatenate([rows.read(count) for count in counts], axis=1)
        np.testing.assert_allclose(read, composite.read(Window(0, 0, 150, 120)), atol=2e-6)


def test_the_lattice_of_local_means_lies_on_the_map(tmp_path: Path) -> None:
    """A scene that begins seven columns and five rows later sees the same, away from the cut."""
    rate = _rates(90, 100)
    card = card_of(_channel(LOS_RATE, scaling=Scaling("asinh", scale=1, local_radius=300, local_cells=2)))
    found = []
    for first_row, first_column in ((0, 0), (5, 7)):
        part = rate[first_row:, first_column:]
        there = Grid("EPSG:32614", (600 + 30 * first_column, 30, 0, 9000 - 30 * first_row, 0, -30), *part.shape[::-1])
        path = write_layer(tmp_path / f"{first_row}.tif", part, there)
        with Composite({LOS_RATE: path}, card) as composite:
            found.append(composite.read(Window(40 - first_column, 40 - first_row, 60, 50))[0])
    np.testing.assert_allclose(found[1], found[0], atol=1e-6)


def test_windows_outside_the_scene_are_nan(tmp_path: Path) -> None:
    values = _rates()
    with Composite({LOS_RATE: write_layer(tmp_path / "r.tif", values)}, card_of(_channel(LOS_RATE))) as composite:
        assert np.isnan(composite.read(Window(-30, 5, 20, 20))).all()
        corner = composite.read(Window(-2, -3, 5, 5))[0]
    assert np.isfinite(corner[3:, 2:]).all() and np.isfinite(corner).sum() == 6


@pytest.mark.parametrize(("noise", "repeats"), [(0.0, True), (0.5, False)])
def test_a_los_rate_that_repeats_the_phase_rate_is_recognised(tmp_path: Path, noise: float, repeats: bool) -> None:
    log = _Log()
    phase = _rates(300, 300)
    los = -4.4138 * phase + noise * _rates(300, 300, seed=9)
    los[_rates(300, 300, seed=8) > 10] = NAN
    layers = {
        PHASE_RATE: write_layer(tmp_path / "p.tif", phase, name="phase_rate", unit="rad/yr", sign="away"),
        LOS_RATE: write_layer(tmp_path / "r.tif", los),
    }
    with Composite(layers, card_of(_channel(PHASE_RATE), _channel(LOS_RATE)), log.progress):
        assert log.said("only the phase rate times -4.414", "adds nothing") is repeats


def test_written_composite_holds_what_is_read(tmp_path: Path) -> None:
    rate = _rates(300, 280)
    rate[5:9, 7] = NAN
    relief = Scaling("asinh", scale=50, local_radius=300)
    layers = {
        PHASE_RATE: write_layer(tmp_path / "p.tif", rate, name="phase_rate", unit="rad/yr", sign="away"),
        DEM: write_layer(tmp_path / "d.tif", 10 * _rates(300, 280, 3), name="dem", unit="m", sign=""),
    }
    wrapped = Channel(ChannelKind.PHASE_RATE_WRAPPED, "rad/yr", "away", Scaling("wrap", cycle=6.28))
    output = tmp_path / "composite.tif"
    with Composite(layers, card_of(wrapped, _channel(DEM, scaling=relief, fill=0.1))) as composite:
        composite.write(output)
        whole = composite.read(Window(0, 0, 280, 300))
    dataset = gdal.Open(str(output))
    names = [dataset.GetRasterBand(i).GetDescription() for i in (1, 2, 3)]
    assert names == ["phase_rate_wrapped_sine", "phase_rate_wrapped_cosine", "dem"]
    np.testing.assert_allclose(dataset.ReadAsArray(), whole, atol=1e-6)
    tags = dataset.GetRasterBand(3).GetMetadata()
    assert Scaling.from_json(json.loads(tags["SCALING"])) == relief
    assert (tags["CHANNEL_UNIT"], float(tags["FILL"])) == ("m", 0.1)
    with BandReader(output) as reader:
        assert reader.tags["unit"] == "1"


def test_cancelling_leaves_no_composite(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "r.tif", _rates())
    output = tmp_path / "out" / "composite.tif"
    output.parent.mkdir()
    with Composite({LOS_RATE: path}, card_of(_channel(LOS_RATE))) as composite, pytest.raises(CancelledError):
        composite.write(output, Progress(is_cancelled=lambda: True))
    assert not list(output.parent.iterdir())
