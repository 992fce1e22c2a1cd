"""`offerhub events`: the event stream, as it is stored."""

import json
from typing import Final

import click
import trio

from actors.event_filter import Names, NoPattern
from offerhub.cli.output import json_option
from offerhub.cli.start import load_or_exit
from offerhub.cli.storage import with_storage
from offerhub.domain.unit_of_work import CommittedEvent
from storage.port import Storage

_LOOK_S: Final = 0.5
_BATCH: Final = 200


@click.group("events")
def events_group() -> None:
    """Look at the events."""


@events_group.command("tail")
@click.option("--last", type=click.IntRange(0, 10_000), default=10, show_default=True)
@click.option("--follow/--no-follow", default=True, show_default=True)
@click.option("--types", help="As of the API: order.*,balance.credited")
@json_option
def tail_command(last: int, types: str | None, *, follow: bool, as_json: bool) -> None:
    """Print the newest events and every one that comes, until Ctrl-C.

    With --json each line is one event, as subscribers get it.
    """
    try:
        wanted = Names.parse(types.split(",") if types else ())
    except NoPattern as error:
        raise click.BadParameter(f"{error} is none of *, prefix.* and a type") from None

    async def tail(storage: Storage) -> None:
        place = max(0, await storage.last_sequence() - last)
        while True:
            found = await storage.events_after(place, _BATCH)
            for event in found:
                if wanted.have(event.type):
                    click.echo(event.body if as_json else _line(event))
            if found:
                place = found[-1].sequence
            elif not follow:
                return
            else:
                await trio.sleep(_LOOK_S)

    with_storage(load_or_exit(quiet=True), tail)


def _line(event: CommittedEvent) -> str:
    body = json.loads(event.body)
    payload = " ".join(f"{name}={value}" for name, value in body["payload"].items())
    return f"{event.sequence:>8}  {body['occurredAt']}  {event.type:<26}  {payload}"
