"""What operations do to the ledger, and which code each refusal has (docs/spec/stellar-horizon.md §5)."""

import struct
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stellar_sdk import (
    AccountMerge,
    Asset,
    BeginSponsoringFutureReserves,
    BumpSequence,
    ChangeTrust,
    CreateAccount,
    EndSponsoringFutureReserves,
    Keypair,
    Operation,
    PathPaymentStrictReceive,
    PathPaymentStrictSend,
    Payment,
    TransactionEnvelope,
    xdr,
)

from offerhub.sandbox.engine import Rejected
from tests.sandbox.chain import FRIENDBOT, ISSUER, PASSPHRASE, USDC, XLM, Chain, keypair

ALICE = keypair("alice")
BOB = keypair("bob")
USER = keypair("user")


@pytest.fixture
def chain() -> Chain:
    """Alice and Bob with 100 XLM and a USDC trustline each; Alice has 50 USDC."""
    return funded()


def funded() -> Chain:
    chain = Chain()
    create = [CreateAccount(each.public_key, "100") for each in (ALICE, BOB)]
    trust = [ChangeTrust(USDC, "1000", source=each.public_key) for each in (ALICE, BOB)]
    mint = Payment(ALICE.public_key, USDC, "50", source=ISSUER.public_key)
    row = chain.apply(FRIENDBOT, [*create, *trust, mint], (FRIENDBOT, ALICE, BOB, ISSUER))
    assert row.successful
    return chain


def usdc(chain: Chain, of: Keypair) -> int | None:
    return chain.engine.usdc_balance(of.public_key)


def failed(chain: Chain, source: Keypair, operation: Operation) -> str:
    """The code of an operation that is included and fails: fee and sequence are spent."""
    before = chain.engine.account(source.public_key)
    row = chain.apply(source, [operation])
    after = chain.engine.account(source.public_key)
    assert before is not None
    assert after is not None
    assert (row.successful, row.transaction_code) == (False, "tx_failed")
    assert after.sequence == before.sequence + 1
    assert after.balance == before.balance - 100
    assert row.operation_codes is not None
    return row.operation_codes[0]


def malformed(chain: Chain, source: Keypair, operation: Operation) -> tuple[str, ...] | None:
    return chain.refuse(source, [operation]).operation_codes


# ------------------------------------------------------------------------- payments


def test_a_payment_moves_the_asset_to_the_stroop(chain: Chain) -> None:
    assert chain.apply(ALICE, [Payment(BOB.public_key, USDC, "0.0000001")]).successful

    assert (usdc(chain, ALICE), usdc(chain, BOB)) == (50 * XLM - 1, 1)


def test_the_issuer_mints_and_burns(chain: Chain) -> None:
    assert chain.apply(ISSUER, [Payment(BOB.public_key, USDC, "7")]).successful
    assert chain.apply(BOB, [Payment(ISSUER.public_key, USDC, "3")]).successful

    assert usdc(chain, BOB) == 4 * XLM


@pytest.mark.parametrize(
    ("source", "operation", "expected"),
    [
        (ALICE, Payment(USER.public_key, USDC, "1"), "op_no_destination"),
        (ALICE, Payment(FRIENDBOT.public_key, USDC, "1"), "op_no_trust"),
        (FRIENDBOT, Payment(BOB.public_key, USDC, "1"), "op_src_no_trust"),
        (ALICE, Payment(BOB.public_key, USDC, "50.0000001"), "op_underfunded"),
        (ISSUER, Payment(BOB.public_key, USDC, "1000.0000001"), "op_line_full"),
        (ALICE, Payment(BOB.public_key, Asset.native(), "98.6"), "op_underfunded"),
        (ALICE, Payment(BOB.public_key, Asset("USDC", BOB.public_key), "1"), "op_src_no_trust"),
    ],
)
def test_a_payment_that_cannot_be_made_costs_its_fee(
    chain: Chain, source: Keypair, operation: Payment, expected: str
) -> None:
    assert expected == failed(chain, source, operation)


def test_the_reserve_cannot_be_spent(chain: Chain) -> None:
    # 100 XLM - 2.5 reserves for account and trustline; the fee of this very payment is on top.
    most = 100 * XLM - 3 * 5_000_000 - 100
    text = f"{most // XLM}.{most % XLM:07d}"

    assert chain.apply(ALICE, [Payment(BOB.public_key, Asset.native(), text)]).successful
    assert chain.balance(ALICE) == 3 * 5_000_000


