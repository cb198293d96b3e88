"""The card's round trips, what Deepness reads, and a sentence for every file that isn't a usable model."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.areas import AreaCalibration
from ada_mapper.core.channels import MINMAX_CHANNELS, Channel, ChannelKind, Scaling
from ada_mapper.core.errors import InputError
from ada_mapper.core.models import ModelCard, read_card
from ada_mapper.core.models.card import CARD_FORMAT, CARD_KEY
from examples import examples
from tiny_models import card_of, write_model

PHASE, LOS, DEM, SLOPE = (
    MINMAX_CHANNELS[kind] for kind in (ChannelKind.PHASE_RATE, ChannelKind.LOS_RATE, ChannelKind.DEM, ChannelKind.SLOPE)
)
WRAPPED = Channel(ChannelKind.PHASE_RATE_WRAPPED, "mm/yr", "away", Scaling("wrap", cycle=27.7), fill=0.25)


def _card() -> ModelCard:
    training = {"samples": 34000, "accuracy": {"iou": 0.8}, "note": "Ångström 滑坡"}
    return card_of(PHASE, WRAPPED, replace(SLOPE, optional=True), training=training, licence="CC BY 4.0")


def test_card_survives_json_and_the_model_file(tmp_path: Path) -> None:
    card = _card()
    assert ModelCard.from_json(card.to_json()) == card
    assert read_card(write_model(tmp_path / "model.onnx", card)) == card


def test_a_calibration_of_areas_is_kept_and_cards_without_one_stay_as_they_were(tmp_path: Path) -> None:
    card = replace(_card(), area_calibration=AreaCalibration(0.7, -0.4, 0.25))
    assert json.loads(card.to_json())["area_calibration"] == {"slope": 0.7, "offset": -0.4, "size": 0.25}
    assert read_card(write_model(tmp_path / "model.onnx", card)) == card
    assert "area_calibration" not in json.loads(_card().to_json())


def test_bands_fills_and_layers_follow_the_channels() -> None:
    card = _card()
    assert card.band_names == ("phase_rate", "phase_rate_wrapped_sine", "phase_rate_wrapped_cosine", "slope")
    assert card.fills == (0.5, 0.25, 0.25, 0.0)
    assert card.layers == (ChannelKind.PHASE_RATE, ChannelKind.SLOPE)


def test_deepness_reads_its_keys_as_json() -> None:
    values = {key: json.loads(text) for key, text in _card().deepness_metadata().items()}
    assert values["model_type"] == "Segmentor"
    assert values["class_names"] == {"0": "background", "1": "active deformation area"}
    assert values["resolution"] == 3000  # centimetres
    assert values["tile_size"] == values["tiles_size"] == 64
    assert 0 < values["tiles_overlap"] < 50
    assert values["seg_thresh"] == 0.5
    composite = np.array([0.0, 0.25, 1.0])
    for mean, deviation in zip(values["standardization_mean"], values["standardization_std"]):
        np.testing.assert_allclose((composite / 255 - mean) / deviation, composite)
    assert len(values["standardization_mean"]) == 4


@pytest.mark.parametrize("size", [0, 1, 300, 5000])
def test_metadata_equals_what_onnx_reads(tmp_path: Path, size: int) -> None:
    card = card_of(PHASE, description="é" * size)
    path = write_model(tmp_path / "model.onnx", card)
    assert {entry.key: entry.value for entry in onnx.load(path).metadata_props} == card.metadata()
    assert read_card(path).description == "é" * size


def _refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_card(path)
    assert str(path) in str(error.value)
    return str(error.value)


def test_files_that_are_no_model(tmp_path: Path) -> None:
    assert "doesn't exist" in _refused(tmp_path / "none.onnx")
    for name, content in (("empty", b""), ("text", b"hello, this is no model\n" * 9), ("zeros", bytes(1000))):
        (tmp_path / name).write_bytes(content)
        assert "not an ONNX model" in _refused(tmp_path / name)
    assert "is a folder" in _refused(tmp_path)


def test_a_model_without_a_card(tmp_path: Path) -> None:
    assert "not made for ADA Mapper" in _refused(write_model(tmp_path / "other.onnx", None))


def test_a_card_of_a_newer_format(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.onnx", _card())
    _change_card(path, {"format": CARD_FORMAT + 1})
    assert "update the plugin" in _refused(path)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"format": None}, "format"),
        ({"channels": []}, "no channels"),
        ({"channels": 3}, "channels must be a list, not 3"),
        ({"pixel_size": "thirty"}, "pixel_size must be a number, not 'thirty'"),
        ({"tile_size": 250}, "multiple of the stride"),
        ({"threshold": 0.2, "low_threshold": 0.3}, "thresholds"),
        ({"wavelength": 1}, "wavelength"),
        ({"name": 7}, "name must be a text, not 7"),
        ({"licence": None}, "licence must be a text, not None"),
        ({"pixel_size": True}, "pixel_size must be a number, not True"),
        ({"pixel_size": float("nan")}, "pixel_size must be a number, not nan"),
        ({"pixel_size": 10**400}, "pixel_size must be a number, not 1000"),
        ({"pixel_size": -30}, "pixel size must be above 0"),
        ({"min_area": float("inf")}, "min_area must be a number, not inf"),
        ({"min_area": -1}, "minimum area"),
        ({"threshold": "0.5"}, "threshold must be a number, not '0.5'"),
        ({"threshold": 1.5}, "thresholds"),
        ({"threshold": 0.5, "low_threshold": -0.1}, "thresholds"),
        ({"tile_size": 64.5}, "tile_size must be an integer, not 64.5"),
        ({"tile_size": 2**40, "stride": 2**40}, "at most 8192 pixels"),
        ({"stride": 0}, "multiple of the stride"),
        ({"classes": "ab"}, "classes must be a list of texts, not 'ab'"),
        ({"classes": [1, 2]}, "classes must be a list of texts, not [1, 2]"),
        ({"classes": ["only one"]}, "two classes"),
        ({"area_calibration": [1, 0, 0]}, "area_calibration must be an object, not [1, 0, 0]"),
        ({"area_calibration": {"slope": 1}}, "“offset” is missing in a calibration of areas"),
        ({"area_calibration": {"slope": -1, "offset": 0}}, "can't have the slope -1"),
        ({"area_calibration": {"slope": 1, "offset": 0, "tilt": 2}}, "“tilt” is no part of a calibration of areas"),
        (
            {"channels": [{**PHASE.to_json(), "scaling": {"method": "asinh", "scale": 5, "limit": 0}}]},
            "“limit” above 0",
        ),
        ({"training": ["a"]}, "training must be an object, not ['a']"),
        ({"channels": {"kind": "dem"}}, "channels must be a list"),
        ({"channels": ["dem"]}, "'dem' doesn't describe a channel"),
        ({"channels": [{**PHASE.to_json(), "kind": "gravity"}]}, "channel kind “'gravity'” is unknown"),
        ({"channels": [{**PHASE.to_json(), "kind": ["dem"]}]}, "is unknown"),
        ({"channels": [PHASE.to_json(), PHASE.to_json()]}, "a channel appears twice"),
        ({"channels": [{**PHASE.to_json(), "unit": 3}]}, "can't have the unit"),
        ({"channels": [{**PHASE.to_json(), "fill": "0"}]}, "can't be filled with '0'"),
        ({"channels": [{**PHASE.to_json(), "optional": "no"}]}, "not 'no'"),
        ({"channels": [{**PHASE.to_json(), "scaling": [1]}]}, "doesn't describe a scaling"),
        ({"channels": [{**PHASE.to_json(), "scaling": {"method": "minmax", "low": 0, "high": 0}}]}, "low < high"),
        ({"channels": [{**PHASE.to_json(), "scaling": {"method": "asinh", "scale": 1e-300}}]}, "above 0"),
        ({"channels": [{**PHASE.to_json(), "scaling": {"method": "asinh", "scale": "x" * 999}}]}, "needs the number"),
        (
            {"channels": [{**PHASE.to_json(), "scaling": {"method": "asinh", "scale": 5, "local_radius": 1e12}}]},
            "at most 100 km",
        ),
    ],
)
def test_cards_that_make_no_sense(tmp_path: Path, change: dict, part: str) -> None:
    path = write_model(tmp_path / "model.onnx", _card())
    _change_card(path, change)
    assert part in _refused(path)


def _change_card(path: Path, change: dict) -> None:
    model = onnx.load(path)
    entry = next(entry for entry in model.metadata_props if entry.key == CARD_KEY)
    entry.value = json.dumps({**json.loads(entry.value), **change})
    onnx.save(model, path)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('{{"format": 1, "training": {{"a": {}1{}}}}}'.format("[" * 5000, "]" * 5000), "nested too deeply"),
        ('{{"format": 1, "training": {{"a": {}1{}}}}}'.format("[" * 200, "]" * 200), "nested too deeply"),
        ('{"format": 1, "name": "a", "name": "b"}', "name is there twice"),
        ("[" * 100_000, "nested too deeply"),
        ("{", "isn't valid JSON"),
        ("[1]", "isn't a JSON object"),
        ('{"format": 1}', "“name” is missing"),
        ('{"format": "1"}', "which format"),
    ],
)
def test_texts_that_are_no_card(tmp_path: Path, text: str, part: str) -> None:
    path = write_model(tmp_path / "model.onnx", _card())
    model = onnx.load(path)
    next(entry for entry in model.metadata_props if entry.key == CARD_KEY).value = text
    onnx.save(model, path)
    said = _refused(path)
    assert part in said and len(said) < 600


def test_two_cards_in_one_file(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.onnx", _card())
    model = onnx.load(path)
    model.metadata_props.add(key=CARD_KEY, value="{}")
    onnx.save(model, path)
    assert f"{CARD_KEY} twice" in _refused(path)


def test_no_name_and_what_is_no_file(tmp_path: Path) -> None:
    for name in ("", " "):
        with pytest.raises(InputError, match=r"^No model file is named\. Choose one\.$"):
            read_card(name)
    pipe = tmp_path / "pipe.onnx"
    os.mkfifo(pipe)
    assert "is no file" in _refused(pipe)
    assert "doesn't exist" in _refused(tmp_path / "a" / "b.onnx")
    (tmp_path / "file").write_bytes(b"")
    assert "doesn't exist" in _refused(tmp_path / "file" / "b.onnx")
    assert "can't be read (File name too long)" in _refused(tmp_path / ("n" * 300 + ".onnx"))
    with pytest.raises(InputError, match="can't be read"):
        read_card("a\0b.onnx")


def test_every_truncation_is_noticed_or_loses_nothing(tmp_path: Path) -> None:
    card = card_of(PHASE)
    content = write_model(tmp_path / "model.onnx", card).read_bytes()
    path = tmp_path / "cut.onnx"
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        try:
            assert read_card(path) == card
        except InputError as error:
            assert str(path) in str(error)


def test_a_file_that_ends_inside_the_network_is_damaged(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.onnx", card_of(PHASE), np.ones((9, 9), np.float32))
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"weights") + 20])
    assert "damaged" in _refused(path)


@examples(200)
@given(st.binary(max_size=200))
def test_random_bytes_only_ever_give_the_users_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "random.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_card(path)


def test_missing_layers_are_named_with_all_that_is_needed() -> None:
    card = card_of(PHASE, DEM, replace(SLOPE, optional=True))
    card.require_layers([ChannelKind.PHASE_RATE, ChannelKind.DEM])
    with pytest.raises(InputError, match="needs the phase rate and the DEM, but the DEM is missing"):
        card.require_layers([ChannelKind.PHASE_RATE, ChannelKind.SLOPE])
    with pytest.raises(InputError, match="needs the phase rate, but the phase rate is missing"):
        card_of(WRAPPED).require_layers([ChannelKind.LOS_RATE])


def test_some_rate_must_be_given_even_when_each_is_optional() -> None:
    card = card_of(replace(PHASE, optional=True), replace(LOS, optional=True), DEM)
    card.require_layers([ChannelKind.LOS_RATE, ChannelKind.DEM])
    with pytest.raises(InputError, match="the phase rate or the LOS rate, but none is given"):
        card.require_layers([ChannelKind.DEM])
