"""From variables to `Settings`: what each one is called, defaults to and must be (docs/spec/settings.md)."""

import base64
import re
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from attrs import evolve

from offerhub.domain.fees import FeePolicy, FeeTerms
from offerhub.domain.ids import RandomBytes, is_id
from offerhub.secrets import kept_secret
from offerhub.settings._outside import (
    read_airtm,
    read_outside,
    read_sandbox,
    read_stellar,
    read_trustless_work,
)
from offerhub.settings._reader import Reader, Seen, read_dotenv
from offerhub.settings._values import (
    AmountRange,
    Chain,
    Http,
    Limits,
    Logs,
    Metrics,
    Settings,
    SettingsError,
    WalletEncryption,
)

_HEX_64: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_KEY: Final = re.compile(r"[!-~]{32,255}", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9.:_-]{1,255}", re.ASCII)
_BIND: Final = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}", re.ASCII)
_RATE_MAX: Final = 1_000_000
_DAY_S: Final = 86_400


def load_settings(
    environ: MutableMapping[str, str],
    directory: Path,
    random_bytes: RandomBytes,
    seen: dict[str, Seen] | None = None,
) -> Settings:
    """Read and validate all settings; secrets are gone from `environ` afterwards.

    In development a missing master key or wallet encryption key is made and kept below
    OFFERHUB_HOME, once everything else is found valid.

    Args:
        environ: the process's environment.
        directory: where `.env` is looked for, and what a relative OFFERHUB_HOME starts from.
        random_bytes: for the secrets that development makes.
        seen: filled with the variables as they were found, secrets masked.

    Raises:
        SettingsError: names every fault.
    """
    try:
        dotenv = read_dotenv(directory)
    except (OSError, ValueError) as error:
        raise SettingsError([f".env cannot be read: {type(error).__name__}"]) from None
    read = Reader(environ, dotenv)
    settings = _read_all(read, directory)
    if seen is not None:
        seen.update(read.seen)
    _cross_check(read, settings)
    if read.faults:
        raise SettingsError(read.faults)
    return _with_kept_secrets(settings, random_bytes)


def _read_all(read: Reader, directory: Path) -> Settings:
    environment = read.choice(
        "OFFERHUB_ENV", "development", ("development", "staging", "production")
    )
    outside = read_outside(read)
    stellar = read_stellar(read, outside)
    return Settings(
        environment=environment,
        home=(directory / read.text("OFFERHUB_HOME", ".offerhub")).resolve(),
        http=_read_http(read),
        logs=_read_logs(read, environment),
        database_url=_read_server_url(read, "DATABASE_URL", ("postgresql", "postgres")),
        redis_url=_read_server_url(read, "REDIS_URL", ("redis", "rediss", "unix")),
        master_key=_read_master_key(read),
        wallet_encryption=_read_wallet_encryption(read),
        payment_provider=_read_payment_provider(read),
        stellar=stellar,
        trustless_work=read_trustless_work(read, outside, stellar.horizon_url),
        platform_user_id=read.matching(
            "PLATFORM_USER_ID", None, lambda text: is_id(text, "usr"), "be a user's id, usr_…"
        ),
        fees=_read_fees(read),
        chain=_read_chain(read),
        limits=Limits(
            order=_read_amounts(read, "ORDER", "0.01", "1000000.00"),
            topup=_read_amounts(read, "TOPUP", "1.00", "10000.00"),
            withdrawal=_read_amounts(read, "WITHDRAWAL", "0.01", "1000000.00"),
        ),
        airtm=read_airtm(read, outside),
        metrics=Metrics(
            bind=read.matching(
                "METRICS_BIND", None, lambda text: _BIND.fullmatch(text) is not None, "be host:port"
            ),
            token=read.secret("METRICS_TOKEN"),
        ),
        sandbox=read_sandbox(read, outside),
        failpoint=read.text("OFFERHUB_FAILPOINT", None),
    )


def _cross_check(read: Reader, settings: Settings) -> None:
    """The rules that take more than one variable."""
    network, environment = settings.stellar.network, settings.environment
    if environment != "development":
        for name, value in (
            ("OFFERHUB_MASTER_KEY", settings.master_key),
            ("WALLET_ENCRYPTION_KEY", settings.wallet_encryption.key),
        ):
            if not value and not read.faulty(name):
                read.fault(f"{name} is required when OFFERHUB_ENV={environment}")
    if network == "mainnet":
        if environment == "development":
            read.fault("STELLAR_NETWORK=mainnet requires OFFERHUB_ENV=staging or production")
        for name, url in (
            ("STELLAR_HORIZON_URL", settings.stellar.horizon_url),
            ("TRUSTLESS_API_URL", settings.trustless_work.url),
        ):
            if url.startswith("http://") and not _is_loopback(url):
                read.fault(f"{name} must start with https:// on mainnet")
    if settings.chain.wallet_xlm_min > settings.chain.wallet_xlm_float:
        read.fault("WALLET_XLM_MIN must not exceed WALLET_XLM_FLOAT")
    if settings.sandbox.starts and settings.http.port == settings.sandbox.port:
        read.fault("PORT and SANDBOX_PORT must differ")
    if settings.failpoint and (network, environment) != ("sandbox", "development"):
        read.fault(
            "OFFERHUB_FAILPOINT is for tests: it needs OFFERHUB_ENV=development and STELLAR_NETWORK=sandbox"
        )


# ------------------------------------------------------------------ secrets of our own


def _read_master_key(read: Reader) -> str:
    """The given key, or nothing: development keeps one."""
    key = read.secret("OFFERHUB_MASTER_KEY")
    if key is not None and not _KEY.fullmatch(key):
        read.fault("OFFERHUB_MASTER_KEY must be 32 to 255 printable characters without spaces")
    return key or ""


