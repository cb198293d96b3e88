"""Rasters: grids, any band read as float32 with NaN for no data, files written whole or not at all, smoothing, units.

Enters: files, arrays, texts of units and CRS; what a band is meant to be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..doors import opened_when_asked

if TYPE_CHECKING:
    from .cache import limited_cache
    from .checking import LARGEST_SHARE, checked_band, checked_sample, is_share_by_itself, share_maximum
    from .crs import (
        DEGREES,
        EQUAL_AREA_CRS,
        Transformation,
        check_coordinates,
        check_geometry,
        north_in_grid,
        placed_reference,
        quarter_turn,
        same_crs,
        spatial_reference,
        utm_zone,
    )
    from .grid import Grid, Window, require_crs, row_blocks
    from .lattice import lattice_origin, resampled_on_lattice
    from .lattice_mean import Cells, RunningLatticeRelief, above_lattice_mean
    from .local_mean import RunningRelief, above_local_mean
    from .meaning import (
        CLOSURE,
        COHERENCE,
        DELAY,
        HEIGHTS,
        INCIDENCE,
        LOS_RATE,
        LOS_SENSITIVITY,
        PHASE,
        PHASE_RATE,
        PROBABILITY,
        SLOPE,
        STANDARD_ERROR,
        BandKind,
    )
    from .mosaic import BandOrMosaic, Mosaic, MosaicPart, MosaicReader, reader_of_any
    from .opening import open_raster
    from .reading import Band, BandReader
    from .restated import Restatement, ValueRange, write_restated
    from .sampling import PIXELS_AT_A_TIME, between_cells, read_sample, sample
    from .smoothing import (
        GAUSSIAN_TRUNCATE,
        block_sums,
        box_mean,
        cell_means,
        coarsening_factor,
        gaussian_mean,
        running_gaussian,
        smooth_maps,
        smoothed,
        smoothing_reach,
    )
    from .true_north import Directions, TrueNorth
    from .units import METRES, YEARLY_METRES, band_unit, unit_of
    from .writing import BandDescription, RasterWriter, write_array
else:
    __getattr__ = opened_when_asked(__name__)

__all__ = [
    "CLOSURE",
    "COHERENCE",
    "DEGREES",
    "DELAY",
    "EQUAL_AREA_CRS",
    "GAUSSIAN_TRUNCATE",
    "HEIGHTS",
    "INCIDENCE",
    "LARGEST_SHARE",
    "LOS_RATE",
    "LOS_SENSITIVITY",
    "METRES",
    "PHASE",
    "PHASE_RATE",
    "PIXELS_AT_A_TIME",
    "PROBABILITY",
    "SLOPE",
    "STANDARD_ERROR",
    "YEARLY_METRES",
    "Band",
    "BandDescription",
    "BandKind",
    "BandOrMosaic",
    "BandReader",
    "Cells",
    "Directions",
    "Grid",
    "Mosaic",
    "MosaicPart",
    "MosaicReader",
    "RasterWriter",
    "Restatement",
    "RunningLatticeRelief",
    "RunningRelief",
    "Transformation",
    "TrueNorth",
    "ValueRange",
    "Window",
    "above_lattice_mean",
    "above_local_mean",
    "band_unit",
    "between_cells",
    "block_sums",
    "box_mean",
    "cell_means",
    "check_coordinates",
    "check_geometry",
    "checked_band",
    "checked_sample",
    "coarsening_factor",
    "gaussian_mean",
    "is_share_by_itself",
    "lattice_origin",
    "limited_cache",
    "north_in_grid",
    "open_raster",
    "placed_reference",
    "quarter_turn",
    "read_sample",
    "reader_of_any",
    "require_crs",
    "resampled_on_lattice",
    "row_blocks",
    "running_gaussian",
    "same_crs",
    "sample",
    "share_maximum",
    "smooth_maps",
    "smoothed",
    "smoothing_reach",
    "spatial_reference",
    "unit_of",
    "utm_zone",
    "write_array",
    "write_restated",
]
