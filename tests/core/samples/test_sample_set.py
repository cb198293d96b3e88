"""Sample sets: labels burned and checked, blocks without leakage, a folder that changes wholly or not at all."""

from __future__ import annotations

import json
import math
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import gdal, ogr

from ada_mapper.core.channels import ChannelKind, require_resampling
from ada_mapper.core.errors import CancelledError, InputError, OutputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import Grid
from ada_mapper.core.samples import (
    Polygons,
    RepeatedTiles,
    SampleOptions,
    SampleSet,
    SampleTile,
    SceneInputs,
    create_samples,
)
from ada_mapper.core.samples.facts import ROLES
from ada_mapper.core.samples.label_check import check_labels
from ada_mapper.core.samples.sample_set import Augmentation
from ada_mapper.core.satellite import SENTINEL1_WAVELENGTH
from examples import examples
from small_rasters import CRS, square_grid, write

KIND = ChannelKind
SIZE = 320
OPTIONS = SampleOptions(tile_size=64, block_size=1900.0)
LEFT, TOP = 500000.0, 3500000.0


def box(row: float, column: float, height: float, width: float) -> bytes:
    """A rectangle given in pixels of the scene, as WKB."""
    x0, x1 = LEFT + 30 * column, LEFT + 30 * (column + width)
    y0, y1 = TOP - 30 * row, TOP - 30 * (row + height)
    text = f"POLYGON(({x0} {y0},{x1} {y0},{x1} {y1},{x0} {y1},{x0} {y0}))"
    return bytes(ogr.CreateGeometryFromWkt(text).ExportToWkb())


def scattered_areas(seed: int = 0, count: int = 25) -> tuple[bytes, ...]:
    """Areas of 8 to 20 pixels a side, apart from each other, wherever they fall on blocks."""
    random = np.random.default_rng(seed)
    cells = random.permutation(100)[:count]
    return tuple(
        box(*(np.array(divmod(cell, 10)) * 32 + random.uniform(0, 11, 2)), *random.uniform(8, 20, 2)) for cell in cells
    )


class Log:
    """A Progress that keeps what it was told."""

    def __init__(self, cancel_at: float = 2.0) -> None:
        self.lines: list[str] = []
        self.fraction = 0.0
        self.progress = Progress(
            on_fraction=self._on_fraction,
            on_info=self.lines.append,
            on_warning=self.lines.append,
            is_cancelled=lambda: self.fraction >= cancel_at,
        )

    def _on_fraction(self, fraction: float) -> None:
        self.fraction = fraction

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture(scope="module")
def layers(tmp_path_factory):
    """A phase rate with a hole, and a DEM, of one scene of 320 × 320 pixels."""
    folder = tmp_path_factory.mktemp("layers")
    rate = np.random.default_rng(1).normal(0, 1, (SIZE, SIZE)).astype(np.float32)
    rate[200:230, 100:140] = np.nan
    dem = np.add.outer(np.arange(SIZE), np.arange(SIZE)).astype(np.float32)
    return {
        KIND.PHASE_RATE: write(folder / "rate.tif", rate, "phase_rate", "rad/yr", SIGN="away"),
        KIND.DEM: write(folder / "dem.tif", dem, "dem", "m"),
    }


def scene(layers, areas=None, name="west", **others) -> SceneInputs:
    return SceneInputs(name, layers, Polygons(scattered_areas() if areas is None else areas, CRS, "labels"), **others)


@pytest.fixture(scope="module")
def made(layers, tmp_path_factory) -> SampleSet:
    """A set of one scene that no test changes."""
    return create_samples(scene(layers), tmp_path_factory.mktemp("made") / "set", OPTIONS)


def tile_grids(samples: SampleSet) -> dict[str, Grid]:
    return {record.name: Grid.of(samples.folder / "tiles" / f"{record.name}_label.tif") for record in samples.records}


def burn(areas, grid: Grid) -> np.ndarray:
    """The number of the area at each pixel, burned by this test alone."""
    target = gdal.GetDriverByName("MEM").Create("", grid.width, grid.height, 1, gdal.GDT_Int16)
    target.SetGeoTransform(grid.transform)
    values = np.zeros((grid.height, grid.width), int)
    x, dx, _, y, _, dy = grid.transform
    columns, rows = x + dx * (np.arange(grid.width) + 0.5), y + dy * (np.arange(grid.height) + 0.5)
    for number, wkb in enumerate(areas, 1):
        left, right, bottom, top = ogr.CreateGeometryFromWkb(wkb).GetEnvelope()  # areas here are rectangles
        inside = np.outer((rows > bottom) & (rows < top), (columns > left) & (columns < right))
        values[inside] = number
    return values


