"""`offerhub bootstrap`: the platform's wallet and channel accounts, made and put on the chain."""

from collections.abc import Sequence
from typing import Final

import click
import trio
import trio_asyncio
from attrs import frozen
from rich.console import Console
from rich.markup import escape

from actors.kernel import TooManyRestarts
from actors.tree import CHANNEL_XLM, Tree
from offerhub import app
from offerhub.cli.run import EXIT_DISPLACED
from offerhub.cli.start import cannot_start, load_or_exit
from offerhub.cli.storage import open_beside
from offerhub.composition.outside import open_outside
from offerhub.domain.money import Money
from offerhub.domain.users import Wallet, WalletRole, WalletStatus
from offerhub.providers.stellar.port import StellarNetwork
from offerhub.settings import Settings
from storage.embedded import HomeInUse

_EXIT_NOT_YET = 1
_WAIT_S: Final = {"sandbox": 120.0, "testnet": 120.0, "mainnet": 15.0}
"""Friendbots pay by themselves; on mainnet there is nothing to wait for but an operator."""

_OWN_XLM: Final = Money.from_decimal_string("15")
"""What the platform's own account needs beside its channels: reserves, and the fees of years."""


@frozen
class Standing:
    """The state of a platform account on the chain."""

    wallet: Wallet
    exists: bool
    usdc: Money | None
    xlm: Money


@click.command("bootstrap")
def bootstrap_command() -> None:
    """Create the platform's wallet and channel accounts on the chain.

    Safe to repeat: accounts that exist are left as they are. If the orchestrator is running on this
    home, it does the work itself and this command only shows its progress. Exits 0 once all
    accounts are active.
    """
    settings = load_or_exit()
    standings: list[Standing] = []

    async def errand(tree: Tree) -> None:
        shown = None
        with trio.move_on_after(_WAIT_S[settings.stellar.network]):
            while not tree.bootstrap.done.is_set():
                if tree.bootstrap.waits_for not in (None, shown):
                    shown = tree.bootstrap.waits_for
                    click.echo(f"waiting: {shown}", err=True)
                with trio.move_on_after(0.1):
                    await tree.bootstrap.done.wait()
        standings.extend(
            await _standings(await tree.system.storage.wallets_of_platform(), tree.system.network)
        )

    try:
        app.run_errand(settings, errand)
    except app.StartFailed as failed:
        if not isinstance(failed.__cause__, HomeInUse):
            cannot_start(str(failed))
        standings = trio.run(_look, settings)
    except app.Displaced:
        click.echo("offerhub bootstrap: an orchestrator has taken over the database", err=True)
        raise SystemExit(EXIT_DISPLACED) from None
    except (TooManyRestarts, app.Killed) as failed:
        click.echo(f"offerhub bootstrap: {str(failed) or 'interrupted'}", err=True)
        raise SystemExit(_EXIT_NOT_YET) from None
    raise SystemExit(_report(settings, standings))


async def _look(settings: Settings) -> list[Standing]:
    """How far the running orchestrator is, read beside it."""
    sources = app.real_sources()
    async with (
        trio_asyncio.open_loop(),
        open_beside(settings.database_url, settings.home, sources) as storage,
        open_outside(settings, sources.random) as outside,
    ):
        return await _standings(await storage.wallets_of_platform(), outside.horizon)


async def _standings(wallets: Sequence[Wallet], network: StellarNetwork) -> list[Standing]:
    found = []
    for wallet in wallets:
        account = await network.account(wallet.public_key)
        found.append(
            Standing(wallet, exists=False, usdc=None, xlm=Money.zero())
            if account is None
            else Standing(wallet, exists=True, usdc=account.usdc, xlm=account.xlm_spendable)
        )
    return found


def _report(settings: Settings, standings: Sequence[Standing]) -> int:
    """Show the accounts and, where something is missing, what to pay in; the exit status."""
    console = Console(highlight=False, soft_wrap=True)
    for each in standings:
        active = each.wallet.status is WalletStatus.ACTIVE
        state = "[green]active[/green]" if active else "[yellow]not yet[/yellow]"
        held = f"{each.xlm.two_places()} XLM spendable" if each.exists else "not on the chain"
        if each.wallet.role is WalletRole.PLATFORM and each.usdc is not None:
            held += f", {each.usdc.two_places()} USDC"
        console.print(
            f"{each.wallet.role.value.lower():<9} {each.wallet.public_key}  {state:<7}  {escape(held)}"
        )
    waiting = [each for each in standings if each.wallet.status is not WalletStatus.ACTIVE]
    if standings and not waiting:
        console.print(f"all {len(standings)} accounts are active on {settings.stellar.network}")
        return 0
    platform = next((s for s in standings if s.wallet.role is WalletRole.PLATFORM), None)
    if platform is not None:
        channels = [s for s in standings if s.wallet.role is WalletRole.CHANNEL and not s.exists]
        needed = Money(_OWN_XLM.stroops + CHANNEL_XLM.level.stroops * len(channels))
        console.print(
            f"send at least {needed.two_places()} XLM to {platform.wallet.public_key} "
            f"on {settings.stellar.network}, then run this again (a running orchestrator "
            "continues by itself)"
        )
    return _EXIT_NOT_YET
