"""The key ring: what it opens, and what it never tells."""

import hashlib

import pytest
from attrs import evolve
from stellar_sdk import Keypair

from actors.sealing import CannotOpen, KeyRing, version_of
from tests.simulation.world import bytes_from

KEY = hashlib.sha256(b"the key").digest()
OTHER = hashlib.sha256(b"another key").digest()
KEYS = Keypair.from_raw_ed25519_seed(hashlib.sha256(b"a wallet").digest())
OTHERS = Keypair.from_raw_ed25519_seed(hashlib.sha256(b"another wallet").digest())


def ring(key: bytes = KEY, *old: bytes) -> KeyRing:
    return KeyRing(key, bytes_from("ring"), old)


def test_a_sealed_seed_opens_for_its_own_wallet() -> None:
    keys = ring()
    sealed = keys.seal(KEYS.secret, "wal_1", KEYS.public_key)
    assert KEYS.secret == keys.open(sealed, "wal_1", KEYS.public_key)


@pytest.mark.parametrize(
    ("wallet_id", "public_key"),
    [("wal_2", KEYS.public_key), ("wal_1", OTHERS.public_key)],
)
def test_a_seed_that_was_moved_to_another_row_does_not_open(
    wallet_id: str, public_key: str
) -> None:
    keys = ring()
    sealed = keys.seal(KEYS.secret, "wal_1", KEYS.public_key)
    with pytest.raises(CannotOpen):
        keys.open(sealed, wallet_id, public_key)


def test_a_changed_ciphertext_does_not_open() -> None:
    keys = ring()
    sealed = keys.seal(KEYS.secret, "wal_1", KEYS.public_key)
    changed = bytes([sealed.ciphertext[0] ^ 1]) + sealed.ciphertext[1:]
    with pytest.raises(CannotOpen):
        keys.open(evolve(sealed, ciphertext=changed), "wal_1", KEYS.public_key)


def test_no_two_seals_share_a_nonce() -> None:
    keys = ring()
    nonces = {keys.seal(KEYS.secret, "wal_1", KEYS.public_key).nonce for _ in range(50)}
    assert 50 == len(nonces)
    assert {12} == {len(nonce) for nonce in nonces}


def test_an_old_key_opens_and_does_not_seal() -> None:
    sealed = ring(OTHER).seal(KEYS.secret, "wal_1", KEYS.public_key)
    rotated = ring(KEY, OTHER)
    assert KEYS.secret == rotated.open(sealed, "wal_1", KEYS.public_key)
    assert version_of(KEY) == rotated.seal(KEYS.secret, "wal_1", KEYS.public_key).key_version


def test_a_seed_of_a_key_that_is_not_configured_does_not_open() -> None:
    sealed = ring(OTHER).seal(KEYS.secret, "wal_1", KEYS.public_key)
    with pytest.raises(CannotOpen, match=version_of(OTHER)):
        ring(KEY).open(sealed, "wal_1", KEYS.public_key)


def test_the_check_value_opens_under_its_key_and_under_no_other() -> None:
    value = ring().check_value()
    ring().verify(value)
    ring(OTHER, KEY).verify(value)
    with pytest.raises(CannotOpen):
        ring(OTHER).verify(value)


def test_a_damaged_check_value_is_not_opened() -> None:
    value = ring().check_value()
    damaged = value[:-2] + ("00" if value[-2:] != "00" else "01")
    with pytest.raises(CannotOpen):
        ring().verify(damaged)


def test_only_keys_of_32_bytes_are_taken() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        ring(b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        ring(KEY, b"short")


def test_neither_the_ring_nor_a_failure_tells_a_key_or_a_seed() -> None:
    keys = ring()
    sealed = keys.seal(KEYS.secret, "wal_1", KEYS.public_key)
    with pytest.raises(CannotOpen) as failure:
        keys.open(sealed, "wal_2", KEYS.public_key)
    reported = f"{keys!r} {sealed!r} {failure.value!r} {failure.getrepr(showlocals=False)}"
    assert KEYS.secret not in reported
    assert KEY.hex() not in reported
    assert sealed.ciphertext.hex() not in reported
