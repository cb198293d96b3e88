"""The report: well-formed, complete, escaped, written whole or not at all."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from ada_mapper.core.errors import OutputError
from ada_mapper.core.interferograms import PairSelection, Stack, baseline_positions, select_pairs
from ada_mapper.core.stacking import StackOutputs, stack_to_files, write_report
from ada_mapper.core.stacking.results import StackingResult
from balanced_html import Balanced
from stacks import make_stack, network_days

DAYS = network_days(5)


def selection_and_result(folder: Path, baselines: bool = True, drop: int = 2) -> tuple[PairSelection, StackingResult]:
    phases = np.random.default_rng(0).normal(0, 1, (len(DAYS), 12, 15))
    stack = make_stack(folder / "in", phases, DAYS)
    positions = np.random.default_rng(1).normal(0, 60, 5)
    if baselines:
        pairs = tuple(
            replace(pair, perpendicular_baseline=float(positions[second // 12] - positions[first // 12]))
            for pair, (first, second) in zip(stack.interferograms, sorted(DAYS))
        )
        stack = replace(stack, interferograms=pairs)
    used = replace(stack, interferograms=stack.interferograms[drop:], notes=("A <b>note</b> & more.",))
    dropped = tuple((pair, "its baseline of 130 m is longer than 120 m") for pair in stack.interferograms[:drop])
    coherence = {pair.name: 0.61 for pair in stack.interferograms}
    selection = PairSelection(used, dropped, coherence, (used.dates,), ())
    result = stack_to_files(used, StackOutputs(folder / "p.tif", folder / "r.tif"))
    return selection, result


def parsed(path: Path) -> Balanced:
    parser = Balanced()
    parser.feed(path.read_text(encoding="utf-8"))
    parser.close()
    assert parser.open == []
    return parser


@pytest.mark.parametrize("baselines", [True, False])
def test_the_report_is_whole_and_says_what_was_done(tmp_path: Path, baselines: bool) -> None:
    selection, result = selection_and_result(tmp_path, baselines)
    path = tmp_path / "report.html"
    write_report(path, selection, result, {"Ramp": "none", "Folder": "<script>alert(1)</script>"})
    report = parsed(path)
    text = " ".join(report.text)
    assert "script" not in report.seen and "<b>note</b> & more." in text
    assert f"{len(DAYS) - 2} of {len(DAYS)} pairs were stacked" in text
    assert text.count("its baseline of 130 m") >= 2 and "mm/yr" in text and "0.61" in text
    assert ("Perpendicular position (m)" in text) == baselines
    assert "http" not in path.read_text().replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("baselines", [True, False])
def test_the_network_draws_every_pair_inside_its_frame(tmp_path: Path, baselines: bool) -> None:
    selection, result = selection_and_result(tmp_path, baselines)
    write_report(tmp_path / "report.html", selection, result)
    drawings = re.findall(r"<svg.*?</svg>", (tmp_path / "report.html").read_text(), re.DOTALL)
    network = ElementTree.fromstring(drawings[-1])
    space = "{http://www.w3.org/2000/svg}"
    paths, dates = network.findall(f"{space}path"), network.findall(f"{space}circle")
    assert len(paths) == len(DAYS) and len(dates) == 5
    assert len({path.get("stroke") for path in paths}) == 2
    for circle in dates:
        assert 0 < float(circle.get("cx", "")) < 900 and 0 < float(circle.get("cy", "")) < 420


def test_positions_follow_from_baselines_by_least_squares(tmp_path: Path) -> None:
    selection, _ = selection_and_result(tmp_path, drop=0)
    positions = baseline_positions(selection.stack.interferograms)
    assert positions is not None
    for pair in selection.stack.interferograms:
        found = positions[pair.second_date] - positions[pair.first_date]
        assert found == pytest.approx(pair.perpendicular_baseline, abs=1e-6)


def test_no_baselines_no_positions(tmp_path: Path) -> None:
    selection, _ = selection_and_result(tmp_path, baselines=False)
    assert baseline_positions(selection.stack.interferograms) is None


def test_a_report_of_one_pair(tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "in", [np.ones((3, 3))], [(0, 12)])
    selection = PairSelection(stack, (), {}, (stack.dates,), ())
    write_report(tmp_path / "r.html", selection, stack_to_files(stack, StackOutputs(tmp_path / "p.tif")))
    assert "1 of 1 pairs" in " ".join(parsed(tmp_path / "r.html").text)


def test_an_empty_stack_result_is_reported(tmp_path: Path) -> None:
    stack: Stack = make_stack(tmp_path / "in", [np.zeros((3, 3))] * 2, [(0, 12), (0, 24)])
    selection = PairSelection(stack, (), {}, (stack.dates,), ())
    write_report(tmp_path / "r.html", selection, stack_to_files(stack, StackOutputs(tmp_path / "p.tif")))
    assert "0 (0.0 %)" in " ".join(parsed(tmp_path / "r.html").text)


def test_a_report_that_fails_leaves_nothing(tmp_path: Path) -> None:
    selection, result = selection_and_result(tmp_path)
    folder = tmp_path / "out"
    (folder / "report.html").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"report\.html can't be written"):
        write_report(folder / "report.html", selection, result)
    assert [path.name for path in folder.iterdir()] == ["report.html"]


def test_a_report_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    selection, result = selection_and_result(tmp_path)
    with pytest.raises(OutputError, match=r"report\.html can't be written"):
        write_report(tmp_path / "missing" / "report.html", selection, result)


def test_the_report_tells_which_pairs_do_not_close(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    of_dates = rng.normal(0, 2, (5, 10, 20))
    phases = [of_dates[second // 12] - of_dates[first // 12] + 50 for first, second in DAYS]
    phases[2][:4, :5] += 2 * np.pi
    selection = select_pairs(make_stack(tmp_path / "in", phases, DAYS))
    result = stack_to_files(selection.stack, StackOutputs(tmp_path / "p.tif"))
    write_report(tmp_path / "r.html", selection, result)
    text = " ".join(parsed(tmp_path / "r.html").text)
    wrong = selection.stack.interferograms[2].name
    beside = sum(share > 0 for share in selection.closure.values())
    assert selection.suspect[wrong] == pytest.approx(0.1) and 1 < beside < len(DAYS)
    assert f"{len(DAYS)} of {len(DAYS)} pairs are in such a triplet" in text
    assert f"on average, {100 * beside / len(DAYS) * 0.1:.2g} % of the pixels" in text
    assert f"largest share of suspect pixels has {wrong}, 10 %" in text and f"{wrong} (10 %)" in text


def test_a_report_without_triplets_says_so(tmp_path: Path) -> None:
    days = [(0, 12), (12, 24)]
    selection = select_pairs(make_stack(tmp_path / "in", [np.ones((3, 3))] * 2, days))
    write_report(tmp_path / "r.html", selection, stack_to_files(selection.stack, StackOutputs(tmp_path / "p.tif")))
    assert "No three pairs connect three dates" in " ".join(parsed(tmp_path / "r.html").text)
