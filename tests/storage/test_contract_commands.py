"""Operators' commands and stored facts of the instance: both storages alike."""

import trio

from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.unit_of_work import Committed, RefusalKind, Refused, SettingChange
from storage.port import Storage
from tests.storage.test_contract import commit
from tests.storage.units import Hands


async def test_open_commands_are_found_oldest_first_and_ended_ones_not(
    storage: Storage, hands: Hands
) -> None:
    commands = [hands.command() for _ in range(3)]
    for command in commands:
        await commit(storage, hands.unit(writes=(command,)))
    first, second, third = commands
    await commit(storage, hands.unit(writes=(second.done({"ok": True}, hands.now),)))
    running = first.running({"done": 1}, hands.now)
    await commit(storage, hands.unit(writes=(running,)))
    assert [running, third] == list(await storage.open_commands(10))
    assert [running] == list(await storage.open_commands(1))
    ended = await storage.load(OperatorCommand, second.id)
    assert ended is not None
    assert {"ok": True} == ended.result


async def test_a_listener_is_told_at_once_and_of_every_command(
    storage: Storage, hands: Hands
) -> None:
    notices: list[None] = []
    assert not await storage.served()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(storage.listen_for_commands, lambda: notices.append(None))
        await until(lambda: len(notices) == 1)
        assert await storage.served()
        await commit(storage, hands.unit(writes=(hands.command(),)))
        await until(lambda: len(notices) == 2)
        nursery.cancel_scope.cancel()
    with trio.fail_after(10):
        while await storage.served():
            await trio.sleep(0.01)


async def until(condition) -> None:
    with trio.fail_after(10):
        while not condition():
            await trio.sleep(0.01)


async def test_a_setting_changes_only_from_what_it_was_read_as(
    storage: Storage, hands: Hands
) -> None:
    first = hands.unit(settings=(SettingChange("mode", None, "on"),))
    (outcome,) = await storage.commit([first])
    assert isinstance(outcome, Committed)
    assert "on" == await storage.setting("mode")
    for before in (None, "off"):
        stale = hands.unit(
            writes=(hands.user(),), settings=(SettingChange("mode", before, "stale"),)
        )
        assert [Refused(RefusalKind.CONFLICT, "mode")] == list(await storage.commit([stale]))
    assert "on" == await storage.setting("mode")
    both = [
        hands.unit(settings=(SettingChange("mode", "on", "off"),)),
        hands.unit(settings=(SettingChange("mode", "off", "on again"),)),
    ]
    assert all(isinstance(one, Committed) for one in await storage.commit(both))
    assert "on again" == await storage.setting("mode")