def test_labels_are_pixels_whose_centre_lies_inside(made, layers):
    rate = gdal.Open(layers[KIND.PHASE_RATE]).ReadAsArray()
    truth = burn(scattered_areas(), square_grid(SIZE, SIZE))
    seen = 0
    for role in ROLES:
        for record, tile in zip(made.tiles(role).records, made.tiles(role)):
            rows = slice(max(record.row, 0), min(record.row + 64, SIZE))
            columns = slice(max(record.column, 0), min(record.column + 64, SIZE))
            inside = tile.label[rows.start - record.row : rows.stop - record.row,
                                columns.start - record.column : columns.stop - record.column]  # fmt: skip
            there, data = truth[rows, columns] > 0, np.isfinite(rate[rows, columns])
            assert not (inside[~there] == 1).any() and not (inside[there] == 0).any()
            assert (inside[~data] == 255).all() and (inside[~there & data] == 0).all()
            assert (tile.label == 0).sum() == (inside == 0).sum()  # nothing outside the scene is labelled
            assert tile.layers["phase_rate"].dtype == np.float32
            stored = tile.layers["phase_rate"][max(-record.row, 0) :, max(-record.column, 0) :]
            np.testing.assert_array_equal(stored[: inside.shape[0], : inside.shape[1]], rate[rows, columns])
            seen += int((inside == 1).sum())
    assert seen == made.statistics["area_pixels"] > 1500


def test_no_area_is_labelled_in_two_roles_and_tiles_never_meet(made):
    areas = scattered_areas()
    roles_of_area: dict[int, set[str]] = {}
    used = np.zeros((SIZE, SIZE), int)
    grids = tile_grids(made)
    for role in ROLES:
        for record, tile in zip(made.tiles(role).records, made.tiles(role)):
            numbers = burn(areas, grids[record.name])
            for number in np.unique(numbers[(tile.label == 1)]).tolist():
                roles_of_area.setdefault(number, set()).add(role)
            rows, columns = np.mgrid[record.row : record.row + 64, record.column : record.column + 64]
            inside = (rows >= 0) & (rows < SIZE) & (columns >= 0) & (columns < SIZE)
            used[rows[inside], columns[inside]] += 1
    assert all(len(roles) == 1 for roles in roles_of_area.values())
    assert used.max() == 1
    assert all(made.statistics["roles"][role]["area_pixels"] > 0 for role in ROLES)
    assert len(roles_of_area) >= 23


@examples(8)
@given(seed=st.integers(0, 10_000), gap=st.sampled_from([0.0, 240.0]))
def test_no_leakage_whatever_the_seed(layers, tmp_path_factory, seed, gap):
    areas = scattered_areas(seed)
    folder = tmp_path_factory.mktemp("leakage") / "set"
    samples = create_samples(scene(layers, areas), folder, replace(OPTIONS, seed=seed, gap=gap))
    grid = square_grid(SIZE, SIZE)
    truth = np.pad(burn(areas, grid), 64)
    labels = {role: np.full(truth.shape, 255) for role in ROLES}
    taken = {role: np.zeros(truth.shape, bool) for role in ROLES}
    for role in ROLES:
        for record, tile in zip(samples.tiles(role).records, samples.tiles(role)):
            place = slice(record.row + 64, record.row + 128), slice(record.column + 64, record.column + 128)
            assert not taken[role][place].any()
            taken[role][place] = True
            labels[role][place] = tile.label
    held_out = taken["validation"] | taken["test"]
    assert not (taken["training"] & held_out).any() and not (taken["validation"] & taken["test"]).any()
    of_others = {role: set(np.unique(truth[labels[role] == 1])) for role in ROLES}
    assert not of_others["training"] & (of_others["validation"] | of_others["test"])
    labelled = np.argwhere(labels["training"] != 255)
    if gap and held_out.any():
        from scipy import ndimage

        distance = ndimage.distance_transform_cdt(~held_out, "chessboard")
        assert distance[tuple(labelled.T)].min() > gap / 30


def test_layers_are_normalised_and_assumptions_told(tmp_path):
    rate = np.random.default_rng(0).normal(0, 0.01, (128, 128)).astype(np.float32)
    given = {KIND.LOS_RATE: write(tmp_path / "velocity.tif", rate, "velocity", "m/yr", SIGN="away")}
    log = Log()
    samples = create_samples(scene(given, (box(20, 20, 20, 20),)), tmp_path / "set", OPTIONS, log.progress)
    record = samples.records[0]
    path = samples.folder / "tiles" / f"{record.name}_layers.tif"
    dataset = gdal.Open(str(path))
    band = dataset.GetRasterBand(1)
    assert (band.GetDescription(), band.GetUnitType(), band.GetMetadata()["SIGN"]) == ("los_rate", "mm/yr", "toward")
    row, column = max(0, -record.row), max(0, -record.column)
    stored = band.ReadAsArray()[row:, column:]
    expected = -1000 * rate[max(0, record.row) :, max(0, record.column) :]
    np.testing.assert_allclose(stored, expected[: stored.shape[0], : stored.shape[1]], rtol=1e-5)
    assert "converted from m/yr, positive away to mm/yr, positive toward" in log.text
    assert "No mapped extent" in log.text
    facts = json.loads((samples.folder / "samples.json").read_text())
    assert facts["scenes"][0]["layers"] == {"los_rate": "velocity.tif"}
    assert str(tmp_path) not in json.dumps(facts)


