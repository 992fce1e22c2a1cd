"""How each type of intent is worked: one total table (docs/spec/domain.md §3).

Whose lane it is says the intent itself: its `source`.
"""

from enum import Enum
from typing import Final, assert_never

from attrs import frozen

from offerhub.domain.intents import (
    ActivateWallets,
    ApproveMilestone,
    ChangeMilestoneStatus,
    DeployEscrow,
    DisputeEscrow,
    EscrowIntent,
    FundEscrow,
    Intent,
    OpenChannels,
    OwnIntent,
    PayUsdc,
    RefillWallets,
    ReleaseFunds,
    ResolveDispute,
    SettleDues,
    TrustUsdc,
)
from offerhub.domain.steps import DEPLOY, DISPUTE, FUND, RELEASE, RESOLVE, Step, StepKind


class Submitter(Enum):
    """Who hands a signed envelope to the network.

    `PROVIDER`: the escrow provider's send-transaction, whose read model then knows the contract.
    `NETWORK`: Horizon, which submits and confirms in one call.
    """

    PROVIDER = "provider"
    NETWORK = "network"


@frozen
class IntentRules:
    """How one type of intent is worked.

    Args:
        step: its name.
        submitter: who hands it in first; what is handed in again goes to the network.
        pays_out: the transfers that the chain reports of it are booked, so they are read with it.
        moves_money: the chain has no guard against its second time (docs/spec/domain.md §3), so each
            earlier attempt is proven absent once more before it is signed again.
        falls_back: it has a last attempt, after which its owner falls back (an escrow, a funding)
            or fails (a withdrawal); without, it is repeated until it succeeds.
        refreshes: the provider's read model is updated once it is confirmed; the last step of
            an action that went past the provider.
        final_codes: results of the network that no other attempt would change.
    """

    step: Step
    submitter: Submitter = Submitter.NETWORK
    pays_out: bool = False
    moves_money: bool = False
    falls_back: bool = False
    refreshes: bool = False
    final_codes: frozenset[str] = frozenset()


_DEPLOY: Final = IntentRules(
    DEPLOY, submitter=Submitter.PROVIDER, moves_money=True, falls_back=True
)
_FUND: Final = IntentRules(FUND, moves_money=True, falls_back=True, refreshes=True)
_RELEASE: Final = IntentRules(RELEASE, pays_out=True, refreshes=True)
_DISPUTE: Final = IntentRules(DISPUTE, refreshes=True)
_RESOLVE: Final = IntentRules(RESOLVE, pays_out=True, refreshes=True)
_PAY: Final = IntentRules(
    Step(StepKind.PAY),
    moves_money=True,
    falls_back=True,
    # What a payment's destination is refused for (docs/spec/stellar-horizon.md §5.7).
    final_codes=frozenset(
        {"op_no_destination", "op_no_trust", "op_not_authorized", "op_line_full", "op_malformed"}
    ),
)
_ACTIVATE: Final = IntentRules(Step(StepKind.ACTIVATE))
_REFILL: Final = IntentRules(Step(StepKind.REFILL))
_SETTLE: Final = IntentRules(Step(StepKind.SETTLE), moves_money=True)
_OPEN_CHANNELS: Final = IntentRules(Step(StepKind.OPEN_CHANNELS))
_TRUST: Final = IntentRules(Step(StepKind.TRUST))


def rules_of(intent: Intent) -> IntentRules:
    """The rules of an intent's type."""
    return _of_own(intent) if isinstance(intent, OwnIntent) else _of_escrow(intent)


def _of_escrow(intent: EscrowIntent) -> IntentRules:
    match intent:
        case DeployEscrow():
            return _DEPLOY
        case FundEscrow():
            return _FUND
        case ChangeMilestoneStatus():
            return IntentRules(Step(StepKind.COMPLETE, intent.index))
        case ApproveMilestone():
            return IntentRules(Step(StepKind.APPROVE, intent.index))
        case ReleaseFunds():
            return _RELEASE
        case DisputeEscrow():
            return _DISPUTE
        case ResolveDispute():
            return _RESOLVE
        case _:
            assert_never(intent)


def _of_own(intent: OwnIntent) -> IntentRules:
    match intent:
        case PayUsdc():
            return _PAY
        case ActivateWallets():
            return _ACTIVATE
        case RefillWallets():
            return _REFILL
        case SettleDues():
            return _SETTLE
        case OpenChannels():
            return _OPEN_CHANNELS
        case TrustUsdc():
            return _TRUST
        case _:
            assert_never(intent)
