"""A marketplace's backend that plays one purchase with fixed idempotency keys.

It calls through `offerhub.client`, which repeats a call whose answer was lost with the same key
until the call has its final answer.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import msgspec
from attrs import define, field, frozen

from offerhub.client import Client, ClientError, Retries, errors
from offerhub.client.calls import Call
from offerhub.client.pages import One
from offerhub.domain.money import Money
from tests.end_to_end.chain_view import Outsider
from tests.end_to_end.process import Orchestrator, RunningSandbox

DEPOSIT: Final = "100.00"
PRICE: Final = "80.00"
WITHDRAWN: Final = "80.00"
"""All that the seller is credited: what the treasury owes to the wallet is settled before it."""
MILESTONES: Final = ("draft", "final")

_CALL_S = 60.0
_WAIT_S = 30.0
_POLL_S = 0.03
_RETRIES: Final = Retries(total_s=_CALL_S, attempt_s=_CALL_S, pause_s=_POLL_S, pause_max_s=0.5)


class Lost(Exception):
    """The process died, and with it the answer to what was asked last."""


class WrongAnswer(AssertionError):
    """A call was answered with something that is no step of a purchase."""


@frozen
class Answer:
    """The final answer of a call."""

    status: int
    body: dict[str, Any]
    replayed: bool

    @property
    def data(self) -> Any:
        return self.body["data"]


@frozen
class Action:
    """A POST of the purchase.

    Args:
        body: made from the answers of the actions before it.
        standing: reads what has become of it: `before` or `after`, or something else on the way.
        events: types of the events that it causes, of the resources that it is about.
    """

    name: str
    path: Callable[["Purchase"], str]
    body: Callable[["Purchase"], dict[str, Any]]
    standing: Callable[["Purchase"], str]
    before: str
    after: str
    events: tuple[str, ...]


@frozen
class Course:
    """How a purchase goes, and what is left at its end.

    Args:
        buyer_left, seller_left: what each has at the end, in the books and on the chain.
        withdrawn: what has left for the outsider.
        buyer_calls, seller_calls, platform_calls: the contract's functions that each calls, once
            each unless a milestone counts.
    """

    actions: tuple[Action, ...]
    buyer_left: Money
    seller_left: Money
    withdrawn: Money
    buyer_calls: Mapping[str, int]
    seller_calls: Mapping[str, int]
    platform_calls: Mapping[str, int]


@define(eq=False)
class Purchase:
    """The state of the client; it outlives the orchestrator."""

    sandbox: RunningSandbox
    outsider: Outsider
    tag: str = ""
    """Tells purchases of one marketplace apart."""
    course: Course = field(factory=lambda: RELEASED)
    answers: dict[str, Answer] = field(factory=dict)
    deposited: bool = False
    asking: Action | None = None
    """The action whose answer is not there yet: the one that was lost."""
    _orchestrator: Orchestrator | None = None

    def point_at(self, orchestrator: Orchestrator) -> None:
        """Where the process is that it should call from now on."""
        self._orchestrator = orchestrator

    def play(self, *, before: str | None = None) -> None:
        """Go on from where it stands to the end, or to the action of that name.

        Raises `Lost` when the process dies.
        """
        self.register()
        self.deposit()
        for action in self.course.actions[2:]:
            if action.name == before:
                return
            self.act(action)

    def register(self) -> None:
        """Create buyer and seller, and wait until their wallets are active."""
        for action in self.course.actions[:2]:
            self.act(action)
        self._wait(lambda: self._wallet("buyer")["isActive"] and self._wallet("seller")["isActive"])

    def deposit(self) -> None:
        """Pay the buyer's deposit on chain, once, and wait until it is credited."""
        self.pay_deposit()
        self._wait(lambda: self.balance("buyer")["total"] != "0.00" or "reserve" in self.answers)

    def pay_deposit(self) -> None:
        """Pay the buyer's deposit on chain, unless it is paid already."""
        if not self.deposited:
            self.sandbox.faucet(self.user("buyer")["wallet"]["publicKey"], DEPOSIT)
            self.deposited = True

    def act(self, action: Action) -> Answer:
        """Ask for one action until it has its final answer; at once if it has it already."""
        if action.name not in self.answers:
            self.asking = action
            self.answers[action.name] = self.ask(action)
            self.asking = None
        return self.answers[action.name]

    def key(self, action: Action) -> str:
        """The idempotency key of an action, the same over all lives."""
        return f"purchase{self.tag}-{action.name}"

    def ask(self, action: Action) -> Answer:
        """The final answer under the action's key. Raises `Lost`, `WrongAnswer`."""
        deadline = time.monotonic() + _CALL_S
        call = Call[bytes](
            method="POST",
            path=action.path(self),
            of=bytes,
            body=action.body(self),
            key=self.key(action),
        )
        while True:
            wire = self._wire()
            try:
                with wire.client() as client:
                    body = client._call(call)
            except errors.WalletNotReady as refused:
                if time.monotonic() > deadline:
                    raise WrongAnswer(f"{action.name}: {refused} for {_CALL_S} s") from refused
                time.sleep(_POLL_S)
            except ClientError as error:
                raise WrongAnswer(f"{action.name}: {error!r}") from error
            else:
                return Answer(wire.status, msgspec.json.decode(body), wire.replayed)

    def get(self, path: str) -> Any:
        """The `data` of a GET. Raises `Lost`, `WrongAnswer`."""
        try:
            with self._wire().client() as client:
                return client._call(Call[One[Any]](method="GET", path=path, of=One[Any])).data
        except ClientError as error:
            raise WrongAnswer(f"{path}: {error!r}") from error

    def user(self, role: str) -> Any:
        """The user as it was answered."""
        return self.answers[role].data

    def balance(self, role: str) -> Any:
        return self.get(f"/users/{self.user(role)['id']}/balance")

    def order(self) -> Any:
        return self.get(f"/orders/{self.answers['order'].data['id']}")

    def _wallet(self, role: str) -> Any:
        return self.get(f"/users/{self.user(role)['id']}/wallet")

    def _wait(self, fulfilled: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _WAIT_S
        while not fulfilled():
            if time.monotonic() > deadline:
                raise WrongAnswer(f"nothing came in {_WAIT_S} s")
            time.sleep(_POLL_S)

    def _wire(self) -> "Wire":
        if self._orchestrator is None:
            raise Lost
        return Wire(self._orchestrator)


class Wire(httpx.BaseTransport):
    """The way to one process: tells a lost answer from a dead process, and keeps the last answer.

    Whatever else is lost the client repeats, under the same key.
    """

    def __init__(self, orchestrator: Orchestrator) -> None:
        self._orchestrator = orchestrator
        self._http = httpx.HTTPTransport()
        self.status = 0
        self.replayed = False

    def client(self) -> Client:
        """A client that goes this way."""
        of = self._orchestrator
        return Client(of.url, of.master_key, retries=_RETRIES, transport=self)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            response = self._http.handle_request(request)
            response.read()
        except httpx.TransportError:
            time.sleep(_POLL_S)
            if not self._orchestrator.alive():
                raise Lost from None
            raise
        self.status = response.status_code
        self.replayed = response.headers.get("Idempotency-Replayed") == "true"
        return response

    def close(self) -> None:
        self._http.close()


def _user(name: str) -> Action:
    return Action(
        name=name,
        path=lambda _: "/users",
        body=lambda purchase: {"externalUserId": name + purchase.tag, "type": name.upper()},
        standing=lambda purchase: str(
            len(purchase.get(f"/users?externalUserId={name}{purchase.tag}"))
        ),
        before="0",
        after="1",
        events=("user.created", "wallet.created"),
    )


def of_order(
    name: str, path: str, before: str, after: str, events: tuple[str, ...], **body: str
) -> Action:
    """A POST to the order, whose status tells what has become of it."""
    return Action(
        name=name,
        path=lambda purchase: f"/orders/{purchase.answers['order'].data['id']}/{path}",
        body=lambda _: dict(body),
        standing=lambda purchase: str(purchase.order()["status"]),
        before=before,
        after=after,
        events=events,
    )


def _milestone(ref: str) -> Action:
    def standing(purchase: Purchase) -> str:
        found = {each["ref"]: str(each["status"]) for each in purchase.order()["milestones"]}
        return found[ref]

    return Action(
        name=f"complete-{ref}",
        path=lambda purchase: (
            f"/orders/{purchase.answers['order'].data['id']}/milestones/{ref}/complete"
        ),
        body=lambda _: {},
        standing=standing,
        before="OPEN",
        after="COMPLETED",
        events=("escrow.milestone_completed",),
    )


def _withdrawal_standing(purchase: Purchase) -> str:
    found = purchase.get(f"/withdrawals?userId={purchase.user('seller')['id']}")
    return ", ".join(str(each["status"]) for each in found)


ACTIONS: Final = (
    _user("buyer"),
    _user("seller"),
    Action(
        name="order",
        path=lambda _: "/orders",
        body=lambda purchase: {
            "buyerId": purchase.user("buyer")["id"],
            "sellerId": purchase.user("seller")["id"],
            "amount": PRICE,
            "title": "A logo",
            "clientOrderRef": f"logo{purchase.tag}",
            "milestones": [
                {"ref": MILESTONES[0], "title": "Draft", "amount": "30.00"},
                {"ref": MILESTONES[1], "title": "Final", "amount": "50.00"},
            ],
        },
        standing=lambda purchase: str(
            len(purchase.get(f"/orders?clientOrderRef=logo{purchase.tag}"))
        ),
        before="0",
        after="1",
        events=("order.created",),
    ),
    of_order(
        "reserve",
        "reserve",
        "ORDER_CREATED",
        "FUNDS_RESERVED",
        ("balance.reserved", "order.funds_reserved"),
    ),
    of_order(
        "escrow",
        "escrow",
        "FUNDS_RESERVED",
        "ESCROW_CREATING",
        ("order.escrow_creating", "escrow.created"),
    ),
    of_order(
        "fund",
        "escrow/fund",
        "ESCROW_CREATING",
        "IN_PROGRESS",
        (
            "order.escrow_funding",
            "escrow.funding_started",
            "balance.debited",
            "escrow.funded",
            "order.escrow_funded",
            "order.in_progress",
        ),
    ),
    *(_milestone(ref) for ref in MILESTONES),
    of_order(
        "release",
        "resolution/release",
        "IN_PROGRESS",
        "CLOSED",
        (
            "order.release_requested",
            "escrow.released",
            "balance.credited",
            "order.released",
            "order.closed",
        ),
        requestedBy="buyer",
    ),
    Action(
        name="withdrawal",
        path=lambda _: "/withdrawals",
        body=lambda purchase: {
            "userId": purchase.user("seller")["id"],
            "amount": WITHDRAWN,
            "destinationType": "crypto",
            "destinationRef": purchase.outsider.address,
        },
        standing=_withdrawal_standing,
        before="",
        after="WITHDRAWAL_COMPLETED",
        events=(
            "withdrawal.created",
            "balance.debited",
            "withdrawal.committed",
            "withdrawal.completed",
        ),
    ),
)


RELEASED: Final[Course] = Course(
    actions=ACTIONS,
    buyer_left=Money.parse("20.00"),
    seller_left=Money.parse("80.00") - Money.parse(WITHDRAWN),
    withdrawn=Money.parse(WITHDRAWN),
    buyer_calls={
        "fund_escrow": 1,
        "approve_milestone": len(MILESTONES),
        "release_funds": 1,
    },
    seller_calls={"change_milestone_status": len(MILESTONES)},
    platform_calls={},
)
"""The seller delivers and is paid, less the contract's fee."""


def action_named(name: str, course: Course = RELEASED) -> Action:
    """One of a purchase's actions."""
    return next(action for action in course.actions if action.name == name)
