"""A running orchestrator with two users who can trade: for clients that are not ours."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen

from offerhub.client import Client
from tests.end_to_end.process import RunningSandbox, own_home, start_orchestrator, start_sandbox

_WAIT_S = 60.0


@frozen
class Target:
    """Where it is; `key` is the master key."""

    url: str
    key: str
    buyer: str
    seller: str
    sandbox: RunningSandbox

    def client(self) -> Client:
        return Client(self.url, self.key)


@contextmanager
def start_target() -> Iterator[Target]:
    """Start it; the buyer's deposit is credited by itself."""
    settings = {"CHAIN_WAIT_SECONDS": "1", "RATE_LIMIT_PER_MINUTE": "0"}
    with (
        own_home() as home,
        start_sandbox(home) as sandbox,
        start_orchestrator(home, sandbox=sandbox, env=settings) as orchestrator,
        Client(orchestrator.url, orchestrator.master_key) as client,
    ):
        buyer = client.create_user(external_user_id="target-buyer")
        seller = client.create_user(external_user_id="target-seller")
        deadline = time.monotonic() + _WAIT_S
        while not all(client.get_wallet(each.id).is_active for each in (buyer, seller)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        sandbox.faucet(buyer.wallet.public_key, "100000.00")
        while not client.get_balance(buyer.id).available:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield Target(orchestrator.url, orchestrator.master_key, buyer.id, seller.id, sandbox)
