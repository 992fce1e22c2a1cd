"""The audit as a list, the same in the twin and in PostgreSQL."""

from datetime import timedelta

import pytest
from attrs import evolve

from storage.port import AuditFilter, Storage, StoredAudit, UnknownCursor
from storage.rendering import first_broken
from tests.storage.test_contract import commit
from tests.storage.units import START, Hands


async def _made(storage: Storage, hands: Hands) -> list[StoredAudit]:
    """Six entries, one a minute but for the last two, which are of one moment."""
    for minute, fields in enumerate(
        (
            {"action": "order.create", "resource_id": "ord_1"},
            {"action": "user.create", "resource_type": "User", "resource_id": "usr_1"},
            {"action": "order.reserve", "resource_id": "ord_1", "user_id": "usr_1"},
            {"action": "order.reserve", "resource_id": "ord_2", "user_id": "usr_2"},
            {"action": "order.reserve", "resource_id": "ord_1", "user_id": "usr_1"},
            {"action": "order.cancel", "resource_id": "ord_1", "user_id": "usr_1"},
        )
    ):
        hands.now = START + timedelta(minutes=min(minute, 4))
        await commit(storage, hands.unit(audit=(hands.entry(**fields),)))
    return list(await storage.audit_after(0, 10))


async def test_entries_are_listed_newest_first_and_paged_by_the_last_id(
    storage: Storage, hands: Hands
) -> None:
    made = await _made(storage, hands)
    newest_first = [entry.id for entry in made[::-1]]

    pages: list[list[str]] = []
    cursor = None
    while cursor is not None or not pages:
        page = await storage.audit_log(AuditFilter(), cursor, 4)
        pages.append([entry.id for entry in page.items])
        cursor = page.next_cursor

    assert [newest_first[:4], newest_first[4:]] == pages
    with pytest.raises(UnknownCursor):
        await storage.audit_log(AuditFilter(), "aud_none", 4)


async def test_filters_of_the_audit_combine(storage: Storage, hands: Hands) -> None:
    await _made(storage, hands)

    async def found(**where) -> list[int]:
        page = await storage.audit_log(AuditFilter(**where), None, 10)
        return [entry.sequence for entry in page.items]

    assert [2] == await found(resource_type="User")
    assert [6, 5, 3, 1] == await found(resource_id="ord_1")
    assert [5, 4, 3] == await found(action="order.reserve")
    assert [6, 5, 3] == await found(user_id="usr_1")
    assert [5, 3] == await found(user_id="usr_1", action="order.reserve")
    second, fifth = START + timedelta(minutes=1), START + timedelta(minutes=4)
    assert [6, 5] == await found(since=fifth)
    assert [4, 3, 2] == await found(since=second, until=fifth)
    assert [3] == await found(resource_id="ord_1", since=second, until=fifth)
    assert [] == await found(user_id="usr_1", resource_type="User")


async def test_the_page_behind_a_cursor_needs_no_fitting_cursor(
    storage: Storage, hands: Hands
) -> None:
    made = await _made(storage, hands)

    page = await storage.audit_log(AuditFilter(resource_id="ord_1"), made[3].id, 10)

    assert [3, 1] == [entry.sequence for entry in page.items]


async def test_an_entry_that_is_listed_as_what_it_does_not_say_breaks_the_chain(
    storage: Storage, hands: Hands
) -> None:
    first, second, *_ = await _made(storage, hands)

    for change in ({"action": "x"}, {"user_id": "usr_9"}, {"at": START + timedelta(hours=1)}):
        broken = first_broken([first, evolve(second, **change)])
        assert (2, "the entry is listed as something else than its text says") == broken
