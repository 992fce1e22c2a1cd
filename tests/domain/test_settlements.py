"""Settlement decisions: what is paid is booked once, and whatever ends, both identities hold."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain import postings
from offerhub.domain import settlement_decisions as decisions
from offerhub.domain.chain import ChainFailure, ChainOperation, FailureKind
from offerhub.domain.chain_moves import RetryPolicy
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.intents import SettleDues
from offerhub.domain.ledger import WALLET_TREASURY, Transfer, books_of, check_identities
from offerhub.domain.money import Money
from offerhub.domain.settlement import Settlement, Standing
from offerhub.domain.settlement_decisions import Line, Planned
from offerhub.domain.treasury import Treasury, moved_sums
from tests.domain.world import NOW, PLATFORM, confirmed, context, failed

RETRY = RetryPolicy(attempts_max=0, chance=0.5)
amounts = st.integers(-(10**12), 10**12).filter(bool)
batches = st.lists(amounts, min_size=1, max_size=30)
PLENTY = Money(10**15)


def lines_of(stroops: Sequence[int]) -> list[Line]:
    return [
        Line(f"usr_{place}", f"G{place}", Money(amount)) for place, amount in enumerate(stroops)
    ]


def planned(stroops: Sequence[int]) -> Planned:
    return decisions.plan(lines_of(stroops), "GCHANNEL", "GPLATFORM", context())


def history(stroops: Sequence[int]) -> list[Transfer]:
    """What has made these dues: corrections, for users that have enough."""
    made = [context().transfer(postings.deposit_to_treasury(PLENTY, "tx"), reference="", cause="")]
    for line in lines_of(stroops):
        deposit = postings.deposit(line.user_id, PLENTY, "tx")
        amount = line.amount
        change = (
            postings.credit_manually(line.user_id, amount)
            if amount.stroops > 0
            else postings.debit_manually(line.user_id, -amount)
        )
        made += [context().transfer(each, reference="", cause="") for each in (deposit, change)]
    return made


def refusing(operation: ChainOperation, codes: Sequence[str]) -> ChainOperation:
    failure = ChainFailure(FailureKind.INCLUDED, "the network refused it", "x", tuple(codes))
    return evolve(failed(operation, FailureKind.INCLUDED), failure=failure)


@given(batches)
def test_what_wallets_owe_comes_first_and_everybody_is_paid_once(stroops: list[int]) -> None:
    intent = planned(stroops).operation.intent
    assert isinstance(intent, SettleDues)
    paid = [payment.amount.stroops for payment in intent.payments]
    assert sorted(stroops) == sorted(paid)
    owing = sum(amount < 0 for amount in stroops)
    assert all(amount < 0 for amount in paid[:owing])
    assert len(set(intent.signers)) == len(intent.signers)
    assert {"GCHANNEL"} | ({"GPLATFORM"} if owing < len(paid) else set()) <= set(intent.signers)


@given(batches)
def test_a_confirmed_settlement_leaves_nothing_due_and_both_identities_whole(
    stroops: list[int],
) -> None:
    plan = planned(stroops)
    made = history(stroops)
    check_identities(books_of(made), PLATFORM)
    end = decisions.ended(confirmed(plan.operation), plan.settlements, RETRY, context())
    assert end.paid
    made += end.unit.transfers
    books = books_of(made)
    check_identities(books, PLATFORM)
    assert not [name for name, amount in books.accounts.items() if "due/" in name and amount]
    assert PLENTY.stroops - sum(stroops) == books.holding(WALLET_TREASURY).stroops
    assert all(not each.in_flight and not each.amount for each in end.settlements)
    keys = [transfer.dedupe for transfer in end.unit.transfers]
    assert len(set(keys)) == len(keys)
    assert None not in keys


@given(batches, st.data())
def test_who_breaks_a_transaction_pauses_and_the_others_are_free(
    stroops: list[int], data: st.DataObject
) -> None:
    plan = planned(stroops)
    broken = data.draw(st.sets(st.integers(0, len(stroops) - 1), min_size=1))
    # What is the wallet's own fault, either way.
    codes = [
        "op_success"
        if place not in broken
        else ("op_no_trust" if each.amount.stroops > 0 else "op_underfunded")
        for place, each in enumerate(plan.settlements)
    ]
    end = decisions.ended(refusing(plan.operation, codes), plan.settlements, RETRY, context())
    assert not end.unit.transfers
    for place, each in enumerate(end.settlements):
        assert not each.in_flight
        assert (place in broken) == (each in end.refused)
        assert (1 if place in broken else 0) == each.failures
        assert (place in broken) == (each.not_before is not None)
    alarms = [entry for entry in end.unit.audit if entry.action == decisions.REFUSED]
    assert {end.settlements[place].id for place in broken} == {entry.user_id for entry in alarms}


@given(batches)
def test_that_the_platform_lacks_the_money_is_no_payees_fault(stroops: list[int]) -> None:
    plan = planned(stroops)
    codes = [
        "op_underfunded" if each.amount.stroops > 0 else "op_success" for each in plan.settlements
    ]
    end = decisions.ended(refusing(plan.operation, codes), plan.settlements, RETRY, context())
    assert () == end.refused
    assert all(each.failures == 0 for each in end.settlements)
    assert all(each.not_before == NOW + timedelta(minutes=1) for each in end.settlements)


@pytest.mark.parametrize("kind", [FailureKind.DEAD, FailureKind.FOREIGN, FailureKind.STALE])
def test_what_no_ledger_has_is_tried_again_as_it_was(kind: FailureKind) -> None:
    plan = planned([5, -3])
    end = decisions.ended(failed(plan.operation, kind), plan.settlements, RETRY, context())
    assert end.again is not None
    assert (plan.operation.intent, plan.operation.subject_id, 2) == (
        end.again.intent,
        end.again.subject_id,
        end.again.attempt,
    )
    assert all(each.operation_id == end.again.id for each in end.settlements)
    assert not end.unit.transfers


def test_an_operation_settles_only_what_it_carries() -> None:
    plan, other = planned([5]), planned([5])
    for operation in (plan.operation, confirmed(other.operation)):
        with pytest.raises(InvariantViolated):
            decisions.ended(operation, plan.settlements, RETRY, context())


def test_pauses_double_from_a_minute_to_an_hour_and_end_with_a_payment() -> None:
    earlier: Settlement | None = None
    pauses = []
    for _ in range(9):
        line = Line("usr_1", "G1", Money(5), earlier)
        plan = decisions.plan([line], "GCHANNEL", "GPLATFORM", context())
        end = decisions.ended(
            refusing(plan.operation, ["op_no_trust"]), plan.settlements, RETRY, context()
        )
        (earlier,) = end.settlements
        assert earlier.not_before is not None
        pauses.append((earlier.not_before - NOW).total_seconds() / 60)
    assert [1, 2, 4, 8, 16, 32, 60, 60, 60] == pauses
    plan = decisions.plan([Line("usr_1", "G1", Money(5), earlier)], "GC", "GP", context())
    (paid,) = decisions.ended(
        confirmed(plan.operation), plan.settlements, RETRY, context()
    ).settlements
    assert (0, None, None) == (paid.failures, paid.not_before, paid.last_error)


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.lists(st.tuples(st.sampled_from("fwsg"), st.integers(1, 10**6)), max_size=30),
)
def test_a_wallet_holds_every_payment_that_was_let_go(
    has: int, due: int, steps: list[tuple[str, int]]
) -> None:
    """The rule of `Standing.lacking`: whoever is let go can pay, whatever comes after it."""
    available, owed, wallet, let_go = has + due, due, has, 0
    for step, amount in steps:
        match step:
            case "w" if amount <= available:
                # A payment out of available: let go, or it waits and changes nothing here.
                if not Standing(Money(available - amount), Money(owed)).lacking:
                    available, let_go = available - amount, let_go + amount
            case "f":  # the chain confirms what was let go
                wallet, let_go = wallet - let_go, 0
            case "s" if owed > 0:  # a settlement arrives, whole or in part
                part = min(owed, amount)
                wallet, owed = wallet + part, owed - part
            case "g":  # a release: less arrives than is credited
                kept = amount * 30 // 10_000
                wallet, available, owed = wallet + amount - kept, available + amount, owed + kept
        assert wallet >= let_go


@given(batches)
def test_the_running_sums_follow_the_transfers(stroops: list[int]) -> None:
    made = history(stroops)
    sums: dict[str, int] = {}
    dues: dict[str, int] = {}
    for transfer in made:
        moved = []
        for posting in transfer.postings:
            prefix, _, user = posting.account.partition("/")
            if prefix == "due" and user != "treasury":
                before = dues.get(user, 0)
                dues[user] = before + posting.amount.stroops
                moved.append((before, dues[user]))
        sums = moved_sums(sums, [transfer], moved)
    treasury, books = Treasury(sums), books_of(made)
    assert books.account("treasury") == treasury.treasury
    assert books.holding("wallet/treasury") == treasury.wallet
    assert sum(amount for amount in stroops if amount > 0) == treasury.owed.stroops
    assert -sum(amount for amount in stroops if amount < 0) == treasury.owing.stroops
    assert max(0, PLENTY.stroops - treasury.owed.stroops) == treasury.withdrawable.stroops
