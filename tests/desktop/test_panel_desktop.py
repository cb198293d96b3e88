"""The panel in the real QGIS desktop on a virtual screen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from qgis_session import QgisSession
from shared_data import shared_data

pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="xvfb-run is not installed"),
    pytest.mark.skipif(shutil.which("qgis") is None, reason="the QGIS desktop is not installed"),
]


def test_from_a_folder_to_areas_and_back_again(tmp_path):
    pytest.importorskip("onnxruntime")
    session = QgisSession(tmp_path / "session")
    scene = tmp_path / "scene"
    session.process("adamapper:simulatescene", "SEED=3", "SIZE=256", "DATES=8", f"OUTPUT_FOLDER={scene}")
    task = tmp_path / "task.json"
    task.write_text(json.dumps({"scene": str(scene), "pictures": str(tmp_path), "timeout": 220, "brisk": True}))
    session.desktop(Path(__file__).parent / "use_panel.py", task, size="1366x768", timeout=260)
    outcome = json.loads((tmp_path / "outcome.json").read_text())
    assert outcome["errors"] == []
    assert outcome["ready"]["state"] == "ready" and outcome["running"]["state"] == "running"
    assert "ADA Mapper: Areas, descending" in outcome["tasks"], "the task manager shows it"
    visible = outcome["groups"]["Areas, descending"]
    assert next(iter(visible)) == "Active deformation areas" and list(visible)[-1] == "Hillshade"
    assert visible["Active deformation areas"] and not visible["Phase rate"]
    assert outcome["mapped"]["state"] == "done" and outcome["can_be_repeated"]
    assert "Map active deformation areas" in outcome["abstract"]
    assert outcome["new"]["state"] != "done"
    for moment in ("reopened", "after_reload"):
        assert outcome[moment] == {**outcome["mapped"], "step": "detect"}, moment
    assert (outcome["toolbars"], outcome["panels"]) == (1, 1)
    assert (tmp_path / "mapped.png").stat().st_size > 20_000


def test_looking_at_a_saved_project_leaves_it_unchanged(tmp_path):
    session = QgisSession(tmp_path / "session")
    scene = tmp_path / "scene"
    session.process("adamapper:simulatescene", "SEED=3", "SIZE=128", "DATES=4", f"OUTPUT_FOLDER={scene}")
    task = tmp_path / "task.json"
    task.write_text(json.dumps({"scene": str(scene), "pictures": str(tmp_path), "timeout": 100}))
    session.desktop(Path(__file__).parent / "look_around.py", task, size="1366x768", timeout=130)
    outcome = json.loads((tmp_path / "outcome.json").read_text())
    assert outcome["errors"] == [] and outcome["dem"] == "Elevation"
    assert len(outcome["is_dirty"]) == 9 and not any(outcome["is_dirty"].values()), outcome["is_dirty"]


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """The outcome and the files of the walk from an empty project to the printed sheet, in a German QGIS."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("walk")
    session = QgisSession(folder / "session", language="de", numbers="de_DE")
    scene = folder / "scene"
    session.process("adamapper:simulatescene", "SEED=5", "SIZE=512", "DATES=16", f"OUTPUT_FOLDER={scene}")
    task = folder / "task.json"
    facts = {"scene": str(scene), "orbit": "descending", "theme": "", "pictures": str(folder), "timeout": 400,
             "brisk": True}  # fmt: skip
    task.write_text(json.dumps(facts))
    session.desktop(Path(__file__).parent / "folder_to_sheet.py", task, size="1366x768", timeout=430)
    return json.loads((folder / "outcome.json").read_text()), folder


def test_from_an_empty_project_to_areas_that_are_reviewed(walk):
    outcome, _ = walk
    assert outcome["errors"] == []
    assert outcome["number"] == "1,5", "QGIS writes numbers with a comma"
    assert outcome["empty"]["state"] == "empty"
    assert outcome["data"]["state"] == "done" and "of 54 pairs used" in outcome["data"]["there"]
    assert outcome["pairs"] == 54
    assert outcome["mapped"]["state"] == "done"
    assert outcome["channels_problem"] == "" and outcome["channels_chosen"]["state"] == "done"
    assert sum(decision != "NULL" for decision in outcome["decisions"]) == 3
    assert {"accepted", "rejected"} <= set(outcome["decisions"])
    assert outcome["notes"] == ["Scarp on the orthophoto?"]


def test_from_reviewed_areas_to_the_field(walk):
    outcome, folder = walk
    kept = len(outcome["decisions"]) - outcome["decisions"].count("rejected")
    assert outcome["sites"] == kept, "rejected areas are not visited"
    assert len(list((folder / "sheets").glob("sheet_*.png"))) == int(outcome["surveymaps"]["SHEET_COUNT"]) > 0
    assert (folder / "sheets.pdf").read_bytes().startswith(b"%PDF")
    assert {"survey.qgz", "survey.gpkg", "sites.gpx", "sites.kml"} <= {
        path.name for path in (folder / "package").iterdir()
    }
    assert outcome["field"]["state"] == "ready"


def test_the_data_step_on_mexico_city_in_a_chinese_qgis(tmp_path):
    session = QgisSession(tmp_path / "session", language="zh-Hans", numbers="zh_CN")
    task = tmp_path / "task.json"
    facts = {"scene": str(shared_data("stacks") / "mexico_city_s1"), "orbit": "ascending", "theme": "",
             "pictures": str(tmp_path), "timeout": 120, "only_data": True, "brisk": True}  # fmt: skip
    task.write_text(json.dumps(facts))
    session.desktop(Path(__file__).parent / "folder_to_sheet.py", task, size="1366x768", timeout=150)
    outcome = json.loads((tmp_path / "outcome.json").read_text())
    assert outcome["errors"] == []
    assert outcome["pairs"] == 30 and "12 of 30 pairs used" in outcome["data"]["there"]
