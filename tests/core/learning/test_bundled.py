"""The recipe of the model that comes with the plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from ada_mapper.core.channels import COMBINATIONS, ChannelKind
from ada_mapper.core.errors import InputError
from ada_mapper.core.learning import bundled, bundled_card, split_terrain, worlds
from ada_mapper.core.models import ModelCard, read_card
from ada_mapper.core.raster import BandDescription, Grid, write_array
from learning_tiles import DiscTiles


def test_the_bundled_card_survives_json_and_can_do_without_any_channel_but_not_without_a_rate() -> None:
    card = bundled_card({"samples": 1})
    assert ModelCard.from_json(card.to_json()) == card
    for combination in COMBINATIONS.values():
        card.require_layers(combination)
    with pytest.raises(InputError, match="without a rate no motion"):
        card.require_layers([ChannelKind.DEM, ChannelKind.SLOPE, ChannelKind.LOS_SENSITIVITY])


def test_terrain_is_split_by_name_and_coarse_or_unplaced_dems_are_left_out(tmp_path: Path) -> None:
    dem = torch.zeros(4, 4).numpy()
    for name, size, crs in [
        ("andes", 30.0, "EPSG:32719"),
        ("alps_west", 30.0, "EPSG:32632"),
        ("tatra", 30.0, "EPSG:32634"),
        ("coarse", 90.0, "EPSG:32632"),
        ("nowhere", 30.0, ""),
    ]:
        grid = Grid(crs, (0.0, size, 0.0, 0.0, 0.0, -size), 4, 4)
        write_array(tmp_path / f"{name}.tif", grid, dem, BandDescription("dem", "m"))
    split = split_terrain(tmp_path, ["alps"], ["tatra"])
    assert split.to_json() == {
        "training": ["andes", "generated"],
        "validation": ["alps_west", "generated"],
        "test": ["tatra", "generated"],
    }
    with pytest.raises(InputError, match="no DEM for the test"):
        split_terrain(tmp_path, ["alps"], ["pyrenees"])
    with pytest.raises(InputError, match="Name each DEM once"):
        split_terrain(tmp_path, ["alps"], ["alps_west"])


def test_the_door_trains_judges_and_writes_a_model_with_its_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")

    def disc_tiles(seed: int, *_: object, **__: object) -> DiscTiles:
        return DiscTiles(seed)

    for name in ("TileGenerator", "WideTiles", "SecondFamilyTiles"):
        monkeypatch.setattr(worlds, name, disc_tiles)
    monkeypatch.setattr(worlds, "JUDGED_TILES", 3)
    monkeypatch.setattr(worlds, "CHOOSING_TILES", 2)
    output, checkpoint = tmp_path / "model.onnx", tmp_path / "run.pt"
    arguments = ["--minutes", "0.02", "--workers", "0", "--checkpoint", str(checkpoint), "--output", str(output)]
    assert bundled.main(arguments) == 0
    card = read_card(output)
    assert {*COMBINATIONS, "classical detector"} < set(card.training["judged"])
    assert card.training["samples"] > 0 and checkpoint.exists()
    further = tmp_path / "further.onnx"
    again = ["--steps", "2", "--workers", "0", "--seed", "2", "--start", str(output), "--output", str(further)]
    assert bundled.main(again) == 0
    origin = read_card(further).training["start"]
    assert origin["samples"] == card.training["samples"] and origin["start"] == "fresh weights"
    assert read_card(further).training["samples"] == 2 * read_card(further).training["options"]["batch_size"]
    assert (
        bundled.main(["--dems", str(tmp_path), "--validation", "valley", "--test", "hill", "--output", str(output)])
        == 1
    )
    with pytest.raises(SystemExit):
        bundled.main(["--dems", str(tmp_path), "--output", str(output)])
