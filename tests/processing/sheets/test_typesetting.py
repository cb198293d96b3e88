"""Text that fits in any script."""

from __future__ import annotations

import pytest
from qgis.PyQt.QtGui import QFont

from ada_mapper.processing.sheets import typesetting
from printed_survey import LONG_NAME


@pytest.mark.parametrize("text", [LONG_NAME, LONG_NAME * 3, "A very long name of a site " * 6, "x" * 300, "S01", ""])
def test_texts_fit_their_labels_and_stay_legible(qgis_app, text):
    font = QFont("DejaVu Sans")
    lines, size = typesetting.fitted(text, font, 13.5, 60, 8)
    assert 6.5 <= size <= 13.5
    assert lines.count("\n") <= 1
    for line in lines.split("\n"):
        assert typesetting.text_width(line, font, size) <= 60
    assert lines.replace("\n", "") == text or lines.endswith("…") or " " in text


def test_short_texts_keep_their_size_and_chinese_breaks_anywhere_but_before_a_comma(qgis_app):
    font = QFont("DejaVu Sans")
    assert typesetting.fitted("S01", font, 13.5, 60, 8) == ("S01", 13.5)
    lines = typesetting.wrapped("滑坡，" * 30, font, 8, 40)
    assert len(lines) > 1 and "".join(lines) == "滑坡，" * 30
    assert not any(line.startswith("，") for line in lines)
