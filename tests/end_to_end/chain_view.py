"""The sandbox asked directly, past the orchestrator, as anybody may: an independent witness."""

from collections import Counter
from typing import Any

import httpx
from attrs import field, frozen
from stellar_sdk import Account, Asset, Keypair, TransactionBuilder, scval

from offerhub.domain.money import Money
from offerhub.providers.trustless_work.wire import read_balances
from offerhub.settings import NETWORKS
from tests.end_to_end.process import RunningSandbox

_SANDBOX = NETWORKS["sandbox"]
_ROWS_MAX = 200


@frozen
class Outsider:
    """A Stellar account outside of the orchestrator that trusts USDC."""

    keypair: Keypair = field(repr=False)

    @property
    def address(self) -> str:
        return self.keypair.public_key


class Chain:
    """Reads of the chain."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self._url = sandbox.url

    def new_outsider(self) -> Outsider:
        """Create an account at friendbot and let it trust USDC."""
        keypair = Keypair.random()
        self._get("/friendbot", addr=keypair.public_key)
        sequence = int(self._get(f"/accounts/{keypair.public_key}")["sequence"])
        trust = (
            TransactionBuilder(Account(keypair.public_key, sequence), _SANDBOX.passphrase, 100)
            .append_change_trust_op(Asset("USDC", _SANDBOX.usdc_issuer))
            .set_timeout(120)
            .build()
        )
        trust.sign(keypair)
        httpx.post(
            f"{self._url}/transactions", data={"tx": trust.to_xdr()}, timeout=30, trust_env=False
        ).raise_for_status()
        return Outsider(keypair)

    def usdc(self, address: str) -> Money:
        """What an account holds."""
        for line in self._get(f"/accounts/{address}")["balances"]:
            if line.get("asset_issuer") == _SANDBOX.usdc_issuer:
                return Money.from_decimal_string(line["balance"])
        return Money.zero()

    def contract_usdc(self, contract_id: str) -> Money:
        """What an escrow contract holds, as Trustless Work reads it."""
        answer = httpx.get(
            f"{self._url}/helper/get-multiple-escrow-balance",
            params={"addresses[]": contract_id},
            headers={"x-api-key": _SANDBOX.trustless_api_key or ""},
            timeout=30,
            trust_env=False,
        )
        answer.raise_for_status()
        return read_balances(answer.content, [contract_id])[contract_id]

    def calls(self, source: str) -> Counter[str]:
        """How often each function of a contract was called with success by an account."""
        return Counter(
            scval.from_symbol(operation["parameters"][1]["value"])
            for operation in self._operations(source)
            if operation["type"] == "invoke_host_function"
            and operation["source_account"] == source
            and operation["transaction_successful"]
        )

    def payments(self, source: str, destination: str) -> list[Money]:
        """The amounts of every successful USDC payment between two accounts."""
        return [
            Money.from_decimal_string(operation["amount"])
            for operation in self._operations(source)
            if operation["type"] == "payment"
            and operation["transaction_successful"]
            and (operation["from"], operation["to"]) == (source, destination)
        ]

    def _operations(self, address: str) -> list[dict[str, Any]]:
        found = self._get(f"/accounts/{address}/operations", limit=_ROWS_MAX, order="asc")
        records: list[dict[str, Any]] = found["_embedded"]["records"]
        if len(records) >= _ROWS_MAX:
            msg = f"{address} has more operations than a page; the counts would be wrong"
            raise AssertionError(msg)
        return records

    def _get(self, path: str, **query: object) -> dict[str, Any]:
        answer = httpx.get(
            self._url + path,
            params={name: str(value) for name, value in query.items()},
            timeout=30,
            trust_env=False,
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found
