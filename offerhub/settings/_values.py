"""What the settings are once read; the composition root hands plain values of them down."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from attrs import field, frozen

from offerhub.domain.fees import FeeTerms
from offerhub.domain.money import Money


class SettingsError(Exception):
    """The settings cannot be used; `faults` names every reason, none with a secret in it."""

    def __init__(self, faults: Sequence[str]) -> None:
        listed = "".join(f"\n  - {fault}" for fault in faults)
        super().__init__(f"the settings have {len(faults)} fault(s):{listed}")
        self.faults = tuple(faults)


@frozen
class Http:
    """Where the API listens. `rate_limit_per_minute` 0: no limit."""

    host: str
    port: int
    public_base_url: str
    rate_limit_per_minute: int
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]


@frozen
class Logs:
    """`level` is debug, info, warning or error; `format` is console or json."""

    level: str
    format: str


@frozen
class WalletEncryption:
    """The keys of AES-256-GCM, 32 bytes each; `old` ones only decrypt."""

    key: bytes = field(repr=False)
    old: tuple[bytes, ...] = field(repr=False)


@frozen
class Stellar:
    """The network. `rate_per_hour` 0: no limit."""

    network: str
    passphrase: str
    horizon_url: str
    usdc_code: str
    usdc_issuer: str
    rate_per_hour: int


@frozen
class TrustlessWork:
    """The escrow provider, and what a deployment may call.

    Args:
        fee_address: the only one that release-funds and resolve-dispute may name; `None` on
            mainnet, where the argument is absent.
        rate_per_minute: 0: no limit.
    """

    url: str
    api_key: str = field(repr=False)
    webhook_secret: str | None = field(repr=False)
    timeout_s: float
    factory: str
    wasm_hash: str
    fee_address: str | None
    rate_per_minute: int


@frozen
class Chain:
    """How the platform acts on chain.

    Args:
        wallet_xlm_float: spendable XLM that a user's wallet is refilled to.
        wallet_xlm_min: spendable XLM below which it is refilled.
        fee_max: the largest fee in XLM that the vault signs.
        attempts: how often a dead step is rebuilt.
        wait_s: how long a request waits for the chain.
    """

    channel_accounts: int
    wallet_xlm_float: Money
    wallet_xlm_min: Money
    fee_max: Money
    tx_lifetime_max_s: int
    attempts: int
    wait_s: float
    settlement_s: float
    reconcile_s: float


@frozen
class AmountRange:
    """The smallest and the largest amount of one operation."""

    minimum: Money
    maximum: Money


@frozen
class Limits:
    """What amounts each operation takes."""

    order: AmountRange
    topup: AmountRange
    withdrawal: AmountRange


@frozen
class Airtm:
    """AirTM. `environment` is sandbox or production (docs/spec/airtm.md §1)."""

    environment: str
    api_key: str | None = field(repr=False)
    api_secret: str | None = field(repr=False)
    webhook_secret: str | None = field(repr=False)
    url: str
    checkout_url_template: str


@frozen
class Metrics:
    """Where the metrics listen by themselves (`None`: with the API), and the token they ask for."""

    bind: str | None
    token: str | None = field(repr=False)


@frozen
class Sandbox:
    """The local stand-in. `starts`: this process runs it; its ledgers close every `ledger_s`."""

    starts: bool
    port: int
    ledger_s: float


@frozen
class Settings:
    """All settings of a process, valid together.

    Args:
        environment: development, staging or production.
        home: OFFERHUB_HOME, absolute.
        database_url: `None`: the embedded PostgreSQL.
        redis_url: `None`: the embedded Redis.
        platform_user_id: `None`: the one that bootstrap made.
        failpoint: where a test wants this process to end; never outside development.
    """

    environment: str
    home: Path
    http: Http
    logs: Logs
    database_url: str | None = field(repr=False)
    redis_url: str | None = field(repr=False)
    master_key: str = field(repr=False)
    wallet_encryption: WalletEncryption
    payment_provider: str
    stellar: Stellar
    trustless_work: TrustlessWork
    platform_user_id: str | None
    fees: FeeTerms
    chain: Chain
    limits: Limits
    airtm: Airtm
    metrics: Metrics
    sandbox: Sandbox
    failpoint: str | None

    def secret_values(self) -> tuple[str, ...]:
        """Every secret as text, for the log's redaction."""
        values = (
            self.database_url,
            self.redis_url,
            self.master_key,
            self.wallet_encryption.key.hex(),
            *(key.hex() for key in self.wallet_encryption.old),
            self.trustless_work.api_key,
            self.trustless_work.webhook_secret,
            self.airtm.api_key,
            self.airtm.api_secret,
            self.airtm.webhook_secret,
            self.metrics.token,
        )
        return tuple(value for value in values if value)
