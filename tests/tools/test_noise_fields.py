"""Noise fields from small made-up sources."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

import noise_fields
import noise_sources
from ada_mapper.core.raster import Grid
from ada_mapper.core.satellite import SENTINEL1_WAVELENGTH, to_phase_rate
from ada_mapper.core.types import Array
from noise_fields import GAP, PLACES, Place, parts, quiet_fields, write_fields
from noise_sources import Field, egms_fields, egms_grid, of_rate, stack_fields
from shared_data import shared_data
from small_rasters import square_grid
from stacks import WAVELENGTH, YEAR, make_stack, network_days, read_raster, write_raster

DEGREES = Grid("EPSG:4326", (13.0, 4e-4, 0.0, 40.0, 0.0, -3e-4), 150, 60)


def field_of(values: Array, grid: Grid | None = None, **facts: object) -> Field:
    made = of_rate("all", grid or square_grid(*values.shape), values)
    return Field(**{**made.__dict__, **facts})


def of_fields(*fields: Field, **facts: object) -> Place:
    def read(folder: Path) -> Iterator[Field]:
        yield from fields

    return Place("somewhere", "made up", "none", read, **facts)  # type: ignore[arg-type]


def phases(dates: int, rate: Array, seed: int) -> list[Array]:
    """Phases of a rate (rad/yr) and of noise of each date."""
    noise = np.random.default_rng(seed).normal(0, 0.3, (dates, *rate.shape)).astype(np.float32)
    days = network_days(dates)
    return [
        rate * np.float32((second - first) / YEAR) + noise[second // 12] - noise[first // 12] for first, second in days
    ]


@pytest.fixture
def moving() -> Array:
    rate = np.zeros((24, 30), np.float32)
    rate[5:15, 10:20] = 20.0
    return rate


def test_networks_of_a_stack_keep_the_motion_and_their_differences_lose_it(tmp_path: Path, moving: Array) -> None:
    days = network_days(12)
    made = make_stack(tmp_path / "made", phases(12, moving, 1), days)
    folder = tmp_path / "stack"
    folder.mkdir()
    start = date(2020, 1, 1)
    for pair, (first, second) in zip(made.interferograms, days):
        name = "_".join(f"{start + timedelta(day):%Y%m%d}" for day in (first, second))
        write_raster(folder / f"{name}.unw.tif", read_raster(pair.phase.label.split("!")[0]), unit="rad")
    fields = {field.name: field for field in stack_fields(folder)}
    inside = moving > 0
    assert {name.split("_", 1)[1] for name in fields} >= {
        "all", "first_half", "second_half", "random_1", "bisection_1", "first_half_less_second_half"
    }  # fmt: skip
    for name, field in fields.items():
        rate = field.layers["phase_rate"]
        step = float(np.nanmean(rate[inside]) - np.nanmean(rate[~inside]))
        noise = float(np.nanstd(rate[~inside])) / math.sqrt(inside.sum())
        expected = 0.0 if field.steady_motion_cancels else 20.0
        assert step == pytest.approx(expected, abs=8 * noise), name
        assert field.steady_motion_cancels == ("less" in name or "bisection" in name)
        # The LOS rate has lost air to the filter, so no more than the scale of the two can be the same.
        np.testing.assert_allclose(
            np.nanstd(field.layers["los_rate"]), np.nanstd(rate) * WAVELENGTH / (4 * math.pi) * 1000, rtol=0.5
        )


def egms_archive(folder: Path, series: Array, x: Array, y: Array, days: list[int]) -> Path:
    dates = [f"{date(2020, 1, 1) + timedelta(day):%Y%m%d}" for day in days]
    lines = [",".join(["pid", "easting", "northing", "temporal_coherence", *dates])]
    for index in range(len(x)):
        values = (x[index], y[index], 0.75, *series[index])
        lines.append(",".join(["p", *(f"{value:.6f}" for value in values)]))
    path = folder / "EGMS_L2b_022_0845_IW2_VV_2020_2024_1.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("points.csv", "\n".join(lines))
    return path


def test_points_become_cells_of_their_mean(tmp_path: Path) -> None:
    days = list(range(0, 1200, 12))
    x = np.array([3.0, 12.0, 15.0, 303.0]) + 4_598_400
    y = np.array([-3.0, -9.0, -14.0, -3.0]) + 1_740_000
    rates = np.array([1.0, 2.0, 6.0, -4.0])
    series = rates[:, np.newaxis] * np.array(days) / YEAR + np.array([[5.0], [0.0], [-3.0], [1.0]])
    archive = egms_archive(tmp_path, series, x, y, days)
    grid = egms_grid([archive], 30.0)
    fields = {field.name: field for field in egms_fields(archive, grid)}
    column, row = int((x[0] - grid.transform[0]) // 30), int((grid.transform[3] - y[0]) // 30)
    for name in ("all_near", "odd_dates_spread", "first_half_near", "first_year_spread"):
        rate = fields[name].layers["los_rate"]
        assert rate[row, column] == pytest.approx(3.0, abs=1e-3)  # toward the satellite stays positive
        assert rate[row, column + 10] == pytest.approx(-4.0, abs=1e-3)
        assert np.isnan(rate[row, column + 5])  # 150 m from either
        assert np.isfinite(rate[row, column + 2])  # 60 m
        np.testing.assert_allclose(fields[name].layers["phase_rate"], to_phase_rate(rate), rtol=1e-5)
        assert fields[name].layers["coherence"][row, column] == pytest.approx(0.75)
        assert fields[name].layers["standard_error"][row, column] == pytest.approx(0, abs=1e-4)
    assert np.nanmax(np.abs(fields["halves_differ_near"].layers["los_rate"])) < 1e-3


def test_the_error_of_a_points_rate_is_that_of_a_line(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    days = np.arange(0, 1200, 12)
    series = rng.normal(0, 2.0, (4000, len(days)))
    rate, error = noise_sources._line(days / YEAR, series)
    assert float(rate.std()) == pytest.approx(float(error.mean()), rel=0.05)


@pytest.mark.parametrize("grid", [DEGREES, square_grid(60, 150)])
def test_training_and_validation_are_a_kilometre_apart(grid: Grid) -> None:
    values = np.random.default_rng(1).normal(0, 1, (60, 150)).astype(np.float32)
    (train, west), (validation, east) = parts(of_fields(training=0.4), field_of(values, grid))
    assert (train, validation) == ("train", "validation")
    metres = grid.metres_per_pixel()[0].min() / grid.transform[1]
    apart = (east.grid.bounds[0] - west.grid.bounds[2]) * metres
    assert GAP <= apart < GAP + 2 * grid.pixel_size
    assert west.grid.bounds[0] == grid.bounds[0] and east.grid.bounds[2] == pytest.approx(grid.bounds[2])
    np.testing.assert_array_equal(west.layers["los_rate"], values[:, : west.grid.width])
    np.testing.assert_array_equal(east.layers["los_rate"], values[:, -east.grid.width :])


def test_no_place_is_of_two_uses() -> None:
    open_ = {place.name for place in PLACES if place.training}
    assert open_ == {"mexico_city", "sydney", "west_texas", "cadia", "ustica"}
    values = np.zeros((20, 200), np.float32)
    for place in PLACES:
        roles = {role for role, _ in parts(place, field_of(values))}
        assert roles in ({"train"}, {"train", "validation"}) if place.training else roles == {"test"}


def test_what_moves_becomes_a_hole_and_single_pixels_do_not() -> None:
    values = np.random.default_rng(1).normal(0, 0.3, (100, 120)).astype(np.float32)
    values[40:50, 60:70] -= 20
    values[10, 10] -= 12
    later = field_of(np.random.default_rng(2).normal(0, 0.3, (100, 120)).astype(np.float32))
    first, second = quiet_fields(of_fields(field_of(values), later, moving=5.0), Path())
    for field in (first, second):
        hole = np.isnan(field.layers["los_rate"])
        assert hole[40:50, 60:70].all() and hole[45, 75 - 2] and not hole[45, 90]
        assert not hole[10, 10] and hole.mean() < 0.06
        np.testing.assert_array_equal(hole, np.isnan(field.layers["phase_rate"]))


def test_strips_are_fields_of_their_own() -> None:
    values = np.random.default_rng(1).normal(0, 0.3, (100, 120)).astype(np.float32)
    field = field_of(values)
    north, south = quiet_fields(of_fields(field, strips=((0, 30), (60, 100))), Path())
    np.testing.assert_array_equal(north.layers["los_rate"], values[:30])
    np.testing.assert_array_equal(south.layers["los_rate"], values[60:])
    assert south.grid.bounds[1] == field.grid.bounds[1] and south.grid.bounds[3] == field.grid.bounds[3] - 60 * 30
    assert north.grid.bounds[3] == field.grid.bounds[3] and north.name != south.name


def test_of_ground_that_subsides_only_differences_are_kept() -> None:
    values = np.zeros((20, 20), np.float32)
    steady, difference = field_of(values), field_of(values, steady_motion_cancels=True)
    assert list(quiet_fields(of_fields(steady, difference, subsides=True), Path())) == [difference]


def test_files_and_list_agree(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0, 2, (60, 150)).astype(np.float32)
    values[:6] = np.nan
    told = write_fields([of_fields(field_of(values, DEGREES), training=0.5, turns=True)], Path(), tmp_path)
    assert [(entry["name"], entry["role"]) for entry in told] == [
        ("somewhere_all_west", "train"),
        ("somewhere_all_east", "validation"),
    ]
    json.dumps(told)
    for entry in told:
        folder = tmp_path / str(entry["path"])
        assert {path.stem for path in folder.glob("*.tif")} == set(entry["layers"])  # type: ignore[call-overload]
        los = read_raster(folder / "los_rate.tif")
        assert list(los.shape) == entry["size"]
        assert entry["spread_mm_yr"] == pytest.approx(2.0, rel=0.1)
        assert entry["data_share"] == pytest.approx(0.9, abs=0.01)
        assert entry["turns"] is True
        np.testing.assert_allclose(
            read_raster(folder / "phase_rate.tif"), -los * 4e-3 * math.pi / SENTINEL1_WAVELENGTH, rtol=1e-5
        )


def test_real_sources_give_quiet_rates_of_every_role(tmp_path: Path) -> None:
    folder = shared_data("rates").parent
    places = [place for place in PLACES if place.name in ("cadia", "boissano", "sydney")]
    told = write_fields(places, folder, tmp_path)
    assert {entry["role"] for entry in told} == {"train", "validation", "test"}
    for entry in told:
        assert 0.1 < float(entry["spread_mm_yr"]) < 10  # type: ignore[arg-type]
        assert float(entry["data_share"]) > 0.3  # type: ignore[arg-type]


def test_the_tool_lists_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(0, 1, (30, 40)).astype(np.float32)
    monkeypatch.setattr(noise_fields, "PLACES", (of_fields(field_of(values)),))
    monkeypatch.setattr("sys.argv", ["noise_fields.py", str(tmp_path), str(tmp_path / "out")])
    noise_fields.main()
    (entry,) = json.loads((tmp_path / "out/fields.json").read_text())["fields"]
    assert (entry["role"], entry["place"], entry["pixel_metres"]) == ("test", "somewhere", 30.0)
