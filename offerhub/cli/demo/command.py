"""The command: starts the instance, plays the story, closes the books, cleans up."""

import signal

import click
import structlog
import trio
import trio_asyncio

from actors.kernel import ungrouped
from offerhub.cli.demo.closing import close
from offerhub.cli.demo.dispute import DisputeAct
from offerhub.cli.demo.failure import DemoFailed
from offerhub.cli.demo.follower import Follower
from offerhub.cli.demo.instance import open_instance
from offerhub.cli.demo.narrator import Narrator
from offerhub.cli.demo.outsider import Chain
from offerhub.cli.demo.stage import Stage
from offerhub.cli.demo.story import Story
from offerhub.client import AsyncClient, ClientError
from offerhub.logs import configure_logging

log = structlog.get_logger(__name__)

_EXIT_FAILED = 1
_EXIT_INTERRUPTED = 130


@click.command("demo")
@click.option(
    "--ledger-seconds",
    type=click.FloatRange(0.02, 10),
    default=0.5,
    show_default=True,
    help="How often the sandbox closes a ledger.",
)
def demo_command(ledger_seconds: float) -> None:
    """Play a purchase from deposit to withdrawal and a dispute that is split, and compare the ledger with the chain.

    Starts everything in a temporary home and removes it again. Exits 0 only if every figure
    agrees.
    """
    configure_logging(level="warning", log_format="console")
    raise SystemExit(trio.run(_demo, ledger_seconds))


async def _demo(ledger_seconds: float) -> int:
    narrator = Narrator()
    interrupted = False
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        try:
            with ungrouped():
                async with trio.open_nursery() as nursery:

                    async def interrupt() -> None:
                        nonlocal interrupted
                        await anext(signals)
                        interrupted = True
                        narrator.bad("interrupted: stopping everything")
                        nursery.cancel_scope.cancel()

                    nursery.start_soon(interrupt)
                    await _play(narrator, ledger_seconds)
                    nursery.cancel_scope.cancel()
        except DemoFailed as failed:
            narrator.bad(str(failed))
            return _EXIT_FAILED
    return _EXIT_INTERRUPTED if interrupted else 0


async def _play(narrator: Narrator, ledger_seconds: float) -> None:
    narrator.title(
        "OFFER-HUB Orchestrator: a purchase from deposit to withdrawal, and a dispute",
        "A real orchestrator with its own PostgreSQL and Redis, on a local stand-in for Stellar and",
        f"Trustless Work that closes a ledger every {ledger_seconds:g} s. It is all removed at the end.",
    )
    narrator.step("Start", "an empty home, on free ports")
    async with open_instance(ledger_seconds) as instance, trio_asyncio.open_loop():
        narrator.fact("API", instance.url)
        narrator.fact("sandbox", instance.sandbox)
        client = AsyncClient(instance.url, instance.master_key)
        chain = Chain(instance.sandbox)
        stage = Stage(client, chain, Follower(client, narrator.event), narrator)
        try:
            with ungrouped():
                async with trio.open_nursery() as nursery:
                    await nursery.start(stage.follower.run)
                    purchase = await Story(stage).play()
                    settled = await DisputeAct(stage, purchase).play()
                    await close(instance, stage, purchase, settled)
                    nursery.cancel_scope.cancel()
        except ClientError as error:
            raise DemoFailed(str(error)) from error
        finally:
            with trio.move_on_after(2, shield=True):
                await client.aclose()
                await chain.aclose()
        played_s = narrator.seconds
    narrator.good(f"finished in {played_s:.1f} s; everything is stopped and removed")
