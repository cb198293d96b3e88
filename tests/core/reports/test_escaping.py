"""Whatever users call their files, layers, models and sites, a report shows it as text and runs none of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from osgeo import ogr

import ada_mapper.core
from ada_mapper.core.accuracy import AssessmentData, assess, write_accuracy_report, write_comparison_report
from ada_mapper.core.accuracy.comparison import EVERYTHING, Comparison, ComparisonRow
from ada_mapper.core.areas import Area
from ada_mapper.core.channels import Channel, ChannelKind, Scaling
from ada_mapper.core.errors import DependencyError
from ada_mapper.core.interferograms import PairSelection
from ada_mapper.core.learning import write_training_report
from ada_mapper.core.models import ModelCard
from ada_mapper.core.reports import words, write_page
from ada_mapper.core.stacking import StackOutputs, stack_to_files, write_report
from ada_mapper.core.survey import Site, assess_survey, write_merge_report, write_survey_report
from ada_mapper.core.survey.merging import Conflict, Merged
from ada_mapper.core.texts import Message, Translate
from ada_mapper.core.vectors import Outlines
from small_rasters import CRS, square_grid, write
from stacks import make_stack, network_days

EVIL = "<script>alert(\"1\")</script>' onload='x' &amp; {0} {name} {{ 7*7 }} %s</svg>"
SETTINGS = {EVIL: EVIL}


class Page(HTMLParser):
    """The tags, attributes and texts of a page as a browser takes them."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.values: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self._tag = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.values += [value or "" for _, value in attrs]
        self._tag = tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._tag, []).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(texts) for texts in self.texts.values())


def square(x: float, y: float, side: float) -> bytes:
    ring = ", ".join(f"{x + dx * side} {y + dy * side}" for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0)))
    return bytes(ogr.CreateGeometryFromWkt(f"POLYGON (({ring}))").ExportToWkb())


def stack_report(path: Path, translate: Translate) -> int:
    days = network_days(3)
    stack = make_stack(path.parent / "in", np.random.default_rng(0).normal(0, 1, (len(days), 6, 6)), days)
    pairs = stack.interferograms
    stack = dataclasses.replace(stack, notes=(EVIL,))
    used = dataclasses.replace(stack, interferograms=pairs[1:])
    result = stack_to_files(used, StackOutputs(path.parent / "rate.tif"))
    selection = PairSelection(stack, ((pairs[0], EVIL),), {}, (stack.dates,), (EVIL,))
    write_report(path, selection, result, SETTINGS, translate)
    return 5


def accuracy_report(path: Path, translate: Translate) -> int:
    grid = square_grid(40, 40)
    x, dx, _, y, _, _ = grid.transform
    rate = np.random.default_rng(1).normal(0, 1, (40, 40)).astype(np.float32)
    rasters = {name: write(path.parent / f"{name}.tif", values, name, unit, grid) for name, values, unit in (
        ("los_rate", rate, "mm/yr"), ("probability", np.abs(rate) / 9, "1"))}  # fmt: skip
    areas = Outlines((square(x + 5 * dx, y - 20 * dx, 5 * dx),), CRS)
    assessment = assess(AssessmentData(true=areas, found=areas, **rasters))
    write_accuracy_report(path, dataclasses.replace(assessment, notes=(EVIL,)), SETTINGS, translate)
    return 3


def comparison_report(path: Path, translate: Translate) -> int:
    rows = (ComparisonRow(EVIL, EVERYTHING, None, reason=EVIL),)
    write_comparison_report(path, Comparison(rows, (), {EVIL: EVIL}, 3, EVIL, True, True, 1), SETTINGS, translate)
    return 6


def merge_report(path: Path, translate: Translate) -> int:
    conflict = Conflict(EVIL, EVIL, ((EVIL, EVIL),), EVIL)
    pair = ((EVIL, EVIL),)
    write_merge_report(path, Merged((), (), (conflict,), (EVIL,), (EVIL,), pair, pair, (), pair), [EVIL], translate)
    return 14


