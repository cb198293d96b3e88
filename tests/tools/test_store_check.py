"""The check of the ZIP finds what QGIS' plugin store would refuse."""

from __future__ import annotations

import shutil
import zipfile

import package
import pytest
import store_check

from qgis_session import ROOT

METADATA = (ROOT / "metadata.txt").read_text("utf-8")
WELL = {"metadata.txt": METADATA, "LICENSE": "GPL", "__init__.py": "", "resources/icons/ada_mapper.svg": "<svg/>"}


def archive_of(folder, files, prefix="ada_mapper/"):
    """A ZIP of files by name."""
    with zipfile.ZipFile(folder / "plugin.zip", "w") as content:
        for name, text in files.items():
            content.writestr(f"{prefix}{name}", text)
    return folder / "plugin.zip"


def test_our_own_zip_is_accepted(tmp_path):
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("the ZIP is made of the files that git tracks, and this is no checkout")
    assert store_check.problems(package.build(tmp_path / "ada_mapper.zip")) == []


def test_a_small_plugin_is_accepted(tmp_path):
    assert store_check.problems(archive_of(tmp_path, WELL)) == []


@pytest.mark.parametrize("name", ["LICENSE", "metadata.txt", "__init__.py"])
def test_a_missing_file_is_told(tmp_path, name):
    found = store_check.problems(archive_of(tmp_path, {key: text for key, text in WELL.items() if key != name}))
    assert found == [f"{name} is missing."]


@pytest.mark.parametrize("name", [
    "core/fast.so", "core/fast.DLL", "core/__pycache__/a.py", ".git/config", ".gitignore", "models/weights.pt",
])  # fmt: skip
def test_what_does_not_belong_into_the_zip_is_told(tmp_path, name):
    found = store_check.problems(archive_of(tmp_path, {**WELL, name: ""}))
    assert found == [f"ada_mapper/{name} does not belong into the ZIP."]


def test_files_beside_the_folder_are_refused(tmp_path):
    assert "one folder" in store_check.problems(archive_of(tmp_path, WELL, prefix=""))[0]
    assert store_check.problems(archive_of(tmp_path, WELL, prefix="ada-mapper/")) == [
        "The folder ada-mapper is no Python identifier."
    ]


def test_a_large_zip_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(package, "LARGEST", 100)
    assert "25 MB" in store_check.problems(archive_of(tmp_path, WELL))[0]


@pytest.mark.parametrize(("old", "new", "told"), [
    ("email=", "mail=", "lacks email"),
    ("version=0", "version=v0", "not of the form 1.2.3"),
    ("name=ADA Mapper", "name=ADA Mapper for QGIS", "may hold neither"),
    ("about=", "about=<b>New</b> ", "no HTML"),
    ("icon=resources", "icon=pictures", "is not in the ZIP"),
    ("[general]", "[plugin]", "no section"),
])  # fmt: skip
def test_wrong_metadata_is_told(tmp_path, old, new, told):
    assert METADATA.count(old) >= 1
    found = store_check.problems(archive_of(tmp_path, {**WELL, "metadata.txt": METADATA.replace(old, new, 1)}))
    assert len(found) == 1 and told in found[0]


def test_the_scanners_find_risky_code_and_secrets(tmp_path):
    pytest.importorskip("bandit", reason="make store installs the scanners")
    pytest.importorskip("detect_secrets", reason="make store installs the scanners")
    (tmp_path / "plugin.py").write_text(
        "import random\n\nSEED = random.Random(1)\neval('1')\n" + "KEY = 'AKIA" + "IOSFODNN7EXAMPLQ'\n"
    )
    found = store_check.findings(tmp_path)
    assert [line.split(":")[:2] for line in found] == [["plugin.py", "4"], ["plugin.py", "5"]], found
