"""make store: holds the ZIP against the rules of QGIS' plugin store, and scans it as the store does."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import package

NEEDED = (
    "name", "qgisMinimumVersion", "description", "about", "version", "author", "email", "tracker", "repository",
    "homepage",
)  # fmt: skip
BINARIES = (".pyc", ".pyo", ".so", ".dll", ".pyd", ".dylib", ".exe", ".o", ".a", ".lib", ".pkl", ".pt", ".zip", ".gz")
UNWANTED = ("__pycache__", "__MACOSX", ".git", ".venv", "node_modules")
# Seeds of simulated scenes and of training are no secrets: B311 asks for random numbers that nobody can repeat.
ALLOWED = "B311"


def problems(archive: Path) -> list[str]:
    """What the store would refuse in a ZIP, each in a sentence; empty when all is well."""
    found = []
    if archive.stat().st_size > package.LARGEST:
        found.append(f"The ZIP has {archive.stat().st_size / 2**20:.1f} MB; 25 MB are allowed.")
    with zipfile.ZipFile(archive) as content:
        names = [name for name in content.namelist() if not name.endswith("/")]
        folders = {name.split("/")[0] for name in names}
        if len(folders) != 1 or any("/" not in name for name in names):
            return [
                *found,
                f"The ZIP must hold one folder and nothing beside it; it holds {', '.join(sorted(folders))}.",
            ]
        folder = folders.pop()
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", folder):
            found.append(f"The folder {folder} is no Python identifier.")
        found += [f"{name} does not belong into the ZIP." for name in names if is_unwanted(name)]
        for file in ("metadata.txt", "LICENSE", "__init__.py"):
            if f"{folder}/{file}" not in names:
                found.append(f"{file} is missing.")
        if f"{folder}/metadata.txt" in names:
            found += metadata_problems(content.read(f"{folder}/metadata.txt").decode("utf-8"), set(names), folder)
    return found


def is_unwanted(name: str) -> bool:
    """Whether a file of the ZIP is a binary, hidden, or made by a tool."""
    parts = name.split("/")
    return name.lower().endswith(BINARIES) or any(part.startswith(".") or part in UNWANTED for part in parts)


def metadata_problems(text: str, names: set[str], folder: str) -> list[str]:
    """What the store would refuse in metadata.txt."""
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read_string(text)
    if "general" not in metadata:
        return ["metadata.txt has no section [general]."]
    general = metadata["general"]
    found = [f"metadata.txt lacks {key}." for key in NEEDED if not general.get(key, "").strip()]
    if not re.fullmatch(r"\d+\.\d+\.\d+", general.get("version", "")):
        found.append(f"The version {general.get('version')} in metadata.txt is not of the form 1.2.3.")
    if {"plugin", "qgis"} & set(re.findall(r"\w+", general.get("name", "").lower())):
        found.append("The name may hold neither “plugin” nor “QGIS”.")
    if re.search(r"<[a-z]", general.get("about", "") + general.get("description", "")):
        found.append("description and about may hold no HTML.")
    if general.get("icon") and f"{folder}/{general['icon']}" not in names:
        found.append(f"The icon {general['icon']} is not in the ZIP.")
    return found


def findings(folder: Path) -> list[str]:
    """What Bandit and detect-secrets find in an unpacked ZIP, each in a line."""
    # Both are run inside the folder: detect-secrets passes over all files outside the one that it is started in.
    bandit = run(folder, "bandit", "-q", "-r", ".", "--skip", ALLOWED, "-f", "json")
    found = [
        f"{result['filename'].removeprefix('./')}:{result['line_number']}: {result['test_id']} {result['issue_text']}"
        for result in bandit["results"]
    ]
    found += [f"{error['filename'].removeprefix('./')}: {error['reason']}" for error in bandit["errors"]]
    for file, results in run(folder, "detect_secrets", "scan", "--all-files", ".")["results"].items():
        found += [f"{file}:{result['line_number']}: {result['type']}" for result in results]
    return found


def run(folder: Path, module: str, *arguments: str) -> dict[str, Any]:
    """The JSON that a scanner prints in a folder; RuntimeError with what it said instead."""
    result = subprocess.run([sys.executable, "-m", module, *arguments], cwd=folder, capture_output=True, text=True)
    try:
        return dict(json.loads(result.stdout))
    except json.JSONDecodeError:
        raise RuntimeError(f"{module} failed:\n{result.stdout}{result.stderr}") from None


def main() -> None:
    """Check the ZIP that is named, or a new one."""
    archive = Path(sys.argv[1]) if len(sys.argv) > 1 else package.build()
    found = problems(archive)
    with tempfile.TemporaryDirectory() as temporary, zipfile.ZipFile(archive) as content:
        content.extractall(temporary)
        found += findings(Path(temporary))
    sys.stdout.write("".join(f"{line}\n" for line in found) or f"{archive}: nothing to object to\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
