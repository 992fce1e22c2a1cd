"""Accounts of nobody's on the sandbox's chain, and what they do there."""

import hashlib
from typing import Final

from stellar_sdk import Account, Keypair, TransactionBuilder
from stellar_sdk.operation import ChangeTrust

from offerhub.sandbox import constants
from tests.simulation.world import Universe, now, open_outside_account

OUTSIDE: Final = ("one", "two", "doomed-1", "doomed-2", "doomed-3")
"""Outside accounts that trust USDC; the doomed ones will drop it."""


def keys_of(name: str) -> Keypair:
    """The key pair of an outside account."""
    return Keypair.from_raw_ed25519_seed(hashlib.sha256(f"outside {name}".encode()).digest())


def opened(universe: Universe, names: list[str]) -> list[str]:
    """Open outside accounts that trust USDC, a ledger each, and return their addresses."""
    return [open_outside_account(universe, name) for name in names]


def drop_trustline(universe: Universe, name: str) -> None:
    """Have an outside account give up its USDC trustline with the next ledger."""
    keys = keys_of(name)
    entry = universe.sandbox.engine.account(keys.public_key)
    if entry is None:
        msg = f"{name} was never opened"
        raise LookupError(msg)
    builder = TransactionBuilder(
        Account(entry.address, entry.sequence), constants.SANDBOX_PASSPHRASE, base_fee=100
    )
    builder.append_operation(ChangeTrust(constants.USDC_ASSET, limit="0"))
    builder.add_time_bounds(0, int(now().timestamp()) + 3600)
    envelope = builder.build()
    envelope.sign(keys)
    universe.sandbox.engine.submit(envelope.to_xdr(), now())
