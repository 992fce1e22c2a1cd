"""A transaction envelope in the engine's words: what it asks for, without XDR."""

from typing import Final

from attrs import field, frozen
from stellar_sdk import xdr

from offerhub.sandbox.engine.entries import Asset

INT64_MAX: Final = 2**63 - 1


@frozen
class Party:
    """An address that an operation names; `muxed_id` is set when it was an M-address."""

    address: str
    muxed_id: int | None = None


@frozen
class CreateAccount:
    """Create an account with XLM (stroops), none if its reserve is sponsored."""

    destination: str
    starting_balance: int
    type_i: int = 0


@frozen
class Payment:
    """`asset` None is XLM."""

    destination: Party
    asset: Asset | None
    amount: int
    type_i: int = 1


@frozen
class PathPayment:
    """A path payment; both ends must be the same asset, as this network has no order book.

    `amount` is what is sent (strict send) or received (strict receive); `bound` is the least to
    receive or the most to send.
    """

    type_i: int
    destination: Party
    source_asset: Asset | None
    destination_asset: Asset | None
    amount: int
    bound: int
    path: tuple[Asset | None, ...]


@frozen
class ChangeTrust:
    """`asset` None is XLM, which nobody can trust."""

    asset: Asset | None
    limit: int
    type_i: int = 6


@frozen
class AccountMerge:
    """Move all XLM of the source and remove it."""

    destination: Party
    type_i: int = 8


@frozen
class BumpSequence:
    """Raise the sequence number of the source."""

    bump_to: int
    type_i: int = 11


@frozen
class BeginSponsoring:
    """Sponsor what `sponsored` comes to own, until it ends that."""

    sponsored: str
    type_i: int = 16


@frozen
class EndSponsoring:
    """End the sponsorship of the source."""

    type_i: int = 17


@frozen(eq=False)
class InvokeContract:
    """`contract_id` is the strkey of the call's contract."""

    contract_id: str
    call: xdr.InvokeContractArgs = field(repr=False)
    auth: tuple[xdr.SorobanAuthorizationEntry, ...] = field(repr=False)
    type_i: int = 24


@frozen
class Unsupported:
    """An operation type that this network does not know."""

    type_i: int


Body = (
    CreateAccount
    | Payment
    | PathPayment
    | ChangeTrust
    | AccountMerge
    | BumpSequence
    | BeginSponsoring
    | EndSponsoring
    | InvokeContract
    | Unsupported
)


@frozen
class ParsedOperation:
    """One operation; `source` is the transaction's unless it names its own (`has_own_source`)."""

    source: Party
    has_own_source: bool
    body: Body


@frozen
class Signature:
    """A decorated signature: last four bytes of the key, and 64 bytes that should verify."""

    hint: bytes
    signature: bytes


@frozen(eq=False)
class ParsedTransaction:
    """One envelope; times are unix seconds, 0 means no bound; `fee` is the bid in stroops.

    `resource_fee` is None when the envelope has no Soroban data; `unsupported` names a feature that
    the sandbox lacks. `record` are fields of Horizon's transaction record that follow from the envelope.
    """

    hash: bytes
    hash_hex: str
    envelope_xdr: str = field(repr=False)
    source: Party
    sequence: int
    fee: int
    operations: tuple[ParsedOperation, ...]
    signatures: tuple[Signature, ...] = field(repr=False)
    min_time: int
    max_time: int
    min_ledger: int
    max_ledger: int
    resource_fee: int | None
    unsupported: str | None
    record: dict[str, object] = field(repr=False)

    @property
    def is_soroban(self) -> bool:
        return any(isinstance(operation.body, InvokeContract) for operation in self.operations)
