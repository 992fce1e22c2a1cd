"""Maintenance: while it is on, reads are answered and changes are refused (docs/spec/api.md, Endpoints).

It is a stored fact of the instance, so it lasts over restarts. What was accepted before goes on.
"""

from datetime import datetime
from typing import Final

from attrs import frozen

from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import iso

SETTING: Final = "maintenance"
"""The name of the stored fact."""

RETRY_AFTER_S: Final = 30
"""When a refused caller is told to come again: nobody knows how long it lasts."""

MESSAGE_MAX: Final = 500


@frozen
class Maintenance:
    """Whether it is on.

    Args:
        message: the operator's, for those who are refused; `None` without one.
        since: of the last change; `None`: it was never on.
    """

    enabled: bool = False
    message: str | None = None
    since: datetime | None = None

    def encoded(self) -> str:
        """As it is stored: on or off, the moment, the message."""
        moment = "-" if self.since is None else iso(self.since)
        return f"{'on' if self.enabled else 'off'} {moment} {self.message or ''}"

    @staticmethod
    def decoded(stored: str | None) -> "Maintenance":
        """From what `encoded` made; of nothing stored: it is off."""
        if stored is None:
            return Maintenance()
        state, moment, message = stored.split(" ", 2)
        since = None if moment == "-" else datetime.fromisoformat(moment)
        return Maintenance(state == "on", message or None, since)

    def refusal(self) -> DomainError:
        """What a change is answered while it is on."""
        return DomainError(
            ErrorCode.MAINTENANCE,
            self.message or "the instance is in maintenance: reads work, changes do not",
            {"retryAfter": RETRY_AFTER_S},
        )
