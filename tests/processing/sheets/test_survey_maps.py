"""adamapper:surveymaps through processing.run: files, own templates, faults."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingException,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QImage

from ada_mapper.core.raster import Grid
from ada_mapper.processing.sheets.survey_maps import LAYOUTS
from printed_survey import LONG_NAME, Survey, save
from recording_feedback import Feedback
from small_rasters import write


def test_a_pdf_and_pictures_of_all_sheets(tmp_path, run):
    survey = Survey(tmp_path, [(6.0, -33.0), (6.01, -33.001), (5.95, -33.03)], ["甲", LONG_NAME, "c/d [% 1 %]"])
    output, pictures = tmp_path / "out" / "maps.pdf", tmp_path / "pictures"
    dem = survey.dem()
    before = set(QgsProject.instance().mapLayers())
    result = run(
        "surveymaps",
        survey.parameters(DEM=dem, LOS_RATE=str(tmp_path / "rate.tif"), OUTPUT=str(output), PICTURES=str(pictures)),
    )
    assert result["SHEET_COUNT"] == 3 and result["OUTPUT"] == str(output)
    assert output.read_bytes().startswith(b"%PDF") and b"%%EOF" in output.read_bytes()[-64:]
    names = sorted(path.name for path in pictures.iterdir())
    assert len(names) == 4 and names[0] == "overview.png" and names[1].startswith("sheet_1_")
    assert QImage(str(pictures / names[1])).width() == pytest.approx(210 / 25.4 * 96, abs=1)
    assert sorted(path.name for path in output.parent.iterdir()) == ["maps.pdf"]
    assert set(QgsProject.instance().mapLayers()) == before, "the user's project stays as it was"
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", str(output), "-"], capture_output=True, text=True, check=True).stdout
        assert "Sheet 3 of 3" in text and "EPSG:32732" in text and "EPSG:32731" in text
        assert "33°00.000′ S" in text and "[ % 1 %]" in text


def test_a_cancelled_run_leaves_nothing(survey, run, tmp_path):
    output, pictures = tmp_path / "maps.pdf", tmp_path / "pictures"
    with pytest.raises(QgsProcessingException, match="cancelled"):
        run(
            "surveymaps",
            survey.parameters(OUTPUT=str(output), PICTURES=str(pictures)),
            Feedback(cancel_at=40),
        )
    assert not output.exists() and not pictures.exists()
    assert not list(tmp_path.glob(".*"))


def test_a_pdf_that_cannot_be_replaced_keeps_the_pictures_from_their_folder(survey, run, tmp_path, monkeypatch):
    output, pictures = tmp_path / "maps.pdf", tmp_path / "pictures"
    output.write_bytes(b"old")
    real = Path.replace

    def refuse(self, place):
        if Path(place) == output:
            raise PermissionError(13, "it is open in a viewer")
        return real(self, place)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(QgsProcessingException, match=r"maps\.pdf can't be written \(it is open in a viewer\)"):
        run("surveymaps", survey.parameters(OUTPUT=str(output), PICTURES=str(pictures)))
    assert output.read_bytes() == b"old" and not pictures.exists()
    assert not list(tmp_path.glob(".*"))


def test_an_own_template_may_lack_items_and_the_user_is_told(survey, run, tmp_path):
    template = tmp_path / "own.qpt"
    text = (LAYOUTS / "sheet_a4_portrait.qpt").read_text(encoding="utf-8")
    template.write_text(text.replace('id="scale_bar"', 'id="my bar"').replace('id="facts"', 'id=""'), encoding="utf-8")
    feedback = Feedback()
    run("surveymaps", survey.parameters(TEMPLATE=str(template), OUTPUT=str(tmp_path / "maps.pdf")), feedback)
    assert "own.qpt has no items with these ids, so nothing is written there: facts, scale_bar." in feedback.log


@pytest.mark.parametrize(
    ("text", "message"), [("not xml", "is not a layout template"), ("<Layout/>", "is not a layout template")]
)
def test_a_file_that_is_no_template_is_refused(survey, run, tmp_path, text, message):
    (tmp_path / "own.qpt").write_text(text)
    with pytest.raises(QgsProcessingException, match=message):
        run("surveymaps", survey.parameters(TEMPLATE=str(tmp_path / "own.qpt"), OUTPUT=str(tmp_path / "maps.pdf")))


def test_faults_are_told_in_a_sentence(survey, run, tmp_path):
    with pytest.raises(QgsProcessingException, match="Neither a PDF nor"):
        run("surveymaps", {**survey.parameters(), "OUTPUT": None})
    with pytest.raises(QgsProcessingException, match=r"doesn't end in \.pdf"):
        run("surveymaps", survey.parameters(OUTPUT=str(tmp_path / "maps.doc")))
    empty = save(QgsVectorLayer("Point?crs=EPSG:4326&field=name:string", "none", "memory"), tmp_path / "none.gpkg")
    with pytest.raises(QgsProcessingException, match="has no points"):
        run("surveymaps", survey.parameters(SITES=empty, OUTPUT=str(tmp_path / "maps.pdf")))
    nowhere = QgsVectorLayer("Point?field=name:string", "nowhere", "memory")
    nowhere.setCrs(QgsCoordinateReferenceSystem())
    with pytest.raises(QgsProcessingException, match="no coordinate reference system"):
        run("surveymaps", survey.parameters(SITES=nowhere, OUTPUT=str(tmp_path / "maps.pdf")))
    (tmp_path / "file").write_text("")
    with pytest.raises(QgsProcessingException, match="can't be written"):
        run("surveymaps", survey.parameters(OUTPUT=str(tmp_path / "file" / "maps.pdf")))


def test_rasters_without_any_data_are_told(survey, run, tmp_path):
    grid = Grid("EPSG:32632", (500_000.0, 30.0, 0.0, 5_000_000.0, 0.0, -30.0), 30, 20)
    void = np.full((20, 30), np.nan)
    rasters = {
        "DEM": write(tmp_path / "heights.tif", void, "dem", "m", grid),
        "LOS_RATE": write(tmp_path / "rate.tif", void, "los_rate", "mm/yr", grid),
    }
    feedback = Feedback()
    run("surveymaps", survey.parameters(OUTPUT=str(tmp_path / "maps.pdf"), **rasters), feedback)
    assert f"{tmp_path / 'heights.tif'} holds no data at all: every pixel of the DEM is no data." in feedback.log
    assert f"{tmp_path / 'rate.tif'} holds no data at all: every pixel of the LOS rate is no data." in feedback.log
