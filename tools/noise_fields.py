"""Write real noise as GeoTIFFs, split by place into training, validation and test.

    python tools/noise_fields.py SOURCE_FOLDER OUT_FOLDER [--only NAME …]

OUT_FOLDER/<role>/<name>/ gets phase_rate (rad/yr, positive away) and los_rate (mm/yr, positive toward), and where the
source has them standard_error (mm/yr), coherence (0–1) and closure (0–1), on the source's own pixels. fields.json
beside the roles tells of each what it is. Roles: "train" and "validation" of sources that may be learned from, the
latter the eastern part of a place whose western part is the former, at least 1 km apart; "test" of the others.

What moves is taken out: of Mexico City, which subsides everywhere, only differences of networks of pairs are kept, in
which steady motion cancels; elsewhere what moves by more than the place's ``moving`` becomes a hole.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ada_mapper.core.raster import BandDescription, Grid, above_local_mean, write_array
from ada_mapper.core.robust import robust_spread
from ada_mapper.core.types import Array
from noise_sources import (
    Field,
    egms_fields,
    egms_grid,
    licsbas_field,
    mintpy_field,
    shape_points_field,
    single_pair_field,
    stack_fields,
)

GAP = 1_000.0
"""Metres between a place's training and validation parts, at least."""
_MEAN_RADIUS = 1_500.0
_JUDGED_OVER, _AROUND = 60.0, 150.0
_UNITS = {"phase_rate": "rad/yr", "los_rate": "mm/yr", "standard_error": "mm/yr"}
_SIGNS = {"phase_rate": "away", "los_rate": "toward"}


@dataclass(frozen=True)
class Place:
    """Where fields come from and what may be done with them.

    ``training``: the share of its width, from the west, that is trained on (1: all, 0: none of it, it is for judging
    only). ``turns``: nothing in its noise follows the view, neither holes of layover nor pixels of another shape, so
    that it may be turned. ``subsides``: it moves nearly everywhere. ``moving``: mm/yr against the surroundings from
    which on ground is held to move, by the first field of each grid. ``strips``: rows (from, to) that are kept, each
    as a field, so that what moves in the middle of a small place isn't a hole in every crop.
    """

    name: str
    source: str
    licence: str
    read: Callable[[Path], Iterator[Field]]
    training: float = 0.0
    turns: bool = False
    subsides: bool = False
    moving: float = math.inf
    strips: tuple[tuple[int, int], ...] = ()


def _ustica(folder: Path) -> Iterator[Field]:
    archives = sorted((folder / "rates/egms_ustica").glob("EGMS_L2b_*.zip"))
    grid = egms_grid(archives, 30.0)
    for archive in archives:
        for field in egms_fields(archive, grid):
            yield replace(field, name=f"{archive.name.split('_')[2]}_{field.name}")


def _anatolia(folder: Path) -> Iterator[Field]:
    for frame in sorted((folder / "rates/licsbas_anatolia").iterdir()):
        for field in licsbas_field(frame):
            yield replace(field, name=frame.name[:4])


_PYRATE = "GeoscienceAustralia/PyRate, test data"
PLACES = (
    Place(
        "mexico_city", _PYRATE, "Apache-2.0",
        lambda folder: stack_fields(folder / "stacks/mexico_city_s1"), training=1, turns=True, subsides=True,
    ),
    Place(
        "sydney", _PYRATE, "Apache-2.0",
        lambda folder: stack_fields(folder / "stacks/sydney_envisat", "gamma"),
        training=1, turns=True, moving=4, strips=((0, 22), (45, 72)),
    ),
    Place(
        "west_texas", "scottstanie/bowser, test data", "BSD-3-Clause or Apache-2.0",
        lambda folder: stack_fields(
            folder / "stacks/west_texas_s1",
            coherence=folder / "stacks/west_texas_s1/average_temporal_coherence.tif",
        ),
        training=0.5, turns=True,
    ),
    Place(
        "cadia", "kobidpanthi/Multi-Criteria-InSAR-Ref-Point", "MIT",
        lambda folder: mintpy_field(
            folder / "rates/mintpy_cadia/geo_velocity.h5", folder / "rates/mintpy_cadia/geo_temporalCoherence.h5"
        ),
        training=0.5, moving=5,
    ),
    Place(
        "ustica", "European Ground Motion Service, Copernicus", "free with attribution", _ustica,
        training=0.38, moving=3,
    ),
    Place(
        "coso", "parosen/Geo-SInC, EarthScope 2024", "none stated",
        lambda folder: mintpy_field(folder / "rates/mintpy_coso/velocity_d071.h5"),
    ),
    Place("anatolia", "andwatson/decompose_insar_velocities", "GPL-3", _anatolia),
    Place(
        "boissano", "faunalia/ps-speed", "GPL-2 or later",
        lambda folder: shape_points_field(
            next((folder / "rates/psi_boissano").glob("*.shp")), "VEL", "EPSG:3003", 40.0
        ),
        moving=3,
    ),
    Place(
        "andes", "lrr-rachel/Denoising-InSAR-Images, LiCSAR", "none stated",
        lambda folder: single_pair_field(next((folder / "products/licsar").glob("*.unw.tif"))),
    ),
    Place(
        "jharia", "CRAN GInSARCorW", "GPL-3",
        lambda folder: single_pair_field(
            next((folder / "stacks/jharia_snap").glob("Unw*.img")),
            next((folder / "stacks/jharia_snap").glob("coh*.img")), 2,
        ),
        moving=2,
    ),
)  # fmt: skip


