"""What must hold after every purchase, checked from outside: chain, books, events, answers, audit."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from offerhub.domain import ledger
from offerhub.domain.ledger import Books
from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import Balance
from storage.audit_chain import AuditVerified, verify_audit_chain
from storage.port import Storage
from tests.end_to_end import books
from tests.end_to_end.chain_view import Chain
from tests.end_to_end.process import Orchestrator
from tests.end_to_end.purchase import DEPOSIT, Action, Purchase
from tests.end_to_end.subscriber import Event, Subscriber, replay

_DEPLOY: Final = "tw_new_single_release_escrow"


@frozen
class Scene:
    """Where purchases have been played to their end."""

    orchestrator: Orchestrator
    database_url: str
    chain: Chain
    purchases: Sequence[Purchase]
    subscriber: Subscriber
    attempts_failed: int = 0
    """Envelopes that died and were built anew; each is reported by an event."""


@frozen
class _Stored:
    """What the database says at the end."""

    books: Books
    balances: dict[str, Balance]
    platform_id: str
    platform_address: str
    channels: tuple[str, ...]
    last_sequence: int
    audit: AuditVerified


def all_or_nothing(purchase: Purchase, lost: Action, *, committed: bool) -> None:
    """Before the client repeats anything: the lost action is at its end, or never was."""
    standing = lost.standing(purchase)
    expected = lost.after if committed else lost.before
    assert standing == expected, (
        f"{lost.name} had {'a commit' if committed else 'no commit'} and stands at {standing!r}"
    )


def everything(scene: Scene) -> None:
    """All checks of purchases that have reached their end."""
    books.read(scene.database_url, books.at_rest)
    stored = books.read(scene.database_url, _stored)
    ledger.check_identities(stored.books, stored.platform_id)
    treasury = stored.books.holding(ledger.WALLET_TREASURY)
    assert scene.chain.usdc(stored.platform_address) == treasury
    deployed: Counter[str] = sum((scene.chain.calls(each) for each in stored.channels), Counter())
    assert deployed == {_DEPLOY: len(scene.purchases)}
    called = sum((Counter(each.course.platform_calls) for each in scene.purchases), Counter[str]())
    assert scene.chain.calls(stored.platform_address) == called
    seen = events(scene, stored.last_sequence)
    for purchase in scene.purchases:
        money(scene.chain, purchase, stored)
        once_on_chain(scene.chain, purchase)
        in_order_of_each_resource(purchase, seen)
        replays(purchase)
    assert stored.audit.broken_at is None, stored.audit
    assert stored.audit.entries > 0


def money(chain: Chain, purchase: Purchase, stored: _Stored) -> None:
    """The books agree with the API's balances and with the chain to the stroop."""
    contract_id = purchase.order()["escrow"]["contractId"]
    course = purchase.course
    for role, left in (("buyer", course.buyer_left), ("seller", course.seller_left)):
        user = purchase.user(role)
        shown = purchase.balance(role)
        assert (shown["available"], shown["reserved"]) == (left.two_places(), "0.00"), role
        row = stored.balances[user["id"]]
        assert (row.available, row.reserved) == (left, Money.zero()), role
        assert stored.books.account(ledger.available(user["id"])) == left, role
        assert stored.books.account(ledger.withdrawing(user["id"])) == Money.zero(), role
        held = left - stored.books.account(ledger.due(user["id"]))
        assert stored.books.holding(ledger.wallet(user["id"])) == held, role
        assert chain.usdc(user["wallet"]["publicKey"]) == held, role
    order_id = purchase.answers["order"].data["id"]
    assert stored.books.account(ledger.escrow(order_id)) == Money.zero()
    assert chain.contract_usdc(contract_id) == Money.zero()
    assert chain.usdc(purchase.outsider.address) == course.withdrawn


def once_on_chain(chain: Chain, purchase: Purchase) -> None:
    """Each step is on the chain once, and so is the withdrawal, if there was one."""
    buyer = purchase.user("buyer")["wallet"]["publicKey"]
    seller = purchase.user("seller")["wallet"]["publicKey"]
    course = purchase.course
    assert chain.calls(buyer) == course.buyer_calls
    assert chain.calls(seller) == course.seller_calls
    paid = [course.withdrawn] if course.withdrawn else []
    assert chain.payments(seller, purchase.outsider.address) == paid


def events(scene: Scene, last_sequence: int) -> list[Event]:
    """Every event came once, in order and without a gap, to a new and to a returning subscriber."""
    seen = replay(scene.orchestrator, last_sequence)
    scene.subscriber.wait_for(last_sequence)
    followed = list(scene.subscriber.events)
    for came in (seen, followed):
        assert [each.sequence for each in came] == list(range(1, last_sequence + 1))
    assert [each.body for each in seen] == [each.body for each in followed]
    reported = Counter(each.type for each in seen)
    expected = _expected_events(scene.purchases)
    if scene.attempts_failed:
        expected["escrow.attempt_failed"] = scene.attempts_failed
    assert reported == expected
    return seen


def replays(purchase: Purchase) -> None:
    """The same key gives the same final answer again, marked as a replay."""
    for action in purchase.course.actions:
        first = purchase.answers[action.name]
        again = purchase.ask(action)
        assert again.replayed, action.name
        assert (again.status, again.body) == (first.status, first.body), action.name


def credits(seen: Sequence[Event], user_id: str) -> list[str]:
    """Amounts of the deposits credited to a user, as the events report them."""
    return [
        each.body["payload"]["amount"]
        for each in seen
        if each.type == "balance.credited"
        and each.aggregate_id == user_id
        and each.body["payload"]["source"] == "stellar_deposit"
    ]


def _expected_events(purchases: Sequence[Purchase]) -> Counter[str]:
    # What no action causes: the platform's own user, and the deposits.
    expected = Counter({"user.created": 1, "balance.credited": len(purchases)})
    for purchase in purchases:
        for action in purchase.course.actions:
            expected.update(action.events)
    return expected


def in_order_of_each_resource(purchase: Purchase, seen: Sequence[Event]) -> None:
    """The events of an order, of its dispute and of a withdrawal come in their order."""
    order_id = purchase.answers["order"].data["id"]
    caused = [event for action in purchase.course.actions for event in action.events]
    of_order = [each.type for each in seen if each.aggregate_id == order_id]
    assert of_order == [each for each in caused if each.startswith("order.")]
    for kind in ("dispute", "withdrawal"):
        if kind in purchase.answers:
            its_id = purchase.answers[kind].data["id"]
            told = [each.type for each in seen if each.aggregate_id == its_id]
            assert told == [each for each in caused if each.startswith(f"{kind}.")]
    buyer_id = purchase.user("buyer")["id"]
    assert credits(seen, buyer_id) == [DEPOSIT]


async def _stored(storage: Storage) -> _Stored:
    platform = await storage.user_by_external_id("offerhub:platform")
    assert platform is not None
    wallets = await storage.wallets_of_platform()
    return _Stored(
        books=await storage.books(),
        balances={each.user_id: each for each in await storage.balances()},
        platform_id=platform.id,
        platform_address=next(w.public_key for w in wallets if w.id == platform.wallet_id),
        channels=tuple(w.public_key for w in wallets if w.id != platform.wallet_id),
        last_sequence=await storage.last_sequence(),
        audit=await verify_audit_chain(storage),
    )