def _read_wallet_encryption(read: Reader) -> WalletEncryption:
    key = read.secret("WALLET_ENCRYPTION_KEY")
    old = read.secret("WALLET_ENCRYPTION_KEYS_OLD")
    return WalletEncryption(
        key=b"" if key is None else _key_bytes(read, "WALLET_ENCRYPTION_KEY", key),
        old=tuple(
            _key_bytes(read, "WALLET_ENCRYPTION_KEYS_OLD", part.strip())
            for part in (old.split(",") if old else ())
        ),
    )


def _key_bytes(read: Reader, name: str, text: str) -> bytes:
    if _HEX_64.fullmatch(text):
        return bytes.fromhex(text)
    read.fault(f"{name} must be 64 hex digits (a 32-byte key)")
    return b""


def _with_kept_secrets(settings: Settings, random_bytes: RandomBytes) -> Settings:
    """Fill in the secrets that development keeps for itself."""

    def kept(name: str, make: Callable[[], str]) -> str:
        return kept_secret(settings.home, name, make, random_bytes)

    def new_key() -> str:
        # docs/spec/api.md, Authentication: the kind of network in its name, 32 random characters.
        kind = "live" if settings.stellar.network == "mainnet" else "test"
        return f"ohk_{kind}_{base64.urlsafe_b64encode(random_bytes(24)).decode()}"

    try:
        master_key = settings.master_key or kept("master_key", new_key)
        encryption = settings.wallet_encryption
        if not encryption.key:
            text = kept("wallet_encryption_key", lambda: random_bytes(32).hex())
            encryption = evolve(encryption, key=bytes.fromhex(text))
        if not _KEY.fullmatch(master_key) or len(encryption.key) != 32:
            raise ValueError
    except OSError as error:
        reason = error.strerror or error
        fault = f"cannot store secrets below OFFERHUB_HOME={settings.home}: {reason}"
        raise SettingsError([fault]) from None
    except ValueError:
        fault = f"a secret stored in {settings.home / 'secrets'} is damaged"
        raise SettingsError([fault]) from None
    return evolve(settings, master_key=master_key, wallet_encryption=encryption)


# ------------------------------------------------------------------ the process


def _read_http(read: Reader) -> Http:
    host = read.matching(
        "HOST", "127.0.0.1", lambda text: _HOST.fullmatch(text) is not None, "be a host"
    )
    port = read.integer("PORT", 4000, 0, 65535)
    shown = f"[{host}]" if ":" in host else host
    return Http(
        host=host,
        port=port,
        public_base_url=read.url("PUBLIC_BASE_URL", f"http://{shown}:{port}"),
        rate_limit_per_minute=read.integer("RATE_LIMIT_PER_MINUTE", 6000, 0, _RATE_MAX),
        trusted_proxies=read.networks("TRUSTED_PROXIES"),
    )


def _read_logs(read: Reader, environment: str) -> Logs:
    return Logs(
        level=read.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
        format=read.choice(
            "LOG_FORMAT", "json" if environment == "production" else "console", ("console", "json")
        ),
    )


def _read_server_url(read: Reader, name: str, schemes: tuple[str, ...]) -> str | None:
    """A URL, a secret because it may hold a password; `None` for embedded."""
    url = read.secret(name) or "embedded"
    if url == "embedded":
        return None
    if not url.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        listed = " or ".join(f"{scheme}://" for scheme in schemes)
        read.fault(f"{name} must be 'embedded' or a URL that starts with {listed}")
    return url


# ------------------------------------------------------------------ money and the chain


def _read_payment_provider(read: Reader) -> str:
    provider = read.choice("PAYMENT_PROVIDER", "crypto", ("crypto", "airtm"))
    if provider == "airtm":
        read.fault("PAYMENT_PROVIDER=airtm is not available in this version: use crypto")
    return provider


def _read_fees(read: Reader) -> FeeTerms:
    return FeeTerms(
        platform_fee_bps=read.hundredths("PLATFORM_FEE_PERCENT", 0, 99),
        policy=FeePolicy(read.choice("FEE_POLICY", FeePolicy.PLATFORM, tuple(FeePolicy))),
    )


def _read_chain(read: Reader) -> Chain:
    return Chain(
        channel_accounts=read.integer("CHANNEL_ACCOUNTS", 4, 1, 100),
        wallet_xlm_float=read.xlm("WALLET_XLM_FLOAT", "2"),
        wallet_xlm_min=read.xlm("WALLET_XLM_MIN", "0.5"),
        fee_max=read.xlm("TX_FEE_MAX_XLM", "2"),
        tx_lifetime_max_s=read.integer("TX_LIFETIME_MAX_SECONDS", 3600, 1, _DAY_S),
        attempts=read.integer("CHAIN_ATTEMPTS", 5, 1, 100),
        wait_s=read.seconds("CHAIN_WAIT_SECONDS", 60, 0, 3600),
        settlement_s=read.seconds("SETTLEMENT_SECONDS", 60, 0.1, _DAY_S),
        reconcile_s=read.seconds("RECONCILE_SECONDS", 3600, 0.1, 7 * _DAY_S),
    )


def _read_amounts(read: Reader, what: str, low: str, high: str) -> AmountRange:
    amounts = AmountRange(read.usdc(f"{what}_MIN", low), read.usdc(f"{what}_MAX", high))
    if amounts.minimum > amounts.maximum:
        read.fault(f"{what}_MIN must not exceed {what}_MAX")
    return amounts


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}
