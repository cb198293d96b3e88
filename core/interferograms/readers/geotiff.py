"""GeoTIFFs of GAMMA, PyRate and others: dates in the name or in tags."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from ...gdal_errors import gdal_raises
from ...raster import Band, open_raster
from ..model import Acquisition
from .bands import declared_nodata_only
from .containers import Source, band_of_source
from .dates import Pair, pair_in, parse_date
from .files import Folder
from .gamma import gamma_acquisition
from .metadata import BASELINE, HEADING, INCIDENCE, WAVELENGTH, Metadata
from .product import ProductReader

_BASELINE_TAGS = ("PERPENDICULAR_BASELINE_METRES", "PERPENDICULAR_BASELINE", "BPERP_METRES")


class GeotiffReader(ProductReader):
    """``*_unw.tif`` or ``*.unw.tif``, ``*_cc.tif``; tags FIRST_DATE, SECOND_DATE, WAVELENGTH_METRES; ``*.par``."""

    title = "GeoTIFF"
    looks_for = "*_unw.tif, *.unw.tif"
    interferogram_name = re.compile(
        r"^(?!.*(mask|conncomp|connected))(.*[._-])?unw(rapped)?([._-].*)?\.tiff?$", re.IGNORECASE
    )
    coherence_name = re.compile(r"(^|[._-])(cc|coh|cor|corr|coherence)([._-].*)?\.tiff?$", re.IGNORECASE)

    def dates(self, path: Path) -> Pair | None:
        """The dates of the name, else of the tags."""
        return pair_in(path.name) or self._tagged_dates(path)

    @gdal_raises()
    def _tagged_dates(self, path: Path) -> Pair | None:
        tags = open_raster(path).GetMetadata()
        first, second = (parse_date(tags.get(key, "")[:10]) for key in ("FIRST_DATE", "SECOND_DATE"))
        return (first, second) if first and second else None

    def phase(self, path: Path, folder: Folder) -> Band:
        """Zero is no data only where the file declares no other value.

        InputError for several bands, one of which may be the amplitude.
        """
        return declared_nodata_only(band_of_source(Source(path)))

    @gdal_raises()
    def acquisition(self, path: Path, dates: Pair, folder: Folder) -> Acquisition:
        """From the tags, and from GAMMA's parameter files what they don't tell."""
        tags = {key.lower(): value for key, value in open_raster(path).GetMetadata().items()}
        other = gamma_acquisition(path, dates, folder)
        told = Metadata()
        told.note(*other.notes)
        baseline = told.number(BASELINE, path, tags, *(key.lower() for key in _BASELINE_TAGS))
        heading = told.number(HEADING, path, tags, "heading_degrees", "heading")
        return replace(
            other,
            perpendicular_baseline=other.perpendicular_baseline if baseline is None else baseline,
            wavelength=told.number(WAVELENGTH, path, tags, "wavelength_metres") or other.wavelength,
            heading=other.heading if heading is None else heading,
            incidence=told.number(INCIDENCE, path, tags, "incidence_degrees") or other.incidence,
            look_side=told.side(path, tags, "look_side", left="left", right="right") or other.look_side,
            notes=told.notes,
        )
