"""Faults of the API: keys, scopes, idempotency, limits, refusals and the event stream."""

from typing import Final

from tests.mutants.planting import Fault

WEB_FAULTS: Final = (
    Fault(
        "a revoked key is let in",
        "web/authentication.py",
        "        if known is None or not known.valid_at(self._clock()):\n",
        "        if known is None:\n",
        ("tests/web/test_keys.py",),
    ),
    Fault(
        "a key that has expired works on",
        "actors/keys.py",
        "(self.expires_at is None or now < self.expires_at)",
        "True",
        ("tests/web/test_keys.py", "tests/actors/test_expiry.py"),
    ),
    Fault(
        "a route asks for no scope",
        "web/gate.py",
        "        if caller is not None and route.scope is not None and not let_in:\n",
        "        if caller is None and route.scope is not None and not let_in:\n",
        ("tests/web/test_keys.py", "tests/web/test_routes.py"),
    ),
    Fault(
        "a key that stands for another request is answered with that one's answer",
        "web/idempotency.py",
        "        if record.fingerprint != claim.fingerprint:\n            raise reused()\n"
        "        if record.state",
        "        if record.state",
        ("tests/web/test_idempotency.py",),
    ),
    Fault(
        "a second request runs beside the first with its key",
        "web/idempotency.py",
        "        if held is not None:\n",
        "        if held is None and claim is None:\n",
        ("tests/web/test_idempotency.py",),
    ),
    Fault(
        "a refusal that may pass is kept for a day",
        "web/idempotency.py",
        "        and error.code not in _NOT_KEPT\n",
        "",
        ("tests/web/test_idempotency.py",),
    ),
    Fault(
        "a limit of requests stops nobody",
        "web/rate_limit.py",
        "            exceeded=total > self._per_minute,\n",
        "            exceeded=total < 0,\n",
        ("tests/web/test_refusals.py",),
    ),
    Fault(
        "a crashed actor says that something is broken, and not to repeat",
        "web/errors.py",
        "        case ActorCrashed() | AskTimeout() | JournalClosed():\n",
        "        case AskTimeout() | JournalClosed():\n",
        ("tests/web/test_refusals.py",),
    ),
    Fault(
        "a refusal does not say when to come back",
        "web/gate.py",
        '                if error.details.get("retryable") is not False:\n',
        '                if error.details.get("retryable") is True:\n',
        ("tests/web/test_refusals.py",),
    ),
    Fault(
        "a body of any size is read",
        "web/gate.py",
        "        if changes and too_large(info, route.body_max_bytes):\n",
        "        if changes and info.headers is None:\n",
        ("tests/web/test_refusals.py", "tests/web/test_server.py"),
    ),
    Fault(
        "a subscriber that is too slow misses events without being told",
        "actors/publisher.py",
        "                if self._live:\n",
        "                if self._closed:\n",
        ("tests/actors/test_publisher.py",),
    ),
    Fault(
        "events are shown in any order",
        "actors/publisher.py",
        "            if event.sequence != delivered + 1:\n",
        "            if event.sequence < 0:\n",
        ("tests/actors/test_event_order.py", "tests/actors/test_publisher.py"),
    ),
    Fault(
        "a stream outlives its key",
        "web/stream.py",
        "            if self._allowed is not None and not await self._allowed():\n",
        "            if self._allowed is not None and self._hub is None:\n",
        ("tests/web/test_stream.py",),
    ),
    Fault(
        "a secret seed is written to the log",
        "offerhub/redaction.py",
        '    re.compile(r"\\bS[A-Z2-7]{55}\\b"),\n',
        "",
        ("tests/test_logs.py",),
    ),
)
