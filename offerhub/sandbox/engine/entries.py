"""The ledger's state: immutable entries, replaced and never edited."""

from attrs import frozen


@frozen(slots=True)
class Asset:
    """A credit asset."""

    code: str
    issuer: str

    @property
    def type(self) -> str:
        """Horizon's `asset_type`."""
        return "credit_alphanum4" if len(self.code) <= 4 else "credit_alphanum12"


@frozen(slots=True)
class AccountEntry:
    """An account; `balance` is XLM in stroops, counters as docs/spec/stellar-horizon.md §5.4 counts reserves."""

    address: str
    balance: int
    sequence: int
    subentry_count: int = 0
    num_sponsoring: int = 0
    num_sponsored: int = 0
    sponsor: str | None = None
    sequence_ledger: int | None = None
    sequence_time: int | None = None
    last_modified_ledger: int = 0


@frozen(slots=True)
class TrustlineEntry:
    """An account's trustline to a credit asset; `balance` and `limit` in stroops."""

    address: str
    asset: Asset
    balance: int
    limit: int
    sponsor: str | None = None
    last_modified_ledger: int = 0