def test_other_pixels_are_resampled(layers, tmp_path):
    log = Log()
    options = replace(OPTIONS, pixel_size=60.0)
    samples = create_samples(scene(layers), tmp_path / "set", options, log.progress)
    assert "resampled to 60 m" in log.text
    assert samples.tiles("training")[0].pixel_size == pytest.approx(60)
    assert next(iter(tile_grids(samples).values())).transform[1] == pytest.approx(60)


def test_extent_ignored_ground_and_edges(layers, tmp_path):
    area, doubtful = box(40, 40, 20, 20), box(70, 40, 10, 10)
    extent = Polygons((box(0, 0, 160, 160),), CRS)
    inputs = scene(layers, (area, box(200, 200, 10, 10)), ignored=(Polygons((doubtful,), CRS),), surveyed=extent)
    samples = create_samples(inputs, tmp_path / "set", replace(OPTIONS, ignore_edges=True))
    label = np.full((SIZE + 128, SIZE + 128), 255)
    for role in ROLES:
        for record, tile in zip(samples.tiles(role).records, samples.tiles(role)):
            label[record.row + 64 : record.row + 128, record.column + 64 : record.column + 128] = tile.label
    label = label[64:-64, 64:-64]
    assert (label[70:80, 40:50] == 255).all()
    assert (label[160:, 160:] != 0).all() and (label[165:195, 165:195] == 255).all()
    numbers = burn((area,), square_grid(SIZE, SIZE))
    inner = np.zeros_like(numbers, bool)
    inner[41:59, 41:59] = True
    assert not (label[numbers > 0][~inner[numbers > 0]] == 1).any()
    assert set(np.unique(label[41:59, 41:59])) <= {1, 255} and (label[41:59, 41:59] == 1).any()
    assert (label[39, 39:61] == 255).all() and label[37, 37] == 0


def test_background_tiles_are_limited(layers, tmp_path):
    inputs = scene(layers, (box(100, 100, 10, 10),))
    many = create_samples(inputs, tmp_path / "many", OPTIONS)
    few = create_samples(inputs, tmp_path / "few", replace(OPTIONS, background_ratio=2.0))
    none = create_samples(inputs, tmp_path / "none", replace(OPTIONS, background_ratio=0.0))
    with_areas = many.statistics["tiles_with_areas"]
    assert few.statistics["tiles_with_areas"] == with_areas == none.statistics["tiles"]
    assert few.statistics["tiles"] == 3 * with_areas < many.statistics["tiles"] <= 11 * with_areas


def test_same_seed_same_set(layers, tmp_path, made):
    again = create_samples(scene(layers), tmp_path / "set", OPTIONS)
    assert again.records == made.records
    assert again.facts["statistics"] == made.facts["statistics"]
    other = create_samples(scene(layers), tmp_path / "other", replace(OPTIONS, seed=9))
    assert [record.role for record in other.records] != [record.role for record in made.records]


def test_label_problems_are_found():
    bow = ogr.CreateGeometryFromWkt(
        f"POLYGON(({LEFT + 3000} {TOP - 3000},{LEFT + 3600} {TOP - 3600},{LEFT + 3600} {TOP - 3000},"
        f"{LEFT + 3000} {TOP - 3600},{LEFT + 3000} {TOP - 3000}))"
    )
    polygons = (
        box(10, 10, 10, 10),  # 1: fine
        box(10.1, 10, 10, 10),  # 2: the same again
        box(15, 15, 10, 10),  # 3: overlaps the first
        box(60, 60, 40, 1.5),  # 4: sliver
        box(80, 80, 1, 1),  # 5: too small
        box(-40, 10, 10, 10),  # 6: outside
        box(-5, 200, 10, 10),  # 7: half outside
        bytes(bow.ExportToWkb()),  # 8: crosses itself
        bytes(ogr.CreateGeometryFromWkt("POLYGON EMPTY").ExportToWkb()),  # 9
        box(150, 150, 2.5, 2.5),  # 10: small but fine
    )
    areas, problems = check_labels(polygons, CRS, square_grid(SIZE, SIZE), 3600.0)
    assert [(problem.label, problem.problem) for problem in problems] == [
        (2, "duplicate"), (3, "overlap"), (3, "overlap"), (4, "sliver"), (5, "too small"), (6, "outside"),
        (7, "partly outside"), (8, "invalid"), (9, "empty"),
    ]  # fmt: skip
    assert all(problem.detail for problem in problems)
    assert [area.number for area in areas] == [1, 3, 4, 5, 7, 8, 10]
    assert [area.number for area in areas if not area.learnable] == [4, 5]
    repaired = next(ogr.CreateGeometryFromWkb(area.geometry) for area in areas if area.number == 8)
    assert repaired.IsValid() and repaired.GetArea() == pytest.approx(600 * 600 / 2)


