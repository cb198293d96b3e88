"""What a layer of the project is for, guessed from what its file says, its unit, its name and its values."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from qgis.core import QgsFeatureRequest, QgsMapLayer, QgsProject, QgsRasterLayer, QgsVectorLayer

from ...processing.layers import role_mark
from ...processing.qgis_versions import is_null
from ...processing.texts import number, tr

RASTER_ROLES = (
    "phase_rate", "los_rate", "dem", "slope", "coherence", "los_sensitivity", "standard_error", "closure",
    "probability",
)  # fmt: skip

# Nothing but letters ends a name: "slope30" and "dem_2020" count, "demography" does not.
_NAMES = {
    "phase_rate": r"phase[ _-]?rate|rate[ _-]?phase|stacked[ _-]?phase|相位速率|相位",
    "los_rate": r"los[ _-]?rate|los[ _-]?vel\w*|vel|velo|velocity|(displacement|deformation)[ _-]?(rate|velocity)"
    r"|形变速率|速率",
    "dem": r"dem|dtm|dsm|srtm\w*|nasadem\w*|aw3d30|copernicus|elevation|altitude|height|hgt|高程|数字高程模型",
    "slope": r"slope|坡度",
    "coherence": r"coh|coherence|相干|相干性",
    "los_sensitivity": r"los[ _-]?sensitivity|sensitivity|敏感度",
    "standard_error": r"standard[ _-]?errors?|std|vstd|标准误差",
    "closure": r"closure|闭合差",
    "probability": r"probability|probabilities|概率",
}
_PATTERNS = {role: re.compile(rf"(?<![a-z])(?:{text})(?![a-z])") for role, text in _NAMES.items()}
_OTHER = re.compile(
    r"(?<![a-z])(?:hillshade|shaded|relief|aspect|count|mask|visibility|incidence|azimuth"
    r"|unw|unwrapped|wrapped|composite)(?![a-z])"
)
_PAIR = re.compile(r"\d{8}[_-]\d{8}")
# A unit that only one kind of layer has is as good as a name; the others only confirm one.
_UNITS = {"phase_rate": ("rad/yr",), "los_rate": ("mm/yr", "cm/yr", "m/yr", "ft/yr")}
_CONFIRMING_UNITS = {
    "dem": ("m", "ft", "us-ft"),
    "slope": ("degree",),
    "coherence": ("1",),
    "los_sensitivity": ("1",),
    "standard_error": _UNITS["los_rate"],
    "closure": ("1",),
    "probability": ("1",),
}
_LIMITS = {
    "phase_rate": (-500.0, 500.0),
    "los_rate": (-3000.0, 3000.0),
    "dem": (-500.0, 9000.0),
    "slope": (0.0, 90.0),
    "coherence": (0.0, 1.0),
    "los_sensitivity": (-1.0, 1.0),
    "standard_error": (0.0, 3000.0),
    "closure": (0.0, 1.0),
    "probability": (0.0, 1.0),
}
_BY_PROPERTY, _BY_FILE, _BY_UNIT, _BY_NAME, _BY_CONFIRMING_UNIT, BY_VALUES = 100, 80, 60, 40, 15, 5
_SITE_FIELDS = {"uid", "stratum", "look_for"}
_AREA_FIELDS = ({"area_km2", "probability_mean", "los_rate_mean"}, {"area_km2", "seen_from"})


@dataclass(frozen=True)
class Guess:
    """What speaks for a role: the larger the score, the more. ``reason`` is a translated phrase."""

    role: str
    score: int
    reason: str


def guess_role(layer: QgsMapLayer) -> str | None:
    """The role that a layer most probably plays; None when nothing tells one."""
    found = guesses(layer)
    return max(found.values(), key=lambda guess: guess.score).role if found else None


def candidates(role: str, project: QgsProject | None = None) -> list[QgsMapLayer]:
    """The layers of the project that may play a role, best first, those higher in the layer tree before others."""
    project = project or QgsProject.instance()
    in_tree = project.layerTreeRoot().layerOrder()
    rest = [layer for layer in project.mapLayers().values() if layer not in in_tree]
    scored = [(guesses(layer).get(role), layer) for layer in (*in_tree, *rest) if layer is not None]
    found = [(guess.score, layer) for guess, layer in scored if guess is not None]
    return [layer for _, layer in sorted(found, key=lambda pair: -pair[0])]


def guesses(layer: QgsMapLayer) -> dict[str, Guess]:
    """Every role that something speaks for. Reads little of the file, and only once while it stays the same."""
    told = role_mark(layer)
    if told:
        return {told: Guess(told, _BY_PROPERTY, tr("ADA Mapper made it"))}
    if isinstance(layer, QgsVectorLayer):
        return _by(_guess_vector(layer))
    if isinstance(layer, QgsRasterLayer) and layer.isValid() and layer.providerType() == "gdal":
        return _by(_guess_raster(layer.name(), layer.source()))
    return {}


def _by(found: Iterable[Guess]) -> dict[str, Guess]:
    return {guess.role: guess for guess in found}


def _guess_vector(layer: QgsVectorLayer) -> list[Guess]:
    names = {field.name() for field in layer.fields()}
    if names >= _SITE_FIELDS:
        return [Guess("sites", _BY_FILE, tr("it has the fields of survey sites"))]
    if not any(names >= fields for fields in _AREA_FIELDS):
        return []
    if "seen_from" not in names:
        request = QgsFeatureRequest().setLimit(1).setFlags(QgsFeatureRequest.Flag.NoGeometry)
        first = next(layer.getFeatures(request), None)
        # The classical detector gives no probabilities.
        if first is not None and is_null(first["probability_mean"]):
            return [Guess("classical", _BY_FILE, tr("it has the fields of areas, but no probabilities"))]
    return [Guess("areas", _BY_FILE, tr("it has the fields of active deformation areas"))]


@dataclass(frozen=True)
class _Facts:
    """What a raster file tells without its values: the names of its bands and the unit of the first."""

    names: tuple[str, ...] = ()
    unit: str = ""
    is_composite: bool = False
    is_picture: bool = False


def _guess_raster(name: str, source: str) -> list[Guess]:
    modified = 0.0
    with contextlib.suppress(OSError):
        modified = Path(source).stat().st_mtime
    # A file on the web is judged by its name: looking into it would take long.
    facts = _Facts() if source.startswith("/vsi") else _facts_of(source, modified)
    told = [role for role in RASTER_ROLES if role in facts.names]
    if facts.is_composite or facts.is_picture:
        return []
    if told:
        return [Guess(role, _BY_FILE, tr("its file says so")) for role in told]
    if any(band in ("count", "aspect", "visibility", "mask") for band in facts.names):
        return []
    stem = Path(source).stem
    # What the user calls a layer counts more than what its file is called.
    texts = [text for text in (name.lower(), stem.lower()) if text]
    if any(map(_OTHER.search, texts)) and not facts.unit:
        return []
    span = None if source.startswith("/vsi") else _span_of(source, modified)
    found = [_guess_one(role, texts, facts, span) for role in RASTER_ROLES]
    return [guess for guess in found if guess is not None]


def _guess_one(role: str, texts: list[str], facts: _Facts, span: tuple[float, float] | None) -> Guess | None:
    own_units, other_units = _UNITS.get(role, ()), _CONFIRMING_UNITS.get(role, ())
    if span is not None and not _is_possible(role, span):
        return None
    if facts.unit and facts.unit not in (*own_units, *other_units):
        return None
    score, reasons = 0, []
    if facts.unit in own_units:
        score += _BY_UNIT
        reasons.append(tr("its unit is {}").format(facts.unit))
    # The standard error of a rate has its unit and holds its name.
    if role != "standard_error" and any(map(_PATTERNS["standard_error"].search, texts)):
        return None
    named = [bool(_PATTERNS[role].search(text)) and not _OTHER.search(text) for text in texts]
    if any(named):
        # A coherence of one pair is not that of the scene.
        is_pair = any(_PAIR.search(text) for text in texts)
        score += (_BY_NAME if named[0] else _BY_NAME - 5) // (4 if is_pair else 1)
        reasons.append(tr("its name"))
    if score and facts.unit in other_units:
        score += _BY_CONFIRMING_UNIT
        reasons.append(tr("its unit is {}").format(facts.unit))
    if not score and span is not None and _looks_like(role, span) and not _names_anything(texts):
        score = BY_VALUES
        low, high = (number(value) for value in span)
        reasons.append(tr("its values lie between {} and {}").format(low, high))
    return Guess(role, score, ", ".join(reasons)) if score else None


def _names_anything(texts: list[str]) -> bool:
    """True where the names speak for one thing or another, so that the values alone don't decide."""
    return any(pattern.search(text) for pattern in (_OTHER, *_PATTERNS.values()) for text in texts)


