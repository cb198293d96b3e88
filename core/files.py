"""Files that appear under their name whole or not at all."""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path

from .errors import OutputError
from .types import PathLike


def write_text(path: PathLike, content: str) -> None:
    """Write a text file in UTF-8 whole or not at all; OutputError when it can't be written."""
    target = Path(path)
    temporary = target.with_name(f".{target.name}.part")
    try:
        temporary.write_text(content, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise OutputError(
            f"{target} can't be written ({error}). Check that the folder exists and that you may write there."
        ) from None


def write_file(path: PathLike, content: bytes) -> None:
    """Write a file that appears only when complete; OutputError when it can't be written."""
    target = Path(path)
    temporary = target.with_name(f".{target.stem}-{uuid.uuid4().hex[:8]}{target.suffix}")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(
            f"{target} can't be written ({error}). Check that the folder exists and that you may write there."
        ) from None
