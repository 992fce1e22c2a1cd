"""Nobody's user, who pays into contracts: what arrives is no part of any order."""

import json
import random  # noqa: TID251 - seeded: the simulation owns its chance
from typing import Final

import httpx
import trio
from attrs import frozen
from stellar_sdk import TransactionEnvelope

from offerhub.domain.money import Money
from offerhub.sandbox.constants import SANDBOX_PASSPHRASE, TRUSTLESS_WORK_API_KEY
from offerhub.sandbox.faucet import Faucet, FaucetRefused, FaucetUnknown
from tests.simulation.history import History
from tests.simulation.outside import STRANGER, keys_of
from tests.simulation.transport import SandboxTransport
from tests.simulation.world import URL, Universe, now

_GIFTS: Final = (1, 100_000, 12_345_678)
"""In stroops: the least there is, a cent, and an amount that no share divides evenly."""


@frozen
class Stranger:
    """Funds contracts of others, with money of their own, by the provider's public way."""

    universe: Universe
    history: History
    chance: random.Random

    async def pay_into(self, contract_id: str) -> None:
        """Pay a little into a contract; nothing when the provider or the network is in trouble."""
        await trio.sleep(self.chance.choice((0.0, self.chance.uniform(0, 20))))
        keys = keys_of(STRANGER)
        amount = Money(self.chance.choice(_GIFTS))
        try:
            await Faucet(self.universe.sandbox.shell, now).pay(keys.public_key, amount)
            unsigned = await self._built(contract_id, keys.public_key, amount)
        except (FaucetRefused, FaucetUnknown, httpx.HTTPError) as trouble:
            self.history.note("stranger", type(trouble).__name__)
            return
        envelope = TransactionEnvelope.from_xdr(unsigned, SANDBOX_PASSPHRASE)
        envelope.sign(keys)
        self.universe.sandbox.engine.submit(envelope.to_xdr(), now())
        self.history.mark("a stranger paid into a contract")
        self.history.note("stranger", contract_id, amount)

    async def _built(self, contract_id: str, signer: str, amount: Money) -> str:
        transport = SandboxTransport(self.universe.sandbox.handle)
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            body = (
                f'{{"contractId": "{contract_id}", "signer": "{signer}",'
                f' "amount": {amount.seven_places()}}}'
            )
            answer = await client.post(
                "/escrow/single-release/fund-escrow",
                content=body,
                headers={"x-api-key": TRUSTLESS_WORK_API_KEY, "content-type": "application/json"},
            )
            answer.raise_for_status()
            return str(json.loads(answer.content)["unsignedTransaction"])