def test_one_failing_operation_undoes_all_and_each_has_its_own_code(chain: Chain) -> None:
    operations = [
        Payment(BOB.public_key, USDC, "1"),
        Payment(USER.public_key, USDC, "1"),
        Payment(BOB.public_key, USDC, "2"),
    ]
    row = chain.apply(ALICE, operations)

    assert row.operation_codes == ("op_success", "op_no_destination", "op_success")
    assert (usdc(chain, ALICE), usdc(chain, BOB)) == (50 * XLM, 0)
    assert row.fee_charged == 300


def test_path_payments_of_one_asset_deliver_it(chain: Chain) -> None:
    send = PathPaymentStrictSend(BOB.public_key, USDC, "2", USDC, "2", [])
    receive = PathPaymentStrictReceive(BOB.public_key, USDC, "3", USDC, "3", [])

    assert chain.apply(ALICE, [send, receive]).successful
    assert usdc(chain, BOB) == 5 * XLM


def test_a_path_payment_finds_no_offers_and_keeps_its_bounds(chain: Chain) -> None:
    convert = PathPaymentStrictSend(BOB.public_key, Asset.native(), "2", USDC, "1", [])
    dear = PathPaymentStrictReceive(BOB.public_key, USDC, "1", USDC, "2", [])
    little = PathPaymentStrictSend(BOB.public_key, USDC, "1", USDC, "2", [])

    assert failed(chain, ALICE, convert) == "op_too_few_offers"
    assert failed(chain, ALICE, dear) == "op_over_source_max"
    assert failed(chain, ALICE, little) == "op_under_dest_min"


def test_a_short_code_in_the_long_form_is_no_asset(chain: Chain) -> None:
    payment = Payment(BOB.public_key, USDC, "1").to_xdr_object()
    assert payment.body.payment_op is not None
    payment.body.payment_op.asset = xdr.Asset(
        xdr.AssetType.ASSET_TYPE_CREDIT_ALPHANUM12,
        alpha_num12=xdr.AlphaNum12(
            xdr.AssetCode12(b"USDC".ljust(12, b"\0")), ISSUER.xdr_account_id()
        ),
    )
    envelope = TransactionEnvelope.from_xdr(
        chain.envelope(ALICE, [Payment(BOB.public_key, USDC, "1")], ()), PASSPHRASE
    ).to_xdr_object()
    assert envelope.v1 is not None
    envelope.v1.tx.operations = [payment]
    tag = struct.pack(">i", 2)
    digest = sha256(chain.engine.network_id + tag + envelope.v1.tx.to_xdr_bytes()).digest()
    envelope.v1.signatures = [ALICE.sign_decorated(digest).to_xdr_object()]
    answer = chain.submit(envelope.to_xdr())

    assert isinstance(answer, Rejected)
    assert answer.operation_codes == ("op_malformed",)


# ------------------------------------------------------------------------- accounts


def test_a_new_account_starts_at_its_ledgers_first_sequence(chain: Chain) -> None:
    row = chain.apply(ALICE, [CreateAccount(USER.public_key, "1")])

    user = chain.engine.account(USER.public_key)
    assert user is not None
    assert user.sequence == row.ledger << 32


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (CreateAccount(BOB.public_key, "5"), "op_already_exists"),
        (CreateAccount(USER.public_key, "0.9999999"), "op_low_reserve"),
        (CreateAccount(USER.public_key, "99"), "op_underfunded"),
        (ChangeTrust(Asset("EUR", USER.public_key), "1"), "op_no_issuer"),
        (ChangeTrust(USDC, "49"), "op_invalid_limit"),
        (ChangeTrust(USDC, "0"), "op_invalid_limit"),
        (ChangeTrust(Asset("EUR", BOB.public_key), "0"), "op_invalid_limit"),
        (AccountMerge(USER.public_key), "op_no_account"),
        (AccountMerge(BOB.public_key), "op_has_sub_entries"),
        (EndSponsoringFutureReserves(), "op_not_sponsored"),
    ],
)
def test_what_the_ledger_refuses_has_the_networks_code(
    chain: Chain, operation: Operation, expected: str
) -> None:
    assert expected == failed(chain, ALICE, operation)


@pytest.mark.parametrize(
    ("source", "operation", "expected"),
    [
        (ALICE, CreateAccount(ALICE.public_key, "5"), "op_malformed"),
        (ALICE, AccountMerge(ALICE.public_key), "op_malformed"),
        (ISSUER, ChangeTrust(USDC, "5"), "op_malformed"),
        (ALICE, BeginSponsoringFutureReserves(ALICE.public_key), "op_malformed"),
        (ALICE, Payment(BOB.public_key, USDC, "0"), "op_malformed"),
    ],
)
def test_what_is_malformed_is_refused_before_it_costs_anything(
    chain: Chain, source: Keypair, operation: Operation, expected: str
) -> None:
    before = chain.engine.account(source.public_key)

    assert malformed(chain, source, operation) == (expected,)
    chain.close()
    assert before == chain.engine.account(source.public_key)