def test_problems_are_written_and_told(layers, tmp_path):
    hidden = box(205, 105, 15, 20)  # inside the hole of the rate
    log = Log()
    areas = (*scattered_areas(), box(60.2, 60.2, 40, 1.1), hidden)
    samples = create_samples(scene(layers, areas), tmp_path / "set", OPTIONS, log.progress)
    assert "sliver: 1 (label 26)" in log.text and "no data: 1 (label 27)" in log.text
    source = ogr.Open(str(samples.folder / "index.gpkg"))
    rows = [(row["scene"], row["label"], row["problem"]) for row in source.GetLayerByName("label_problems")]
    assert {("west", 26, "sliver"), ("west", 27, "no data")} <= set(rows)
    tiles = source.GetLayerByName("tiles")
    grids = tile_grids(samples)
    assert tiles.GetFeatureCount() == len(samples.records)
    for tile in tiles:
        left, right, bottom, top = tile.GetGeometryRef().GetEnvelope()
        assert (left, bottom, right, top) == pytest.approx(grids[tile["name"]].bounds)
    for record in samples.records:  # the sliver is neither area nor background
        label = gdal.Open(str(samples.folder / "tiles" / f"{record.name}_label.tif")).ReadAsArray()
        sliver = burn((areas[25],), grids[record.name]) > 0
        assert (label[sliver] == 255).all()


def test_label_tiles_have_colours_and_no_nodata(made):
    dataset = gdal.Open(str(made.folder / "tiles" / f"{made.records[0].name}_label.tif"))
    band = dataset.GetRasterBand(1)
    assert band.GetNoDataValue() is None
    assert band.GetColorTable().GetColorEntry(1) == (200, 30, 30, 255)


def test_scenes_are_added_and_replaced(layers, tmp_path):
    folder = tmp_path / "set"
    first = create_samples(scene(layers), folder, OPTIONS)
    (folder / "notes.txt").write_text("mine")
    west = {path.name: path.read_bytes() for path in (folder / "tiles").iterdir()}
    both = create_samples(scene(layers, scattered_areas(5), "east"), folder, replace(OPTIONS, seed=77))
    assert both.scenes == ("west", "east")
    assert [record for record in both.records if record.scene == "west"] == list(first.records)
    assert all((folder / "tiles" / name).read_bytes() == content for name, content in west.items())
    assert (folder / "notes.txt").read_text() == "mine"
    replaced = create_samples(scene(layers, scattered_areas(8, 12)), folder, OPTIONS)
    assert replaced.scenes == ("east", "west")
    files = {path.name for path in (folder / "tiles").iterdir()}
    assert files == {f"{record.name}_{end}.tif" for record in replaced.records for end in ("layers", "label")}
    assert replaced.statistics["areas"] == sum(sum(s["areas"].values()) for s in replaced.facts["scenes"])
    index = ogr.Open(str(folder / "index.gpkg"))
    assert index.GetLayerByName("tiles").GetFeatureCount() == len(replaced.records)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


@pytest.mark.parametrize("crs", [CRS, "EPSG:32647", "EPSG:4326"])
def test_ground_keeps_its_role_in_another_scene(layers, tmp_path, crs):
    """The same ground seen again, perhaps on a grid of another CRS, is never labelled under another role."""
    folder = tmp_path / "set"
    create_samples(scene(layers), folder, OPTIONS)
    again = dict(layers)
    if crs != CRS:
        for kind, path in layers.items():
            target = str(tmp_path / f"{kind.value}_again.tif")
            resolution = {"xRes": 30, "yRes": 30} if crs != "EPSG:4326" else {}
            gdal.Warp(target, path, dstSRS=crs, dstNodata=float("nan"), **resolution)
            again[kind] = target
    samples = create_samples(scene(again, scattered_areas(3), "again"), folder, replace(OPTIONS, seed=123))
    ground: dict[str, set[tuple[int, int]]] = {role: set() for role in ROLES}
    labelled = dict.fromkeys(("west", "again"), 0)
    for record, grid in zip(samples.records, tile_grids(samples).values()):
        label = gdal.Open(str(folder / "tiles" / f"{record.name}_label.tif")).ReadAsArray()
        rows, columns = np.nonzero(label != 255)
        labelled[record.scene] += len(rows)
        x, dx, _, y, _, dy = grid.transform
        points = np.stack([x + (columns + 0.5) * dx, y + (rows + 0.5) * dy], 1)
        if crs != CRS and record.scene == "again":
            from osgeo import osr

            from ada_mapper.core.raster import spatial_reference

            back = osr.CoordinateTransformation(spatial_reference(crs), spatial_reference(CRS))
            points = np.array(back.TransformPoints(points.tolist()))[:, :2]
        cells = np.floor((points - [LEFT, TOP]) / 30).astype(int)
        ground[record.role] |= set(map(tuple, cells.tolist()))
    assert not ground["training"] & ground["validation"] and not ground["training"] & ground["test"]
    assert labelled["again"] > 0.6 * labelled["west"]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_a_cancelled_run_leaves_the_earlier_set(layers, tmp_path, fraction):
    folder = tmp_path / "set"
    create_samples(scene(layers), folder, OPTIONS)
    before = files_of(folder)
    for name in ("west", "east"):
        with pytest.raises(CancelledError):
            create_samples(scene(layers, scattered_areas(5), name), folder, OPTIONS, Log(fraction).progress)
        assert files_of(folder) == before
    with pytest.raises(CancelledError):
        create_samples(scene(layers), tmp_path / "new", OPTIONS, Log(fraction).progress)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


