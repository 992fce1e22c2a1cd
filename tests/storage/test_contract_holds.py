"""The contract of holds, the same for the twin and for PostgreSQL: one open hold a label."""

from attrs import evolve

from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import Committed, RefusalKind, Refused
from storage.port import Storage
from tests.storage.units import Hands


async def test_an_open_hold_is_found_by_its_users_label(storage: Storage, hands: Hands) -> None:
    mine, other, theirs = hands.hold(), hands.hold(reference="case-8"), hands.hold("usr_2")
    await storage.commit([hands.unit(writes=(mine, other, theirs))])
    assert mine == await storage.open_hold("usr_1", "case-7")
    assert theirs == await storage.open_hold("usr_2", "case-7")
    assert await storage.open_hold("usr_2", "case-8") is None


async def test_a_label_is_taken_while_anything_of_its_hold_is_left(
    storage: Storage, hands: Hands
) -> None:
    first = hands.hold()
    await storage.commit([hands.unit(writes=(first,))])
    second = hands.hold()
    (refused,) = await storage.commit([hands.unit(writes=(second,))])
    assert Refused(RefusalKind.TAKEN, "hold_reference") == refused
    less = evolve(first, version=2, remaining=Money.parse("1.00"))
    await storage.commit([hands.unit(writes=(less,))])
    assert less == await storage.open_hold("usr_1", "case-7")
    (refused,) = await storage.commit([hands.unit(writes=(second,))])
    assert Refused(RefusalKind.TAKEN, "hold_reference") == refused


async def test_a_label_is_free_again_when_its_hold_is_used_up(
    storage: Storage, hands: Hands
) -> None:
    first = hands.hold()
    await storage.commit([hands.unit(writes=(first,))])
    used = evolve(first, version=2, remaining=Money.zero())
    await storage.commit([hands.unit(writes=(used,))])
    assert await storage.open_hold("usr_1", "case-7") is None
    second = hands.hold()
    (outcome,) = await storage.commit([hands.unit(writes=(second,))])
    assert isinstance(outcome, Committed)
    assert second == await storage.open_hold("usr_1", "case-7")
    assert used == await storage.load(type(used), used.id)
