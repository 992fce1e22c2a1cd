"""The publisher: committed events to the subscribers of the stream, in order, without a gap."""

from collections.abc import Sequence

from offerhub.domain.unit_of_work import CommittedEvent


class EventHub:
    """Where the journal puts committed events."""

    def publish(self, events: Sequence[CommittedEvent]) -> None:
        """Take events that were just committed; never waits."""
        raise NotImplementedError
