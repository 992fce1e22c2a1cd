"""`send-transaction` and `update-from-txHash`: from a build to a ledger (docs/spec/trustless-work.md §2.3, §12).

Nothing is kept between build and submission: what counts is the envelope. The same envelope handed
in twice answers the result of the ledger that holds it; it never executes twice.
"""

import base64
import hashlib
from collections import OrderedDict
from typing import assert_never

from attrs import define, field
from stellar_sdk import xdr

from offerhub.domain.ids import Clock
from offerhub.sandbox.engine import (
    ContractTrap,
    EngineShell,
    Final,
    Malformed,
    Rejected,
    Submitted,
    TransactionRow,
    TryAgainLater,
)
from offerhub.sandbox.escrow.addresses import address_text
from offerhub.sandbox.escrow.contract_id import deployed_contract_id
from offerhub.sandbox.escrow.encoding import address, bytes32, escrow_from_scval, vector
from offerhub.sandbox.escrow.errors import SENT, ApiError, failed_response
from offerhub.sandbox.escrow.index import EscrowIndex
from offerhub.sandbox.escrow.refusals import api_text
from offerhub.sandbox.escrow.runtime import DEPLOY_FUNCTION
from offerhub.sandbox.escrow.views import deployed_view
from offerhub.sandbox.http import Response
from offerhub.sandbox.json_answers import json_response

_BUILDS_MAX = 1_024
_NO_SIGNATURES = bytes(4)


@define
class Submissions:
    """Hands envelopes to the network, waits for their ledger and updates the read model."""

    shell: EngineShell
    index: EscrowIndex
    clock: Clock
    factory: str
    wait_s: float
    collide_token_codes: bool
    _built: OrderedDict[str, xdr.InvokeContractArgs] = field(factory=OrderedDict)

    def note_build(self, envelope_xdr: str, call: xdr.InvokeContractArgs) -> None:
        """Spare the reading of an unsigned envelope that will most likely come back signed.

        Only a saving: what a submission does follows from its envelope, noted or not.
        """
        payload = base64.b64decode(envelope_xdr)[: -len(_NO_SIGNATURES)]
        digest = hashlib.sha256(self.shell.engine.network_id + payload).hexdigest()
        self._built[digest] = call
        while len(self._built) > _BUILDS_MAX:
            self._built.popitem(last=False)

    async def send(self, signed_xdr: str, *, indexed: bool = True) -> Response:
        """Submit and wait; cancelled, the envelope may be applied all the same.

        With `indexed` false the read model hears nothing of it, as when the API loses its RPC
        (docs/spec/trustless-work.md §12.1).
        Raises `ApiError`.
        """
        row = await self._applied(signed_xdr)
        if row is None:
            raise ApiError(504, "The transaction was submitted but is not in a ledger yet")
        call = self._built.get(row.hash) or _contract_call(row.envelope_xdr)
        if not row.successful:
            return self._failed(row, call)
        answer: dict[str, object] = {"status": "SUCCESS", "message": SENT}
        if call is not None:
            contract_id = self._touched_contract(call)
            if indexed:
                self._remember(contract_id, call)
            if _is_deploy(call, self.factory):
                answer["contractId"] = contract_id
                answer["escrow"] = deployed_view(escrow_from_scval(vector(call.args[4])[0]))
        return json_response(201, answer)

    def refresh(self, transaction_hash: str) -> Response:
        """Read a transaction that went past the API into the read model."""
        row = self.shell.engine.transaction(transaction_hash.lower())
        call = None if row is None or not row.successful else _contract_call(row.envelope_xdr)
        contract_id = None if call is None else self._touched_contract(call)
        if call is None or contract_id is None:
            return json_response(
                201, {"status": "FAILED", "message": "The transaction was not found"}
            )
        self._remember(contract_id, call)
        return json_response(
            201, {"status": "SUCCESS", "message": "The escrow has been updated successfully."}
        )

    async def _applied(self, signed_xdr: str) -> TransactionRow | None:
        """The row of the envelope's ledger; None if that takes too long.

        The API submits through Horizon, which takes TRY_AGAIN_LATER for an acceptance and waits
        (docs/spec/stellar-horizon.md §2.5).
        """
        answer = self.shell.engine.submit(signed_xdr, self.clock())
        match answer:
            case Final(transaction):
                return transaction
            case Malformed(reason):
                raise ApiError(400, f"signedXdr is not a transaction envelope: {reason}")
            case Rejected(transaction_code=code):
                raise ApiError(400, f"Transaction submission failed: {code}")
            case Submitted(hash=transaction_hash) | TryAgainLater(hash=transaction_hash):
                return await self.shell.wait_transaction(transaction_hash, self.wait_s)
            case _:
                assert_never(answer)

    def _failed(self, row: TransactionRow, call: xdr.InvokeContractArgs | None) -> Response:
        """The contract's text if repeating the call still meets its error, else a FAILED body."""
        if call is not None:
            try:
                self.shell.engine.dry_run(call, row.source)
            except ContractTrap as trap:
                raise trap_error(trap, collide=self.collide_token_codes) from None
        return failed_response(500)

    def _touched_contract(self, call: xdr.InvokeContractArgs) -> str:
        called = address_text(call.contract_address)
        if not _is_deploy(call, self.factory):
            return called
        return deployed_contract_id(
            self.shell.engine.network_id, self.factory, bytes32(call.args[2])
        )

    def _remember(self, contract_id: str, call: xdr.InvokeContractArgs) -> None:
        engine = self.shell.engine
        record = engine.contract_data(contract_id)
        if record is None:
            return
        deployer = address(call.args[0]) if _is_deploy(call, self.factory) else None
        self.index.put(
            contract_id,
            signer=deployer,
            record=record,
            balance=engine.usdc_balance(contract_id) or 0,
            now=self.clock(),
        )


def trap_error(trap: ContractTrap, *, collide: bool) -> ApiError:
    """What the API makes of a trap: a text of its table under 400, the virtual machine's own under 500.

    Source: docs/spec/trustless-work.md §8.1.
    """
    if trap.code == 0:
        return ApiError(500, trap.message)
    return ApiError(400, api_text(trap.code, token=trap.token, collide=collide))


def _is_deploy(call: xdr.InvokeContractArgs, factory: str) -> bool:
    called = address_text(call.contract_address)
    return called == factory and call.function_name.sc_symbol == DEPLOY_FUNCTION.encode()


def _contract_call(envelope_xdr: str) -> xdr.InvokeContractArgs | None:
    """The contract call that an envelope consists of, None if it is anything else."""
    envelope = xdr.TransactionEnvelope.from_xdr(envelope_xdr)
    if envelope.v1 is None or len(envelope.v1.tx.operations) != 1:
        return None
    invoke = envelope.v1.tx.operations[0].body.invoke_host_function_op
    return None if invoke is None else invoke.host_function.invoke_contract