def test_errors_say_what_to_do(layers, tmp_path, made):
    def fails(kind, text, folder=tmp_path / "set", options=OPTIONS, **changes):
        with pytest.raises(kind, match=text):
            create_samples(replace(scene(layers), **changes), folder, options)
        assert not (tmp_path / "set").exists()

    fails(InputError, "lies on the scene", areas=Polygons((box(9000, 0, 9, 9),), CRS))
    fails(InputError, "coordinate reference system", areas=Polygons(scattered_areas(), ""))
    fails(InputError, "holds no polygons", areas=Polygons((), CRS, "labels"))
    fails(InputError, "can be learned from", areas=Polygons((box(205, 105, 9, 9),), CRS))
    fails(InputError, "need a phase rate or a LOS rate", layers={KIND.DEM: layers[KIND.DEM]})
    fails(InputError, "name of a scene", name="a/b")
    unplaced = write(tmp_path / "rate.tif", np.ones((64, 64)), "phase_rate", "rad/yr", square_grid(64, 64, ""))
    fails(InputError, r"rate\.tif.*coordinate reference system", layers={KIND.PHASE_RATE: unplaced})
    only_rate = {KIND.PHASE_RATE: layers[KIND.PHASE_RATE]}
    before = files_of(made.folder)
    fails(InputError, "has the layers phase rate, DEM", folder=made.folder, layers=only_rate)
    fails(InputError, "has tiles of 64", folder=made.folder, options=replace(OPTIONS, tile_size=32))
    fails(InputError, "capitals", folder=made.folder, name="West")
    assert files_of(made.folder) == before
    fails(OutputError, "something else", folder=tmp_path)
    with pytest.raises(InputError, match="multiple of 32"):
        SampleOptions(tile_size=100)


def test_damaged_sets_are_refused(made, tmp_path):
    with pytest.raises(InputError, match="no sample set"):
        SampleSet(tmp_path)
    folder = tmp_path / "copy"
    shutil.copytree(made.folder, folder)
    (folder / "tiles" / f"{made.records[0].name}_label.tif").unlink()
    with pytest.raises(InputError, match=r"lacks tiles/west_.*_label\.tif"):
        SampleSet(folder)
    facts = json.loads((folder / "samples.json").read_text())
    for change, text in (({"format": 99}, "update the plugin"), ({"tiles": [{}]}, "damaged")):
        (folder / "samples.json").write_text(json.dumps({**facts, **change}))
        with pytest.raises(InputError, match=text):
            SampleSet(folder)
    (folder / "samples.json").write_text("{")
    with pytest.raises(InputError, match="can't be read"):
        SampleSet(folder)


