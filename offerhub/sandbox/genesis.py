"""What the network has on its first day beyond the engine's own genesis: the protocol's fee account.

Every release pays it, and a payee without a trustline reverts the whole release (docs/spec/trustless-work.md
§7.4), so it exists with its trustline before anybody else can act.
"""

from datetime import datetime, timedelta

from stellar_sdk import Account, TransactionBuilder

from offerhub.sandbox.constants import (
    FEE_ADDRESS,
    FEE_KEYPAIR,
    FRIENDBOT_ADDRESS,
    FRIENDBOT_KEYPAIR,
    SANDBOX_PASSPHRASE,
    USDC_ASSET,
)
from offerhub.sandbox.engine import EngineShell, Submitted

FEE_ACCOUNT_XLM = "10000"


class GenesisFailed(Exception):
    """The network refused its own first transaction: the sandbox's parts do not fit together."""


def open_fee_account(shell: EngineShell, now: datetime) -> None:
    """Create the fee account with its trustline in a ledger of its own, unless it exists."""
    engine = shell.engine
    if engine.usdc_balance(FEE_ADDRESS) is not None:
        return
    friendbot = engine.account(FRIENDBOT_ADDRESS)
    if friendbot is None:
        raise GenesisFailed("friendbot has no account")
    builder = TransactionBuilder(
        Account(friendbot.address, friendbot.sequence), SANDBOX_PASSPHRASE, base_fee=100
    )
    if engine.account(FEE_ADDRESS) is None:
        builder.append_create_account_op(FEE_ADDRESS, FEE_ACCOUNT_XLM)
    builder.append_change_trust_op(USDC_ASSET, source=FEE_ADDRESS)
    builder.add_time_bounds(0, int((now + timedelta(hours=1)).timestamp()))
    envelope = builder.build()
    envelope.sign(FRIENDBOT_KEYPAIR)
    envelope.sign(FEE_KEYPAIR)
    answer = engine.submit(envelope.to_xdr(), now)
    if not isinstance(answer, Submitted):
        raise GenesisFailed(f"the fee account's transaction was answered {answer!r}")
    shell.close_ledger(now)
    if engine.usdc_balance(FEE_ADDRESS) is None:
        raise GenesisFailed("the fee account's transaction failed")
