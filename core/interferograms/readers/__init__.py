"""Readers of interferogram products, one file each behind one table.

Enters: the files of a folder. An inner room: only core/interferograms comes in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...doors import opened_when_asked

if TYPE_CHECKING:
    from .archives import with_archives
    from .bands import checked_grid, declared_nodata_only, told_as_unreadable
    from .containers import Source, band_of_source, source_of
    from .dates import YEARS, Pair, parse_date
    from .files import Folder
    from .gacos import DELAY_NAME, delay_band
    from .metadata import BASELINE, HEADING, INCIDENCE, WAVELENGTH, Quantity
    from .product import ProductReader
    from .products import AUTO, PRODUCTS, product_of, reader_of, recognise
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "AUTO",
    "BASELINE",
    "DELAY_NAME",
    "HEADING",
    "INCIDENCE",
    "PRODUCTS",
    "WAVELENGTH",
    "YEARS",
    "Folder",
    "Pair",
    "ProductReader",
    "Quantity",
    "Source",
    "band_of_source",
    "checked_grid",
    "declared_nodata_only",
    "delay_band",
    "parse_date",
    "product_of",
    "reader_of",
    "recognise",
    "source_of",
    "told_as_unreadable",
    "with_archives",
]