def changed(made, folder: Path, change) -> Path:
    """A copy of a set whose ``samples.json`` was changed in place."""
    shutil.copytree(made.folder, folder)
    facts = json.loads((folder / "samples.json").read_text())
    change(facts)
    (folder / "samples.json").write_text(json.dumps(facts))
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda facts: facts["tiles"][0].update(name="../../secret"), "name must be a name, not '../../secret'"),
        (lambda facts: facts["tiles"][0].update(name="/etc/passwd"), "name must be a name"),
        (lambda facts: facts["tiles"][0].update(name=""), "name must be a name"),
        (lambda facts: facts["tiles"][0].update(role="holiday"), "has the role holiday"),
        (lambda facts: facts["tiles"][0].update(role=["test"]), "role must be a text"),
        (lambda facts: facts["tiles"][0].update(scene="nowhere"), "is of an unknown scene"),
        (lambda facts: facts["tiles"][0].update(area_pixels="many"), "area_pixels must be a number of pixels or areas"),
        (lambda facts: facts["tiles"][0].update(area_pixels=-1), "area_pixels must be"),
        (lambda facts: facts["tiles"][0].update(row=1e99), r"row must be an integer, not 1e\+99"),
        (lambda facts: facts["tiles"].append(facts["tiles"][0]), "a tile is there twice"),
        (lambda facts: facts["tiles"].append("x"), "it holds 'x' where an object is needed"),
        (lambda facts: facts["tiles"][0].pop("block"), "there is no block"),
        (lambda facts: facts.update(tiles={}), "tiles must be a list"),
        (lambda facts: facts.pop("scenes"), "there is no scenes"),
        (lambda facts: facts["scenes"].append(facts["scenes"][0]), "a scene is there twice"),
        (lambda facts: facts["scenes"][0].update(pixel_size="30"), "pixel_size must be a size in metres, not '30'"),
        (lambda facts: facts.update(pixel_size=float("nan")), "pixel_size must be a size in metres, not nan"),
        (lambda facts: facts.update(pixel_size=-30), "pixel_size must be"),
        (lambda facts: facts.update(pixel_size=10**400), "pixel_size must be"),
        (lambda facts: facts.update(tile_size=2**40), "tile_size must be a size in pixels"),
        (lambda facts: facts.update(tile_size=True), "tile_size must be a size in pixels, not True"),
        (lambda facts: facts.update(layers=[]), "a layer is there twice, or none is"),
        (lambda facts: facts["layers"].append(facts["layers"][0]), "a layer is there twice"),
        (lambda facts: facts["layers"][0].update(kind="gravity"), "no layer called gravity"),
        (lambda facts: facts["layers"][0].update(unit="mm/yr"), "isn't in the unit and sign of training"),
        (lambda facts: facts.update(statistics=[]), "statistics must be an object"),
        (lambda facts: facts.update(format="1"), "format must be an integer, not '1'"),
    ],
)
def test_a_changed_value_of_a_set_is_told_by_its_name(made, tmp_path, change, said):
    folder = changed(made, tmp_path / "set", change)
    with pytest.raises(InputError, match=said) as caught:
        SampleSet(folder)
    assert str(folder / "samples.json") in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda facts: facts["scenes"][0].update(transform=[1, 2]), "transform must be six numbers"),
        (lambda facts: facts["scenes"][0].update(transform=[0, 30, 0, 0, 0, 0]), "is damaged"),
        (lambda facts: facts["scenes"][0].update(width=0), "has no pixels"),
        (lambda facts: facts["scenes"][0].update(areas=None), "areas must be an object"),
        (lambda facts: facts.update(crs=4326), "crs must be a text, not 4326"),
    ],
)
def test_what_only_a_further_scene_needs_is_told_then(made, layers, tmp_path, change, said):
    folder = changed(made, tmp_path / "set", change)
    before = files_of(folder)
    assert len(SampleSet(folder).records) == len(made.records)
    with pytest.raises(InputError, match=said) as caught:
        create_samples(scene(layers, name="east"), folder, OPTIONS)
    assert str(folder / "samples.json") in str(caught.value)
    assert files_of(folder) == before


def test_texts_that_are_no_set(made, tmp_path):
    folder = changed(made, tmp_path / "set", lambda facts: None)
    for content, said in (
        (b"[" * 100_000, "nested too deeply"),
        (b"[1]", r"it holds \[1\] where an object is needed"),
        (b"[" + b"1, " * 99 + b"1]", "it holds a list where an object is needed"),
        (b'{"format": 1,\n"layers": [}', "it is damaged in line 2, or no JSON"),
        (b"\xff\xfe\x00", "can't be read"),
        (b'{"format": 1, "format": 1}', "format is there twice"),
        (b"", "can't be read"),
    ):
        (folder / "samples.json").write_bytes(content)
        with pytest.raises(InputError, match=said):
            SampleSet(folder)


def rewritten(path: Path, values: np.ndarray, kind: int) -> None:
    """Put other values in the place of a tile's."""
    path.unlink()
    bands = values.reshape(-1, *values.shape[-2:])
    target = gdal.GetDriverByName("GTiff").Create(str(path), bands.shape[2], bands.shape[1], len(bands), kind)
    for number, band in enumerate(bands, 1):
        target.GetRasterBand(number).WriteArray(band)
    target = None


@pytest.mark.parametrize(
    ("ending", "values", "kind", "said"),
    [
        ("label", np.full((64, 64), 2), gdal.GDT_Byte, "other values than 0, 1 and 255"),
        ("label", np.full((64, 64), 0.5), gdal.GDT_Float32, "other values than 0, 1 and 255"),
        ("label", np.full((64, 64), np.nan), gdal.GDT_Float32, "other values than 0, 1 and 255"),
        ("label", np.full((64, 64), 256), gdal.GDT_Int16, "other values than 0, 1 and 255"),
        ("label", np.zeros((32, 32)), gdal.GDT_Byte, "must have 1 bands of 64 × 64"),
        ("label", np.zeros((2, 64, 64)), gdal.GDT_Byte, "must have 1 bands of 64 × 64"),
        ("layers", np.zeros((64, 64)), gdal.GDT_Float32, "must have 2 bands of 64 × 64"),
        ("layers", np.zeros((2, 64, 65)), gdal.GDT_Float32, "must have 2 bands of 64 × 64"),
        ("layers", np.zeros((2, 64, 64)), gdal.GDT_CFloat32, "must have 2 bands of 64 × 64 real numbers"),
    ],
)
def test_a_changed_tile_is_told(made, tmp_path, ending, values, kind, said):
    folder = changed(made, tmp_path / "set", lambda facts: None)
    tiles = SampleSet(folder).tiles("training")
    path = folder / "tiles" / f"{tiles.records[0].name}_{ending}.tif"
    rewritten(path, values, kind)
    with pytest.raises(InputError, match=said) as caught:
        tiles[0]
    assert str(path) in str(caught.value)


