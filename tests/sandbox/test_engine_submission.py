"""What a node says to an envelope, and in which order it finds fault (docs/spec/stellar-horizon.md §5.2)."""

import base64
from datetime import timedelta

import pytest
from stellar_sdk import (
    Asset,
    BumpSequence,
    CreateAccount,
    Keypair,
    Payment,
    TransactionBuilder,
    TransactionEnvelope,
)

from offerhub.sandbox.engine import Final, Malformed, Rejected, Submitted, TryAgainLater
from tests.sandbox.chain import FRIENDBOT, ISSUER, PASSPHRASE, START, XLM, Chain, keypair

ALICE = keypair("alice")
BOB = keypair("bob")


def pay(to: Keypair = BOB, amount: str = "1", source: Keypair | None = None) -> Payment:
    own = None if source is None else source.public_key
    return Payment(to.public_key, Asset.native(), amount, source=own)


@pytest.fixture
def chain() -> Chain:
    chain = Chain()
    operations = [CreateAccount(each.public_key, "100") for each in (ALICE, BOB)]
    assert chain.apply(FRIENDBOT, operations).successful
    return chain


def code(chain: Chain, envelope: str) -> str:
    answer = chain.submit(envelope)
    assert isinstance(answer, Rejected), answer
    return answer.transaction_code


def test_the_hash_is_the_sdks_hash(chain: Chain) -> None:
    envelope = chain.envelope(ALICE, [pay()])
    expected = TransactionEnvelope.from_xdr(envelope, PASSPHRASE).hash_hex()

    assert Submitted(expected) == chain.submit(envelope)


def test_a_submitted_transaction_is_final_after_the_next_ledger(chain: Chain) -> None:
    envelope = chain.envelope(ALICE, [pay()])
    submitted = chain.submit(envelope)
    assert isinstance(submitted, Submitted)
    assert chain.engine.transaction(submitted.hash) is None

    closed = chain.close()

    row = chain.engine.transaction(submitted.hash)
    assert row is not None
    assert closed.transactions == (row,)
    assert row.successful
    assert Final(row) == chain.submit(envelope)


def test_the_same_envelope_twice_is_a_duplicate(chain: Chain) -> None:
    envelope = chain.envelope(ALICE, [pay()])
    first = chain.submit(envelope)
    assert isinstance(first, Submitted)

    assert Submitted(first.hash, duplicate=True) == chain.submit(envelope)
    assert len(chain.close().transactions) == 1


def test_a_second_transaction_of_the_same_source_has_to_try_again_later(chain: Chain) -> None:
    assert isinstance(chain.submit(chain.envelope(ALICE, [pay()])), Submitted)
    second = chain.envelope(ALICE, [pay()], ahead=1)

    assert isinstance(chain.submit(second), TryAgainLater)
    chain.close()
    assert isinstance(chain.submit(second), Submitted)


def test_a_lower_sequence_than_the_queued_one_is_bad(chain: Chain) -> None:
    assert isinstance(chain.submit(chain.envelope(ALICE, [pay()])), Submitted)

    assert code(chain, chain.envelope(ALICE, [pay()], ahead=-1)) == "tx_bad_seq"


@pytest.mark.parametrize("ahead", [-1, 1, 1000])
def test_only_the_next_sequence_number_is_good(chain: Chain, ahead: int) -> None:
    answer = chain.submit(chain.envelope(ALICE, [pay()], ahead=ahead))

    assert isinstance(answer, Rejected)
    assert answer.transaction_code == "tx_bad_seq"
    # The canned result that Horizon itself uses (§8.1).
    assert answer.result_xdr == "AAAAAAAAAAD////7AAAAAA=="


def test_an_envelope_signed_for_another_network_is_refused(chain: Chain) -> None:
    envelope = TransactionEnvelope.from_xdr(chain.envelope(ALICE, [pay()], ()), "another network")
    envelope.sign(ALICE)

    assert code(chain, envelope.to_xdr()) == "tx_bad_auth"


