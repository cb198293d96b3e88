"""Two tracks of one direction in one folder are two stacks, whatever tells them apart; one pass stays one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

import interferogram_products as products
from ada_mapper.core.interferograms import Stack, find_stack
from ada_mapper.core.raster import Grid
from interferogram_products import DEGREES, HEIGHT, METRES, WIDTH, coherences, phases, write_text, write_tif

FIRST = date(2020, 1, 1)


def dates(count: int, start: int = 0, step: int = 12) -> list[tuple[date, date]]:
    """Consecutive pairs from ``start`` days after the first date on."""
    days = [FIRST + timedelta(days=start + step * i) for i in range(count + 1)]
    return list(zip(days[:-1], days[1:]))


def noted(stack: Stack, *words: str) -> bool:
    return any(all(word in note for word in words) for note in stack.notes)


def scenes(
    folder: Path, pairs: list[tuple[date, date]], time: str, code: str, text: str = "", grid: Grid = METRES
) -> list[str]:
    """HyP3 pairs of scenes; their names as pairs."""
    for first, second in pairs:
        name = f"S1AA_{first:%Y%m%d}T{time}_{second:%Y%m%d}T{time}_VVP012_INT80_G_ueF_{code}"
        write_tif(folder / name / f"{name}_unw_phase.tif", phases(0), grid)
        write_tif(folder / name / f"{name}_corr.tif", coherences(0), grid)
        write_text(folder / name / f"{name}.txt", f"{text.format(first=first)}Baseline: 30\nHeading: -168.1\n")
    return [f"{first:%Y%m%d}_{second:%Y%m%d}" for first, second in pairs]


def names(stack: Stack) -> list[str]:
    return [pair.name for pair in stack.interferograms]


def test_hyp3_scenes_of_two_tracks_differ_in_their_time_of_day(tmp_path):
    scenes(tmp_path, dates(3, 5), "134330", "AAAA")
    used = scenes(tmp_path, dates(4), "135156", "BBBB")
    stack = find_stack(tmp_path)
    assert names(stack) == used
    assert noted(
        stack, "2 tracks", "at 13:51 UTC with 4 pairs", "at 13:43 UTC with 3 pairs", "AAAA_unw_phase.tif", "folder"
    )


def test_frames_of_one_pass_over_many_scenes_are_one_track(tmp_path):
    for k in range(6):
        grid = replace(METRES, transform=(500_000.0, 40.0, 0.0, 3_500_000.0 - 80 * k, 0.0, -40.0), height=HEIGHT)
        scenes(tmp_path, dates(2), f"13{51 + (30 * k) // 60}{30 * k % 60:02}", f"{k:04}", grid=grid)
    stack = find_stack(tmp_path)
    assert not noted(stack, "tracks")
    assert [pair.name for pair in stack.interferograms] == [f"{a:%Y%m%d}_{b:%Y%m%d}" for a, b in dates(2)]


def granule(orbit: int) -> str:
    return (
        f"Reference Granule: S1A_IW_SLC__1SDV_{{first:%Y%m%d}}T022008_{{first:%Y%m%d}}T022035_{orbit:06}_07421F_93A7\n"
    )


def test_the_orbit_number_of_hyp3_tells_the_track(tmp_path):
    """058630 of Sentinel-1A is relative orbit 108, and so is 175 orbits later; 058637 is 115."""
    used = scenes(tmp_path, dates(2), "022008", "AAAA", granule(58630))
    used += scenes(tmp_path, dates(1, 24), "022008", "BBBB", granule(58630 + 350))
    scenes(tmp_path, dates(2, 6), "022008", "CCCC", granule(58637))
    stack = find_stack(tmp_path)
    assert names(stack) == used
    assert noted(stack, "2 tracks", "track 108 with 3 pairs", "track 115 with 2 pairs", "CCCC_unw_phase.tif")


@pytest.mark.parametrize(("burst", "track"), [(136231, 64), (213524, 100), (264305, 124)])
def test_the_number_of_a_burst_tells_the_track(tmp_path, burst, track):
    """From the burst map of ESA: bursts 064_136231, 100_213524 and 124_264305."""
    from ada_mapper.core.interferograms.readers import PRODUCTS, Folder

    name = f"S1_{burst}_IW1_20200101_20200113_VV_INT80_8E81_unw_phase.tif"
    write_tif(tmp_path / name, phases(0))
    known = PRODUCTS["hyp3"].acquisition(tmp_path / name, dates(1)[0], Folder.of(tmp_path))
    assert known.track == track


def test_aria_tells_the_track_in_its_name(tmp_path):
    for track, pairs in (("087", dates(2)), ("014", dates(3, 5))):
        for first, second in pairs:
            name = f"S1-GUNW-D-R-{track}-tops-{second:%Y%m%d}_{first:%Y%m%d}-135156-34956N_32979N-PP-913f-v2_0_4.nc"
            products.write_gunw(tmp_path / name, phases(0), coherences(0), 1.0)
    stack = find_stack(tmp_path)
    assert names(stack) == [f"{a:%Y%m%d}_{b:%Y%m%d}" for a, b in dates(3, 5)]
    assert noted(stack, "track 14 with 3 pairs", "track 87 with 2 pairs")


def test_licsar_tells_the_track_in_the_folder_of_the_frame(tmp_path):
    for frame, pairs in (("106D_05248_131313", dates(2)), ("033D_05260_131313", dates(3, 7))):
        for first, second in pairs:
            name = f"{first:%Y%m%d}_{second:%Y%m%d}"
            write_tif(tmp_path / frame / "GEOC" / name / f"{name}.geo.unw.tif", phases(0), DEGREES)
    stack = find_stack(tmp_path)
    assert names(stack) == [f"{a:%Y%m%d}_{b:%Y%m%d}" for a, b in dates(3, 7)]
    assert noted(stack, "track 33 with 3 pairs", "track 106 with 2 pairs")


def test_sentinel1_comes_back_after_multiples_of_six_days(tmp_path):
    """Without any other sign, dates tell: those of one track differ by 6, 12, 18 … days."""

    def write(pairs):
        for first, second in pairs:
            name = f"{first:%Y%m%d}_{second:%Y%m%d}"
            write_tif(tmp_path / f"{name}.geo.unw.tif", phases(0), DEGREES)

    write(dates(4))
    write(dates(2, 90, 6))
    assert not noted(find_stack(tmp_path), "tracks")
    write(dates(3, 7))
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == 6
    assert noted(stack, "2 tracks", "the track of 2020-01-01 with 6 pairs", "the track of 2020-01-08 with 3 pairs")


def test_dates_of_satellites_that_were_moved_tell_no_track(tmp_path):
    for pairs in (dates(4, 1900), dates(3, 1907)):
        for first, second in pairs:
            name = f"{first:%Y%m%d}_{second:%Y%m%d}"
            write_tif(tmp_path / f"{name}.geo.unw.tif", phases(0), DEGREES)
    assert not noted(find_stack(tmp_path), "tracks")


def test_pairs_that_tie_dates_of_any_rhythm_are_of_one_track(tmp_path):
    for first, second in dates(6, step=11):
        name = f"{first:%Y%m%d}_{second:%Y%m%d}"
        write_tif(tmp_path / f"{name}.geo.unw.tif", phases(0), DEGREES)
    assert len(find_stack(tmp_path).interferograms) == 6


def test_other_incidence_on_the_same_ground_is_another_track(tmp_path):
    def write(pairs, incidence, grid=METRES):
        for first, second in pairs:
            name = f"{first:%Y%m%d}_{second:%Y%m%d}.unw.tif"
            write_tif(tmp_path / name, phases(0)[:, : grid.width], grid, tags={"INCIDENCE_DEGREES": str(incidence)})

    write(dates(3), 39.1)
    write(dates(1, 48), 38.6)
    x, dx, _, y, _, dy = METRES.transform
    write(dates(1, 60), 33.0, replace(METRES, transform=(x + 4 * dx, dx, 0.0, y, 0.0, dy)))
    write(dates(1, 72), 33.0, replace(METRES, width=3))
    assert not noted(find_stack(tmp_path), "tracks")
    write(dates(2, 5), 33.5)
    stack = find_stack(tmp_path)
    assert names(stack)[:3] == [f"{a:%Y%m%d}_{b:%Y%m%d}" for a, b in dates(3)]
    assert noted(stack, "2 tracks")


@pytest.mark.parametrize(("shift", "start", "tracks"), [(3, 5, 2), (3, 6, 1), (0, 5, 1), (3, 65, 1)])
def test_of_any_satellite_dates_and_ground_together_tell_a_track(tmp_path, shift, start, tracks):
    """Other dates alone are another satellite of a constellation, other ground alone is another frame."""
    x, dx, _, y, _, dy = METRES.transform
    aside = replace(METRES, transform=(x + shift * dx, dx, 0.0, y, 0.0, dy))
    for pairs, grid in ((dates(4), METRES), (dates(2, start), aside)):
        for first, second in pairs:
            write_tif(tmp_path / f"{first:%Y%m%d}_{second:%Y%m%d}.unw.tif", phases(0), grid)
    stack = find_stack(tmp_path)
    assert len(stack.interferograms) == (4 if tracks == 2 else 6)
    assert noted(stack, "2 tracks") == (tracks == 2)


def test_a_pass_over_midnight_is_one(tmp_path):
    """The second frame of each pair is reached five seconds after midnight, so on the next day."""
    grids = [replace(METRES, height=20, width=20), replace(METRES, height=20, width=20)]
    x, dx, _, y, _, dy = METRES.transform
    grids[1] = replace(grids[1], transform=(x, dx, 0.0, y + 15 * dy, 0.0, dy))
    values = np.random.default_rng(1).normal(3, 1, (35, 20)).astype(np.float32)
    for k, time in enumerate(("235940", "000005")):
        for first, second in dates(2, k):
            name = f"S1AA_{first:%Y%m%d}T{time}_{second:%Y%m%d}T{time}_VVP012_INT80_G_ueF_{k:04}"
            write_tif(tmp_path / name / f"{name}_unw_phase.tif", values[15 * k : 15 * k + 20], grids[k])
    stack = find_stack(tmp_path)
    assert [(pair.name, pair.files) for pair in stack.interferograms] == [
        (f"{a:%Y%m%d}_{b:%Y%m%d}", 2) for a, b in dates(2)
    ]
    assert noted(stack, "over midnight")
    assert stack.grid.height == 35 and WIDTH < stack.grid.width == 20


def test_two_numbers_of_one_pass_over_the_equator_are_one_track(tmp_path):
    """An ascending pass gets the next orbit's number where it crosses the equator."""
    for track in ("087", "088"):
        for first, second in dates(2):
            name = f"S1-GUNW-A-R-{track}-tops-{second:%Y%m%d}_{first:%Y%m%d}-135156-00956N_01979S-PP-913f-v2_0_4.nc"
            products.write_gunw(tmp_path / name, phases(0), coherences(0), 1.0)
    assert not noted(find_stack(tmp_path), "tracks")
