"""Sentences for people: a template with its values, in English here, in another language where one is known.

Core makes Messages and QGIS' edge puts them into words, so that core knows no translator and nothing is told in two
languages at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Callable

Translate = Callable[[str], str]
"""From an English template to the template in the user's language."""

_NOISE = tuple(
    re.compile(pattern)
    for pattern in (
        r"\[ONNXRuntimeError\] : \d+ : \w+ : ",
        r"(?:\S*[/\\])?[\w.]+\.(?:cc|cpp|h|hpp|cu|cuh):\d+:?\s*",
        r"(?:[\w:~<>*&]+ )*[\w:~<>]+::[\w~]+\([^()]*\)(?: const)? ",
        r"\[enforce fail at [^]]*\] (?:[^.]* == [^.]*\.\s|)",
        r"^Non-zero status code returned while running .*?Status Message: ",
        r"^Load model from .*? failed:\s*",
        r"^.* was false\. (?=\S)",
        r"^(?:This is an invalid model\. |Fatal error: |Exception during initialization: )+",
    )
)
"""Codes, C++ functions and source files in what libraries say."""
_STACK = ("frame #", "Stacktrace:", "Stack trace:", "Exception raised from", "Traceback", 'File "')
_LONGEST_LINE = 300


class Message(str):
    """The English sentence, which remembers the template (a ``str.format`` text) and the values it was made from.

    Without values the template is the sentence itself, and braces in it are braces. Of an error among the values only
    what it says is kept: its traceback would hold files open for as long as somebody shows the sentence.
    """

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Message:
        values = {name: _said(value) for name, value in values.items()}
        message = super().__new__(cls, template.format(**values) if values else template)
        message.template, message.values = template, values
        return message

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (self.template,), dict(self.values)

    def in_words(self, translate: Translate) -> str:
        """The sentence through a translator; values that are Messages or errors go through it, too.

        English where a translation names values that the sentence doesn't have.
        """
        words = translate(self.template) if self.template else ""
        if not self.values:
            return words
        try:
            return words.format(**{name: in_words(value, translate) for name, value in self.values.items()})
        except (LookupError, ValueError, AttributeError):
            return str(self)


def in_words(value: Any, translate: Translate) -> Any:
    """A Message or an error through a translator; any other value as it is."""
    value = _said(value)
    return value.in_words(translate) if isinstance(value, Message) else value


def _said(value: Any) -> Any:
    """What an error says, its Message where it was made of one; any other value as it is."""
    if not isinstance(value, BaseException):
        return value
    return value.args[0] if len(value.args) == 1 and isinstance(value.args[0], Message) else in_one_line(value)


def in_one_line(error: BaseException) -> str:
    """What an error of another library says, without what tells people nothing; its kind where it says nothing.

    ONNX Runtime and PyTorch put codes, C++ functions and source files before or behind the reason, on many lines.
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, KeyError) and len(error.args) == 1:
        return Message("there is no {name}", name=error.args[0])
    lines = [_without_noise(line) for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith(_STACK)]
    text = told[0] if told else type(error).__name__
    if text.endswith(":") and len(told) > 1:
        text = f"{text} {told[1]}"
    text = text.rstrip(" .:;")
    return text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE].rstrip()}…"


def _without_noise(line: str) -> str:
    for pattern in _NOISE:
        line = pattern.sub("", line)
    return line.strip()


def as_message(text: str, values: Mapping[str, Any]) -> Message:
    """A template with its values as a Message; a Message stays what it is."""
    return text if isinstance(text, Message) and not values else Message(text, **values)


def joined(parts: Sequence[str], separator: str = ", ") -> Message:
    """Texts one after the other, each of which is translated for itself."""
    names = [f"part_{number}" for number in range(len(parts))]
    return Message(separator.join(f"{{{name}}}" for name in names), **dict(zip(names, parts)))
