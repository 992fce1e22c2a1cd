"""POST /transactions and /transactions_async (docs/spec/stellar-horizon.md §2.5)."""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Final, assert_never

import trio

from offerhub.sandbox.engine import answers as engine_answers
from offerhub.sandbox.engine.codes import transaction_result
from offerhub.sandbox.engine.rows import TransactionRow
from offerhub.sandbox.engine.shell import EngineShell
from offerhub.sandbox.horizon.answers import hal, plain
from offerhub.sandbox.horizon.problems import Problem, invalid
from offerhub.sandbox.horizon.resources import Resources
from offerhub.sandbox.horizon.view import HorizonKnobs, View
from offerhub.sandbox.http import Request, Response

BAD_SEQUENCE_RESULT: Final = base64.b64encode(transaction_result(0, "tx_bad_seq")).decode()


class Submissions:
    """Takes envelopes, waiting for their ledger or not."""

    def __init__(
        self, shell: EngineShell, view: View, knobs: HorizonKnobs, clock: Callable[[], datetime]
    ) -> None:
        self._shell = shell
        self._view = view
        self._knobs = knobs
        self._clock = clock

    async def submit(self, request: Request, resources: Resources) -> Response:
        """Answer 200 or 400 when the outcome is in an ingested ledger, 504 if that takes too long.

        Cancelled, it leaves an unknown outcome: the envelope may be queued or applied.
        """
        envelope = _envelope(request)
        answer = self._shell.engine.submit(envelope, self._clock())
        match answer:
            case engine_answers.Malformed():
                raise _malformed(envelope)
            case engine_answers.Rejected():
                if answer.transaction_code == "tx_bad_seq":
                    # History may lag behind the ledger that used this number: perhaps for this envelope.
                    await self._wait_ingested(self._shell.engine.latest_ledger().sequence)
                raise _failed(
                    envelope, answer.result_xdr, answer.transaction_code, answer.operation_codes
                )
            case engine_answers.Final(transaction=row):
                transaction_hash = row.hash
            case engine_answers.Submitted() | engine_answers.TryAgainLater():
                # Horizon takes TRY_AGAIN_LATER for an acceptance and waits like for any other (§2.5).
                transaction_hash = answer.hash
            case _:
                assert_never(answer)
        found = await self._wait_transaction(transaction_hash)
        if found is None:
            raise Problem(
                "transaction_submission_timeout",
                "The transaction's outcome is not known yet: look it up by its hash.",
                {"hash": transaction_hash, "envelope_xdr": envelope},
            )
        if not found.successful:
            raise _failed(envelope, found.result_xdr, found.transaction_code, found.operation_codes)
        return hal(resources.transaction(found))

    def submit_async(self, request: Request) -> Response:
        """Answer at once with what the node says, without a look at history."""
        envelope = _envelope(request)
        answer = self._shell.engine.submit(envelope, self._clock())
        match answer:
            case engine_answers.Malformed():
                raise _malformed(envelope)
            case engine_answers.Submitted(duplicate=duplicate):
                status, name = (409, "DUPLICATE") if duplicate else (201, "PENDING")
                return plain(status, {"tx_status": name, "hash": answer.hash})
            case engine_answers.TryAgainLater():
                return plain(503, {"tx_status": "TRY_AGAIN_LATER", "hash": answer.hash})
            case engine_answers.Rejected():
                result, transaction_hash = answer.result_xdr, answer.hash
            case engine_answers.Final(transaction=row):
                # A node knows no history: to it, the sequence number is used up.
                result, transaction_hash = BAD_SEQUENCE_RESULT, row.hash
            case _:
                assert_never(answer)
        return plain(
            400, {"tx_status": "ERROR", "hash": transaction_hash, "error_result_xdr": result}
        )

    async def _wait_transaction(self, transaction_hash: str) -> TransactionRow | None:
        with trio.move_on_after(self._knobs.submit_timeout_s):
            while (row := self._view.transaction(transaction_hash)) is None:
                await self._shell.wait_ledger_closed()
            return row
        return None

    async def _wait_ingested(self, ledger: int) -> None:
        with trio.move_on_after(self._knobs.submit_timeout_s):
            while self._view.latest.sequence < ledger:
                await self._shell.wait_ledger_closed()


def _envelope(request: Request) -> str:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise Problem(
            "unsupported_media_type", "The request must be form-encoded: tx=<base64 envelope>."
        )
    envelope = request.form().get("tx")
    if not envelope:
        raise invalid("tx", "tx: required")
    return envelope


def _malformed(envelope: str) -> Problem:
    detail = "Horizon could not decode the transaction envelope in this request."
    return Problem("transaction_malformed", detail, {"envelope_xdr": envelope})


def _failed(
    envelope: str, result_xdr: str, code: str, operation_codes: tuple[str, ...] | None
) -> Problem:
    codes: dict[str, object] = {"transaction": code}
    if operation_codes:
        codes["operations"] = list(operation_codes)
    return Problem(
        "transaction_failed",
        "The transaction failed when submitted to the stellar network. The `extras.result_codes` field"
        " on this response contains further details.",
        {"envelope_xdr": envelope, "result_codes": codes, "result_xdr": result_xdr},
    )
