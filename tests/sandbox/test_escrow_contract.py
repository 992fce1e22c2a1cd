"""The contract's rules: codes, order of the checks, and who is paid (docs/spec/trustless-work.md §5)."""

import pytest
from attrs import evolve
from stellar_sdk import scval, xdr

from offerhub.sandbox import constants
from offerhub.sandbox.engine.contracts import ContractTrap
from offerhub.sandbox.escrow.encoding import distributions_to_scval, escrow_to_scval
from offerhub.sandbox.escrow.record import Flags, Milestone
from tests.sandbox.escrow_host import (
    BUYER,
    PLATFORM,
    SELLER,
    STRANGER,
    UNIT,
    DictHost,
    call,
    deploy,
    deploy_arguments,
    record,
    stored,
)

FEE = constants.FEE_ADDRESS


@pytest.fixture
def host() -> DictHost:
    return DictHost(balances={BUYER: 1000 * UNIT, SELLER: 0, PLATFORM: 0, FEE: 0})


def trapped(*arguments: object, **named: object) -> int:
    with pytest.raises(ContractTrap) as trap:
        call(*arguments, **named)  # type: ignore[arg-type]
    return trap.value.code


def fund(host: DictHost, contract_id: str, amount: int) -> None:
    host.signer = BUYER
    expected = escrow_to_scval(stored(host, contract_id))
    call(
        host, contract_id, "fund_escrow",
        scval.to_address(BUYER), expected, scval.to_int128(amount),
    )  # fmt: skip


def approve_all(host: DictHost, contract_id: str) -> None:
    host.signer = BUYER
    for index in range(len(stored(host, contract_id).milestones)):
        call(
            host, contract_id, "approve_milestone",
            scval.to_int128(index), scval.to_address(BUYER),
        )  # fmt: skip


def release_arguments() -> list[xdr.SCVal]:
    return [scval.to_address(BUYER), scval.to_address(FEE)]


def dispute(host: DictHost, contract_id: str, signer: str = BUYER) -> None:
    host.signer = signer
    call(host, contract_id, "dispute_escrow", scval.to_address(signer))


def resolve_arguments(amounts: dict[str, int], resolver: str = PLATFORM) -> list[xdr.SCVal]:
    return [
        scval.to_address(resolver),
        scval.to_address(FEE),
        distributions_to_scval(amounts),
    ]


def test_a_deployed_contract_stands_at_its_derived_address_with_the_given_record(host):
    escrow = record()
    assert escrow == stored(host, deploy(host, escrow))


def test_the_same_salt_deploys_once(host):
    deploy(host, record())
    assert (
        trapped(
            host,
            constants.FACTORY_CONTRACT_ID,
            "tw_new_single_release_escrow",
            *deploy_arguments(record()),
        )
        == 0
    )


def test_other_code_cannot_be_deployed(host):
    host.signer = BUYER
    arguments = deploy_arguments(record())
    arguments[1] = scval.to_bytes(bytes(32))
    trapped(host, constants.FACTORY_CONTRACT_ID, "tw_new_single_release_escrow", *arguments)
    assert {} == host.records


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"platform_fee_bps": 9_901, "amount_stroops": 0}, 31),
        ({"amount_stroops": 0, "milestones": ()}, 1),
        ({"amount_stroops": -1}, 1),
        ({"milestones": ()}, 9),
        ({"milestones": (Milestone("m"),) * 51}, 27),
        ({"flags": Flags(disputed=True)}, 32),
        ({"milestones": (Milestone("m", approved=True),)}, 32),
    ],
)
def test_a_record_that_breaks_a_rule_is_not_deployed(host, changes, code):
    host.signer = BUYER
    assert code == trapped(
        host,
        constants.FACTORY_CONTRACT_ID,
        "tw_new_single_release_escrow",
        *deploy_arguments(record(**changes)),
    )


def test_funding_twice_deposits_twice(host):
    contract_id = deploy(host, record())
    fund(host, contract_id, 80 * UNIT)
    fund(host, contract_id, 80 * UNIT)
    assert 160 * UNIT == host.balance(contract_id)


