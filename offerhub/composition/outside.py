"""The far side: HTTP clients of Horizon, of Trustless Work and of the sandbox's own controls."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import trio
from attrs import frozen

from offerhub.composition.choices import TREASURY_OF_THE_SANDBOX
from offerhub.providers.rate import RateBudget
from offerhub.providers.stellar.horizon import HorizonClient
from offerhub.providers.stellar.sandbox_control import SandboxControl
from offerhub.providers.trustless_work.client import TrustlessWorkClient
from offerhub.settings import Settings

_CLOSE_S = 2.0


@frozen
class Outside:
    """The clients; `control` only where the network is the sandbox."""

    horizon: HorizonClient
    trustless_work: TrustlessWorkClient
    control: SandboxControl | None

    async def fill_treasury(self, address: str) -> None:
        """Have the sandbox's faucet pay the platform's wallet."""
        if self.control is not None:
            await self.control.faucet(address, TREASURY_OF_THE_SANDBOX)


@asynccontextmanager
async def open_outside(settings: Settings, random: Callable[[], float]) -> AsyncIterator[Outside]:
    """Make the clients; nothing is asked yet, so it succeeds while all of them are away."""
    stellar, provider = settings.stellar, settings.trustless_work
    sandbox = stellar.network == "sandbox"
    async with AsyncExitStack() as stack:
        horizon = HorizonClient(
            stellar.horizon_url,
            usdc_code=stellar.usdc_code,
            usdc_issuer=stellar.usdc_issuer,
            passphrase=stellar.passphrase,
            budget=RateBudget.per_hour(stellar.rate_per_hour),
            random=random,
            friendbot_url=friendbot_url(settings),
        )
        stack.push_async_callback(_close, horizon)
        trustless_work = TrustlessWorkClient(
            provider.url,
            api_key=provider.api_key,
            budget=RateBudget.per_minute(provider.rate_per_minute),
            random=random,
            deadline_s=provider.timeout_s,
        )
        stack.push_async_callback(_close, trustless_work)
        control = SandboxControl(stellar.horizon_url, random=random) if sandbox else None
        if control is not None:
            stack.push_async_callback(_close, control)
        yield Outside(horizon, trustless_work, control)


def friendbot_url(settings: Settings) -> str | None:
    """Who gives XLM away on this network; nobody does on mainnet."""
    return {
        "sandbox": f"{settings.stellar.horizon_url}/friendbot",
        "testnet": "https://friendbot.stellar.org",
    }.get(settings.stellar.network)


async def _close(client: HorizonClient | TrustlessWorkClient | SandboxControl) -> None:
    with trio.move_on_after(_CLOSE_S, shield=True):
        await client.aclose()
