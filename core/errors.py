"""The errors that a user sees: each message says what is wrong, where, and what to do."""

from __future__ import annotations

from typing import Any

from .texts import Message, as_message


class AdaMapperError(Exception):
    """Base of all errors that are told to the user: a template and its values (texts.Message)."""

    def __init__(self, template: str, /, **values: Any) -> None:
        super().__init__(as_message(template, values))

    @property
    def message(self) -> Message:
        """What is told."""
        message: Message = self.args[0]
        return message


class InputError(AdaMapperError):
    """A file, layer or parameter that can't be used."""


class OutputError(AdaMapperError):
    """A result that can't be written."""


class DependencyError(AdaMapperError):
    """A Python package that is missing; the message says which, and how to get it."""


class CancelledError(AdaMapperError):
    """The user stopped the run."""