def test_a_label_of_another_type_with_right_values_is_read(made, tmp_path):
    folder = changed(made, tmp_path / "set", lambda facts: None)
    tiles = SampleSet(folder).tiles("training")
    before = tiles[0].label
    rewritten(folder / "tiles" / f"{tiles.records[0].name}_label.tif", before.astype(np.float32), gdal.GDT_Float32)
    assert tiles[0].label.dtype == np.uint8 and (tiles[0].label == before).all()


def test_a_cut_off_tile_is_told(made, tmp_path):
    folder = changed(made, tmp_path / "set", lambda facts: None)
    tiles = SampleSet(folder).tiles("training")
    path = folder / "tiles" / f"{tiles.records[0].name}_layers.tif"
    content = path.read_bytes()
    for length in (0, 100, len(content) // 2):
        path.unlink()
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="can't be read") as caught:
            tiles[0]
        assert str(path) in str(caught.value)


def test_a_set_without_its_index_takes_no_other_scene(made, layers, tmp_path):
    folder = changed(made, tmp_path / "set", lambda facts: None)
    before = files_of(folder)
    for content in (None, b"", b"no package"):
        (folder / "index.gpkg").unlink()
        if content is not None:
            (folder / "index.gpkg").write_bytes(content)
        with pytest.raises(InputError, match=r"index\.gpkg is missing or was changed") as caught:
            create_samples(scene(layers, name="east"), folder, OPTIONS)
        assert "()" not in str(caught.value)
        (folder / "index.gpkg").write_bytes(before["index.gpkg"])
    assert files_of(folder) == before


@pytest.mark.parametrize(
    ("changed_option", "said"),
    [
        ({"pixel_size": math.nan}, "pixel size"),
        ({"pixel_size": math.inf}, "pixel size"),
        ({"pixel_size": -30.0}, "pixel size"),
        ({"tile_size": 2**30}, "multiple of 32, at most"),
        ({"block_size": math.nan}, "Blocks of nan km"),
        ({"block_size": math.inf}, "Blocks of inf km"),
        ({"block_size": 1e308}, "Blocks of"),
        ({"block_size": 0.0}, "Blocks of 0 km"),
        ({"gap": math.nan}, "gap"),
        ({"gap": -1.0}, "gap"),
        ({"seed": -1}, "seed -1"),
        ({"background_ratio": math.nan}, "ratio of background tiles"),
        ({"background_ratio": math.inf}, "ratio of background tiles"),
        ({"min_area": math.nan}, "smallest area"),
        ({"min_area": -1.0}, "smallest area"),
        ({"shares": {"training": math.nan, "validation": 0.1, "test": 0.1}}, "shares"),
        ({"shares": {"training": 0.0, "validation": 0.5, "test": 0.5}}, "shares"),
        ({"shares": {"training": 1.0}}, "shares"),
    ],
)
def test_impossible_options_are_told(changed_option, said):
    with pytest.raises(InputError, match=said):
        SampleOptions(**changed_option)


def test_pixels_far_finer_than_the_data_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"pixels of 30 m, and pixels of 0\.5 m are asked for"):
        require_resampling("phase rate", 30.0, 0.5)
    coarse = write(tmp_path / "rate.tif", np.ones((64, 64)), "phase_rate", "rad/yr", square_grid(64, 64, CRS, 100.0))
    with pytest.raises(InputError, match="Choose at least 2 m"):
        create_samples(scene({KIND.PHASE_RATE: coarse}), tmp_path / "set", replace(OPTIONS, pixel_size=1.0))
    assert not (tmp_path / "set").exists()


def test_making_samples_keeps_gdal_s_cache_small(layers, tmp_path):
    seen = []
    before = gdal.GetCacheMax()
    progress = Progress(on_fraction=lambda fraction: seen.append(gdal.GetCacheMax()))
    create_samples(scene(layers), tmp_path / "set", OPTIONS, progress)
    assert max(seen[:-1]) <= 128 * 2**20 and gdal.GetCacheMax() == before


