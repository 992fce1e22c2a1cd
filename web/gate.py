"""The way of every request: id → body limit → key → rate → maintenance → idempotency → handler.

One table of routes, one path through it: nothing here knows what an endpoint does.
"""

from collections.abc import Callable, Mapping
from typing import Final, cast

import quart
import trio
from attrs import evolve
from quart import Response
from quart.wrappers import Request

from actors.system import System
from offerhub.domain.api_keys import allows
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.refusals import RefusedRequest
from offerhub.domain.trace import IdempotencyClaim, Trace
from web.answers import PROBLEM_TYPE, as_problem, error_body, read_text
from web.authentication import Authentication, check_scope
from web.bodies import EMPTY
from web.call import Answer, Call, Caller, Route
from web.errors import body_too_large, refusal_of
from web.health import Health
from web.idempotency import ReplayCache, Replays, fingerprint, is_final, read_key
from web.metrics import MetricsFace
from web.rate_limit import RateLimit, client_name
from web.reading import read_json, read_query, too_large
from web.renderings import Renderings
from web.request_info import RequestInfo, TrustedProxies, read_request_info
from web.statuses import STATUS

Observe = Callable[[str, int, str | None, float], None]
"""Told every answer: the endpoint, the status, the error's code, the seconds it took."""

_AUDITED_STATUSES: Final = frozenset({403, 404, 409, 422})


