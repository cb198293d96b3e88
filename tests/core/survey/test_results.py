"""What a survey proves: the paper's figure, weights of strata, recall only of known landslides, the report."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest
from osgeo import gdal, ogr

from ada_mapper.core.errors import InputError, OutputError
from ada_mapper.core.raster import Grid
from ada_mapper.core.survey import (
    SamplingRules,
    Share,
    Site,
    assess_survey,
    mapped_share,
    meaning_of,
    sample_sites,
    share_text,
    write_survey_csv,
    write_survey_report,
)
from ada_mapper.core.survey.merging import ADDED
from ada_mapper.core.survey.results_map import survey_map
from small_rasters import write
from survey_areas import UTM, areas, square


def sites(*groups: tuple[str | None, int], stratum: str = "all", size: int | None = None, **more) -> list[Site]:
    """So many sites with each result, in a row."""
    result = []
    for answer, count in groups:
        for _ in range(count):
            place = 500_000.0 + 100 * len(result)
            own = {
                "name": f"S{len(result) + 1:02d}",
                "result": answer,
                "stratum": stratum,
                "stratum_size": size,
                **more,
            }
            result.append(Site(place, 3_500_000.0, own))
    return result


def test_the_papers_survey():
    result = assess_survey(sites(("confirmed", 52), ("not_confirmed", 4)))
    assert (result.overall.confirmed, result.overall.visited) == (52, 56)
    assert 100 * result.overall.share.value == pytest.approx(92.86, abs=0.005)
    assert [100 * end for end in result.overall.share.interval] == pytest.approx([83.0, 97.2], abs=0.05)
    assert share_text(result.overall.share) == "92.9 % (83.0–97.2 %)"
    text = meaning_of(result)
    assert "precision" in text and "none were given" in text and "F1" in text
    assert result.weighted is None and result.known is None


def test_sites_out_of_reach_are_told_and_not_counted():
    result = assess_survey(sites(("confirmed", 3), ("not_confirmed", 1), ("not_accessible", 2), (None, 5), ("?", 1)))
    overall = result.overall
    assert (overall.confirmed, overall.visited, overall.not_accessible, overall.not_visited) == (3, 4, 2, 6)
    told = " ".join(result.notes)
    assert "could not be reached: 2" in told and "without a result: 6" in told
    assert len(result.warnings) == 1 and "“?”" in result.warnings[0]


def test_sites_that_nobody_drew_do_not_count():
    result = assess_survey(sites(("confirmed", 1), ("not_confirmed", 1)) + sites(("confirmed", 9), stratum=ADDED))
    assert (result.overall.confirmed, result.overall.visited, len(result.added)) == (1, 2, 9)
    assert "added in the field: 9" in " ".join(result.notes)


def test_a_site_added_to_a_package_that_is_not_merged_yet_does_not_count():
    result = assess_survey(sites(("confirmed", 3), size=9) + sites(("not_confirmed", 1), stratum=None))
    assert (result.overall.confirmed, result.overall.visited, len(result.added)) == (3, 3, 1)
    assert [group.name for group in result.by_stratum] == ["all"]


def test_sites_that_tell_no_draw_say_nothing_about_the_map():
    result = assess_survey(sites(("confirmed", 3), stratum=None))
    assert result.overall.visited == 3 and "hold for these sites, not for the map" in " ".join(result.notes)
    assert "not for the map" not in " ".join(assess_survey(sites(("confirmed", 3))).notes)


def test_strata_count_by_their_number_of_areas():
    few = sites(("confirmed", 5), ("not_confirmed", 5), stratum="small", size=900)
    many = sites(("confirmed", 10), stratum="large", size=100)
    result = assess_survey(few + many)
    assert result.overall.share.value == 0.75
    # 0.9 · 0.5 + 0.1 · 1; weights 90 and 10: (10·90 + 10·10)² / (10·90² + 10·10²) = 12.195 sites
    assert result.weighted.value == pytest.approx(0.55)
    assert result.weighted.whole == pytest.approx(12.195, abs=1e-3)
    low, high = result.weighted.interval
    assert low < 0.3 and 0.77 < high < 0.8
    assert [group.name for group in result.by_stratum] == ["large", "small"]


def test_a_proportional_sample_needs_no_weights():
    result = assess_survey(
        sites(("confirmed", 9), ("not_confirmed", 1), stratum="a", size=100)
        + sites(("confirmed", 5), stratum="b", size=50)
    )
    assert result.weighted is None and "in proportion" in " ".join(result.notes)


def test_a_stratum_that_nobody_reached_is_left_out_and_told():
    some = sites(("confirmed", 2), stratum="a", size=10) + sites(("not_confirmed", 2), stratum="b", size=30)
    result = assess_survey(some + sites(("not_accessible", 2), stratum="c", size=60))
    assert result.weighted.value == pytest.approx(0.25)
    assert "No site of c was judged" in " ".join(result.notes)


def test_orbits_do_not_pass_off_the_size_of_the_stratum_as_theirs(tmp_path):
    some = sites(("confirmed", 2), size=777, orbit="ascending") + sites(("confirmed", 1), size=777, orbit="descending")
    result = assess_survey(some)
    assert [group.size for group in result.by_orbit] == [None, None] and result.by_stratum[0].size == 777
    write_survey_report(tmp_path / "report.html", result, UTM)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "By orbit" in text and "777" not in text and '<th>Class</th><th class="number">Confirmed' in text


def test_every_area_visited_makes_intervals_too_wide():
    assert "large share" in " ".join(assess_survey(sites(("confirmed", 20), size=21)).notes)
    assert "large share" not in " ".join(assess_survey(sites(("confirmed", 20), size=400)).notes)


def test_recall_is_that_of_known_landslides():
    known = [bytes(ogr.CreateGeometryFromWkt(f"POINT (500050 {3_500_050 + 500 * n})").ExportToWkb()) for n in range(8)]
    share = mapped_share(known, UTM, areas(3), UTM)
    assert (share.part, share.whole) == (3, 8)
    outline = mapped_share([square(500_090, 3_500_090)], UTM, areas(3), UTM)
    assert (outline.part, outline.whole) == (1, 1)
    result = assess_survey(sites(("confirmed", 1)), share)
    assert "recall" in meaning_of(result) and "none were given" not in meaning_of(result)
    with pytest.raises(InputError, match="empty"):
        mapped_share([], UTM, areas(3), UTM)


def test_nothing_visited_gives_no_number():
    result = assess_survey(sites((None, 3)))
    assert math.isnan(result.overall.share.value) and share_text(result.overall.share) == "–"
    assert math.isnan(Share(0, 0).interval[0])
    with pytest.raises(InputError, match="no returned survey"):
        assess_survey([Site(0, 0, {"name": "S01"})])
    with pytest.raises(InputError, match="empty"):
        assess_survey([])


@pytest.fixture
def returned(tmp_path):
    """Six sites of two orbits, drawn, visited, with two photos, one of them missing."""
    some = areas(6, orbit=["ascending", "descending"])
    answers = ["confirmed", "not_confirmed", "not_accessible", "confirmed", "confirmed", None]
    drawn = sample_sites(some, UTM, SamplingRules(6), UTM).sites
    result = [
        Site(site.x, site.y, {**site.attributes, "result": answer, "remarks": "裂缝 <b>", "scarp": True})
        for site, answer in zip(drawn, answers)
    ]
    memory = gdal.GetDriverByName("MEM").Create("", 1200, 800, 3, gdal.GDT_Byte)
    gdal.GetDriverByName("JPEG").CreateCopy(str(tmp_path / "a.jpg"), memory)
    result[0].attributes["photo_1"] = "a.jpg"
    result[1].attributes["photo_1"] = "gone.jpg"
    return result


def test_the_report_is_one_file_with_everything(tmp_path, returned):
    heights = np.add.outer(np.arange(150.0), np.arange(100.0)) * 20
    grid = Grid(UTM, (498_000.0, 60.0, 0.0, 3_508_000.0, 0.0, -60.0), 100, 150)
    dem = write(tmp_path / "dem.tif", heights, "dem", "m", grid)
    path = tmp_path / "报告.html"
    write_survey_report(path, assess_survey(returned), UTM, areas(6), UTM, dem, tmp_path, {"Sites": "x"})
    text = path.read_text(encoding="utf-8")
    assert "<b>3 of 4</b>" in text and "By orbit" in text and "裂缝 &lt;b&gt;" in text
    assert text.count("data:image/jpeg;base64,") == 1 and "S02: gone.jpg (missing)" in text
    assert "data:image/png;base64," in text and "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert path.stat().st_size < 300_000


def test_the_map_shows_each_site_in_its_place_with_its_result(returned):
    drawing = ElementTree.fromstring(survey_map(returned, UTM, areas(6), UTM))
    space = "{http://www.w3.org/2000/svg}"
    titles = [element.text for element in drawing.iter(f"{space}title")]
    assert "S01: confirmed" in titles and "S06: not visited" in titles and "Area 6" in titles
    circles = list(drawing.iter(f"{space}circle"))
    assert {circle.get("fill") for circle in circles} == {"#009e73", "#0072b2"}
    rows = [float(circle.get("cy")) for circle in circles]
    assert rows == sorted(rows)
    texts = [element.text for element in drawing.iter(f"{space}text")]
    assert "confirmed (3)" in texts and "area of the map" in texts


def test_a_map_in_degrees_without_areas(returned):
    degrees = [Site(site.attributes["longitude"], site.attributes["latitude"], site.attributes) for site in returned]
    assert survey_map(degrees, "EPSG:4326").count("<circle") == 4
    assert survey_map(degrees[:1], "EPSG:4326").startswith("<svg")


def test_figures_as_a_table(tmp_path, returned):
    write_survey_csv(tmp_path / "figures.csv", assess_survey(returned, Share(3, 4)))
    lines = (tmp_path / "figures.csv").read_text(encoding="utf-8").splitlines()
    assert "all,,precision,75,30.06,95.44,%" in lines
    assert "all,,recall,75,30.06,95.44,%" in lines
    assert "orbit,ascending,visited,2,,," in lines and "sign,scarp,confirmed,3,,," in lines


def test_a_folder_that_cannot_be_written_is_told(tmp_path, returned):
    with pytest.raises(OutputError, match="can't be written"):
        write_survey_csv(tmp_path / "gone" / "figures.csv", assess_survey(returned))
