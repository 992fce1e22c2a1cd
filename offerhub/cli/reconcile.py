"""`offerhub reconcile`: all wallets, contracts and the treasury, held against the chain now."""

from collections.abc import Mapping
from typing import Any, Final

import click

from actors.reconcile_commands import RECONCILE
from offerhub.cli import exits
from offerhub.cli.commanding import send
from offerhub.cli.output import json_option, print_fields, print_json, print_rows
from offerhub.cli.start import load_or_exit

_FINDING: Final = {
    "subject": "what",
    "onChain": "on chain",
    "booked": "booked",
    "inFlight": "on its way",
    "difference": "difference",
}


@click.command("reconcile")
@json_option
def reconcile_command(*, as_json: bool) -> None:
    """Compare every wallet, every contract and the treasury with the chain, and list what differs.

    The running process does the same every RECONCILE_SECONDS. Ends with 1 if something differs, or
    could not be looked at.
    """
    report: Mapping[str, Any] = send(
        load_or_exit(quiet=True), RECONCILE, {}, doing="comparing", progress=_progress
    )
    if as_json:
        print_json(report)
    else:
        _print(report)
    if not report["clean"]:
        raise SystemExit(exits.REFUSED)


def _print(report: Mapping[str, Any]) -> None:
    print_fields(
        {
            **report["compared"],
            "platform's XLM": report["platformXlm"],
            "parked": report["parked"],
            "differences": len(report["differences"]),
            "surpluses": len(report["surpluses"]),
            "not at rest": " ".join(report["unsettled"]),
            "not compared": "; ".join(f"{part}: {why}" for part, why in report["skipped"].items()),
        },
        as_json=False,
    )
    for findings, heading in (("differences", "DIFFERENCES"), ("surpluses", "surpluses")):
        if report[findings]:
            click.echo(f"\n{heading}")
            print_rows(report[findings], _FINDING, as_json=False)


def _progress(compared: Mapping[str, object]) -> str:
    return "compared " + ", ".join(f"{number} {kind}" for kind, number in compared.items())
