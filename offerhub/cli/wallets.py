"""`offerhub wallets`: the seeds of the wallets under a new encryption key."""

from collections.abc import Mapping

import click

from actors.wallet_commands import ROTATE
from offerhub.cli import exits
from offerhub.cli.commanding import send
from offerhub.cli.failures import refuse
from offerhub.cli.output import json_option, print_done
from offerhub.cli.start import load_or_exit


@click.group("wallets")
def wallets_group() -> None:
    """Look after the users' wallets."""


@wallets_group.command("rotate-key")
@json_option
def rotate_key_command(*, as_json: bool) -> None:
    """Seal every seed under WALLET_ENCRYPTION_KEY; beside the running process, which goes on.

    First give the new key as WALLET_ENCRYPTION_KEY and the old one in WALLET_ENCRYPTION_KEYS_OLD,
    and restart. Interrupted, it goes on by itself, or with the next call. Exits 1 if seeds are left
    that no configured key opens; otherwise the old key is needed no more.
    """
    done = send(
        load_or_exit(quiet=True),
        ROTATE,
        {},
        doing="sealing the seeds under the present key",
        progress=_progress,
    )
    print_done(f"{done['resealed']} seeds were sealed under the present key", done, as_json=as_json)
    if done["leftCount"]:
        refuse(
            f"{done['leftCount']} seeds are left that no configured key opens: give their key in "
            "WALLET_ENCRYPTION_KEYS_OLD, restart, and run this again",
            exits.REFUSED,
        )
    if not as_json:
        click.echo("the old key can be taken out of WALLET_ENCRYPTION_KEYS_OLD", err=True)


def _progress(reported: Mapping[str, object]) -> str:
    return f"{reported.get('done')} of {reported.get('total')} seeds"
