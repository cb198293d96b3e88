"""Readers of interferogram products, one file each behind one table.

Enters: the files of a folder. An inner room: only core/interferograms comes in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...doors import opened_when_asked

if TYPE_CHECKING:
    from .bands import band_of, checked_grid, coherence_of, declared_nodata_only
    from .dates import Pair, parse_date
    from .files import Folder
    from .product import ProductReader
    from .products import AUTO, PRODUCTS, product_of, reader_of, recognise
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "AUTO",
    "PRODUCTS",
    "Folder",
    "Pair",
    "ProductReader",
    "band_of",
    "checked_grid",
    "coherence_of",
    "declared_nodata_only",
    "parse_date",
    "product_of",
    "reader_of",
    "recognise",
]