def test_an_unsigned_or_foreign_signed_envelope_is_refused(chain: Chain) -> None:
    assert code(chain, chain.envelope(ALICE, [pay()], ())) == "tx_bad_auth"
    assert code(chain, chain.envelope(ALICE, [pay()], (BOB,))) == "tx_bad_auth"


def test_a_superfluous_signature_is_refused(chain: Chain) -> None:
    assert code(chain, chain.envelope(ALICE, [pay()], (ALICE, BOB))) == "tx_bad_auth_extra"

    twice = TransactionEnvelope.from_xdr(chain.envelope(ALICE, [pay()]), PASSPHRASE)
    twice.signatures *= 2
    assert code(chain, twice.to_xdr()) == "tx_bad_auth_extra"


def test_a_forged_signature_with_the_right_hint_is_refused(chain: Chain) -> None:
    raw = bytearray(base64.b64decode(chain.envelope(ALICE, [pay()])))
    raw[-1] ^= 1

    assert code(chain, base64.b64encode(raw).decode()) == "tx_bad_auth"


def test_the_source_of_each_operation_must_have_signed(chain: Chain) -> None:
    operations = [pay(), pay(ALICE, source=BOB), pay()]
    answer = chain.submit(chain.envelope(ALICE, operations))

    assert isinstance(answer, Rejected)
    assert answer.transaction_code == "tx_failed"
    assert answer.operation_codes == ("op_success", "op_bad_auth", "op_success")
    assert chain.apply(ALICE, operations, (ALICE, BOB)).successful


def test_time_bounds_hold_at_their_edges(chain: Chain) -> None:
    second = int(chain.now.timestamp())
    # A node leaves room for two ledgers, a second each here.
    assert code(chain, chain.envelope(ALICE, [pay()], max_time=second + 1)) == "tx_too_late"
    assert isinstance(chain.submit(chain.envelope(ALICE, [pay()], max_time=second + 2)), Submitted)


def test_a_minimum_time_in_the_future_is_too_early(chain: Chain) -> None:
    builder = chain.builder(ALICE).append_operation(pay())
    builder.add_time_bounds(int(chain.now.timestamp()) + 10, 0)
    envelope = builder.build()
    envelope.sign(ALICE)

    assert code(chain, envelope.to_xdr()) == "tx_too_early"
    chain.now += timedelta(seconds=10)
    assert isinstance(chain.submit(envelope.to_xdr()), Submitted)


def test_ledger_bounds_exclude_their_maximum(chain: Chain) -> None:
    following = chain.engine.latest_ledger().sequence + 1

    def bounded(minimum: int, maximum: int) -> str:
        builder = chain.builder(ALICE).append_operation(pay()).set_timeout(0)
        envelope = builder.set_ledger_bounds(minimum, maximum).build()
        envelope.sign(ALICE)
        return envelope.to_xdr()

    assert code(chain, bounded(0, following)) == "tx_too_late"
    assert code(chain, bounded(following + 1, 0)) == "tx_too_early"
    assert isinstance(chain.submit(bounded(following, following + 1)), Submitted)


def test_what_outlives_its_time_in_the_queue_is_dropped_and_banned(chain: Chain) -> None:
    envelope = chain.envelope(ALICE, [pay()], max_time=int(chain.now.timestamp()) + 5)
    submitted = chain.submit(envelope)
    assert isinstance(submitted, Submitted)
    before = chain.engine.account(ALICE.public_key)

    chain.now += timedelta(seconds=5)
    closed = chain.close()

    assert (submitted.hash,) == closed.dropped
    assert before == chain.engine.account(ALICE.public_key)
    assert isinstance(chain.submit(envelope), TryAgainLater)


def test_too_small_a_bid_is_refused(chain: Chain) -> None:
    assert code(chain, chain.envelope(ALICE, [pay()], fee=99)) == "tx_insufficient_fee"


