"""How many examples a property test draws."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

_USUAL = 100


def examples(count: int, **more: Any) -> settings:
    """Settings for so many examples, and in a profile that draws more than the usual 100 for as many times more."""
    return settings(max_examples=max(1, count * settings.default.max_examples // _USUAL), **more)
