"""Faults of fees, disputes, holds, corrections, dues and their settlement."""

from typing import Final

from tests.mutants.planting import Fault

FEE_FAULTS: Final = (
    Fault(
        "the platform's fee of a share is rounded up",
        "offerhub/domain/fees.py",
        "            platform=Money(gross.stroops * whole.platform.stroops // total),\n",
        "            platform=Money(-(-gross.stroops * whole.platform.stroops // total)),\n",
        ("tests/domain/test_fees.py",),
    ),
    Fault(
        "the fees of a share are floored over the share alone",
        "offerhub/domain/fees.py",
        "        kept = kept_of(gross)\n",
        "        kept = fees_on(gross, terms.platform_fee_bps)\n",
        ("tests/domain/test_fees.py",),
    ),
    Fault(
        "a refund costs the buyer the platform's own fee",
        "offerhub/domain/fees.py",
        "        credited = gross - kept.platform if gives_platform_fee else gross\n",
        "        credited = gross - kept.platform\n",
        ("tests/domain/test_fees.py", "tests/web/test_worked_example.py"),
    ),
    Fault(
        "fees of a split forget the surplus that the contract holds",
        "offerhub/domain/fees.py",
        "    total = (seller + buyer + surplus).stroops\n",
        "    total = (seller + buyer).stroops\n",
        ("tests/domain/test_fees.py", "tests/actors/test_disputes.py"),
    ),
)

DISPUTE_FAULTS: Final = (
    Fault(
        "a surplus that was paid out is booked to nobody",
        "offerhub/domain/dispute_ends.py",
        "    if surplus:\n        movements.append(",
        "    if surplus and not paid:\n        movements.append(",
        ("tests/actors/test_disputes.py",),
    ),
    Fault(
        "a share of nothing is asked of the contract",
        "offerhub/domain/order_steps.py",
        "                    if share\n",
        "                    if order.dispute is not None or share\n",
        ("tests/domain/test_disputes.py", "tests/actors/test_disputes.py"),
    ),
    Fault(
        "a dispute is decided a second time while the first decision pays out",
        "offerhub/domain/dispute_decisions.py",
        "    if dispute.status is DisputeStatus.RESOLVED or order.process is not None:\n",
        "    if dispute.status is DisputeStatus.RESOLVED:\n",
        ("tests/domain/test_disputes.py", "tests/actors/test_disputes.py"),
    ),
    Fault(
        "a dispute overtakes a release that is signed",
        "offerhub/domain/dispute_decisions.py",
        "    if step.status in ALIVE_STATUSES or (not step.is_open and step.failure is None):\n",
        "    if not step.is_open and step.failure is None:\n",
        ("tests/domain/test_disputes.py", "tests/actors/test_disputes.py"),
    ),
    Fault(
        "a dispute overtakes a release and leaves its step to the lane",
        "offerhub/domain/dispute_decisions.py",
        "        writes = (failed(step, reason, context.now),)\n",
        "        failed(step, reason, context.now)\n",
        ("tests/domain/test_disputes.py", "tests/actors/test_disputes.py"),
    ),
    Fault(
        "an order is frozen only once its contract is",
        "offerhub/domain/dispute_decisions.py",
        "        status=OrderStatus.DISPUTED,\n        dispute=dispute,\n",
        "        dispute=dispute,\n",
        ("tests/domain/test_disputes.py", "tests/actors/test_disputes.py"),
    ),
    Fault(
        "a split need not sum to the order's amount",
        "offerhub/domain/dispute_decisions.py",
        "            if release + refund != order.amount:\n",
        "            if release + refund > order.amount:\n",
        ("tests/domain/test_disputes.py", "tests/web/test_disputes.py"),
    ),
)

BALANCE_FAULTS: Final = (
    Fault(
        "more is given of a hold than it has left",
        "offerhub/domain/hold_decisions.py",
        "    if amount > hold.remaining:\n",
        "    if amount > hold.amount:\n",
        ("tests/domain/test_holds.py", "tests/actors/test_holds.py"),
    ),
    Fault(
        "a hold that was given moves no due",
        "offerhub/domain/postings.py",
        "            (ledger.due(giver_id), -a),\n            (ledger.due(receiver_id), a),\n",
        "",
        ("tests/domain/test_postings.py", "tests/domain/test_holds.py"),
    ),
    Fault(
        "a reference of a credit moves money as often as it is sent",
        "actors/balances.py",
        "        if message.reference is None:\n            return None\n",
        "        if message.reference is None or message.amount:\n            return None\n",
        ("tests/web/test_manual_changes.py", "tests/actors/test_balances.py"),
    ),
    Fault(
        "a credit promises what the treasury does not have",
        "offerhub/domain/treasury.py",
        "    return Treasury(after).spare >= lacked\n",
        "    return Treasury(after).spare <= Treasury(before).spare or lacked == lacked\n",
        ("tests/storage/test_contract_manual.py", "tests/web/test_manual_changes.py"),
    ),
    Fault(
        "the platform takes out what it owes to users",
        "offerhub/domain/treasury.py",
        "        return self.wallet - self.withdrawing - self.owed\n",
        "        return self.wallet - self.withdrawing\n",
        ("tests/storage/test_contract_treasury.py", "tests/web/test_treasury.py"),
    ),
)

