"""Where results can go is found out before the work, in one sentence."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ada_mapper.core.errors import OutputError
from ada_mapper.core.places import check_file, check_folder, check_name, make_folder_of, remove_empty


def test_a_new_file_and_one_that_may_be_replaced_are_no_fault(tmp_path: Path) -> None:
    check_file(tmp_path / "new.tif")
    (tmp_path / "old.tif").write_text("old")
    check_file(tmp_path / "old.tif")
    check_folder(tmp_path / "new")
    check_folder(tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old.tif", "old")]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("folder", "is a folder"),
        ("protected.tif", "is write-protected"),
        pytest.param(
            "/proc/new.tif",
            "may write there",
            marks=pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc takes no files"),
        ),
    ],
)
def test_a_file_that_can_not_be_written_is_told(tmp_path: Path, place: str, sentence: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "protected.tif").write_text("kept")
    (tmp_path / "protected.tif").chmod(0o444)
    with pytest.raises(OutputError, match=sentence) as caught:
        check_file(tmp_path / place)
    assert str(tmp_path / place) in str(caught.value)
    assert (tmp_path / "protected.tif").read_text() == "kept"


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("")
    with pytest.raises(OutputError, match=r"set is a file\. Choose a folder"):
        check_folder(tmp_path / "set")


@pytest.mark.parametrize(
    ("name", "on_windows_only"),
    [
        ("n" * 300 + ".tif", False),
        ("é" * 200 + ".tif", False),
        ("a\0b.tif", False),
        ("a\nb.tif", False),
        ("a\ud800b.tif", False),
        ("rate?.tif", True),
        ("12:30.tif", True),
        ("results.", True),
        ("results ", True),
        ("NUL.tif", True),
        ("com1", True),
    ],
)
def test_names_that_can_not_be_are_told(name: str, on_windows_only: bool) -> None:
    path = Path("folder", name, "rate.tif")
    if on_windows_only:
        check_name(path, is_windows=False)
    with pytest.raises(OutputError, match=r"Choose (another|a shorter) one"):
        check_name(path, is_windows=on_windows_only)


@pytest.mark.parametrize("name", ["n" * 251 + ".tif", "Übersicht 1.tif", "..", ".", "nulls.tif", "a.b.tif"])
def test_names_that_can_be_are_no_fault(name: str) -> None:
    check_name(Path(os.sep, "folder", name), is_windows=True)


def test_missing_folders_are_made_and_go_again_unless_something_is_in_them(tmp_path: Path) -> None:
    made = make_folder_of(tmp_path / "a" / "b" / "rate.tif")
    assert made == [tmp_path / "a" / "b", tmp_path / "a"] and (tmp_path / "a" / "b").is_dir()
    (tmp_path / "a" / "kept.txt").write_text("")
    remove_empty(made)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "kept.txt"]


def test_a_folder_below_a_file_is_told_and_none_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"rate\.tif can't be written: .*file is a file, not a folder"):
        make_folder_of(tmp_path / "file" / "a" / "rate.tif")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
