"""Files and folders appear whole or not at all, whatever happens on the way."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Callable

import numpy as np
import pytest

from ada_mapper.core.errors import CancelledError, OutputError
from ada_mapper.core.files import (
    NewFile,
    Results,
    added_together,
    told_as_unwritable,
    told_place,
    whole_file,
    whole_folder,
    write_file,
    write_text,
)
from ada_mapper.core.raster import BandDescription, Grid, RasterWriter

GRID = Grid("EPSG:32632", (0, 1, 0, 0, 0, -1), 4, 4)


def contents(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, hidden files too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b"a folder"
        for path in folder.rglob("*")
    }


def fill_file(place: Path) -> None:
    place.write_bytes(b"new")
    place.with_name(f"{place.name}.aux.xml").write_bytes(b"new statistics")


def fill_folder(place: Path) -> None:
    (place / "a.txt").write_bytes(b"new")
    (place / "deeper").mkdir()
    (place / "deeper" / "b.txt").write_bytes(b"new")


def replaced_folder(path: Path) -> AbstractContextManager[Path]:
    return whole_folder(path, replace=True)


WAYS = pytest.mark.parametrize(
    ("making", "fill"),
    [(whole_file, fill_file), (replaced_folder, fill_folder), (added_together, fill_folder)],
    ids=["file", "folder", "contents"],
)
Making = Callable[[Path], AbstractContextManager[Path]]
Fill = Callable[[Path], None]


def earlier(target: Path, making: Making) -> None:
    """What an earlier run left."""
    if making is whole_file:
        target.write_bytes(b"old")
        target.with_name(f"{target.name}.aux.xml").write_bytes(b"old statistics")
    else:
        (target / "deeper").mkdir(parents=True)
        for name in ("a.txt", "deeper/b.txt", "own.txt"):
            (target / name).write_bytes(b"old")


@WAYS
def test_nothing_is_seen_before_the_end_and_all_of_it_after(tmp_path: Path, making: Making, fill: Fill) -> None:
    target = tmp_path / "result.tif"
    with making(target) as place:
        fill(place)
        assert not (target.is_file() or (target / "a.txt").exists())
    present = contents(tmp_path)
    assert set(present.values()) <= {b"new", b"new statistics", b"a folder"}
    assert all("/." not in f"/{name}" for name in present)


@WAYS
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (CancelledError("stopped"), CancelledError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (ZeroDivisionError(), ZeroDivisionError),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), OutputError),
    ],
    ids=["cancelled", "interrupted", "fault", "disk full"],
)
@pytest.mark.parametrize("before", [False, True], ids=["new", "earlier"])
def test_what_ends_early_changes_nothing(
    tmp_path: Path, making: Making, fill: Fill, fault: BaseException, told: type[BaseException], before: bool
) -> None:
    target = tmp_path / "result.tif"
    if before:
        earlier(target, making)
    was = contents(tmp_path)
    with pytest.raises(told), making(target) as place:
        fill(place)
        raise fault
    assert contents(tmp_path) == was


@WAYS
@pytest.mark.parametrize("before", [False, True], ids=["new", "earlier"])
def test_each_move_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, making: Making, fill: Fill, before: bool
) -> None:
    """The disk refuses the first, the second … renaming at the end, until none is left to refuse."""
    refused = 0
    for refused in range(1, 20):
        folder = tmp_path / str(refused)
        folder.mkdir()
        target = folder / "result.tif"
        if before:
            earlier(target, making)
        was = contents(folder)
        calls = iter(range(1, 100))

        def failing(real: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
            def move(self: Path, place: Path) -> Path:
                if next(calls) == refused:  # noqa: B023
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return real(self, place)

            return move

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", failing(Path.replace))
            patch.setattr(Path, "rename", failing(Path.rename))
            try:
                with making(target) as place:
                    fill(place)
            except OutputError as error:
                assert "The disk is full" in str(error)
            else:
                break
        own = {name: content for name, content in contents(folder).items() if not name.endswith(".aux.xml")}
        # Statistics may be lost, as they are found again; they never stand beside numbers of another file.
        assert own == {name: content for name, content in was.items() if not name.endswith(".aux.xml")}
    assert 1 < refused < 19


@WAYS
def test_a_place_that_cannot_be_is_told_in_a_sentence(tmp_path: Path, making: Making, fill: Fill) -> None:
    (tmp_path / "file").write_bytes(b"old")
    target = tmp_path / "file" / "result.tif"
    with (
        pytest.raises(OutputError, match=r"result\.tif can't be written.*you may write there"),
        making(target) as place,
    ):
        fill(place)
    assert contents(tmp_path) == {"file": b"old"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is a folder that nobody may write in")
@WAYS
def test_a_folder_without_rights_is_told_in_a_sentence(making: Making, fill: Fill) -> None:
    with pytest.raises(OutputError, match="you may write there"), making(Path("/proc/result.tif")) as place:
        fill(place)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_is_full_says_so_by_name(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    full = pytest.raises(OutputError, match=r"^The disk is full: .*result\.txt can't be written\. Free")
    with full, whole_file(target) as place:
        place.symlink_to("/dev/full")
        place.write_bytes(b"new")
    assert contents(tmp_path) == {}


def test_a_library_that_fails_on_a_full_disk_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GDAL and SQLite say where they were, not that there was no room."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=0))
    told = pytest.raises(OutputError, match=r"^The disk is full: .*rate\.tif can't be written")
    with told, told_as_unwritable(tmp_path / "rate.tif", RuntimeError):
        raise RuntimeError("TIFFAppendToStrip:Write error at scanline 0")


def test_the_raw_words_of_libraries_are_not_told_and_no_reason_is_no_empty_bracket(tmp_path: Path) -> None:
    for error in (RuntimeError("Write error at scanline 0"), RuntimeError(""), OSError()):
        with pytest.raises(OutputError) as caught, told_as_unwritable(tmp_path / "rate.tif", (RuntimeError, OSError)):
            raise error
        assert str(caught.value).startswith(f"{tmp_path / 'rate.tif'} can't be written. Check that the folder exists")
    refused = pytest.raises(OutputError, match=r"written \(Permission denied\)\.")
    with refused, told_as_unwritable(tmp_path / "rate.tif"):
        raise PermissionError(errno.EACCES, "Permission denied")


@WAYS
def test_two_writers_of_one_name_leave_one_of_the_two(tmp_path: Path, making: Making, fill: Fill) -> None:
    """Each works by itself; what is left is whole and of one of them, and a refused one says so."""
    target = tmp_path / "result.tif"
    both = threading.Barrier(2, timeout=30)
    refused: list[OutputError] = []

    def write(own: bytes) -> None:
        try:
            with making(target) as place:
                fill(place)
                for file in [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]:
                    file.write_bytes(own)
                both.wait()
        except OutputError as error:
            refused.append(error)

    threads = [threading.Thread(target=write, args=(own,)) for own in (b"first" * 1000, b"second" * 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = {content for name, content in contents(tmp_path).items() if not name.endswith(".aux.xml")} - {b"a folder"}
    if making is not added_together:
        assert len(left) == 1
    assert left <= {b"first" * 1000, b"second" * 1000}
    assert len(refused) < 2
    assert all("/." not in f"/{name}" for name in contents(tmp_path))


def test_a_folder_that_holds_something_is_not_taken_unasked(tmp_path: Path) -> None:
    target = tmp_path / "package"
    with pytest.raises(OutputError, match="package can't be written"), whole_folder(target) as place:
        fill_folder(place)
        earlier(target, whole_folder)  # somebody was faster
    assert contents(target)["a.txt"] == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["package"]


def test_added_files_leave_others_alone_and_take_the_place_of_those_to_be_replaced(tmp_path: Path) -> None:
    earlier(tmp_path, added_together)
    with added_together(tmp_path, [tmp_path / "own.txt"]) as place:
        (place / "a.txt").write_bytes(b"new")
    assert contents(tmp_path) == {"a.txt": b"new", "deeper": b"a folder", "deeper/b.txt": b"old"}


def test_folders_that_were_made_for_nothing_are_gone_again(tmp_path: Path) -> None:
    with pytest.raises(CancelledError), added_together(tmp_path / "some" / "where") as place:
        fill_folder(place)
        raise CancelledError("stopped")
    assert contents(tmp_path) == {}


def test_statistics_and_overviews_of_the_file_before_go_with_it(tmp_path: Path) -> None:
    earlier(tmp_path / "rate.tif", whole_file)
    (tmp_path / "rate.tif.ovr").write_bytes(b"old overviews")
    write_file(tmp_path / "rate.tif", b"new")
    write_text(tmp_path / "other.txt", "è")
    assert contents(tmp_path) == {"rate.tif": b"new", "other.txt": "è".encode()}


def test_the_longest_name_that_a_disk_bears_can_be_written(tmp_path: Path) -> None:
    name = "n" * 251 + ".txt"
    write_text(tmp_path / name, "text")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_raster_that_meets_a_full_disk_at_its_end_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: NewFile) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(NewFile, "keep", full)
    told = pytest.raises(OutputError, match=r"^The disk is full: .*rate\.tif can't be written")
    with told, RasterWriter(tmp_path / "rate.tif", GRID, [BandDescription("rate")]) as writer:
        writer.write(np.ones((4, 4), np.float32))
    assert contents(tmp_path) == {}


def fill_results(results: Results, folder: Path, content: bytes) -> None:
    """A raster with its style, a Shapefile and a report, in two folders."""
    for name in ("rate.tif", "areas.shp", "deeper/report.html"):
        place = results.place(folder / name)
        place.write_bytes(content)
        if name == "areas.shp":
            place.with_suffix(".dbf").write_bytes(content)
    results.place(folder / "rate.tif").with_suffix(".qml").write_bytes(content)


def earlier_results(folder: Path) -> None:
    (folder / "deeper").mkdir(parents=True)
    names = (
        "rate.tif",
        "rate.qml",
        "rate.tif.aux.xml",
        "areas.shp",
        "areas.dbf",
        "areas.qix",
        "own.txt",
        ".own-12345678.tif",
    )
    for name in (*names, "deeper/report.html"):
        (folder / name).write_bytes(b"old")


def test_results_of_a_run_appear_together_and_leave_nothing_of_those_before(tmp_path: Path) -> None:
    earlier_results(tmp_path)
    was = contents(tmp_path)
    with Results() as results:
        fill_results(results, tmp_path, b"new")
        assert {name: content for name, content in contents(tmp_path).items() if ".results-" not in name} == was
        place = str(results.place(tmp_path / "rate.tif"))
    new = ("rate.tif", "rate.qml", "areas.shp", "areas.dbf", "deeper/report.html")
    own = {"own.txt": b"old", ".own-12345678.tif": b"old", "deeper": b"a folder"}
    # The index and the statistics were of the files before.
    assert contents(tmp_path) == {**dict.fromkeys(new, b"new"), **own}
    told = f"{place} is done"
    assert results.named(told) == told_place(told) == f"{tmp_path / 'rate.tif'} is done"


@pytest.mark.parametrize("fault", [CancelledError("stopped"), KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
def test_a_run_that_ends_early_undoes_what_it_did(tmp_path: Path, fault: BaseException) -> None:
    earlier_results(tmp_path)
    was, undone = contents(tmp_path), []
    with pytest.raises(type(fault)), Results() as results:
        fill_results(results, tmp_path, b"new")
        results.if_dropped.callback(undone.append, "photos")
        raise fault
    assert contents(tmp_path) == was and undone == ["photos"]


def test_results_that_cannot_all_take_their_places_leave_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for refused in range(1, 30):
        folder = tmp_path / str(refused)
        earlier_results(folder)
        was = contents(folder)
        calls = iter(range(1, 100))
        real = Path.replace

        def move(self: Path, place: Path) -> Path:
            if next(calls) == refused:  # noqa: B023
                raise OSError(errno.EACCES, os.strerror(errno.EACCES))
            return real(self, place)  # noqa: B023

        monkeypatch.setattr(Path, "replace", move)
        try:
            with Results() as results:
                fill_results(results, folder, b"new")
        except OutputError as error:
            assert "can't be written (Permission denied)" in str(error) and ".results-" not in str(error)
        else:
            break
        finally:
            monkeypatch.setattr(Path, "replace", real)
        assert contents(folder) == was
    assert refused == 8


KILLED = """
import os, signal, sys
from pathlib import Path
from ada_mapper.core.files import Results