def test_a_source_that_does_not_exist_is_refused(chain: Chain) -> None:
    carol = keypair("carol")

    assert code(chain, chain.envelope(carol, [pay()])) == "tx_no_source_account"


def test_a_source_that_cannot_pay_its_bid_from_what_it_can_spend_is_refused(chain: Chain) -> None:
    poor = keypair("poor")
    assert chain.apply(FRIENDBOT, [CreateAccount(poor.public_key, "1.00001")]).successful

    assert code(chain, chain.envelope(poor, [pay()], fee=101)) == "tx_insufficient_balance"
    row = chain.apply(poor, [BumpSequence(0)])
    assert row.successful
    assert row.fee_charged == 100
    assert chain.balance(poor) == XLM


def test_a_transaction_without_operations_is_refused(chain: Chain) -> None:
    assert code(chain, chain.envelope(ALICE, [])) == "tx_missing_operation"


def test_the_first_fault_in_the_networks_order_is_named(chain: Chain) -> None:
    late = int(START.timestamp())
    everything_wrong = chain.envelope(keypair("carol"), [pay()], (), fee=1, max_time=late)
    wrong_but_in_time = chain.envelope(keypair("carol"), [pay()], (), fee=1)
    unsigned_and_bad_sequence = chain.envelope(ALICE, [pay()], (), ahead=5)

    assert code(chain, everything_wrong) == "tx_too_late"
    assert code(chain, wrong_but_in_time) == "tx_insufficient_fee"
    assert code(chain, unsigned_and_bad_sequence) == "tx_bad_seq"


@pytest.mark.parametrize(
    "text", ["", "not base64!", "AAAA", base64.b64encode(bytes(64)).decode(), "AAAAAg==" * 3]
)
def test_what_is_no_envelope_is_malformed(chain: Chain, text: str) -> None:
    assert isinstance(chain.submit(text), Malformed)


def test_trailing_bytes_are_malformed(chain: Chain) -> None:
    raw = base64.b64decode(chain.envelope(ALICE, [pay()])) + bytes(4)

    assert isinstance(chain.submit(base64.b64encode(raw).decode()), Malformed)


def test_a_fee_bump_is_not_understood(chain: Chain) -> None:
    inner = TransactionEnvelope.from_xdr(chain.envelope(ALICE, [pay()]), PASSPHRASE)
    bump = TransactionBuilder.build_fee_bump_transaction(BOB, 200, inner, PASSPHRASE)
    bump.sign(BOB)

    assert isinstance(chain.submit(bump.to_xdr()), Malformed)


def test_an_operation_the_network_lacks_is_not_supported(chain: Chain) -> None:
    builder = chain.builder(ALICE).append_manage_data_op("name", "value").set_timeout(0)
    envelope = builder.build()
    envelope.sign(ALICE)
    answer = chain.submit(envelope.to_xdr())

    assert isinstance(answer, Rejected)
    assert answer.operation_codes == ("op_not_supported",)


def test_a_full_ledger_leaves_the_rest_for_the_next(chain: Chain) -> None:
    chain.engine.queue.operations_max = 1
    assert isinstance(chain.submit(chain.envelope(ALICE, [pay()])), Submitted)
    assert isinstance(chain.submit(chain.envelope(BOB, [pay(ALICE)])), Submitted)

    first, second = chain.close(), chain.close()

    assert [row.source for row in first.transactions] == [ALICE.public_key]
    assert [row.source for row in second.transactions] == [BOB.public_key]


def test_what_never_finds_room_is_dropped_after_four_ledgers(chain: Chain) -> None:
    chain.engine.queue.operations_max = 0
    assert isinstance(chain.submit(chain.envelope(ALICE, [pay()])), Submitted)

    assert [len(chain.close().dropped) for _ in range(4)] == [0, 0, 0, 1]


def test_an_issuer_is_an_account_like_any_other(chain: Chain) -> None:
    assert chain.apply(ISSUER, [pay()]).successful
