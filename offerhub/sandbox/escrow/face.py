"""Trustless Work's V1 HTTP API as far as an order's path needs it (docs/spec/trustless-work.md §2 to §4).

A build simulates the call on the latest ledger, so a broken rule is a 400 before anything is signed;
what it returns is a real envelope of the sandbox's network.
"""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from attrs import evolve, frozen
from stellar_sdk import StrKey

from offerhub.domain.ids import Clock, RandomBytes
from offerhub.sandbox.engine import ContractTrap, EngineShell
from offerhub.sandbox.escrow.bodies import (
    ApproveBody,
    Body,
    DeployBody,
    DisputeBody,
    FundBody,
    IndexBody,
    InvalidBody,
    ReleaseBody,
    ResolveBody,
    SendBody,
    StatusBody,
    read_body,
)
from offerhub.sandbox.escrow.encoding import escrow_from_bytes
from offerhub.sandbox.escrow.envelopes import PlannedCall, unsigned_envelope
from offerhub.sandbox.escrow.errors import (
    ApiError,
    error_response,
    not_found,
    too_many_requests,
    unauthorized,
)
from offerhub.sandbox.escrow.index import EscrowIndex, IndexedEscrow
from offerhub.sandbox.escrow.planning import (
    Network,
    plan_approve,
    plan_deploy,
    plan_dispute,
    plan_distribution,
    plan_fund,
    plan_release,
    plan_status,
)
from offerhub.sandbox.escrow.record import Escrow
from offerhub.sandbox.escrow.refusals import ESCROW_TEXTS, EscrowCode
from offerhub.sandbox.escrow.submission import Submissions, trap_error
from offerhub.sandbox.escrow.views import indexed_view
from offerhub.sandbox.http import Request, Response
from offerhub.sandbox.json_answers import human_number, json_response

B = TypeVar("B", bound=Body)

BALANCES_MAX = 20
PAGE_SIZE = 50


@frozen
class FaceSettings:
    """What a test or an operator may turn."""

    api_key: str
    envelope_lifetime_s: float = 300.0
    """How long a built envelope stays valid; the real figure is not known (§16.1)."""
    collide_token_codes: bool = True
    """Read the asset contract's codes in the escrow's table, as the real API does (§8.3)."""
    submit_wait_s: float = 30.0
    rate_per_minute: int = 0
    """Requests in 60 seconds before a 429; 0 is no limit. The real API allows 50 (§1)."""


@frozen
class Twist:
    """How a fault changes the handling of one request."""

    envelope_lifetime_s: float | None = None
    indexed: bool = True


