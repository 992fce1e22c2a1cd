"""What becomes of a webhook: its contract is looked at, in the end by an operator."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import trio
from attrs import define, field

from actors.board import Board
from actors.core import Core
from actors.journal import Journal
from actors.kernel import Cell
from actors.messages import ReceiveWebhook
from actors.publisher import EventHub
from actors.timer import Timer, TimerParts
from actors.webhooks import AT_ONCE, WebhookParts, Webhooks
from offerhub.domain.chain import ChainStatus, Subject
from offerhub.domain.due import WEBHOOKS_KEPT, Perishable
from offerhub.domain.ids import Ids
from offerhub.domain.intents import TrustUsdc
from offerhub.domain.order import Escrow, EscrowStatus, Operation, OrderStatus, Process
from offerhub.domain.parked import Parked
from offerhub.domain.steps import RELEASE
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Committed
from offerhub.domain.webhook import Webhook, WebhookStatus
from offerhub.domain.webhook_decisions import TRIES_MAX
from offerhub.providers.trustless_work.port import ProviderUnavailable
from storage.memory import MemoryDatabase, MemoryStorage
from tests.simulation.world import now
from tests.storage.units import Hands

AWAY = ProviderUnavailable("the provider is silent")


@define
class Provider:
    """A provider that says of every contract what a test says, and of how many it is asked at once."""

    says: Any = AWAY
    asked: int = 0
    at_once: int = 0
    most_at_once: int = 0
    takes_s: float = 0.0

    async def escrow(self, contract_id: str) -> Any:
        del contract_id
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await trio.sleep(self.takes_s)
        self.at_once -= 1
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


def says(**flags: bool) -> Any:
    return SimpleNamespace(**{"disputed": False, "released": False, "resolved": False, **flags})


@define
class Desk:
    """A database, and lives of a process that takes webhooks."""

    database: MemoryDatabase = field(factory=MemoryDatabase)
    hands: Hands = field(factory=Hands)
    provider: Provider = field(factory=Provider)
    looked: list[tuple[str, str]] = field(factory=list)
    numbers: int = 0

    def random_bytes(self, length: int) -> bytes:
        self.numbers += 1
        return hashlib.shake_256(str(self.numbers).encode()).digest(length)

    def webhook(self) -> Webhook:
        (webhook,) = self.database.tables.of(Webhook).rows.values()
        return webhook

    def entries(self, action: str) -> list[dict[str, Any]]:
        entries = [json.loads(each.canonical) for each in self.database.audit]
        return [each for each in entries if each["action"] == action]

    @asynccontextmanager
    async def life(self) -> AsyncIterator[Any]:
        """A process; leaving the context kills it. Gives what takes a webhook."""
        storage = MemoryStorage(self.database, now)
        hub = EventHub(storage)
        ids = Ids(self.random_bytes)
        journal = Journal(storage, Board(), hub, on_write=lambda entity: timer.note(entity))  # noqa: PLW0108 - made below
        core = Core(storage, journal, now, ids, lambda: 0.5)
        provider: Any = self.provider
        parts = WebhookParts(core, provider, lambda *at: self.looked.append(at))
        webhooks = Cell("webhooks", lambda: Webhooks(parts))
        timer = Timer(TimerParts(core, lambda due: webhooks.address.wake(due.owner)))

        async def receive(event_id: str = "e-1", contract_id: str = "CA1") -> bool:
            trace = Trace("req_1", "webhook:trustless-work")
            message = ReceiveWebhook("trustless-work", event_id, "t", contract_id, "{}", trace)
            return await webhooks.address.ask(message)

        async with trio.open_nursery() as nursery:
            for service in (journal.run, webhooks.run, timer.run):
                await nursery.start(service)
            self.hands.now = now()
            yield SimpleNamespace(
                receive=receive, journal=journal, storage=storage, wake=webhooks.address.wake
            )
            nursery.cancel_scope.cancel()

    async def order(self, life: Any, **fields: Any) -> str:
        """An order whose contract is CA1, funded unless the test says otherwise."""
        escrow = Escrow(
            id="esc_1",
            status=fields.pop("escrow_status", EscrowStatus.FUNDED),
            created_at=now(),
            contract_id="CA1",
        )
        order = self.hands.order(**{"escrow": escrow, "status": OrderStatus.IN_PROGRESS, **fields})
        assert isinstance(await life.journal.commit(self.hands.unit(writes=(order,))), Committed)
        return order.id


async def test_a_contract_that_is_nobodys_ends_the_webhook(autojump_clock):
    desk = Desk()
    async with desk.life() as life:
        assert not await life.receive()
        await trio.sleep(1)

    assert WebhookStatus.DONE is desk.webhook().status
    assert "unknown_contract" == desk.entries("webhook.work")[0]["after"]["finding"]
    assert 0 == desk.provider.asked


async def test_one_that_ended_is_worked_on_no_more_however_often_it_is_woken(autojump_clock):
    """The timer wakes what was due when it looked; it may have ended since."""
    desk = Desk()
    async with desk.life() as life:
        await life.receive()
        await trio.sleep(1)
        for _ in range(3):
            life.wake(desk.webhook().id)
            await trio.sleep(1)

    assert 2 == desk.webhook().version
    assert 1 == len(desk.entries("webhook.work"))


async def test_the_same_event_twice_is_one_webhook(autojump_clock):
    desk = Desk()
    async with desk.life() as life:
        assert [False, True, True] == [await life.receive() for _ in range(3)]
        assert not await life.receive("e-2")

    assert 2 == len(desk.database.tables.of(Webhook).rows)


async def test_the_lanes_of_the_orders_open_work_look_at_the_chain(autojump_clock):
    desk = Desk(provider=Provider(says(released=True)))
    async with desk.life() as life:
        order_id = await desk.order(
            life,
            process=Process(
                Operation.RELEASE, (RELEASE,), 0, 1, "cop_1", now(), Trace("r", "key:k")
            ),
        )
        for status, source in ((ChainStatus.PLANNED, "GOPEN"), (ChainStatus.CONFIRMED, "GENDED")):
            operation = desk.hands.operation(
                subject=Subject.ORDER, subject_id=order_id, intent=TrustUsdc(source), status=status
            )
            await life.journal.commit(desk.hands.unit(writes=(operation,)))
        await life.receive()
        await trio.sleep(1)

    assert [(order_id, "GOPEN")] == desk.looked
    assert "at_work" == desk.entries("webhook.work")[0]["after"]["finding"]


@pytest.mark.expect_errors
@pytest.mark.parametrize("moved", ["disputed", "released", "resolved"])
async def test_a_contract_that_moved_without_us_is_alarmed(autojump_clock, moved):
    desk = Desk(provider=Provider(says(**{moved: True})))
    async with desk.life() as life:
        order_id = await desk.order(life)
        await life.receive()
        await trio.sleep(1)

    (entry,) = desk.entries("webhook.work")
    assert ("alarm", "differs", order_id) == (
        entry["result"],
        entry["after"]["finding"],
        entry["after"]["orderId"],
    )


async def test_a_contract_that_ended_as_our_books_say_agrees(autojump_clock):
    desk = Desk(provider=Provider(says(released=True)))
    async with desk.life() as life:
        await desk.order(life, escrow_status=EscrowStatus.RELEASED, status=OrderStatus.CLOSED)
        await life.receive()
        await trio.sleep(1)

    assert "agrees" == desk.entries("webhook.work")[0]["after"]["finding"]


async def test_a_provider_that_is_away_is_asked_again_after_stored_pauses(autojump_clock):
    desk = Desk()
    async with desk.life() as life:
        await desk.order(life)
        await life.receive()
        await trio.sleep(10)
        webhook = desk.webhook()
        # After 1, 2 and 4 seconds; the next pause is 8.
        assert (4, "the provider is silent") == (webhook.tries, webhook.last_error)
    desk.provider.says = says()
    async with desk.life():
        await trio.sleep(3)
        assert WebhookStatus.RECEIVED is desk.webhook().status
        await trio.sleep(10)

    assert (WebhookStatus.DONE, 5) == (desk.webhook().status, desk.webhook().tries)


async def test_what_was_kept_and_not_worked_on_is_worked_on_after_a_crash(autojump_clock):
    desk = Desk(provider=Provider(takes_s=5))
    async with desk.life() as life:
        await desk.order(life)
        await life.receive()
    assert WebhookStatus.RECEIVED is desk.webhook().status
    desk.provider = Provider(says())
    async with desk.life():
        await trio.sleep(2)

    assert WebhookStatus.DONE is desk.webhook().status


@pytest.mark.expect_errors
async def test_after_its_last_try_it_is_parked_for_an_operator(autojump_clock):
    desk = Desk()
    async with desk.life() as life:
        await desk.order(life)
        await life.receive()
        await trio.sleep(2**TRIES_MAX)
        tried = desk.provider.asked
        await trio.sleep(3600)

    assert (WebhookStatus.PARKED, None) == (desk.webhook().status, desk.webhook().not_before)
    assert TRIES_MAX == tried == desk.provider.asked
    (record,) = desk.database.tables.of(Parked).rows.values()
    assert ("webhook", "trustless-work/e-1") == (record.source, record.reference)
    assert ["failed"] == [each["result"] for each in desk.entries("webhook.park")]


async def test_only_a_few_are_worked_on_at_once(autojump_clock):
    desk = Desk(provider=Provider(says(), takes_s=1))
    async with desk.life() as life:
        await desk.order(life)
        for number in range(3 * AT_ONCE):
            await life.receive(f"e-{number}")
        await trio.sleep(30)

    assert (3 * AT_ONCE, AT_ONCE) == (desk.provider.asked, desk.provider.most_at_once)
    assert 3 * AT_ONCE == len(desk.entries("webhook.work"))


async def test_one_that_ended_is_forgotten_after_some_weeks(autojump_clock):
    desk = Desk()
    async with desk.life() as life:
        await life.receive()
        await trio.sleep(1)
        ended_at = desk.webhook().ended_at
        assert ended_at is not None
        early = ended_at + WEBHOOKS_KEPT - timedelta(seconds=1)
        assert 0 == await life.storage.clean_up(Perishable.WEBHOOKS, early, 10)
        late = early + timedelta(seconds=1)
        assert 1 == await life.storage.clean_up(Perishable.WEBHOOKS, late, 10)
        assert not await life.receive()
