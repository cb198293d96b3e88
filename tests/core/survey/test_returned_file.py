"""Files that were copied from a phone while an app had them open, and damaged ones."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3

import pytest

from ada_mapper.core.areas import FIELDS
from ada_mapper.core.errors import InputError
from ada_mapper.core.survey import SamplingRules, read_copy, sample_sites, write_geopackage
from survey_areas import UTM, areas


def connect(path):
    """A connection that may write to a GeoPackage's tables."""
    connection = sqlite3.connect(path)
    connection.create_function("ST_IsEmpty", 1, lambda _: 0)
    for name in ("ST_MinX", "ST_MinY", "ST_MaxX", "ST_MaxY"):
        connection.create_function(name, 1, lambda _: 1.0)
    return connection


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    folder.mkdir()
    sites = sample_sites(areas(6), UTM, SamplingRules(6), UTM).sites
    write_geopackage(folder / "survey.gpkg", sites, UTM, areas(6), FIELDS, UTM)
    return folder / "survey.gpkg"


@pytest.fixture
def phone(package):
    """The package while an app has it open, with an answer that is in its log alone."""
    with contextlib.closing(connect(package)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("UPDATE sites SET result = 'confirmed' WHERE name = 'S02'")
        connection.commit()
        yield package


def came_back(file, tmp_path, *endings):
    folder = tmp_path / "back"
    folder.mkdir()
    for ending in ("", *endings):
        shutil.copy(f"{file}{ending}", folder)
    return folder / "survey.gpkg"


def result_of(copy, name="S02"):
    return {site.attributes["name"]: site.attributes["result"] for site in copy.sites}[name]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_log_that_came_along_is_read_and_nothing_is_changed(phone, tmp_path):
    file = came_back(phone, tmp_path, "-wal")
    before = contents(file.parent)
    copy = read_copy(file, UTM)
    assert result_of(copy) == "confirmed" and copy.warnings == ()
    assert contents(file.parent) == before


def test_a_log_that_stayed_on_the_phone_is_warned_of(phone, tmp_path):
    file = came_back(phone, tmp_path)
    copy = read_copy(file.parent, UTM)
    assert result_of(copy) is None and len(copy.warnings) == 1
    assert "survey.gpkg-wal" in copy.warnings[0] and "phone" in copy.warnings[0]
    assert [path.name for path in file.parent.iterdir()] == ["survey.gpkg"]


def test_an_empty_log_is_none(phone, tmp_path):
    file = came_back(phone, tmp_path)
    file.with_name("survey.gpkg-wal").touch()
    assert "survey.gpkg-wal" in read_copy(file, UTM).warnings[0]


def test_a_log_that_is_cut_off_is_warned_of(phone, tmp_path):
    file = came_back(phone, tmp_path, "-wal")
    log = file.with_name("survey.gpkg-wal")
    log.write_bytes(log.read_bytes()[:-1000])
    assert "cut off" in " ".join(read_copy(file, UTM).warnings)


def test_the_log_of_another_file_is_refused(phone, tmp_path):
    file = came_back(phone, tmp_path)
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as connection:
        connection.execute("PRAGMA page_size=4096")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE numbers (number)")
        connection.executemany("INSERT INTO numbers VALUES (?)", [(f"{number}" * 90,) for number in range(2000)])
        connection.commit()
        shutil.copy(f"{other}-wal", file.with_name("survey.gpkg-wal"))
    with pytest.raises(InputError, match=r"survey\.gpkg-wal doesn't belong to"):
        read_copy(file, UTM)


def test_rubbish_as_a_log_is_refused(phone, tmp_path):
    file = came_back(phone, tmp_path)
    file.with_name("survey.gpkg-wal").write_bytes(b"rubbish " * 1000)
    with pytest.raises(InputError, match="doesn't belong to"):
        read_copy(file, UTM)


def test_an_edit_that_was_not_finished_is_taken_back(package, tmp_path):
    with contextlib.closing(connect(package)) as connection:
        connection.execute("PRAGMA cache_size=1")
        connection.execute("UPDATE sites SET result = 'confirmed', remarks = ?", ("x" * 100_000,))
        file = came_back(package, tmp_path, "-journal")
        connection.rollback()
    before = contents(file.parent)
    copy = read_copy(file, UTM)
    assert result_of(copy) is None and len(copy.sites) == 6
    assert "survey.gpkg-journal" in copy.warnings[0] and contents(file.parent) == before


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9])
def test_a_file_that_ends_early_is_refused(package, share):
    content = package.read_bytes()
    package.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"damaged or incomplete|can't be read as a survey") as told:
        read_copy(package, UTM)
    assert str(package) in str(told.value) and "malformed" not in str(told.value)


def test_a_damaged_page_is_refused(package):
    content = bytearray(package.read_bytes())
    content[4096 : 4096 * 12] = b"\x07" * (4096 * 11)
    package.write_bytes(content)
    with pytest.raises(InputError, match="damaged or incomplete"):
        read_copy(package, UTM)


def test_what_is_no_database_is_refused_in_our_words(tmp_path):
    file = tmp_path / "survey.gpkg"
    file.write_bytes(b"no GeoPackage" * 100)
    with pytest.raises(InputError, match="can't be read as a survey") as told:
        read_copy(file, UTM)
    assert "not a database" not in str(told.value) and "GDAL" not in str(told.value)


def test_a_file_that_is_being_written_is_told(package):
    with contextlib.closing(connect(package)) as connection:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match="another program"):
            read_copy(package, UTM)
