"""What killed runs left is cleared; what somebody needs never is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ada_mapper.core.files import NewFile, Results, added_together, tidy, whole_folder
from ada_mapper.core.leftovers import own_name

DAYS = 24 * 3600
MAKER = """
import sys, time
from pathlib import Path
from ada_mapper.core.files import NewFile, Results, added_together, whole_folder

folder = Path(sys.argv[1])
NewFile(folder / "rate.tif").temporary.write_bytes(b"half")
NewFile(folder / "rate.tif").temporary.with_suffix(".tif.aux.xml").write_bytes(b"half")
with whole_folder(folder / "package") as package, added_together(folder) as scene, Results() as results:
    (package / "a").write_bytes(b"half")
    (scene / "a").write_bytes(b"half")
    results.place(folder / "areas.gpkg").write_bytes(b"half")
    print("made", flush=True)
    time.sleep(600)
"""


def age(path: Path, days: float) -> None:
    """Let a file or folder be that old, with all in it."""
    moment = time.time() - days * DAYS
    for place in (*path.rglob("*"), path):
        os.utime(place, (moment, moment))


@pytest.mark.skipif(sys.platform == "win32", reason="nobody can kill a process with SIGKILL there")
def test_what_a_living_run_makes_stays_and_what_a_killed_one_left_goes(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", MAKER, str(tmp_path)], stdout=subprocess.PIPE) as maker:
        assert maker.stdout is not None and maker.stdout.readline() == b"made\n"
        made = sorted(tmp_path.iterdir())
        assert len(made) == 5
        for path in made:
            age(path, 9)
        tidy(tmp_path)
        assert sorted(tmp_path.iterdir()) == made
        maker.send_signal(signal.SIGKILL)
    tidy(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_another_machine_makes_goes_when_it_is_a_day_old(tmp_path: Path) -> None:
    """Its process can't be asked."""
    for name in (".rate-adabbbbbbbb00000001.tif", ".results-adabbbbbbbb00000002/areas.gpkg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"half")
    for path in tmp_path.iterdir():
        age(path, 2)
    (tmp_path / ".results-adabbbbbbbb00000002" / "new.tif").write_bytes(b"still going on")
    tidy(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".results-adabbbbbbbb00000002"]
    age(tmp_path / ".results-adabbbbbbbb00000002", 2)
    tidy(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_version_0_3_left_goes_only_where_its_target_is_made_again(tmp_path: Path) -> None:
    own = [".rate-12345678.tif", ".rate-12345678.tif.aux.xml", ".package-12345678.part/a", ".part-12345678/a"]
    others = [".slope-12345678.tif", ".rate-12345678.txt", ".rate-1234567.tif", ".other-12345678.part/a", ".git/a"]
    for name in (*own, *others):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"half")
    tidy(tmp_path, "rate.tif", "package")
    assert len(list(tmp_path.iterdir())) == 9
    for path in tmp_path.iterdir():
        age(path, 2)
    tidy(tmp_path, "rate.tif", "package")
    assert {path.name for path in tmp_path.iterdir()} == {name.split("/")[0] for name in others}


def test_nothing_else_is_touched(tmp_path: Path) -> None:
    names = (
        "rate.tif", ".hidden", ".rate.tif", ".rate-ada.tif", "rate-adabbbbbbbb00000001.tif", ".Trash-1000",
        ".rate-adabbbbbbbb0000001.tif", ".rate-adaBBBBBBBB00000001.tif", ".~lock.rate-12345678.tif#",
    )  # fmt: skip
    for name in names:
        (tmp_path / name).write_bytes(b"mine")
        age(tmp_path / name, 900)
    mine = tmp_path / own_name("rate")
    mine.write_bytes(b"in the making in this process")
    age(mine, 9)
    tidy(tmp_path, "rate.tif")
    assert {path.name for path in tmp_path.iterdir()} == {*names, mine.name}


def test_a_folder_gets_its_name_back_where_a_killed_run_was_about_to_replace_it(tmp_path: Path) -> None:
    long = "n" * 60
    for name in ("package", long):
        (tmp_path / f".{name[:40]}-adabbbbbbbb00000001.old").mkdir()
        age(tmp_path / f".{name[:40]}-adabbbbbbbb00000001.old", 2)
    tidy(tmp_path)
    # What was cut from the long name is not known any more.
    assert {path.name for path in tmp_path.iterdir()} == {"package", f".{long[:40]}-adabbbbbbbb00000001.old"}


@pytest.mark.parametrize("way", [whole_folder, added_together, "results"])
def test_every_run_clears_the_folder_that_it_writes_in(tmp_path: Path, way: object) -> None:
    left = tmp_path / ".rate-adabbbbbbbb00000001.tif"
    left.write_bytes(b"half")
    age(left, 2)
    if way is whole_folder:
        with whole_folder(tmp_path / "package"):
            pass
    elif way is added_together:
        with added_together(tmp_path):
            pass
    else:
        with Results() as results:
            results.place(tmp_path / "rate.tif")
    assert not left.exists()


def test_the_longest_names_are_told_apart(tmp_path: Path) -> None:
    file = NewFile(tmp_path / ("ñ" * 120 + ".tif"))
    file.temporary.write_bytes(b"half")
    assert len(os.fsencode(file.temporary.name)) < 256
    assert own_name("x") != own_name("x")