@pytest.mark.parametrize(
    ("amount", "changes", "code"),
    [(0, {"title": "other"}, 1), (UNIT, {"title": "other"}, 33), (2000 * UNIT, {}, 42)],
)
def test_funding_is_refused_in_the_contract_s_order(host, amount, changes, code):
    escrow = record()
    contract_id = deploy(host, escrow)
    assert code == trapped(
        host,
        contract_id,
        "fund_escrow",
        scval.to_address(BUYER),
        escrow_to_scval(evolve(escrow, **changes)),
        scval.to_int128(amount),
    )


def test_funding_from_another_s_wallet_needs_that_wallet_s_authorisation(host):
    contract_id = deploy(host, record())
    host.signer = STRANGER
    expected = escrow_to_scval(stored(host, contract_id))
    assert 0 == trapped(
        host, contract_id, "fund_escrow", scval.to_address(BUYER), expected, scval.to_int128(1)
    )


def test_a_status_change_keeps_the_evidence_when_none_is_given(host):
    contract_id = deploy(host, record(milestones=(Milestone("m", evidence="old"),)))
    host.signer = SELLER
    call(
        host, contract_id, "change_milestone_status",
        scval.to_int128(0), scval.to_string("completed"), scval.to_void(), scval.to_address(SELLER),
    )  # fmt: skip
    assert Milestone("m", "completed", "old") == stored(host, contract_id).milestones[0]


@pytest.mark.parametrize(("caller", "index", "code"), [(BUYER, 0, 8), (SELLER, 2, 10)])
def test_a_status_change_is_the_service_provider_s_on_an_existing_milestone(
    host, caller, index, code
):
    contract_id = deploy(host, record())
    assert code == trapped(
        host,
        contract_id,
        "change_milestone_status",
        scval.to_int128(index),
        scval.to_string("x"),
        scval.to_string(""),
        scval.to_address(caller),
    )


def test_a_milestone_is_approved_once_by_the_approver(host):
    contract_id = deploy(host, record())
    zero = scval.to_int128(0)
    assert 10 == trapped(
        host, contract_id, "approve_milestone", scval.to_int128(-1), scval.to_address(SELLER)
    )
    assert 11 == trapped(host, contract_id, "approve_milestone", zero, scval.to_address(SELLER))
    approve_all(host, contract_id)
    assert 29 == trapped(host, contract_id, "approve_milestone", zero, scval.to_address(BUYER))


def test_a_milestone_without_a_status_cannot_be_approved(host):
    contract_id = deploy(host, record(milestones=(Milestone("m", status=""),)))
    assert 30 == trapped(
        host, contract_id, "approve_milestone", scval.to_int128(0), scval.to_address(BUYER)
    )


def test_a_release_pays_the_protocol_the_platform_and_the_receiver(host):
    contract_id = deploy(host, record(platform_fee_bps=500))
    fund(host, contract_id, 90 * UNIT)
    approve_all(host, contract_id)
    call(host, contract_id, "release_funds", *release_arguments())
    assert 80 * UNIT * 30 // 10_000 == host.balance(FEE)
    assert 4 * UNIT == host.balance(PLATFORM)
    assert 80 * UNIT - host.balance(FEE) - 4 * UNIT == host.balance(SELLER)
    assert 10 * UNIT == host.balance(contract_id), "the surplus stays behind"
    assert stored(host, contract_id).flags.released
    assert 35 == trapped(host, contract_id, "release_funds", *release_arguments())


def test_a_release_is_refused_in_the_contract_s_order(host):
    contract_id = deploy(host, record())
    host.signer = SELLER
    other = [scval.to_address(SELLER), scval.to_address(FEE)]
    assert 4 == trapped(host, contract_id, "release_funds", *other)
    assert 5 == trapped(host, contract_id, "release_funds", *release_arguments())
    approve_all(host, contract_id)
    assert 6 == trapped(host, contract_id, "release_funds", *release_arguments())
    dispute(host, contract_id)
    host.signer = BUYER
    assert 16 == trapped(host, contract_id, "release_funds", *release_arguments())


