"""Standard error, coherence and closure from the interferograms to the model, in real QGIS."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import NULL, QgsVectorLayer

from ada_mapper.core.channels import ChannelKind, minmax_channel
from ada_mapper.core.raster import Grid
from recording_feedback import Feedback
from small_rasters import square_grid, write
from stacks import network_days
from tiny_models import card_of, write_model

DAYS = network_days(8)
SHAPE = (48, 56)
RATE = minmax_channel(ChannelKind.PHASE_RATE, -50.0, 50.0)
ERROR = minmax_channel(ChannelKind.STANDARD_ERROR, 0.0, 40.0, optional=True, fill=0.75)
COHERENCE = minmax_channel(ChannelKind.COHERENCE, 0.0, 1.0, optional=True, fill=0.25)
CLOSURE = minmax_channel(ChannelKind.CLOSURE, 0.0, 1.0, optional=True, fill=0.75)
EVIDENCE = ("STANDARD_ERROR", "COHERENCE", "CLOSURE")


@pytest.fixture(scope="module")
def scene(plugin, tmp_path_factory):
    """Noisy interferograms with coherence and a cycle in one of them, in a table, and an elevation model."""
    folder = tmp_path_factory.mktemp("scene")
    random = np.random.default_rng(5)
    phases = random.normal(0, 0.8, (len(DAYS), *SHAPE)).astype(np.float32)
    phases[3][10:20] += 2 * np.pi
    coherence = random.uniform(0.3, 0.9, phases.shape).astype(np.float32)
    grid = square_grid(*SHAPE, pixel_size=100.0)
    for (first, second), phase, coherent in zip(DAYS, phases, coherence):
        name = "_".join(f"{date(2020, 1, 1) + timedelta(days=day):%Y%m%d}" for day in (first, second))
        for place in ("pairs", "bare"):
            (folder / place).mkdir(exist_ok=True)
            write(folder / place / f"{name}_unw.tif", phase, "phase", "rad", grid)
        write(folder / "pairs" / f"{name}_cc.tif", coherent, "coherence", "1", grid)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    write(folder / "dem.tif", 800 + 20.0 * rows + 9 * columns, "dem", "m", grid)
    return folder, coherence


def values(path: str | Path) -> np.ndarray:
    return gdal.Open(str(path)).ReadAsArray()


def model_of(folder: Path, *channels) -> str:
    """A network whose probability is its first channel, scaled."""
    return str(write_model(folder / "model.onnx", card_of(*channels, threshold=0.6, pixel_size=100.0)))


def mapped(run, scene, folder: Path, model: str, place: str = "pairs", **options):
    outputs = {name: str(folder / f"{name.lower()}.tif") for name in ("PROBABILITY", "PHASE_RATE", "LOS_RATE", "SLOPE")}
    parameters = {
        "INPUT_FOLDER": str(scene[0] / place), "DEM": str(scene[0] / "dem.tif"), "MODEL": model,
        "MAX_TEMPORAL_BASELINE": 60, "AREAS": "TEMPORARY_OUTPUT", "REPORT": str(folder / "r.html"),
        **outputs, **options,
    }  # fmt: skip
    feedback = Feedback()
    return run("mapactiveareas", parameters, feedback), feedback


def test_the_mean_coherence_is_written_beside_the_rates_and_given_to_a_model_that_sees_it(run, scene, tmp_path):
    model = model_of(tmp_path, COHERENCE, RATE)
    result, _ = mapped(run, scene, tmp_path, model, COHERENCE=str(tmp_path / "mean.tif"))
    expected = scene[1].mean(axis=0)
    np.testing.assert_allclose(values(result["COHERENCE"]), expected, atol=1e-6)
    np.testing.assert_allclose(values(result["PROBABILITY"]), expected, atol=1e-5)


@pytest.mark.parametrize(("channel", "name"), [(ERROR, "STANDARD_ERROR"), (CLOSURE, "CLOSURE")])
def test_what_a_model_sees_is_made_and_handed_over_without_being_asked_for(run, scene, tmp_path, channel, name):
    pairs = {"INPUT_FOLDER": str(scene[0] / "pairs"), "MAX_TEMPORAL_BASELINE": 60}
    outputs = {
        "PHASE_RATE": str(tmp_path / "p.tif"),
        "LOS_RATE": str(tmp_path / "l.tif"),
        name: str(tmp_path / "e.tif"),
    }
    alone = values(run("stackinterferograms", {**pairs, **outputs})[name])
    result, feedback = mapped(run, scene, tmp_path, model_of(tmp_path, channel, RATE), UNIT="m/yr")
    assert all(result[other] is None for other in EVIDENCE), "only what was asked for is a result"
    found = values(result["PROBABILITY"])
    known = np.isfinite(alone)
    assert known.mean() > 0.9 and np.ptp(alone[known]) > 0.05
    expected = np.where(known, channel.scaling.apply(alone, 100), channel.fill)
    # The tool for the whole chain was asked for metres a year, the model sees millimetres.
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert f"doesn't use the {channel.kind.label}" not in feedback.log


def test_a_model_that_sees_no_evidence_gets_none(run, scene, tmp_path):
    result, feedback = mapped(run, scene, tmp_path, model_of(tmp_path, RATE))
    assert all(result[name] is None for name in EVIDENCE)
    assert "Standard error:" not in feedback.log and "closure" not in feedback.log


def test_evidence_that_the_pairs_can_t_give_is_left_out_and_said(run, scene, tmp_path):
    model = model_of(tmp_path, COHERENCE, RATE, CLOSURE)
    result, feedback = mapped(run, scene, tmp_path, model, "bare")
    found = values(result["PROBABILITY"])
    assert found[np.isfinite(found)] == pytest.approx(COHERENCE.fill)
    assert (
        "have no coherence" in feedback.log and "the coherence holds no data at all, so it is left out" in feedback.log
    )
    assert "the closure holds no data" not in feedback.log


@pytest.mark.parametrize(("rate", "is_told"), [(500.0, True), (380.0, False)])
def test_areas_that_move_faster_than_the_shortest_pair_measures_say_so(run, scene, tmp_path, rate, is_told):
    """A quarter of Sentinel-1's wavelength in 12 days are 422 mm a year; 500 mm a year away are 113 rad a year."""
    folder = tmp_path / "pairs"
    folder.mkdir()
    moving = np.zeros(SHAPE)
    moving[20:30, 20:32] = 4 * np.pi * rate / 55.465763
    for first, second in DAYS:
        name = "_".join(f"{date(2020, 1, 1) + timedelta(days=day):%Y%m%d}" for day in (first, second))
        phase = 0.01 + moving * (second - first) / 365.25
        write(folder / f"{name}_unw.tif", phase, "phase", "rad", square_grid(*SHAPE, pixel_size=100.0))
    areas = str(tmp_path / "areas.gpkg")
    options = {"INPUT_FOLDER": str(folder), "REFERENCE_MODE": "none", "AREAS": areas}
    mapped(run, scene, tmp_path, model_of(tmp_path, RATE), **options)
    (feature,) = QgsVectorLayer(areas).getFeatures()
    assert feature["los_rate_extreme"] == pytest.approx(-rate, rel=0.02)
    assert feature["fast_motion"] == ("faster than these pairs can measure" if is_told else NULL)


