"""Progress, messages and cancellation, passed down through every long function as one object."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from .errors import CancelledError
from .texts import Message, as_message

_log = logging.getLogger("ada_mapper")


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Progress:
    """Reports a fraction in [0, 1] of the part of the run that it stands for; raises when the run is cancelled.

    By default messages go to the ``ada_mapper`` logger and nothing is ever cancelled.
    """

    on_fraction: Callable[[float], None] = field(default=lambda fraction: None)
    on_info: Callable[[Message], None] = _log.info
    on_warning: Callable[[Message], None] = _log.warning
    is_cancelled: Callable[[], bool] = _never
    start: float = 0.0
    stop: float = 1.0

    def check(self) -> None:
        """Raise CancelledError when the user has stopped the run."""
        if self.is_cancelled():
            raise CancelledError("The run was cancelled; nothing was written.")

    def report(self, fraction: float) -> None:
        """Tell how much of this part is done, after checking for cancellation: what is complete can't be cancelled."""
        if fraction < 1:
            self.check()
        self.on_fraction(self.start + (self.stop - self.start) * min(max(fraction, 0.0), 1.0))

    def part(self, start: float, stop: float) -> Progress:
        """The Progress of a sub-task that takes this part's interval [start, stop]."""
        width = self.stop - self.start
        return replace(self, start=self.start + width * start, stop=self.start + width * stop)

    def info(self, template: str, /, **values: Any) -> None:
        """Tell what was done or assumed: a template with its values, or a Message."""
        self.on_info(as_message(template, values))

    def warning(self, template: str, /, **values: Any) -> None:
        """Tell what the user should look at."""
        self.on_warning(as_message(template, values))


QUIET = Progress()
