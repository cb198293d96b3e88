"""The chance that an area is right: by hand, through the tag of a band, at the end in the attribute."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.areas import AREA_CALIBRATION_TAG, AreaCalibration, AreaRules, extract_areas
from ada_mapper.core.areas.attributes import TOO_FAST
from ada_mapper.core.channels import MINMAX_CHANNELS, ChannelKind
from ada_mapper.core.detection import Composite, detect
from ada_mapper.core.errors import InputError
from ada_mapper.core.models import open_backend, read_card
from ada_mapper.core.progress import Progress
from ada_mapper.core.raster import BandDescription, BandReader, write_array
from ada_mapper.core.satellite import SENTINEL1_WAVELENGTH, fastest_measurable
from examples import examples
from tiny_models import card_of, grid, write_layer, write_model

number = st.floats(-20, 20)
CALIBRATION = AreaCalibration(0.7, -0.4, 0.9)


def by_hand(numbers: AreaCalibration, probability: float, square_metres: float) -> float:
    odds = (probability / (1 - probability)) ** numbers.slope
    odds *= math.exp(numbers.offset) * (square_metres / 10_000) ** numbers.size
    return odds / (1 + odds)


@examples(100)
@given(st.floats(0, 5), number, st.floats(-2, 2), st.floats(0.001, 0.999), st.floats(1e3, 1e7))
def test_the_chance_is_the_logistic_of_odds_and_size(
    slope: float, offset: float, size: float, probability: float, square_metres: float
) -> None:
    calibration = AreaCalibration(slope, offset, size)
    chance = calibration.chance(probability, square_metres)
    assert chance == pytest.approx(by_hand(calibration, probability, square_metres), rel=1e-9, abs=1e-12)
    again = AreaCalibration.from_text(calibration.text)
    assert again is not None and again.chance(probability, square_metres) == pytest.approx(chance, rel=1e-6, abs=1e-9)


def test_sure_probabilities_give_finite_chances_that_grow() -> None:
    chances = [AreaCalibration(3.0, 900.0).chance(value, 1e4) for value in (0.0, 1e-9, 0.5, 1.0)]
    assert all(0 <= chance <= 1 for chance in chances) and chances == sorted(chances)
    assert AreaCalibration(0.0, -900.0).chance(1.0, 1e4) == pytest.approx(0, abs=1e-300)


def test_coarser_data_need_as_many_pixels() -> None:
    for square_metres in (2e4, 3e5):
        coarse = CALIBRATION.coarser(2.5).chance(0.6, square_metres * 2.5**2)
        assert coarse == pytest.approx(CALIBRATION.chance(0.6, square_metres))


@pytest.mark.parametrize("text", ["", "1 2", "1 2 3 4", "a b c", "-1 0 0", "nan 0 0", "1 inf 0", "1e40 0 0"])
def test_what_is_no_calibration_counts_as_none(text: str) -> None:
    assert AreaCalibration.from_text(text) is None


@pytest.mark.parametrize("numbers", [(-0.1, 0, 0), (1, math.nan, 0), (1, 0, "2"), (True, 0, 0)])
def test_numbers_that_make_no_sense_are_refused(numbers: tuple[object, ...]) -> None:
    with pytest.raises(InputError, match="calibration of areas can't have"):
        AreaCalibration(*numbers)  # type: ignore[arg-type]


def probability_of(path: Path, *tags: tuple[str, str]) -> Path:
    """Two areas of 100 pixels and of 16 pixels of 900 m², of a mean of 0.7 and of 0.6."""
    values = np.zeros((30, 40))
    values[5:10, 5:15], values[10:15, 5:15] = 0.8, 0.6
    values[20:24, 20:24] = 0.6
    write_array(path, grid(40, 30), values.astype(np.float32), BandDescription("probability", "1", tags))
    return path


RULES = AreaRules(threshold=0.5, low_threshold=0.5, min_area=0)


def test_areas_of_a_calibrated_model_have_the_chance_that_they_are_right(tmp_path: Path) -> None:
    said: list[str] = []
    tags = ((AREA_CALIBRATION_TAG, CALIBRATION.text), ("THRESHOLD", "0.5"), ("LOW_THRESHOLD", "0.5"))
    areas = extract_areas(probability_of(tmp_path / "p.tif", *tags), RULES, progress=Progress(on_info=said.append))
    for area, mean in zip(areas, (0.7, 0.6)):
        found = area.attributes
        assert found["probability_mean"] == pytest.approx(mean, abs=1e-6)
        expected = by_hand(CALIBRATION, mean, found["area_km2"] * 1e6)
        assert found["area_probability"] == pytest.approx(expected, abs=1e-5)
    assert areas[0].attributes["area_probability"] > areas[1].attributes["area_probability"] + 0.2
    assert any("as measured when the model was made" in text for text in said)
    extract_areas(tmp_path / "p.tif", AreaRules(0.55, 0.5, 0), progress=Progress(on_info=said.append))
    assert "with others it holds roughly" in said[-1]


@pytest.mark.parametrize("tags", [(), ((AREA_CALIBRATION_TAG, "rubbish"),)])
def test_without_a_calibration_the_mean_of_the_pixels_is_told_as_such(tmp_path: Path, tags: tuple[()]) -> None:
    said: list[str] = []
    path = probability_of(tmp_path / "p.tif", *tags)
    for area in extract_areas(path, RULES, progress=Progress(on_info=said.append)):
        assert area.attributes["area_probability"] == area.attributes["probability_mean"]
    assert any("isn't calibrated for areas: their probability is the mean of their pixels" in text for text in said)


@pytest.mark.parametrize("size", [30.0, 60.0])
def test_the_calibration_goes_from_the_card_to_the_areas(tmp_path: Path, size: float) -> None:
    rate = MINMAX_CHANNELS[ChannelKind.LOS_RATE]
    model = write_model(tmp_path / "m.onnx", card_of(rate, threshold=0.8, area_calibration=CALIBRATION))
    values = np.full((64, 64), -150.0, np.float32)
    values[20:30, 20:30] = 120  # scaled to 0.9
    layer = write_layer(tmp_path / "r.tif", values, grid(64, 64, size))
    card = read_card(model)
    with Composite({ChannelKind.LOS_RATE: layer}, card) as composite:
        detect(composite, open_backend(model), card, tmp_path / "p.tif")
    with BandReader(tmp_path / "p.tif") as reader:
        told = AreaCalibration.from_text(reader.tags[AREA_CALIBRATION_TAG])
    assert told is not None and (told.slope, told.size) == (0.7, 0.9)
    assert told.offset == pytest.approx(-0.4 - 0.9 * 2 * math.log(size / 30))


def tagged(path: Path, peak: float, **tags: str) -> Path:
    values = np.full((30, 40), peak / 3)
    values[6, 6] = peak
    description = BandDescription("los_rate", "m/yr", tuple(tags.items()))
    write_array(path, grid(40, 30), (values / 1000).astype(np.float32), description)
    return path


@pytest.mark.parametrize(
    ("peak", "tags", "is_told"),
    [
        # 55.465763 mm / 4 in 12 days are 422.07 mm a year, in 6 days 844.1; at L band of 242.4 mm in 14 days 1581.
        (430.0, {"days": "12"}, True), (-430.0, {"days": "12"}, True), (415.0, {"days": "12"}, False),
        (840.0, {"days": "6"}, False), (850.0, {"days": "6"}, True),
        (1500.0, {"days": "14", "wavelength": "0.2424"}, False),
        (1600.0, {"days": "14", "wavelength": "0.2424"}, True), (9e4, {}, False), (9e4, {"days": "many"}, False),
        (9e4, {"days": "0"}, False), (9e4, {"days": "12", "wavelength": ""}, False),
    ],
)  # fmt: skip
def test_motion_that_the_shortest_pair_cannot_measure_is_told(
    tmp_path: Path, peak: float, tags: dict[str, str], is_told: bool
) -> None:
    told = {"WAVELENGTH_METRES": tags.get("wavelength", str(SENTINEL1_WAVELENGTH))}
    if "days" in tags:
        told["SHORTEST_PAIR_DAYS"] = tags["days"]
    rate = tagged(tmp_path / "r.tif", peak, **told)
    first, second = extract_areas(probability_of(tmp_path / "p.tif"), RULES, los_rate=rate)
    assert first.attributes["fast_motion"] == (TOO_FAST if is_told else None)
    assert second.attributes["fast_motion"] is None, "its rate is a third of it"


def test_the_fastest_rate_of_usual_stacks() -> None:
    tags = {"WAVELENGTH_METRES": "0.055465763", "SHORTEST_PAIR_DAYS": "12"}
    assert fastest_measurable(tags) == pytest.approx(55.465763 / 4 * 365.25 / 12)
    assert fastest_measurable({**tags, "SHORTEST_PAIR_DAYS": "24"}) == pytest.approx(211.03, abs=0.01)
    assert fastest_measurable({"SHORTEST_PAIR_DAYS": "12"}) is None
