"""Noise of tiles from fields of real rates: what goes in comes out, changed only as it may be."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ada_mapper.core.errors import InputError
from ada_mapper.core.models import IGNORED
from ada_mapper.core.satellite import to_phase_rate
from ada_mapper.core.simulation import NoiseDraws, RealNoiseTiles
from ada_mapper.core.simulation import tiles as tile_generator
from ada_mapper.core.simulation.atmosphere import power_law_field
from ada_mapper.core.simulation.landslides import LABEL_RATE
from ada_mapper.core.simulation.other_motion import DRAWN, Occurrence
from ada_mapper.core.simulation.real_noise import LAYERS, NoiseField, draw_noise, read_noise_fields, trimmed
from ada_mapper.core.types import Array
from small_rasters import square_grid, write

SIZE = 96
PLAIN = NoiseDraws(gain=0, sums=0, signs=False, as_own=1, largest=1e6, filled=0)


@pytest.fixture(autouse=True)
def quick_terrain(monkeypatch: pytest.MonkeyPatch) -> None:
    def rough(rng: np.random.Generator, size: int, pixel_size: float) -> Array:
        return (600 + 250 * power_law_field(rng, size, pixel_size)).astype(np.float32)

    monkeypatch.setattr(tile_generator, "eroded_terrain", rough)


def noise_field(
    layers: Mapping[str, Array], pixel_size: float = 30.0, turns: bool = False, **facts: object
) -> NoiseField:
    values = {"name": "one", "place": "somewhere", "spread": 1.0, **facts}
    return NoiseField(pixel_size=pixel_size, turns=turns, layers=layers, **values)  # type: ignore[arg-type]


def both_rates(values: Array) -> dict[str, Array]:
    return {"phase_rate": values, "los_rate": values.copy()}


def noisy(height: int, width: int, seed: int = 5) -> Array:
    return np.random.default_rng(seed).normal(0, 1, (height, width)).astype(np.float32)


def write_fields(folder: Path, fields: Mapping[str, tuple[str, Mapping[str, Array]]], pixel_size: float = 30.0) -> Path:
    """A folder of fields: name to (role, layers)."""
    listed = []
    for name, (role, layers) in fields.items():
        (folder / role / name).mkdir(parents=True)
        for layer, values in layers.items():
            write(
                folder / role / name / f"{layer}.tif",
                values,
                layer,
                "",
                square_grid(*values.shape, pixel_size=pixel_size),
            )
        listed.append(
            {"name": name, "role": role, "path": f"{role}/{name}", "place": name, "layers": list(layers),
             "turns": False, "pixel_metres": pixel_size, "spread_mm_yr": 1.0}
        )  # fmt: skip
    (folder / "fields.json").write_text(json.dumps({"fields": listed}))
    return folder


def all_layers(seed: int = 5, size: int = SIZE) -> dict[str, Array]:
    rate = noisy(size, size, seed)
    rate[10:20, 30:50] = np.nan
    coherence = np.full((size, size), 0.9, np.float32)
    return {
        "phase_rate": 0.2 * rate,
        "los_rate": rate,
        "standard_error": np.full((size, size), 2.0, np.float32),
        "coherence": coherence,
        "closure": np.full((size, size), 0.25, np.float32),
    }


def test_a_tile_has_the_field_and_what_moves(tmp_path: Path) -> None:
    layers = all_layers()
    folder = write_fields(tmp_path, {"one": ("train", layers)})
    quiet = Occurrence(**dict.fromkeys(DRAWN, 0.0))
    source = RealNoiseTiles(folder, size=SIZE, draws=PLAIN, added_air=0, landslides_per_km2=3, seed=4, occurrence=quiet)
    moved = mirrored = 0
    for index in range(8):
        tile = source(index)
        slow = np.abs(tile.motion) < 50
        left = tile.layers["phase_rate"] - to_phase_rate(tile.motion)
        assert not tile.other_motion.any()
        known = np.isfinite(left) & slow
        as_is, flipped = layers["phase_rate"], layers["phase_rate"][:, ::-1]
        apart = [float(np.ptp((left - own)[known & np.isfinite(own)])) for own in (as_is, flipped)]
        assert min(apart) < 1e-4  # a constant is added
        mirrored += apart[1] < apart[0]
        moved += bool((tile.label == 1).any())
        where = flipped if apart[1] < apart[0] else as_is
        assert not np.isfinite(tile.layers["phase_rate"][~np.isfinite(where)]).any()
        np.testing.assert_array_equal(np.unique(tile.layers["standard_error"][known]), 2.0)
        np.testing.assert_array_equal(np.unique(tile.layers["closure"][known]), 0.25)
        assert tile.layers.keys() >= {*LAYERS, "dem", "slope", "los_sensitivity"}
        assert all(values.shape == (SIZE, SIZE) and values.dtype == np.float32 for values in tile.layers.values())
    assert moved and 0 < mirrored < 8


def test_other_motion_is_in_the_rates_and_in_no_label(tmp_path: Path) -> None:
    quiet = np.zeros((SIZE, SIZE), np.float32)
    layers = {**both_rates(quiet), "coherence": quiet + 0.9, "closure": quiet}
    folder = write_fields(tmp_path, {"one": ("train", layers)})
    often = Occurrence(**{**dict.fromkeys(DRAWN, 4.0), "snow": 0.0, "vegetation": 0.0})
    source = RealNoiseTiles(folder, size=SIZE, draws=PLAIN, added_air=0, landslides_per_km2=0, seed=4, occurrence=often)
    moved = unclosed = exact = 0
    for index in range(12):
        tile = source(index)
        assert not tile.label.any() and not tile.motion.any()
        if np.abs(tile.other_motion).max() > 80:
            continue  # pairs lose cycles of it
        rate, truth = tile.layers["phase_rate"], to_phase_rate(tile.other_motion)
        known = np.isfinite(rate)
        left = (rate - truth)[known]
        # Lost cycles and surfaces without coherence come on top, but seldom on most pixels.
        _, counts = np.unique(np.round(left, 2), return_counts=True)
        exact += bool(counts.max() > 0.4 * known.sum())
        moved += int((np.abs(tile.other_motion[known]) > 5).sum())
        unclosed += int((tile.layers["closure"][known] > 0).sum())
    assert moved and unclosed and exact >= 8


def test_labels_are_where_landslides_move(tmp_path: Path) -> None:
    folder = write_fields(tmp_path, {"one": ("train", all_layers())})
    source = RealNoiseTiles(folder, size=SIZE, landslides_per_km2=3, seed=9)
    moving: list[float] = []
    for index in range(6):
        tile = source(index)
        moving += np.abs(tile.motion[tile.label == 1]).tolist()
        assert not (tile.label[tile.motion == 0] == 1).any()
        assert len(tile.metadata["kinds"]) == tile.metadata["landslides"]
        assert set(np.unique(tile.label)) <= {0, 1, IGNORED}
    # Slow compartments belong to a landslide, too.
    assert max(moving) > 10 * LABEL_RATE and np.mean(np.array(moving) > LABEL_RATE) > 0.6


def test_tiles_are_deterministic_and_survive_pickling(tmp_path: Path) -> None:
    fields = {name: ("train", all_layers(seed, 130)) for seed, name in enumerate("abc")}
    source = RealNoiseTiles(write_fields(tmp_path, fields), size=SIZE, seed=2)
    first = [source(index) for index in (3, 1)]
    again = pickle.loads(pickle.dumps(source))
    assert len(pickle.dumps(source)) < 20_000
    for tile, other in zip(first, (again(3), again(1))):
        assert tile.metadata == other.metadata
        for name in tile.layers:
            np.testing.assert_array_equal(tile.layers[name], other.layers[name])
        np.testing.assert_array_equal(tile.label, other.label)
    assert not np.array_equal(first[0].layers["phase_rate"], first[1].layers["phase_rate"], equal_nan=True)


def test_only_the_roles_asked_for_are_drawn(tmp_path: Path) -> None:
    fields = {"a": ("train", all_layers(1)), "b": ("validation", all_layers(2)), "c": ("test", all_layers(3))}
    folder = write_fields(tmp_path, fields)
    assert [field.name for field in read_noise_fields(folder)] == ["a"]
    assert [field.name for field in read_noise_fields(folder, ("validation", "test"))] == ["b", "c"]
    source = RealNoiseTiles(folder, size=SIZE, roles=("validation",))
    assert {name for index in range(4) for name in source(index).metadata["noise"]} == {"b"}


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"fields\.json"):
        read_noise_fields(tmp_path)
    folder = write_fields(tmp_path, {"a": ("train", all_layers())})
    with pytest.raises(InputError, match="no field of the roles validation"):
        read_noise_fields(folder, ("validation",))
    (folder / "fields.json").write_text('{"fields": [{"role": "train"}]}')
    with pytest.raises(InputError, match="no noise fields"):
        read_noise_fields(folder)
    with pytest.raises(InputError, match="between 0 and 1"):
        NoiseDraws(sums=1.5)


def test_only_fields_that_may_be_turned_are() -> None:
    rows = np.repeat(np.arange(SIZE, dtype=np.float32)[:, np.newaxis], SIZE, axis=1)
    upright, turned = set(), set()
    for seed in range(40):
        for turns, seen in ((False, upright), (True, turned)):
            rng = np.random.default_rng(seed)
            drawn = draw_noise(rng, [noise_field(both_rates(rows), turns=turns)], SIZE, 30.0, PLAIN).layers[
                "phase_rate"
            ]
            steps = drawn[1, 0] - drawn[0, 0], drawn[0, 1] - drawn[0, 0]
            seen.add((int(steps[0]), int(steps[1])))
    assert upright == {(1, 0)}
    assert turned == {(1, 0), (-1, 0), (0, 1), (0, -1)}


def test_coarse_fields_are_brought_to_the_pixels_of_tiles() -> None:
    columns = np.repeat(np.arange(120, dtype=np.float32)[np.newaxis, :], 120, axis=0)
    ways = set()
    for seed in range(30):
        rng = np.random.default_rng(seed)
        drawn = draw_noise(rng, [noise_field(both_rates(columns), 90.0)], SIZE, 30.0, PLAIN).layers["phase_rate"]
        assert drawn.shape == (SIZE, SIZE)
        np.testing.assert_allclose(drawn, np.broadcast_to(drawn[:1], drawn.shape), atol=1e-4)
        steps = np.abs(np.diff(drawn[0]))
        span = float(np.ptp(drawn[0])) / (SIZE - 1)
        # From half to 1.2 times the field's own 90 m, so one of its pixels is 1.5 to 3.6 of the tile's.
        assert 1 / 3.8 < span < 1 / 1.4
        if np.isclose(steps[5:-5], 0, atol=1e-4).any():
            ways.add("steps")
            np.testing.assert_allclose(steps[steps > 1e-4], 1, atol=1e-4)
        else:
            ways.add("slopes")
            np.testing.assert_allclose(np.median(steps), span, rtol=0.05)
    assert ways == {"steps", "slopes"}


def test_holes_of_coarse_fields_stay_holes() -> None:
    values = noisy(140, 140)
    for first in range(10, 140, 30):
        values[:, first : first + 12] = np.nan
    for seed in range(6):
        drawn = draw_noise(np.random.default_rng(seed), [noise_field(both_rates(values), 60.0)], SIZE, 30.0, PLAIN)
        rate = drawn.layers["phase_rate"]
        assert 0.1 < np.isnan(rate).mean() < 0.9
        missing = np.isnan(rate).all(axis=0)
        np.testing.assert_array_equal(np.isnan(rate), np.broadcast_to(missing, rate.shape))


def test_holes_are_filled_from_elsewhere_in_the_field() -> None:
    values = np.zeros((3 * SIZE, SIZE), np.float32)
    values[::7] = np.nan
    fields = [noise_field(both_rates(values))]
    once, twice = (
        [
            np.isnan(draw_noise(np.random.default_rng(seed), fields, SIZE, 30.0, draws).layers["los_rate"]).mean()
            for seed in range(14)
        ]
        for draws in (PLAIN, replace(PLAIN, filled=1))
    )
    assert np.mean(once) == pytest.approx(1 / 7, abs=0.02)
    assert min(twice) == 0 and np.mean(twice) < 0.5 / 7


def test_gains_signs_and_sums_keep_the_spread_known() -> None:
    layers = both_rates(noisy(SIZE, SIZE))
    layers["standard_error"] = np.ones((SIZE, SIZE), np.float32)
    fields = [
        noise_field(layers),
        noise_field({**both_rates(noisy(SIZE, SIZE, 6)), "standard_error": layers["standard_error"]}),
    ]
    summed = NoiseDraws(gain=0, sums=1, signs=False, as_own=1)
    spreads, gains = [], []
    for seed in range(30):
        drawn = draw_noise(np.random.default_rng(seed), fields, SIZE, 30.0, summed)
        assert len(drawn.fields) == 2
        np.testing.assert_allclose(drawn.layers["standard_error"], 1, rtol=1e-5)
        drawn = draw_noise(np.random.default_rng(seed), fields[:1], SIZE, 30.0, NoiseDraws(sums=0))
        gains.append(drawn.gain)
        spreads.append(float(drawn.layers["los_rate"].std()))
        np.testing.assert_allclose(drawn.layers["standard_error"], abs(drawn.gain), rtol=1e-5)
        assert np.nanmedian(drawn.layers["los_rate"]) == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(np.abs(gains), spreads / layers["los_rate"].std(), rtol=1e-3)
    assert min(gains) < -0.5 and max(gains) > 0.5 and 0.5 <= min(np.abs(gains)) < max(np.abs(gains)) <= 2


def test_a_loud_field_is_brought_down() -> None:
    field = noise_field(both_rates(40 * noisy(SIZE, SIZE)), spread=40.0)
    for seed in range(5):
        drawn = draw_noise(np.random.default_rng(seed), [field], SIZE, 30.0, NoiseDraws(sums=0))
        assert 4.5 < drawn.layers["los_rate"].std() < 10.5


def test_small_fields_are_laid_side_by_side_and_keep_their_spread() -> None:
    small = noisy(40, 30)
    small[:, 25] = np.nan
    layers = {**both_rates(small), "closure": np.full_like(small, 0.5)}
    rates = [
        draw_noise(np.random.default_rng(seed), [noise_field(layers)], SIZE, 30.0, PLAIN).layers for seed in range(6)
    ]
    for drawn in rates:
        rate = drawn["phase_rate"]
        assert 0.9 < np.isfinite(rate).mean() < 1
        assert np.isfinite(rate[:, 0]).any() and np.isfinite(rate[:, -1]).any()
        assert np.nanstd(rate) == pytest.approx(1, abs=0.1)
        # Nowhere, not where patches meet either, is it rougher or smoother by much.
        blocks = rate.reshape(SIZE // 16, 16, SIZE // 16, 16).transpose(0, 2, 1, 3).reshape(-1, 256)
        assert 0.6 < np.nanmin(np.nanstd(blocks, axis=1)) < np.nanmax(np.nanstd(blocks, axis=1)) < 1.4
        np.testing.assert_allclose(drawn["closure"][np.isfinite(rate)], 0.5, rtol=1e-4)
        for name in ("standard_error", "coherence"):
            assert np.isnan(drawn[name]).all()


def test_errors_that_are_missing_where_rates_are_not_come_from_beside() -> None:
    errors = np.full((40, 30), 2.0, np.float32)
    errors[::3, ::3] = np.nan
    layers = {**both_rates(noisy(40, 30)), "standard_error": errors}
    drawn = draw_noise(np.random.default_rng(2), [noise_field(layers)], SIZE, 30.0, PLAIN).layers
    np.testing.assert_allclose(drawn["standard_error"], 2, rtol=1e-4)


def test_what_is_empty_around_a_field_is_cut_off() -> None:
    values = np.full((60, 80), np.nan, np.float32)
    values[10:50, 30:70] = noisy(40, 40)
    values[10:25, 72] = 0.0
    values[20, 40] = np.nan
    cut = trimmed(both_rates(values))
    np.testing.assert_array_equal(cut["los_rate"], values[10:50, 30:70])
    np.testing.assert_array_equal(cut["phase_rate"], values[10:50, 30:70])