def test_tiles_are_a_sequence_that_pickles(made):
    tiles = pickle.loads(pickle.dumps(made.tiles("training")))
    assert len(tiles) == made.statistics["roles"]["training"]["tiles"]
    first, again = tiles[0], made.tiles("training")[0]
    assert set(first.layers) == {"phase_rate", "dem"} and first.label.shape == (64, 64)
    np.testing.assert_array_equal(first.label, again.label)
    assert [tile.name for tile in tiles[1:3]] == [record.name for record in tiles.records[1:3]]
    with pytest.raises(InputError, match="no role"):
        made.tiles("train")


def test_repeated_tiles_go_through_all_areas_each_epoch(made):
    tiles = made.tiles("training")
    source = RepeatedTiles(tiles, 3, None, background_ratio=0.5)
    count = int(tiles.holds_area.sum())
    assert source.epoch_length == count + min(len(tiles) - count, math.ceil(0.5 * count))
    epochs = [[source(e * source.epoch_length + i).name for i in range(source.epoch_length)] for e in range(2)]
    named = {record.name for record in tiles.records if record.area_pixels}
    for names in epochs:
        assert len(set(names)) == len(names) and named <= set(names)
    assert epochs[0] != epochs[1]
    copy = pickle.loads(pickle.dumps(RepeatedTiles(tiles, 3)))
    one, two = copy(7), RepeatedTiles(tiles, 3)(7)
    np.testing.assert_array_equal(one.layers["phase_rate"], two.layers["phase_rate"])
    with pytest.raises(InputError, match="no training tiles"):
        RepeatedTiles((), 1)


def test_augmentation_changes_both_rates_by_the_same_motion():
    random = np.random.default_rng(0)
    phase = random.normal(0, 3, (200, 160)).astype(np.float32)
    los = (-1e3 * SENTINEL1_WAVELENGTH / (4 * math.pi) * phase).astype(np.float32)
    label = (phase > 4).astype(np.uint8)
    tile = SampleTile("a", {"phase_rate": phase, "los_rate": los, "dem": phase * 9}, label, 30.0)
    given = {name: values.copy() for name, values in tile.layers.items()}
    ramps, offsets, gains, holed = [], [], [], 0
    for seed in range(300):
        changed = Augmentation().apply(tile, np.random.default_rng(seed))
        np.testing.assert_allclose(
            changed.layers["los_rate"], -1e3 * SENTINEL1_WAVELENGTH / (4 * math.pi) * changed.layers["phase_rate"],
            rtol=1e-4, atol=1e-3,
        )  # fmt: skip
        np.testing.assert_array_equal(changed.layers["dem"], tile.layers["dem"])
        assert changed.label is label
        values = changed.layers["phase_rate"]
        valid = np.isfinite(values)
        holed += not valid.all()
        rows, columns = np.indices(phase.shape)[:, valid]
        design = np.stack([phase[valid], rows - 99.5, columns - 79.5, np.ones(len(rows))], 1)
        (gain, down, right, offset), *_ = np.linalg.lstsq(design, values[valid].astype(float), rcond=None)
        gains.append(gain)
        offsets.append(offset)
        ramps += [down / 30 * 10_000, right / 30 * 10_000]
    assert all(np.array_equal(tile.layers[name], values) for name, values in given.items())
    assert 0.8 <= min(gains) < 0.83 and 1.2 < max(gains) <= 1.25
    assert -5 <= min(offsets) < -4.7 and 4.7 < max(offsets) <= 5
    assert np.std(ramps) == pytest.approx(0.3, rel=0.15)
    assert 60 < holed < 120


def test_extent_and_ignored_ground_elsewhere_are_told(layers, tmp_path):
    elsewhere = Polygons((box(9000, 0, 9, 9),), CRS, "far")
    with pytest.raises(InputError, match=r"No part of the mapped extent \(far\) lies on the scene"):
        create_samples(scene(layers, surveyed=elsewhere), tmp_path / "set", OPTIONS)
    assert not (tmp_path / "set").exists()
    warnings: list[str] = []
    progress = Progress(on_warning=warnings.append)
    create_samples(scene(layers, ignored=(elsewhere,)), tmp_path / "set", OPTIONS, progress)
    assert "None of the ignored ground lies on the scene “west”: nothing is ignored for it." in warnings


def test_labels_that_cover_nothing_and_long_names_are_told(layers, tmp_path):
    line = bytes(ogr.CreateGeometryFromWkt("POLYGON ((500000 3499000, 500900 3499000, 500000 3499000))").ExportToWkb())
    with pytest.raises(InputError, match=r"None of the labels \(2\) covers any ground"):
        create_samples(scene(layers, areas=(line, line)), tmp_path / "set", OPTIONS)
    with pytest.raises(InputError, match="has 300 letters"):
        create_samples(scene(layers, name="ü" * 300), tmp_path / "set", OPTIONS)
    unlimited = create_samples(scene(layers), tmp_path / "all", replace(OPTIONS, background_ratio=1e308))
    plenty = create_samples(scene(layers), tmp_path / "many", replace(OPTIONS, background_ratio=1e6))
    assert unlimited.records == plenty.records
