"""Delays of the air in Stack interferograms: from a folder and from a table, the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsProcessingException

from good_world import make_inputs
from recording_feedback import Feedback


@pytest.fixture(scope="module")
def inputs(plugin, tmp_path_factory):
    import processing

    folder = tmp_path_factory.mktemp("world")
    make_inputs(folder, lambda name, parameters: processing.run(f"adamapper:{name}", parameters))
    return folder


def stacked(inputs: Path, folder: Path, **parameters: object) -> tuple[np.ndarray, Feedback]:
    import processing

    folder.mkdir()
    feedback = Feedback()
    given = {"INPUT_FOLDER": str(inputs / "pairs"), "REFERENCE_MODE": "none", "ATMOSPHERE_FILTER": False, **parameters}
    results = {"PHASE_RATE": str(folder / "rate.tif"), "LOS_RATE": str(folder / "los.tif")}
    processing.run("adamapper:stackinterferograms", {**results, **given}, feedback=feedback)
    return gdal.Open(results["PHASE_RATE"]).ReadAsArray(), feedback


def test_a_folder_and_a_table_of_the_same_delays_give_the_same_rate(inputs: Path, tmp_path: Path) -> None:
    raw, _ = stacked(inputs, tmp_path / "raw")
    rate, feedback = stacked(inputs, tmp_path / "folder", DELAY_FOLDER=str(inputs / "delays"))
    table = tmp_path / "delays.csv"
    lines = [f"{path.name[:8]},{path}" for path in sorted((inputs / "delays").glob("*.tif"))]
    table.write_text("\n".join(["date,file", *lines]), encoding="utf-8")
    same, _ = stacked(inputs, tmp_path / "table", DELAY_TABLE=str(table))
    np.testing.assert_array_equal(rate, same)
    # 6 mm at the zenith from the first to the last date at one corner: not nothing.
    assert abs(rate - raw).max() > 1
    assert "38° was assumed" in feedback.log


def test_a_result_is_not_written_over_a_delay(inputs: Path, tmp_path: Path) -> None:
    over = str(inputs / "delays" / "20200101.ztd.tif")
    before = Path(over).read_bytes()
    table = tmp_path / "delays.csv"
    table.write_text(f"date,file\n20200101,{over}\n20200113,{over}\n", encoding="utf-8")
    with pytest.raises(QgsProcessingException, match="a delay of the air"):
        stacked(inputs, tmp_path / "over", DELAY_TABLE=str(table), LOS_RATE=over)
    assert Path(over).read_bytes() == before
