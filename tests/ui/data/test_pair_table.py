"""The table of pairs: what it says, how it is sorted, and what mouse and keys ask for."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from datetime import date, timedelta

import pytest
from qgis.PyQt.QtCore import QLocale, QPoint, Qt
from qgis.PyQt.QtTest import QTest

from ada_mapper.core.interferograms import PairFacts, PairLimits, reasons_against, rules_against
from ada_mapper.ui.data.pair_table import (
    BASELINE,
    CLOSURE,
    COHERENCE,
    DAYS,
    FIRST,
    KEEP,
    SECOND,
    SUSPECT,
    USED,
    PairTable,
)

START = date(2018, 1, 6)


def pair(first, second, baseline=None, coherence=None):
    begin, end = START + timedelta(first), START + timedelta(second)
    return PairFacts(f"{begin:%Y%m%d}_{end:%Y%m%d}", begin, end, baseline, coherence)


PAIRS = (pair(0, 12, -9.2, 0.456), pair(0, 120, 30.0), pair(12, 24, 150.0, 0.7), pair(24, 36))


@pytest.fixture
def table(qgis_app):
    before = QLocale()
    QLocale.setDefault(QLocale("en"))
    instance = PairTable()
    instance.resize(700, 300)
    instance.show()
    yield instance
    instance.close()
    instance.deleteLater()
    QLocale.setDefault(before)


def show(table, *excluded, pairs=PAIRS):
    limits = PairLimits(excluded=frozenset(excluded))
    table.set_pairs(pairs, reasons_against(pairs, limits), rules_against(pairs, limits))


def texts(table, column):
    model = table.model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def test_each_pair_is_told_with_its_use(table):
    show(table, PAIRS[3].name)
    assert texts(table, FIRST) == ["2018-01-06", "2018-01-06", "2018-01-18", "2018-01-30"]
    assert texts(table, SECOND) == ["2018-01-18", "2018-05-06", "2018-01-30", "2018-02-11"]
    assert texts(table, DAYS) == ["12", "120", "12", "12"]
    assert texts(table, BASELINE) == ["−9.2", "30.0", "150.0", "–"]
    assert texts(table, COHERENCE) == ["0.46", "–", "0.70", "–"]
    assert texts(table, USED) == ["used", "too long", "baseline too large", "left out by hand"]
    hint = table.model().index(1, USED).data(Qt.ItemDataRole.ToolTipRole)
    assert hint == "Its temporal baseline of 120 days is above 40."
    checks = [table.model().index(row, KEEP).data(Qt.ItemDataRole.CheckStateRole) for row in range(4)]
    assert [Qt.CheckState(check) == Qt.CheckState.Checked for check in checks] == [True, True, True, False]


def test_a_pair_of_several_files_says_so(table):
    pairs = (replace(PAIRS[0], files=3), replace(PAIRS[1], files=2), PAIRS[2])
    show(table, pairs=pairs)
    hints = [table.model().index(row, USED).data(Qt.ItemDataRole.ToolTipRole) for row in range(3)]
    assert hints == [
        "It consists of 3 files side by side.",
        "Its temporal baseline of 120 days is above 40. It consists of 2 files side by side.",
        "Its perpendicular baseline of 150.0 m is above 120.",
    ]


@pytest.mark.parametrize(
    ("column", "order"),
    [(DAYS, [0, 2, 3, 1]), (BASELINE, [3, 0, 1, 2]), (COHERENCE, [1, 3, 0, 2]), (SECOND, [0, 2, 3, 1])],
)
def test_columns_sort_by_their_values_not_their_texts(table, column, order):
    show(table)
    table.sortByColumn(column, Qt.SortOrder.AscendingOrder)
    rows = list(zip(texts(table, FIRST), texts(table, SECOND)))
    assert rows == [(PAIRS[i].first_date.isoformat(), PAIRS[i].second_date.isoformat()) for i in order]


def test_the_pairs_that_do_not_close_come_together(table):
    shares = ((0.004, 0.0), (None, None), (0.123, 0.1234), (0.5, 0.0))
    pairs = tuple(replace(item, closure=every, suspect=own) for item, (every, own) in zip(PAIRS, shares))
    show(table, pairs=pairs)
    assert texts(table, CLOSURE) == ["0.4", "–", "12.3", "50.0"]
    assert texts(table, SUSPECT) == ["0.0", "–", "12.3", "0.0"]
    for column, order in ((CLOSURE, ["50.0", "12.3", "0.4", "–"]), (SUSPECT, ["12.3", "0.0", "0.0", "–"])):
        table.sortByColumn(column, Qt.SortOrder.DescendingOrder)
        assert texts(table, column) == order
    for column, words in ((CLOSURE, "off by whole cycles"), (SUSPECT, "likely reason")):
        hint = table.model().headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        assert words in hint
    close = tuple(replace(item, first_date=START, second_date=START + timedelta(12)) for item in pairs[2:3])
    limits = PairLimits(max_perpendicular_baseline=200, max_closure=0.1)
    table.set_pairs(close, reasons_against(close, limits), rules_against(close, limits))
    assert texts(table, USED) == ["does not close"]


def test_numbers_follow_the_locale(table, other_locale):
    show(table)
    assert texts(table, BASELINE)[0] == f"−9{other_locale.decimalPoint()}2"


def test_the_check_box_and_the_space_key_ask_to_leave_a_pair_out(table):
    show(table)
    asked, chosen = [], []
    table.toggled.connect(asked.append)
    table.chosen.connect(chosen.append)
    box = table.visualRect(table.model().index(2, KEEP))
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(box.left() + 10, box.center().y()))
    assert asked == [PAIRS[2].name] and chosen == [PAIRS[2].name]
    QTest.keyClick(table, Qt.Key.Key_Down)
    QTest.keyClick(table, Qt.Key.Key_Space)
    assert chosen[-1] == PAIRS[3].name and asked[-1] == PAIRS[3].name
    assert texts(table, USED)[3] == "used", "the owner decides, then sets the pairs again"


def test_a_marked_pair_stays_marked_while_others_change(table):
    show(table)
    chosen = []
    table.chosen.connect(chosen.append)
    table.sortByColumn(USED, Qt.SortOrder.DescendingOrder)
    table.set_selected(PAIRS[3].name)
    show(table, PAIRS[3].name, PAIRS[0].name)
    assert table.selected() == PAIRS[3].name
    table.set_selected(None)
    assert table.selected() is None and not chosen


def test_500_pairs_are_fluent(table):
    pairs = tuple(pair(12 * i, 12 * j, float(i - j), 0.5) for i in range(100) for j in range(i + 1, i + 6))
    show(table, pairs=pairs)
    table.sortByColumn(USED, Qt.SortOrder.AscendingOrder)
    times = []
    for days in (20, 30, 40, 50):
        limits = PairLimits(max_temporal_baseline=days)
        start = time.process_time()
        table.set_pairs(pairs, reasons_against(pairs, limits), rules_against(pairs, limits))
        table.grab()
        times.append(time.process_time() - start)
    assert min(times) < 0.1, "a step of a drag"


def test_the_table_needs_no_part_of_qgis():
    code = (
        "import sys, qgis.PyQt.QtWidgets; before = set(sys.modules); import ada_mapper.ui.data.pair_table; "
        "unwanted = {'qgis.core', 'ada_mapper.processing.algorithm', 'numpy', 'scipy'}; "
        "new = set(sys.modules) - before; "
        "sys.exit(' '.join(unwanted & new) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
