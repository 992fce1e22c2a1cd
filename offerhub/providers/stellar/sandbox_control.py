"""The sandbox's own controls: what no real network offers."""

import httpx
import msgspec

from offerhub.domain.money import Money
from offerhub.providers.http import HttpClient, HttpTrouble, RandomFraction, Repeat
from offerhub.providers.rate import Priority, RateBudget
from offerhub.providers.stellar.port import StellarUnavailable


class SandboxControl:
    """Asks the local stand-in for money and ledgers."""

    def __init__(
        self,
        base_url: str,
        *,
        random: RandomFraction,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = HttpClient(
            base_url, budget=RateBudget(0, 1), random=random, transport=transport
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def faucet(self, address: str, amount: Money) -> None:
        """Let the issuer pay USDC to an address that trusts it.

        Cancelled or refused by `StellarUnavailable` after a lost answer, the money may have been paid.
        """
        body = msgspec.json.encode({"address": address, "amount": amount.seven_places()})
        await self._post("/faucet", body)

    async def close_ledger(self) -> None:
        """Close a ledger now."""
        await self._post("/ledgers/close", b"{}")

    async def _post(self, path: str, body: bytes) -> None:
        try:
            answer = await self._http.request(
                "POST",
                path,
                priority=Priority.SUBMIT,
                deadline_s=_DEADLINE_S,
                repeat=Repeat.WHEN_LIMITED,
                content=body,
                content_type="application/json",
            )
        except HttpTrouble as trouble:
            raise StellarUnavailable(trouble.reason) from None
        if not answer.ok:
            msg = f"the sandbox answered {answer.status} to {path}"
            raise StellarUnavailable(msg)


_DEADLINE_S = 60.0
