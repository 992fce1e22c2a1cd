"""How each type of intent is worked: the table against the specification (docs/spec/domain.md §3)."""

from typing import get_args

import pytest

from offerhub.domain.intent_rules import Submitter, rules_of
from offerhub.domain.intents import (
    Distribution,
    DuePayment,
    EscrowIntent,
    Intent,
    ResolveDispute,
    SettleDues,
)
from offerhub.domain.money import Money
from tests.domain.intents import INTENTS

BY_NAME = {type(intent).__name__: intent for intent in INTENTS}


def named(**wanted: object) -> set[str]:
    """Names of the intents whose rules have these values."""
    return {
        name
        for name, intent in BY_NAME.items()
        if all(getattr(rules_of(intent), field) == value for field, value in wanted.items())
    }


def test_only_a_deployment_is_handed_in_by_the_provider() -> None:
    assert {"DeployEscrow"} == named(submitter=Submitter.PROVIDER)


def test_only_a_release_and_a_resolution_pay_out() -> None:
    assert {"ReleaseFunds", "ResolveDispute"} == named(pays_out=True)


def test_what_must_end_falls_back_and_the_rest_is_repeated() -> None:
    assert {"DeployEscrow", "FundEscrow", "PayUsdc"} == named(falls_back=True)


def test_what_the_chain_would_do_twice_is_proven_absent_before_it_is_signed_again() -> None:
    assert {"DeployEscrow", "FundEscrow", "PayUsdc", "SettleDues"} == named(moves_money=True)


def test_who_pays_in_a_settlement_signs_it() -> None:
    to_wallets = SettleDues("GC", "GP", (DuePayment("GA", Money(3)), DuePayment("GB", Money(2))))
    assert ("GC", "GP") == to_wallets.signers
    from_wallet = SettleDues("GC", "GP", (DuePayment("GA", Money(-3)),))
    assert ("GC", "GA") == from_wallet.signers
    assert ("GC", "GA", "GP") == BY_NAME["SettleDues"].signers


def test_the_last_step_that_went_past_the_provider_refreshes_its_read_model() -> None:
    assert {"FundEscrow", "ReleaseFunds", "DisputeEscrow", "ResolveDispute"} == named(
        refreshes=True
    )


@pytest.mark.parametrize("name", BY_NAME)
def test_only_a_payment_has_results_that_no_other_attempt_changes(name: str) -> None:
    assert bool(rules_of(BY_NAME[name]).final_codes) == (name == "PayUsdc")


def test_each_type_has_a_name_of_its_own() -> None:
    names = {str(rules_of(intent).step) for intent in INTENTS}
    assert len(get_args(Intent)) == len(names)
    assert {"complete:3", "approve:3"} <= names


@pytest.mark.parametrize("name", BY_NAME)
def test_an_intent_is_signed_by_its_source_first(name: str) -> None:
    intent = BY_NAME[name]
    assert intent.source == intent.signers[0]
    if isinstance(intent, EscrowIntent):
        assert (intent.source,) == intent.signers


def test_a_resolution_pays_what_the_contract_holds_beyond_the_orders_money_to_the_resolver() -> (
    None
):
    shares = (Distribution("GA", Money(2)), Distribution("GB", Money(3)))
    for surplus in (None, Money.zero()):
        assert shares == ResolveDispute("CABC", "GP", shares, surplus).whole
    with_surplus = ResolveDispute("CABC", "GP", shares, Money(7))
    assert (*shares, Distribution("GP", Money(7))) == with_surplus.whole
    assert Money(5) == with_surplus.own
