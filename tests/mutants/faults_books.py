"""Faults of the domain and of storage: what is booked, and what is kept."""

from typing import Final

from tests.mutants.planting import Fault

_POSTINGS: Final = "offerhub/domain/postings.py"
_RULES: Final = ("tests/domain/test_postings.py", "tests/domain/test_books_stay_balanced.py")

DOMAIN_FAULTS: Final = (
    Fault(
        "a withdrawal is paid without its memo",
        "offerhub/domain/withdrawal_decisions.py",
        "memo=withdrawal.destination_memo,",
        "memo=None,",
        ("tests/domain/test_withdrawals.py", "tests/actors/test_withdrawals.py"),
    ),
    Fault(
        "a withdrawal that failed gives its money back to nobody",
        "offerhub/domain/withdrawal_decisions.py",
        "        _rules_of(withdrawal).give_back(withdrawal.user_id, withdrawal.amount),\n"
        "        payment.chain_operation_id,",
        "        None,\n        payment.chain_operation_id,",
        ("tests/domain/test_withdrawals.py",),
    ),
    Fault(
        "a withdrawal is paid again by whoever commits it again",
        "offerhub/domain/withdrawal_decisions.py",
        'if withdrawal.status is not WithdrawalStatus.CREATED:\n        raise refusal(withdrawal, "commit")',
        'if withdrawal.status is WithdrawalStatus.CANCELED:\n        raise refusal(withdrawal, "commit")',
        ("tests/domain/test_withdrawals.py", "tests/actors/test_withdrawals.py"),
    ),
    Fault(
        "a deposit leaves the wallet's holding as it was",
        _POSTINGS,
        "        [(ledger.available(user_id), a), (ledger.EXTERNAL, -a)],\n"
        "        [(ledger.wallet(user_id), a, chain_reference)],",
        "        [(ledger.available(user_id), a), (ledger.EXTERNAL, -a)],",
        _RULES,
    ),
    Fault(
        "a release books no protocol fee",
        _POSTINGS,
        "(ledger.EXTERNAL, payout.kept.protocol),",
        "(ledger.EXTERNAL, Money.zero()),",
        _RULES,
    ),
    Fault(
        "the treasury bears nothing of the fees that it promised to bear",
        _POSTINGS,
        "(ledger.TREASURY, payout.kept.platform - payout.borne),",
        "(ledger.TREASURY, payout.kept.platform),",
        _RULES,
    ),
    Fault(
        "fees are rounded up instead of down",
        "offerhub/domain/fees.py",
        "protocol=Money(amount.stroops * PROTOCOL_FEE_BPS // _BPS),",
        "protocol=Money(-(-amount.stroops * PROTOCOL_FEE_BPS // _BPS)),",
        ("tests/domain/test_fees.py",),
    ),
    Fault(
        "a buyer pays the fees of his refund under the platform's policy",
        "offerhub/domain/fees.py",
        "        return SplitShare(gross, kept, net, credited)\n",
        "        return SplitShare(gross, kept, net, credited if gives_platform_fee else net)\n",
        ("tests/domain/test_fees.py",),
    ),
    Fault(
        "a command is taken while the chain still works on the one before",
        "offerhub/domain/order_transitions.py",
        "    if order.process is not None:\n        raise refusal(order, ErrorCode.INVALID",
        "    if order.process is None and order.closed_at is not None:\n"
        "        raise refusal(order, ErrorCode.INVALID",
        ("tests/domain/test_order_refusals.py", "tests/domain/test_order_on_chain.py"),
    ),
    Fault(
        "a limit is no limit for its largest amounts",
        "offerhub/domain/limits.py",
        "if not self.minimum <= amount <= self.maximum:",
        "if not self.minimum <= amount:",
        ("tests/domain",),
    ),
    Fault(
        "an envelope is dead at the first look that misses it",
        "offerhub/domain/envelope_death.py",
        "if absent_at is None or network.ledger <= absent_at:",
        "if absent_at is not None and network.ledger <= absent_at:",
        ("tests/domain/test_envelope_death.py", "tests/actors/test_lying_network.py"),
    ),
    Fault(
        "an envelope is dead although its account has used its number",
        "offerhub/domain/envelope_death.py",
        "spent = account.sequence >= envelope.sequence",
        "spent = account.sequence > envelope.sequence",
        ("tests/domain/test_envelope_death.py",),
    ),
    Fault(
        "an envelope is dead by an answer from before its end",
        "offerhub/domain/envelope_death.py",
        "if account.ledger < network.ledger:",
        "if account.ledger < 0:",
        ("tests/domain/test_envelope_death.py",),
    ),
    Fault(
        "a clock that is hours off counts",
        "offerhub/domain/envelope_death.py",
        "return abs(closed_at - now) <= CLOCK_TOLERANCE",
        "return closed_at - now <= CLOCK_TOLERANCE",
        ("tests/domain/test_envelope_death.py", "tests/actors/test_lying_network.py"),
    ),
    Fault(
        "a stray payout of a contract is credited",
        "offerhub/domain/deposits.py",
        "stray = arrival.source in known.contracts or wallet.user_id in known.full",
        "stray = wallet.user_id in known.full",
        ("tests/domain/test_deposits.py",),
    ),
    Fault(
        "a payment is tried for ever, whatever the destination says",
        "offerhub/domain/chain_moves.py",
        "return failed.rules.falls_back and (definitive or failed.attempt >= retry.attempts_max)",
        "return failed.rules.falls_back and definitive and failed.attempt >= retry.attempts_max",
        ("tests/domain/test_chain.py", "tests/domain/test_withdrawals.py"),
    ),
    Fault(
        "a scope covers every other",
        "offerhub/domain/api_keys.py",
        "scope is Scope.ALL or scope is needed",
        "scope is Scope.ALL or needed in Scope",
        ("tests/web/test_keys.py", "tests/web"),
    ),
)

