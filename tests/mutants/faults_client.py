"""Faults of the Python client and of the document that it is made of."""

from typing import Final

from tests.mutants.planting import Fault

CLIENT_FAULTS: Final = (
    Fault(
        "each repetition has a key of its own",
        "offerhub/client/calls.py",
        '            headers["Idempotency-Key"] = self.key\n',
        '            headers["Idempotency-Key"] = str(id(headers))\n',
        ("tests/client/test_calls.py",),
    ),
    Fault(
        "Retry-After is not honoured",
        "offerhub/client/calls.py",
        "jittered if asked is None else asked + jittered",
        "jittered",
        ("tests/client/test_calls.py",),
    ),
    Fault(
        "a call is repeated for ever",
        "offerhub/client/calls.py",
        "        if now + pause >= self._ends:\n",
        "        if now + pause < 0:\n",
        ("tests/client/test_calls.py",),
    ),
    Fault(
        "a funding that fell back is funded again behind its caller's back",
        "offerhub/client/calls.py",
        '        "STELLAR_NETWORK_ERROR",\n',
        '        "STELLAR_NETWORK_ERROR",\n        "PROVIDER_ERROR",\n',
        ("tests/client/test_calls.py",),
    ),
    Fault(
        "an event that comes twice is told twice",
        "offerhub/client/stream.py",
        "        if sequence <= self._seen:\n",
        "        if sequence < 0:\n",
        ("tests/client/test_stream.py",),
    ),
    Fault(
        "the stream goes on where it began",
        "offerhub/client/stream.py",
        "        self._place = self._id\n",
        "",
        ("tests/client/test_stream.py",),
    ),
    Fault(
        "a response's schema is closed",
        "web/openapi_schemas.py",
        'key == "additionalProperties" and value is False',
        'key == "additionalProperties" and value is None',
        ("tests/web/test_openapi.py",),
    ),
    Fault(
        "the document leaves out a code that the endpoint gives",
        "web/openapi.py",
        "            codes.append(E.MISSING_REQUIRED_FIELD)\n",
        "            pass\n",
        ("tests/web/test_fuzz.py", "tests/web/test_refusals.py"),
    ),
)
