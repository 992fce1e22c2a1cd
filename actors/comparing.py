"""Compares what one holder has on the chain with the books: for the reconciler, `verify` and `sync`.

The chain is read between two looks at the books. What is on the chain and not yet booked is counted
exactly: payments behind the watcher's cursor, and the transfers of operations whose effects their
owners have not taken yet. A server that answers with an older ledger than was seen already proves
nothing, and neither does a holder that something is on its way to or from.
"""

from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen
from stellar_sdk.sep.toid import TOID

from actors.core import Core
from offerhub.domain.chain import ChainOperation, Subject
from offerhub.domain.deposits import CURSOR
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.intents import PayUsdc
from offerhub.domain.money import Money
from offerhub.domain.order import Order
from offerhub.domain.reconciliation import (
    Comparison,
    Holder,
    Transferred,
    WalletClaims,
    contract_must_hold,
    net_of,
)
from offerhub.domain.users import Wallet, WalletRole, WalletStatus
from offerhub.providers.stellar.port import (
    AccountState,
    AssetTransfer,
    PaymentRecord,
    StellarNetwork,
)
from offerhub.providers.trustless_work.port import EscrowProvider

LOOKS_MAX: Final = 3
"""How often a holder is looked at that moves while it is read."""

OPERATIONS_MAX: Final = 40
"""Operations on their way that are looked up for one holder; with more it is not at rest."""

_PAYMENTS: Final = 200
_UNBOOKED_MAX: Final = 1_000


@frozen
class ComparingParts:
    """What comparing works with.

    Args:
        latest_ledger: the newest ledger that anybody has seen; `None` while unknown.
    """

    core: Core
    network: StellarNetwork
    provider: EscrowProvider
    usdc_code: str
    usdc_issuer: str
    platform: Wallet
    latest_ledger: Callable[[], int | None]


@frozen
class _Books:
    """What the books say of a wallet, and where the watcher stood then."""

    ledger: Money
    due: Money
    cursor: str | None