def test_a_merged_account_is_gone_with_its_xlm_moved(chain: Chain) -> None:
    assert chain.apply(ALICE, [CreateAccount(USER.public_key, "10")]).successful
    before = chain.balance(BOB)
    chain.close()

    assert failed(chain, USER, AccountMerge(keypair("nobody").public_key)) == "op_no_account"
    assert chain.apply(USER, [AccountMerge(BOB.public_key)]).successful

    assert chain.engine.account(USER.public_key) is None
    assert chain.balance(BOB) == before + 10 * XLM - 200


def test_an_account_with_a_sequence_of_the_future_cannot_merge(chain: Chain) -> None:
    assert chain.apply(ALICE, [CreateAccount(USER.public_key, "10")]).successful
    future = (chain.engine.latest_ledger().sequence + 9) << 32
    assert chain.apply(USER, [BumpSequence(future)]).successful

    assert failed(chain, USER, AccountMerge(BOB.public_key)) == "op_seq_num_too_far"


def test_bump_sequence_only_raises(chain: Chain) -> None:
    before = chain.engine.account(ALICE.public_key)
    assert before is not None

    assert chain.apply(ALICE, [BumpSequence(0)]).successful
    assert chain.apply(ALICE, [BumpSequence(before.sequence + 100)]).successful

    after = chain.engine.account(ALICE.public_key)
    assert after is not None
    assert after.sequence == before.sequence + 100


def test_an_account_that_vanishes_in_the_same_ledger_fails_the_transaction_but_not_the_ledger(
    chain: Chain,
) -> None:
    assert chain.apply(ALICE, [CreateAccount(USER.public_key, "10")]).successful
    chain.close()
    merge = AccountMerge(BOB.public_key, source=USER.public_key)
    chain.submit(chain.envelope(ALICE, [merge], (ALICE, USER)))
    chain.submit(chain.envelope(USER, [BumpSequence(0)]))

    first, second = chain.close().transactions

    assert first.successful
    assert (second.successful, second.transaction_code) == (False, "tx_no_source_account")


# ------------------------------------------------------------------------- sponsorship


def sandwich(user: Keypair, sponsor: Keypair) -> list[Operation]:
    """The activation of docs/spec/stellar-horizon.md §5.4."""
    return [
        BeginSponsoringFutureReserves(user.public_key, source=sponsor.public_key),
        CreateAccount(user.public_key, "0", source=sponsor.public_key),
        ChangeTrust(USDC, source=user.public_key),
        EndSponsoringFutureReserves(source=user.public_key),
    ]


def test_a_sponsored_account_needs_no_xlm_and_its_sponsor_keeps_three_reserves(
    chain: Chain,
) -> None:
    channel = BOB
    row = chain.apply(channel, sandwich(USER, ALICE), (channel, ALICE, USER))

    assert row.successful
    user, sponsor = (chain.engine.account(each.public_key) for each in (USER, ALICE))
    assert user is not None
    assert sponsor is not None
    assert (user.balance, user.subentry_count, user.num_sponsored) == (0, 1, 3)
    assert (user.sponsor, sponsor.num_sponsoring) == (ALICE.public_key, 3)
    (line,) = chain.engine.trustlines(USER.public_key)
    assert line.sponsor == ALICE.public_key


def test_several_accounts_are_activated_in_one_transaction(chain: Chain) -> None:
    users = [keypair(f"user {number}") for number in range(5)]
    operations = [operation for user in users for operation in sandwich(user, ALICE)]

    assert chain.apply(BOB, operations, (BOB, ALICE, *users)).successful
    assert all(usdc(chain, user) == 0 for user in users)


def test_the_new_accounts_key_has_to_sign_its_activation(chain: Chain) -> None:
    rejected = chain.refuse(BOB, sandwich(USER, ALICE), (BOB, ALICE))

    assert rejected.operation_codes is not None
    assert rejected.operation_codes[2] == "op_bad_auth"


def test_a_sponsor_without_enough_xlm_activates_nobody(chain: Chain) -> None:
    poor = keypair("poor")
    assert chain.apply(FRIENDBOT, [CreateAccount(poor.public_key, "2.4999999")]).successful

    row = chain.apply(BOB, sandwich(USER, poor), (BOB, poor, USER))

    assert row.operation_codes is not None
    assert row.operation_codes[2] == "op_low_reserve"
    assert chain.engine.account(USER.public_key) is None


