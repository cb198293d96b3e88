"""CSV files that a spreadsheet can open without running what a surveyor wrote."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ada_mapper.core.reports import plain_cell, write_csv


def written(path, *rows):
    write_csv(path, rows)
    return list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))


@pytest.mark.parametrize(
    "text",
    ['=HYPERLINK("http://x")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "＝1+1", "-", "+"],
)
def test_formulas_are_texts_and_come_back(tmp_path, text):
    cell = written(tmp_path / "a.csv", [text])[0][0]
    assert cell == f"'{text}" and plain_cell(cell) == text


@pytest.mark.parametrize("cell", ["-12.5", "+3", "-1e-05", "S01", "wet, steep", "'quoted'", "a=b", "", "王", "'"])
def test_numbers_and_other_texts_stay_as_they_are(tmp_path, cell):
    assert written(tmp_path / "a.csv", ["x", cell]) == [["x", cell]] and plain_cell(cell) == cell


def test_numbers_are_numbers(tmp_path):
    assert written(tmp_path / "a.csv", [-1, 2.5, ""]) == [["-1", "2.5", ""]]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
def test_every_text_comes_back(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "text.csv"
    write_csv(path, [["", text]])
    with path.open(encoding="utf-8", newline="") as stream:
        assert plain_cell(next(csv.reader(stream))[1]) == text
