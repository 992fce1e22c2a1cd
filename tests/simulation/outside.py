"""Accounts of nobody's on the sandbox's chain, and what they do there."""

import hashlib
from typing import Final

from stellar_sdk import Account, Keypair, TransactionBuilder
from stellar_sdk import Asset as SdkAsset
from stellar_sdk.operation import ChangeTrust, Operation, Payment

from offerhub.domain.money import Money
from offerhub.sandbox import constants
from offerhub.sandbox.engine.entries import Asset, TrustlineEntry
from tests.simulation.world import Universe, now, open_outside_account

COUNTERFEITER: Final = "counterfeiter"
STRANGER: Final = "stranger"
OUTSIDE: Final = ("one", "two", "doomed-1", "doomed-2", "doomed-3", COUNTERFEITER, STRANGER)
"""Outside accounts that trust USDC; the doomed ones will drop it, one issues a USDC of its own."""


def keys_of(name: str) -> Keypair:
    """The key pair of an outside account."""
    return Keypair.from_raw_ed25519_seed(hashlib.sha256(f"outside {name}".encode()).digest())


def opened(universe: Universe, names: list[str]) -> list[str]:
    """Open outside accounts that trust USDC, a ledger each, and return their addresses."""
    return [open_outside_account(universe, name) for name in names]


def drop_trustline(universe: Universe, name: str) -> None:
    """Have an outside account give up its USDC trustline with the next ledger."""
    _submit(universe, name, ChangeTrust(constants.USDC_ASSET, limit="0"))


def pay_counterfeit(universe: Universe, address: str, amount: Money) -> None:
    """Pay an address USDC that somebody else issued, with the next ledger.

    Wallets of ours trust one issuer, so the trustline is put into the chain's state by hand: what
    is credited must not depend on what a wallet trusts.
    """
    issuer = keys_of(COUNTERFEITER).public_key
    line = TrustlineEntry(address, Asset("USDC", issuer), balance=0, limit=2**62)
    state = universe.sandbox.engine._state
    if state.trustline(address, line.asset) is None:
        state.put_trustline(line)
    asset = SdkAsset("USDC", issuer)
    _submit(universe, COUNTERFEITER, Payment(address, asset, amount.seven_places()))


def _submit(universe: Universe, name: str, operation: Operation) -> None:
    keys = keys_of(name)
    entry = universe.sandbox.engine.account(keys.public_key)
    if entry is None:
        msg = f"{name} was never opened"
        raise LookupError(msg)
    builder = TransactionBuilder(
        Account(entry.address, entry.sequence), constants.SANDBOX_PASSPHRASE, base_fee=100
    )
    builder.append_operation(operation)
    builder.add_time_bounds(0, int(now().timestamp()) + 3600)
    envelope = builder.build()
    envelope.sign(keys)
    universe.sandbox.engine.submit(envelope.to_xdr(), now())
