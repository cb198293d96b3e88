"""Builds dist/ada_mapper-VERSION.zip: one folder ``ada_mapper`` with what QGIS needs and nothing else."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = ("metadata.txt", "__init__.py", "plugin.py", "LICENSE", "README.md", "CHANGELOG.md")
FOLDERS = ("core", "processing", "ui", "models", "resources", "docs")
LARGEST = 25 * 2**20


def build(target: Path | None = None) -> Path:
    """Write the ZIP of the tracked files; returns its path. Exits when it is larger than the store allows."""
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "metadata.txt", encoding="utf-8")
    path = target or ROOT / "dist" / f"ada_mapper-{metadata['general']['version']}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--", *FILES, *FOLDERS], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in filter(None, tracked):
            archive.write(ROOT / name, f"ada_mapper/{name}")
    if path.stat().st_size > LARGEST:
        sys.exit(f"{path} has {path.stat().st_size / 2**20:.1f} MB; QGIS' plugin store takes 25 MB at most.")
    return path


if __name__ == "__main__":
    result = build()
    sys.stdout.write(f"{result} ({result.stat().st_size / 2**20:.1f} MB)\n")
