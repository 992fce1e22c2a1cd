"""The settings that depend on the network: Stellar, Trustless Work, AirTM, the sandbox."""

import re
from typing import Final, TypeVar
from urllib.parse import urlsplit

from attrs import frozen
from stellar_sdk import StrKey

from offerhub.settings._networks import NETWORKS, Network
from offerhub.settings._reader import Reader
from offerhub.settings._values import Airtm, Sandbox, Stellar, TrustlessWork

D = TypeVar("D")

_HEX_64: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_ASSET_CODE: Final = re.compile(r"[A-Za-z0-9]{1,12}", re.ASCII)
_AIRTM_URLS: Final = {
    "sandbox": "https://api.stg.enterprise.airtm.com/v2",
    "production": "https://api.enterprise.airtm.com/v2",
}
_RATE_MAX: Final = 1_000_000


@frozen
class Outside:
    """Which outside it is; everything else in this file follows from it."""

    network: str
    known: Network
    sandbox_port: int

    def rate(self, default: int) -> int:
        """A provider's limit; the sandbox has none."""
        return 0 if self.network == "sandbox" else default


def read_outside(read: Reader) -> Outside:
    """Read the name of the network and the sandbox's port."""
    network = read.choice("STELLAR_NETWORK", "sandbox", tuple(NETWORKS))
    return Outside(
        network=network,
        known=NETWORKS[network],
        sandbox_port=read.integer("SANDBOX_PORT", 4010, 1, 65535),
    )


def read_stellar(read: Reader, outside: Outside) -> Stellar:
    """Horizon and the asset; on mainnet the operator must say which Horizon to trust."""
    horizon_url = read.url("STELLAR_HORIZON_URL", outside.known.horizon_url)
    if horizon_url is None and outside.network == "sandbox":
        horizon_url = f"http://127.0.0.1:{outside.sandbox_port}"
    if horizon_url is None and not read.given("STELLAR_HORIZON_URL"):
        read.fault(
            f"STELLAR_HORIZON_URL is required when STELLAR_NETWORK={outside.network}: "
            "no Horizon is trusted by default"
        )
    return Stellar(
        network=outside.network,
        passphrase=outside.known.passphrase,
        horizon_url=horizon_url or "",
        usdc_code=read.matching(
            "STELLAR_USDC_ASSET_CODE",
            "USDC",
            lambda text: _ASSET_CODE.fullmatch(text) is not None,
            "be an asset code of 1 to 12 letters and digits",
        ),
        usdc_issuer=_address(read, "STELLAR_USDC_ISSUER", outside.known.usdc_issuer),
        rate_per_hour=read.integer("HORIZON_RATE_PER_HOUR", outside.rate(3600), 0, _RATE_MAX),
    )


def read_trustless_work(read: Reader, outside: Outside, horizon_url: str) -> TrustlessWork:
    """The provider's host and key, and what its transactions may call."""
    known = outside.known
    api_key = read.secret("TRUSTLESS_API_KEY") or known.trustless_api_key
    if api_key is None and not read.faulty("TRUSTLESS_API_KEY"):
        _required(read, "TRUSTLESS_API_KEY", outside)
    factory = read.matching(
        "TRUSTLESS_FACTORY", known.factory, StrKey.is_valid_contract, "be a contract id, C…"
    )
    if factory is None and not read.given("TRUSTLESS_FACTORY"):
        _required(read, "TRUSTLESS_FACTORY", outside)
    wasm_hash = read.matching(
        "TRUSTLESS_WASM_HASH",
        known.wasm_hash,
        lambda text: _HEX_64.fullmatch(text) is not None,
        "consist of 64 hex digits",
    )
    if wasm_hash is None and not read.given("TRUSTLESS_WASM_HASH"):
        _required(read, "TRUSTLESS_WASM_HASH", outside)
    if outside.network == "mainnet" and read.given("TRUSTLESS_FEE_ADDRESS"):
        read.fault(
            "TRUSTLESS_FEE_ADDRESS must not be set on mainnet: the contract there has its own"
        )
    return TrustlessWork(
        # One port of the sandbox serves both faces, also where it runs elsewhere.
        url=read.url("TRUSTLESS_API_URL", known.trustless_url or horizon_url),
        api_key=api_key or "",
        webhook_secret=read.secret("TRUSTLESS_WEBHOOK_SECRET"),
        timeout_s=read.integer("TRUSTLESS_TIMEOUT_MS", 60_000, 100, 600_000) / 1000,
        factory=factory or "",
        wasm_hash=(wasm_hash or "").lower(),
        fee_address=_address(read, "TRUSTLESS_FEE_ADDRESS", known.fee_address),
        rate_per_minute=read.integer("TRUSTLESS_RATE_PER_MINUTE", outside.rate(50), 0, _RATE_MAX),
    )


def read_airtm(read: Reader, outside: Outside) -> Airtm:
    """AirTM; with the sandbox it is the local stand-in (docs/spec/airtm.md §1)."""
    environment = read.choice("AIRTM_ENV", "sandbox", ("sandbox", "production", "prod"))
    if environment == "prod":
        environment = "production"
    local = outside.network == "sandbox"
    if local and environment == "production":
        read.fault("AIRTM_ENV=production cannot be combined with STELLAR_NETWORK=sandbox")
    url = read.url(
        "AIRTM_API_URL",
        f"http://127.0.0.1:{outside.sandbox_port}/v2" if local else _AIRTM_URLS[environment],
    )
    parts = urlsplit(url)
    return Airtm(
        environment=environment,
        api_key=read.secret("AIRTM_API_KEY"),
        api_secret=read.secret("AIRTM_API_SECRET"),
        webhook_secret=read.secret("AIRTM_WEBHOOK_SECRET"),
        url=url,
        checkout_url_template=read.matching(
            "AIRTM_CHECKOUT_URL_TEMPLATE",
            f"{parts.scheme}://{parts.netloc}/payin/{{id}}",
            lambda text: text.startswith(("http://", "https://")) and "{id}" in text,
            "be a URL with {id} in it",
        ),
    )


def read_sandbox(read: Reader, outside: Outside) -> Sandbox:
    """Whether this process runs the stand-in: not if a Horizon is named."""
    return Sandbox(
        starts=outside.network == "sandbox" and not read.given("STELLAR_HORIZON_URL"),
        port=outside.sandbox_port,
        ledger_s=read.seconds("SANDBOX_LEDGER_SECONDS", 1.0, 0.01, 60),
    )


def _address(read: Reader, name: str, default: D) -> str | D:
    return read.matching(
        name, default, StrKey.is_valid_ed25519_public_key, "be a Stellar account, G…"
    )


def _required(read: Reader, name: str, outside: Outside) -> None:
    read.fault(f"{name} is required when STELLAR_NETWORK={outside.network}")