def test_a_payee_without_trustline_stops_the_release_with_the_token_s_code(host):
    contract_id = deploy(host, record())
    fund(host, contract_id, 80 * UNIT)
    approve_all(host, contract_id)
    del host.balances[SELLER]
    with pytest.raises(ContractTrap) as trap:
        call(host, contract_id, "release_funds", *release_arguments())
    assert (13, True) == (trap.value.code, trap.value.token)


def test_a_dispute_is_for_the_parties_and_never_for_the_resolver(host):
    contract_id = deploy(host, record())
    assert 40 == trapped(host, contract_id, "dispute_escrow", scval.to_address(PLATFORM))
    assert 26 == trapped(host, contract_id, "dispute_escrow", scval.to_address(STRANGER))
    dispute(host, contract_id, SELLER)
    assert 13 == trapped(host, contract_id, "dispute_escrow", scval.to_address(BUYER))


def test_a_resolution_pays_out_the_whole_balance_less_fees_and_is_terminal(host):
    contract_id = deploy(host, record(platform_fee_bps=500))
    fund(host, contract_id, 100 * UNIT)
    dispute(host, contract_id)
    host.balances[BUYER] = 0
    host.signer = PLATFORM
    call(
        host, contract_id, "resolve_dispute",
        *resolve_arguments({BUYER: 60 * UNIT, SELLER: 40 * UNIT}),
    )  # fmt: skip
    assert 568_200_000 == host.balance(BUYER)
    assert 378_800_000 == host.balance(SELLER)
    assert 0 == host.balance(contract_id)
    assert Flags(resolved=True) == stored(host, contract_id).flags
    assert 24 == trapped(host, contract_id, "release_funds", *release_arguments())
    assert 24 == trapped(host, contract_id, "dispute_escrow", scval.to_address(BUYER))


@pytest.mark.parametrize(
    ("amounts", "resolver", "code"),
    [
        ({BUYER: 0}, BUYER, 38),
        ({BUYER: UNIT}, BUYER, 12),
        ({BUYER: 81 * UNIT}, PLATFORM, 15),
        ({BUYER: 79 * UNIT}, PLATFORM, 39),
    ],
)
def test_a_resolution_is_refused_in_the_contract_s_order(host, amounts, resolver, code):
    contract_id = deploy(host, record())
    fund(host, contract_id, 80 * UNIT)
    dispute(host, contract_id)
    arguments = resolve_arguments(amounts, resolver)
    assert code == trapped(host, contract_id, "resolve_dispute", *arguments)


def test_without_a_dispute_there_is_nothing_to_resolve(host):
    contract_id = deploy(host, record())
    assert 14 == trapped(host, contract_id, "resolve_dispute", *resolve_arguments({BUYER: 1}))


def test_what_is_left_after_a_release_can_be_withdrawn_in_parts(host):
    contract_id = deploy(host, record())
    fund(host, contract_id, 90 * UNIT)
    arguments = resolve_arguments({BUYER: 4 * UNIT})
    assert 44 == trapped(host, contract_id, "withdraw_remaining_funds", *arguments)
    approve_all(host, contract_id)
    call(host, contract_id, "release_funds", *release_arguments())
    host.signer = PLATFORM
    call(host, contract_id, "withdraw_remaining_funds", *arguments)
    assert 6 * UNIT == host.balance(contract_id)


def test_a_map_with_keys_out_of_order_is_no_distribution(host):
    contract_id = deploy(host, record())
    arguments = resolve_arguments({BUYER: 1, SELLER: 2})
    assert arguments[2].map is not None
    arguments[2].map.sc_map.reverse()
    assert 0 == trapped(host, contract_id, "resolve_dispute", *arguments)


def test_an_unknown_contract_is_not_found_and_an_unknown_function_traps(host):
    assert 3 == trapped(host, constants.CONTRACT_BASE_ID, "get_escrow")
    assert 0 == trapped(host, deploy(host, record()), "steal_funds")
    assert 0 == trapped(host, constants.FACTORY_CONTRACT_ID, "upgrade")


def test_an_escrow_of_an_asset_without_contract_cannot_be_funded(host):
    escrow = record(trustline=constants.CONTRACT_BASE_ID)
    contract_id = deploy(host, escrow)
    with pytest.raises(ContractTrap, match="Storage, MissingValue"):
        fund(host, contract_id, UNIT)
