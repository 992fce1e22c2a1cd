"""Maintenance is stored with its audit entry, and shown by the next process before it serves."""

from trio.testing import MockClock

from actors.maintenance import DISABLE, ENABLE
from offerhub.domain.maintenance import SETTING, Maintenance
from offerhub.domain.operator_command import CommandState
from storage.memory import MemoryDatabase
from tests.actors.commanding import command
from tests.actors.purchase import closing, living
from tests.simulation.world import Universe


async def test_it_is_stored_in_the_commit_of_its_audit_entry_and_outlives_the_process(
    autojump_clock: MockClock,
) -> None:
    universe = Universe(seed=1)
    seen: list[tuple[bool, bool]] = []

    def look(database: MemoryDatabase) -> None:
        audited = any(b"maintenance.enable" in entry.canonical for entry in database.audit)
        seen.append((SETTING in database.settings, audited))

    async with closing(universe):
        async with living(universe) as market:
            universe.database.on_commit = look
            ended = await command(market.storage, ENABLE, {"message": "new disk"})
            assert CommandState.DONE is ended.state
            assert {(False, False), (True, True)} == set(seen)
            shown = market.machine.system.maintenance_switch.now
            assert (True, "new disk") == (shown.enabled, shown.message)
        async with living(universe) as market:
            assert shown == market.machine.system.maintenance_switch.now
            await command(market.storage, DISABLE, {})
            assert not market.machine.system.maintenance_switch.now.enabled
            entries = await market.audit("maintenance.enable", "maintenance.disable")
            assert [
                ({"enabled": False, "message": None}, {"enabled": True, "message": "new disk"}),
                ({"enabled": True, "message": "new disk"}, {"enabled": False, "message": None}),
            ] == [(entry["before"], entry["after"]) for entry in entries]
            assert {"cli:root"} == {entry["actor"] for entry in entries}


async def test_a_message_that_is_too_long_is_refused(autojump_clock: MockClock) -> None:
    universe = Universe(seed=1)
    async with closing(universe), living(universe) as market:
        refused = await command(market.storage, ENABLE, {"message": "x" * 501})
        assert refused.refusal is not None
        assert "VALIDATION_ERROR" == refused.refusal.code
        assert not market.machine.system.maintenance_switch.now.enabled


def test_what_is_stored_reads_back() -> None:
    for each in (Maintenance(), Maintenance.decoded("on 2026-11-22T00:00:00.000Z a b  c")):
        assert each == Maintenance.decoded(each.encoded())
    assert "a b  c" == Maintenance.decoded("on 2026-11-22T00:00:00.000Z a b  c").message
