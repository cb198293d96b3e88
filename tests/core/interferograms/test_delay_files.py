"""Delays of the air from GACOS files and from a table: read as what they are, or refused in a sentence."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Callable

import numpy as np
import pytest

from ada_mapper.core.errors import InputError
from ada_mapper.core.interferograms import find_delays
from ada_mapper.core.raster import BandReader
from delay_files import STEP, write_gacos
from shared_data import shared_data
from stacks import write_raster

DAY = date(2018, 1, 6)
DELAY = 2.3 + 1e-4 * np.arange(30 * 40).reshape(30, 40)


def test_gacos_is_read_in_metres_with_its_corner_in_the_middle_of_a_pixel(tmp_path: Path) -> None:
    write_gacos(tmp_path / "a" / "below", DAY, DELAY, 8.95, 45.2)
    maps = find_delays(tmp_path / "a", None)
    assert maps is not None and list(maps) == [DAY] and maps[DAY].is_zenith
    with BandReader(maps[DAY].band) as reader:
        np.testing.assert_allclose(reader.read(), DELAY, rtol=1e-6)
        left, width, _, top, _, height = reader.grid.transform
    assert (left + width / 2, top + height / 2) == pytest.approx((8.95, 45.2), abs=1e-7)
    assert width == pytest.approx(STEP)


def test_a_geotiff_of_gacos_is_read(tmp_path: Path) -> None:
    write_raster(tmp_path / "20180106.ztd.tif", DELAY, STEP, 4326)
    maps = find_delays(tmp_path, None)
    assert maps is not None and list(maps) == [DAY] and maps[DAY].is_zenith


def test_numbers_in_the_other_byte_order_are_told(tmp_path: Path) -> None:
    from ada_mapper.core.progress import Progress

    path = write_gacos(tmp_path, DAY, DELAY)
    path.write_bytes(np.asarray(DELAY, ">f4").tobytes())
    said: list[str] = []
    maps = find_delays(tmp_path, None, Progress(on_warning=said.append))
    assert maps is not None
    with BandReader(maps[DAY].band) as reader:
        np.testing.assert_allclose(reader.read(), DELAY, rtol=1e-6)
    assert any("big-endian" in message for message in said)


@pytest.mark.parametrize(
    ("unit", "told", "factor"), [("cm", "zenith", 100), ("mm", "LOS", 1000), ("", "", 1), ("m", "slant", 1)]
)
def test_a_table_tells_unit_and_direction(tmp_path: Path, unit: str, told: str, factor: float) -> None:
    write_raster(tmp_path / "air 1.tif", DELAY * factor)
    table = tmp_path / "delays.csv"
    table.write_text(f"Date;File;unit;direction\n2018-01-06;air 1.tif;{unit};{told}\n", encoding="utf-8")
    maps = find_delays(None, table)
    assert maps is not None and maps[DAY].is_zenith == (told in ("", "zenith"))
    with BandReader(maps[DAY].band) as reader:
        np.testing.assert_allclose(reader.read(), DELAY, rtol=1e-6)


def test_a_table_may_list_files_of_gacos(tmp_path: Path) -> None:
    write_gacos(tmp_path, DAY, DELAY)
    table = tmp_path / "delays.csv"
    table.write_text("date,file\n20180106,20180106.ztd\n", encoding="utf-8")
    maps = find_delays(None, table)
    assert maps is not None and list(maps) == [DAY]


def test_nothing_given_is_no_delay() -> None:
    assert find_delays(None, None) is None
    assert find_delays("", "") is None


def _without_header(folder: Path) -> None:
    write_gacos(folder, DAY, DELAY).with_name("20180106.ztd.rsc").unlink()


def _cut(folder: Path) -> None:
    path = write_gacos(folder, DAY, DELAY)
    path.write_bytes(path.read_bytes()[:-400])


def _header(old: str, new: str) -> Callable[[Path], None]:
    def made(folder: Path) -> None:
        path = write_gacos(folder, DAY, DELAY).with_name("20180106.ztd.rsc")
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return made


def _twice(folder: Path) -> None:
    write_gacos(folder / "a", DAY, DELAY)
    write_gacos(folder / "b", DAY, DELAY)


def _in_centimetres(folder: Path) -> None:
    write_gacos(folder, DAY, 100 * DELAY)


def _empty(folder: Path) -> None:
    write_gacos(folder, DAY, 0 * DELAY)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: folder.mkdir(), "holds no delays of GACOS"),
        (_without_header, r"20180106\.ztd has no 20180106\.ztd\.rsc beside it"),
        (_cut, r"20180106\.ztd has 4400 bytes where 20180106\.ztd\.rsc describes 4800"),
        (_header("WIDTH   40", "WIDTH   41"), "has 4800 bytes where .* describes 4920"),
        (_header("WIDTH   40", "WIDTH   4e9"), "doesn't describe a map in degrees"),
        (_header("X_FIRST", "X_SECOND"), "doesn't describe a map in degrees"),
        (_header("Y_STEP            -", "Y_STEP            "), "doesn't describe a map in degrees"),
        (_header("LATLON", "UTM32"), "doesn't describe a map in degrees"),
        (_twice, "There are two delays of 2018-01-06"),
        (_in_centimetres, r"20180106\.ztd can't be used as delay of the air: its numbers reach from 230 to .* 2\.3 m"),
        (_empty, "holds no data at all"),
    ],
)
def test_a_folder_that_tells_no_delays_is_refused(tmp_path: Path, make: Callable[[Path], None], sentence: str) -> None:
    make(tmp_path / "gacos")
    with pytest.raises(InputError, match=sentence):
        find_delays(tmp_path / "gacos", None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("date,file\n", "lists no delays"),
        ("day,raster\n20180106,air.tif\n", "the column file is missing"),
        ("date,file\n2018-13-06,air.tif\n", "line 2: date is “2018-13-06”"),
        ("date,file\n20180106,other.tif\n", r"line 2: .*other\.tif doesn't exist"),
        ("date,file\n20180106,air.tif\n20180106,air.tif\n", "two delays of 2018-01-06"),
        ("date,file,direction\n20180106,air.tif,up\n", "line 2: direction is “up”"),
        ("date,file,unit\n20180106,air.tif,rad\n", "its unit is “rad”"),
        ("date,file,unit\n20180106,air.tif,ft\n", "its unit is “ft”"),
    ],
)
def test_a_table_that_tells_no_delays_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    write_raster(tmp_path / "air.tif", DELAY)
    (tmp_path / "delays.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        find_delays(None, tmp_path / "delays.csv")


def test_a_folder_and_a_table_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not both"):
        find_delays(tmp_path, tmp_path / "delays.csv")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = write_gacos(tmp_path, DAY, DELAY)
    with pytest.raises(InputError, match="isn't a folder"):
        find_delays(path, None)


def test_real_delays() -> None:
    folder = shared_data("stacks/jharia_snap")
    maps = find_delays(folder, None)
    assert maps is not None and list(maps) == [date(2017, 3, 17), date(2017, 4, 10)]
    with BandReader(maps[date(2017, 3, 17)].band) as reader:
        values = reader.read()
    stored = np.fromfile(folder / "20170317.ztd", "<f4").reshape(80, 140)
    np.testing.assert_array_equal(values, stored)
    # A few hundred metres above the sea.
    assert 2.2 < values.mean() < 2.4
