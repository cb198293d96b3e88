"""The folder of a sample set as a whole: its index for QGIS, and changing all of it or nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal, ogr

from ..errors import InputError, OutputError
from ..fields import Field
from ..files import told_as_unwritable, whole_folder
from ..gdal_errors import gdal_raises
from ..raster import Grid
from ..vectors import boxes_of, boxes_that_meet, transformed, write_layer

_SCENE = Field("scene", "str", "", "Name of the scene")
_ROLE = Field("role", "str", "", "training, validation or test")
_LABEL = Field("label", "int", "", "Number of the label in its layer")
INDEX_FIELDS: Mapping[str, Sequence[Field]] = {
    "tiles": (
        Field("name", "str", "", "Name of the tile's files"),
        _SCENE,
        Field("block", "str", "", "Block of tiles that share a role"),
        _ROLE,
        Field("area_pixels", "int", "", "Pixels labelled as area"),
        Field("ignored_share", "float", "1", "Share of the pixels that are ignored"),
        Field("valid_share", "float", "1", "Share of the pixels that have a rate"),
    ),
    "areas": (_SCENE, _LABEL, _ROLE, Field("pixels", "int", "", "Pixels that it covers")),
    "label_problems": (
        _SCENE,
        _LABEL,
        Field("problem", "str", "", "Kind of problem"),
        Field("detail", "str", "", "What is wrong, and what was done about it"),
    ),
}
"""The layers of the index and their fields."""


@dataclass(frozen=True)
class IndexRow:
    """A feature of the index: WKB in the index's CRS ("" bytes for none), and its fields."""

    geometry: bytes
    values: Mapping[str, Any]


Index = Mapping[str, Sequence[IndexRow]]


@gdal_raises()
def write_index(path: Path, crs: str, index: Index) -> None:
    """Write all layers of the index as a GeoPackage."""
    try:
        source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
        for name, fields in INDEX_FIELDS.items():
            kind = ogr.wkbPolygon if name == "tiles" else ogr.wkbMultiPolygon
            rows = (
                (ogr.CreateGeometryFromWkb(row.geometry) if row.geometry else None, row.values) for row in index[name]
            )
            write_layer(source, name, kind, fields, crs, rows, ["FID=id"])
    except RuntimeError as error:
        raise OutputError(
            "{path} can't be written ({error}). Check that the disk is not full.", path=path, error=error
        ) from None
    finally:
        source = None


@gdal_raises()
def read_index(path: Path) -> dict[str, list[IndexRow]]:
    """The layers that ``write_index`` wrote; InputError for a file that is missing or was changed."""
    result: dict[str, list[IndexRow]] = {}
    source = None
    try:
        source = gdal.OpenEx(str(path), gdal.OF_VECTOR | gdal.OF_READONLY)
        for name, fields in INDEX_FIELDS.items():
            layer = source.GetLayerByName(name)
            result[name] = [
                IndexRow(_wkb(feature.GetGeometryRef()), {field.name: feature[field.name] for field in fields})
                for feature in layer
            ]
            layer = None
    except (RuntimeError, KeyError, AttributeError, TypeError) as error:
        raise InputError(
            "{path} is missing or was changed ({error}), so another scene can't be added. Choose a new folder.",
            path=path,
            error=error,
        ) from None
    finally:
        source = None
    return result


def _wkb(geometry: ogr.Geometry | None) -> bytes:
    return b"" if geometry is None else bytes(geometry.ExportToWkb())


@gdal_raises()
def footprint(grid: Grid) -> ogr.Geometry:
    """The outline of a grid in its CRS, with points along its sides, so that it can be put in another one."""
    x_min, y_min, x_max, y_max = grid.bounds
    ring = ogr.Geometry(ogr.wkbLinearRing)
    for x, y in ((x_min, y_max), (x_max, y_max), (x_max, y_min), (x_min, y_min)):
        ring.AddPoint_2D(x, y)
    ring.CloseRings()
    polygon = ogr.Geometry(ogr.wkbPolygon)
    polygon.AddGeometryDirectly(ring)
    polygon.Segmentize((x_max - x_min) / 4)
    return polygon


