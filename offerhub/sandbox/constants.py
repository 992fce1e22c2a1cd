"""The names by which everybody knows the sandbox's network.

All of them follow from fixed seeds, so that a restarted sandbox, the orchestrator and a test agree
without exchanging them. Nothing here is a secret: the network exists on a loopback port only.
"""

import hashlib

from stellar_sdk import Asset, Keypair, StrKey

SANDBOX_PASSPHRASE = "OFFER-HUB Sandbox Network ; November 2026"  # noqa: S105 - public by nature
"""Signed into every transaction: an envelope of the sandbox is worthless on any real network."""

NETWORK_ID = hashlib.sha256(SANDBOX_PASSPHRASE.encode()).digest()


def _seed(name: str) -> bytes:
    return hashlib.sha256(f"offerhub sandbox {name}".encode()).digest()


def sandbox_keypair(name: str) -> Keypair:
    """The key pair of a well-known account of the sandbox, the same on every machine."""
    return Keypair.from_raw_ed25519_seed(_seed(name))


ISSUER_KEYPAIR = sandbox_keypair("issuer")
"""Issues the sandbox's USDC; the faucet pays from it."""

FRIENDBOT_KEYPAIR = sandbox_keypair("friendbot")
"""Holds the XLM of the network; friendbot creates accounts from it."""

FEE_KEYPAIR = sandbox_keypair("fee")
"""Receives the 0.3 % protocol fee of the escrow contracts; must trust USDC from the genesis on."""

ISSUER_ADDRESS = ISSUER_KEYPAIR.public_key
FRIENDBOT_ADDRESS = FRIENDBOT_KEYPAIR.public_key
FEE_ADDRESS = FEE_KEYPAIR.public_key

USDC_CODE = "USDC"
USDC_ASSET = Asset(USDC_CODE, ISSUER_ADDRESS)
USDC_CONTRACT_ID = USDC_ASSET.contract_id(SANDBOX_PASSPHRASE)
"""The asset contract of USDC: deterministic from asset and passphrase (docs/spec/stellar-horizon.md §1.1)."""

FACTORY_CONTRACT_ID = StrKey.encode_contract(_seed("escrow factory"))
"""The only contract a deployment may call (setting TRUSTLESS_FACTORY)."""

CONTRACT_BASE_ID = StrKey.encode_contract(_seed("escrow contract base"))
"""What the read model names as the single-release lineage (`contractBaseId`)."""

ESCROW_WASM_HASH = _seed("escrow wasm single-release v1").hex()
"""The code a deployment may instantiate, 64 hex digits (setting TRUSTLESS_WASM_HASH)."""

TRUSTLESS_WORK_API_KEY = "sandbox.trustless-work"
"""Accepted as `x-api-key` by the sandbox's Trustless Work face; any other value is a 401."""
