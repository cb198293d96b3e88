"""Making a sample set of a user's own scenes: channel layers and label polygons become labelled tiles in a folder."""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal, ogr

from ..channels import ChannelKind
from ..errors import InputError, OutputError
from ..files import told_as_unwritable
from ..gdal_errors import gdal_raises
from ..models import IGNORED
from ..progress import QUIET, Progress
from ..raster import BandDescription, Grid, RasterWriter, limited_cache
from ..satellite import SENTINEL1_WAVELENGTH
from ..texts import Message, joined
from ..types import PathLike
from ..vectors import Burner, transformed
from .facts import NAME, ROLES, SET_FILE, SET_FORMAT, TileRecord, places_of, stored_unit
from .folder import (
    INDEX_FIELDS,
    EarlierGround,
    Index,
    IndexRow,
    changed_folder,
    footprint,
    read_index,
    write_index,
)
from .label_check import check_labels
from .plan import CandidateTile, SampleOptions, ScenePlan, told
from .sample_set import AREA, BACKGROUND, INDEX_FILE, TILE_FOLDER, SampleSet
from .scene import SampleLayers, SceneInputs
from .split import TilePlace, label_pixels, near_other_roles

_SMALLEST_LABEL = 4
"""Areas of fewer pixels are not learned from, unless the user sets another limit."""
_COLOURS = {BACKGROUND: (235, 235, 235, 255), AREA: (200, 30, 30, 255), IGNORED: (120, 120, 160, 255)}
_LONGEST_NAME = 80
_TILE_ENDING = re.compile(r"_(layers|label)\.tif.*$")


@gdal_raises()
def create_samples(
    inputs: SceneInputs, folder: PathLike, options: SampleOptions, progress: Progress = QUIET
) -> SampleSet:
    """Add a scene to the sample set in ``folder``, or replace the one of that name; the folder is made if needed.

    Everything that is assumed or wrong with the labels is told. The folder changes only when all is complete.
    Raises InputError for unusable layers or labels, and OutputError for a folder that holds something else.
    """
    target = Path(folder)
    if not NAME.fullmatch(inputs.name):
        raise InputError(
            "“{name}” can't be the name of a scene: use letters, digits, “_” and “-” only.", name=inputs.name[:100]
        )
    if len(inputs.name) > _LONGEST_NAME:
        raise InputError(
            "The name of the scene has {length} letters, and its files can have {most} of them. Choose a shorter one.",
            length=len(inputs.name),
            most=_LONGEST_NAME,
        )
    earlier = _earlier_set(target, inputs, options, progress)
    index_crs, like = places_of(target, earlier.facts) if earlier else ("", ())
    with limited_cache(), SampleLayers(inputs.layers, options.pixel_size, like, progress) as layers:
        min_area = options.min_area
        if min_area is None:
            min_area = _SMALLEST_LABEL * layers.pixel_size**2
        if not inputs.areas.geometries:
            raise InputError(
                "{source} holds no polygons: draw some areas first.",
                source=inputs.areas.source or Message("The label layer"),
            )
        areas, problems = check_labels(inputs.areas.geometries, inputs.areas.crs, layers.grid, min_area)
        crs = index_crs if earlier else layers.grid.crs
        index = _index_of_others(earlier, inputs.name)
        plan = ScenePlan(inputs, options, layers, areas, problems, EarlierGround(index, crs, layers.grid.crs))
        plan.make(progress.part(0.0, 0.3))
        writer = _SetWriter(plan, earlier, crs, index)
        with changed_folder(target, writer.is_replaced) as staging:
            writer.write(staging, progress.part(0.3, 1.0))
    result = SampleSet(target)
    _tell_result(result, plan, progress)
    progress.report(1.0)
    return result


def _index_of_others(earlier: SampleSet | None, scene: str) -> Index:
    """The rows of the earlier index that belong to other scenes than the one that is added."""
    if earlier is None:
        return {name: [] for name in INDEX_FIELDS}
    index = read_index(earlier.folder / INDEX_FILE)
    others = {name: [row for row in rows if row.values["scene"] != scene] for name, rows in index.items()}
    names = {(row.values["name"], row.values["role"]) for row in others["tiles"]}
    if names != {(record.name, record.role) for record in earlier.records if record.scene != scene}:
        raise InputError(
            "{folder} was changed: its tiles are not those of {set_file}, so another scene can't "
            "be added. Choose a new folder.",
            folder=earlier.folder / INDEX_FILE,
            set_file=SET_FILE,
        )
    return others


