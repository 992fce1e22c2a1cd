"""At rest nothing is due, and every settlement on the chain is booked once, to its user."""

from collections import Counter

from offerhub.domain.chain import ChainOperation, ChainStatus, Subject
from offerhub.domain.ledger import TransferKind
from offerhub.domain.settlement import Settlement
from offerhub.domain.users import Wallet
from storage.memory import MemoryDatabase
from tests.simulation.chain_history import operations
from tests.simulation.world import Universe


def unsettled(database: MemoryDatabase) -> list[str]:
    """Dues that are still to be settled, and settlements on their way."""
    found = [
        f"{row.user_id} is due {row.due}" for row in database.balances.values() if row.due.stroops
    ]
    return found + [
        f"a settlement of {each.id} is on its way in {each.operation_id}"
        for each in database.tables.of(Settlement).rows.values()
        if each.in_flight
    ]


def settling(database: MemoryDatabase) -> set[str]:
    """Hashes of every transaction of ours that settles dues."""
    return {
        each.tx_hash
        for each in database.tables.of(ChainOperation).rows.values()
        if each.subject is Subject.SETTLEMENT and each.tx_hash is not None
    }


def wrong_settlements(database: MemoryDatabase, universe: Universe) -> list[str]:
    """Where the chain's settlements and the booked ones differ."""
    hashes = settling(database)
    users = {each.public_key: each.user_id for each in database.tables.of(Wallet).rows.values()}
    platform = {
        each.public_key
        for each in database.tables.of(Wallet).rows.values()
        if each.role.value == "platform"
    }
    paid: Counter[tuple[str, str, int]] = Counter()
    for row in operations(universe):
        if row.transaction.hash not in hashes:
            continue
        source, destination = str(row.details["from"]), str(row.details["to"])
        amount = int(str(row.details["amount"]).replace(".", ""))
        user, sign = (destination, 1) if source in platform else (source, -1)
        paid[row.transaction.hash, users[user], sign * amount] += 1
    booked: Counter[tuple[str, str, int]] = Counter()
    for transfer in database.transfers:
        if transfer.kind is not TransferKind.SETTLEMENT:
            continue
        for moved in transfer.holdings:
            side, _, owner = moved.holding.partition("/")
            if side == "wallet" and owner != "treasury":
                booked[str(moved.reference), owner, moved.amount.stroops] += 1
    if paid == booked:
        return []
    return [f"settlements: {paid - booked} only on the chain, {booked - paid} only booked"]


def replaced(database: MemoryDatabase, before: Settlement, after: Settlement) -> bool:
    """Whether a settlement in flight gave way to another although it may have paid."""
    if not before.in_flight or before.operation_id == after.operation_id:
        return False
    carrier = database.tables.of(ChainOperation).rows[str(before.operation_id)]
    paid = carrier.status is ChainStatus.CONFIRMED
    return carrier.is_open or (paid and after.in_flight)
