"""At rest every USDC payment that reached a wallet is booked once, with its amount."""

from offerhub.domain.ledger import Transfer, TransferKind
from offerhub.domain.users import Wallet, WalletRole
from offerhub.sandbox.constants import ISSUER_ADDRESS
from storage.memory import MemoryDatabase
from tests.simulation.chain_history import operations
from tests.simulation.rest_dues import settling
from tests.simulation.world import Universe


def uncredited(database: MemoryDatabase, universe: Universe) -> list[str]:
    """Deposits that are still to be booked."""
    booked = {transfer.reference for transfer in _booked(database)}
    return [
        f"the deposit {reference} is not credited"
        for reference, _ in _made(database, universe)
        if reference not in booked
    ]


def wrong_deposits(database: MemoryDatabase, universe: Universe) -> list[str]:
    """Where the chain's deposits and the booked ones differ."""
    made = sorted(_made(database, universe))
    booked = sorted(
        (str(transfer.reference), sum(moved.amount.stroops for moved in transfer.holdings))
        for transfer in _booked(database)
    )
    return [] if made == booked else [f"deposits: {made} expected, {booked} found"]


def _made(database: MemoryDatabase, universe: Universe) -> list[tuple[str, int]]:
    """Every USDC payment of others that reached one of our wallets, by the chain's own book."""
    addresses = {
        each.public_key
        for each in database.tables.of(Wallet).rows.values()
        if each.role is not WalletRole.CHANNEL
    }
    ours = settling(database)
    made = []
    for row in operations(universe):
        if row.transaction.hash in ours:
            continue
        details = row.details
        usdc = (
            row.type == "payment"
            and details.get("asset_code") == "USDC"
            and details.get("asset_issuer") == ISSUER_ADDRESS
        )
        if usdc and details.get("to") in addresses:
            made.append((f"{row.id}-0", int(str(details["amount"]).replace(".", ""))))
    return made


def _booked(database: MemoryDatabase) -> list[Transfer]:
    return [
        transfer
        for transfer in database.transfers
        if transfer.kind
        in {TransferKind.DEPOSIT, TransferKind.PARKED, TransferKind.TREASURY_DEPOSIT}
    ]
