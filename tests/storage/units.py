"""Units of work for the contract suite: small, valid, with ids that are made from a number."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from attrs import define, evolve

from offerhub.domain import postings
from offerhub.domain.answers import OpenAnswer
from offerhub.domain.api_keys import ApiKey, ApiToken, Scope
from offerhub.domain.chain import ChainOperation, ChainStatus, Subject
from offerhub.domain.dispute import Dispute, DisputeReason, DisputeStatus, Party
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.hold import Hold
from offerhub.domain.intents import TrustUsdc
from offerhub.domain.ledger import Side, Transfer
from offerhub.domain.manual_change import ManualChange, ManualKind
from offerhub.domain.money import Money
from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.order import Order, OrderStatus
from offerhub.domain.parked import Parked
from offerhub.domain.settlement import Settlement
from offerhub.domain.trace import IdempotencyClaim, Trace
from offerhub.domain.unit_of_work import (
    AuditEntry,
    BalanceAfter,
    Event,
    IdempotencyRecord,
    IdempotencyState,
    UnitOfWork,
)
from offerhub.domain.users import SealedSeed, User, UserType, Wallet, WalletRole, WalletStatus
from offerhub.domain.webhook import Webhook
from offerhub.domain.withdrawal import DestinationType, Withdrawal, WithdrawalStatus
from storage.port import StoredClaim

START = datetime(2026, 11, 22, 12, 0, 0, 123000, tzinfo=UTC)
TRACE = Trace("req_1", "key:key_1", ip="192.0.2.1", user_agent="test")


@define
class Hands:
    """A clock that a test moves, and numbers for ids."""

    now: datetime = START
    number: int = 0

    def clock(self) -> datetime:
        return self.now

    def pass_time(self, **amount: float) -> None:
        self.now += timedelta(**amount)

    def id(self, prefix: str) -> str:
        self.number += 1
        return f"{prefix}_{self.number:021d}"

    def unit(self, **fields) -> UnitOfWork:
        return UnitOfWork(**{"at": self.now, "trace": TRACE, **fields})

    def user(self, **fields) -> User:
        user_id = self.id("usr")
        return User(
            **{
                "id": user_id,
                "version": 1,
                "external_user_id": f"external {user_id}",
                "email": None,
                "type": UserType.BOTH,
                "metadata": {"tags": ["a", 1, None, {"deep": True}]},
                "wallet_id": self.id("wal"),
                "public_key": f"G{user_id}",
                "created_at": self.now,
                "updated_at": self.now,
                **fields,
            }
        )

    def wallet(self, user_id: str = "usr_x", **fields) -> Wallet:
        wallet_id = self.id("wal")
        return Wallet(
            **{
                "id": wallet_id,
                "version": 1,
                "user_id": user_id,
                "role": WalletRole.USER,
                "public_key": f"G{wallet_id}",
                "seed": SealedSeed("1", b"\x00nonce", b"\xffciphertext"),
                "status": WalletStatus.ACTIVATING,
                "created_at": self.now,
                "updated_at": self.now,
                **fields,
            }
        )

    def order(self, **fields) -> Order:
        return Order(
            **{
                "id": self.id("ord"),
                "version": 1,
                "buyer_id": "usr_b",
                "seller_id": "usr_s",
                "amount": Money.parse("80.00"),
                "currency": "USDC",
                "title": "Logo “Ü”",
                "status": OrderStatus.ORDER_CREATED,
                "created_at": self.now,
                "updated_at": self.now,
                **fields,
            }
        )

    def command(self, **fields) -> OperatorCommand:
        return OperatorCommand(
            **{
                "id": self.id("cmd"),
                "version": 1,
                "kind": "orders.retry",
                "arguments": {"orderId": "ord_1"},
                "by": "root",
                "waits_until": self.now + timedelta(seconds=15),
                "created_at": self.now,
                "updated_at": self.now,
                **fields,
            }
        )

    def dispute(self, order_id: str, **fields) -> Dispute:
        return Dispute(
            **{
                "id": self.id("dsp"),
                "version": 1,
                "order_id": order_id,
                "opened_by": Party.BUYER,
                "reason": DisputeReason.NOT_DELIVERED,
                "evidence": ("https://shop.test/photo",),
                "status": DisputeStatus.OPEN,
                "created_at": self.now,
                "updated_at": self.now,
                **fields,
            }
        )

    def operation(self, **fields) -> ChainOperation:
        return ChainOperation(
            **{
                "id": self.id("chn"),
                "version": 1,
                "subject": Subject.ORDER,
                "subject_id": "ord_1",
                "intent": TrustUsdc("GSOURCE"),
                "attempt": 1,
                "status": ChainStatus.PLANNED,
                "trace": TRACE,
                "created_at": self.now,
                "updated_at": self.now,
                **fields,
            }
        )

    def withdrawal(self, **fields) -> Withdrawal:
        return Withdrawal(
            **{
                "id": self.id("wd"),
                "version": 1,
                "user_id": "usr_1",
                "amount": Money.parse("5.00"),
                "currency": "USDC",
                "destination_type": DestinationType.CRYPTO,
                "destination_ref": "GDESTINATION",
                "status": WithdrawalStatus.CREATED,
                "created_at": self.now,
                "updated_at": self.now,
                **fields,
            }
        )

    def hold(self, user_id: str = "usr_1", **fields) -> Hold:
        return Hold(
            **{
                "id": self.id("hld"),
                "version": 1,
                "user_id": user_id,
                "amount": Money.parse("5.00"),
                "remaining": Money.parse("5.00"),
                "reference": "case-7",
                "created_at": self.now,
                "updated_at": self.now,
                **fields,
            }
        )

    def settlement(self, user_id: str, amount: str, **fields) -> Settlement:
        """One that is in flight to the wallet."""
        return Settlement(
            **{
                "id": user_id,
                "version": 1,
                "wallet": f"G{user_id}",
                "amount": Money.from_decimal_string(amount),
                "updated_at": self.now,
                "operation_id": "cop_1",
                **fields,
            }
        )

    def parked(self, **fields) -> Parked:
        return Parked(
            **{
                "id": self.id("prk"),
                "version": 1,
                "source": "stellar",
                "reference": "op:1",
                "reason": "odd",
                "body": {"a": 1},
                "created_at": self.now,
                "updated_at": self.now,
                **fields,
            }
        )

    def manual_change(self, user_id: str, **fields) -> ManualChange:
        return ManualChange(
            **{
                "id": self.id("trf"),
                "version": 1,
                "user_id": user_id,
                "kind": ManualKind.CREDIT,
                "amount": Money.parse("5.00"),
                "currency": "USDC",
                "description": "for the delay",
                "reference": "ticket-1",
                "created_at": self.now,
                **fields,
            }
        )

    def api_key(self, **fields) -> ApiKey:
        key_id = self.id("key")
        return ApiKey(
            **{
                "id": key_id,
                "version": 1,
                "digest": key_id.encode(),
                "masked_key": "oh_…abcd",
                "name": "backend",
                "scopes": (Scope.READ, Scope.WRITE),
                "created_at": self.now,
                "updated_at": self.now,
                **fields,
            }
        )

    def webhook(self, **fields) -> Webhook:
        return Webhook(
            **{
                "id": self.id("whk"),
                "version": 1,
                "source": "trustless-work",
                "event_id": "e-1",
                "type": "escrow.released",
                "contract_id": "CA1",
                "body": "{}",
                "correlation_id": "req_1",
                "created_at": self.now,
                "updated_at": self.now,
                **fields,
            }
        )

    def api_token(self, **fields) -> ApiToken:
        token_id = self.id("tok")
        return ApiToken(
            **{
                "id": token_id,
                "version": 1,
                "digest": token_id.encode(),
                "api_key_id": "key_1",
                "scopes": (Scope.READ,),
                "created_at": self.now,
                "updated_at": self.now,
                "expires_at": self.now + timedelta(hours=1),
                **fields,
            }
        )

    def transfer(self, movement: postings.Movement, **fields) -> Transfer:
        return Transfer(
            **{
                "id": self.id("trf"),
                "kind": movement.kind,
                "reference": "reference",
                "cause": "request:req_1",
                "postings": movement.postings,
                "holdings": movement.holdings,
                **fields,
            }
        )

    def deposit(self, user_id: str, amount: str, **fields) -> UnitOfWork:
        movement = postings.deposit(user_id, Money.from_decimal_string(amount), "tx:1")
        return self.unit(transfers=(self.transfer(movement, **fields),))

    def reserve(self, user_id: str, amount: str, **fields) -> UnitOfWork:
        """A unit that reserves, tells both figures and leaves an audit entry."""
        movement = postings.reserve(user_id, Money.parse(amount))
        order_id = fields.pop("order_id", None)
        return self.unit(
            transfers=(self.transfer(movement),),
            events=(
                self.event(
                    order_id=order_id,
                    payload={
                        "amount": amount,
                        "reservedBalance": BalanceAfter(user_id, Side.RESERVED),
                        "availableBalance": BalanceAfter(user_id, Side.AVAILABLE),
                    },
                ),
            ),
            audit=(self.entry(),),
            **fields,
        )

    def event(self, **fields) -> Event:
        return Event(
            **{
                "id": self.id("evt"),
                "type": "balance.reserved",
                "aggregate_type": "Balance",
                "aggregate_id": "usr_1",
                "payload": {},
                "user_id": "usr_1",
                **fields,
            }
        )

    def entry(self, **fields) -> AuditEntry:
        return AuditEntry(
            **{
                "id": self.id("aud"),
                "action": "order.reserve",
                "resource_type": "Order",
                "resource_id": "ord_1",
                "after": {"b": 1, "a": "Ü"},
                **fields,
            }
        )

    def record(self, key: str = "key-1", **fields) -> IdempotencyRecord:
        return IdempotencyRecord(
            **{
                "key": key,
                "fingerprint": "f1",
                "state": IdempotencyState.DONE,
                "created_at": self.now,
                "first": True,
                "answer": self.answer(),
                **fields,
            }
        )

    def answer(self, text: str = "the first") -> OpenAnswer:
        """An open answer; `written` is its text."""
        refusal = DomainError(ErrorCode.SAME_USER, text)
        return OpenAnswer(refusal, "order.create", "req_1", self.now)

    def claimed(self, **fields) -> Trace:
        return evolve(TRACE, idempotency=IdempotencyClaim("key-1", "f1", "order.create"), **fields)


def written(answer: OpenAnswer, figure: Callable[[BalanceAfter], Money]) -> bytes:
    """What the tests' edge makes of an answer."""
    del figure
    assert isinstance(answer.shows, DomainError)
    return f"{answer.action}: {answer.shows.message}".encode()


def stored(record: IdempotencyRecord) -> StoredClaim:
    """What is to stand under the key of a committed record."""
    return StoredClaim(
        key=record.key,
        fingerprint=record.fingerprint,
        state=record.state,
        created_at=record.created_at,
        resource_type=record.resource_type,
        resource_id=record.resource_id,
        answer=None if record.answer is None else written(record.answer, lambda _: Money.zero()),
    )