class TrustlessWorkFace:
    """Answers the routes of the API; everything it needs is passed in."""

    def __init__(
        self,
        *,
        shell: EngineShell,
        index: EscrowIndex,
        network: Network,
        clock: Clock,
        random_bytes: RandomBytes,
        settings: FaceSettings,
    ) -> None:
        self._engine = shell.engine
        self._index = index
        self._network = network
        self._clock = clock
        self._random_bytes = random_bytes
        self._settings = settings
        self._recent: deque[datetime] = deque()
        self._submissions = Submissions(
            shell=shell,
            index=index,
            clock=clock,
            factory=network.factory,
            wait_s=settings.submit_wait_s,
            collide_token_codes=settings.collide_token_codes,
        )
        single = "/escrow/single-release"
        self._builds: dict[str, Callable[[bytes], PlannedCall]] = {
            "/deployer/single-release": self._plan_deploy,
            f"{single}/fund-escrow": self._plan_fund,
            f"{single}/change-milestone-status": self._known(StatusBody, plan_status),
            f"{single}/approve-milestone": self._known(ApproveBody, plan_approve),
            f"{single}/release-funds": self._known(
                ReleaseBody, lambda body: plan_release(body, network)
            ),
            f"{single}/dispute-escrow": self._known(DisputeBody, plan_dispute),
            f"{single}/resolve-dispute": self._known(
                ResolveBody, lambda body: plan_distribution(body, network, "resolve_dispute")
            ),
            # Only the versioned path of the unified API is known to serve it (§1, §3.3).
            f"{single}/v1/withdraw-remaining-funds": self._known(
                ResolveBody,
                lambda body: plan_distribution(body, network, "withdraw_remaining_funds"),
            ),
        }
        self._reads: dict[str, Callable[[Request], Response]] = {
            "/helper/get-escrow-by-contract-ids": self._by_contract_ids,
            "/helper/get-escrows-by-signer": self._by_signer,
            "/helper/get-multiple-escrow-balance": self._balances,
        }

    def serves(self, path: str) -> bool:
        """Whether a path is this API's (and not Horizon's or the control's)."""
        return path.startswith(("/deployer/", "/escrow/", "/helper/", "/indexer/"))

    async def handle(self, request: Request, twist: Twist) -> Response:
        """Answer one request; cancelled in `send-transaction`, the envelope may still be applied."""
        if request.headers.get("x-api-key") != self._settings.api_key:
            return unauthorized()
        if self._over_limit():
            return too_many_requests()
        try:
            return await self._route(request, twist)
        except InvalidBody as error:
            return error_response(ApiError(400, error.messages), request.path, self._clock())
        except ApiError as error:
            return error_response(error, request.path, self._clock())

    async def _route(self, request: Request, twist: Twist) -> Response:
        path = request.path
        if request.method == "GET" and path in self._reads:
            return self._reads[path](request)
        if request.method == "POST":
            if path in self._builds:
                return self._build(self._builds[path](request.body), twist)
            if path == "/helper/send-transaction":
                body = read_body(request.body, SendBody)
                return await self._submissions.send(body.signed_xdr, indexed=twist.indexed)
            if path == "/indexer/update-from-txHash":
                return self._submissions.refresh(read_body(request.body, IndexBody).tx_hash)
        return not_found(request.method, path)

    def _over_limit(self) -> bool:
        limit = self._settings.rate_per_minute
        if not limit:
            return False
        now = self._clock()
        while self._recent and now - self._recent[0] >= timedelta(seconds=60):
            self._recent.popleft()
        if len(self._recent) >= limit:
            return True
        self._recent.append(now)
        return False

    def _build(self, call: PlannedCall, twist: Twist) -> Response:
        """Simulate, then compose; the sequence number is the account's next one."""
        account = self._engine.account(call.source)
        if account is None:
            raise ApiError(400, f"Account not found: {call.source}")
        invocation = call.invocation()
        try:
            self._engine.dry_run(invocation, call.source)
        except ContractTrap as trap:
            raise trap_error(trap, collide=self._settings.collide_token_codes) from None
        lifetime_s = twist.envelope_lifetime_s
        if lifetime_s is None:
            lifetime_s = self._settings.envelope_lifetime_s
        envelope = unsigned_envelope(
            call,
            sequence=account.sequence,
            usdc_contract=self._network.usdc_contract,
            max_time=self._clock() + timedelta(seconds=lifetime_s),
        )
        self._submissions.note_build(envelope, invocation)
        return json_response(201, {"status": "SUCCESS", "unsignedTransaction": envelope})

    def _plan_deploy(self, content: bytes) -> PlannedCall:
        body = read_body(content, DeployBody)
        call = plan_deploy(body, self._network, self._random_bytes(32))
        if body.trustline.address == self._network.usdc_issuer:
            # The preflight of §3.1; its exact words are not known, clients match "trustline".
            for role, holder in (
                ("receiver", body.roles.receiver),
                ("platform", body.roles.platform_address),
            ):
                if self._engine.usdc_balance(holder) is None:
                    raise ApiError(
                        400, f"The {role} does not have a trustline for the escrow's asset"
                    )
        return call

    def _plan_fund(self, content: bytes) -> PlannedCall:
        body = read_body(content, FundBody)
        return plan_fund(body, self._stored(body.contract_id))

    def _known(
        self, shape: type[B], plan: Callable[[B], PlannedCall]
    ) -> Callable[[bytes], PlannedCall]:
        """A build that needs nothing but its body; the contract itself says if it does not exist."""
        return lambda content: plan(read_body(content, shape))

    def _stored(self, contract_id: str) -> Escrow:
        data = self._engine.contract_data(contract_id)
        if data is None:
            raise ApiError(400, ESCROW_TEXTS[EscrowCode.NOT_FOUND])
        return escrow_from_bytes(data)

    def _by_contract_ids(self, request: Request) -> Response:
        found = [
            indexed
            for contract_id in _list_parameter(request, "contractIds")
            if (indexed := self._index.get(contract_id)) is not None
        ]
        return self._escrows(request, found)

    def _by_signer(self, request: Request) -> Response:
        signer = request.parameter("signer")
        if not signer:
            raise ApiError(400, ["signer should not be empty", "signer must be a string"])
        engagement_id = request.parameter("engagementId")
        found = [
            indexed
            for indexed in self._index.by_signer(signer)
            if engagement_id in (None, indexed.escrow.engagement_id)
        ]
        if request.parameter("orderDirection") == "asc":
            found.reverse()
        page = request.parameter("page") or "1"
        if not (page.isascii() and page.isdigit() and 0 < int(page) < 1_000_000):
            raise ApiError(400, ["page must be a positive number"])
        start = (int(page) - 1) * PAGE_SIZE
        return self._escrows(request, found[start : start + PAGE_SIZE])

    def _escrows(self, request: Request, found: list[IndexedEscrow]) -> Response:
        validated = request.parameter("validateOnChain") == "true"
        if validated:
            found = [self._as_on_chain(indexed) for indexed in found]
        return json_response(200, [indexed_view(item, validated=validated) for item in found])

    def _as_on_chain(self, indexed: IndexedEscrow) -> IndexedEscrow:
        return evolve(
            indexed,
            escrow=self._stored(indexed.contract_id),
            balance_stroops=self._engine.usdc_balance(indexed.contract_id) or 0,
        )

    def _balances(self, request: Request) -> Response:
        addresses = _list_parameter(request, "addresses")
        if len(addresses) > BALANCES_MAX:
            raise ApiError(400, "You have requested too many escrows")
        for address in addresses:
            if not StrKey.is_valid_contract(address):
                raise ApiError(400, [f"{address[:60]} must be a valid contract id"])
        return json_response(
            200,
            [
                {
                    "address": address,
                    "balance": human_number(self._engine.usdc_balance(address) or 0),
                }
                for address in addresses
            ],
        )


def _list_parameter(request: Request, name: str) -> list[str]:
    """A repeated parameter; the brackets are required, as clients found out (§4)."""
    values = [value for key, value in request.query if key == f"{name}[]"]
    if not values:
        raise ApiError(400, [f"{name} must be an array"])
    return values
