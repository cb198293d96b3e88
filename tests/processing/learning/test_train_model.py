"""Train a model: from samples to a model file with card and report, through processing.run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from qgis.core import QgsProcessingException

pytest.importorskip("torch")
pytest.importorskip("onnx")

from ada_mapper.core.channels import Channel, ChannelKind, Scaling
from ada_mapper.core.errors import CancelledError, InputError
from ada_mapper.core.learning import Recipe, TrainingOptions, evaluation, recipe
from ada_mapper.core.learning import train_model as train_model_of
from ada_mapper.core.learning.fine_tuning import count_areas
from ada_mapper.core.learning.recipe import OwnTiles, new_channel, split_dems, starting_card
from ada_mapper.core.models import ModelCard, build_network, export_onnx, load_network, read_card
from ada_mapper.core.models.card import FOREIGN
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandDescription, Grid, RasterWriter, write_array
from ada_mapper.core.samples import SampleTile, stored_unit
from ada_mapper.processing.choices import CHANNEL_CHOICES
from ada_mapper.processing.learning import train_model
from recording_feedback import Feedback

KINDS = (ChannelKind.PHASE_RATE, ChannelKind.LOS_RATE, ChannelKind.DEM)
SIZE = 64
BUDGET = {"STEPS": 4, "BATCH_SIZE": 2, "THREADS": 1, "PATIENCE": 0, "DEVICE": "cpu"}


def disc_tile(seed, index, size=SIZE):
    """Noise and a disc that moves, which is the area."""
    random = np.random.default_rng((seed, index))
    rows, columns = np.indices((size, size))
    disc = np.hypot(rows - random.uniform(16, size - 16), columns - random.uniform(16, size - 16)) < 10
    phase_rate = (random.normal(0, 0.3, disc.shape) + 6.0 * disc).astype(np.float32)
    layers = {
        "phase_rate": phase_rate,
        "los_rate": np.float32(-4.41) * phase_rate,
        "dem": (10.0 * columns).astype(np.float32),
        "slope": np.full(disc.shape, 18.4, np.float32),
        "coherence": np.full(disc.shape, 0.7, np.float32),
        "los_sensitivity": np.full(disc.shape, -0.9, np.float32),
    }
    return SampleTile(f"disc{index}", layers, disc.astype(np.uint8), 30.0)


def write_set(folder, kinds=KINDS, size=SIZE, seed=0, counts=(4, 10, 2)):
    """A sample set of disc tiles."""
    (folder / "tiles").mkdir(parents=True)
    roles = [role for role, count in zip(("training", "validation", "test"), counts) for _ in range(count)]
    grid = Grid("EPSG:32632", (0.0, 30.0, 0.0, 0.0, 0.0, -30.0), size, size)
    records = []
    for index, role in enumerate(roles):
        tile = disc_tile(seed, index, size)
        bands = [BandDescription(kind.value, stored_unit(kind)[0]) for kind in kinds]
        with RasterWriter(folder / "tiles" / f"t{index}_layers.tif", grid, bands) as writer:
            for band, kind in enumerate(kinds, 1):
                writer.write(tile.layers[kind.value], band=band)
        write_array(folder / "tiles" / f"t{index}_label.tif", grid, tile.label, BandDescription("label", ""))
        areas = int(tile.label.sum())
        records.append(
            {"name": f"t{index}", "scene": "discs", "block": f"b{index}", "role": role, "row": 0, "column": 0,
             "area_pixels": areas, "background_pixels": size**2 - areas, "ignored_pixels": 0,
             "valid_pixels": size**2}
        )  # fmt: skip
    layers = [dict(zip(("kind", "unit", "sign"), (kind.value, *stored_unit(kind)))) for kind in kinds]
    scene = {"name": "discs", "pixel_size": 30.0, "crs": grid.crs, "transform": list(grid.transform),
             "width": size, "height": size, "areas": dict(zip(("training", "validation", "test"), counts))}  # fmt: skip
    facts = {"format": 1, "layers": layers, "pixel_size": 30.0, "tile_size": size, "crs": grid.crs, "tiles": records,
             "scenes": [scene], "statistics": {}}  # fmt: skip
    (folder / "samples.json").write_text(json.dumps(facts), "utf-8")
    return str(folder)


class DiscGenerator:
    """In place of the simulation, which takes seconds to start."""

    def __init__(self, seed, size=256, pixel_size=30.0, dem_paths=(), landslides_per_km2=0.0):
        self.seed, self.size = seed, size

    def __call__(self, index):
        return disc_tile(self.seed, index, self.size)


@pytest.fixture(autouse=True)
def quick_simulation(monkeypatch):
    monkeypatch.setattr(recipe, "TileGenerator", DiscGenerator)
    monkeypatch.setattr(train_model, "SIMULATED_TILES", 4)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("samples") / "discs")


def test_a_new_model_from_samples_with_card_and_report(run, tmp_path, samples):
    model, report = tmp_path / "mine.onnx", tmp_path / "mine.html"
    feedback = Feedback()
    parameters = {**BUDGET, "SAMPLES": samples, "SIMULATED_SHARE": 0, "MODEL": str(model), "REPORT": str(report),
                  "LICENCE": "CC0-1.0", "NAME": "Discs"}  # fmt: skip
    result = run("trainmodel", parameters, feedback)
    card = read_card(model)
    assert load_network(model).channels == 3
    assert (card.name, card.licence, card.architecture) == ("Discs", "CC0-1.0", "compact")
    assert [channel.kind for channel in card.channels] == list(KINDS)
    facts = json.loads(json.dumps(dict(card.training), allow_nan=False))
    assert facts["steps"] == result["STEPS_DONE"] == 4 and facts["samples"] == 8
    assert facts["sample_sets"][0]["tiles"] == {"training": 4, "validation": 10, "test": 2}
    judged = facts["judged"]["own test tiles"]
    assert set(judged) == {"model", "classical detector"} and judged["model"]["true_areas"] == 2
    assert result["IOU"] == pytest.approx(judged["model"].get("iou", np.nan), nan_ok=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.html", "mine.onnx"]
    page = report.read_text("utf-8")
    downhill = facts["classical"]["min_sensitivity"] is not None
    assert ("Only downhill motion counts" in page) == downhill
    assert page.count("<polyline") == 3 and "classical detector" in page and "own test tiles" in page
    assert all(text in page for text in ("Discs", "CC0-1.0", "learning rate", "discs"))
    assert "Learning rate: 0.002." in feedback.log and "CPU" in feedback.log


def test_fine_tuning_keeps_channels_and_judges_both_grounds(run, tmp_path, samples):
    base, tuned = tmp_path / "base.onnx", tmp_path / "tuned.onnx"
    run("trainmodel", {**BUDGET, "CHANNELS": ["phase_rate", "los_rate", "dem", "slope"], "SIMULATED_SHARE": 50,
                       "SAMPLES": samples, "MODEL": str(base)})  # fmt: skip
    feedback = Feedback()
    report = tmp_path / "tuned.html"
    parameters = {**BUDGET, "SAMPLES": samples, "START": str(base), "MODEL": str(tuned), "REPORT": str(report)}
    run("trainmodel", parameters, feedback)
    card = read_card(tuned)
    assert card.channels == read_card(base).channels and card.name == "base, fine-tuned"
    facts = card.training
    assert [line["share"] for line in facts["fine_tuning"]["candidates"]] == [0, 0.25, 0.5, 0.75, 1]
    assert facts["fine_tuning"]["start"]["name"] == "base" and facts["simulated_share"] == 0.5
    assert set(facts["judged"]) == {"own test tiles", "simulated test tiles"}
    assert set(facts["judged"]["own test tiles"]) == {"model", "model it started from", "classical detector"}
    assert "Learning rate: 0.0002." in feedback.log
    assert "chosen" in report.read_text("utf-8")
    with pytest.raises(QgsProcessingException, match="would be written over Start from model"):
        run("trainmodel", {**parameters, "MODEL": str(base)})


def test_a_cancelled_training_goes_on_unless_its_settings_changed(run, tmp_path, samples):
    model, checkpoint = tmp_path / "mine.onnx", tmp_path / "mine.checkpoint.pt"
    parameters = {**BUDGET, "SAMPLES": samples, "SIMULATED_SHARE": 0, "MODEL": str(model)}
    with pytest.raises(QgsProcessingException, match="cancelled"):
        run("trainmodel", parameters, Feedback(cancel_at=40))
    assert checkpoint.exists() and not model.exists()
    with pytest.raises(QgsProcessingException, match=r"batch size was 2, now 3.*Delete"):
        run("trainmodel", {**parameters, "BATCH_SIZE": 3})
    feedback = Feedback()
    run("trainmodel", parameters, feedback)
    assert "Continuing from" in feedback.log and not checkpoint.exists()
    whole = tmp_path / "whole.onnx"
    run("trainmodel", {**parameters, "MODEL": str(whole)})
    one, other = (load_network(path).state_dict() for path in (model, whole))
    assert all((tensor == other[name]).all() for name, tensor in one.items())


def test_a_model_whose_report_cannot_be_written_is_not_there_but_its_training_is(run, tmp_path, samples, monkeypatch):
    from ada_mapper.core import learning
    from ada_mapper.core.errors import OutputError
    from ada_mapper.core.learning import training

    def full(path, *_):
        raise OutputError("The disk is full: {path} can't be written.", path=path)

    model, checkpoint, report = tmp_path / "mine.onnx", tmp_path / "mine.checkpoint.pt", tmp_path / "report.html"
    model.write_bytes(b"old")
    parameters = {**BUDGET, "SAMPLES": samples, "SIMULATED_SHARE": 0, "MODEL": str(model), "REPORT": str(report)}
    monkeypatch.setattr(training, "_CHECKPOINT_SECONDS", 0)
    with monkeypatch.context() as patch:
        patch.setattr(learning, "write_training_report", full)
        with pytest.raises(QgsProcessingException, match=rf"disk is full: {report} can't be written"):
            run("trainmodel", parameters)
    assert model.read_bytes() == b"old" and checkpoint.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"mine.onnx", "mine.checkpoint.pt"}
    run("trainmodel", parameters)
    assert read_card(model).training["steps"] == BUDGET["STEPS"]
    assert {path.name for path in tmp_path.iterdir()} == {"mine.onnx", "report.html"}


def test_without_torch_one_sentence_says_what_to_install(run, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("ada_mapper.core.learning.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(QgsProcessingException, match="needs the Python package torch"):
        run("trainmodel", {"MODEL": str(tmp_path / "model.onnx")})


def options(**changes):
    return TrainingOptions(**{"steps": 1, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"simulated_share": 0.5}, "100 %"),
        ({"start": "base.onnx"}, "labels of your own"),
        ({"samples": ("set",)}, "would not be used"),
        ({"architecture": "perceptron"}, "compact"),
        ({"simulated_share": 2.0}, "between 0 and 100"),
    ],
)
def test_recipes_that_contradict_themselves_are_refused(changes, said):
    with pytest.raises(Exception, match=said):
        Recipe("model.onnx", options(), **changes)


def test_samples_that_do_not_go_together_are_refused(tmp_path, samples):
    small = write_set(tmp_path / "small", size=48, counts=(1, 0, 0))
    with pytest.raises(Exception, match="48 pixels of 30 m"):
        OwnTiles([samples, small])
    own = OwnTiles([small])
    with pytest.raises(Exception, match="multiple of 32"):
        starting_card(Recipe("m.onnx", options(), (small,), 0.0), own)
    with pytest.raises(Exception, match="needs a rate"):
        starting_card(Recipe("m.onnx", options(), kinds=(ChannelKind.DEM,)), None)


def test_two_sets_are_one_and_a_layer_that_one_lacks_holds_no_data(tmp_path, samples):
    bare = write_set(tmp_path / "bare", kinds=KINDS[:1], seed=3, counts=(2, 1, 0))
    own = OwnTiles([samples, bare])
    assert own.kinds == KINDS
    validation = own.tiles("validation", own.kinds)
    assert len(validation) == 11
    assert np.isnan(validation[10].layers["los_rate"]).all() and "slope" in validation[0].layers
    source = own.source(own.kinds, seed=1)
    from_bare = sum(bool(np.isnan(source(index).layers["dem"]).all()) for index in range(80))
    assert from_bare == pytest.approx(80 / 3, abs=1)
    card = starting_card(Recipe("m.onnx", options(), (samples, bare), 0.0), own)
    assert [channel.optional for channel in card.channels] == [True, True, True]
    single = starting_card(Recipe("m.onnx", options(), (bare,), 0.0), OwnTiles([bare]))
    assert [channel.optional for channel in single.channels] == [False]


def test_all_channels_of_the_dialog_can_be_trained():
    for name in CHANNEL_CHOICES:
        assert new_channel(ChannelKind(name)).kind.value == name


def test_dems_are_split_so_that_none_trains_and_judges(tmp_path):
    for number in range(9):
        (tmp_path / f"dem{number}.tif").touch()
    terrain = split_dems(tmp_path)
    parts = [{Path(path).stem for path in part} for part in (terrain.training, terrain.validation, terrain.test)]
    assert [len(part) for part in parts] == [5, 2, 2] and len(set.union(*parts)) == 9
    assert split_dems(None).training == ()
    heights = np.zeros((40, 40), np.float32)
    for name, x in (("a", 0.0), ("a_east", 1200.0), ("b", 90e3), ("c", 180e3)):
        grid = Grid("EPSG:32632", (500e3 + x, 30.0, 0.0, 5e6, 0.0, -30.0), 40, 40)
        (tmp_path / "near").mkdir(exist_ok=True)
        write_array(tmp_path / "near" / f"{name}.tif", grid, heights, BandDescription("dem", "m"))
    apart = split_dems(tmp_path / "near")
    assert [[Path(path).stem for path in part] for part in (apart.training, apart.validation, apart.test)] == [
        ["a", "a_east"], ["b"], ["c"]
    ]  # fmt: skip
    (tmp_path / "empty").mkdir()
    with pytest.raises(Exception, match="no GeoTIFF"):
        split_dems(tmp_path / "empty")


def test_what_cannot_be_trained_is_told_before_any_tile_is_made(tmp_path, samples, monkeypatch):
    monkeypatch.setattr(recipe, "TileGenerator", None)
    empty = write_set(tmp_path / "empty", counts=(2, 2, 0))
    facts = json.loads((tmp_path / "empty" / "samples.json").read_text())
    for tile in facts["tiles"]:
        tile["area_pixels"] = 0
    (tmp_path / "empty" / "samples.json").write_text(json.dumps(facts))
    toward = Channel(ChannelKind.LOS_RATE, "m/yr", "toward", Scaling("asinh", scale=0.01))
    odd = ModelCard("odd", "1", "", (toward,), tile_size=64)
    export_onnx(build_network("compact", 1), odd, tmp_path / "odd.onnx")
    imported = ModelCard("far", "1", "", (toward,), tile_size=64, architecture=FOREIGN)
    write_card_alone(tmp_path / "odd.onnx", imported, tmp_path / "far.onnx")
    of_samples = {"samples": (samples,), "simulated_share": 0.5}
    for settings, said in (
        ({"samples": (empty,), "simulated_share": 0.5}, "No training tile of .* holds a labelled area"),
        (
            {"samples": (samples,), "simulated_share": 0.5, "start": str(tmp_path / "odd.onnx")},
            "LOS rate in m/yr toward",
        ),
        ({**of_samples, "start": str(tmp_path / "none.onnx")}, "doesn't exist"),
        ({"dem_folder": str(tmp_path / "nowhere")}, r"nowhere can't be read \(No such file or directory\)"),
        ({"dem_folder": str(tmp_path / "odd.onnx")}, r"can't be read \(Not a directory\)"),
        ({"dem_folder": str(tmp_path / "empty")}, "holds no GeoTIFF"),
        ({"samples": (str(tmp_path),), "simulated_share": 0.5}, "is no sample set"),
    ):
        with pytest.raises(InputError, match=said):
            train_model_of(Recipe(tmp_path / "m.onnx", options(), **settings))
    with pytest.raises(InputError, match="imported from another program"):
        load_network(tmp_path / "far.onnx")
    assert not (tmp_path / "m.onnx").exists() and not (tmp_path / "m.checkpoint.pt").exists()


def write_card_alone(source, card, target):
    """The same network under another card."""
    import onnx

    model = onnx.load(source)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, card.metadata())
    onnx.save(model, target)


@pytest.mark.parametrize("checks", [0, 1, 3, 6])
def test_a_training_stopped_at_any_moment_leaves_no_model(tmp_path, samples, checks):
    left = iter(range(checks))
    progress = Progress(is_cancelled=lambda: next(left, None) is None)
    made = Recipe(tmp_path / "m.onnx", options(batch_size=2), (samples,), 0.5, simulated_tiles=4)
    with pytest.raises(CancelledError):
        train_model_of(made, progress)
    assert not list(tmp_path.glob("*.onnx"))


def test_judging_and_calibrating_look_at_cancel(samples):
    tiles = OwnTiles([samples]).tiles("validation", KINDS)
    card = starting_card(Recipe("m.onnx", options(), (samples,), 0.5), OwnTiles([samples]))
    network = build_network("compact", len(card.band_names))
    judged = evaluation.judged_tiles(network, card, tiles)
    stopped = Progress(is_cancelled=lambda: True)
    for use in (
        lambda: evaluation.calibrate(network, card, tiles, progress=stopped),
        lambda: evaluation.choose_thresholds(card, judged, stopped),
        lambda: evaluation.best_classical(tiles, judged, stopped),
        lambda: evaluation.judge_classical(evaluation.CLASSICAL_SETTINGS[0], card, tiles, judged, stopped),
        lambda: count_areas(tiles, stopped),
        lambda: recipe.SimulatedTiles(1, 64, 30.0, recipe.TerrainSplit()).tiles("test", 3, stopped),
    ):
        with pytest.raises(CancelledError):
            use()
