"""Numbers and directions in the words of the user's language."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from qgis.PyQt.QtCore import QLocale

from ada_mapper.processing.texts import compass, number, rounded


@pytest.fixture
def written_in(qgis_app: object) -> Iterator[object]:
    """Sets the locale by its name, and the former one afterwards."""
    before = QLocale()
    yield lambda name: QLocale.setDefault(QLocale(name))
    QLocale.setDefault(before)


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("en_US", ("−1,234.6", "12,346")), ("de_DE", ("−1.234,6", "12.346")), ("zh_CN", ("−1,234.6", "12,346"))],
)
def test_numbers_follow_the_locale_with_a_true_minus(written_in, locale, expected) -> None:
    written_in(locale)
    assert (number(-1234.56, 1), number(12346)) == expected


@pytest.mark.parametrize("decimals", [0, 1, 3])
def test_nothing_is_written_as_minus_zero(written_in, decimals) -> None:
    written_in("en_US")
    almost = -0.49 * 10.0**-decimals
    assert float(number(almost, decimals)) == 0
    assert "−" not in number(almost, decimals) + number(-0.0, decimals)
    assert "−" in number(-0.51 * 10.0**-decimals, decimals)


def test_what_is_unknown_is_a_dash(written_in) -> None:
    assert {number(None), number(math.nan, 2), number(math.inf)} == {"–"}


def test_significant_digits(written_in) -> None:
    written_in("de_DE")
    assert (rounded(-0.012345, 3), rounded(1000.0, 4)) == ("−0,0123", "1.000")


@pytest.mark.parametrize("turns", [-720, 0, 360])
def test_compass_names_the_nearest_of_eight_winds(written_in, turns) -> None:
    winds = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"]
    for index, wind in enumerate(winds):
        for aside in (-22, 0, 22):
            assert compass(turns + 45 * index + aside) == wind