def test_a_composite_holds_the_evidence_as_the_card_scales_it(run, scene, tmp_path):
    folder = tmp_path
    random = np.random.default_rng(2)
    layers = {
        "LOS_RATE": (random.normal(0, 9, SHAPE), "los_rate", "mm/yr"),
        "STANDARD_ERROR": (random.uniform(0.2, 30, SHAPE) / 1000, "standard_error", "m/yr"),
        "COHERENCE": (random.uniform(0.2, 0.9, SHAPE), "coherence", "1"),
        "CLOSURE": (random.integers(0, 2, SHAPE).astype(float), "closure", "1"),
    }
    layers["STANDARD_ERROR"][0][5:9] = np.nan
    on = Grid.of(scene[0] / "dem.tif")
    paths = {name: write(folder / f"{name}.tif", *layer, on) for name, layer in layers.items()}
    rate = minmax_channel(ChannelKind.LOS_RATE, -50.0, 50.0)
    model = model_of(folder, rate, ERROR, COHERENCE, CLOSURE)
    output = run("buildcomposite", {**paths, "MODEL": model, "OUTPUT": str(folder / "c.tif")})["OUTPUT"]
    bands = values(output)
    error = layers["STANDARD_ERROR"][0] * 1000 / 40
    np.testing.assert_allclose(bands[1], np.where(np.isnan(error), np.nan, error), atol=1e-5)
    np.testing.assert_allclose(bands[2], layers["COHERENCE"][0], atol=1e-5)
    np.testing.assert_allclose(bands[3], layers["CLOSURE"][0], atol=1e-6)
