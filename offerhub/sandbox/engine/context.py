"""What the operations of one transaction share while they are applied."""

from attrs import define, field

from offerhub.sandbox.engine.contracts import ContractRuntime
from offerhub.sandbox.engine.entries import Asset
from offerhub.sandbox.engine.rows import BalanceChange
from offerhub.sandbox.engine.state import LedgerState


@define
class Network:
    """The constants of this network."""

    network_id: bytes
    usdc: Asset
    usdc_contract: str
    runtime: ContractRuntime


@define
class ApplyContext:
    """One transaction in the making; `sponsors` maps a sponsored address to who sponsors it."""

    network: Network
    state: LedgerState
    ledger: int
    ledger_time: int
    sponsors: dict[str, str] = field(factory=dict)


@define
class OperationEffects:
    """What an operation adds to its record beyond what its envelope says."""

    payload: bytes = b""
    sponsor: str | None = None
    source_amount: int | None = None
    balance_changes: tuple[BalanceChange, ...] = ()
    return_value: bytes | None = None
