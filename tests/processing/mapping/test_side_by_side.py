"""A scene whose pairs are cut into files side by side, each with a constant of its own, maps as the whole one does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from recording_feedback import Feedback
from stacks import read_raster

SIZE, OVERLAP = 128, 24


def parts_of(scene: Path, folder: Path) -> Path:
    """Every raster of the pairs in two files that overlap; the phases of the lower ones with a constant a pair."""
    constants = np.random.default_rng(5)
    middle = SIZE // 2
    for path in sorted(scene.rglob("*.tif")):
        if "_" not in path.stem:
            continue
        constant = constants.normal(0, 8) if "unw" in path.name else 0.0
        for k, (row, rows) in enumerate(((0, middle + OVERLAP // 2), (middle - OVERLAP // 2, middle + OVERLAP // 2))):
            target = folder / str(k) / path.relative_to(scene)
            target.parent.mkdir(parents=True, exist_ok=True)
            part = gdal.Translate(str(target), str(path), srcWin=[0, row, SIZE, rows])
            if k and constant:
                band = part.GetRasterBand(1)
                values = band.ReadAsArray()
                values[values != (band.GetNoDataValue() or 0)] += constant
                band.WriteArray(values)
            part = None
    for path in scene.rglob("*"):
        if path.suffix not in (".tif", "") and path.is_file():
            for k in range(2):
                target = folder / str(k) / path.relative_to(scene)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="module")
def scene(plugin, tmp_path_factory):
    import processing

    folder = tmp_path_factory.mktemp("scene")
    processing.run("adamapper:simulatescene", {"SEED": 3, "SIZE": SIZE, "DATES": 5, "OUTPUT_FOLDER": str(folder)})
    return folder


def test_the_maps_are_those_of_the_whole_scene(run, scene, tmp_path):
    maps = {}
    for name, folder in (("whole", scene), ("parts", parts_of(scene, tmp_path / "parts"))):
        outputs = {key: str(tmp_path / f"{name}_{key}.tif") for key in ("PHASE_RATE", "LOS_RATE", "STANDARD_ERROR")}
        feedback = Feedback()
        report = str(tmp_path / f"{name}.html")
        # The network's estimator looks at the noise in other pixels where the files are others.
        given = {"INPUT_FOLDER": str(folder), "ESTIMATOR": "eq1", "REPORT": report, **outputs}
        result = run("stackinterferograms", given, feedback)
        maps[name] = [read_raster(path) for path in outputs.values()]
    assert result["PAIRS_USED"] > 4
    assert "side by side" in Path(report).read_text(encoding="utf-8")
    assert any("constant of its own" in warning for warning in feedback.warnings)
    for whole, parts in zip(maps["whole"], maps["parts"]):
        assert np.isfinite(whole).mean() > 0.3
        np.testing.assert_allclose(parts, whole, atol=2e-3)
