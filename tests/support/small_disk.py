"""A disk that is full for everybody, without being one: the system refuses what makes a file longer than it may be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def longest_file(size: int) -> Iterator[None]:
    """No file of this process grows beyond ``size`` bytes in the block; skips the test where no system does that."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
