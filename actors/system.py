"""The running system as the web sees it: addresses to ask, snapshots and storage to read."""

from collections.abc import Callable, Mapping

from attrs import frozen

from actors.alarms import Alarms
from actors.along import Along
from actors.answers import Answers
from actors.balances import BalanceMessage
from actors.board import Board
from actors.bootstrap import Bootstrap
from actors.kernel import Address, Node, Registry
from actors.key_uses import KeyUses
from actors.keys import KeyRing
from actors.ledger_clock import LedgerClock
from actors.maintenance import MaintenanceSwitch
from actors.messages import (
    CreateUser,
    KeyMessage,
    OrderMessage,
    ReceiveWebhook,
    SetMaintenance,
    WithdrawalMessage,
)
from actors.publisher import EventHub
from actors.reconciler import Reconciler
from actors.refusals import Refusals
from actors.watcher import ChainWatcher
from offerhub.domain.ids import Clock, Ids
from offerhub.domain.limits import Limits
from offerhub.domain.order import Order
from offerhub.domain.unit_of_work import Balance
from offerhub.domain.withdrawal import Withdrawal
from offerhub.providers.stellar.port import StellarNetwork
from storage.port import Storage


@frozen
class Instance:
    """What this instance is, for `GET /config` and for answers; no secrets."""

    version: str
    network: str
    payment_provider: str
    currency: str
    usdc_code: str
    usdc_issuer: str
    order_limits: Limits
    withdrawal_limits: Limits
    topup_limits: Limits
    platform_user_id: str
    chain_wait_s: float
    features: Mapping[str, bool]
    lag_ledgers_max: int = 120
    """Ledgers that the watcher may be behind before health says so."""


def _nobody(source: str) -> None:
    """No lanes run: in an errand, and in tests of the edge alone."""
    del source


@frozen
class System:
    """Everything that a route may touch."""

    instance: Instance
    storage: Storage
    users: Address[CreateUser]
    keys: Address[KeyMessage | Along]
    api_keys: KeyRing
    key_uses: KeyUses
    answers: Answers
    refusals: Refusals
    webhooks: Address[ReceiveWebhook]
    balances: Registry[str, BalanceMessage]
    orders: Registry[str, OrderMessage | Along]
    withdrawals: Registry[str, WithdrawalMessage | Along]
    order_board: Board[Order]
    withdrawal_board: Board[Withdrawal]
    balance_board: Board[Balance]
    hub: EventHub
    network: StellarNetwork
    watcher: ChainWatcher
    bootstrap: Bootstrap
    clock: Clock
    ids: Ids
    alarms: Alarms
    ledger_clock: LedgerClock
    maintenance: Address[SetMaintenance | Along]
    maintenance_switch: MaintenanceSwitch
    tree: Callable[[], Node]
    """The whole tree of the process at this instant; errors in it without secrets."""
    reconciler: Reconciler
    wake_lane: Callable[[str], None] = _nobody
    """Has the lane of an account look at its work now; never waits."""

    def open_subscriptions(self) -> None:
        """The web server is up: streams may begin, and requests may wait for the chain."""
        self.hub.open_subscriptions()
        self.order_board.hold()
        self.withdrawal_board.hold()

    def close_subscriptions(self) -> None:
        """The web server stops: end the streams; who waits for the chain gets its 202 now."""
        self.hub.close_subscriptions()
        self.order_board.release_waiters()
        self.withdrawal_board.release_waiters()