class Comparing:
    """See the module.

    What reads raises `StellarUnavailable`, `ProviderUnavailable` or `StorageUnavailable` when a side
    does not answer; cancelling it leaves nothing behind.
    """

    def __init__(self, parts: ComparingParts) -> None:
        self._parts = parts
        self._storage = parts.core.storage

    async def wallet(self, wallet: Wallet) -> Comparison:
        """A user's wallet, or the platform's."""
        look = 1
        compared, moved = await self._look_at_wallet(wallet)
        while moved and look < LOOKS_MAX:
            look += 1
            compared, moved = await self._look_at_wallet(wallet)
        return compared

    async def contract(self, order: Order) -> Comparison:
        """The contract of an order."""
        look = 1
        compared, moved = await self._look_at_contract(order)
        while moved and look < LOOKS_MAX:
            look += 1
            order = await self._storage.load(Order, order.id) or order
            compared, moved = await self._look_at_contract(order)
        return compared

    def listed(self, account: AccountState, claims: WalletClaims) -> bool:
        """Whether an account, as a list shows it, holds exactly what it must."""
        return self._is_recent(account) and (account.usdc or Money.zero()) == claims.must_hold

    async def _look_at_wallet(self, wallet: Wallet) -> tuple[Comparison, bool]:
        of_platform = wallet.role is not WalletRole.USER
        books = await self._books(wallet)
        active = wallet.status is WalletStatus.ACTIVE or of_platform
        newest = await self._newest(books.cursor)
        account = await self._parts.network.account(wallet.public_key) if active else None
        if account is not None:
            recent = account.ledger is None or account.ledger >= newest
        else:
            recent = not active or await self._is_gone(wallet, newest)
        waiting = await self._waiting(wallet)
        ledger = None if account is None else account.ledger
        moves = await self._arrived(wallet.public_key, books.cursor)
        moves += await self._moved_by(waiting[:OPERATIONS_MAX], wallet.public_key)
        in_flight = net_of(wallet.public_key, moves, ledger)
        moved = books != await self._books(wallet)
        compared = Comparison(
            holder=Holder.TREASURY if of_platform else Holder.WALLET,
            owner=wallet.user_id,
            ledger=books.ledger,
            due=books.due,
            on_chain=Money.zero() if account is None or account.usdc is None else account.usdc,
            in_flight=in_flight,
            at_rest=recent and not moved and not waiting and not moves,
        )
        return compared, moved or not recent

    async def _waiting(self, wallet: Wallet) -> list[ChainOperation]:
        """Operations whose effects on this wallet may be on the chain and are not booked."""
        if wallet.role is WalletRole.USER:
            found = await self._storage.unbooked_operations(wallet.user_id, _UNBOOKED_MAX)
            return [each for each in found if each.rules.pays_out or each.rules.moves_money]
        # Anybody's order may pay the platform: but only the steps that pay out, and settlements.
        found = await self._storage.unbooked_operations(None, _UNBOOKED_MAX)
        return [
            each
            for each in found
            if each.rules.pays_out
            or each.subject is Subject.SETTLEMENT
            or (isinstance(each.intent, PayUsdc) and each.intent.wallet == wallet.public_key)
        ]

    async def _books(self, wallet: Wallet) -> _Books:
        cursor = await self._storage.cursor(CURSOR)
        if wallet.role is not WalletRole.USER:
            return _Books((await self._storage.treasury()).wallet, Money.zero(), cursor)
        claims = (await self._storage.wallet_claims([wallet.user_id])).get(wallet.user_id)
        if claims is None:
            raise InvariantViolated(f"{wallet.user_id} has no balance")
        return _Books(claims.ledger, claims.due, cursor)

    async def _arrived(self, address: str, cursor: str | None) -> list[Transferred]:
        """What has reached a wallet behind the watcher's cursor, and the watcher will book."""
        if cursor is None:
            return []
        page = await self._parts.network.account_payments_after(address, cursor, _PAYMENTS)
        arrived = [
            transfer
            for record in page.records
            if isinstance(record, PaymentRecord) and record.successful
            for transfer in record.transfers
            if transfer.destination == address and self._is_usdc(transfer)
        ]
        hashes = sorted({transfer.transaction_hash for transfer in arrived})
        ours = await self._storage.operations_by_hash(hashes) if hashes else {}
        # What an operation of ours brings is its owner's to book; but a withdrawal to another
        # user's wallet is a deposit there.
        return [
            _transferred(transfer)
            for transfer in arrived
            if transfer.transaction_hash not in ours
            or ours[transfer.transaction_hash].subject is Subject.WITHDRAWAL
        ]

    async def _moved_by(
        self, operations: Sequence[ChainOperation], address: str
    ) -> list[Transferred]:
        """What operations have done on the chain that their owners have not booked yet."""
        moves: list[Transferred] = []
        for operation in operations:
            tx_hash = operation.tx_hash
            if tx_hash is None or await self._parts.network.transaction(tx_hash) is None:
                continue
            for transfer in await self._parts.network.transfers(tx_hash):
                brings = transfer.destination == address
                if not self._is_usdc(transfer) or (
                    brings and operation.subject is Subject.WITHDRAWAL
                ):
                    continue
                if brings or transfer.source == address:
                    moves.append(_transferred(transfer))
        return moves

    async def _look_at_contract(self, order: Order) -> tuple[Comparison, bool]:
        contract_id = None if order.escrow is None else order.escrow.contract_id
        if contract_id is None:
            raise InvariantViolated(f"{order.id} has no contract")
        on_chain = await self._parts.provider.balance(contract_id)
        waiting = []
        if order.chain_operation_id is not None:
            operation = await self._storage.load(ChainOperation, order.chain_operation_id)
            if operation is not None and operation.tx_hash is not None:
                waiting = [operation]
        moves = await self._moved_by(waiting, contract_id)
        now = await self._storage.load(Order, order.id)
        moved = now is None or now.version != order.version
        compared = Comparison(
            holder=Holder.CONTRACT,
            owner=order.id,
            ledger=contract_must_hold(order),
            due=Money.zero(),
            on_chain=on_chain,
            in_flight=net_of(contract_id, moves, None),
            at_rest=not moved and not waiting,
        )
        return compared, moved

    async def _newest(self, cursor: str | None) -> int:
        """The newest ledger that was seen: an older answer does not show what is booked already."""
        seen = (await self._parts.network.state()).latest_ledger
        booked = 0 if cursor is None else TOID.from_int64(int(cursor)).ledger_sequence
        return max(seen, booked, self._parts.latest_ledger() or 0)

    async def _is_gone(self, wallet: Wallet, newest: int) -> bool:
        """Whether an account that a server does not know is unknown to one that does not lag."""
        if await self._parts.network.account(wallet.public_key) is not None:
            return False
        return (await self._parts.network.state()).latest_ledger >= newest

    def _is_recent(self, account: AccountState) -> bool:
        """Whether the answer is no older than what was seen already."""
        latest = self._parts.latest_ledger()
        return account.ledger is None or latest is None or account.ledger >= latest

    def _is_usdc(self, transfer: AssetTransfer) -> bool:
        return (transfer.asset_code, transfer.asset_issuer) == (
            self._parts.usdc_code,
            self._parts.usdc_issuer,
        )


def _transferred(transfer: AssetTransfer) -> Transferred:
    ledger = TOID.from_int64(int(transfer.operation_id)).ledger_sequence
    return Transferred(
        transfer.source, transfer.destination, transfer.amount, ledger, transfer.transaction_hash
    )
