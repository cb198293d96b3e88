"""Fixtures for all tests. Tests of core need no QGIS."""

from __future__ import annotations

import os

from hypothesis import settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine must not fail a test: speed is measured in benchmarks/. The examples are the same on every machine and
# in every run, so that no one's change fails for an example that nobody saw before; `make search` looks for new ones.
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile("ci")
