"""Vector files that were written, looked at again, and their tables put into a file that holds others."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from osgeo import gdal, ogr

from ..errors import OutputError
from ..files import is_full, told_as_unwritable, unwritable
from ..gdal_errors import gdal_raises, quiet_gdal
from ..types import PathLike


@gdal_raises()
def check_written(path: PathLike, target: PathLike, count: int) -> None:
    """OutputError, which names ``target``, where fewer than ``count`` features can be read from the file ``path``.

    What a full disk refuses is told by no writer: it is found out only when the finished file is read again. Formats
    that GDAL only writes can't be checked.
    """
    dataset, found = None, 0
    with quiet_gdal(), contextlib.suppress(RuntimeError):
        if not _readable(path):
            return
        dataset = gdal.OpenEx(os.fspath(path), gdal.OF_VECTOR | gdal.OF_READONLY)
        # A count that the file itself gives may be of features that never came to be in it.
        for number in range(dataset.GetLayerCount()):
            found += sum(1 for _ in dataset.GetLayer(number))
    if dataset is None or found < count:
        dataset = None
        if is_full(Path(target), RuntimeError()):
            raise unwritable(target, RuntimeError())
        raise OutputError(
            "{target} can't be written: of {count} features {found} could be read again. Check that the disk is not "
            "full, or choose another folder or format.",
            target=target,
            count=count,
            found=found,
        )


def _readable(path: PathLike) -> bool:
    """Whether GDAL reads files of this name; also where it can't tell, which then comes out."""
    suffix = Path(path).suffix.lstrip(".").lower()
    drivers = [gdal.GetDriver(number) for number in range(gdal.GetDriverCount())]
    own = [driver for driver in drivers if suffix in (driver.GetMetadataItem(gdal.DMD_EXTENSIONS) or "").split()]
    vector = [driver for driver in own if driver.GetMetadataItem(gdal.DCAP_VECTOR)]
    return not vector or any(driver.GetMetadataItem(gdal.DCAP_OPEN) for driver in vector)


@contextlib.contextmanager
def tables_taken(source: PathLike, target: PathLike) -> Iterator[None]:
    """The tables of a GeoPackage put into another one at the good end of the block, in place of those of their names.

    All else in ``target`` stays, and it is never seen, or left by a run that is killed, with a part of them.
    OutputError when that can't be.
    """
    with told_as_unwritable(target, RuntimeError):
        dataset = _with_tables(source, target)
    try:
        yield
    except BaseException:
        _end(dataset, keep=False)
        raise
    with told_as_unwritable(target, RuntimeError):
        _end(dataset, keep=True)


@gdal_raises()
def _with_tables(source: PathLike, target: PathLike) -> Any:
    """The open target in a transaction that puts the tables there."""
    given = gdal.OpenEx(os.fspath(source), gdal.OF_VECTOR | gdal.OF_READONLY)
    dataset = gdal.OpenEx(os.fspath(target), gdal.OF_VECTOR | gdal.OF_UPDATE)
    dataset.StartTransaction()
    try:
        for number in range(given.GetLayerCount()):
            _delete(dataset, given.GetLayer(number).GetName())
            _copy(given.GetLayer(number), dataset)
    except RuntimeError:
        dataset.RollbackTransaction()
        raise
    return dataset


def _delete(dataset: ogr.DataSource, name: str) -> None:
    for number in range(dataset.GetLayerCount()):
        if dataset.GetLayer(number).GetName().lower() == name.lower():
            dataset.DeleteLayer(number)
            return


def _copy(layer: Any, dataset: Any) -> None:
    """Copy a layer; GDAL's own way of copying begins transactions of its own."""
    geometry, number = layer.GetGeometryColumn(), layer.GetFIDColumn()
    options = [f"GEOMETRY_NAME={geometry}", f"FID={number}"]
    copy = dataset.CreateLayer(layer.GetName(), layer.GetSpatialRef(), layer.GetGeomType(), options)
    definition = layer.GetLayerDefn()
    for index in range(definition.GetFieldCount()):
        copy.CreateField(definition.GetFieldDefn(index))
    for feature in layer:
        copy.CreateFeature(feature)


@gdal_raises()
def _end(dataset: Any, keep: bool) -> None:
    try:
        if keep:
            dataset.CommitTransaction()
            dataset.FlushCache()
        else:
            dataset.RollbackTransaction()
    except RuntimeError:
        with contextlib.suppress(RuntimeError):
            dataset.RollbackTransaction()
        raise
