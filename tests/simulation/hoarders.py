"""A user whose balance can take no more: what is paid in beyond is parked, and given by an operator."""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections.abc import Mapping
from typing import Final

import trio
from attrs import define, field

from actors.parked_commands import DISMISS, GIVE
from offerhub.domain.ledger import Transfer, TransferKind, suspense, wallet
from offerhub.domain.money import BALANCE_MAX, Money
from offerhub.domain.operator_command import CommandState, OperatorCommand
from offerhub.domain.parked import Parked, ParkedStatus
from offerhub.domain.users import User
from offerhub.sandbox.faucet import Faucet, FaucetRefused, FaucetUnknown
from storage.memory import MemoryDatabase
from tests.simulation.client import Client
from tests.simulation.history import History
from tests.simulation.operators import Operator
from tests.simulation.party import Party
from tests.simulation.world import Universe, now

_PATIENCE_S: Final = 86_400.0
"""The payments must be known to have come or not: they are waited for through any pause."""
_ROOM: Final = Money.parse("50.00")


@define
class Hoarder:
    """One such user; there is no money for a second one in 63 bits."""

    universe: Universe
    client: Client
    operator: Operator
    history: History
    chance: random.Random
    sent: dict[str, Money] = field(factory=dict)
    """By transaction: what was paid in beyond the limit."""
    given: set[str] = field(factory=set)
    """By their transactions: what operators were told to have given."""
    _faucet: Faucet = field(init=False)
    _turn: trio.Lock = field(factory=trio.Lock)
    _debits: int = 0

    def __attrs_post_init__(self) -> None:
        self._faucet = Faucet(self.universe.sandbox.shell, now, _PATIENCE_S)

    async def overflow(self) -> None:
        """Fill the balance, pay in more, and have some of that given when there is room again."""
        async with self._turn:
            created = await self.client.user("hoarder")
            user = Party(str(created["id"]), str(created["wallet"]["publicKey"]))
            while self.universe.sandbox.engine.usdc_balance(user.address) is None:
                await trio.sleep(1)
            row = self.universe.database.balances.get(user.id)
            room = BALANCE_MAX if row is None else BALANCE_MAX - row.total
            if room:
                await self._paid(user, room, TransferKind.DEPOSIT)
            self.history.full.add(user.id)
            late = []
            for _ in range(self.chance.randint(1, 3)):
                amount = Money(self.chance.randint(1, 90_000_000))
                tx_hash = await self._paid(user, amount, TransferKind.PARKED)
                self.sent[tx_hash] = amount
                late.append(tx_hash)
            await self._refused(GIVE, late[0], "AMOUNT_OUT_OF_LIMITS")
            await self._refused(DISMISS, late[0], "INVALID_STATE_TRANSITION")
            await self._make_room(user)
            for tx_hash in late:
                if tx_hash is late[0] or self.chance.random() < 0.7:
                    await self._give(tx_hash)

    async def _paid(self, user: Party, amount: Money, kind: TransferKind) -> str:
        """Pay in, and wait until it is booked; it must be booked as this kind."""
        row = None
        while row is None:
            try:
                row = await self._faucet.pay(user.address, amount)
            except (FaucetRefused, FaucetUnknown) as trouble:
                self.history.note("faucet", type(trouble).__name__)
                await trio.sleep(5)
        transfers = self.universe.database.transfers
        seen = 0
        while True:
            for transfer in transfers[seen:]:
                if _pays(transfer, user.id, row.hash):
                    if (transfer.kind, _sum(transfer)) != (kind, amount.stroops):
                        self.history.violated(f"{row.hash} of {amount} is booked as {transfer}")
                    self.history.mark(f"a full balance was paid: {kind.value}")
                    return row.hash
            seen = len(transfers)
            await trio.sleep(1)

    async def _refused(self, kind: str, tx_hash: str, code: str) -> None:
        ended = await self._command(kind, tx_hash)
        if ended.refusal is None or ended.refusal.code != code:
            self.history.violated(f"{kind} of {tx_hash} ended {ended.state}: {ended.refusal}")

    async def _make_room(self, user: Party) -> None:
        self._debits += 1
        body = {
            "amount": _ROOM.two_places(),
            "description": "room for more",
            "reference": f"room-{self._debits}",
        }
        debited = await self.client.post("balance.debit", f"/users/{user.id}/balance/debit", body)
        if not debited.ok:
            self.history.violated(f"a full balance could not be debited: {debited.code}")

    async def _give(self, tx_hash: str) -> None:
        """One operator gives it, or two at the same moment: then one of them is too late."""
        ends: list[OperatorCommand] = []

        async def give() -> None:
            ends.append(await self._command(GIVE, tx_hash))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(give)
            if self.chance.random() < 0.4:
                nursery.start_soon(give)
        done = sum(ended.state is CommandState.DONE for ended in ends)
        if done != 1:
            self.history.violated(f"{tx_hash} was given {done} times: {ends}")
        if len(ends) > done:
            self.history.mark("parked money was given by two operators")
        self.given.add(tx_hash)

    async def _command(self, kind: str, tx_hash: str) -> OperatorCommand:
        rows = self.universe.database.tables.of(Parked).rows.values()
        (parked,) = (each for each in rows if each.body.get("transactionHash") == tx_hash)
        return await self.operator.command(kind, {"parkedId": parked.id})


def wrong_parked(database: MemoryDatabase, sent: Mapping[str, Money], given: set[str]) -> list[str]:
    """Where what is parked differs from what was sent beyond a limit and given since.

    Args:
        sent: by transaction.
        given: which of them were given, by the answers of their commands.
    """
    rows = {
        str(each.body.get("transactionHash")): each
        for each in database.tables.of(Parked).rows.values()
    }
    found = {tx_hash: each.amount for tx_hash, each in rows.items()}
    wrong = [] if found == dict(sent) else [f"parked: {sent} was sent, {found} is kept"]
    settled = {tx_hash for tx_hash, each in rows.items() if each.status is ParkedStatus.GIVEN}
    if settled != given:
        wrong.append(f"given: {given} by the answers, {settled} by the rows")
    unparked = sorted(
        transfer.cause for transfer in database.transfers if transfer.kind is TransferKind.UNPARKED
    )
    if unparked != sorted(rows[tx_hash].id for tx_hash in given if tx_hash in rows):
        wrong.append(f"credits of what was given: {unparked}, where {given} were given")
    left = sum(amount.stroops for tx_hash, amount in sent.items() if tx_hash not in given)
    books = database.replay()
    kept = {
        user_id: books.account(suspense(user_id)).stroops
        for user_id in database.tables.of(User).rows
    }
    hoarded = [amount for amount in kept.values() if amount]
    if hoarded != [left] * bool(left):
        wrong.append(f"suspense holds {kept}, where {left} was left")
    return wrong


def _pays(transfer: Transfer, user_id: str, tx_hash: str) -> bool:
    return any(
        moved.holding == wallet(user_id) and str(moved.reference).startswith(tx_hash)
        for moved in transfer.holdings
    )


def _sum(transfer: Transfer) -> int:
    return sum(moved.amount.stroops for moved in transfer.holdings)
