"""The ZIP that people install: what is in it, and that QGIS runs it."""

from __future__ import annotations

import configparser
import shutil
import zipfile

import numpy as np
import package
import pytest

from qgis_session import ROOT, QgisSession
from small_rasters import write


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("the ZIP is made of the files that git tracks, and this is no checkout")
    return package.build(tmp_path_factory.mktemp("dist") / "ada_mapper.zip")


def test_the_zip_holds_one_folder_without_development_files(archive):
    with zipfile.ZipFile(archive) as content:
        names = content.namelist()
    assert {name.split("/")[0] for name in names} == {"ada_mapper"}
    inside = {name.split("/")[1] for name in names}
    assert {
        "metadata.txt",
        "__init__.py",
        "plugin.py",
        "LICENSE",
        "core",
        "processing",
        "models",
        "resources",
        "ui",
        "docs",
    } <= inside
    assert "ada_mapper/docs/guide.md" in names, "the help buttons open it"
    assert not inside & {"tests", "tools", "benchmarks", "build", "Makefile", "pyproject.toml", "mkdocs.yml"}
    assert not [name for name in inside if name.startswith(".")]
    assert not [name for name in names if name.endswith((".pyc", ".so", ".pt", ".pkl"))]
    assert archive.stat().st_size < 25 * 2**20


def test_metadata_has_what_the_store_asks_for(archive):
    metadata = configparser.ConfigParser()
    metadata.read_string(zipfile.ZipFile(archive).read("ada_mapper/metadata.txt").decode())
    general = metadata["general"]
    for key in (
        "name", "description", "version", "qgisMinimumVersion", "author", "email", "about", "tracker", "repository",
        "homepage", "icon",
    ):  # fmt: skip
        assert general[key].strip(), key
    assert general["hasProcessingProvider"] == "yes"
    assert "onnxruntime" in general["about"]
    assert not {"plugin", "qgis"} & set(general["name"].lower().split())
    assert f"ada_mapper/{general['icon']}" in zipfile.ZipFile(archive).namelist()


def test_qgis_runs_the_installed_zip(archive, tmp_path):
    zipfile.ZipFile(archive).extractall(tmp_path / "installed")
    profile = tmp_path / "profile"
    profile.mkdir()
    session = QgisSession(profile, tmp_path / "installed" / "ada_mapper")
    dem = write(tmp_path / "dem.tif", np.zeros((20, 20), np.float32), "dem", "m")
    answer = session.process("adamapper:slope", f"INPUT={dem}", f"OUTPUT={tmp_path / 'slope.tif'}")
    assert (tmp_path / "slope.tif").exists()
    assert answer["results"]["OUTPUT"].endswith("slope.tif")


def test_every_file_tells_the_same_version():
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "metadata.txt", "utf-8")
    version = metadata["general"]["version"]
    for name, line in {
        "pyproject.toml": f'version = "{version}"',
        "CITATION.cff": f"version: {version}",
        "CHANGELOG.md": f"## {version}",
    }.items():
        assert line in (ROOT / name).read_text("utf-8").splitlines(), name
