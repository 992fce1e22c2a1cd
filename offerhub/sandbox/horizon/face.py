"""Horizon's JSON face of the engine: which request is answered by what (docs/spec/stellar-horizon.md §8.1)."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from attrs import evolve
from stellar_sdk import Keypair, StrKey

from offerhub.sandbox.constants import FRIENDBOT_KEYPAIR
from offerhub.sandbox.engine.parsed import INT64_MAX
from offerhub.sandbox.engine.rows import LedgerRow, OperationRow, TransactionRow
from offerhub.sandbox.engine.shell import EngineShell
from offerhub.sandbox.engine.toid import ledger_of, toid
from offerhub.sandbox.horizon.answers import hal
from offerhub.sandbox.horizon.fees import fee_stats
from offerhub.sandbox.horizon.friendbot import Friendbot
from offerhub.sandbox.horizon.paging import Listing, PageQuery, Span, is_address, page, select
from offerhub.sandbox.horizon.problems import Problem, before_history, invalid, missing
from offerhub.sandbox.horizon.resources import Resources
from offerhub.sandbox.horizon.streaming import object_events, record_events, stream
from offerhub.sandbox.horizon.submission import Submissions
from offerhub.sandbox.horizon.view import HorizonKnobs, View
from offerhub.sandbox.http import Request, Response

_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_Row = TypeVar("_Row", LedgerRow, TransactionRow, OperationRow)


class HorizonFace:
    """Answers one request at a time, as many at once as there are tasks; `knobs` may change any time."""

    def __init__(
        self,
        shell: EngineShell,
        clock: Callable[[], datetime],
        *,
        friendbot: Keypair = FRIENDBOT_KEYPAIR,
        knobs: HorizonKnobs | None = None,
    ) -> None:
        self.knobs = knobs if knobs is not None else HorizonKnobs()
        self._shell = shell
        self._view = View(shell.engine, self.knobs)
        self._submissions = Submissions(shell, self._view, self.knobs, clock)
        self._friendbot = Friendbot(shell, friendbot, clock)

    async def handle(self, request: Request) -> Response:
        """Answer a request; never raises for what a client sent.

        Cancelled while a POST or friendbot waits, it leaves an unknown outcome; a GET leaves nothing.
        """
        request = evolve(request, path="/" + request.path.strip("/"))
        try:
            if request.method == "GET":
                return await self._get(request)
            if request.method == "POST":
                return await self._post(request)
            raise Problem("method_not_allowed")
        except Problem as problem:
            return problem.response()

    async def _post(self, request: Request) -> Response:
        resources = Resources(self._view, request.base_url)
        match request.path:
            case "/transactions":
                return await self._submissions.submit(request, resources)
            case "/transactions_async":
                return self._submissions.submit_async(request)
            case "/friendbot":
                address = request.parameter("addr") or request.form().get("addr")
                return await self._friendbot.fund(address, resources)
        raise missing()

    async def _get(self, request: Request) -> Response:  # noqa: C901  (one case a route)
        _check_accept(request)
        history = self._view.history
        resources = Resources(self._view, request.base_url)
        match request.path.strip("/").split("/"):
            case [""]:
                return hal(resources.root(self._shell.engine.passphrase))
            case ["health"]:
                return hal({"database_connected": True, "core_up": True, "core_synced": True})
            case ["fee_stats"]:
                return hal(fee_stats(self._view))
            case ["friendbot"]:
                return await self._friendbot.fund(request.parameter("addr"), resources)
            case ["ledgers"]:
                return self._ledgers(request, resources)
            case ["ledgers", number]:
                return hal(resources.ledger(self._ledger(number)))
            case ["ledgers", number, kind]:
                row = self._ledger(number)
                return self._part(request, resources, kind, row.id, toid(row.sequence + 1) - 1)
            case ["transactions"]:
                return self._transactions(request, resources, history.transactions)
            case ["transactions", digest]:
                return hal(resources.transaction(self._transaction(digest)))
            case ["transactions", digest, ("operations" | "payments") as kind]:
                found = self._transaction(digest)
                return self._part(request, resources, kind, found.id, found.id + 0xFFF, failed=True)
            case ["operations"]:
                return self._operations(request, resources, history.operations)
            case ["operations", number]:
                return hal(self._operation(request, resources, number))
            case ["payments"]:
                return self._operations(request, resources, history.payments)
            case ["accounts"]:
                return self._accounts(request, resources)
            case ["accounts", address]:
                return self._account(request, resources, address)
            case ["accounts", address, kind]:
                return self._account_part(request, resources, address, kind)
        raise missing()

    # ------------------------------------------------------------------------- single resources

    def _account(self, request: Request, resources: Resources, address: str) -> Response:
        _check_address(address)

        def current() -> dict[str, object] | None:
            entry = self._view.account(address)
            if entry is None:
                return None
            return resources.account(entry, self._view.trustlines(address))

        body = current()
        if body is None:
            raise missing()
        if _wants_stream(request):
            events = object_events(self._shell, current, duration_s=self.knobs.stream_s)
            return stream(events)
        return hal(body, latest_ledger=self._view.latest.sequence)

    def _accounts(self, request: Request, resources: Resources) -> Response:
        """List the accounts of a sponsor, the one filter of Horizon's four that is stood in for."""
        sponsor = request.parameter("sponsor")
        if not sponsor:
            raise invalid("filters", "filters: give one of signer, asset, sponsor, liquidity_pool")
        _check_address(sponsor)
        query = PageQuery.of(request, self._view, tokens=is_address)
        rows = [
            entry
            for entry in self._view.sponsored(sponsor)
            if not query.cursor_text or query.beyond(entry.address)
        ]
        rows = sorted(rows, key=lambda entry: entry.address, reverse=query.descending)
        rows = rows[: query.limit]
        records = [resources.account(each, self._view.trustlines(each.address)) for each in rows]
        body = page(request, query, [each.address for each in rows], records)
        return hal(body, latest_ledger=self._view.latest.sequence)

    def _ledger(self, number: str) -> LedgerRow:
        if not _NUMBER.fullmatch(number):
            raise invalid("ledger_id", "ledger_id: not a ledger number")
        sequence = int(number)
        if sequence < self._view.elder:
            raise before_history()
        row = self._view.history.ledger(sequence)
        if row is None or sequence > self._view.latest.sequence:
            raise missing()
        return row

    def _transaction(self, digest: str) -> TransactionRow:
        if not _HASH.fullmatch(digest):
            raise invalid("tx_id", "tx_id: not a transaction hash")
        row = self._view.transaction(digest)
        if row is None:
            raise missing()
        return row

    def _operation(self, request: Request, resources: Resources, number: str) -> dict[str, object]:
        if not _NUMBER.fullmatch(number) or int(number) > INT64_MAX:
            raise invalid("id", "id: not an operation id")
        if ledger_of(int(number)) < self._view.elder:
            raise before_history()
        row = self._view.history.operations.get(int(number))
        if row is None or not self._view.shows(row.id):
            raise missing()
        return resources.operation(row, join=_joins(request))

    # ------------------------------------------------------------------------- lists

    def _account_part(
        self, request: Request, resources: Resources, address: str, kind: str
    ) -> Response:
        _check_address(address)
        history = self._view.history
        seen = history.account_transactions(address)
        # Known to history is who took part in something that is ingested and kept (§2.3).
        if (
            seen is None
            or next(seen.ascending(self._view.lowest, self._view.highest), None) is None
        ):
            raise missing()
        match kind:
            case "transactions":
                return self._transactions(request, resources, seen)
            case "operations":
                return self._operations(request, resources, history.account_operations(address))
            case "payments":
                return self._operations(request, resources, history.account_payments(address))
        raise missing()

    def _part(
        self,
        request: Request,
        resources: Resources,
        kind: str,
        first: int,
        last: int,
        *,
        failed: bool = False,
    ) -> Response:
        """Answer with the part of a global list that lies between two TOIDs."""
        history = self._view.history
        match kind:
            case "transactions":
                return self._transactions(
                    request, resources, Span(history.transactions, first, last)
                )
            case "operations":
                span = Span(history.operations, first, last)
                return self._operations(request, resources, span, failed=failed)
            case "payments":
                span = Span(history.payments, first, last)
                return self._operations(request, resources, span, failed=failed)
        raise missing()

    def _ledgers(self, request: Request, resources: Resources) -> Response:
        return self._list(request, self._view.history.ledgers, lambda _: True, resources.ledger)

    def _transactions(
        self, request: Request, resources: Resources, listing: Listing[TransactionRow]
    ) -> Response:
        failed = _includes_failed(request)
        return self._list(
            request, listing, lambda row: failed or row.successful, resources.transaction
        )

    def _operations(
        self,
        request: Request,
        resources: Resources,
        listing: Listing[OperationRow] | None,
        *,
        failed: bool = False,
    ) -> Response:
        """List operations; None is the list of somebody who has none of this kind."""
        join = _joins(request)
        failed = failed or _includes_failed(request)
        return self._list(
            request,
            self._view.history.nothing if listing is None else listing,
            lambda row: failed or row.transaction.successful,
            lambda row: resources.operation(row, join=join),
        )

    def _list(
        self,
        request: Request,
        listing: Listing[_Row],
        keep: Callable[[_Row], bool],
        render: Callable[[_Row], dict[str, object]],
    ) -> Response:
        query = PageQuery.of(request, self._view)
        if _wants_stream(request):

            def fetch(cursor: int | None, limit: int) -> list[tuple[int, object]]:
                following = evolve(query, cursor=cursor, limit=limit)
                rows = select(self._view, listing, following, keep)
                return [(row.id, render(row)) for row in rows]

            return stream(
                record_events(
                    self._shell,
                    fetch,
                    query.cursor,
                    limit=query.limit,
                    duration_s=self.knobs.stream_s,
                )
            )
        rows = select(self._view, listing, query, keep)
        return hal(page(request, query, [row.id for row in rows], [render(row) for row in rows]))


def _check_address(address: str) -> None:
    if not StrKey.is_valid_ed25519_public_key(address):
        raise invalid("account_id", "account_id: not a valid account id")


def _joins(request: Request) -> bool:
    value = request.parameter("join")
    if value not in {None, "", "transactions"}:
        raise invalid("join", "join: only 'transactions' can be joined")
    return value == "transactions"


def _includes_failed(request: Request) -> bool:
    value = request.parameter("include_failed")
    if value not in {None, "", "true", "false"}:
        raise invalid("include_failed", "include_failed: not true or false")
    return value == "true"


def _wants_stream(request: Request) -> bool:
    return "text/event-stream" in request.headers.get("accept", "")


def _check_accept(request: Request) -> None:
    accept = request.headers.get("accept", "")
    kinds = {item.partition(";")[0].strip() for item in accept.split(",")}
    known = {
        "",
        "*/*",
        "application/*",
        "application/json",
        "application/hal+json",
        "text/event-stream",
    }
    if not kinds & known:
        raise Problem("not_acceptable")
