"""The file of a returned survey as it was left on the phone: with its log, without a trace beside it, or refused.

A GeoPackage is an SQLite database. One that was copied while an app had it open has its newest answers in a log beside
it (survey.gpkg-wal), or an unfinished edit that a journal takes back (survey.gpkg-journal). SQLite would apply and
delete them where it may write and fail where it may not, so both are read in a copy.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from ..errors import InputError
from ..texts import Message

_MAGIC = b"SQLite format 3\x00"
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_WAL_HEADER, _FRAME_HEADER = 32, 24


def lacks_log(path: Path) -> bool:
    """Whether a database was in use with a write-ahead log, which isn't there."""
    return _has_log_mode(path) and not _size(_beside(path, "-wal"))


def missing_log(path: Path) -> Message:
    """What is told of a file that lacks_log()."""
    return Message(
        "{file} was copied while an app had it open: newer answers may lie on the phone, in {log}. Close the project "
        "there and copy the whole folder again.",
        file=path,
        log=_beside(path, "-wal").name,
    )


@contextlib.contextmanager
def settled(path: Path) -> Iterator[tuple[Path, tuple[Message, ...]]]:
    """A file to read in the block, with all that lies in logs beside ``path``, and what to warn of.

    That is ``path`` itself where it is no database or has no log. Raises InputError for a damaged database, and for
    one whose log isn't its own.
    """
    journal, log = _beside(path, "-journal"), _beside(path, "-wal")
    if not _is_database(path):
        yield path, ()
        return
    _check_length(path)
    is_hot = _starts_with(journal, _JOURNAL_MAGIC)
    if not (is_hot or _has_log_mode(path)):
        _check(path, _as_it_lies(path), path)
        yield path, ()
        return
    warnings = []
    if is_hot:
        warnings.append(
            Message(
                "{file} was copied in the middle of an edit ({journal} lies beside it): what was being saved then is "
                "not in it. Copy the whole folder again if answers are missing.",
                file=path,
                journal=journal.name,
            )
        )
    if lacks_log(path):
        warnings.append(missing_log(path))
    elif _is_cut(log):
        warnings.append(
            Message(
                "{log} is cut off: the newest answers may be missing. Copy the whole folder from the phone again.",
                log=log,
            )
        )
    folder = tempfile.mkdtemp(prefix="ada_mapper_")
    try:
        copy = Path(folder) / path.name
        try:
            for part in (path, log, journal):
                if part.exists():
                    shutil.copyfile(part, _beside(copy, part.name[len(path.name) :]))
        except OSError as error:
            raise InputError(
                "{file} can't be copied to be read with its log ({reason}). Check the drive that it lies on, and that "
                "there is space in the folder for temporary files.",
                file=path,
                reason=error.strerror or error,
            ) from None
        if _size(log):
            _check_log_fits(path, log)
        blamed = log if _size(log) else journal if is_hot else path
        before = _check(path, _as_it_lies(path), blamed) if blamed == path else _tables(_as_it_lies(path))
        if before - _check(path, str(copy), blamed):
            raise _foreign_log(path, blamed)
        yield copy, tuple(warnings)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unreadable(path: Path, error: Exception | str) -> InputError:
    """The error for a survey that GDAL or SQLite can't read, without their words where ours say more."""
    said = str(error).lower()
    if "locked" in said or "busy" in said:
        return InputError(
            "{file} is being written by another program. Save and close it there, then try again.", file=path
        )
    if not path.exists():
        return InputError(
            "{file} can't be read: there is no such file. Choose a package's survey.gpkg, or its folder.", file=path
        )
    if any(word in said for word in ("malformed", "corrupt", "disk image", "disk i/o")):
        return _damaged(path)
    return InputError(
        "{file} can't be read as a survey. Choose a package's survey.gpkg, and check that the whole folder came back.",
        file=path,
    )


def _damaged(path: Path) -> InputError:
    return InputError(
        "{file} is damaged or incomplete. Copy the whole folder from the phone again; nothing was read of it.",
        file=path,
    )