def _earlier_set(folder: Path, inputs: SceneInputs, options: SampleOptions, progress: Progress) -> SampleSet | None:
    """The set that the folder already holds, which must go with this scene; None for a new or empty folder."""
    if not folder.name:
        raise OutputError("No folder is named for the samples. Choose one.")
    with told_as_unwritable(folder):
        if folder.is_file():
            raise OutputError("{folder} is a file. Choose a folder.", folder=folder)
        if not folder.exists() or not any(folder.iterdir()):
            return None
    if not (folder / SET_FILE).exists():
        raise OutputError(
            "{folder} holds something else than a sample set. Choose a new or empty folder.", folder=folder
        )
    earlier = SampleSet(folder)
    kinds = tuple(kind for kind in ChannelKind if kind in inputs.layers)
    if kinds != earlier.layers:
        there, here = (joined([kind.label for kind in group]) or Message("none") for group in (earlier.layers, kinds))
        raise InputError(
            "{folder} has the layers {there}; this scene has {here}. Give the same, or a new folder.",
            folder=folder,
            there=there,
            here=here,
        )
    if (earlier.pixel_size, earlier.tile_size) != (options.pixel_size, options.tile_size):
        raise InputError(
            "{folder} has tiles of {tile_size} pixels of {pixel_size:g} m, not {wanted_tile_size} of "
            "{wanted_pixel_size:g} m. Give the same sizes, or a new folder.",
            folder=folder,
            tile_size=earlier.tile_size,
            pixel_size=earlier.pixel_size,
            wanted_tile_size=options.tile_size,
            wanted_pixel_size=options.pixel_size,
        )
    if any(name != inputs.name and name.casefold() == inputs.name.casefold() for name in earlier.scenes):
        raise InputError(
            "{folder} has a scene whose name differs from “{name}” only in its capitals.",
            folder=folder,
            name=inputs.name,
        )
    if inputs.name in earlier.scenes:
        progress.info("The scene “{name}” of {folder} is replaced.", name=inputs.name, folder=folder)
    return earlier