def write_fields(places: Sequence[Place], source: Path, out: Path) -> list[dict[str, object]]:
    """All fields of some places; what fields.json says of them."""
    told: list[dict[str, object]] = []
    for place in places:
        for field in quiet_fields(place, source):
            for role, part in parts(place, field):
                name = f"{place.name}_{part.name}"
                folder = out / role / name
                folder.mkdir(parents=True, exist_ok=True)
                for layer, values in part.layers.items():
                    tags = (("SIGN", _SIGNS[layer]),) if layer in _SIGNS else ()
                    write_array(
                        folder / f"{layer}.tif", part.grid, values, BandDescription(layer, _UNITS.get(layer, "1"), tags)
                    )
                told.append({"name": name, "role": role, "path": f"{role}/{name}", **_facts(place, part)})
    return told


def quiet_fields(place: Place, source: Path) -> Iterator[Field]:
    """The fields of a place without what is known to move."""
    moving: dict[Grid, NDArray[np.bool_]] = {}
    for field in place.read(source):
        if place.subsides and not field.steady_motion_cancels:
            continue
        if math.isfinite(place.moving):
            if field.grid not in moving:
                moving[field.grid] = moving_ground(field, place.moving)
            hole = moving[field.grid]
            layers = {layer: np.where(hole, np.float32(np.nan), values) for layer, values in field.layers.items()}
            field = replace(field, layers=layers)
        yield from (_rows(field, *strip) for strip in place.strips) if place.strips else (field,)


def _facts(place: Place, field: Field) -> dict[str, object]:
    rate = field.layers["los_rate"]
    return {
        "place": place.name,
        "source": place.source,
        "licence": place.licence,
        "layers": list(field.layers),
        "turns": place.turns,
        "pixel_metres": round(field.grid.pixel_size, 2),
        "size": list(rate.shape),
        "spread_mm_yr": round(float(robust_spread(_above_mean(rate, field.grid))), 3),
        "phase_spread_rad_yr": round(float(robust_spread(_above_mean(field.layers["phase_rate"], field.grid))), 4),
        "data_share": round(float(np.isfinite(rate).mean()), 3),
    }


def _above_mean(values: Array, grid: Grid) -> Array:
    return above_local_mean(values.astype(np.float32), max(1, round(_MEAN_RADIUS / grid.pixel_size)))


def moving_ground(field: Field, limit: float) -> NDArray[np.bool_]:
    """What moves by more than ``limit`` mm/yr against its surroundings of 3 km, and 150 m around it.

    Judged by a mean over some 60 m, which noise of single pixels doesn't pass.
    """
    from scipy import ndimage

    relief = _above_mean(field.layers["los_rate"], field.grid)
    known = np.isfinite(relief)
    sigma = max(1.0, _JUDGED_OVER / field.grid.pixel_size)
    total, weight = (ndimage.gaussian_filter(part, sigma) for part in (np.where(known, relief, 0), known * 1.0))
    moving = known & (np.abs(total) > limit * np.maximum(weight, 1e-6))
    distance = ndimage.distance_transform_edt(~moving) if moving.any() else np.full(moving.shape, np.inf)
    return np.asarray(distance <= max(1.0, _AROUND / field.grid.pixel_size))


def parts(place: Place, field: Field) -> Iterator[tuple[str, Field]]:
    """(role, part) of a field: the west for training, from GAP further east on for validation."""
    if place.training in (0, 1):
        yield "train" if place.training else "test", field
        return
    width = field.grid.width
    east, _ = field.grid.metres_per_pixel()
    end = round(place.training * width)
    start = end + math.ceil(GAP / float(east.min()))
    yield "train", _columns(field, 0, max(1, end), "west")
    yield "validation", _columns(field, min(start, width - 1), width, "east")


def _rows(field: Field, first: int, end: int) -> Field:
    x, dx, _, y, _, dy = field.grid.transform
    grid = Grid(field.grid.crs, (x, dx, 0.0, y + first * dy, 0.0, dy), field.grid.width, end - first)
    layers = {layer: np.ascontiguousarray(values[first:end]) for layer, values in field.layers.items()}
    return replace(field, name=f"{field.name}_row_{first}", grid=grid, layers=layers)


def _columns(field: Field, first: int, end: int, name: str) -> Field:
    x, dx, _, y, _, dy = field.grid.transform
    grid = Grid(field.grid.crs, (x + first * dx, dx, 0.0, y, 0.0, dy), end - first, field.grid.height)
    layers = {layer: np.ascontiguousarray(values[:, first:end]) for layer, values in field.layers.items()}
    return replace(field, name=f"{field.name}_{name}", grid=grid, layers=layers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="*", choices=[place.name for place in PLACES])
    arguments = parser.parse_args()
    places = [place for place in PLACES if not arguments.only or place.name in arguments.only]
    arguments.out.mkdir(parents=True, exist_ok=True)
    told = write_fields(places, arguments.source, arguments.out)
    text = json.dumps({"fields": told}, indent=1, ensure_ascii=False)
    (arguments.out / "fields.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
