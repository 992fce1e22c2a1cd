"""Dangerous places that a good run of seeds reaches; a claim that never met danger proves little.

docs/invariants.md says what each is about. `missed` names those that a run did not reach.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from actors import maintenance
from actors.order_commands import DISPUTE, RETRY
from actors.parked_commands import DISMISS, GIVE
from actors.wallet_commands import ROTATE
from offerhub.domain.dispute import Verdict
from offerhub.sandbox.fault_plan import FaultKind

_ORDER_STEPS: Final = ("deploy", "fund", "complete", "approve", "release", "dispute", "resolve")
_STEPS: Final = (*_ORDER_STEPS, "pay", "activate", "settle")
WITHHELD_STEPS: Final = (*_STEPS, "refill")
"""The steps whose envelopes a climate may withhold."""
_LANE: Final = (
    "before_signed",
    "after_signed",
    "before_submit",
    "after_submit",
    "before_confirmed",
    "after_confirmed",
)

AIMS: Final = (
    *(f"lane.{place}.{step}" for step in _STEPS for place in _LANE),
    *(f"order.{side}_effects.{step}" for step in _ORDER_STEPS for side in ("before", "after")),
    "withdrawal.before_effects.pay",
    "withdrawal.after_effects.pay",
    "wallets.before_plan.activate",
    "wallets.before_effects.activate",
    "wallets.before_effects.refill",
    "order.before_deadline",
    "order.before_answer.release",
    "balance.before_hold",
    "balance.after_hold",
    *(f"balance.{side}_{kind}" for kind in ("credit", "debit") for side in ("before", "after")),
    "settlements.before_plan.settle",
    "settlements.after_plan.settle",
    "settlements.before_effects.settle",
    "settlements.after_effects.settle",
    "webhook.after_receive",
    "webhook.before_done",
    "webhook.after_done",
    *(f"command.{side}_{what}" for what in ("retry", "reseal") for side in ("before", "after")),
    "parked.before_give",
    "parked.after_give",
    "watcher.before_commit",
    "watcher.after_commit",
)
"""Failpoints at which a life may be destined to die."""

SOMETIMES: Final = (
    *(f"killed: {place}" for place in AIMS),
    "killed: journal.before_commit",
    "killed: journal.after_commit",
    "killed: any instant",
    "killed while starting",
    "two processes at once",
    "refused: fenced",
    "refused: funds",
    "refused: taken",
    "the database was away",
    "start refused: the database is away",
    "ledgers paused",
    "storm: no submission arrives",
    "storm: the provider builds nothing",
    "lost request of POST transactions",
    "lost answer of POST transactions",
    "lost request of POST helper/send-transaction",
    "lost answer of POST helper/send-transaction",
    "a lost request arrived late",
    "an envelope was rebuilt",
    *(f"operation {step}: expired" for step in WITHHELD_STEPS),
    *(f"late: {step}" for step in _STEPS),
    "a withdrawal failed because its envelopes died",
    "a commit was lost and made again",
    "a commit was told late",
    "history was detached",
    "ledgers paused for long",
    "the database was away for long",
    "lost request of GET transactions",
    "lost answer of GET transactions",
    "told of a fall-back",
    "a server that lags answered",
    "a transaction was hidden",
    "a record contradicted itself",
    "the network's clock was wrong",
    "operation pay: failed",
    "operation refill: confirmed",
    "deploy retried",
    "deploy fallen back",
    "fund retried",
    "fund fallen back",
    "key released",
    "key taken at the commit",
    "refused, but the key had had its effect",
    "replayed before the handler",
    "the client hung up",
    "answer of a dead process",
    "a deposit while the process is down",
    "USDC of another issuer was paid",
    "a second action: INVALID_STATE_TRANSITION",
    "answer: INSUFFICIENT_FUNDS",
    "withdrawal doomed: WITHDRAWAL_FAILED",
    "withdrawal doomed: WITHDRAWAL_DESTINATION_INVALID",
    "withdrawal nobody: WITHDRAWAL_DESTINATION_INVALID",
    "withdrawal user: WITHDRAWAL_COMPLETED",
    "event: order.refunded",
    "event: escrow.disputed",
    "event: dispute.under_review",
    "event: dispute.resolved",
    *(f"decided: {verdict.value}" for verdict in Verdict),
    "a share of 0.00",
    "resolve: INVALID_STATE_TRANSITION",
    "a dispute took the place of a release",
    "a stranger paid into a contract",
    "a surplus was paid out",
    *(f"hold {way}: ok" for way in ("cancel-reservation", "release", "deduct-reserved")),
    "hold release: RESERVE_MISMATCH_AMOUNT",
    "maintenance refused a change",
    "status 429: RATE_LIMITED",
    *(
        f"command {kind}: DONE"
        for kind in (RETRY, DISPUTE, ROTATE, GIVE, maintenance.ENABLE, maintenance.DISABLE)
    ),
    "log: command.waits",
    f"command {DISPUTE}: INVALID_STATE_TRANSITION",
    f"command {GIVE}: AMOUNT_OUT_OF_LIMITS",
    f"command {GIVE}: INVALID_STATE_TRANSITION",
    f"command {DISMISS}: INVALID_STATE_TRANSITION",
    "a full balance was paid: parked",
    "parked money was given by two operators",
    "a command while the process is down",
    "a command was withdrawn by its sender",
    f"command {RETRY}: WITHDRAWN",
    "an old key was forgotten",
    "a webhook came again",
    "the platform's money was taken out",
    "the treasury was short",
    "credit by hand: ok",
    "log: treasury.short",
    "debit by hand: ok",
    "credit repeated by reference: ok",
    "event: order.canceled",
    "event: withdrawal.canceled",
    "deadline: expired",
    "deadline: auto_release",
    *(f"fault: {kind.value}" for kind in FaultKind if kind is not FaultKind.STREAM_CUT),
)


def missed(marks: Counter[str], sometimes: Iterable[str] = SOMETIMES) -> list[str]:
    """Which of the dangerous places were not reached."""
    return [name for name in sometimes if not marks[name]]