class _SetWriter:
    """Writes the set: what it held before of other scenes, and the tiles of the planned one."""

    def __init__(self, plan: ScenePlan, earlier: SampleSet | None, crs: str, index: Index) -> None:
        self.plan, self.earlier, self.crs, self.index = plan, earlier, crs, index
        self.inputs, self.options, self.layers = plan.inputs, plan.options, plan.layers
        self.records: list[TileRecord] = []

    def is_replaced(self, path: str) -> bool:
        """True for the files of the set that are written anew."""
        old = self.earlier.records if self.earlier else ()
        names = {record.name for record in old if record.scene == self.inputs.name}
        name = Path(path).name
        return name.startswith((SET_FILE, INDEX_FILE)) or _TILE_ENDING.sub("", name) in names

    def write(self, folder: Path, progress: Progress) -> None:
        """Write the tiles, the index and the facts of the whole set into a folder."""
        (folder / TILE_FOLDER).mkdir(exist_ok=True)
        writers = {role: self._other_ground(role) for role in ROLES}
        for index, candidate in enumerate(self.plan.chosen):
            progress.report(0.95 * index / len(self.plan.chosen))
            self._write_tile(folder / TILE_FOLDER, candidate, writers)
        progress.check()
        index_rows = {name: [*rows, *self._index_rows(name)] for name, rows in self.index.items()}
        write_index(folder / INDEX_FILE, self.crs, index_rows)
        facts = json.dumps(self._facts(), ensure_ascii=False, indent=1)
        (folder / SET_FILE).write_text(facts, encoding="utf-8")
        progress.check()

    def _other_ground(self, role: str) -> Burner:
        """What earlier scenes use under other roles, which tiles of this one must not label."""
        gap = self.options.gap if role == "training" else 0.0
        pixel = max(self.layers.grid.transform[1], -self.layers.grid.transform[5])
        return Burner(
            self.plan.earlier_ground.other_ground(role, gap / self.layers.pixel_size * pixel), self.layers.grid
        )

    def _write_tile(self, folder: Path, candidate: CandidateTile, other_ground: Mapping[str, Burner]) -> None:
        place = candidate.place
        role = self.plan.block_roles[place.block]
        window, grid = self.plan.window(place), self.plan.tiling.tile_grid(place)
        values = self.layers.read_all(window)
        measured = self.layers.measured_in(values)
        label = self._label(place, role, ~measured | other_ground[role].mask(window))
        counts = {value: int((label == value).sum()) for value in (AREA, BACKGROUND, IGNORED)}
        if not counts[AREA] and not counts[BACKGROUND]:
            return
        name = f"{self.inputs.name}_{place.number[0]:03d}_{place.number[1]:03d}"
        bands = [_described(kind) for kind in self.layers.kinds]
        with RasterWriter(folder / f"{name}_layers.tif", grid, bands, compress=False) as writer:
            for band, layer in enumerate(values, 1):
                writer.write(layer, band=band)
        _write_label(folder / f"{name}_label.tif", grid, label)
        pixels = (counts[AREA], counts[BACKGROUND], counts[IGNORED], int(measured.sum()))
        block = f"{self.inputs.name}:{place.block}"
        self.records.append(TileRecord(name, self.inputs.name, block, role, place.row, place.column, *pixels))

    def _label(self, place: TilePlace, role: str, unusable: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """The labels of a tile of that role."""
        around = self.plan.labels.areas(self.plan.window(place, 1))
        numbers = around[1:-1, 1:-1]
        kept = np.array([number for number, own in self.plan.area_roles.items() if own == role], np.int32)
        window = self.plan.window(place)
        ignored = unusable | self.plan.labels.ignored(window)
        if role == "training":
            gap = math.ceil(self.options.gap / self.layers.pixel_size)
            ignored |= near_other_roles(self.plan.tiling, place, self.plan.block_roles, gap)
        if self.options.ignore_edges:
            ignored |= _edges(around > 0)
        return label_pixels(numbers > 0, np.isin(numbers, kept), self.plan.labels.surveyed(window), ignored)

    def _index_rows(self, name: str) -> list[IndexRow]:
        """This scene's rows of one layer of the index, in the index's CRS."""
        scene, crs = self.inputs.name, self.layers.grid.crs
        rows: list[tuple[bytes, dict[str, Any]]] = []
        if name == "tiles":
            pixels = self.options.tile_size**2
            for record in self.records:
                place = TilePlace(record.row, record.column, (0, 0), "")
                values = {key: getattr(record, key) for key in ("name", "scene", "block", "role", "area_pixels")}
                values["ignored_share"] = record.ignored_pixels / pixels
                values["valid_share"] = record.valid_pixels / pixels
                rows.append((bytes(footprint(self.plan.tiling.tile_grid(place)).ExportToWkb()), values))
        elif name == "areas":
            for area in self.plan.areas:
                role, pixels = self.plan.area_roles.get(area.number), self.plan.area_pixels[area.number]
                if role is not None:
                    rows.append((area.geometry, {"scene": scene, "label": area.number, "role": role, "pixels": pixels}))
        else:
            for problem in self.plan.problems:
                values = {"label": problem.label, "problem": problem.problem, "detail": problem.detail}
                rows.append((problem.geometry, {"scene": scene, **values}))
        geometries = transformed([ogr.CreateGeometryFromWkb(wkb) for wkb, _ in rows if wkb], crs, self.crs)
        outlines = iter(geometries)
        return [IndexRow(bytes(next(outlines).ExportToWkb()) if wkb else b"", row) for wkb, row in rows]

    def _facts(self) -> dict[str, Any]:
        """What ``samples.json`` holds."""
        name = self.inputs.name
        scenes = [scene for scene in self.earlier.facts["scenes"] if scene["name"] != name] if self.earlier else []
        scenes.append(self._scene_facts())
        earlier = self.earlier.records if self.earlier else ()
        records = [*(record for record in earlier if record.scene != name), *self.records]
        layers = [dict(zip(("kind", "unit", "sign"), (kind.value, *stored_unit(kind)))) for kind in self.layers.kinds]
        return {
            "format": SET_FORMAT,
            "layers": layers,
            "pixel_size": self.options.pixel_size,
            "tile_size": self.options.tile_size,
            "seed": self.options.seed,
            "block_size": self.plan.tiling.block_metres,
            "shares": self.options.normalised_shares,
            "crs": self.crs,
            "scenes": scenes,
            "statistics": _statistics(scenes, records),
            "tiles": [asdict(record) for record in records],
        }

    def _scene_facts(self) -> dict[str, Any]:
        grid, inputs = self.layers.grid, self.inputs
        return {
            "name": inputs.name,
            "crs": grid.crs,
            "transform": grid.transform,
            "width": grid.width,
            "height": grid.height,
            "pixel_size": self.layers.pixel_size,
            "layers": {kind.value: Path(os.fspath(inputs.layers[kind])).name for kind in self.layers.kinds},
            "labels": inputs.areas.source,
            "ignored": [polygons.source for polygons in inputs.ignored],
            "surveyed": inputs.surveyed.source if inputs.surveyed else None,
            "options": asdict(self.options),
            "block_size": self.plan.tiling.block_metres,
            "areas": {role: sum(own == role for own in self.plan.area_roles.values()) for role in ROLES},
            "label_problems": dict(Counter(problem.problem for problem in self.plan.problems)),
        }


def _described(kind: ChannelKind) -> BandDescription:
    unit, sign = stored_unit(kind)
    tags = (("SIGN", sign), ("WAVELENGTH_METRES", f"{SENTINEL1_WAVELENGTH:.10g}")) if sign else ()
    return BandDescription(kind.value, unit, tags)


def _edges(areas: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels on either side of an area's outline; the mask has one pixel more on each side than the result."""
    around = np.lib.stride_tricks.sliding_window_view(areas, (3, 3))
    return np.asarray(around.any(axis=(2, 3)) & ~around.all(axis=(2, 3)))


def _write_label(path: Path, grid: Grid, label: NDArray[np.uint8]) -> None:
    """Labels as a GeoTIFF with its own colours and no nodata value."""
    try:
        memory = gdal.GetDriverByName("MEM").Create("", grid.width, grid.height, 1, gdal.GDT_Byte)
        memory.SetGeoTransform(grid.transform)
        memory.SetProjection(grid.crs)
        band = memory.GetRasterBand(1)
        band.SetDescription("label")
        band.SetMetadata({"0": "background", "1": "active deformation area", "255": "ignored"})
        colours = gdal.ColorTable()
        for value, colour in _COLOURS.items():
            colours.SetColorEntry(value, colour)
        band.SetColorTable(colours)
        band.WriteArray(label)
        gdal.GetDriverByName("GTiff").CreateCopy(str(path), memory, options=["COMPRESS=DEFLATE"])
    except RuntimeError as error:
        raise OutputError(
            "{path} can't be written ({error}). Check that the disk is not full.", path=path, error=error
        ) from None


def _statistics(scenes: Sequence[Mapping[str, Any]], records: Sequence[TileRecord]) -> dict[str, Any]:
    """Numbers of tiles, areas and pixels, by role and together."""
    roles = {}
    for role in ROLES:
        own = [record for record in records if record.role == role]
        roles[role] = {
            "tiles": len(own),
            "tiles_with_areas": sum(record.area_pixels > 0 for record in own),
            "areas": sum(scene["areas"][role] for scene in scenes),
            **{
                key: sum(getattr(record, key) for record in own)
                for key in ("area_pixels", "background_pixels", "ignored_pixels", "valid_pixels")
            },
        }
    totals = {key: sum(values[key] for values in roles.values()) for key in roles["training"]}
    return {**totals, "roles": roles}


def _tell_result(samples: SampleSet, plan: ScenePlan, progress: Progress) -> None:
    """What was made, what is wrong with the labels, and how near the roles lie to each other."""
    if plan.problems:
        progress.warning(
            "The labels have problems: {told}. They are in the layer label_problems of {folder}.",
            told=told(plan.problems),
            folder=samples.folder / INDEX_FILE,
        )
    if plan.inputs.surveyed is None:
        progress.info(
            "No mapped extent is given: all ground outside the labels counts as background, so areas that the "
            "inventory lacks would be learned as stable. Give the extent where the inventory is complete if it isn't."
        )
    progress.info(
        "Blocks are {block_metres:.3g} km wide: {per_block} × {per_block} tiles. Labelled pixels of training tiles lie "
        "at least {gap:g} m from tiles of other roles.",
        block_metres=plan.tiling.block_metres / 1000,
        per_block=plan.tiling.per_block,
        gap=plan.options.gap,
    )
    for role, numbers in samples.statistics["roles"].items():
        progress.info(
            "{role}: {tiles} tiles, {tiles_with_areas} with areas; {areas} areas, "
            "{area_pixels} pixels of areas, {background_pixels} of background.",
            role=role,
            tiles=numbers["tiles"],
            tiles_with_areas=numbers["tiles_with_areas"],
            areas=numbers["areas"],
            area_pixels=numbers["area_pixels"],
            background_pixels=numbers["background_pixels"],
        )
        if not numbers["area_pixels"] and plan.options.shares[role] > 0:
            progress.warning(
                "No label fell to {role}: the labels lie in too few blocks. Choose smaller tiles and blocks, or add "
                "areas.",
                role=role,
            )
