"""From settings to the plain values that the tree, the vault and the callers are given."""

from collections.abc import Awaitable, Callable
from typing import Final

import offerhub
from actors.lane_parts import XlmPolicy
from actors.system import Instance
from actors.tree import Choices
from offerhub.domain.limits import Limits
from offerhub.domain.money import Money
from offerhub.providers.stellar.rules import SigningRules
from offerhub.settings import AmountRange, Settings

_POLL_MAX_S: Final = 2.0
_POLL_MIN_S: Final = 0.25
_LEDGER_S: Final = 5.0
_LAG_MAX_S: Final = 600.0
"""How late deposits may be before health says so: the watcher looks every ten seconds and leaves a
margin of sixty ledgers, about five minutes."""


def choices_from(
    settings: Settings, *, fill_treasury: Callable[[str], Awaitable[None]] | None
) -> Choices:
    """What the operator has chosen, as the tree takes it."""
    chain, stellar = settings.chain, settings.stellar
    return Choices(
        instance=_instance(settings),
        rules=_rules(settings),
        fee_terms=settings.fees,
        attempts_max=chain.attempts,
        channel_accounts=chain.channel_accounts,
        wallet_xlm=XlmPolicy(minimum=chain.wallet_xlm_min, level=chain.wallet_xlm_float),
        settlement_s=chain.settlement_s,
        poll_s=poll_s(settings),
        platform_user_id=settings.platform_user_id,
        reconcile_s=settings.chain.reconcile_s,
        live_keys=stellar.network == "mainnet",
        fill_treasury=fill_treasury,
    )


def poll_s(settings: Settings) -> float:
    """The watcher's pause: about a ledger in the sandbox, half of one on a real network."""
    if settings.stellar.network != "sandbox":
        return _POLL_MAX_S
    return min(_POLL_MAX_S, max(_POLL_MIN_S, settings.sandbox.ledger_s))


def lag_ledgers_max(settings: Settings) -> int:
    """Ledgers of ten minutes, as fast as this network closes them."""
    sandbox = settings.stellar.network == "sandbox"
    return round(_LAG_MAX_S / (settings.sandbox.ledger_s if sandbox else _LEDGER_S))


def currency_of(settings: Settings) -> str:
    """The code that answers show (docs/spec/domain.md §1)."""
    return "USDC" if settings.payment_provider == "crypto" else "USD"


def _instance(settings: Settings) -> Instance:
    return Instance(
        version=offerhub.__version__,
        network=settings.stellar.network,
        payment_provider=settings.payment_provider,
        currency=currency_of(settings),
        usdc_code=settings.stellar.usdc_code,
        usdc_issuer=settings.stellar.usdc_issuer,
        order_limits=_limits(settings.limits.order),
        withdrawal_limits=_limits(settings.limits.withdrawal),
        topup_limits=_limits(settings.limits.topup),
        platform_user_id=settings.platform_user_id or "",
        chain_wait_s=settings.chain.wait_s,
        lag_ledgers_max=lag_ledgers_max(settings),
        features={"airtm": settings.payment_provider == "airtm", "disputes": True},
    )


def _limits(amounts: AmountRange) -> Limits:
    return Limits(minimum=amounts.minimum, maximum=amounts.maximum)


def _rules(settings: Settings) -> SigningRules:
    stellar, provider, chain = settings.stellar, settings.trustless_work, settings.chain
    return SigningRules(
        passphrase=stellar.passphrase,
        usdc_code=stellar.usdc_code,
        usdc_issuer=stellar.usdc_issuer,
        factory=provider.factory,
        wasm_hash=provider.wasm_hash,
        fee_address=provider.fee_address,
        fee_max=chain.fee_max,
        lifetime_max_s=chain.tx_lifetime_max_s,
    )


TREASURY_OF_THE_SANDBOX: Final = Money.from_decimal_string("10000")
"""USDC that the platform's wallet starts with where money costs nothing."""