def survey_report(path: Path, translate: Translate) -> int:
    texts = {"name": EVIL, "stratum": EVIL, "remarks": EVIL, "surveyor": EVIL, "photo_1": EVIL, "orbit": EVIL}
    sites = [
        Site(500_000.0 + 100 * n, 3_500_000.0, {**texts, "result": result, "stratum": f"{n} {EVIL}", "visited_on": day})
        for n, (result, day) in enumerate((("confirmed", date(2026, 5, 2)), ("not_confirmed", None), (None, None)))
    ]
    areas = [Area(square(500_000, 3_500_000, 90), {"id": EVIL})]
    write_survey_report(
        path, assess_survey(sites), "EPSG:32648", areas, "EPSG:32648", None, None, SETTINGS, translate=translate
    )
    return 12


def training_report(path: Path, translate: Translate) -> int:
    scores = {"iou": 0.5, "precision": 0.5}
    training = {
        "data": EVIL, "judged": {EVIL: {EVIL: scores}},
        "classical": {"layer": EVIL, "sigma": 3.0, "slope_rule": True},
        "history": [{"step": 1, "loss": 0.5, "iou": 0.1, "best_iou": 0.2},
                    {"step": 2, "loss": 0.4, "iou": 0.2, "best_iou": 0.3}],
        "fine_tuning": {"start": {"name": EVIL, "version": EVIL}, "chosen_share": 0.5, "recalibrated": False,
                        "candidates": [{"share": 0.5, "own_iou": 0.1, "simulated_iou": 0.2, "threshold": 0.5}]},
        "sample_sets": [{"folder": EVIL, "scenes": [EVIL], "tiles": {"training": 1, "validation": 1, "test": 1}}],
        "options": {EVIL: EVIL},
    }  # fmt: skip
    channels = (Channel(ChannelKind.LOS_RATE, "mm/yr", "toward", Scaling("minmax", low=-10.0, high=10.0)),)
    card = ModelCard(EVIL, EVIL, EVIL, channels, architecture=EVIL, licence=EVIL, training=training)
    write_training_report(path, card, (EVIL,), SETTINGS, translate)
    return 14


REPORTS: dict[str, Callable[[Path, Translate], int]] = {
    "stacking/report.html": stack_report,
    "accuracy/report.html": accuracy_report,
    "accuracy/comparison_report.html": comparison_report,
    "survey/merge_report.html": merge_report,
    "survey/results_report.html": survey_report,
    "learning/training_report.html": training_report,
}


@pytest.mark.parametrize("template", REPORTS)
def test_what_users_write_is_shown_and_never_run(tmp_path: Path, template: str) -> None:
    path = tmp_path / "report.html"
    least = REPORTS[template](path, str)
    page = Page(path)
    assert "script" not in page.tags and "onload" not in page.attributes
    assert page.text.count(EVIL) >= least
    assert not any(value.strip().lower().startswith("javascript:") for value in page.values)


@pytest.mark.parametrize("template", REPORTS)
def test_every_heading_and_head_of_a_table_goes_through_the_translator(tmp_path: Path, template: str) -> None:
    path = tmp_path / "report.html"
    REPORTS[template](path, lambda text: f"⟦{text}⟧")
    texts = Page(path).texts
    names = (text for tag in ("h1", "h2", "h3", "th") for text in texts.get(tag, []) if text.strip())
    assert [text for text in names if "⟦" not in text and EVIL not in text] == []


def test_a_translation_in_markup_or_with_other_values_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    merge_report(path, lambda text: f"{text} <script>{{nobody}}</script>")
    page = Page(path)
    assert "script" not in page.tags and "Copies: " in page.text


def test_every_template_has_its_test() -> None:
    core = Path(ada_mapper.core.__file__).parent
    found = {path.relative_to(core).as_posix() for path in core.glob("**/*.html")}
    assert found - {"reports/page.html", "reports/parts.html"} == set(REPORTS)
    unsafe = ("|safe", "| safe", "Markup", "autoescape")
    assert not [name for name in found if any(word in (core / name).read_text(encoding="utf-8") for word in unsafe)]


def test_words_put_messages_and_their_values_into_another_language() -> None:
    tr = words({"{n} sites": "{n} Orte", "all {what}": "alle {what}"}.__getitem__)
    assert tr("all {what}", what=Message("{n} sites", n=3)) == "alle 3 Orte"


def test_a_missing_jinja2_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(DependencyError, match="needs the Python package jinja2"):
        write_page(tmp_path / "report.html", "survey/merge_report.html")
    assert list(tmp_path.iterdir()) == []
