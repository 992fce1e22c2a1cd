"""`offerhub`: the commands and what they have in common."""

import click

import offerhub
from offerhub.cli.audit import audit_group
from offerhub.cli.bootstrap import bootstrap_command
from offerhub.cli.completion import completion_command
from offerhub.cli.config import config_group
from offerhub.cli.demo import demo_command
from offerhub.cli.doctor import doctor_command
from offerhub.cli.events import events_group
from offerhub.cli.failures import Failing
from offerhub.cli.history import history_group
from offerhub.cli.keys import keys_group
from offerhub.cli.ledger import ledger_group
from offerhub.cli.maintenance import maintenance_group
from offerhub.cli.migrate import migrate_command
from offerhub.cli.operations import operations_command
from offerhub.cli.orders import orders_group
from offerhub.cli.parked import parked_group
from offerhub.cli.reconcile import reconcile_command
from offerhub.cli.run import run_command
from offerhub.cli.sandbox import sandbox_command
from offerhub.cli.users import users_group
from offerhub.cli.wallets import wallets_group


@click.group(cls=Failing, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(offerhub.__version__, "-V", "--version", prog_name="offerhub")
def main() -> None:
    """OFFER-HUB Orchestrator: balances, orders and on-chain escrow for one marketplace.

    Settings are environment variables or a .env file: see docs/settings.md.
    """


main.add_command(run_command)
main.add_command(sandbox_command)
main.add_command(demo_command)
main.add_command(bootstrap_command)
main.add_command(audit_group)
main.add_command(history_group)
main.add_command(operations_command)
main.add_command(orders_group)
main.add_command(maintenance_group)
main.add_command(keys_group)
main.add_command(completion_command)
main.add_command(config_group)
main.add_command(events_group)
main.add_command(migrate_command)
main.add_command(users_group)
main.add_command(ledger_group)
main.add_command(parked_group)
main.add_command(reconcile_command)
main.add_command(wallets_group)
main.add_command(doctor_command)
