"""An account outside of the orchestrator: the seller's own wallet, whose key only the demo has."""

from typing import Any, Final

import httpx
from attrs import field, frozen
from stellar_sdk import Account, Asset, Keypair, TransactionBuilder

from offerhub.cli.demo.failure import DemoFailed
from offerhub.domain.money import Money
from offerhub.providers.trustless_work.wire import read_balances
from offerhub.settings import NETWORKS

_FEE_STROOPS: Final = 100
_LIFETIME_S: Final = 120
_DEADLINE_S: Final = 60.0


@frozen
class Outsider:
    """A Stellar account that trusts USDC."""

    keypair: Keypair = field(repr=False)
    trust_hash: str

    @property
    def address(self) -> str:
        return self.keypair.public_key


class Chain:
    """The sandbox asked directly, past the orchestrator, as anybody may."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=_DEADLINE_S, trust_env=False)
        self._network = NETWORKS["sandbox"]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def faucet(self, address: str, amount: Money) -> str:
        """Have the issuer pay USDC to an address; the transaction's hash."""
        body = {"address": address, "amount": amount.two_places()}
        return str((await self._sent("POST", "/faucet", json=body))["hash"])

    async def new_outsider(self) -> Outsider:
        """Create an account at friendbot and let it trust USDC, by a transaction that it signs."""
        keypair = Keypair.random()
        await self._sent("GET", "/friendbot", params={"addr": keypair.public_key})
        found = await self._sent("GET", f"/accounts/{keypair.public_key}")
        trust = (
            TransactionBuilder(
                Account(keypair.public_key, int(found["sequence"])),
                self._network.passphrase,
                base_fee=_FEE_STROOPS,
            )
            .append_change_trust_op(Asset("USDC", self._network.usdc_issuer))
            .set_timeout(_LIFETIME_S)
            .build()
        )
        trust.sign(keypair)
        answer = await self._sent("POST", "/transactions", data={"tx": trust.to_xdr()})
        return Outsider(keypair, str(answer["hash"]))

    async def usdc(self, address: str) -> Money:
        """What an account holds on the chain."""
        found = await self._sent("GET", f"/accounts/{address}")
        for line in found["balances"]:
            if line.get("asset_issuer") == self._network.usdc_issuer:
                return Money.from_decimal_string(line["balance"])
        return Money.zero()

    async def contract_usdc(self, contract_id: str) -> Money:
        """What an escrow contract holds on the chain, as Trustless Work reads it."""
        answer = await self._answer(
            "GET",
            "/helper/get-multiple-escrow-balance",
            params={"addresses[]": contract_id},
            headers={"x-api-key": self._network.trustless_api_key or ""},
        )
        return read_balances(answer.content, [contract_id])[contract_id]

    async def _sent(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = (await self._answer(method, path, **options)).json()
        return found

    async def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = await self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise DemoFailed(f"the sandbox: {method} {path}: {type(error).__name__}") from error
        if not answer.is_success:
            raise DemoFailed(
                f"the sandbox answered {answer.status_code} to {method} {path}: {answer.text[:300]}"
            )
        return answer
