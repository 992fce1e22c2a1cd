"""`offerhub sandbox`: the local stand-in for Stellar and Trustless Work as a program of its own."""

import os
import signal
from functools import partial
from pathlib import Path

import click
import structlog
import trio

from actors.kernel import ungrouped
from offerhub.app import utc_now
from offerhub.cli.start import cannot_start
from offerhub.logs import configure_logging
from offerhub.sandbox import constants
from offerhub.sandbox.server import serve_sandbox
from storage.embedded import HomeInUse, hold_home

log = structlog.get_logger(__name__)


@click.command("sandbox")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4010,
    envvar="SANDBOX_PORT",
    show_default=True,
    help="Port on loopback; 0 picks a free one.",
)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".offerhub"),
    envvar="OFFERHUB_HOME",
    show_default=True,
    help="Where the chain is stored: sandbox.sqlite.",
)
@click.option(
    "--ledger-seconds",
    type=click.FloatRange(0.01, 60),
    default=1.0,
    envvar="SANDBOX_LEDGER_SECONDS",
    show_default=True,
    help="How often a ledger closes.",
)
def sandbox_command(port: int, home: Path, ledger_seconds: float) -> None:
    """Run only the stand-in for Stellar and Trustless Work, until Ctrl-C.

    Set STELLAR_HORIZON_URL to its address to point an orchestrator at it.
    """
    configure_logging(level="info", log_format="console")
    try:
        trio.run(partial(_run, port, home, ledger_seconds))
    except HomeInUse as error:
        cannot_start(str(error))
    except OSError as error:
        cannot_start(f"the sandbox cannot listen on port {port}: {error.strerror or error}")


async def _run(port: int, home: Path, ledger_seconds: float) -> None:
    with hold_home(home, "sandbox"), ungrouped():
        async with trio.open_nursery() as nursery:
            bound = await nursery.start(
                partial(
                    serve_sandbox,
                    port=port,
                    database_path=home / "sandbox.sqlite",
                    ledger_seconds=ledger_seconds,
                    clock=utc_now,
                    random_bytes=os.urandom,
                )
            )
            click.echo(f"sandbox     http://127.0.0.1:{bound}")
            click.echo(f"passphrase  {constants.SANDBOX_PASSPHRASE}")
            click.echo(f"USDC        {constants.ISSUER_ADDRESS}")
            click.echo(f"a ledger every {ledger_seconds:g} s; Ctrl-C stops it, the chain is kept")
            with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                await anext(signals)
            nursery.cancel_scope.cancel()
