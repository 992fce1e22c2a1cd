"""What is known of each Stellar network before anything is asked (docs/spec/stellar-horizon.md §1.1)."""

from collections.abc import Mapping
from typing import Final, Literal

from attrs import field, frozen

from offerhub.sandbox import constants as sandbox

NetworkName = Literal["sandbox", "testnet", "mainnet"]


@frozen
class Network:
    """The defaults of a network; `None` where there is none and the operator must say.

    Args:
        horizon_url: the sandbox's is made from its port; mainnet has no Horizon of the foundation's
            own, and whose history to trust with deposits is the operator's choice.
        trustless_url: host of Trustless Work's V1 (docs/spec/trustless-work.md §1).
        fee_address: receives the protocol fee; on mainnet the contract knows it by itself.
    """

    passphrase: str
    usdc_issuer: str
    horizon_url: str | None
    trustless_url: str | None
    trustless_api_key: str | None = field(default=None, repr=False)
    factory: str | None = None
    wasm_hash: str | None = None
    fee_address: str | None = None


NETWORKS: Final[Mapping[str, Network]] = {
    "sandbox": Network(
        passphrase=sandbox.SANDBOX_PASSPHRASE,
        usdc_issuer=sandbox.ISSUER_ADDRESS,
        horizon_url=None,
        trustless_url=None,
        trustless_api_key=sandbox.TRUSTLESS_WORK_API_KEY,
        factory=sandbox.FACTORY_CONTRACT_ID,
        wasm_hash=sandbox.ESCROW_WASM_HASH,
        fee_address=sandbox.FEE_ADDRESS,
    ),
    "testnet": Network(
        passphrase="Test SDF Network ; September 2015",  # noqa: S106  (public, names the network)
        usdc_issuer="GBBD47IF6LWK7P7MDEVSCWR7DPUWV3NY3DTQEVFL4NAT4AQH3ZLLFLA5",
        horizon_url="https://horizon-testnet.stellar.org",
        trustless_url="https://dev.api.trustlesswork.com",
        # docs/spec/trustless-work.md §2.2; read from the contract's transactions.
        fee_address="GA6KH5VWPCHBOEF63X57SPX6T4H366YFFKKGCVDBTXT2N7JVL6PJCK7G",
    ),
    "mainnet": Network(
        passphrase="Public Global Stellar Network ; September 2015",  # noqa: S106  (likewise)
        usdc_issuer="GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN",
        horizon_url=None,
        trustless_url="https://api.trustlesswork.com",
    ),
}