class Gate:
    """Takes requests through all checks to their handlers, and makes responses of answers."""

    def __init__(  # noqa: PLR0913 - each is one choice of the composition root
        self,
        system: System,
        health: Health,
        authentication: Authentication,
        rate_limit: RateLimit,
        *,
        proxies: TrustedProxies = (),
        observe: Observe | None = None,
        cache: ReplayCache | None = None,
        webhook_secrets: Mapping[str, bytes] | None = None,
        metrics: MetricsFace | None = None,
    ) -> None:
        self._system = system
        self._health = health
        self._authentication = authentication
        self._rate_limit = rate_limit
        self._replays = Replays(system, cache)
        self._renderings = Renderings()
        self._proxies = proxies
        self._observe = observe
        self._metrics = metrics or MetricsFace()
        self._webhook_secrets = webhook_secrets or {}

    async def serve(self, route: Route, **params: str) -> Response:
        """Answer a request of a route. Cancelled, a handler's outcome is unknown."""
        request = cast("Request", quart.request._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - one look-up, not one per attribute
        info = self._info(request)
        began = trio.current_time()
        code = None
        try:
            answer = await self._answered(route, params, request, info)
        except Exception as failure:  # noqa: BLE001 - every failure has an answer
            error = refusal_of(failure, info.request_id, route.endpoint)
            code = error.code.value
            if info.allowance is None:
                # It broke off before its key was known.
                info.allowance = self._rate_limit.take(_address(info))
            answer = self._refusal(error, info)
        response = self._response(answer, info, request.path)
        if self._observe is not None:
            self._observe(route.endpoint, response.status_code, code, trio.current_time() - began)
        return response

    def refuse(self, failure: Exception) -> Response:
        """Answer what no route took: an unknown path, a method that is not allowed."""
        request = cast("Request", quart.request._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - as above
        info = self._info(request)
        info.allowance = self._rate_limit.take(_address(info))
        error = refusal_of(failure, info.request_id, "none")
        if info.allowance is not None and info.allowance.exceeded:
            error = info.allowance.refusal()
        if self._observe is not None:
            self._observe("none", STATUS[error.code], error.code.value, 0.0)
        answer = self._refusal(error, info)
        return self._response(answer, info, request.path)

    def _info(self, request: Request) -> RequestInfo:
        scope = request.scope
        return read_request_info(
            scope["headers"], scope.get("client"), self._proxies, self._system.ids
        )

    async def _answered(
        self, route: Route, params: Mapping[str, str], request: Request, info: RequestInfo
    ) -> Answer | Response:
        changes = route.method == "POST"
        if changes and too_large(info, route.body_max_bytes):
            info.allowance = self._rate_limit.take(_address(info), count=False)
            raise body_too_large(route.body_max_bytes)
        caller = None if route.public else await self._caller(info)
        info.allowance = self._rate_limit.take(
            caller.actor if caller else _address(info), count=route.limited
        )
        if info.allowance is not None and info.allowance.exceeded and route.limited:
            raise info.allowance.refusal()
        call = Call(
            route=route,
            params=params,
            system=self._system,
            health=self._health,
            metrics=self._metrics,
            renderings=self._renderings,
            trace=Trace(
                correlation_id=info.request_id,
                actor=caller.actor if caller else "system:anyone",
                ip=info.ip,
                user_agent=info.user_agent,
            ),
            caller=caller,
            raw_headers=tuple(request.scope["headers"]),
            webhook_secrets=self._webhook_secrets if route.signed else {},
            prefers_async=route.long and info.prefers_async,
        )
        also = route.or_scope
        let_in = caller is not None and also is not None and allows(caller.scopes, also)
        if caller is not None and route.scope is not None and not let_in:
            try:
                check_scope(caller, route.scope)
            except DomainError as error:
                return await self._refused(call, error)
        if route.waits_for_maintenance:
            self._system.maintenance_switch.check()
        if changes:
            return await self._change(call, request, info)
        if not route.public or route.query is not None:
            call.query = read_query(route, request.query_string)
        if route.method == "DELETE":
            return await self._handled(call)
        return await route.handler(call)

    async def _caller(self, info: RequestInfo) -> Caller:
        """The caller; who has no valid key counts against his address."""
        try:
            return await self._authentication.caller(info, self._before_query)
        except DomainError:
            info.allowance = self._rate_limit.take(_address(info))
            if info.allowance is not None and info.allowance.exceeded:
                raise info.allowance.refusal() from None
            raise

    def _before_query(self, info: RequestInfo) -> None:
        """Whoever guesses keys beyond his limit costs no more queries."""
        allowance = self._rate_limit.take(_address(info), count=False)
        if allowance is not None and allowance.remaining == 0:
            raise allowance.refusal()

    async def _change(self, call: Call, request: Request, info: RequestInfo) -> Answer | Response:
        raw = call.raw_body = cast("bytes", await request.get_data())
        if len(raw) > call.route.body_max_bytes:
            raise body_too_large(call.route.body_max_bytes)
        if call.route.signed:
            return await self._handled(call)
        header = info.headers.get(b"idempotency-key")
        key = None if header is None else read_key(header)
        unreadable: DomainError | None = None
        body: object = raw
        try:
            body = read_json(raw, info)
            read_query(call.route, request.query_string)
        except DomainError as error:
            unreadable = error
        if key is None:
            if unreadable is not None:
                raise unreadable
            return await self._guarded(call, body)
        claim = IdempotencyClaim(
            key, fingerprint(call.route.method, request.path, body), call.route.name
        )
        with self._replays.running(claim) as (awaited, seen):
            # Who waits for the chain can wait for a query, and must not depend on the chain to
            # be told what the key has stood for all along.
            if seen or call.route.long or call.route.reads_key_first:
                try:
                    replay = await self._replays.answer(claim, call.trace.correlation_id)
                except DomainError as error:
                    return await self._refused(call, error)
                if replay is not None:
                    return replay
            call.trace = evolve(call.trace, idempotency=claim)
            call.awaited = awaited
            if unreadable is not None:
                return await self._refused(call, unreadable)
            return await self._guarded(call, body)

    async def _guarded(self, call: Call, body: object) -> Answer | Response:
        """Run the handler on a body that its schema has read."""
        try:
            call.body = (call.route.body or EMPTY).parse(body)
        except DomainError as error:
            return await self._refused(call, error)
        return await self._handled(call)

    async def _handled(self, call: Call) -> Answer | Response:
        """Run the handler; a refusal is sent only after what must be kept of it is kept."""
        try:
            return await call.route.handler(call)
        except DomainError as error:
            return await self._refused(call, error)

    async def _refused(self, call: Call, error: DomainError) -> Answer | Response:
        """Keep a refusal in the audit, and under its idempotency key if it is definitive.

        Raises the refusal. If its key turns out to be taken, what stands there is the answer.
        """
        claim = call.trace.idempotency
        status = STATUS[error.code]
        final = claim is not None and is_final(error)
        if claim is not None and not final and status in {409, 422}:
            # Of another request with this key that ran meanwhile, perhaps in another process.
            standing = await self._replays.answer(claim, call.trace.correlation_id)
            if standing is not None:
                return standing
        # Of a known key: whoever has none must not be able to fill the log (docs/spec/domain.md §7).
        audited = (
            call.caller is not None
            and status in _AUDITED_STATUSES
            and error.code is not ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS
        )
        if not final and not audited:
            raise error
        resource = call.route.resource
        refused = RefusedRequest(
            error,
            action=call.route.name,
            resource_type="" if resource is None else resource.__name__,
            resource_id=next(iter(call.params.values()), "").replace("\x00", "")[:100],
            audited=audited,
            final=final,
        )
        try:
            text = await self._system.refusals.keep(refused, call.trace)
        except DomainError as unkept:
            if claim is not None and unkept.code is ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS:
                standing = await self._replays.answer(claim, call.trace.correlation_id)
                if standing is not None:
                    return standing
            raise
        if text is not None:
            return read_text(text)
        raise error

    def _refusal(self, error: DomainError, info: RequestInfo) -> Answer:
        headers: tuple[tuple[str, str], ...] = ()
        match error.code:
            case ErrorCode.RATE_LIMITED | ErrorCode.MAINTENANCE:
                headers = (("Retry-After", str(error.details.get("retryAfter", 1))),)
            case ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS | ErrorCode.SERVICE_UNAVAILABLE:
                if error.details.get("retryable") is not False:
                    headers = (("Retry-After", "1"),)
            case ErrorCode.METHOD_NOT_ALLOWED:
                allowed = error.details.get("allowed")
                if isinstance(allowed, list):
                    headers = (("Allow", ", ".join(allowed)),)
            case ErrorCode.UNAUTHORIZED | ErrorCode.INVALID_API_KEY:
                headers = (("WWW-Authenticate", "Bearer"),)
            case _:
                pass
        return Answer(
            STATUS[error.code],
            error_body(error, info.request_id, self._system.clock()),
            headers,
        )

    def _response(self, answer: Answer | Response, info: RequestInfo, path: str) -> Response:
        if isinstance(answer, Response):
            response = answer
        elif answer.status >= 400 and info.accepts_problem:
            response = Response(
                as_problem(answer.status, answer.body, path),
                answer.status,
                content_type=PROBLEM_TYPE,
            )
            response.headers.extend(answer.headers)
        else:
            response = Response(answer.body, answer.status, content_type=answer.content_type)
            if answer.headers:
                response.headers.extend(answer.headers)
        headers = response.headers
        headers["X-Request-ID"] = info.request_id
        allowance = info.allowance
        if allowance is not None:
            headers["X-RateLimit-Limit"] = str(allowance.limit)
            headers["X-RateLimit-Remaining"] = str(allowance.remaining)
            headers["X-RateLimit-Reset"] = str(allowance.reset)
        return response


def _address(info: RequestInfo) -> str:
    return client_name(info.ip)
