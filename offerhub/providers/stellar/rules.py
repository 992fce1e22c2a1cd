"""The values that every transaction of this instance is held to (docs/spec/settings.md)."""

from functools import cached_property

from attrs import define, field
from stellar_sdk import Asset
from stellar_sdk.utils import sha256

from offerhub.domain.money import Money


@define(frozen=True, slots=False)
class SigningRules:
    """What may be signed on this network (docs/spec/domain.md §3, "Checked before a key signs")."""

    passphrase: str
    usdc_code: str
    usdc_issuer: str
    factory: str
    """The contract that a deployment may call (`TRUSTLESS_FACTORY`)."""
    wasm_hash: str
    """The code that a deployment may install, 64 hex digits (`TRUSTLESS_WASM_HASH`)."""
    fee_address: str | None
    """The only address that a protocol fee may name; `None`: the argument is absent (mainnet)."""
    fee_max: Money = field(default=Money(20_000_000))
    """In XLM (`TX_FEE_MAX_XLM`)."""
    lifetime_max_s: int = 3600
    """How far ahead of the network's time `maxTime` may lie (`TX_LIFETIME_MAX_SECONDS`)."""
    lifetime_min_s: float = 15
    """What must be left of it: a node refuses what it expects not to close in time.

    Source: docs/spec/stellar-horizon.md §5.2.
    """

    @cached_property
    def network_id(self) -> bytes:
        return sha256(self.passphrase.encode())

    @cached_property
    def usdc(self) -> Asset:
        return Asset(self.usdc_code, self.usdc_issuer)

    @cached_property
    def usdc_contract(self) -> str:
        """The asset's contract, deterministic from asset and network (docs/spec/stellar-horizon.md §1.1)."""
        return self.usdc.contract_id(self.passphrase)
