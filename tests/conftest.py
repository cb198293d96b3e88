"""Fixtures for all tests. Tests of core need no QGIS."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from gdal_watch import switches, unprotected_calls

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine must not fail a test: speed is measured in benchmarks/. The examples are the same on every machine and
# in every run, so that no one's change fails for an example that nobody saw before; `make search` looks for new ones.
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def watched_gdal() -> Iterator[set[str]]:
    """The places of core whose calls of GDAL could fail unseen, for as long as the tests run."""
    with unprotected_calls() as found:
        yield found


@pytest.fixture(autouse=True)
def gdal_is_left_as_it_was(watched_gdal: set[str]) -> Iterator[None]:
    """After each test GDAL's exceptions are switched as before, and no call of core went out without them."""
    watched_gdal.clear()
    before = switches()
    yield
    assert switches() == before
    assert not watched_gdal, "\n".join(sorted(watched_gdal))