folder, last = Path(sys.argv[1]), int(sys.argv[2])
calls = iter(range(1, 100))

def killing(real):
    def move(*given, **options):
        if next(calls) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **options)
    return move

for name in ("replace", "rename", "unlink"):
    setattr(Path, name, killing(getattr(Path, name)))
os.link = killing(os.link)
with Results() as results:
    for name in ("rate.tif", "areas.shp"):
        results.place(folder / name).write_bytes(b"new")
        results.place(folder / name).with_suffix(".qml").write_bytes(b"new")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nobody can kill a process with SIGKILL there")
def test_a_run_that_is_killed_leaves_whole_files_and_the_next_one_brings_the_set_to_its_place(tmp_path: Path) -> None:
    """At its first step on the disk, at its second …, until it comes to its end."""
    names = ("rate.tif", "rate.qml", "areas.shp", "areas.qml")
    seen = set()
    for last in range(1, 40):
        folder = tmp_path / str(last)
        folder.mkdir()
        for name in names:
            (folder / name).write_bytes(b"old")
        ended = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(last)], check=False).returncode
        left = {name: (folder / name).read_bytes() for name in names}
        assert set(left.values()) <= {b"old", b"new"}
        with Results() as results:
            results.place(folder / "another.txt").write_bytes(b"another")
        after = contents(folder)
        assert after.pop("another.txt") == b"another"
        assert set(after) == set(names) and len(set(after.values())) == 1
        if b"new" in left.values():
            assert set(after.values()) == {b"new"}
            assert results.finished == sorted(folder / name for name in names if left[name] == b"old")
        seen.add((*left.values(),))
        if ended == 0:
            break
    assert ended == 0 and len(seen) == 5
