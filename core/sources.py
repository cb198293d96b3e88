"""The files that a source is made of: what a layer, a table or a folder would lose if one of them were written over.

Nothing is opened that isn't on this computer's disks, and no file is read as a whole.
"""

from __future__ import annotations

import contextlib
import html
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from .gdal_errors import gdal_raises

# Written beside a file under its whole name, or under its name with another suffix.
_BESIDE = (".aux.xml", ".ovr", ".msk", ".xml", ".rsc", ".hdr", ".vrt", ".gfs", "-wal", "-shm", "-journal")
_INSTEAD = (
    ".qml", ".qmd", ".shp", ".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".tab", ".map", ".dat", ".id",
    ".ind", ".mif", ".mid", ".xsd", ".gfs", ".hdr", ".tfw", ".wld", ".aux",
)  # fmt: skip
_SETS = (
    (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx"),
    (".tab", ".map", ".dat", ".id", ".ind"),
    (".mif", ".mid"),
    (".gml", ".xsd", ".gfs"),
    (".gpkg", ".gpkg-wal", ".gpkg-shm", ".gpkg-journal"),
)
_RASTERS = (".tif", ".tiff")
_OPTIONS = re.compile(r"\|(?=\w+[=:])")
_OF_VRT = re.compile(r"<(?:SourceFilename|SrcDataSource|SourceDataset)\b([^>]*)>([^<]+)<")
_STYLES = ("layer_styles", "qgis_projects")
_LONGEST_NAME = 4096


def local_files(source: str) -> list[Path]:
    """The files and folders on disk that a source names, as GDAL, OGR and QGIS write it.

    A path, a file URL, a path with options behind ``|`` or ``?``, one in quotes (``NETCDF:"x.nc":v``,
    ``dbname='x.gpkg'``), one behind a driver's name or within a ``/vsi`` file system, or the XML of a VRT. Empty for
    what lies in memory, in a database or on the web.
    """
    if source.lstrip().startswith("<"):
        return [file for _, name in _OF_VRT.findall(source) for file in local_files(html.unescape(name))]
    whole = {source, re.split(_OPTIONS, source)[0]}
    # A part of a source is a file or nothing: a layer may be called as a folder is.
    found = (path for text in _readings(source) for path in _existing(text) if text in whole or path.is_file())
    return list(dict.fromkeys(found))


def _readings(source: str) -> Iterator[str]:
    """The parts of a source that may be a path, the whole first."""
    yield source
    plain = re.split(_OPTIONS, source)[0]
    if plain.lower().startswith("file:"):
        yield _path_of_url(plain)
        return
    yield plain
    for quoted in re.findall(r'"([^"]+)"|\'([^\']+)\'', source):
        yield from (part for part in quoted if part)
    without_options = plain.split("?")[0]
    yield without_options
    yield re.sub(r"^\w+://", "", without_options)
    parts = plain.split(":")
    for first in range(len(parts)):
        yield from (":".join(parts[first:last]) for last in range(len(parts), first, -1))


def _path_of_url(url: str) -> str:
    parts = urlsplit(url)
    host = f"//{parts.netloc}" if parts.netloc not in ("", "localhost") else ""
    return host + url2pathname(parts.path)


def _existing(text: str) -> Iterator[Path]:
    """The path, if there is one; of one inside an archive the archive."""
    if not text.strip() or len(text) > _LONGEST_NAME or "\0" in text:
        return
    inner = re.sub(r"^(/vsi\w+/)+", "", text).replace("{", "").replace("}", "") if text.startswith("/vsi") else text
    for name in dict.fromkeys((inner, f"/{inner.lstrip('/')}", unquote(inner))) if inner is not text else (text,):
        path = Path(name)
        for candidate in (path, *path.parents) if inner is not text else (path,):
            with contextlib.suppress(OSError):
                if candidate.exists() and candidate.name and (candidate is path or candidate.is_file()):
                    yield candidate
                    break


def files_of(source: str) -> frozenset[Path]:
    """All that belongs to a source and lies on disk: its files, what is kept beside them, and what a VRT is made of."""
    known: set[Path] = set()
    waiting = local_files(source)
    while waiting:
        path = waiting.pop()
        if path in known:
            continue
        known.add(path)
        if path.is_file():
            known.update(file for file in companions(path) if file.exists())
            waiting += [file for file in _parts(path) if file not in known]
    return frozenset(known)


def files_that_are_read(source: str) -> Iterator[Path]:
    """The files that a source names, and those that a VRT among them is made of; nothing is opened but VRTs."""
    known: set[Path] = set()
    waiting = local_files(source)
    while waiting:
        path = waiting.pop()
        if path not in known:
            known.add(path)
            yield path
            waiting += _parts_of_vrt(path) if path.suffix.lower() == ".vrt" else ()


def companions(path: Path) -> tuple[Path, ...]:
    """The names under which programs keep what belongs to a file, beside it; most are not there."""
    return (
        *(path.with_name(path.name + suffix) for suffix in _BESIDE),
        *(path.with_name(path.stem + suffix) for suffix in _INSTEAD if suffix != path.suffix.lower()),
    )


def written_with(path: Path, is_layer: bool) -> tuple[Path, ...]:
    """The files that writing ``path`` makes, replaces or removes: itself, its style, and those of its format."""
    if not is_layer:
        return (path,)
    suffix = path.suffix.lower()
    files = [path, path.with_name(f"{path.stem}.qml"), path.with_name(f"{path.name}.aux.xml")]
    if suffix in _RASTERS:
        files += [path.with_name(path.name + more) for more in (".ovr", ".msk")]
    for members in _SETS:
        if suffix == members[0]:
            files += [path.with_name(path.stem + member) for member in members[1:]]
    return tuple(files)


def _parts(path: Path) -> list[Path]:
    """The files that a file on disk refers to."""
    if path.suffix.lower() == ".vrt":
        return list(_parts_of_vrt(path))
    if path.suffix.lower() in (*_RASTERS, ".gpkg", ".shp", ".geojson", ".csv", ".onnx"):
        return []
    return [file for name in _file_list(path) for file in local_files(name)]


def _parts_of_vrt(path: Path) -> Iterator[Path]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for attributes, name in _OF_VRT.findall(text):
        name = html.unescape(name.strip())
        if re.search(r"relativeToVRT\s*=\s*[\"']1", attributes, re.IGNORECASE):
            yield from local_files(str(path.parent / name))
        yield from local_files(name)


@gdal_raises()
def _file_list(path: Path) -> list[str]:
    """The files of a raster as its driver knows them; none for what isn't one."""
    from osgeo import gdal

    try:
        dataset = gdal.OpenEx(os.fspath(path), gdal.OF_RASTER | gdal.OF_READONLY)
        return list(dataset.GetFileList() or ())
    except RuntimeError:
        return []


@gdal_raises()
def layers_in(path: Path) -> tuple[str, ...]:
    """The layers of a file of vectors by name, without those that QGIS keeps styles and projects in; may be empty."""
    from osgeo import gdal

    if path.suffix.lower() == ".gpkg":
        with contextlib.suppress(sqlite3.Error):
            return _tables_of_geopackage(path)
    try:
        dataset = gdal.OpenEx(os.fspath(path), gdal.OF_VECTOR | gdal.OF_READONLY)
    except RuntimeError:
        return ()
    names = (dataset.GetLayer(number).GetName() for number in range(dataset.GetLayerCount()))
    return tuple(name for name in names if name not in _STYLES)


def _tables_of_geopackage(path: Path) -> tuple[str, ...]:
    """Tables and rasters, without a lock and without the files that SQLite makes for one."""
    fresh = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if fresh.exists() else "mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as database:
        rows = database.execute("SELECT table_name FROM gpkg_contents").fetchall()
    return tuple(name for (name,) in rows if name not in _STYLES)


def identities(paths: Iterable[Path]) -> dict[tuple[int, int], Path]:
    """The files on disk by what they are, whatever they are called: links and other spellings have the same key."""
    found: dict[tuple[int, int], Path] = {}
    for path in paths:
        with contextlib.suppress(OSError, ValueError):
            facts = path.stat()
            found.setdefault((facts.st_dev, facts.st_ino), path)
    return found


def linked_into(folder: Path, path: Path) -> Path | None:
    """The file in the folder, at any depth, that is ``path`` (itself, or a link to it); None where there is none."""
    wanted = set(identities([path]))
    seen: set[tuple[int, int]] = set()
    if not wanted:
        return None
    for place, folders, files in os.walk(folder, followlinks=True):
        here = set(identities([Path(place)]))
        if here & seen:
            folders.clear()
            continue
        seen |= here
        for name in files:
            if identities([Path(place, name)]).keys() & wanted:
                return Path(place, name)
    return None