STORAGE_FAULTS: Final = (
    Fault(
        "a balance goes below nothing",
        "storage/commit_values.py",
        "if available < 0 or reserved < 0:",
        "if reserved < 0:",
        ("tests/storage/test_twin.py", "tests/storage/test_contract.py"),
    ),
    Fault(
        "the audit's links all point at its beginning",
        "storage/commit_values.py",
        "        previous_hash = audit[-1].hash\n",
        "",
        ("tests/storage/test_contract_events.py",),
    ),
    Fault(
        "the twin commits for a process that was displaced",
        "storage/memory/database.py",
        "if epoch != self.epoch:",
        "if epoch > self.epoch:",
        ("tests/storage/test_twin.py", "tests/storage/test_contract.py"),
    ),
    Fault(
        "PostgreSQL commits for a process that was displaced",
        "storage/postgres/group.py",
        'if first["epoch"] != writer.epoch:',
        'if first["epoch"] < writer.epoch:',
        ("tests/storage/test_contract.py",),
    ),
    Fault(
        "PostgreSQL writes over what somebody else has written",
        "storage/postgres/group.py",
        "    old = stale(entities, written)\n",
        "    old = None\n",
        ("tests/storage/test_contract.py",),
    ),
    Fault(
        "PostgreSQL moves a cursor that somebody else has moved",
        "storage/postgres/group.py",
        "        if move.name not in moved:\n",
        "        if move.name in ():\n",
        ("tests/storage/test_contract.py",),
    ),
    Fault(
        "a used idempotency key is taken a second time in PostgreSQL",
        "storage/postgres/group.py",
        "    if not all_claimed(units, written):\n",
        "    if not units:\n",
        ("tests/storage/test_contract_events.py",),
    ),
    Fault(
        "a used idempotency key is taken a second time in the twin",
        "storage/memory/database.py",
        "if record is not None and record.first:",
        "if record is not None and record.first and record.key in self.cursors:",
        ("tests/storage/test_contract_events.py",),
    ),
    Fault(
        "one bad unit takes the whole group with it",
        "storage/postgres/commit.py",
        "                if len(part) > 1:\n",
        "                if len(part) > 10_000:\n",
        ("tests/storage/test_postgres_commit.py", "tests/storage/test_contract.py"),
    ),
    Fault(
        "a COMMIT whose answer was lost is taken for one that did not happen",
        "storage/postgres/commit.py",
        "                return last == number\n",
        "                return last == -number\n",
        ("tests/storage/test_postgres_unknown.py",),
    ),
)
