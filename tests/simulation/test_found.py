"""Faults that the simulation has found, each as small as it could be made."""

import pytest
import trio

from actors import failpoints
from offerhub.domain.chain import ChainOperation
from tests.simulation.world import Universe, started


async def _die_at(universe: Universe, point: str) -> None:
    """Live until a failpoint is first reached, and be fenced off at that very line."""
    reached = trio.Event()

    def watch(name: str) -> None:
        if name == point and not reached.is_set():
            universe.database.take_epoch()
            reached.set()

    failpoints.watch(watch)
    try:
        async with started(universe):
            with trio.fail_after(300):
                await reached.wait()
    finally:
        failpoints.watch(None)


@pytest.mark.expect_errors
async def test_the_envelope_that_opened_the_channels_is_followed_after_a_kill(
    autojump_clock: object,
) -> None:
    """Seed 3: the channels stood, so that nobody asked what became of it: it stayed open."""
    universe = Universe(seed=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(universe.sandbox.close_ledgers, universe.ledger_s)
        await _die_at(universe, "lane.after_submit.open_channels")
        async with started(universe) as machine:
            with trio.fail_after(300):
                await machine.system.bootstrap.done.wait()
            operations = universe.database.tables.of(ChainOperation).rows.values()
            assert [] == [str(each.step) for each in operations if each.is_open]
        nursery.cancel_scope.cancel()
