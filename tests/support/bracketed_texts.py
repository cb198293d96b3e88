"""A language that has a word for everything: each text of the plugin stands in brackets in it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from qgis.PyQt.QtCore import QCoreApplication, QTranslator


class Bracketing(QTranslator):
    """Puts each text of the plugin in brackets, as a language would put it into words."""

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        return f"⟦{text}⟧" if context == "AdaMapper" else None  # type: ignore[return-value]

    def isEmpty(self) -> bool:
        return False


@contextlib.contextmanager
def bracketed() -> Iterator[None]:
    """QGIS in that language."""
    translator = Bracketing()
    QCoreApplication.installTranslator(translator)
    try:
        yield
    finally:
        QCoreApplication.removeTranslator(translator)


def outside(text: str) -> str:
    """What is left of a text without what was translated, and without numbers, marks, file names and HTML."""
    while "⟦" in text:
        shorter = re.sub(r"⟦[^⟦⟧]*⟧", "", text)
        if shorter == text:
            break
        text = shorter
    return re.sub(r"[\d\W_]+", "", re.sub(r"<[^>]*>|&\w+;", "", text))