class EarlierGround:
    """The ground of a set's other scenes, in the CRS of the one that is added: what its role is."""

    @gdal_raises()
    def __init__(self, index: Index, index_crs: str, crs: str) -> None:
        self._tiles, self._areas = (
            [
                (str(row.values["role"]), *transformed([ogr.CreateGeometryFromWkb(row.geometry)], index_crs, crs))
                for row in index[name]
                if row.geometry
            ]
            for name in ("tiles", "areas")
        )
        self._boxes = boxes_of([geometry for _, geometry in self._tiles])

    @gdal_raises()
    def block_roles(self, tiles: Iterable[tuple[str, Grid]]) -> dict[str, str]:
        """The role of each block that shares ground with earlier tiles: that of the most of it."""
        shared: dict[str, dict[str, float]] = {}
        for block, grid in tiles:
            x_min, y_min, x_max, y_max = grid.bounds
            wide = np.minimum(self._boxes[:, 1], x_max) - np.maximum(self._boxes[:, 0], x_min)
            tall = np.minimum(self._boxes[:, 3], y_max) - np.maximum(self._boxes[:, 2], y_min)
            # Blocks that merely touch share nothing.
            share = np.maximum(wide, 0) * np.maximum(tall, 0) / ((x_max - x_min) * (y_max - y_min))
            for number in np.flatnonzero(share > 1e-3).tolist():
                by_role = shared.setdefault(block, {})
                role = self._tiles[number][0]
                by_role[role] = by_role.get(role, 0.0) + float(share[number])
        return {block: max(by_role, key=lambda role: by_role[role]) for block, by_role in shared.items()}

    @gdal_raises()
    def area_roles(self, areas: Iterable[tuple[int, bytes]]) -> dict[int, str]:
        """The role of each area that overlaps one of an earlier scene: that of the one it shares most with."""
        numbered = [(number, ogr.CreateGeometryFromWkb(wkb)) for number, wkb in areas]
        ours, theirs = (boxes_of([geometry for _, geometry in group]) for group in (numbered, self._areas))
        largest: dict[int, float] = {}
        roles: dict[int, str] = {}
        for first, second in zip(*(indices.tolist() for indices in boxes_that_meet(ours, theirs))):
            number, geometry = numbered[first]
            shared = geometry.Intersection(self._areas[second][1]).GetArea()
            if shared > largest.get(number, 0.0):
                largest[number], roles[number] = shared, self._areas[second][0]
        return roles

    @gdal_raises()
    def other_ground(self, role: str, margin: float) -> list[ogr.Geometry]:
        """The earlier tiles of other roles, grown by ``margin`` (units of the CRS)."""
        others = [geometry for other, geometry in self._tiles if other != role]
        return [geometry.Buffer(margin) for geometry in others] if margin > 0 else others


@contextlib.contextmanager
def changed_folder(folder: Path, replaced: Callable[[str], bool]) -> Iterator[Path]:
    """A new folder beside ``folder`` that takes its name when the block ends well and vanishes when it doesn't.

    It starts with all files of the old one but those whose path inside it ``replaced`` says yes to. The files are
    shared with the old folder where the disk can (hard links), so none of them may be changed in place.
    """
    folder = folder.resolve()  # of a link, what it points to is exchanged
    with told_as_unwritable(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(folder, replace=True) as staging:
        for path in sorted(folder.rglob("*")) if folder.exists() else ():
            inside = path.relative_to(folder)
            if path.is_dir():
                (staging / inside).mkdir(parents=True, exist_ok=True)
            elif not replaced(inside.as_posix()):
                _link(path, staging / inside)
        yield staging


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:
        shutil.copy2(path, target)
