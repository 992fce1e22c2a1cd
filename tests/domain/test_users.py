"""Users, their wallets and keys: what is stored, what is shown, and what never is (docs/spec/domain.md §4)."""

from offerhub.domain import user_decisions as decisions
from offerhub.domain.api_keys import ApiKey, Scope, allows
from offerhub.domain.chain import Subject
from offerhub.domain.intents import ActivateWallets
from offerhub.domain.money import Money
from offerhub.domain.user_decisions import CreateUser
from offerhub.domain.users import SealedSeed, UserCreated, UserType, WalletRole, WalletStatus
from tests.domain.event_shapes import check_shape
from tests.domain.world import NOW, claim, context, wallet

CREATE = CreateUser(
    user_id="usr_1",
    wallet_id="wal_1",
    external_user_id="shop-7",
    email="a@example.org",
    type=UserType.BOTH,
    metadata={},
    public_key="GNEW",
    seed=SealedSeed("1", b"nonce-secret", b"cipher-secret"),
)


def test_a_user_comes_with_a_wallet_that_is_not_on_the_chain_yet() -> None:
    user, made, unit = decisions.create_user(CREATE, context(claim=claim("x.create")))
    assert (user, made) == unit.writes
    assert (1, 1, WalletStatus.ACTIVATING, WalletRole.USER) == (
        user.version,
        made.version,
        made.status,
        made.role,
    )
    assert ["user.created"] == [event.type for event in unit.events]
    check_shape(unit.events[0])
    assert unit.idempotency is not None
    assert unit.idempotency.answer is not None
    assert UserCreated(user, made, new=True) == unit.idempotency.answer.shows


def test_no_seed_is_shown_told_or_audited() -> None:
    user, made, unit = decisions.create_user(CREATE, context(claim=claim()))
    reported = repr(user) + repr(made) + repr(unit) + repr(unit.idempotency)
    assert "secret" not in reported


def test_a_wallet_is_told_when_it_can_receive_usdc() -> None:
    _, made, _ = decisions.create_user(CREATE, context())
    (active,), unit = decisions.activated([made], context())
    assert (2, WalletStatus.ACTIVE) == (active.version, active.status)
    (event,) = unit.events
    check_shape(event)
    assert {
        "userId": "usr_1",
        "publicKey": "GNEW",
        "provider": "STELLAR",
        "funded": True,
        "trustlineReady": True,
    } == dict(event.payload)


def test_the_platforms_own_accounts_are_activated_without_an_event() -> None:
    both = [wallet("usr_platform", WalletRole.PLATFORM), wallet("usr_x", WalletRole.CHANNEL)]
    active, unit = decisions.activated(both, context())
    assert 2 == len(active) == len(unit.writes) == len(unit.audit)
    assert () == unit.events


def test_several_wallets_are_worked_in_one_transaction() -> None:
    intent = ActivateWallets("GCHANNEL", "GPLATFORM", ("G1", "G2"), Money.parse("2.00"))
    operation, unit = decisions.plan_for_wallets(
        Subject.ACTIVATION, intent, ["wal_1", "wal_2"], context()
    )
    assert (intent, "GCHANNEL", "activate") == (
        operation.intent,
        operation.source,
        str(operation.step),
    )
    assert operation.id == operation.subject_id
    assert ["wal_1", "wal_2"] == (unit.audit[0].after or {})["wallets"]
    assert (operation,) == unit.writes


def key() -> ApiKey:
    return ApiKey("key_1", 1, b"digest", "ohk_test_…abcd", "shop", (Scope.READ,), NOW, NOW)


def test_the_answer_to_a_key_is_the_key_without_its_text() -> None:
    unit = decisions.create_api_key(key(), context(claim=claim("x.create")))
    assert unit.idempotency is not None
    assert unit.idempotency.answer is not None
    assert key() == unit.idempotency.answer.shows
    assert "digest" not in repr(key())


def test_a_revoked_key_is_not_valid() -> None:
    assert key().valid_at(NOW)
    revoked, unit = decisions.revoke_api_key(key(), context())
    assert not revoked.valid_at(NOW)
    assert (revoked,) == unit.writes


def test_scopes_do_not_include_each_other_but_for_the_star() -> None:
    for held in Scope:
        for needed in Scope:
            expected = held is needed or held is Scope.ALL
            assert expected == allows((held,), needed)
    assert not allows((), Scope.READ)
    assert allows((Scope.READ, Scope.WRITE), Scope.WRITE)