SETTLEMENT_FAULTS: Final = (
    Fault(
        "a due is settled again while its settlement is on its way",
        "storage/memory/storage.py",
        "    return not settlement.in_flight and (pause is None or pause <= now)\n",
        "    return pause is None or pause <= now\n",
        ("tests/storage/test_contract_treasury.py", "tests/actors/test_settlements.py"),
    ),
    Fault(
        "a settlement that has paid is tried again",
        "offerhub/domain/settlement_decisions.py",
        "    if operation.status is ChainStatus.CONFIRMED:\n        return _paid(",
        "    if operation.status is ChainStatus.CONFIRMED and operation.attempt > 1:\n"
        "        return _paid(",
        ("tests/actors/test_settlements.py",),
    ),
    Fault(
        "the treasury pays more than its wallet holds",
        "actors/settlements.py",
        "    if due.due <= capacity:\n",
        "    if capacity is not None:\n",
        ("tests/actors/test_settlements.py",),
    ),
    Fault(
        "whoever broke a batch is paid with the others again",
        "actors/settlements.py",
        "    return due.settlement is not None and due.settlement.failures > 0\n",
        "    return due.settlement is not None and due.settlement.failures > 99\n",
        ("tests/actors/test_settlements.py",),
    ),
    Fault(
        "nobody is named for a batch that broke",
        "offerhub/domain/settlement_decisions.py",
        "        if code != _SUCCESS and _is_its_own(settlement, code)\n",
        "        if code == _SUCCESS and _is_its_own(settlement, code)\n",
        ("tests/actors/test_settlements.py",),
    ),
    Fault(
        "money that leaves a wallet by a settlement counts as there",
        "offerhub/domain/settlement.py",
        "        missing = self.due.stroops - min(0, self.settling.stroops) - self.available.stroops\n",
        "        missing = self.due.stroops - self.available.stroops\n",
        ("tests/storage/test_contract_treasury.py",),
    ),
)

OPERATION_FAULTS: Final = (
    Fault(
        "maintenance lets changes through",
        "web/gate.py",
        "        if route.waits_for_maintenance:\n",
        "        if route.waits_for_maintenance and not changes:\n",
        ("tests/web/test_maintenance.py",),
    ),
    Fault(
        "maintenance is forgotten by a restart",
        "actors/maintenance.py",
        "        self._shown.now = Maintenance.decoded(stored)\n",
        "        self._shown.now = Maintenance.decoded(None if stored else stored)\n",
        ("tests/actors/test_maintenance.py", "tests/web/test_maintenance.py"),
    ),
    Fault(
        "a webhook that came before is worked on again",
        "storage/memory/tables.py",
        '    Webhook: {"webhook_event": lambda webhook: (webhook.source, webhook.event_id)},\n',
        '    Webhook: {"webhook_event": lambda webhook: (webhook.source, webhook.id)},\n',
        ("tests/actors/test_webhooks.py", "tests/web/test_webhooks.py"),
    ),
    Fault(
        "a webhook that is done is worked on whenever it is woken",
        "actors/webhooks.py",
        "        if webhook is None or webhook.status is not WebhookStatus.RECEIVED:\n"
        "            return\n"
        "        if webhook.not_before is None or webhook.not_before > core.now():\n",
        "        if webhook is None:\n",
        ("tests/actors/test_webhooks.py",),
    ),
    Fault(
        "every refusal of a key leaves an entry of its own",
        "actors/refusals.py",
        "            first = key is not _NO_ROOM\n",
        "            first = key is not _NO_ROOM\n        elif window.count >= 0:\n"
        "            first = True\n",
        ("tests/web/test_refusals_counted.py",),
    ),
    Fault(
        "refusals of ever new kinds are all counted for ever",
        "actors/refusals.py",
        "        if window is None and len(self._windows) >= self._windows_max:\n",
        "        if window is None and len(self._windows) < 0:\n",
        ("tests/web/test_refusals_counted.py",),
    ),
    Fault(
        "what a wallet has too little of is explained by what is on its way",
        "offerhub/domain/reconciliation.py",
        "        return self.on_chain - (self.ledger - self.due) - self.in_flight\n",
        "        return self.on_chain - (self.ledger - self.due) + self.in_flight\n",
        ("tests/domain/test_reconciliation.py",),
    ),
    Fault(
        "what an operation on its way has done counts as a difference",
        "actors/comparing.py",
        "        moves += await self._moved_by(waiting[:OPERATIONS_MAX], wallet.public_key)\n",
        "",
        ("tests/actors/test_reconciler.py",),
    ),
    Fault(
        "an answer older than what was seen proves a difference",
        "actors/comparing.py",
        "            recent = account.ledger is None or account.ledger >= newest\n",
        "            recent = True\n",
        ("tests/actors/test_reconciler.py",),
    ),
    Fault(
        "a wallet that the network's list leaves out is not compared",
        "actors/reconciler.py",
        "                if account is None or mine is None or not self.comparing.listed(account, mine):\n",
        "                if account and mine and not self.comparing.listed(account, mine):\n",
        ("tests/actors/test_reconciler.py",),
    ),
    Fault(
        "money that is parked is given twice",
        "offerhub/domain/parked_decisions.py",
        "    if not parked.is_open:\n",
        "    if parked.status is None:\n",
        ("tests/domain/test_parked.py", "tests/actors/test_parked.py"),
    ),
    Fault(
        "suspense is no part of what a wallet must hold",
        "storage/postgres/reconciliation.py",
        '            Money(row["suspense"]),\n',
        "            Money(0),\n",
        ("tests/storage/test_contract_reconciliation.py",),
    ),
    Fault(
        "a credit is promised that the treasury's wallet does not back",
        "offerhub/domain/treasury.py",
        "    return Treasury(after).spare >= lacked\n",
        "    return Treasury(after).spare >= lacked or True\n",
        ("tests/storage/test_contract_manual.py",),
    ),
)