def _is_possible(role: str, span: tuple[float, float]) -> bool:
    low, high = _LIMITS[role]
    margin = 1e-3 * (high - low)
    if role == "dem" and span[1] - span[0] < 1:
        return False
    return low - margin <= span[0] and span[1] <= high + margin


def _looks_like(role: str, span: tuple[float, float]) -> bool:
    """True for values that hardly belong to anything else."""
    if role == "dem":
        return span[1] - span[0] > 100 and span[1] > 300
    return role == "slope" and 0 <= span[0] < 5 and 20 < span[1] <= 90


@lru_cache(maxsize=512)
def _facts_of(source: str, modified: float) -> _Facts:
    """The facts of a file of that time; none for one that core can't read."""
    from osgeo import gdal

    from ...core.errors import AdaMapperError
    from ...core.gdal_errors import gdal_raises
    from ...core.raster import open_raster, unit_of

    try:
        with gdal_raises():
            dataset = open_raster(source)
            bands = [dataset.GetRasterBand(index + 1) for index in range(dataset.RasterCount)]
            names = tuple(band.GetDescription() or "" for band in bands)
            tags = bands[0].GetMetadata() if bands else {}
            is_picture = len(bands) >= 3 and all(band.DataType == gdal.GDT_Byte for band in bands)
            # Even a few values of these would take the decoding of all the rows above.
            is_picture |= dataset.GetDriver().ShortName in ("JPEG", "PNG")
            unit = bands[0].GetUnitType() if bands else ""
            return _Facts(names, unit_of(unit) or "" if unit else "", "CHANNEL_UNIT" in tags, is_picture)
    except (AdaMapperError, RuntimeError):
        return _Facts()


@lru_cache(maxsize=512)
def _span_of(source: str, modified: float) -> tuple[float, float] | None:
    """The span of a few values of a file of that time; None where there are none."""
    from ...core.errors import AdaMapperError
    from ...core.raster import BandReader

    try:
        with BandReader(source) as reader:
            return _span(reader)
    except (AdaMapperError, RuntimeError):
        return None


def _span(reader: Any) -> tuple[float, float] | None:
    """Smallest and largest of the values in nine small windows, but for the usual marks of no data."""
    import numpy as np

    from ...core.raster import Window

    side = 32
    grid = reader.grid
    starts = [(int(share * max(size - side, 0)) for share in (0.15, 0.5, 0.85)) for size in (grid.height, grid.width)]
    rows, columns = (sorted(set(part)) for part in starts)
    parts = [reader.read(Window(column, row, side, side)).ravel() for row in rows for column in columns]
    values = np.concatenate(parts)
    values = values[np.abs(values) < 9000]
    return (float(values.min()), float(values.max())) if values.size else None
