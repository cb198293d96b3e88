"""adamapper:comparechannels through processing.run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from qgis.core import QgsProcessingException

from ada_mapper.core.channels import ChannelKind, minmax_channel
from ada_mapper.core.models import ModelCard
from csv_tables import table_of
from recording_feedback import Feedback


def rate_model(path: Path) -> str:
    """A network whose probability is the scaled LOS rate; elevation and slope may be missing."""
    kinds = (ChannelKind.LOS_RATE, ChannelKind.DEM, ChannelKind.SLOPE)
    channels = [minmax_channel(ChannelKind.LOS_RATE, -50.0, 50.0)]
    channels += [minmax_channel(kind, 0.0, 4000.0, optional=True) for kind in kinds[1:]]
    card = ModelCard("toy", "1.0", "made by a test", tuple(channels), tile_size=64)
    weights = np.array([1, 0, 0], np.float32).reshape(1, 3, 1, 1)
    nodes = [
        helper.make_node("Conv", ["input", "weights"], ["one"]),
        helper.make_node("Sub", ["unit", "one"], ["zero"]),
        helper.make_node("Concat", ["zero", "one"], ["probability"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n", 2, "h", "w"])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(np.float32([1]), "unit")],
    )
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, card.metadata())
    onnx.save(model, path)
    return str(path)


def test_channels_are_compared_on_simulated_tiles(run, tmp_path):
    outputs = {"REPORT": str(tmp_path / "report.html"), "FIGURES": str(tmp_path / "figures.csv")}
    feedback = Feedback()
    parameters = {"MODELS": [rate_model(tmp_path / "toy.onnx")], "TILES": 2, "TILE_SIZE": 64, "SEED": 4, **outputs}
    result = run("comparechannels", parameters, feedback)
    assert result["TILE_COUNT"] == 2
    rows = table_of(outputs["FIGURES"])
    assert next(row["combination"] for row in rows if not row["reason"]) == "los_rate"
    unserved = {row["combination"]: row["reason"] for row in rows if row["reason"]}
    assert unserved["phase_rate"] == "has no channel for the phase rate"
    # The paper's, all that the model uses, and the classical detector: published, tuned, and of downhill motion.
    assert len(rows) == 7 + 1 + 3
    assert "phase rate + DEM" in Path(outputs["REPORT"]).read_text("utf-8")
    assert "toy, LOS rate: IoU" in feedback.log


def test_a_folder_that_is_no_sample_set_is_said(run, tmp_path):
    with pytest.raises(QgsProcessingException, match="no sample set"):
        run("comparechannels", {"SAMPLES": str(tmp_path)})
