"""The hub delivers the sequence as it is: what would leave a hole or go back is a fault of ours."""

from datetime import UTC, datetime

import pytest

from actors.publisher import EventHub
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.unit_of_work import CommittedEvent
from storage.memory import MemoryDatabase, MemoryStorage

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def event(sequence: int) -> CommittedEvent:
    return CommittedEvent(sequence, f"evt_{sequence}", "a.b", "Order", "ord_1", NOW, "{}")


@pytest.mark.parametrize("following", [6, 8, 4], ids=["again", "a hole", "back"])
async def test_an_event_out_of_its_place_is_delivered_to_nobody(following: int) -> None:
    hub = EventHub(MemoryStorage(MemoryDatabase(), lambda: NOW))
    hub.begin(5)
    hub.deliver([event(6)])
    with pytest.raises(InvariantViolated):
        hub.deliver([event(following)])
    assert 6 == hub.delivered
