"""Text that fits in any script."""

from __future__ import annotations

import unicodedata

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


TEXTS = {
    "english": "Look for fresh tensile cracks (open), tilted trees and a bulging toe; see https://example.org/a/b_c?d=e.",
    "chinese": "请注意坡顶（新的）裂缝、倾斜的“马刀树”以及坡脚隆起！沿旧公路步行约一百二十米，过桥后左转；雨天勿入。",
    "rare": "𠀀𠀁𠀂😀𠀃" * 20,
    "long word": "Donaudampfschifffahrtsgesellschaft" * 3,
    "thai": "สวัสดีครับนี่คือดินถล่ม" * 4,
    "paragraphs": "Rope needed.\n\nSlope above the road.",
}


@pytest.mark.parametrize("width", [12, 25, 60])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_lines_hold_all_of_a_text_and_none_is_too_wide(qgis_app, text, width):
    font = QFont("DejaVu Sans")
    lines = typesetting.wrapped(text, font, 8, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(typesetting.text_width(line, font, 8) <= width + 1e-6 for line in lines)
    assert not any(unicodedata.category(line[0]) in ("Pe", "Pf", "Mn") for line in lines if line)
    assert not any(unicodedata.category(line[-1]) in ("Ps", "Pi") for line in lines if line)


def test_words_stay_whole_where_they_fit_and_paragraphs_begin_anew(qgis_app):
    font = QFont("DejaVu Sans")
    lines = typesetting.wrapped(TEXTS["english"].partition(" see")[0], font, 8, 25)
    assert " ".join(lines).split() == TEXTS["english"].partition(" see")[0].split() and len(lines) > 3
    assert typesetting.wrapped(TEXTS["paragraphs"], font, 8, 80) == TEXTS["paragraphs"].split("\n")
    assert typesetting.wrapped("", font, 8, 80) == [""]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_what_is_cut_ends_in_an_ellipsis_and_fits(qgis_app, text):
    font, text = QFont("DejaVu Sans"), text.partition("\n")[0]
    whole = typesetting.text_width(text, font, 8)
    assert typesetting.cut(text, font, 8, whole + 0.1) == text
    for width in (5, 0.3 * whole, 0.8 * whole):
        short = typesetting.cut(text, font, 8, width)
        assert typesetting.text_width(short, font, 8) <= width + 1e-6
        assert short.endswith("…") and text.startswith(short[:-1]) and not short.endswith(" …")
