"""Values that stand for no data in a file that doesn't declare them."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from ..progress import Progress
from ..texts import as_message
from ..types import PathLike
from .reading import Band, BandReader
from .sampling import read_sample

# No height, slope, coherence or rate is any of these.
_MARKERS = (-9999.0, -32768.0, -99999.0, float(np.finfo(np.float32).min))
# In a rate a single exact 0 may be its reference point; many of them are no measurement.
_SHARE_OF_ZEROS = 0.001


def with_undeclared_nodata(source: Band | PathLike, label: str, is_rate: bool, progress: Progress) -> Band:
    """The band with the values that stand for no data in it undeclared; those found in a sample of it are told.

    ``label`` is what messages call the layer. A band that declares a value, or was given one, is left as it is. Else
    the usual markers are no data, and in a rate 0 where it is frequent.
    """
    band = source if isinstance(source, Band) else Band(os.fspath(source))
    with BandReader(band) as reader:
        if reader.declares_nodata or band.nodata:
            return band
        sample = read_sample(reader)
        shares = {marker: float(np.mean(sample == np.float32(reader.physical(marker)))) for marker in (*_MARKERS, 0.0)}
    zeros = (0.0,) if is_rate and shares[0.0] > _SHARE_OF_ZEROS else ()
    nodata = (*_MARKERS, *zeros)
    for marker in nodata:
        if shares[marker] > 0:
            progress.info(
                "{label}: the {layer} declares no nodata value, and {shares:.1%} of it is exactly "
                "{marker:g}: taken as no data.",
                label=band.label,
                layer=as_message(label, {}),
                shares=shares[marker],
                marker=marker,
            )
    return replace(band, nodata=nodata)