def test_an_activation_of_an_existing_account_says_so(chain: Chain) -> None:
    assert chain.apply(BOB, sandwich(USER, ALICE), (BOB, ALICE, USER)).successful

    row = chain.apply(BOB, sandwich(USER, ALICE), (BOB, ALICE, USER))

    assert row.operation_codes is not None
    assert row.operation_codes[1] == "op_already_exists"


def test_a_sandwich_that_is_not_closed_undoes_everything(chain: Chain) -> None:
    row = chain.apply(BOB, sandwich(USER, ALICE)[:3], (BOB, ALICE, USER))

    assert (row.transaction_code, row.operation_codes) == ("tx_bad_sponsorship", None)
    assert chain.engine.account(USER.public_key) is None


def test_sponsorship_does_not_nest(chain: Chain) -> None:
    begin = BeginSponsoringFutureReserves
    row = chain.apply(
        ALICE,
        [
            begin(USER.public_key),
            begin(USER.public_key, source=BOB.public_key),
            begin(ALICE.public_key, source=BOB.public_key),
        ],
        (ALICE, BOB),
    )

    assert row.operation_codes == ("op_success", "op_already_sponsored", "op_recursive")


def test_closing_a_sponsored_account_gives_the_sponsor_its_reserves_back(chain: Chain) -> None:
    assert chain.apply(BOB, sandwich(USER, ALICE), (BOB, ALICE, USER)).successful
    chain.close()
    close_line = ChangeTrust(USDC, "0", source=USER.public_key)
    merge = AccountMerge(ALICE.public_key, source=USER.public_key)

    assert chain.apply(BOB, [close_line, merge], (BOB, USER)).successful

    sponsor = chain.engine.account(ALICE.public_key)
    assert sponsor is not None
    assert sponsor.num_sponsoring == 0
    assert chain.engine.trustlines(USER.public_key) == ()


def test_a_sponsor_cannot_merge(chain: Chain) -> None:
    assert chain.apply(ALICE, [CreateAccount(keypair("s").public_key, "50")]).successful
    chain.close()
    sponsor = keypair("s")
    assert chain.apply(BOB, sandwich(USER, sponsor), (BOB, sponsor, USER)).successful

    assert failed(chain, sponsor, AccountMerge(BOB.public_key)) == "op_is_sponsor"


# ------------------------------------------------------------------------- always

PEOPLE = [keypair(f"person {number}") for number in range(4)]
amounts = st.sampled_from(["0.0000001", "1", "2.5", "40", "99", "1000000"])
people = st.sampled_from(PEOPLE)
operations = st.one_of(
    st.builds(
        lambda a, b, x: (a, Payment(b.public_key, Asset.native(), x)), people, people, amounts
    ),
    st.builds(lambda a, b, x: (a, Payment(b.public_key, USDC, x)), people, people, amounts),
    st.builds(lambda b, x: (ISSUER, Payment(b.public_key, USDC, x)), people, amounts),
    st.builds(lambda a, b, x: (a, CreateAccount(b.public_key, x)), people, people, amounts),
    st.builds(lambda a, x: (a, ChangeTrust(USDC, x)), people, st.sampled_from(["0", "5", "1000"])),
    st.builds(lambda a, b: (a, AccountMerge(b.public_key)), people, people),
)


@settings(max_examples=40)
@given(st.lists(st.lists(operations, min_size=1, max_size=4), max_size=8))
def test_no_xlm_is_made_or_lost_and_no_reserve_is_touched(
    ledgers: list[list[tuple[Keypair, Operation]]],
) -> None:
    chain = Chain()
    create = [CreateAccount(each.public_key, "100") for each in PEOPLE[:3]]
    assert chain.apply(FRIENDBOT, create).successful
    for ledger in ledgers:
        for source, operation in ledger:
            chain.submit(chain.envelope(source, [operation]))
        chain.close()
    latest = chain.engine.latest_ledger()
    accounts = [
        account
        for each in (*PEOPLE, FRIENDBOT, ISSUER)
        if (account := chain.engine.account(each.public_key)) is not None
    ]
    assert sum(account.balance for account in accounts) + latest.fee_pool == latest.total_coins
    for account in accounts:
        assert account.balance >= 0
        lines = chain.engine.trustlines(account.address)
        assert account.subentry_count == len(lines)
        assert all(0 <= line.balance <= line.limit for line in lines)
