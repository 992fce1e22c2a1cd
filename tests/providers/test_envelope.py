"""Hashes, signatures and addresses of contracts (docs/spec/trustless-work.md §2.2, §15)."""

import pytest
from attrs import evolve
from stellar_sdk import Network, TransactionEnvelope
from stellar_sdk.utils import sha256

from offerhub.domain.intents import ActivateWallets, OwnIntent, PayUsdc
from offerhub.domain.money import Money
from offerhub.providers.stellar.build import ACTIVATIONS_MAX, build_own
from offerhub.providers.stellar.check import check_transaction
from offerhub.providers.stellar.envelope import (
    ForeignTransaction,
    attach,
    contract_id,
    contract_id_of_deploy,
    hash_of,
)
from tests.providers.known import (
    DEPLOY,
    FUND,
    MAX_TIME,
    NETWORK,
    PASSPHRASE,
    RULES,
    SALT,
    SEQUENCE,
    address,
    keypair,
    provider_envelope,
)

TESTNET_ID = sha256(Network.TESTNET_NETWORK_PASSPHRASE.encode())
ACTIVATE = ActivateWallets(
    channel=address("channel"),
    sponsor=address("platform"),
    wallets=(address("new"),),
    xlm_float=Money.parse("2.00"),
)
PAY = PayUsdc(address("buyer"), address("outside"), Money.parse("1.00"))


def build(intent: OwnIntent) -> str:
    return build_own(
        intent,
        RULES.usdc,
        sequence=SEQUENCE,
        max_time=MAX_TIME,
        fee_per_operation_stroops=100,
    )


def test_the_contract_of_a_real_deployment_on_testnet_follows_from_factory_and_salt():
    salt = bytes.fromhex("ff9a57bbfec416926890e0a2f7da1d568eb9d4d5d42b173ca4ca1ebb3a2005e7")
    factory = "CAZZOSFFNQQSDOLPPGN5BDITMNSLZITXW4S7V5ISM5EAB2THBD7F2AHR"
    escrow = "CALCCZEHZB6OFERKCJFMOZGM4JSUCOHXVSDGXMS5HEMBD3PFU2JUT4L6"
    assert contract_id(factory, salt, TESTNET_ID) == escrow


def test_a_deployments_contract_is_known_from_its_envelope():
    expected = contract_id(RULES.factory, SALT, RULES.network_id)
    assert contract_id_of_deploy(provider_envelope(DEPLOY), RULES.network_id) == expected
    for other in (build(PAY), provider_envelope(FUND), "AAAA"):
        with pytest.raises(ForeignTransaction):
            contract_id_of_deploy(other, RULES.network_id)


def signatures(checked, keys):
    return {key.public_key: key.sign(bytes.fromhex(checked.hash)) for key in keys}


def test_a_signature_that_does_not_verify_is_not_attached():
    checked = check_transaction(build(PAY), PAY, RULES, sequence=SEQUENCE, network=NETWORK)
    signature = keypair("seller").sign(bytes.fromhex(checked.hash))
    with pytest.raises(ForeignTransaction, match="verify"):
        attach(checked, {keypair("buyer").public_key: signature})


def test_all_signers_sign_and_the_network_would_accept_each():
    checked = check_transaction(
        build(ACTIVATE), ACTIVATE, RULES, sequence=SEQUENCE, network=NETWORK
    )
    keys = [keypair("channel"), keypair("platform"), keypair("new")]
    signed = attach(checked, signatures(checked, keys))
    envelope = TransactionEnvelope.from_xdr(signed, PASSPHRASE)
    assert envelope.hash_hex() == checked.hash == hash_of(signed, RULES.network_id)
    for key, signature in zip(keys, envelope.signatures, strict=True):
        assert signature.signature_hint == key.signature_hint()
        key.verify(envelope.hash(), signature.signature)
    assert envelope.to_xdr() == signed


@pytest.mark.parametrize("keys", [[], ["seller"], ["buyer", "seller"]], ids=str)
def test_other_keys_than_the_intents_do_not_sign(keys):
    checked = check_transaction(build(PAY), PAY, RULES, sequence=SEQUENCE, network=NETWORK)
    with pytest.raises(ForeignTransaction, match="signatures"):
        attach(checked, signatures(checked, [keypair(name) for name in keys]))


def test_nothing_secret_or_bulky_is_shown():
    checked = check_transaction(build(PAY), PAY, RULES, sequence=SEQUENCE, network=NETWORK)
    assert "body" not in repr(checked)


def test_an_activation_holds_as_many_wallets_as_signatures_fit():
    wallets = tuple(address(f"wallet {number}") for number in range(ACTIVATIONS_MAX))
    full = evolve(ACTIVATE, wallets=wallets)
    checked = check_transaction(build(full), full, RULES, sequence=SEQUENCE, network=NETWORK)
    assert len(checked.signers) == 20
    with pytest.raises(ValueError, match="carries 1 to 18"):
        build(evolve(ACTIVATE, wallets=(*wallets, address("one more"))))


@pytest.mark.parametrize(
    "intent",
    [evolve(PAY, amount=Money.zero()), evolve(PAY, memo="x" * 29), evolve(ACTIVATE, wallets=())],
)
def test_what_no_transaction_can_carry_is_not_built(intent):
    with pytest.raises(ValueError):  # noqa: PT011 - whichever library refuses it
        build(intent)