def _check_length(path: Path) -> None:
    """InputError for a database that ends before its header says."""
    with path.open("rb") as stream:
        header = stream.read(100)
    if len(header) < 100:
        raise _damaged(path)
    page = _page_size(header)
    pages, change, valid_for = struct.unpack(">I", header[28:32])[0], header[24:28], header[92:96]
    # The count of pages is only right where SQLite wrote it last; pages of a log are not in the file yet.
    if change == valid_for and pages * page > path.stat().st_size and not _size(_beside(path, "-wal")):
        raise _damaged(path)


def _tables(database: str) -> set[str]:
    """The names of a database's tables; none where they can't be read, as without a log that belongs to it."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(database, uri=True)) as connection:
        return {row[0] for row in connection.execute(_TABLES)}
    return set()


def _check(path: Path, database: str, blamed: Path) -> set[str]:
    """Let SQLite take in the logs and look at the pages; the tables. InputError, which blames a file, for damage."""
    found: list[str] = []
    tables: set[str] = set()
    try:
        connection = sqlite3.connect(database, uri=database.startswith("file:"), timeout=5)
        try:
            if not database.startswith("file:"):
                connection.execute("PRAGMA journal_mode=DELETE").fetchall()
            tables = {row[0] for row in connection.execute(_TABLES)}
            # Tables of an extension that this SQLite lacks, as R-trees, say so; that is no damage.
            found = [row[0] for row in connection.execute("PRAGMA quick_check(5)")]
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        if "no such module" in str(error):
            return tables
        raise unreadable(path, error) from None
    except sqlite3.DatabaseError:
        raise (_damaged(path) if blamed == path else _foreign_log(path, blamed)) from None
    if found != ["ok"] and not all("no such module" in text for text in found):
        raise _damaged(path) if blamed == path else _foreign_log(path, blamed)
    return tables


def _as_it_lies(path: Path) -> str:
    """The address by which SQLite reads a file and makes none beside it."""
    text = quote(path.absolute().as_posix(), safe="/:")
    start = "file://" if text.startswith("//") else "file:" if text.startswith("/") else "file:/"
    return f"{start}{text}?immutable=1"


def _check_log_fits(path: Path, log: Path) -> None:
    """InputError for a log that was written for a database of another kind."""
    with path.open("rb") as stream:
        page = _page_size(stream.read(100))
    with log.open("rb") as stream:
        header = stream.read(_WAL_HEADER)
    magic = int.from_bytes(header[:4], "big")
    if len(header) == _WAL_HEADER and (
        magic not in (0x377F0682, 0x377F0683) or int.from_bytes(header[8:12], "big") != page
    ):
        raise _foreign_log(path, log)


def _foreign_log(path: Path, log: Path) -> InputError:
    return InputError(
        "{log} doesn't belong to {file}: together they are no survey. Copy the whole folder from the phone again, into "
        "an empty folder.",
        log=log,
        file=path,
    )


def _is_cut(log: Path) -> bool:
    """Whether a log ends in the middle of a page."""
    with contextlib.suppress(OSError), log.open("rb") as stream:
        header = stream.read(_WAL_HEADER)
        frame = _FRAME_HEADER + int.from_bytes(header[8:12], "big")
        return len(header) < _WAL_HEADER or (log.stat().st_size - _WAL_HEADER) % frame != 0
    return False


def _page_size(header: bytes) -> int:
    size = int.from_bytes(header[16:18], "big")
    return 65536 if size == 1 else size


def _is_database(path: Path) -> bool:
    return _starts_with(path, _MAGIC)


def _has_log_mode(path: Path) -> bool:
    """Whether a database was last written with a write-ahead log: bytes 18 and 19 of its header."""
    with contextlib.suppress(OSError), path.open("rb") as stream:
        header = stream.read(20)
        return header[:16] == _MAGIC and header[18:20] == b"\x02\x02"
    return False


def _starts_with(path: Path, magic: bytes) -> bool:
    with contextlib.suppress(OSError), path.open("rb") as stream:
        return stream.read(len(magic)) == magic
    return False


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
