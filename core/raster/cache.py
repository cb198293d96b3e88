"""GDAL's block cache, kept small while a large raster streams through it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from osgeo import gdal


class _CacheLimit:
    """What the runs that stream at this moment share: how many they are, and GDAL's cache before the first."""

    lock = threading.Lock()
    runs = 0
    before = 0


@contextlib.contextmanager
def limited_cache(megabytes: int = 128) -> Iterator[None]:
    """Keep GDAL's block cache small while a large raster streams through it.

    The cache belongs to the whole process: of several runs at a time the last one gives it back its size.
    """
    with _CacheLimit.lock:
        if _CacheLimit.runs == 0:
            _CacheLimit.before = gdal.GetCacheMax()
        _CacheLimit.runs += 1
        gdal.SetCacheMax(min(gdal.GetCacheMax(), megabytes * 2**20))
    try:
        yield
    finally:
        with _CacheLimit.lock:
            _CacheLimit.runs -= 1
            if _CacheLimit.runs == 0:
                gdal.SetCacheMax(_CacheLimit.before)
