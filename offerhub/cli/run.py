"""`offerhub run`: the process."""

import click
import structlog
from rich.console import Console
from rich.markup import escape

import offerhub
from actors.kernel import TooManyRestarts
from offerhub import app
from offerhub.cli import exits
from offerhub.cli.start import cannot_start, load_or_exit
from offerhub.settings import Settings

log = structlog.get_logger(__name__)

_EXIT_GAVE_UP = 1
EXIT_DISPLACED = exits.DISPLACED
"""Not to be restarted: it would displace its successor (docs/operations.md)."""


@click.command("run")
def run_command() -> None:
    """Run the orchestrator, with its embedded servers and the sandbox where none are given."""
    settings = load_or_exit()
    if settings.logs.format == "console":
        click.echo("OFFER-HUB Orchestrator is starting …", err=True)
    try:
        app.run(settings, lambda ready: _announce(settings, ready))
    except app.StartFailed as failed:
        cannot_start(str(failed))
    except TooManyRestarts as gave_up:
        click.echo(f"offerhub gave up: {gave_up}", err=True)
        raise SystemExit(_EXIT_GAVE_UP) from None
    except app.Displaced:
        click.echo("offerhub ended: another process has taken over its database", err=True)
        raise SystemExit(EXIT_DISPLACED) from None
    except app.Killed:
        click.echo("offerhub was killed before it had finished stopping", err=True)
        raise SystemExit(_EXIT_GAVE_UP) from None
    if settings.logs.format == "console":
        click.echo("stopped", err=True)


def _announce(settings: Settings, ready: app.Ready) -> None:
    """Print where everything is; never a secret."""
    if settings.logs.format != "console":
        log.info("process.ready", url=ready.base_url, sandbox=ready.sandbox_url)
        return
    lines = [("API", ready.base_url), ("documentation", f"{ready.base_url}/docs")]
    if ready.sandbox_url is not None:
        lines.append(("sandbox", f"{ready.sandbox_url}  (Horizon, Trustless Work, faucet)"))
    lines += [
        ("network", settings.stellar.network),
        ("PostgreSQL", "embedded" if settings.database_url is None else "DATABASE_URL"),
        ("Redis", "embedded" if settings.redis_url is None else "REDIS_URL"),
        ("home", str(settings.home)),
    ]
    kept = settings.home / "secrets" / "master_key"
    if kept.is_file() and settings.environment == "development":
        lines.append(("master key", f"in {kept}"))
    width = max(len(name) for name, _ in lines) + 2
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"\n  [bold]OFFER-HUB Orchestrator[/bold] {offerhub.__version__} is ready\n")
    for name, value in lines:
        console.print(f"  [dim]{name:{width}}[/dim]{escape(value)}")
    console.print("\n  [dim]Ctrl-C stops it; the next start continues where it left off.[/dim]\n")
