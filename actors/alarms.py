"""What waits for an operator: raised by actors, shown by health until it is over."""

from collections.abc import Mapping
from types import MappingProxyType


class Alarms:
    """The alarms that are on, by what they are about. Never waits."""

    def __init__(self) -> None:
        self._on: dict[str, str] = {}

    @property
    def on(self) -> Mapping[str, str]:
        """Subject → reason, oldest first."""
        return MappingProxyType(self._on)

    def tell(self, subject: str, reason: str | None) -> None:
        """Turn an alarm on, or off where there is no reason for it."""
        if reason is None:
            self.end(subject)
        else:
            self.sound(subject, reason)

    def sound(self, subject: str, reason: str) -> None:
        """Turn an alarm on, or say something else of it."""
        self._on[subject] = reason

    def end(self, subject: str) -> None:
        """Turn an alarm off, if it is on."""
        self._on.pop(subject, None)
